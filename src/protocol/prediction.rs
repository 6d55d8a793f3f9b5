//! What an engine tells of a recording, and of a self-test.

use serde::{Deserialize, Serialize};

/// The progress of a classification.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The processed part of the recording, in seconds.
    pub processed_seconds: f64,
    /// The length of the recording in seconds, if the file states it.
    pub duration_seconds: Option<f64>,
    /// The share of the work that is done, 0 to 1.
    pub fraction: f32,
}

/// A label and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The genre or the tag.
    pub label: String,
    /// 0 to 1. The probabilities of genres sum to 1, those of tags do not.
    pub probability: f32,
}

/// The prediction for one window of the recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowScores {
    /// The start of the window, in seconds.
    pub start_seconds: f64,
    /// The end of the window, in seconds.
    pub end_seconds: f64,
    /// One probability per label, in the order of [`Prediction::labels`].
    pub probabilities: Vec<f32>,
}

/// What a network and its backbones predict for a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictedWindow {
    /// The window and its probabilities.
    pub scores: WindowScores,
    /// The tags of every backbone that predicts tags: `[backbones][tags]`.
    pub tags: Vec<Vec<f32>>,
}

/// The tags that a backbone of the network in use predicts for the recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagPrediction {
    /// The name of the backbone.
    pub model: String,
    /// Its tags, in the order of its outputs.
    pub labels: Vec<String>,
    /// The means of the windows' probabilities, the most probable tag first. They do not sum to 1.
    pub tags: Vec<Score>,
    /// `[windows][tags]`, in the order of [`Prediction::windows`] and of `labels`.
    pub windows: Vec<Vec<f32>>,
}

/// How much of a recording is predicted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coverage {
    /// All of it.
    #[default]
    Whole,
    /// A minute that is spread over it, if it is longer.
    QuickLook,
}

/// What was heard of a recording that was not predicted whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuickLook {
    /// The length of the pieces that were predicted, in seconds.
    pub heard_seconds: f64,
    /// The length of the recording, in seconds.
    pub duration_seconds: f64,
}

/// The prediction for a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The name of the network.
    pub model: String,
    /// The labels, in the order of the network's outputs.
    pub labels: Vec<String>,
    /// True if the labels are tags, whose probabilities are independent and do not sum to 1.
    pub multi_label: bool,
    /// The means of the windows' probabilities, the most probable label first.
    pub genres: Vec<Score>,
    /// The windows, in order of time.
    pub windows: Vec<WindowScores>,
    /// The tags of the network's backbones; empty for a network without backbones.
    pub tags: Vec<TagPrediction>,
    /// `None` if all of the recording was heard.
    #[serde(default)]
    pub quick_look: Option<QuickLook>,
    /// The time of decoding, front end and network in milliseconds, without opening the file and without the browser's own
    /// decoding.
    pub milliseconds: f64,
}

/// The output of the network in use for a fixed input, and its speed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// The logits, row-major `[windows, classes]`.
    pub logits: Vec<f32>,
    /// The median time of a song of 30 s, from its samples to its prediction, in milliseconds.
    pub milliseconds: f64,
    /// The median time of a step of training of eight windows, in milliseconds; `None` for a head, and where a song already
    /// takes long.
    pub step_milliseconds: Option<f64>,
}
