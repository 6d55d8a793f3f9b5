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

impl EpochReport {
    /// True where all its figures are numbers: JSON has no others.
    pub fn is_finite(&self) -> bool {
        let losses = self.step_losses.iter().map(|&loss| f64::from(loss)).chain([self.train_loss, self.valid_loss]);
        losses.chain(self.valid.both()).all(f64::is_finite)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_loss_that_is_no_number_is_found() {
        let valid = Scores::Classes { accuracy: 1.0, balanced_accuracy: 1.0 };
        let step_losses = vec![0.7, 0.5];
        let report = EpochReport { epoch: 1, train_loss: 0.6, step_losses, valid_loss: 0.4, valid, best: true };
        assert!(report.is_finite());
        assert!(!EpochReport { step_losses: vec![0.7, f32::NAN], ..report.clone() }.is_finite());
        assert!(!EpochReport { valid_loss: f64::INFINITY, ..report }.is_finite());
    }
}
