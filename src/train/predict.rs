//! What a network says of a set of songs.

use super::observer::{FitError, TrainObserver};
use crate::dataset::labelled_set::LabelledSet;
use crate::dsp::Segment;
use crate::eval::evaluate::{TaskMetrics, evaluate};
use crate::eval::probabilities::{probabilities, song_probabilities};
use crate::model::predict::{Output, predict};
use crate::model::windows::Windowing;
use crate::model::{Network, Part};

/// Windows that go through the network at once.
const WINDOWS_AT_ONCE: usize = 64;

/// Mean loss of a set's songs (negative log probability of the truth; the mean over the labels where there are many),
/// and its figures. Waits for the device.
///
/// # Errors
///
/// [`FitError::Device`] or [`FitError::Cancelled`].
pub async fn validate(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    set: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<(f64, TaskMetrics), FitError> {
    let answers = predict_songs(network, part, windowing, set, observer).await?;
    Ok(evaluate(set, &answers))
}

/// Every song's probabilities.
///
/// # Errors
///
/// [`FitError::Device`] or [`FitError::Cancelled`].
pub async fn predict_songs(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    set: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<Vec<Vec<f32>>, FitError> {
    let mut answers = Vec::with_capacity(set.songs.len());
    for song in &set.songs {
        let windows = song_outputs(network, part, windowing, &song.segments, observer).await?;
        let windows: Vec<Vec<f32>> =
            windows.iter().map(|window| probabilities(&window.logits, set.multi_label)).collect();
        answers.push(song_probabilities(windows.iter().map(Vec::as_slice)));
    }
    Ok(answers)
}

/// The answers to all windows of a song.
async fn song_outputs(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    segments: &[Segment],
    observer: &mut impl TrainObserver,
) -> Result<Vec<Output>, FitError> {
    let mut answers = Vec::new();
    // All windows of one length at a time: a batch is a rectangle.
    let spans = windowing.spans(segments);
    for spans in spans.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_AT_ONCE)) {
        observer.pause().await?;
        answers.extend(predict(network, part, windowing, segments, spans).await?);
    }
    Ok(answers)
}
