//! `panorama`: this project's own network for long windows, the best that was found for training on a few hundred songs
//! alone.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::lens;
use crate::card::Structure;
use crate::dsp::FrontEnd;
#[cfg(feature = "cpu")]
use crate::kernels::{CnnWeights, Pooling, Views};
use crate::model::blocks::{Block2d, Dense, dropout, two_views};
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::Recipe;

/// This network in the registry.
pub(crate) const ENTRY: Entry<Panorama> = Entry {
    id: "panorama",
    summary: "Four small convolutions over time and pitch with wide pools, on twelve seconds at once; the strongest answer of \
              each unit.",
    source: "This project (after FCN-4 of Choi, Fazekas and Sandler, ISMIR 2016, at an eighth of its channels)",
    reported: "",
    paper_shape: Shape { bands: 128, frames: 150, classes: 10 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 4,
    preset: || Preset {
        front_end: &FrontEnd::GTZAN_LOGMEL,
        recipe: Recipe { batch: 32, windows_per_song: 2, ..lens::recipe() },
    },
    init,
};

/// Channels and max pool, over bands and frames, of the four convolutions.
const LAYERS: [(usize, [usize; 2]); 4] = [(16, [2, 4]), (48, [4, 5]), (96, [3, 7]), (256, [1, 1])];
/// Dropout after every convolution's pool.
const DROPOUT: f64 = 0.1;

/// Four times 3×3 convolution, batch norm, ReLU and max pool, the largest value of each channel, and the output.
///
/// Its input is two views of a window: less the mean of the window, and less the mean of each band. 273 258 parameters
/// with ten classes, however many bands. Shapes of 128 bands and 150 frames (11.6 s): `[batch, 2, 128, 150]` →
/// `[16, 64, 37]` → `[48, 16, 7]` → `[96, 5, 1]` → `[256]`. A shorter segment is repeated to fill a window.
#[derive(Module, Debug)]
pub struct Panorama {
    convolutions: Vec<Block2d>,
    dense: Dense,
}

fn init(build: &Build, device: &Device) -> Panorama {
    let mut channels = 2;
    let block = |(to, pool)| {
        let from = std::mem::replace(&mut channels, build.channels(to));
        Block2d::new([from, channels], [1, 1], pool, dropout(build.dropouts.convolution, DROPOUT), device)
    };
    let convolutions = LAYERS.map(block).to_vec();
    Panorama { convolutions, dense: Dense::new(channels, &[], build, 0.0, device) }
}

#[cfg(feature = "cpu")]
impl Panorama {
    /// What it has learned, for the CPU engine's kernels; its norms are taken over.
    pub(crate) fn weights(&self) -> CnnWeights {
        CnnWeights {
            views: Views::Two,
            layers: self.convolutions.iter().enumerate().map(|(reads, block)| block.weights(reads)).collect(),
            pooled: vec![(self.convolutions.len(), Pooling::Max)],
            hidden: Vec::new(),
            output: self.dense.output_weights(),
        }
    }
}

impl Layers for Panorama {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let convolved = self.convolutions.iter().fold(two_views(windows), |x, block| block.forward(x));
        let positions: Tensor<3> = convolved.flatten(2, 3); // [batch, 256, positions]
        self.dense.features(positions.max_dim(2).squeeze_dim(2)) // [batch, 256]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }

    fn freeze_norms(&mut self) {
        self.convolutions.iter_mut().for_each(Block2d::freeze_norms);
    }
}
