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

impl EpochReport {
    /// True if no loss and no score is infinite or NaN, which JSON cannot store.
    pub fn is_finite(&self) -> bool {
        let losses = self.step_losses.iter().map(|&loss| f64::from(loss)).chain([self.train_loss, self.valid_loss]);
        losses.chain(self.valid.both()).all(f64::is_finite)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_nan_is_found() {
        let valid = Scores::Classes { accuracy: 1.0, balanced_accuracy: 1.0 };
        let step_losses = vec![0.7, 0.5];
        let report = EpochReport { epoch: 1, train_loss: 0.6, step_losses, valid_loss: 0.4, valid, best: true };
        assert!(report.is_finite());
        assert!(!EpochReport { step_losses: vec![0.7, f32::NAN], ..report.clone() }.is_finite());
        assert!(!EpochReport { valid_loss: f64::INFINITY, ..report }.is_finite());
    }
}
