//! Songs with their labels.

use crate::dsp::Segment;

/// One song: its segments and its class.
#[derive(Debug, Clone)]
pub struct Song {
    /// Its name, for reports.
    pub name: String,
    /// Index of its class in [`LabelledSet::labels`].
    pub label: usize,
    /// Its log-mel segments, each scaled on its own.
    pub segments: Vec<Segment>,
}

/// Songs of a few classes.
#[derive(Debug, Clone)]
pub struct LabelledSet {
    /// The classes.
    pub labels: Vec<String>,
    /// The songs.
    pub songs: Vec<Song>,
}

impl LabelledSet {
    /// Songs of each class.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.labels.len()];
        for song in &self.songs {
            counts[song.label] += 1;
        }
        counts
    }
}
