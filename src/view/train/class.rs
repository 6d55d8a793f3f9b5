//! A class of the dataset and its clips. Plain data; the files themselves the page keeps.

use serde::{Deserialize, Serialize};

use crate::training_job::ClipId;

/// A clip of the collection.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// Which one.
    pub id: ClipId,
    /// Its file's name.
    pub name: String,
    /// Its length, where it was heard.
    pub seconds: Option<f64>,
    /// Why it cannot be heard: a sentence.
    pub trouble: Option<String>,
    /// Clips of one group (by one artist, say) are on the same side when some are held back to judge by.
    #[serde(default)]
    pub group: Option<String>,
    /// Its tags, of which it may have any number.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Entry {
    /// A clip of which nothing else is known yet.
    pub fn new(id: ClipId, name: String) -> Self {
        Self { id, name, ..Self::default() }
    }
}

/// A label and its clips.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Class {
    /// The label.
    pub name: String,
    /// In the order in which they came.
    pub clips: Vec<Entry>,
}

impl Class {
    /// Clips that can be learned from, as far as is known.
    pub fn usable(&self) -> usize {
        self.clips.iter().filter(|clip| clip.trouble.is_none()).count()
    }

    /// The length of all clips that were heard, in seconds.
    pub fn seconds(&self) -> f64 {
        self.clips.iter().filter_map(|clip| clip.seconds).sum()
    }
}
