//! How good a network is on a set of songs: its answers, their loss, their figures.

use burn::tensor::ExecutionError;
use serde::{Deserialize, Serialize};

use super::metrics::{Metrics, metrics};
use super::set::{LabelledSet, Song};
use super::tags::{TagMetrics, tag_metrics};
use crate::dsp::Segment;
use crate::model::predict::{Answer, argmax, predict, probabilities, song_probabilities};
use crate::model::windows::Windowing;
use crate::model::{Network, Part};

/// Windows that go through the network at once.
const WINDOWS_AT_ONCE: usize = 64;

/// The two figures of a set that are told after every epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Of songs with one label.
    Classes {
        /// Share of songs named rightly.
        accuracy: f64,
        /// Mean recall of the classes.
        balanced_accuracy: f64,
    },
    /// Of songs with many labels.
    Tags {
        /// Mean area under the receiver operating characteristic.
        roc_auc: f64,
        /// Mean area under the precision-recall curve.
        pr_auc: f64,
    },
}

impl Scores {
    /// The two figures.
    pub fn both(&self) -> [f64; 2] {
        match *self {
            Self::Classes { accuracy, balanced_accuracy } => [accuracy, balanced_accuracy],
            Self::Tags { roc_auc, pr_auc } => [roc_auc, pr_auc],
        }
    }

    /// What epochs are compared by: accuracy, or the area under the receiver operating characteristic.
    pub fn first(&self) -> f64 {
        match *self {
            Self::Classes { accuracy, .. } => accuracy,
            Self::Tags { roc_auc, .. } => roc_auc,
        }
    }
}

/// Everything that is measured of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Measured {
    /// Of songs with one label.
    Classes(Metrics),
    /// Of songs with many labels.
    Tags(TagMetrics),
}

impl Measured {
    /// The two figures told after an epoch.
    pub fn scores(&self) -> Scores {
        match self {
            Self::Classes(Metrics { accuracy, balanced_accuracy, .. }) => {
                Scores::Classes { accuracy: *accuracy, balanced_accuracy: *balanced_accuracy }
            }
            Self::Tags(TagMetrics { roc_auc, pr_auc, .. }) => Scores::Tags { roc_auc: *roc_auc, pr_auc: *pr_auc },
        }
    }
}

/// Mean loss of a set's songs (negative log probability of the truth; the mean over the labels where there are many),
/// and its figures. Waits for the device.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn validate(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    set: &LabelledSet,
) -> Result<(f64, Measured), ExecutionError> {
    let answers = song_answers(network, part, windowing, set).await?;
    Ok(measure(set, &answers))
}

/// The loss and the figures of answers to a set's songs, one value a label.
pub fn measure(set: &LabelledSet, answers: &[Vec<f32>]) -> (f64, Measured) {
    let log = |probability: f32| f64::from(probability.max(1e-7)).ln();
    let songs = || set.songs.iter().zip(answers);
    let count = set.songs.len().max(1) as f64;
    if set.many_labels {
        let of_label = |(&target, &answer): (&f32, &f32)| {
            f64::from(target) * log(answer) + f64::from(1.0 - target) * log(1.0 - answer)
        };
        let of_song = |(song, answer): (&Song, &Vec<f32>)| song.target.iter().zip(answer).map(of_label).sum::<f64>();
        let loss = -songs().map(of_song).sum::<f64>() / count / set.labels.len().max(1) as f64;
        let pairs: Vec<(&[f32], &[f32])> = songs().map(|(song, answer)| (&song.target[..], &answer[..])).collect();
        return (loss, Measured::Tags(tag_metrics(&set.labels, &pairs)));
    }
    let loss = -songs().map(|(song, answer)| log(answer[song.label()])).sum::<f64>() / count;
    (loss, Measured::Classes(metrics(&set.labels, &pairs(set, answers))))
}

/// Truth and answer of every song of one label.
pub fn pairs(set: &LabelledSet, answers: &[Vec<f32>]) -> Vec<(usize, usize)> {
    set.songs.iter().zip(answers).map(|(song, answer)| (song.label(), argmax(answer))).collect()
}

/// Every song's probabilities.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn song_answers(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    set: &LabelledSet,
) -> Result<Vec<Vec<f32>>, ExecutionError> {
    let mut answers = Vec::with_capacity(set.songs.len());
    for song in &set.songs {
        let windows = answers_of_song(network, part, windowing, &song.segments).await?;
        let windows: Vec<Vec<f32>> =
            windows.iter().map(|window| probabilities(&window.logits, set.many_labels)).collect();
        answers.push(song_probabilities(windows.iter().map(Vec::as_slice)));
    }
    Ok(answers)
}

/// The answers to all windows of a song.
pub(super) async fn answers_of_song(
    network: &Network,
    part: Part,
    windowing: &Windowing,
    segments: &[Segment],
) -> Result<Vec<Answer>, ExecutionError> {
    let mut answers = Vec::new();
    // All windows of one length at a time: a batch is a rectangle.
    let places = windowing.places(segments);
    for places in places.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_AT_ONCE)) {
        answers.extend(predict(network, part, windowing, segments, places).await?);
    }
    Ok(answers)
}
