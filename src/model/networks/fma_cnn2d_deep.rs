//! `fma-cnn2d-deep`: ten two-dimensional convolutions (Yaacob and Goldrich 2020, section 2.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::fma::{self, Layer2d};
use crate::card::Structure;
use crate::model::blocks::{Block2d, Dense, squared_weights};
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind};

/// This network in the registry.
pub(crate) const ENTRY: Entry<FmaCnn2dDeep> = Entry {
    id: "fma-cnn2d-deep",
    summary: "Ten two-dimensional convolutions with batch norm and max pools, three dense layers.",
    source: fma::SOURCE,
    reported: "57.6 % on the validation part and 40.4 % on the test part of FMA-small, 8 genres; 17 s an epoch on a \
               GPU, 1182 s in all.",
    paper_shape: fma::PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset: fma::preset,
    init,
};

/// Channels, stride over bands and frames, and max pool of every convolution. A pool after every third convolution, and
/// strides of 2 over time and 1 over bands, "because the input is not square", are the document's; where the strides
/// lie, the channels and the pools' sizes are ours.
const LAYERS: [Layer2d; 10] = [
    Layer2d(8, [1, 2], [1, 1]),
    Layer2d(8, [1, 2], [1, 1]),
    Layer2d(16, [1, 1], [2, 2]),
    Layer2d(16, [1, 2], [1, 1]),
    Layer2d(32, [1, 1], [1, 1]),
    Layer2d(32, [1, 1], [2, 2]),
    Layer2d(32, [1, 1], [1, 1]),
    Layer2d(64, [1, 1], [1, 1]),
    Layer2d(64, [1, 1], [2, 2]),
    Layer2d(64, [2, 2], [1, 1]),
];

/// Units of the first two dense layers; ours.
const HIDDEN: [usize; 2] = [128, 64];

/// Ten 3×3 convolutions, each with batch norm and ReLU, max pools, and three dense layers with dropout between them.
/// 456 560 parameters at the document's sizes.
///
/// Shapes at the document's sizes: `[batch, 1, 128, 640]` → `[16, 64, 80]` → `[32, 32, 20]` → `[64, 16, 10]` →
/// `[64, 8, 5]`, flattened 2560 → 128 → 64 → 8; 123 million multiplications a window. Ours, where the document is
/// silent: the kernels, the channels (narrow at first, where the maps are large), the pools, and no dropout after
/// convolutions.
#[derive(Module, Debug)]
pub struct FmaCnn2dDeep {
    convolutions: Vec<Block2d>,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> FmaCnn2dDeep {
    let (convolutions, values) = fma::convolutions2d(&LAYERS, build, device);
    FmaCnn2dDeep { convolutions, dense: Dense::new(values, &HIDDEN, build, fma::DROPOUT_DENSE, device) }
}

impl Layers for FmaCnn2dDeep {
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
