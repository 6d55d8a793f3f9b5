//! How the segments of a recording that is classified go through the network: on the CPU engine each is waited for, by this
//! worker or by another ([`shared`]); on the GPU engine they are launched without waiting, as far as the recording allows
//! ([`launched`]).

mod launched;
mod shared;

use self::launched::LaunchedSong;
use self::shared::SharedSong;
pub(super) use self::shared::predict_segment;
use super::{EngineError, Host};
use crate::dsp::Segment;
use crate::model::Loaded;
use crate::model::loaded::WindowPrediction;
use crate::model::windows::WindowSpan;
use crate::protocol::{EngineKind, PredictedWindow, WindowScores};

/// The predictions for the segments of one recording.
pub(super) enum Song<'a> {
    Shared(SharedSong<'a>),
    Launched(LaunchedSong<'a>),
}

impl<'a> Song<'a> {
    pub(super) fn new(kind: EngineKind, loaded: &'a Loaded) -> Self {
        match kind {
            EngineKind::Cpu => Self::Shared(SharedSong::new(loaded)),
            EngineKind::Gpu => Self::Launched(LaunchedSong::new(loaded)),
        }
    }

    /// Takes the next segment; `is_last` if the recording ends with it. `on_batch` is called before every batch, with the
    /// length that is predicted, in seconds.
    ///
    /// # Errors
    ///
    /// [`EngineError::NotFinite`], [`EngineError::Cancelled`], or [`EngineError::Device`] if the device was lost.
    pub(super) async fn add<H: Host>(
        &mut self,
        segment: Segment,
        is_last: bool,
        host: &mut H,
        on_batch: impl FnMut(f64, &mut H),
    ) -> Result<(), EngineError> {
        match self {
            Self::Shared(song) => song.add(segment, host, on_batch).await,
            Self::Launched(song) => song.add(segment, is_last, host, on_batch).await,
        }
    }

    /// The recording is over: waits for all windows that are left. `on_progress` is called now and then, with the length
    /// that is predicted, in seconds.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub(super) async fn finish<H: Host>(
        &mut self,
        host: &mut H,
        on_progress: impl FnMut(f64, &mut H),
    ) -> Result<(), EngineError> {
        match self {
            Self::Shared(song) => song.finish(host, on_progress).await,
            Self::Launched(song) => song.finish().await,
        }
    }

    /// The windows before the first that is not predicted yet, in order of time.
    pub(super) fn windows(&self) -> Vec<&PredictedWindow> {
        match self {
            Self::Shared(song) => song.windows(),
            Self::Launched(song) => song.windows().iter().collect(),
        }
    }

    /// True before the first segment is predicted.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Shared(song) => song.is_empty(),
            Self::Launched(song) => song.windows().is_empty(),
        }
    }

    /// Length of the predicted segments, in seconds.
    pub(super) fn predicted_seconds(&self) -> f64 {
        match self {
            Self::Shared(song) => song.predicted_seconds(),
            Self::Launched(song) => song.predicted_seconds(),
        }
    }
}

/// Where a window lies in its recording, in seconds.
#[derive(Debug, Clone, Copy)]
struct Place {
    start_seconds: f64,
    end_seconds: f64,
}

impl Place {
    /// The place of a window of a prepared segment, which was so many seconds long.
    fn of(segment: &Segment, seconds: f64, span: WindowSpan) -> Self {
        // The last window may reach beyond the end of the segment.
        let share = |column: usize| column.min(segment.columns) as f64 / segment.columns as f64;
        let at = |column: usize| segment.start_seconds + seconds * share(column);
        Self { start_seconds: at(span.start), end_seconds: at(span.start + span.columns) }
    }
}

/// Windows with their places, unless the network gave no numbers.
fn checked(
    loaded: &Loaded,
    windows: impl IntoIterator<Item = (Place, WindowPrediction)>,
) -> Result<Vec<PredictedWindow>, EngineError> {
    let window = |(Place { start_seconds, end_seconds }, prediction): (Place, WindowPrediction)| {
        let WindowPrediction { probabilities, tags } = prediction;
        if probabilities.iter().all(|value| value.is_finite()) {
            Ok(PredictedWindow { scores: WindowScores { start_seconds, end_seconds, probabilities }, tags })
        } else {
            Err(EngineError::NotFinite { network: loaded.card.name.clone() })
        }
    };
    windows.into_iter().map(window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lies_within_its_recording() {
        let segment = Segment { start_seconds: 30.0, columns: 40, bands: 1, values: vec![0.0; 40] };
        let place = Place::of(&segment, 4.0, WindowSpan { segment: 0, start: 30, columns: 20 });
        assert_eq!((place.start_seconds, place.end_seconds), (33.0, 34.0));
    }
}
