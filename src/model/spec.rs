//! What a network is made from and how it is described: its sizes, its structure, its training, its input.
//!
//! The bottom of [`model`](super): everything here is known before any layer exists.

use burn::tensor::Device;

use crate::card::Structure;
use crate::dsp::FrontEnd;
use crate::recipe::Recipe;

/// The sizes at a network's two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Mel bands of the input, or rows of a picture, or features of a head.
    pub bands: usize,
    /// Frames (columns) of an input window; 1 for a head.
    pub frames: usize,
    /// Classes of the output.
    pub classes: usize,
}

/// Dropout rates, 0 to below 1, that replace the document's; `None` keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dropouts {
    /// After convolutions.
    pub convolution: Option<f64>,
    /// Between dense layers.
    pub dense: Option<f64>,
}

/// Everything that a network's layers depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Build {
    /// The sizes of input and output.
    pub shape: Shape,
    /// Width, hidden units, members.
    pub structure: Structure,
    /// Set by training alone: a loaded network has the document's, which do nothing without gradients.
    pub dropouts: Dropouts,
}

impl From<Shape> for Build {
    fn from(shape: Shape) -> Self {
        Self { shape, structure: Structure::default(), dropouts: Dropouts::default() }
    }
}

impl Build {
    /// Channels at this width of a layer that has `documented` channels in its document, at least 1.
    pub(crate) fn channels(&self, documented: usize) -> usize {
        ((documented as f64 * self.structure.width).round() as usize).max(1)
    }
}

/// What a network takes for a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// A part of a segment, of any length from the entry's `min_frames` on: the network pools over all time.
    Windows {
        /// True if windows overlap by half, false if they follow each other.
        overlap: bool,
    },
    /// A part of exactly the length that the network was made for; windows overlap by half, and a shorter segment is
    /// repeated.
    FixedWindows,
    /// A whole segment, resized to the rows and columns that the network was made for.
    Pictures,
    /// The features of other networks.
    Features,
}

/// How a document trains its network.
#[derive(Debug, Clone)]
pub struct Preset {
    /// What the document computes from the samples.
    pub front_end: &'static FrontEnd,
    /// Its settings.
    pub recipe: Recipe,
}

/// One network: what it is, and how to make and train it. `N` is the type of its layers.
#[derive(Debug)]
pub struct Entry<N> {
    /// Identifier, as cards and the command line write it.
    pub id: &'static str,
    /// What it is, in one sentence.
    pub summary: &'static str,
    /// The document it comes from.
    pub source: &'static str,
    /// The figures that the document reports, and on which data; empty if it reports none. Never our own figures.
    pub reported: &'static str,
    /// The sizes of the document's configuration.
    pub paper_shape: Shape,
    /// The structure of the document's configuration.
    pub paper_structure: Structure,
    /// What a window is to it.
    pub input_kind: InputKind,
    /// The fewest frames (columns) that its layers take.
    pub min_frames: usize,
    /// The document's front end and training.
    pub preset: fn() -> Preset,
    /// Makes a single network with fresh weights.
    pub init: fn(&Build, &Device) -> N,
}

impl<N> Entry<N> {
    /// The same entry with another way to make the network: the registry makes one type of all.
    pub(super) const fn with_init<M>(&self, init: fn(&Build, &Device) -> M) -> Entry<M> {
        // Written out: a struct update would need both types to be the same.
        Entry {
            id: self.id,
            summary: self.summary,
            source: self.source,
            reported: self.reported,
            paper_shape: self.paper_shape,
            paper_structure: self.paper_structure,
            input_kind: self.input_kind,
            min_frames: self.min_frames,
            preset: self.preset,
            init,
        }
    }
}
