//! An observer of a training run.

use genrelens::eval::report::{EpochReport, Scores};
use genrelens::train::observer::TrainObserver;

/// Keeps the reports, and stops the run after so many steps.
#[derive(Default)]
pub struct Record {
    pub epochs: Vec<EpochReport>,
    pub steps: usize,
    pub stop_after: Option<usize>,
}

impl TrainObserver for Record {
    fn step(&mut self, step: usize, _steps: usize) {
        self.steps = step;
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.epochs.push(report.clone());
    }

    fn stop(&self) -> bool {
        self.stop_after.is_some_and(|steps| self.steps >= steps)
    }
}

impl Record {
    /// True if every validation song was classified correctly after some epoch.
    pub fn reached_full_accuracy(&self) -> bool {
        self.epochs.iter().any(|epoch| matches!(epoch.valid, Scores::Classes { accuracy: 1.0, .. }))
    }
}
