//! The stretches of a recording that are scaled together, as networks hear them.

use super::stft::db_from_power;
use super::{Columns, FrontEnd, MelSpectrogram};

/// Frame counts of a clip of about 30 s at 22 050 Hz and a hop of 512, and the columns they are spread over.
const CLIP_FRAMES: std::ops::RangeInclusive<usize> = 1290..=1300;
const CLIP_COLUMNS: f64 = 387.5;

/// A remainder up to this long goes with the segment before it, in seconds.
const SHORTEST_REMAINDER_SECONDS: f64 = 1.0;

/// Columns of log-mel values that were scaled together.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Where it starts in the recording, in seconds.
    pub start_seconds: f64,
    /// Columns.
    pub columns: usize,
    /// Mel bands.
    pub bands: usize,
    /// 0 (the quietest of what was scaled together) to 1 (the loudest), row-major `[column, band]`, low band first.
    pub values: Vec<f32>,
}

/// Cuts a recording into segments of the front end's length, each scaled on its own: decibels below its maximum, no
/// lower than `top_db`, brought to 0..1. A shorter recording is one segment. Maximum and minimum are those of all
/// frames, also of those that are no column: that is how the stored GTZAN features were made (over the columns alone
/// some tracks are 1 to 2 dB off).
///
/// What remains at the end is scaled with as much before it as makes a whole segment, so that a fading end is not
/// raised to full level; a remainder of up to a second goes with the segment before it. No column is given twice.
pub fn segments(mel: &MelSpectrogram, front_end: &FrontEnd) -> Vec<Segment> {
    let length = (front_end.segment_seconds / mel.hop_seconds).round() as usize;
    let shortest = (SHORTEST_REMAINDER_SECONDS / mel.hop_seconds).round() as usize;
    let mut found = Vec::new();
    let mut start = 0;
    while start < mel.frames {
        let rest = mel.frames - start;
        let end = if rest <= length + shortest { mel.frames } else { start + length };
        // The last one may be short: it is scaled over a whole segment's length that ends with it.
        let scaled_from = start.min(end.saturating_sub(length));
        found.push(segment(mel, front_end, scaled_from, start, end));
        start = end;
    }
    found
}

/// The columns of frames `start..end`, scaled over `scaled_from..end`.
fn segment(mel: &MelSpectrogram, front_end: &FrontEnd, scaled_from: usize, start: usize, end: usize) -> Segment {
    let bands = mel.bands;
    let scale = Scale::over(&mel.power[scaled_from * bands..end * bands], front_end.top_db);
    let row = |frame: usize| &mel.power[(start + frame) * bands..(start + frame + 1) * bands];
    let power = columns(front_end, end - start).flat_map(row);
    let values: Vec<f32> = power.map(|&power| scale.apply(power)).collect();
    let start_seconds = start as f64 * mel.hop_seconds;
    Segment { start_seconds, columns: values.len() / bands, bands, values }
}

/// Power to 0..1: 1 is the loudest of what it was made over, 0 the quietest or `top_db` below the loudest.
struct Scale {
    lowest_db: f32,
    range_db: f32,
}

impl Scale {
    fn over(power: &[f32], top_db: f32) -> Self {
        let (low, high) = power.iter().fold((f32::INFINITY, 0.0_f32), |(low, high), &p| (low.min(p), high.max(p)));
        let highest_db = db_from_power(high);
        let lowest_db = db_from_power(low).max(highest_db - top_db).min(highest_db);
        Self { lowest_db, range_db: highest_db - lowest_db }
    }

    fn apply(&self, power: f32) -> f32 {
        let range_db = self.range_db.max(f32::MIN_POSITIVE); // silence has none, and is all 0
        ((db_from_power(power) - self.lowest_db) / range_db).clamp(0.0, 1.0)
    }
}

