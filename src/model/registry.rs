//! Every network the program knows.

use burn::tensor::Device;

use super::networks::{
    deep_music_genre, fcn_tagger, fma_cnn1d_deep, fma_cnn1d_shallow, fma_cnn2d_deep, fma_cnn2d_shallow, fma_crnn,
    fma_crnn_stacked, fma_rnn, gtzan_cnn, parallel_cnn_rnn, parallel_cnn_rnn_torch,
};
use super::networks::{head, lens, musicnn, net1, net2, panorama, resnet50, xception};
pub use super::spec::{InputKind, Preset};
use super::{Blueprint, Build, Network, Shape};
use crate::card::Structure;

/// One network: its name, its source, and how to make and train it.
#[derive(Debug)]
pub struct Entry {
    /// Identifier, as cards and the command line write it.
    pub id: &'static str,
    /// What it is, in one sentence.
    pub summary: &'static str,
    /// The document it comes from.
    pub source: &'static str,
    /// What that document reports, and on what; empty where it reports nothing. Never our figure.
    pub reported: &'static str,
    /// The sizes of the document's configuration.
    pub paper_shape: Shape,
    /// Its structure there.
    pub paper_structure: Structure,
    /// What a window is to it.
    pub input_kind: InputKind,
    /// The fewest columns of sound that it can hear.
    pub min_frames: usize,
    /// The document's front end and training.
    pub preset: fn() -> Preset,
    /// A single network with fresh weights.
    pub init: fn(&Build, &Device) -> Network,
}

/// All networks, in the order they are listed in.
pub const ENTRIES: &[&Entry] = &[
    &net1::ENTRY,
    &net2::ENTRY,
    &fma_cnn1d_shallow::ENTRY,
    &fma_cnn1d_deep::ENTRY,
    &fma_cnn2d_shallow::ENTRY,
    &fma_cnn2d_deep::ENTRY,
    &fma_rnn::ENTRY,
    &fma_crnn::ENTRY,
    &fma_crnn_stacked::ENTRY,
    &gtzan_cnn::ENTRY,
    &resnet50::ENTRY,
    &xception::ENTRY,
    &deep_music_genre::ENTRY,
    &fcn_tagger::ENTRY,
    &parallel_cnn_rnn::ENTRY,
    &parallel_cnn_rnn_torch::ENTRY,
    &lens::ENTRY,
    &panorama::ENTRY,
    &musicnn::MSD,
    &musicnn::MTT,
    &head::ENTRY,
];

/// No network has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no network called '{found}'; the known ones are {}", known())]
pub struct UnknownNetwork {
    found: String,
}

/// The network of this identifier.
///
/// # Errors
///
/// [`UnknownNetwork`], which lists the known ones.
pub fn entry(id: &str) -> Result<&'static Entry, UnknownNetwork> {
    ENTRIES.iter().copied().find(|entry| entry.id == id).ok_or_else(|| UnknownNetwork { found: id.to_owned() })
}

fn known() -> String {
    ENTRIES.iter().map(|entry| entry.id).collect::<Vec<_>>().join(", ")
}

impl Entry {
    /// The document's configuration.
    pub fn documented(&'static self) -> Blueprint {
        let build = Build { structure: self.paper_structure, ..Build::from(self.paper_shape) };
        Blueprint { entry: self, build, front_end: (self.preset)().front_end }
    }
}
