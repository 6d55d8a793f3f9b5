//! Every network the program knows.

use burn::tensor::Device;

use super::{Net1Config, Net2Config, Network, Shape};
use crate::card::Card;

/// One network: its name, its source, and how to make it.
#[derive(Debug)]
pub struct Entry {
    /// Identifier, as cards and the command line write it.
    pub id: &'static str,
    /// What it is, in one sentence.
    pub summary: &'static str,
    /// The document it comes from.
    pub source: &'static str,
    /// The sizes of the document's configuration.
    pub paper_shape: Shape,
    /// The fewest frames a window may have.
    pub min_frames: usize,
    init: fn(Shape, Dropouts, &Device) -> Network,
}

/// Dropout rates, 0 to below 1, that replace the document's; `None` keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dropouts {
    /// After convolutions.
    pub convolution: Option<f64>,
    /// Between dense layers.
    pub dense: Option<f64>,
}

const DUPLICATED: &str = "Yang and Zhang, Music Genre Classification Using Duplicated Convolutional Layers in Neural \
                          Networks, Interspeech 2019";

/// All networks, in the order they are listed in.
pub const ENTRIES: &[Entry] = &[
    Entry {
        id: "net1",
        summary: "Four convolutions over time, two of them duplicates, each pooled its own way; three dense layers.",
        source: DUPLICATED,
        paper_shape: Shape { bands: 256, frames: 128, classes: 10 },
        min_frames: super::net1::KERNEL_FRAMES,
        init: |shape, dropouts, device| {
            let paper = Net1Config::default();
            let config = Net1Config {
                shape,
                dropout_convolution: dropouts.convolution.unwrap_or(paper.dropout_convolution),
                dropout_dense: dropouts.dense.unwrap_or(paper.dropout_dense),
            };
            Network::Net1(config.init(device))
        },
    },
    Entry {
        id: "net2",
        summary: "Three convolutions over time, their outputs added, pooled by maximum and mean; three dense layers.",
        source: DUPLICATED,
        paper_shape: Shape { bands: 256, frames: 128, classes: 10 },
        min_frames: super::net1::KERNEL_FRAMES,
        init: |shape, _, device| Network::Net2(Net2Config { shape }.init(device)),
    },
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
    ENTRIES.iter().find(|entry| entry.id == id).ok_or_else(|| UnknownNetwork { found: id.to_owned() })
}

fn known() -> String {
    ENTRIES.iter().map(|entry| entry.id).collect::<Vec<_>>().join(", ")
}

impl Entry {
    /// A network of these sizes with fresh weights.
    pub fn init(&self, shape: Shape, device: &Device) -> Network {
        self.init_with(shape, Dropouts::default(), device)
    }

    /// A network of these sizes with fresh weights and other dropout rates than its document's.
    pub fn init_with(&self, shape: Shape, dropouts: Dropouts, device: &Device) -> Network {
        (self.init)(shape, dropouts, device)
    }
}

impl Card {
    /// The sizes of the network that this card describes.
    pub fn shape(&self) -> Shape {
        Shape { bands: self.bands, frames: self.frames, classes: self.labels.len() }
    }
}
