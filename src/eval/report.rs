//! What a training run reports after an epoch: plain data, for the page, the terminal and checkpoints.

use serde::{Deserialize, Serialize};

/// The losses and scores of a validated epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The number of the epoch, from 1.
    pub epoch: usize,
    /// The mean loss of the epoch's steps, in nats, on augmented windows and with the weight penalty.
    pub train_loss: f64,
    /// The loss of every step since the last report.
    pub step_losses: Vec<f32>,
    /// The mean loss of the validation songs, in nats.
    pub valid_loss: f64,
    /// The scores of the validation songs.
    pub valid: Scores,
    /// True if it is the best epoch so far.
    pub best: bool,
}

/// The two most important scores of a set, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
// These names are in checkpoints and in results stored by browsers.
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// For songs with one label.
    Classes {
        /// The share of songs whose class is predicted rightly.
        accuracy: f64,
        /// The mean recall of the classes.
        balanced_accuracy: f64,
    },
    /// For songs with tags.
    Tags {
        /// The mean over the tags of the area under the receiver operating characteristic.
        roc_auc: f64,
        /// The mean over the tags of the area under the precision-recall curve.
        pr_auc: f64,
    },
}

impl Scores {
    /// The two scores, the first of which epochs are compared by.
    pub fn both(&self) -> [f64; 2] {
        match *self {
            Self::Classes { accuracy, balanced_accuracy } => [accuracy, balanced_accuracy],
            Self::Tags { roc_auc, pr_auc } => [roc_auc, pr_auc],
        }
    }

    /// The score that epochs are compared by: accuracy, or ROC-AUC for tags.
    pub fn first(&self) -> f64 {
        match *self {
            Self::Classes { accuracy, .. } => accuracy,
            Self::Tags { roc_auc, .. } => roc_auc,
        }
    }
}
