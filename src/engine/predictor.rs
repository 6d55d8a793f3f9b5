//! How a recording's windows go through a network: on the CPU engine in batches, each of which is waited for; on the GPU
//! engine without waiting, as far as the recording allows.

use super::{EngineError, Host};
use crate::dsp::Segment;
use crate::model::Loaded;
use crate::model::in_flight::InFlight;
use crate::model::loaded::WindowPrediction;
use crate::model::predict::AdaptiveBatch;
use crate::model::windows::WindowSpan;
use crate::protocol::{EngineKind, WindowScores};

/// A window and the tags that every backbone predicts for it.
pub(super) type WindowAndTags = (WindowScores, Vec<Vec<f32>>);

/// Predicts the windows of one recording, in their order.
pub(super) struct Predictor<'a> {
    loaded: &'a Loaded,
    way: Way<'a>,
}

enum Way<'a> {
    /// Small batches on a browser's CPU engine, where a cancel is noticed only between them.
    Batches(AdaptiveBatch),
    InFlight {
        windows: InFlight<'a, Place>,
        pace: Pace,
    },
}

/// Where a window lies in its recording, in seconds.
#[derive(Debug, Clone, Copy)]
struct Place {
    start_seconds: f64,
    end_seconds: f64,
}

impl<'a> Predictor<'a> {
    pub(super) fn new(kind: EngineKind, loaded: &'a Loaded) -> Self {
        let way = match kind {
            EngineKind::Cpu => Way::Batches(AdaptiveBatch::new(&loaded.network().device())),
            EngineKind::Gpu => Way::InFlight { windows: InFlight::new(loaded), pace: Pace::default() },
        };
        Self { loaded, way }
    }

    /// Takes the next of these windows of a prepared segment, which is so many seconds long, and returns those that are
    /// predicted; `now` is in milliseconds.
    ///
    /// # Errors
    ///
    /// [`EngineError::NotFinite`], or [`EngineError::Device`] if the device was lost.
    pub(super) async fn predict(
        &mut self,
        segment: &Segment,
        seconds: f64,
        spans: &mut &[WindowSpan],
        now: f64,
    ) -> Result<Vec<WindowAndTags>, EngineError> {
        let found = match &mut self.way {
            Way::Batches(batch) => {
                let spans = batch.take(spans, now);
                let predictions = self.loaded.predict(std::slice::from_ref(segment), spans).await?;
                spans.iter().map(|&span| Place::of(segment, seconds, span)).zip(predictions).collect()
            }
            Way::InFlight { windows, .. } => {
                // So many as one launch takes: the caller pauses after it.
                let (next, others) = spans.split_at(self.loaded.windows_per_launch().min(spans.len()));
                *spans = others;
                for &span in next {
                    windows.push(segment, span, Place::of(segment, seconds, span));
                }
                Vec::new()
            }
        };
        self.checked(found)
    }

    /// All windows of a segment are taken, and the recording goes on; returns windows that are predicted meanwhile.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub(super) async fn segment_ends(&mut self, host: &impl Host) -> Result<Vec<WindowAndTags>, EngineError> {
        let Way::InFlight { windows, pace } = &mut self.way else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        if pace.ends_group(host.now_milliseconds()) {
            windows.begin_reading();
            // Two groups are in flight: while the device computes this one, the one before is read and the next decoded.
            if windows.readings() > 1 {
                found = windows.read().await?;
            }
        }
        self.checked(found)
    }

    /// The recording is over: waits for all windows that are left.
    ///
    /// # Errors
    ///
    /// As [`predict`](Self::predict).
    pub(super) async fn finish(&mut self) -> Result<Vec<WindowAndTags>, EngineError> {
        let Way::InFlight { windows, .. } = &mut self.way else { return Ok(Vec::new()) };
        windows.launch_waiting();
        windows.begin_reading();
        let mut found = Vec::new();
        while windows.readings() > 0 {
            found.extend(windows.read().await?);
        }
        self.checked(found)
    }

    /// Windows with their places, unless the network gave no numbers.
    fn checked(&self, found: Vec<(Place, WindowPrediction)>) -> Result<Vec<WindowAndTags>, EngineError> {
        if found.iter().flat_map(|(_, window)| &window.probabilities).any(|value| !value.is_finite()) {
            return Err(EngineError::NotFinite { network: self.loaded.card.name.clone() });
        }
        let window = |(Place { start_seconds, end_seconds }, prediction): (Place, WindowPrediction)| {
            (WindowScores { start_seconds, end_seconds, probabilities: prediction.probabilities }, prediction.tags)
        };
        Ok(found.into_iter().map(window).collect())
    }
}

impl Place {
    /// The place of a window of a segment, which is so many seconds long.
    fn of(segment: &Segment, seconds: f64, span: WindowSpan) -> Self {
        // The last window may reach beyond the end of the segment.
        let share = |column: usize| column.min(segment.columns) as f64 / segment.columns as f64;
        let at = |column: usize| segment.start_seconds + seconds * share(column);
        Self { start_seconds: at(span.start), end_seconds: at(span.start + span.columns) }
    }
}

/// How many segments are read back at once: as few as give the user something to see now and then.
#[derive(Debug)]
struct Pace {
    /// Segments of a group.
    group: usize,
    /// Segments of the group that is being launched.
    launched: usize,
    /// When the last group ended, in milliseconds.
    ended: Option<f64>,
}

impl Default for Pace {
    /// The first group is one segment: how fast the device is, is not known yet.
    fn default() -> Self {
        Self { group: 1, launched: 0, ended: None }
    }
}

impl Pace {
    const LARGEST_GROUP: usize = 8;
    /// A group that takes less than this is followed by one twice as large, in milliseconds.
    const SHORT_MILLISECONDS: f64 = 300.0;
    /// A group that takes more than this is followed by one half as large, in milliseconds.
    const LONG_MILLISECONDS: f64 = 1_000.0;

    /// Counts a segment: true if it is the last of its group. `now` is in milliseconds.
    fn ends_group(&mut self, now: f64) -> bool {
        self.launched += 1;
        if self.launched < self.group {
            return false;
        }
        self.launched = 0;
        self.group = match self.ended.replace(now).map(|ended| now - ended) {
            Some(took) if took < Self::SHORT_MILLISECONDS => (2 * self.group).min(Self::LARGEST_GROUP),
            Some(took) if took > Self::LONG_MILLISECONDS => (self.group / 2).max(1),
            _ => self.group,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_grow_on_a_fast_device_and_shrink_on_a_slow_one() {
        let mut pace = Pace::default();
        let mut now = 0.0;
        let mut segments_of_group = |milliseconds: f64| {
            now += milliseconds;
            (1..).find(|_| pace.ends_group(now)).unwrap()
        };
        assert_eq!([0.0, 100.0, 100.0, 100.0, 100.0, 100.0].map(&mut segments_of_group), [1, 1, 2, 4, 8, 8]);
        assert_eq!([500.0, 5000.0, 5000.0, 500.0].map(&mut segments_of_group), [8, 8, 4, 2]);
    }

    #[test]
    fn a_window_lies_within_its_recording() {
        let segment = Segment { start_seconds: 30.0, columns: 40, bands: 1, values: vec![0.0; 40] };
        let place = Place::of(&segment, 4.0, WindowSpan { segment: 0, start: 30, columns: 20 });
        assert_eq!((place.start_seconds, place.end_seconds), (33.0, 34.0));
    }
}