/// The frames that the columns of so many frames fall on.
fn columns(front_end: &FrontEnd, frames: usize) -> impl Iterator<Item = usize> {
    let (offset, step) = match front_end.columns {
        Columns::Every => (0.0, 1.0),
        Columns::Spread { .. } if CLIP_FRAMES.contains(&frames) => (0.5, frames as f64 / CLIP_COLUMNS),
        Columns::Spread { frames_per_column } => (0.5, frames_per_column),
    };
    (0..).map(move |column| ((f64::from(column) + offset) * step) as usize).take_while(move |&frame| frame < frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT_END: FrontEnd = FrontEnd::GTZAN_LOGMEL;

    /// A spectrogram whose power rises from frame to frame.
    fn rising(frames: usize) -> MelSpectrogram {
        let power = (0..frames * 2).map(|index| 1.0 + (index / 2) as f32).collect();
        MelSpectrogram { power, frames, bands: 2, hop_seconds: FRONT_END.hop_seconds() }
    }

    #[test]
    fn a_clip_of_thirty_seconds_is_one_segment_of_387_columns() {
        for frames in 1293..=1298 {
            let found = segments(&rising(frames), &FRONT_END);
            assert_eq!((found.len(), found[0].columns), (1, 387), "{frames} frames");
        }
    }

    /// The definition in whole numbers: floor((c + 0.5) · N / 387.5) = floor((2 c + 1) · N / 775).
    #[test]
    fn the_columns_of_a_clip_are_those_of_the_stored_features() {
        for frames in 1293..=1298 {
            let found: Vec<usize> = columns(&FRONT_END, frames).collect();
            let defined: Vec<usize> = (0..387).map(|column| (2 * column + 1) * frames / 775).collect();
            assert_eq!(found, defined, "{frames} frames");
        }
    }

    #[test]
    fn columns_are_the_documented_frames() {
        let frames: Vec<usize> = columns(&FRONT_END, 1293).collect();
        assert_eq!(frames[..4], [1, 5, 8, 11]);
        assert_eq!(frames[386], (386.5 * 1293.0 / 387.5) as usize);
        let short: Vec<usize> = columns(&FRONT_END, 100).collect();
        assert_eq!((short[0], short[1], short.len()), (1, 5, 30));
    }

    #[test]
    fn a_long_recording_is_cut_without_a_gap_or_an_overlap() {
        // 75 s: 30, 30 and 15.
        let found = segments(&rising(3230), &FRONT_END);
        assert_eq!(found.len(), 3);
        for (index, segment) in found.iter().enumerate() {
            assert!((segment.start_seconds - 30.0 * index as f64).abs() < 0.05);
        }
        let columns: usize = found.iter().map(|segment| segment.columns).sum();
        assert!((columns as f64 * FRONT_END.seconds_per_column() - 75.0).abs() < 0.2);
    }

    #[test]
    fn a_remainder_is_scaled_with_what_comes_before_it() {
        let found = segments(&rising(3230), &FRONT_END);
        // The power only rises, so the remainder begins far above the quietest of the 30 s that it is scaled with.
        assert!(found[2].values[0] > 0.3, "{}", found[2].values[0]);
        assert_eq!(found[2].values.last(), Some(&1.0));
    }

    #[test]
    fn a_remainder_under_a_second_joins_the_segment_before() {
        assert_eq!(segments(&rising(1292 + 30), &FRONT_END).len(), 1);
        assert_eq!(segments(&rising(1292 + 60), &FRONT_END).len(), 2);
    }

    #[test]
    fn values_span_zero_to_one_and_silence_is_all_zero() {
        let found = segments(&rising(200), &FrontEnd::NET1);
        assert_eq!((found[0].values[0], found[0].values.last()), (0.0, Some(&1.0)));
        let silence = MelSpectrogram { power: vec![0.0; 400], ..rising(200) };
        assert!(segments(&silence, &FRONT_END)[0].values.iter().all(|&value| value == 0.0));
    }

    /// Frame 0 is no column (the first is frame 1), but its power counts.
    #[test]
    fn frames_that_are_no_column_count_for_the_scale() {
        let mut mel = rising(200);
        mel.power[..2].fill(1e6);
        let loudest = segments(&mel, &FRONT_END)[0].values.iter().copied().fold(0.0, f32::max);
        assert!(loudest < 0.7, "{loudest}");
    }

    #[test]
    fn every_frame_is_a_column_where_the_front_end_says_so() {
        let found = segments(&rising(200), &FrontEnd::NET1);
        assert_eq!(found[0].columns, 200);
    }
}
