//! A class of the dataset and its clips. Plain data: the page keeps the files.

use serde::{Deserialize, Serialize};

use crate::training_job::ClipId;

/// The class of clips that come without one.
pub(crate) const UNNAMED: &str = "new class";

/// A name as it is kept and shown: in one line, without spaces around it. Names come from cells and files of any content.
pub(crate) fn one_line(name: &str) -> String {
    name.replace(char::is_control, " ").trim().to_owned()
}

/// A recording with its artist and tags, as the visitor collected it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DatasetClip {
    /// The SHA-256 of its file.
    pub id: ClipId,
    /// The name of its file.
    pub name: String,
    /// Its length in seconds; `None` until it was decoded.
    pub seconds: Option<f64>,
    /// Why it cannot be decoded: a sentence.
    // Stored with the clip: a visitor should not wait for the same error at every visit.
    pub trouble: Option<String>,
    /// Its artist, say: clips of one group stay together in one split.
    // Datasets stored before artists and tags existed lack both.
    #[serde(default)]
    pub group: Option<String>,
    /// Any number of tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl DatasetClip {
    /// A clip that was not decoded yet.
    pub fn new(id: ClipId, name: String) -> Self {
        Self { id, name, ..Self::default() }
    }
}

/// A label and its clips.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Class {
    /// The label.
    pub name: String,
    /// In the order in which they were added.
    pub clips: Vec<DatasetClip>,
}

impl Class {
    /// Clips that can be trained on, as far as is known.
    pub fn usable(&self) -> usize {
        self.clips.iter().filter(|clip| clip.trouble.is_none()).count()
    }

    /// The length of all clips that were decoded, in seconds.
    pub fn seconds(&self) -> f64 {
        self.clips.iter().filter_map(|clip| clip.seconds).sum()
    }
}
