//! Figures of a set of songs with how far they can be trusted.

use serde::Serialize;

use crate::dataset::labelled_set::LabelledSet;
use crate::eval::confidence::{Interval, bootstrap};
use crate::eval::evaluate::{TaskMetrics, evaluate, pairs};
use crate::eval::metrics::{Metrics, metrics};
use crate::eval::report::Scores;

/// Figures with how far they can be trusted.
#[derive(Serialize)]
pub struct Evaluation {
    #[serde(flatten)]
    /// The figures.
    pub metrics: TaskMetrics,
    /// 95 % of accuracies over songs drawn again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_interval: Option<Interval>,
    /// The same of balanced accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balanced_accuracy_interval: Option<Interval>,
}

impl Evaluation {
    /// The figures of answers to a set, with intervals where a song has one label.
    pub fn of(set: &LabelledSet, answers: &[Vec<f32>]) -> Self {
        let (_, of_set) = evaluate(set, answers);
        if set.multi_label {
            return Self { metrics: of_set, accuracy_interval: None, balanced_accuracy_interval: None };
        }
        let pairs = pairs(set, answers);
        let of = |figure: fn(&Metrics) -> f64| Some(bootstrap(&pairs, |drawn| figure(&metrics(&set.labels, drawn))));
        let accuracy_interval = of(|metrics| metrics.accuracy);
        Self { metrics: of_set, accuracy_interval, balanced_accuracy_interval: of(|metrics| metrics.balanced_accuracy) }
    }

    /// They under the names that cards have for them, of this part.
    pub fn figures(&self, part: &str) -> Vec<(String, f64)> {
        let named = |name: &str, figure: f64| (format!("{part}_{name}"), rounded(figure));
        let metrics = match &self.metrics {
            TaskMetrics::Tags(tags) => return vec![named("roc_auc", tags.roc_auc), named("pr_auc", tags.pr_auc)],
            TaskMetrics::Classes(metrics) => metrics,
        };
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

    /// The two figures that matter most.
    pub fn scores(&self) -> Scores {
        self.metrics.scores()
    }

    /// How far each of them can be trusted.
    pub fn intervals(&self) -> [Option<Interval>; 2] {
        [self.accuracy_interval, self.balanced_accuracy_interval]
    }
}

/// A figure as cards state it: four decimals.
pub fn rounded(figure: f64) -> f64 {
    (figure * 1e4).round() / 1e4
}
