//! A recording on the GPU engine: its windows are launched in batches, and many of them are read back at once.

use super::{Place, checked};
use crate::dsp::Segment;
use crate::engine::{EngineError, Host, pause};
use crate::model::Loaded;
use crate::model::in_flight::InFlight;
use crate::protocol::PredictedWindow;

/// The windows of one recording.
pub(in crate::engine) struct LaunchedSong<'a> {
    loaded: &'a Loaded,
    in_flight: InFlight<'a, Place>,
    pace: Pace,
    predicted: Vec<PredictedWindow>,
}

impl<'a> LaunchedSong<'a> {
    pub(super) fn new(loaded: &'a Loaded) -> Self {
        Self { loaded, in_flight: InFlight::new(loaded), pace: Pace::default(), predicted: Vec::new() }
    }

    /// Launches the windows of the next segment, and reads older ones where that does not keep the device waiting.
    pub(super) async fn add<H: Host>(
        &mut self,
        segment: Segment,
        is_last: bool,
        host: &mut H,
        mut on_batch: impl FnMut(f64, &mut H),
    ) -> Result<(), EngineError> {
        let windowing = self.loaded.windowing();
        let seconds = segment.columns as f64 * self.loaded.front_end().seconds_per_column();
        let segment = [windowing.prepare(segment)];
        for spans in windowing.spans(&segment).chunks(self.loaded.windows_per_launch()) {
            on_batch(self.predicted_seconds(), host);
            pause(host).await?;
            for &span in spans {
                self.in_flight.push(&segment[0], span, Place::of(&segment[0], seconds, span));
            }
        }
        if !is_last && self.pace.ends_group(host.now_milliseconds()) {
            self.in_flight.begin_reading();
            // Two groups are in flight: while the device computes this one, the one before is read and the next decoded.
            if self.in_flight.readings() > 1 {
                self.read().await?;
            }
        }
        Ok(())
    }

    /// Waits for all windows that are left.
    pub(super) async fn finish(&mut self) -> Result<(), EngineError> {
        self.in_flight.launch_waiting();
        self.in_flight.begin_reading();
        while self.in_flight.readings() > 0 {
            self.read().await?;
        }
        Ok(())
    }

    pub(super) fn windows(&self) -> &[PredictedWindow] {
        &self.predicted
    }

    pub(super) fn predicted_seconds(&self) -> f64 {
        self.predicted.last().map_or(0.0, |window| window.scores.end_seconds)
    }

    async fn read(&mut self) -> Result<(), EngineError> {
        self.predicted.extend(checked(self.loaded, self.in_flight.read().await?)?);
        Ok(())
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
}
