//! The features of clips: what one engine computes for another that trains.

use serde::{Deserialize, Serialize};

use crate::training_job::ClipId;

/// What is known of a clip's features beside their values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// The length of the clip, in seconds.
    pub seconds: f64,
    /// The number of windows to train on.
    pub windows: usize,
    /// The shapes of the segments, in order of time.
    pub segments: Vec<SegmentShape>,
}

/// The place of a segment in its clip and its size. Its values are row-major, `[columns, bands]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SegmentShape {
    /// Where it begins in the clip, in seconds.
    pub start_seconds: f64,
    /// Columns: frames of a spectrogram, or windows.
    pub columns: usize,
    /// Values of a column.
    pub bands: usize,
}

/// A clip whose features an engine keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptClip {
    /// The identity of the clip.
    pub clip: ClipId,
    /// The length of the clip, in seconds.
    pub seconds: f64,
}
