//! A network's card: what its weights are, where they come from and how good they are.

pub mod inside;

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
    /// What it is built with besides the sizes of its two ends.
    #[serde(default, skip_serializing_if = "Structure::is_default")]
    pub structure: Structure,
    /// The networks it listens through, in the order of their features: those a head was trained on. Empty where it
    /// hears for itself.
    #[serde(default, alias = "bases", skip_serializing_if = "Vec::is_empty")]
    pub backbones: Vec<Backbone>,
    /// Mel bands of what is heard.
    pub bands: usize,
    /// Frames (columns) of a window of what is heard.
    pub frames: usize,
    /// Name of its front end: `gtzan-logmel`.
    pub front_end: String,
    /// Its classes, in the order of its outputs.
    pub labels: Vec<String>,
    /// True where any number of labels may hold at once (tags), false where exactly one does (genres).
    #[serde(default, alias = "many_labels", skip_serializing_if = "std::ops::Not::not")]
    pub multi_label: bool,
    /// Data it was trained on, with the split.
    pub data: String,
    /// The command that trained it.
    #[serde(default)]
    pub recipe: String,
    /// TaskMetrics figures, each under a name that says on what: `valid_song_accuracy`.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
    /// Licence of the weights.
    pub licence: String,
    /// SHA-256 of the weights file, hexadecimal; empty where it is not known.
    #[serde(default)]
    pub sha256: String,
}

/// What a network is built with besides the sizes of its two ends. The default is its document's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Structure {
    /// Share of its document's channels, above 0.
    #[serde(skip_serializing_if = "is_one")]
    pub width: f64,
    /// Units of a hidden layer before the output, where it has a choice; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden: usize,
    /// Networks of the same kind whose answers are averaged; 1 for a single one.
    #[serde(skip_serializing_if = "is_single")]
    pub members: usize,
    /// Features that a head decides from; 0 for a network that hears for itself.
    #[serde(skip_serializing_if = "is_zero")]
    pub features: usize,
}

impl Default for Structure {
    fn default() -> Self {
        Self::DOCUMENTED
    }
}

impl Structure {
    /// A single network that hears for itself, as wide as its document has it.
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

/// A network that a head listens through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backbone {
    /// The name on its card.
    pub name: String,
    /// SHA-256 of its weights file, hexadecimal: a head fits no other weights.
    pub sha256: String,
    /// What of it is the head's input.
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

/// How a network is built, which its card only names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// What it is, in one sentence.
    pub summary: String,
    /// The document that it comes from.
    pub source: String,
    /// How many numbers it has learned, without those of the networks it listens through.
    pub parameters: usize,
}
