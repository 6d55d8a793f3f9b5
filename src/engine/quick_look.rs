//! A quick look at a recording: a minute of it, in pieces that are spread evenly, in place of all of it.

use crate::dsp::Segment;
use crate::model::Loaded;
use crate::protocol::{Coverage, QuickLook};

/// How much is heard of a longer recording, in seconds. The first piece may come on top.
const SECONDS: f64 = 60.0;
/// Pieces are at least so long, in seconds, and at least a window of the network.
const LEAST_PIECE_SECONDS: f64 = 6.0;

/// Chooses what is heard as the segments come.
#[derive(Debug)]
pub(super) struct Pieces {
    coverage: Coverage,
    seconds_per_column: f64,
    /// The shortest piece, in seconds.
    least: f64,
    /// The share of the recording that is heard; `None` before the first segment.
    share: Option<f64>,
    /// What should have been heard by now and was not, in seconds.
    owed: f64,
    heard: f64,
}

impl Pieces {
    pub(super) fn new(coverage: Coverage, loaded: &Loaded) -> Self {
        let seconds_per_column = loaded.front_end().seconds_per_column();
        Self::of(coverage, loaded.windowing().frames as f64 * seconds_per_column, seconds_per_column)
    }

    fn of(coverage: Coverage, window: f64, seconds_per_column: f64) -> Self {
        let least = LEAST_PIECE_SECONDS.max(window);
        // So much is owed at once that the first segment has a piece: a length may be wrong, and something must be heard.
        Self { coverage, seconds_per_column, least, share: None, owed: least, heard: 0.0 }
    }

    /// What is heard of the next segment: all of it, a piece in its middle, or nothing. `duration_seconds` is the length of the
    /// recording as far as it is known; of a short one, or one of unknown length, everything is heard.
    pub(super) fn next(&mut self, segment: Segment, duration_seconds: Option<f64>) -> Option<Segment> {
        let whole = || duration_seconds.filter(|&seconds| seconds > SECONDS);
        let share = *self.share.get_or_insert_with(|| match self.coverage {
            Coverage::QuickLook => whole().map_or(1.0, |seconds| SECONDS / seconds),
            Coverage::Whole => 1.0,
        });
        let length = segment.columns as f64 * self.seconds_per_column;
        if share >= 1.0 {
            return Some(segment);
        }
        self.owed += length * share;
        if self.owed < self.least {
            return None;
        }
        // Rounded up: a window fits.
        let columns = ((self.owed / self.seconds_per_column).ceil() as usize).min(segment.columns);
        let seconds = columns as f64 * self.seconds_per_column;
        self.owed = (self.owed - seconds).max(0.0);
        self.heard += seconds;
        let first = (segment.columns - columns) / 2;
        Some(Segment {
            start_seconds: segment.start_seconds + first as f64 * self.seconds_per_column,
            columns,
            bands: segment.bands,
            values: segment.values[first * segment.bands..(first + columns) * segment.bands].to_vec(),
        })
    }

    /// What was heard of a recording of this length, for the user; `None` if that is all of it.
    pub(super) fn summary(&self, duration_seconds: f64) -> Option<QuickLook> {
        let is_part = self.share.is_some_and(|share| share < 1.0);
        is_part.then_some(QuickLook { heard_seconds: self.heard, duration_seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The starts and the lengths of the pieces of a recording of so many seconds, in segments of 30 s with ten columns a
    /// second.
    fn pieces(stated: f64, seconds: usize, window: f64) -> Vec<(f64, f64)> {
        let mut pieces = Pieces::of(Coverage::QuickLook, window, 0.1);
        let segment = |start: usize| {
            let columns = (seconds - start).min(30) * 10;
            Segment { start_seconds: start as f64, columns, bands: 2, values: vec![0.5; 2 * columns] }
        };
        let found: Vec<Segment> =
            (0..seconds).step_by(30).filter_map(|start| pieces.next(segment(start), Some(stated))).collect();
        assert!(found.iter().all(|piece| piece.values.len() == 2 * piece.columns));
        let heard: f64 = found.iter().map(|piece| piece.columns as f64 / 10.0).sum();
        assert!((pieces.summary(seconds as f64).unwrap().heard_seconds - heard).abs() < 1e-9);
        found.iter().map(|piece| (piece.start_seconds, piece.columns as f64 / 10.0)).collect()
    }

    #[test]
    fn a_song_is_heard_in_every_segment() {
        let found = pieces(240.0, 240, 3.0);
        assert_eq!(found.len(), 8);
        // In the middle of the second segment.
        assert!((found[1].0 - 41.2).abs() < 0.11 && (found[1].1 - 7.5).abs() < 0.11, "{found:?}");
        let heard: f64 = found.iter().map(|piece| piece.1).sum();
        assert!((heard - 66.0).abs() < 1.0, "{heard}");
    }

    #[test]
    fn an_hour_is_heard_here_and_there() {
        let found = pieces(3600.0, 3600, 3.0);
        let heard: f64 = found.iter().map(|piece| piece.1).sum();
        assert!((60.0..70.0).contains(&heard), "{heard}");
        assert!(found.iter().all(|piece| piece.1 >= 6.0));
        assert!(found.windows(2).all(|pair| (300.0..420.0).contains(&(pair[1].0 - pair[0].0))), "{found:?}");
    }

    #[test]
    fn pieces_hold_a_window() {
        assert!(pieces(600.0, 600, 11.6).iter().all(|piece| piece.1 >= 11.6));
        // As long as a segment.
        assert!(pieces(600.0, 600, 30.0).iter().all(|piece| piece.1 == 30.0));
    }

    #[test]
    fn a_recording_that_is_shorter_than_it_says_is_heard() {
        assert_eq!(pieces(36_000.0, 12, 3.0).len(), 1);
    }

    #[test]
    fn what_is_short_or_of_unknown_length_is_heard_whole() {
        let segment = Segment { start_seconds: 0.0, columns: 300, bands: 2, values: vec![0.5; 600] };
        for (coverage, duration) in
            [(Coverage::QuickLook, Some(60.0)), (Coverage::QuickLook, None), (Coverage::Whole, Some(3600.0))]
        {
            let mut pieces = Pieces::of(coverage, 3.0, 0.1);
            assert_eq!(pieces.next(segment.clone(), duration).as_ref(), Some(&segment));
            assert!(pieces.summary(60.0).is_none());
        }
    }
}
