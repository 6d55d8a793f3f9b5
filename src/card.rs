//! A network's card: what its weights are, where they come from and how good they are.

// The command line reads cards with the weights, through `model::weights`.
#[cfg(any(target_family = "wasm", test, fuzzing))]
pub(crate) mod embedded;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The JSON file that lies beside every weights file, and inside it as metadata (there without [`Card::sha256`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The network's name for people, unique among those shipped: `net1-gtzan`.
    pub name: String,
    /// One sentence on what it is.
    pub summary: String,
    /// Identifier of the architecture in the registry: `net1`.
    pub architecture: String,
    /// Width, hidden units, members.
    #[serde(default, skip_serializing_if = "Structure::is_default")]
    pub structure: Structure,
    /// The networks that a head uses as feature extractors, in the order of their features; empty for any other network.
    #[serde(default, alias = "bases", skip_serializing_if = "Vec::is_empty")]
    pub backbones: Vec<Backbone>,
    /// Mel bands of the input, or rows of a picture.
    pub bands: usize,
    /// Frames (columns) of an input window.
    pub frames: usize,
    /// Name of its front end: `gtzan-logmel`.
    pub front_end: String,
    /// Its classes, in the order of its outputs.
    pub labels: Vec<String>,
    /// True if any number of labels may apply at once (tags), false if exactly one does (genres).
    #[serde(default, alias = "many_labels", skip_serializing_if = "std::ops::Not::not")]
    pub multi_label: bool,
    /// Data it was trained on, with the split.
    pub data: String,
    /// How it was trained: the recipe as TOML, a training job of the page as JSON, or a sentence.
    #[serde(default)]
    pub recipe: String,
    /// Measured figures, each under a name that says on which data: `valid_song_accuracy`.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
    /// Licence of the weights.
    pub licence: String,
    /// SHA-256 of the weights file, hexadecimal; empty if it is not known.
    #[serde(default)]
    pub sha256: String,
}

/// What a network is built with besides the sizes of its input and output. The default is its document's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Structure {
    /// Its channels as a multiple of the document's, above 0, at most 4.
    #[serde(skip_serializing_if = "is_one")]
    pub width: f64,
    /// Units of a hidden layer before the output, for networks that may have one; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden: usize,
    /// Networks of the same architecture whose predictions are averaged, 1 to 64.
    #[serde(skip_serializing_if = "is_single")]
    pub members: usize,
    /// Input features of a head; 0 for a network whose input is a spectrogram.
    #[serde(skip_serializing_if = "is_zero")]
    pub features: usize,
}

impl Default for Structure {
    fn default() -> Self {
        Self::DOCUMENTED
    }
}

impl Structure {
    /// A single network that is no head, as wide as in its document.
    pub const DOCUMENTED: Self = Self { width: 1.0, hidden: 0, members: 1, features: 0 };

    fn is_default(&self) -> bool {
        *self == Self::DOCUMENTED
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(width: &f64) -> bool {
    *width == 1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_single(members: &usize) -> bool {
    *members == 1
}

/// A network that a head uses as feature extractor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backbone {
    /// The name on its card.
    pub name: String,
    /// SHA-256 of its weights file, hexadecimal: the head was trained on the features of exactly these weights.
    pub sha256: String,
    /// Which output of it is the head's input.
    #[serde(alias = "takes")]
    pub output: BackboneOutput,
}

/// Which output of a backbone is a head's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackboneOutput {
    /// The input of the backbone's own last layer.
    Features,
    /// The output of its last layer.
    Logits,
    /// Its features, then its logits.
    Both,
}

/// What the registry says of a network; its card only names the architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// What it is, in one sentence.
    pub summary: String,
    /// The document that it comes from.
    pub source: String,
    /// How many parameters it has, without those of its backbones.
    pub parameters: usize,
}
