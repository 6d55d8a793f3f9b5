//! The windows a network hears: equal stretches of a segment, overlapping by half.

use burn::tensor::{Device, Tensor, TensorData};

use crate::dsp::Segment;

/// What is subtracted from a segment's values (0..1) before a network hears them, and what they are divided by after:
/// about the mean and the deviation of log-mel music. Fixed, so that a network's input does not depend on its set.
const MIDDLE: f32 = 0.5;
const SPREAD: f32 = 0.25;

/// A segment's value as a network hears it.
pub fn standardised(value: f32) -> f32 {
    (value - MIDDLE) / SPREAD
}

/// The first columns of the windows of `frames` columns that cover `columns` columns: half a window apart, the last
/// one flush with the end. A segment shorter than a window is one window, of its own length.
pub fn window_starts(columns: usize, frames: usize) -> Vec<usize> {
    let Some(last) = columns.checked_sub(frames) else { return vec![0] };
    let hop = (frames / 2).max(1);
    let mut starts: Vec<usize> = (0..=last).step_by(hop).collect();
    if starts.last() != Some(&last) {
        starts.push(last);
    }
    starts
}

/// Appends one window of a segment to a batch under construction, standardised and turned to `[bands, frames]`.
pub fn push_window(batch: &mut Vec<f32>, segment: &Segment, start: usize, frames: usize) {
    for band in 0..segment.bands {
        let column_values = (start..start + frames).map(|column| segment.values[column * segment.bands + band]);
        batch.extend(column_values.map(standardised));
    }
}

/// A batch of windows on a device, `[windows, bands, frames]`.
pub fn to_tensor(values: Vec<f32>, bands: usize, frames: usize, device: &Device) -> Tensor<3> {
    let windows = values.len() / (bands * frames);
    Tensor::from_data(TensorData::new(values, [windows, bands, frames]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_a_segment_to_its_end() {
        assert_eq!(window_starts(100, 40), [0, 20, 40, 60]);
        assert_eq!(window_starts(387, 39).last(), Some(&348));
        assert_eq!(window_starts(39, 39), [0]);
        assert_eq!(window_starts(40, 39), [0, 1]);
    }

    #[test]
    fn a_short_segment_is_one_window() {
        assert_eq!(window_starts(26, 39), [0]);
        assert_eq!(window_starts(0, 39), [0]);
    }

    #[test]
    fn a_window_is_turned_to_bands_by_frames() {
        let segment =
            Segment { start_seconds: 0.0, columns: 3, bands: 2, values: vec![0.0, 1.0, 0.25, 0.75, 0.5, 0.5] };
        let mut batch = Vec::new();
        push_window(&mut batch, &segment, 1, 2);
        assert_eq!(batch, [-1.0, 0.0, 1.0, 0.0]);
    }
}
