//! The metrics of a set of songs with their confidence intervals.

use serde::Serialize;

use crate::dataset::labelled_set::LabelledSet;
use crate::eval::confidence::{Interval, bootstrap};
use crate::eval::evaluate::{TaskMetrics, evaluate, pairs};
use crate::eval::metrics::{Metrics, metrics};
use crate::eval::report::Scores;

/// Metrics and the confidence intervals of two of them.
#[derive(Serialize)]
pub struct Evaluation {
    #[serde(flatten)]
    /// Accuracy and F1 for classes, areas under both curves for tags.
    pub metrics: TaskMetrics,
    /// The bootstrap interval of the accuracy; `None` for tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_interval: Option<Interval>,
    /// The bootstrap interval of the balanced accuracy; `None` for tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balanced_accuracy_interval: Option<Interval>,
}

impl Evaluation {
    /// Evaluates the probabilities of a set's songs, `[songs][labels]`.
    pub fn of(set: &LabelledSet, predictions: &[Vec<f32>]) -> Self {
        let (_, of_set) = evaluate(set, predictions);
        if set.multi_label {
            return Self { metrics: of_set, accuracy_interval: None, balanced_accuracy_interval: None };
        }
        let pairs = pairs(set, predictions);
        let of = |figure: fn(&Metrics) -> f64| Some(bootstrap(&pairs, |drawn| figure(&metrics(&set.labels, drawn))));
        let accuracy_interval = of(|metrics| metrics.accuracy);
        Self { metrics: of_set, accuracy_interval, balanced_accuracy_interval: of(|metrics| metrics.balanced_accuracy) }
    }

    /// The metrics under their names on cards, which begin with the split: `valid_song_accuracy`.
    pub fn figures(&self, split: &str) -> Vec<(String, f64)> {
        let named = |name: &str, figure: f64| (format!("{split}_{name}"), rounded(figure));
        let metrics = match &self.metrics {
            TaskMetrics::Tags(tags) => return vec![named("roc_auc", tags.roc_auc), named("pr_auc", tags.pr_auc)],
            TaskMetrics::Classes(metrics) => metrics,
        };
        // The names are in published cards: they stay.
        let mut figures = vec![
            named("song_accuracy", metrics.accuracy),
            named("song_balanced_accuracy", metrics.balanced_accuracy),
            named("song_macro_f1", metrics.macro_f1),
        ];
        if let Some(Interval { low, high }) = self.accuracy_interval {
            figures.extend([named("song_accuracy_low", low), named("song_accuracy_high", high)]);
        }
        figures
    }

    /// The two scores that matter most.
    pub fn scores(&self) -> Scores {
        self.metrics.scores()
    }

    /// The intervals of those two scores.
    pub fn intervals(&self) -> [Option<Interval>; 2] {
        [self.accuracy_interval, self.balanced_accuracy_interval]
    }
}

/// A figure as cards state it, with four decimals.
pub fn rounded(figure: f64) -> f64 {
    (figure * 1e4).round() / 1e4
}
