//! How far a training job is.

use crate::protocol::TrainControl;

/// Where a lesson is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stage {
    /// None is held.
    #[default]
    Idle,
    /// Files are being taken in.
    Adding {
        /// Files taken in.
        done: usize,
        /// All of them; 0 while they come out of an archive, and nobody knows.
        total: usize,
    },
    /// The collection is being made one file.
    Packing {
        /// Clips packed.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// The networks that the new one listens through are being fetched, or the engine started.
    Preparing {
        /// Bytes that are there.
        fetched: u64,
        /// All of them.
        total: u64,
    },
    /// The clips are being heard.
    Embedding {
        /// Clips heard.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// The network learns.
    Training {
        /// Steps made.
        step: usize,
        /// Steps in all.
        steps: usize,
        /// What the user asked for.
        control: TrainControl,
    },
}

impl Stage {
    /// Its name in the page's `data-stage`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Adding { .. } => "adding",
            Self::Packing { .. } => "packing",
            Self::Preparing { .. } => "preparing",
            Self::Embedding { .. } => "embedding",
            Self::Training { .. } => "training",
        }
    }
}
