//! Runs a network on windows and reads its outputs back from the device.

use burn::tensor::{Device, ExecutionError, Tensor};

use super::layers::{Layers, Part};
use super::registry::Network;
use super::windows::{WindowSpan, Windowing, to_tensor};
use crate::dsp::Segment;

/// Windows that go through a network at once: enough to keep the device busy.
pub const WINDOWS_PER_BATCH: usize = 8;

/// True for the CPU engine's device, from which reading costs nothing.
pub(crate) fn is_cpu(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// Frames that go through a network at once in a browser's CPU engine: eight windows of the small networks, one of MusiCNN's.
const FRAMES_PER_BATCH: usize = 312;

/// How many windows go through a network at once while a user may cancel. The CPU engine of a browser cannot receive a
/// message meanwhile, so there they are few. It must not depend on the time that a window takes: the last bits of a network's
/// outputs depend on the number, and every worker and every run is to give the same.
pub(crate) struct WindowBatch {
    windows: usize,
}

impl WindowBatch {
    /// For windows of so many frames.
    pub(crate) fn new(device: &Device, frames: usize) -> Self {
        let is_cancelled_between = cfg!(target_family = "wasm") && is_cpu(device);
        let few = (FRAMES_PER_BATCH / frames.max(1)).clamp(1, WINDOWS_PER_BATCH);
        Self { windows: if is_cancelled_between { few } else { WINDOWS_PER_BATCH } }
    }

    /// Splits the next batch off these windows, all of one length.
    pub(crate) fn take<'a>(&self, spans: &mut &'a [WindowSpan]) -> &'a [WindowSpan] {
        let alike = spans.iter().take_while(|span| span.columns == spans[0].columns).count();
        let (next, others) = spans.split_at(self.windows.min(alike));
        *spans = others;
        next
    }
}

/// A network's output for one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The input of its last layer.
    pub features: Vec<f32>,
    /// One a class.
    pub logits: Vec<f32>,
}

/// Runs a part of a network on windows of one length, given as values `[windows, bands, frames]`. Waits for the device.
///
/// # Errors
///
/// [`ExecutionError`] if the device was lost.
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
    let both = Tensor::cat(vec![features.clone(), logits], 1); // one read from the device instead of two
    let split = features.dims()[1];
    let data = both.into_data_async().await?; // waits for the device
    let values: Vec<f32> = data.iter::<f32>().collect();
    let output = |row: &[f32]| Output { features: row[..split].to_vec(), logits: row[split..].to_vec() };
    Ok(values.chunks(values.len() / windows.max(1)).map(output).collect())
}

/// The rows of a tensor `[rows, values]`. Waits for the device.
///
/// # Errors
///
/// [`ExecutionError`] if the device was lost.
pub(super) async fn read_rows(tensor: Tensor<2>) -> Result<Vec<Vec<f32>>, ExecutionError> {
    let width = tensor.dims()[1];
    let values: Vec<f32> = tensor.into_data_async().await?.iter::<f32>().collect(); // waits for the device
    Ok(values.chunks(width.max(1)).map(<[f32]>::to_vec).collect())
}

/// The input of a part of the network for windows of one length, given as values `[windows, bands, frames]`: one row per
/// window, none for [`Part::Whole`]. Waits for the device.
///
/// # Errors
///
/// [`ExecutionError`] if the device was lost.
pub(crate) async fn inputs_of_part(
    network: &Network,
    part: Part,
    values: Vec<f32>,
    bands: usize,
    frames: usize,
) -> Result<Vec<Vec<f32>>, ExecutionError> {
    let windows = to_tensor(values, bands, frames, &network.device());
    let Some(rows) = network.input_of_part(part, windows) else { return Ok(Vec::new()) };
    read_rows(rows).await
}

/// Runs a part of the network on a few windows of one length. Waits for the device.
///
/// # Errors
///
/// [`ExecutionError`] if the device was lost.
pub(crate) async fn predict(
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
/// [`ExecutionError`] if the device was lost.
pub async fn logits(
    network: &Network,
    values: Vec<f32>,
    bands: usize,
    frames: usize,
) -> Result<Vec<f32>, ExecutionError> {
    let outputs = outputs(network, Part::Whole, values, bands, frames).await?;
    Ok(outputs.into_iter().flat_map(|output| output.logits).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_windows_of_one_length() {
        let span = |columns| WindowSpan { segment: 0, start: 0, columns };
        let spans: Vec<WindowSpan> = [vec![span(9); 7], vec![span(4); 2]].concat();
        let mut left = spans.as_slice();
        let batch = WindowBatch { windows: 4 };
        let sizes = [(); 4].map(|()| batch.take(&mut left).len());
        assert_eq!(sizes, [4, 3, 2, 0]);
        assert!(left.is_empty());
    }
}
