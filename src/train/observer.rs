//! What watches a training run, and why a run may end without a network.

use burn::tensor::ExecutionError;

use super::checkpoint::CheckpointError;
use crate::dataset::labelled_set::Leak;
use crate::eval::report::EpochReport;
use crate::model::weights::WeightsError;
use crate::recipe::RecipeError;

/// Watches and steers a run: natively it shows a progress bar, in the browser it sends a worker's messages.
pub trait TrainObserver {
    /// Called after every step: `step` of `steps`, from 1. Epochs that a run stops before count as steps, too.
    fn step(&mut self, step: usize, steps: usize);
    /// Called after every validated epoch.
    fn epoch(&mut self, report: &EpochReport);
    /// True to stop after this step, validate, and keep the best epoch so far, whatever the recipe keeps.
    fn stop(&self) -> bool {
        false
    }
    /// The checkpoint that the run resumes from, taken once; `None` to start from the beginning.
    fn resume(&mut self) -> Option<Vec<u8>> {
        None
    }
    /// True if a checkpoint is due. Asked after every validated epoch but the last.
    fn wants_checkpoint(&self) -> bool {
        false
    }
    /// Receives a checkpoint that [`wants_checkpoint`](Self::wants_checkpoint) asked for, after `epoch` epochs.
    fn checkpoint(&mut self, _epoch: usize, _bytes: Vec<u8>) {}
    /// Called between steps. In a browser nothing else runs until this returns: the worker's messages arrive here.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] to give the run up; nothing of it is kept.
    fn pause(&mut self) -> impl Future<Output = Result<(), Cancelled>> {
        async { Ok(()) }
    }
}

/// An observer that does nothing.
pub struct NoObserver;

impl TrainObserver for NoObserver {
    fn step(&mut self, _step: usize, _steps: usize) {}

    fn epoch(&mut self, _report: &EpochReport) {}
}

/// The observer gave the run up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// A run that computes with NaN or infinity, which no further step undoes. The text is for users.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{what} became NaN or infinite in epoch {epoch}, so training stopped and {}", self.rest())]
pub struct Diverged {
    /// `the loss`, `the weights`, `the validation loss`.
    pub(super) what: &'static str,
    /// The epoch that it happened in, from 1.
    pub(super) epoch: usize,
    /// The epoch whose network is kept; `None` if there is none.
    pub(super) kept: Option<usize>,
    /// The recipe's.
    pub(super) learning_rate: f64,
}

impl Diverged {
    fn rest(&self) -> String {
        let kept = self.kept.map_or("nothing is kept".to_owned(), |epoch| format!("epoch {epoch} is kept"));
        format!("{kept}; the learning rate of {} is too high: train again with a lower one", self.learning_rate)
    }
}

/// Why a run ends without a network. The texts are for users.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// A split without songs.
    #[error("the {split} split has no songs; training needs songs in both splits")]
    Empty {
        /// `training` or `validation`.
        split: &'static str,
    },
    /// A setting out of its range.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Windows that the network's pooling would reduce to nothing.
    #[error("windows of {found} frames are too short for this network; expected {expected} or more")]
    Frames {
        /// The fewest frames of a window.
        expected: usize,
        /// The frames that were asked for.
        found: usize,
    },
    /// A song or a group in both splits.
    #[error(transparent)]
    Leak(#[from] Leak),
    /// Pretrained weights that do not fit the network.
    #[error("the pretrained weights cannot be used: {0}")]
    Pretrained(#[from] WeightsError),
    /// A checkpoint of another run.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The losses or weights became NaN or infinite before any epoch was validated.
    #[error(transparent)]
    Diverged(#[from] Diverged),
    /// The device was lost.
    #[error("the engine failed during training ({0}); start again, or train on the CPU")]
    Device(#[from] ExecutionError),
    /// The observer gave the run up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
