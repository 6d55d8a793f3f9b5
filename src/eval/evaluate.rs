//! How good answers to a set of songs are: their loss, their figures.

use serde::Serialize;

use crate::dataset::labelled_set::{LabelledSet, Song};
use crate::eval::metrics::{Metrics, argmax, metrics};
use crate::eval::report::Scores;
use crate::eval::tags::{TagMetrics, tag_metrics};

/// Everything that is measured of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TaskMetrics {
    /// Of songs with one label.
    Classes(Metrics),
    /// Of songs with many labels.
    Tags(TagMetrics),
}

impl TaskMetrics {
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

/// The loss and the figures of answers to a set's songs, one value a label.
pub fn evaluate(set: &LabelledSet, answers: &[Vec<f32>]) -> (f64, TaskMetrics) {
    let log = |probability: f32| f64::from(probability.max(1e-7)).ln();
    let songs = || set.songs.iter().zip(answers);
    let count = set.songs.len().max(1) as f64;
    if set.multi_label {
        let of_label = |(&target, &answer): (&f32, &f32)| {
            f64::from(target) * log(answer) + f64::from(1.0 - target) * log(1.0 - answer)
        };
        let of_song = |(song, answer): (&Song, &Vec<f32>)| song.target.iter().zip(answer).map(of_label).sum::<f64>();
        let loss = -songs().map(of_song).sum::<f64>() / count / set.labels.len().max(1) as f64;
        let pairs: Vec<(&[f32], &[f32])> = songs().map(|(song, answer)| (&song.target[..], &answer[..])).collect();
        return (loss, TaskMetrics::Tags(tag_metrics(&set.labels, &pairs)));
    }
    let loss = -songs().map(|(song, answer)| log(answer[song.label()])).sum::<f64>() / count;
    (loss, TaskMetrics::Classes(metrics(&set.labels, &pairs(set, answers))))
}

/// Truth and answer of every song of one label.
pub fn pairs(set: &LabelledSet, answers: &[Vec<f32>]) -> Vec<(usize, usize)> {
    set.songs.iter().zip(answers).map(|(song, answer)| (song.label(), argmax(answer))).collect()
}
