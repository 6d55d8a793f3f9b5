//! `fma-cnn2d-shallow`: four two-dimensional convolutions (Yaacob and Goldrich 2020, section 2.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::fma::{self, Layer2d};
use crate::card::Structure;
use crate::model::blocks::{Block2d, Dense, squared_weights};
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind};

/// This network in the registry.
pub(crate) const ENTRY: Entry<FmaCnn2dShallow> = Entry {
    id: "fma-cnn2d-shallow",
    summary: "Four two-dimensional convolutions with batch norm and max pools, three dense layers.",
    source: fma::SOURCE,
    reported: "54.0 % on the validation part and 31.5 % on the test part of FMA-small, 8 genres; 4 s an epoch on a \
               GPU, 321 s in all.",
    paper_shape: fma::PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset: fma::preset,
    init,
};

/// Channels, stride over bands and frames, and max pool of every convolution. The strides of 2 over time and 1 over
/// bands are the document's, "because the input is not square"; where they lie, the channels and the pools are ours.
const LAYERS: [Layer2d; 4] = [
    Layer2d(16, [1, 2], [2, 2]),
    Layer2d(32, [1, 2], [2, 2]),
    Layer2d(64, [1, 1], [2, 2]),
    Layer2d(64, [1, 1], [4, 4]),
];

/// Units of the first two dense layers; ours.
const HIDDEN: [usize; 2] = [128, 64];

/// Four 3×3 convolutions, each with batch norm and ReLU, max pools, and three dense layers with dropout between them.
/// 233 144 parameters at the document's sizes.
///
/// Shapes at the document's sizes: `[batch, 1, 128, 640]` → `[16, 64, 160]` → `[32, 32, 40]` → `[64, 16, 20]` → `[64,
/// 4, 5]`, flattened 1280 → 128 → 64 → 8; 65 million multiplications a window. Ours, where the document is silent: the
/// kernels, the channels, the pools, and no dropout after convolutions.
#[derive(Module, Debug)]
pub struct FmaCnn2dShallow {
    convolutions: Vec<Block2d>,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> FmaCnn2dShallow {
    let (convolutions, values) = fma::convolutions2d(&LAYERS, build, device);
    FmaCnn2dShallow { convolutions, dense: Dense::new(values, &HIDDEN, build, fma::DROPOUT_DENSE, device) }
}

impl Layers for FmaCnn2dShallow {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        self.dense.features(fma::through2d(&self.convolutions, windows)) // [batch, 64]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }

    /// The document's L2 regularisation, of our strength.
    fn penalty(&self) -> Option<Tensor<1>> {
        squared_weights(self).map(|squares| squares * fma::L2)
    }
}
