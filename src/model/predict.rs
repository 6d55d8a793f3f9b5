//! From segments to genres: every window through the network, a song's decision by the sum of its windows'
//! probabilities (Yang and Zhang 2019, section 4.2).

use burn::tensor::ExecutionError;

use super::Network;
use super::windows::{push_window, to_tensor, window_starts};
use crate::dsp::Segment;

/// Windows that go through the network at once: enough to keep the engine busy, few enough that a cancel does
/// not wait long.
pub const WINDOWS_PER_BATCH: usize = 8;

/// One window's place and what the network says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowPrediction {
    /// Which segment it lies in.
    pub segment: usize,
    /// Its first column in that segment.
    pub start: usize,
    /// Its length in columns.
    pub columns: usize,
    /// One probability a class.
    pub probabilities: Vec<f32>,
}

/// The places of the windows of `frames` columns in these segments: segment, first column, columns.
pub fn windows_of(segments: &[Segment], frames: usize) -> Vec<(usize, usize, usize)> {
    let of_segment = |(index, segment): (usize, &Segment)| {
        let columns = frames.min(segment.columns);
        window_starts(segment.columns, frames).into_iter().map(move |start| (index, start, columns))
    };
    segments.iter().enumerate().flat_map(of_segment).collect()
}

/// What the network says of a few windows of one length. Waits for the device.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn predict(
    network: &Network,
    segments: &[Segment],
    windows: &[(usize, usize, usize)],
) -> Result<Vec<WindowPrediction>, ExecutionError> {
    let Some(&(first, _, columns)) = windows.first() else { return Ok(Vec::new()) };
    let bands = segments[first].bands;
    let mut values = Vec::with_capacity(windows.len() * bands * columns);
    for &(segment, start, columns) in windows {
        push_window(&mut values, &segments[segment], start, columns);
    }
    let logits = logits(network, values, bands, columns).await?;
    let classes = logits.len() / windows.len();
    let rows = windows.iter().zip(logits.chunks(classes));
    Ok(rows
        .map(|(&(segment, start, columns), row)| WindowPrediction {
            segment,
            start,
            columns,
            probabilities: softmax(row),
        })
        .collect())
}

/// Logits of a batch `[windows, bands, frames]` given as values, read back: row-major `[windows, classes]`.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn logits(
    network: &Network,
    values: Vec<f32>,
    bands: usize,
    frames: usize,
) -> Result<Vec<f32>, ExecutionError> {
    let windows = to_tensor(values, bands, frames, &network.device());
    let data = network.forward(windows).into_data_async().await?; // waits for the device
    Ok(data.iter::<f32>().collect())
}

/// Probabilities from logits.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = exponentials.iter().sum();
    exponentials.iter().map(|exponential| exponential / sum).collect()
}

/// The song's probabilities: its windows' added up and normalised.
pub fn song_probabilities<'a>(windows: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sums = Vec::new();
    for window in windows {
        sums.resize(window.len(), 0.0);
        for (sum, probability) in sums.iter_mut().zip(window) {
            *sum += probability;
        }
    }
    let total: f32 = sums.iter().sum();
    sums.iter().map(|sum| sum / total).collect()
}

/// Index of the largest value; the first of equals.
pub fn argmax(values: &[f32]) -> usize {
    let larger = |best: usize, index: usize| if values[index] > values[best] { index } else { best };
    (0..values.len()).fold(0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_sums_to_one_and_survives_large_logits() {
        let probabilities = softmax(&[1000.0, 1000.0, -1000.0]);
        assert_eq!(probabilities, [0.5, 0.5, 0.0]);
    }

    #[test]
    fn a_song_is_decided_by_the_sum_of_its_windows() {
        // Two of three windows lean to the first class, but the third is surer of the second.
        let windows: [&[f32]; 3] = [&[0.6, 0.4], &[0.6, 0.4], &[0.0, 1.0]];
        let song = song_probabilities(windows);
        assert_eq!(argmax(&song), 1);
        assert!((song[1] - 0.6).abs() < 1e-6);
    }

    #[test]
    fn argmax_takes_the_first_of_equals() {
        assert_eq!(argmax(&[0.1, 0.7, 0.7]), 1);
    }
}
