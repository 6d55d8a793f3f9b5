//! The loss and the metrics of predictions for a set of songs.

use serde::Serialize;

use crate::dataset::labelled_set::{LabelledSet, Song};
use crate::eval::metrics::{Metrics, argmax, metrics};
use crate::eval::report::Scores;
use crate::eval::tags::{TagMetrics, tag_metrics};

/// The metrics of a set, by the kind of its labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TaskMetrics {
    /// For songs with one label.
    Classes(Metrics),
    /// For songs with tags.
    Tags(TagMetrics),
}

impl TaskMetrics {
    /// The two scores that are reported after an epoch.
    pub fn scores(&self) -> Scores {
        match self {
            Self::Classes(Metrics { accuracy, balanced_accuracy, .. }) => {
                Scores::Classes { accuracy: *accuracy, balanced_accuracy: *balanced_accuracy }
            }
            Self::Tags(TagMetrics { roc_auc, pr_auc, .. }) => Scores::Tags { roc_auc: *roc_auc, pr_auc: *pr_auc },
        }
    }
}

/// The mean loss (negative log-likelihood in nats; for tags the binary cross-entropy, averaged over the tags) and the
/// metrics of the probabilities of a set's songs, `[songs][labels]`. The loss is NaN if a probability is.
pub fn evaluate(set: &LabelledSet, predictions: &[Vec<f32>]) -> (f64, TaskMetrics) {
    // A probability of exactly 0 would make the loss infinite. `max` would also hide NaN.
    let log = |probability: f32| f64::from(probability.clamp(1e-7, f32::INFINITY)).ln();
    let songs = || set.songs.iter().zip(predictions);
    let count = set.songs.len().max(1) as f64;
    if set.multi_label {
        let of_label = |(&target, &probability): (&f32, &f32)| {
            f64::from(target) * log(probability) + f64::from(1.0 - target) * log(1.0 - probability)
        };
        let of_song = |(song, row): (&Song, &Vec<f32>)| song.target.iter().zip(row).map(of_label).sum::<f64>();
        let loss = -songs().map(of_song).sum::<f64>() / count / set.labels.len().max(1) as f64;
        let pairs: Vec<(&[f32], &[f32])> = songs().map(|(song, row)| (&song.target[..], &row[..])).collect();
        return (loss, TaskMetrics::Tags(tag_metrics(&set.labels, &pairs)));
    }
    let loss = -songs().map(|(song, row)| log(row[song.label()])).sum::<f64>() / count;
    (loss, TaskMetrics::Classes(metrics(&set.labels, &pairs(set, predictions))))
}

/// The true and the predicted label of every song: `(truth, most probable label)`.
pub fn pairs(set: &LabelledSet, predictions: &[Vec<f32>]) -> Vec<(usize, usize)> {
    set.songs.iter().zip(predictions).map(|(song, row)| (song.label(), argmax(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::labelled_set::one_of;

    #[test]
    fn predictions_that_are_nan_have_no_loss() {
        let song = |index: usize| Song {
            name: index.to_string(),
            group: None,
            target: one_of(index, 2),
            segments: Vec::new(),
        };
        for multi_label in [false, true] {
            let labels = vec!["a".to_owned(), "b".to_owned()];
            let set = LabelledSet { labels, multi_label, songs: vec![song(0), song(1)] };
            assert!(evaluate(&set, &[vec![1.0, 0.0], vec![1.0, 0.0]]).0.is_finite());
            assert!(evaluate(&set, &[vec![1.0, 0.0], vec![f32::NAN, f32::NAN]]).0.is_nan());
        }
    }
}
