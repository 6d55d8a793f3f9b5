//! The predictions of a network for a set of songs.

use super::observer::{FitError, TrainObserver};
use crate::dataset::labelled_set::LabelledSet;
use crate::dsp::Segment;
use crate::eval::evaluate::{TaskMetrics, evaluate};
use crate::eval::probabilities::{probabilities, song_probabilities};
use crate::model::predict::{Output, predict};
use crate::model::windows::Windowing;
use crate::model::{Network, Part};

/// Windows that go through the network at once: more take more memory and are hardly faster.
const WINDOWS_AT_ONCE: usize = 64;

/// The mean loss and the metrics of a set's songs, as [`evaluate`] computes them. Waits for the device.
pub(super) async fn validate(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    set: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<(f64, TaskMetrics), FitError> {
    let predictions = predict_songs(network, part, windowing, set, observer).await?;
    Ok(evaluate(set, &predictions))
}

/// The probabilities of every song, `[songs][labels]`: the mean of its windows'. Waits for the device.
pub(super) async fn predict_songs(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    set: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<Vec<Vec<f32>>, FitError> {
    let mut predictions = Vec::with_capacity(set.songs.len());
    for song in &set.songs {
        let windows = song_outputs(network, part, windowing, &song.segments, observer).await?;
        let windows: Vec<Vec<f32>> =
            windows.iter().map(|window| probabilities(&window.logits, set.multi_label)).collect();
        predictions.push(song_probabilities(windows.iter().map(Vec::as_slice)));
    }
    Ok(predictions)
}

/// The outputs for all windows of a song.
async fn song_outputs(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    segments: &[Segment],
    observer: &mut impl TrainObserver,
) -> Result<Vec<Output>, FitError> {
    let mut outputs = Vec::new();
    // Only windows of one length fit in one batch.
    let spans = windowing.spans(segments);
    for spans in spans.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_AT_ONCE)) {
        observer.pause().await?;
        outputs.extend(predict(network, part, windowing, segments, spans).await?);
    }
    Ok(outputs)
}
