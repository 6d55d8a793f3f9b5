//! What a training run tells on its way: plain data, for whoever watches it.

use serde::{Deserialize, Serialize};

/// One epoch in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// 1 for the first.
    pub epoch: usize,
    /// Mean loss of its steps, augmentation and penalty included.
    pub train_loss: f64,
    /// The loss of every step since the last report.
    pub step_losses: Vec<f32>,
    /// Mean negative log probability of the truth, over the validation songs.
    pub valid_loss: f64,
    /// How well the validation songs were named.
    pub valid: Scores,
    /// True where it is the best so far.
    pub best: bool,
}

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
