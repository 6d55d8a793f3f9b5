//! What watches a training run, and why a run may end without a network.

use burn::tensor::ExecutionError;

use super::checkpoint::CheckpointError;
use crate::dataset::labelled_set::Leak;
use crate::eval::report::EpochReport;
use crate::recipe::RecipeError;

/// Who watches a run: natively a progress bar, in the browser a worker's messages.
pub trait TrainObserver {
    /// A step was made.
    fn step(&mut self, step: usize, steps: usize);
    /// An epoch is over.
    fn epoch(&mut self, report: &EpochReport);
    /// True to stop after this step and keep the best so far, whatever the recipe keeps.
    fn stop(&self) -> bool {
        false
    }
    /// The checkpoint that the run goes on from, once; `None` where it begins.
    fn resume(&mut self) -> Option<Vec<u8>> {
        None
    }
    /// True where a checkpoint of the run as it is now is wanted.
    fn wants_checkpoint(&self) -> bool {
        false
    }
    /// A checkpoint after so many epochs.
    fn checkpoint(&mut self, _epoch: usize, _bytes: Vec<u8>) {}
    /// Hands control back between steps: in a browser nothing else runs until this returns.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], where the run is given up with all that it has learned.
    fn pause(&mut self) -> impl Future<Output = Result<(), Cancelled>> {
        async { Ok(()) }
    }
}

/// Watches nothing.
pub struct NoObserver;

impl TrainObserver for NoObserver {
    fn step(&mut self, _step: usize, _steps: usize) {}

    fn epoch(&mut self, _report: &EpochReport) {}
}

/// A run was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// A run that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// A part without songs.
    #[error("the {part} part has no songs; training needs songs to learn from and others to be judged by")]
    Empty {
        /// `training` or `validation`.
        part: &'static str,
    },
    /// A setting out of its range.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Windows that the network cannot hear.
    #[error("windows of {found} frames are too short for this network; expected {expected} or more")]
    Frames {
        /// The fewest.
        expected: usize,
        /// Those asked for.
        found: usize,
    },
    /// A song or a group on both sides.
    #[error(transparent)]
    Leak(#[from] Leak),
    /// A checkpoint of another run.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device was lost.
    #[error("the engine failed during training ({0}); start again, or train on the CPU")]
    Device(#[from] ExecutionError),
    /// Given up, as asked.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
