//! What a network is to learn from a visitor's own clips: plain data, from the page to an engine.

mod presets;

use serde::{Deserialize, Serialize};

use crate::card::Takes;
use crate::eval::report::EpochReport;
use crate::recipe::Recipe;

/// A clip by the SHA-256 of its file, hexadecimal: the same sound twice is one clip.
pub type ClipId = String;

/// Labelled clips, the network that learns from them, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingJob {
    /// What the network is to be called.
    pub name: String,
    /// The labels, in the order of its outputs.
    pub labels: Vec<String>,
    /// True where a clip may have any number of labels (tags), false where it has one.
    #[serde(alias = "many_labels")]
    pub multi_label: bool,
    /// Who learns.
    #[serde(alias = "student")]
    pub model: ModelSpec,
    /// What from. All of them were embedded before ([`Request::Embed`](crate::protocol::Request::Embed)).
    pub clips: Vec<LabelledClip>,
    /// How.
    pub recipe: Recipe,
}

/// A clip of a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledClip {
    /// Which one.
    pub id: ClipId,
    /// Its name, for messages.
    pub name: String,
    /// Clips of one group (by one artist, say) are on the same side; `None` where it stands alone.
    pub group: Option<String>,
    /// Its labels, as places in [`TrainingJob::labels`]: one, or any number where the lesson has many.
    pub labels: Vec<usize>,
    /// What it is for.
    #[serde(alias = "part")]
    pub split: Split,
}

/// What a clip is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To learn from.
    Train,
    /// To judge by, never to learn from.
    Valid,
}

/// The network that learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSpec {
    /// A new head on what other networks hear, which stay as they are. They are in use or loaded as backbones.
    #[serde(alias = "head")]
    NewHead {
        /// Those networks, by the names on their cards, and what the head takes of each.
        #[serde(alias = "bases")]
        backbones: Vec<(String, Takes)>,
        /// Units of a hidden layer; 0 for none.
        hidden: usize,
    },
    /// A network of the registry, from fresh weights.
    #[serde(alias = "fresh")]
    FromScratch {
        /// Which one.
        architecture: String,
        /// The front end that it hears through.
        front_end: String,
        /// Rows of a picture; the front end's bands where `None`.
        rows: Option<usize>,
        /// Columns of its windows.
        frames: usize,
        /// Share of its document's channels.
        width: f64,
    },
    /// A network that has learned already, and goes on from there. It is in use or loaded as a backbone. Where the lesson's
    /// labels are others than its own, its output layer is new.
    #[serde(alias = "tuned")]
    FineTune {
        /// The name on its card.
        network: String,
        /// Which of its layers learn.
        layers: TrainableLayers,
    },
}

/// Which layers of a network that has learned already go on learning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainableLayers {
    /// The output layer alone: what comes before it is computed once for every clip.
    #[default]
    Output,
    /// All layers after the pooling over time (MusiCNN's two dense ones); as `Output` where a network has no more of them.
    Last,
    /// All of them.
    All,
}

/// What came of a lesson.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingResult {
    /// Every epoch that was validated.
    pub epochs: Vec<EpochReport>,
    /// What the network says of every clip of the lesson, in its order: one probability a label.
    pub answers: Vec<Vec<f32>>,
    /// TrainingResult parameters.
    pub parameters: usize,
    /// The time that it took, without hearing the clips, in milliseconds.
    pub milliseconds: f64,
}
