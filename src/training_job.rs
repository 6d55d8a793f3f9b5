//! A training job: a visitor's labelled clips, the model to train on them and the settings. Plain data that the page
//! sends to an engine, and that is stored in files and in the browser: serde aliases keep earlier names readable.

mod presets;
mod split;

use serde::{Deserialize, Serialize};

use crate::card::BackboneOutput;
use crate::eval::report::EpochReport;
use crate::recipe::Recipe;

/// The SHA-256 of a clip's file, hexadecimal: equal files are one clip.
pub type ClipId = String;

/// Labelled clips, the model to train on them, and the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingJob {
    /// The name of the trained network.
    pub name: String,
    /// The labels, in the order of the network's outputs.
    pub labels: Vec<String>,
    /// True if a clip may have any number of labels (tags), false if it has exactly one.
    #[serde(alias = "many_labels")]
    pub multi_label: bool,
    /// The model to train.
    #[serde(alias = "student")]
    pub model: ModelSpec,
    /// The clips, which are all embedded before ([`Request::Embed`](crate::protocol::Request::Embed)).
    pub clips: Vec<LabelledClip>,
    /// The settings of the run.
    pub recipe: Recipe,
}

/// A clip with its labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledClip {
    /// The clip's identity.
    pub id: ClipId,
    /// The file's name, for messages.
    pub name: String,
    /// Clips of one group (by one artist, say) are in the same split; `None` for a clip that belongs to no group.
    pub group: Option<String>,
    /// Indices in [`TrainingJob::labels`]: exactly one, or any number for tags.
    pub labels: Vec<usize>,
    /// The split that the clip is in.
    #[serde(alias = "part")]
    pub split: Split,
}

/// The use of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The network is trained on it.
    Train,
    /// The network is validated on it, and never trained on it.
    Valid,
}

/// The model to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
// These names are in recipes on cards and in jobs stored by browsers; the aliases are those of earlier versions.
#[serde(rename_all = "snake_case")]
pub enum ModelSpec {
    /// A new head on the features of other networks, which are not trained. Those are loaded as the network in use or as
    /// backbones.
    #[serde(alias = "head")]
    NewHead {
        /// Those networks, by the names on their cards, and which output of each the head uses.
        #[serde(alias = "bases")]
        backbones: Vec<(String, BackboneOutput)>,
        /// Units of a hidden layer; 0 for a linear head.
        hidden: usize,
    },
    /// A network of the registry, from fresh weights.
    #[serde(alias = "fresh")]
    FromScratch {
        /// Its name in the registry.
        architecture: String,
        /// The name of its front end.
        front_end: String,
        /// Rows of a picture; `None` for the front end's mel bands.
        rows: Option<usize>,
        /// Columns of its windows: frames of the mel-spectrogram.
        frames: usize,
        /// Factor of the number of channels in its paper.
        width: f64,
    },
    /// A trained network, which is the one in use or is loaded as a backbone. If the job's labels differ from its own, its
    /// output layer starts fresh.
    #[serde(alias = "tuned")]
    FineTune {
        /// The name on its card.
        network: String,
        /// The layers to train.
        layers: TrainableLayers,
    },
}

/// The layers of a trained network that are trained further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainableLayers {
    /// The output layer alone: its inputs are computed once for every clip.
    #[default]
    Output,
    /// All layers after the pooling over time (MusiCNN's two dense layers); the same as `Output` if there is only one.
    Last,
    /// All layers.
    All,
}

/// The result of a training job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingResult {
    /// Every epoch that was validated.
    pub epochs: Vec<EpochReport>,
    /// Why the run stopped before its end, if its losses or weights became NaN or infinite: part of a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The probabilities of every clip of the job, in its order: `[clips][labels]`.
    pub answers: Vec<Vec<f32>>,
    /// The number of trained parameters.
    pub parameters: usize,
    /// The duration of training and prediction, without embedding the clips, in milliseconds.
    pub milliseconds: f64,
}
