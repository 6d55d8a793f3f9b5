//! What a network says of a set of songs.

use super::fit::{FitError, Watcher};
use super::measure::{Measured, measure};
use super::set::LabelledSet;
use crate::dsp::Segment;
use crate::model::predict::{Output, predict, probabilities, song_probabilities};
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
    watcher: &mut impl Watcher,
) -> Result<(f64, Measured), FitError> {
    let answers = predict_songs(network, part, windowing, set, watcher).await?;
    Ok(measure(set, &answers))
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
    watcher: &mut impl Watcher,
) -> Result<Vec<Vec<f32>>, FitError> {
    let mut answers = Vec::with_capacity(set.songs.len());
    for song in &set.songs {
        let windows = song_outputs(network, part, windowing, &song.segments, watcher).await?;
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
    watcher: &mut impl Watcher,
) -> Result<Vec<Output>, FitError> {
    let mut answers = Vec::new();
    // All windows of one length at a time: a batch is a rectangle.
    let places = windowing.places(segments);
    for places in places.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_AT_ONCE)) {
        watcher.pause().await?;
        answers.extend(predict(network, part, windowing, segments, places).await?);
    }
    Ok(answers)
}
