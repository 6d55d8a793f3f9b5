//! How far a training job is.

use crate::protocol::TrainControl;

/// The stage of a training job, or of work on the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stage {
    /// Nothing is running.
    #[default]
    Idle,
    /// Files are being added.
    Adding {
        /// Files that were added.
        done: usize,
        /// All of them; 0 while an archive is unpacked, whose number is not known.
        total: usize,
    },
    /// The dataset is being exported.
    Packing {
        /// Clips that were written.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// The backbones are being downloaded, or the engine is starting.
    Preparing {
        /// Bytes that were downloaded.
        fetched: u64,
        /// All of them.
        total: u64,
    },
    /// The clips are being embedded.
    Embedding {
        /// Clips that were embedded.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// The network is being trained.
    Training {
        /// Steps that were made.
        step: usize,
        /// Of all epochs together.
        steps: usize,
        /// What the user asked the training to do.
        control: TrainControl,
    },
}

impl Stage {
    /// Its value of the page's `data-stage` attribute.
    pub fn name(self) -> &'static str {
        match self {
            // style.css and the browser tests depend on these names.
            Self::Idle => "idle",
            Self::Adding { .. } => "adding",
            Self::Packing { .. } => "packing",
            Self::Preparing { .. } => "preparing",
            Self::Embedding { .. } => "embedding",
            Self::Training { .. } => "training",
        }
    }
}
