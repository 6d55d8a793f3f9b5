//! How the input windows of a network are cut from segments.

use burn::tensor::{Device, Tensor, TensorData};

use super::spec::{InputKind, Shape};
use crate::dsp::{FrontEnd, Scaling, Segment, picture};

// About the mean and the deviation of log-mel music in 0..1. Fixed, so that a network's input does not depend on its
// training set.
const MEAN: f32 = 0.5;
const DEVIATION: f32 = 0.25;

/// The end of a segment gets no window of its own if it is shorter than this share of a window.
const SHORTEST_REST: f64 = 0.05;

/// How windows are made of segments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Windowing {
    /// Rows of a window.
    pub bands: usize,
    /// Columns of a window.
    pub frames: usize,
    hop: usize,
    input_kind: InputKind,
    scaling: Scaling,
}

/// What a recording goes through before a network: a front end, then the cutting of windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputSpec {
    /// Turns samples into columns.
    pub front_end: &'static FrontEnd,
    /// Cuts windows from segments of columns.
    pub windowing: Windowing,
    /// Shorter segments, in columns, are skipped.
    pub min_frames: usize,
}

/// The position of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSpan {
    /// Index of the segment.
    pub segment: usize,
    /// First column within that segment.
    pub start: usize,
    /// Length in columns.
    pub columns: usize,
}

impl Windowing {
    /// The windows of a network of these sizes, whose segments have this scaling.
    pub(crate) fn new(input_kind: InputKind, shape: Shape, scaling: Scaling) -> Self {
        let Shape { bands, frames, .. } = shape;
        let hop = match input_kind {
            InputKind::Windows { overlap: true } | InputKind::FixedWindows => (frames / 2).max(1),
            _ => frames,
        };
        Self { bands, frames, hop, input_kind, scaling }
    }

    /// The windows of features `[features, 1]`, which a network gets unchanged.
    pub(crate) fn of_features(features: usize) -> Self {
        let (input_kind, scaling) = (InputKind::Features, Scaling::Standardised);
        Self { bands: features, frames: 1, hop: 1, input_kind, scaling }
    }

    /// The segment that windows are cut from: unchanged, or resized if the network takes pictures.
    pub fn prepare(&self, segment: Segment) -> Segment {
        match self.input_kind {
            InputKind::Pictures => picture(&segment, self.bands, self.frames),
            _ => segment,
        }
    }

    /// All windows of these prepared segments.
    pub fn spans(&self, segments: &[Segment]) -> Vec<WindowSpan> {
        let of_segment = |(segment, whole): (usize, &Segment)| {
            let columns = self.columns_of(whole);
            window_starts(whole.columns, self.frames, self.hop).into_iter().map(move |start| WindowSpan {
                segment,
                start,
                columns,
            })
        };
        segments.iter().enumerate().flat_map(of_segment).collect()
    }

    /// How many windows a prepared segment of so many columns has.
    pub(super) fn windows_of(&self, columns: usize) -> usize {
        match self.input_kind {
            InputKind::Pictures => 1,
            _ => window_starts(columns, self.frames, self.hop).len(),
        }
    }

    /// Columns of a segment's windows: fewer than [`frames`](Self::frames) if the segment is shorter and the network
    /// takes windows of any length.
    fn columns_of(&self, segment: &Segment) -> usize {
        match self.input_kind {
            InputKind::Windows { .. } => self.frames.min(segment.columns),
            _ => self.frames,
        }
    }

    /// Windows of one length as a normalized batch, row-major `[windows, bands, frames]`.
    pub fn values(&self, segments: &[Segment], spans: &[WindowSpan]) -> Vec<f32> {
        let mut values = Vec::new();
        for &span in spans {
            self.push(&mut values, &segments[span.segment], span);
        }
        values
    }

    /// Appends a normalized window to a batch, transposed to `[bands, frames]`.
    fn push(&self, batch: &mut Vec<f32>, segment: &Segment, span: WindowSpan) {
        for band in 0..segment.bands {
            // Modulo: a fixed window that is longer than its segment repeats it.
            let value = |column: usize| segment.values[column % segment.columns * segment.bands + band];
            batch.extend((span.start..span.start + span.columns).map(|column| self.normalize(value(column))));
        }
    }

