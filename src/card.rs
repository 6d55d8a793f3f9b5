//! A network's card: what its weights are, where they come from and how good they are.

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
    /// Mel bands of its input.
    pub bands: usize,
    /// Frames (columns) of its input window.
    pub frames: usize,
    /// Name of its front end: `gtzan-logmel`.
    pub front_end: String,
    /// Its classes, in the order of its outputs.
    pub labels: Vec<String>,
    /// Data it was trained on, with the split.
    pub data: String,
    /// The command that trained it.
    #[serde(default)]
    pub recipe: String,
    /// Measured figures, each under a name that says on what: `valid_song_accuracy`.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
    /// Licence of the weights.
    pub licence: String,
    /// SHA-256 of the weights file, hexadecimal; empty where it is not known.
    #[serde(default)]
    pub sha256: String,
}
