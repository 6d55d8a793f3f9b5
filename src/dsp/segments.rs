//! Cuts a recording into segments, each of which is scaled on its own.

use std::ops::{Range, RangeInclusive};

use super::scaling::Scale;
use super::{Columns, FrontEnd, MelSpectrogram};

/// Frame counts of a clip of about 30 s at 22 050 Hz and a hop of 512, and the columns they are spread over.
const CLIP_FRAMES: RangeInclusive<usize> = 1290..=1300;
const CLIP_COLUMNS: f64 = 387.5;

/// A remainder of up to this many seconds becomes part of the segment before it.
pub(super) const SHORTEST_REMAINDER_SECONDS: f64 = 1.0;

/// Columns of log-mel values that were scaled together.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Where it starts in the recording, in seconds.
    pub start_seconds: f64,
    /// Number of time steps.
    pub columns: usize,
    /// Mel bands.
    pub bands: usize,
    /// Scaled values, row-major `[column, band]`, lowest band first: 0 (the quietest of the segment) to 1 (the loudest)
    /// for [`Scaling::UnitRange`](super::Scaling::UnitRange).
    pub values: Vec<f32>,
}

/// The segments of a whole recording, as [`Segmenter`] cuts them.
pub fn segments(mel: &MelSpectrogram, front_end: &FrontEnd) -> Vec<Segment> {
    let mut segmenter = Segmenter::with_bands(front_end, mel.bands);
    let mut found = segmenter.push(&mel.values);
    found.extend(segmenter.finish());
    found
}

/// Cuts a recording into segments of the front end's length, each scaled on its own. A shorter recording is one
/// segment. Maximum, minimum, mean and deviation are taken over all frames, including those that are no column: the
/// stored GTZAN features were made that way (over the columns alone some tracks are 1 to 2 dB off).
///
/// A remainder at the end is scaled together with the frames before it that complete a segment, so that a fading end is
/// not raised to full level; a remainder of up to a second becomes part of the segment before it. Each column
/// belongs to one segment only.
///
/// The recording may come in pieces of any size. At most a little more than two segments of frames are buffered.
pub(crate) struct Segmenter {
    front_end: FrontEnd,
    bands: usize,
    /// Frames of a segment.
    length: usize,
    /// Frames of the longest remainder that becomes part of the segment before it.
    shortest: usize,
    /// Mel values of the frames from `first` on: those of no segment yet, and those that a remainder is scaled with.
    buffer: Vec<f32>,
    first: usize,
    /// First frame of no segment yet.
    start: usize,
}

impl Segmenter {
    pub(crate) fn new(front_end: &FrontEnd) -> Self {
        Self::with_bands(front_end, front_end.mel_bands)
    }

    fn with_bands(front_end: &FrontEnd, bands: usize) -> Self {
        let frames = |seconds: f64| (seconds / front_end.hop_seconds()).round() as usize;
        Self {
            front_end: front_end.clone(),
            // At least 1: frames are counted by division.
            bands: bands.max(1),
            length: frames(front_end.segment_seconds).max(1),
            shortest: frames(SHORTEST_REMAINDER_SECONDS),
            buffer: Vec::new(),
            first: 0,
            start: 0,
        }
    }

    /// Adds mel values, `[frame, band]`, and returns the segments that no later frame can change.
    pub(crate) fn push(&mut self, mel: &[f32]) -> Vec<Segment> {
        let mut found = Vec::new();
        // In parts, so that a push of hours buffers no more than one of seconds.
        for part in mel.chunks((self.shortest + 1) * self.bands) {
            self.buffer.extend_from_slice(part);
            while self.end() - self.start > self.length + self.shortest {
                found.push(self.cut(self.start + self.length));
            }
        }
        found
    }

    /// The rest: one segment, or nothing of an empty recording.
    pub(crate) fn finish(mut self) -> Vec<Segment> {
        let end = self.end();
        if end > self.start { vec![self.cut(end)] } else { Vec::new() }
    }

    /// Frames added so far.
    fn end(&self) -> usize {
        self.first + self.buffer.len() / self.bands
    }

    /// Mel values of these frames of the recording.
    fn rows(&self, frames: Range<usize>) -> &[f32] {
        &self.buffer[(frames.start - self.first) * self.bands..(frames.end - self.first) * self.bands]
    }

    /// The segment that ends before this frame. Drops the frames that no later segment needs.
    fn cut(&mut self, end: usize) -> Segment {
        // The last one may be short: it is scaled over a whole segment's length that ends with it.
        let scaled_from = self.start.min(end.saturating_sub(self.length));
        let scale = Scale::over(self.rows(scaled_from..end), &self.front_end);
        let row = |frame: usize| self.rows(self.start + frame..self.start + frame + 1);
        let rows = columns(&self.front_end, end - self.start).flat_map(row);
        let values: Vec<f32> = rows.map(|&value| scale.apply(value)).collect();
        let start_seconds = self.start as f64 * self.front_end.hop_seconds();
        self.start = end;
        let needed_from = end.saturating_sub(self.length).max(self.first);
        self.buffer.drain(..(needed_from - self.first) * self.bands);
        self.first = needed_from;
        Segment { start_seconds, columns: values.len() / self.bands, bands: self.bands, values }
    }
}

/// The frames that become columns, out of `frames`.
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
        let values = (0..frames * 2).map(|index| 1.0 + (index / 2) as f32).collect();
        MelSpectrogram { values, frames, bands: 2, hop_seconds: FRONT_END.hop_seconds(), spectrum: FRONT_END.spectrum }
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
        let silence = MelSpectrogram { values: vec![0.0; 400], ..rising(200) };
        assert!(segments(&silence, &FRONT_END)[0].values.iter().all(|&value| value == 0.0));
    }

    /// Frame 0 is no column (the first is frame 1), but its power counts.
    #[test]
    fn frames_that_are_no_column_count_for_the_scale() {
        let mut mel = rising(200);
        mel.values[..2].fill(1e6);
        let loudest = segments(&mel, &FRONT_END)[0].values.iter().copied().fold(0.0, f32::max);
        assert!(loudest < 0.7, "{loudest}");
    }

    #[test]
    fn pieces_of_any_size_give_the_segments_of_the_whole() {
        for frames in [0, 1, 1292, 1335, 1336, 2627, 2628, 4000] {
            let (mel, values) = (rising(frames), 2 * frames);
            let whole = segments(&mel, &FRONT_END);
            for size in [1, 3, 514, 2 * 1292, values.max(1)] {
                let mut segmenter = Segmenter::with_bands(&FRONT_END, 2);
                let mut found = Vec::new();
                for part in mel.values.chunks(size) {
                    found.extend(segmenter.push(&[]));
                    found.extend(segmenter.push(part));
                    assert!(segmenter.buffer.len() <= 2 * (2 * 1292 + 2 * 44));
                }
                found.extend(segmenter.finish());
                assert_eq!(found, whole, "{frames} frames in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_segment_comes_as_soon_as_it_is_certain() {
        let mut segmenter = Segmenter::with_bands(&FRONT_END, 2);
        // 1292 frames and a remainder of 43 would be one segment.
        assert!(segmenter.push(&rising(1335).values).is_empty());
        assert_eq!(segmenter.push(&[1.0; 2])[0].start_seconds, 0.0);
    }

    #[test]
    fn every_frame_is_a_column_where_the_front_end_says_so() {
        let found = segments(&rising(200), &FrontEnd::NET1);
        assert_eq!(found[0].columns, 200);
    }
}
