//! From windows to answers: windows through the network, a song's decision by the sum of its windows' probabilities
//! (Yang and Zhang 2019, section 4.2).

use burn::tensor::{Device, ExecutionError, Tensor};

use super::windows::{WindowSpan, Windowing, to_tensor};
use super::{Layers, Network, Part};
use crate::dsp::Segment;

/// Windows that go through a network at once: enough to keep the device busy.
pub const WINDOWS_PER_BATCH: usize = 8;

/// How many windows go through a network at once where somebody may give up meanwhile. A browser's CPU engine does nothing
/// else then, not even hear that it should stop, so that there it is only what takes a moment.
pub struct AdaptiveBatch {
    windows: usize,
    adapts: bool,
    /// When the last began, in milliseconds.
    began: Option<f64>,
}

impl AdaptiveBatch {
    /// Milliseconds.
    const MOMENT: f64 = 100.0;

    /// For a device.
    pub fn new(device: &Device) -> Self {
        let adapts = cfg!(target_family = "wasm") && device.clone().inner() == Device::flex();
        Self { windows: if adapts { 1 } else { WINDOWS_PER_BATCH }, adapts, began: None }
    }

    /// Takes the next of these windows, all of one length; `now` is in milliseconds.
    pub fn take<'a>(&mut self, spans: &mut &'a [WindowSpan], now: f64) -> &'a [WindowSpan] {
        let took = self.began.replace(now).filter(|_| self.adapts).map(|began| now - began);
        self.windows = match took {
            Some(took) if took > Self::MOMENT => (self.windows / 2).max(1),
            Some(took) if took < Self::MOMENT / 2.0 => (self.windows * 2).min(WINDOWS_PER_BATCH),
            _ => self.windows,
        };
        let alike = spans.iter().take_while(|span| span.columns == spans[0].columns).count();
        let (next, others) = spans.split_at(self.windows.min(alike));
        *spans = others;
        next
    }
}

/// A network's answer to one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// What it decides from.
    pub features: Vec<f32>,
    /// One a class.
    pub logits: Vec<f32>,
}

/// The network's answers to windows of one length, given as values `[windows, rows, frames]`. Waits for the device.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn outputs(
    network: &Network,
    part: Part,
    values: Vec<f32>,
    bands: usize,
    frames: usize,
) -> Result<Vec<Output>, ExecutionError> {
    let windows = values.len() / (bands * frames).max(1);
    let input = to_tensor(values, bands, frames, &network.device());
    let features = network.features_of_part(part, input);
    let logits = network.classify(features.clone());
    let both = Tensor::cat(vec![features.clone(), logits], 1); // one reading back instead of two
    let split = features.dims()[1];
    let data = both.into_data_async().await?; // waits for the device
    let values: Vec<f32> = data.iter::<f32>().collect();
    let answer = |row: &[f32]| Output { features: row[..split].to_vec(), logits: row[split..].to_vec() };
    Ok(values.chunks(values.len() / windows.max(1)).map(answer).collect())
}

/// What a part of the network is run on, of windows of one length given as values `[windows, bands, frames]`: a row a
/// window. Waits for the device.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn inputs_of_part(
    network: &Network,
    part: Part,
    values: Vec<f32>,
    bands: usize,
    frames: usize,
) -> Result<Vec<Vec<f32>>, ExecutionError> {
    let windows = to_tensor(values, bands, frames, &network.device());
    let Some(rows) = network.input_of_part(part, windows) else { return Ok(Vec::new()) };
    let width = rows.dims()[1];
    let values: Vec<f32> = rows.into_data_async().await?.iter::<f32>().collect(); // waits for the device
    Ok(values.chunks(width.max(1)).map(<[f32]>::to_vec).collect())
}

/// The network's answers to a few windows of one length. Waits for the device.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn predict(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    segments: &[Segment],
    spans: &[WindowSpan],
) -> Result<Vec<Output>, ExecutionError> {
    let Some(first) = spans.first() else { return Ok(Vec::new()) };
    let values = windowing.values(segments, spans);
    outputs(network, part, values, windowing.bands, first.columns).await
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
    let answers = outputs(network, Part::Whole, values, bands, frames).await?;
    Ok(answers.into_iter().flat_map(|answer| answer.logits).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_takes_a_moment_and_windows_of_one_length() {
        let span = |columns| WindowSpan { segment: 0, start: 0, columns };
        let spans: Vec<WindowSpan> = [vec![span(9); 15], vec![span(4); 2]].concat();
        let mut left = spans.as_slice();
        let mut batch = AdaptiveBatch { windows: 1, adapts: true, began: None };
        // Quick, quick, neither, slow, quick with two left of their length, quick.
        let sizes = [0.0, 10.0, 20.0, 90.0, 300.0, 310.0, 320.0].map(|now| batch.take(&mut left, now).len());
        assert_eq!(sizes, [1, 2, 4, 4, 2, 2, 2]);
        assert!(left.is_empty());
    }
}