    /// A segment's value as a network's input.
    pub(crate) fn normalize(&self, value: f32) -> f32 {
        match self.scaling {
            Scaling::UnitRange => (value - MEAN) / DEVIATION,
            Scaling::Standardised | Scaling::LogCompressed => value,
        }
    }
}

/// Undoes [`Windowing::normalize`] for values that were 0..1.
pub(super) fn in_unit_range(windows: Tensor<3>) -> Tensor<3> {
    windows * DEVIATION + MEAN
}

/// The first columns of windows of `frames` columns, `hop` apart, that cover `columns` columns. The last window ends with
/// the segment, unless only a very short rest is left. A segment shorter than a window gives one window.
fn window_starts(columns: usize, frames: usize, hop: usize) -> Vec<usize> {
    let Some(last) = columns.checked_sub(frames) else { return vec![0] };
    let mut starts: Vec<usize> = (0..=last).step_by(hop).collect();
    let rest = last - starts.last().copied().unwrap_or(0);
    if rest as f64 > SHORTEST_REST * frames as f64 {
        starts.push(last);
    }
    starts
}

/// A batch of windows on a device, `[windows, bands, frames]`.
pub fn to_tensor(values: Vec<f32>, bands: usize, frames: usize, device: &Device) -> Tensor<3> {
    let windows = values.len() / (bands * frames);
    Tensor::from_data(TensorData::new(values, [windows, bands, frames]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windowing(input_kind: InputKind, frames: usize) -> Windowing {
        Windowing::new(input_kind, Shape { bands: 2, frames, classes: 1 }, Scaling::UnitRange)
    }

    fn segment(columns: usize) -> Segment {
        let values = (0..2 * columns).map(|index| index as f32 / 8.0).collect();
        Segment { start_seconds: 0.0, columns, bands: 2, values }
    }

    #[test]
    fn windows_cover_a_segment_to_its_end() {
        assert_eq!(window_starts(100, 40, 20), [0, 20, 40, 60]);
        assert_eq!(window_starts(387, 39, 19).last(), Some(&348));
        assert_eq!(window_starts(39, 39, 19), [0]);
        assert_eq!(window_starts(42, 39, 19), [0, 3]);
        // 30 s at a hop of 1024 are 646 columns: six of them make no second window.
        assert_eq!(window_starts(646, 640, 320), [0]);
    }

    #[test]
    fn a_short_segment_is_one_window() {
        assert_eq!(window_starts(26, 39, 19), [0]);
        assert_eq!(window_starts(0, 39, 19), [0]);
        let span = |columns| WindowSpan { segment: 0, start: 0, columns };
        assert_eq!(windowing(InputKind::Windows { overlap: true }, 39).spans(&[segment(26)]), [span(26)]);
        assert_eq!(windowing(InputKind::FixedWindows, 39).spans(&[segment(26)]), [span(39)]);
    }

    #[test]
    fn a_window_is_turned_to_bands_by_frames() {
        let mut batch = Vec::new();
        let span = WindowSpan { segment: 0, start: 1, columns: 2 };
        windowing(InputKind::Windows { overlap: true }, 2).push(&mut batch, &segment(3), span);
        assert_eq!(batch, [-1.0, 0.0, -0.5, 0.5]);
    }

    #[test]
    fn a_fixed_window_repeats_a_short_segment() {
        let windowing = windowing(InputKind::FixedWindows, 5);
        let (mut batch, short) = (Vec::new(), segment(2));
        windowing.push(&mut batch, &short, windowing.spans(std::slice::from_ref(&short))[0]);
        assert_eq!(batch, [-2.0, -1.0, -2.0, -1.0, -2.0, -1.5, -0.5, -1.5, -0.5, -1.5]);
    }

    #[test]
    fn only_values_of_a_unit_range_are_standardised() {
        let normalized = |scaling| Windowing { scaling, ..windowing(InputKind::FixedWindows, 5) }.normalize(0.75);
        assert_eq!(
            [Scaling::UnitRange, Scaling::Standardised, Scaling::LogCompressed].map(normalized),
            [1.0, 0.75, 0.75]
        );
    }
}
