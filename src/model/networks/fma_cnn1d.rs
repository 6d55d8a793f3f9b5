//! `fma-cnn1d-shallow` and `fma-cnn1d-deep`: four or ten convolutions over time (Yaacob and Goldrich 2020, section 2.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::fma::{self, Layer1d};
use crate::card::Structure;
use crate::model::blocks::{Block1d, Dense, squared_weights};
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind};

/// `fma-cnn1d-shallow` in the registry.
pub(crate) const SHALLOW: Entry<FmaCnn1d> = Entry {
    id: "fma-cnn1d-shallow",
    summary: "Four convolutions over time with batch norm and max pools, three dense layers.",
    source: fma::SOURCE,
    reported: "54.4 % on the validation part and 33.1 % on the test part of FMA-small, 8 genres; 7 s an epoch on a \
               GPU, 526 s in all.",
    paper_shape: fma::PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset: fma::preset,
    init: |build, device| init(&SHALLOW_LAYERS, build, device),
};

/// `fma-cnn1d-deep` in the registry.
pub(crate) const DEEP: Entry<FmaCnn1d> = Entry {
    id: "fma-cnn1d-deep",
    summary: "Ten convolutions over time with batch norm and max pools, three dense layers.",
    reported: "53.8 % on the validation part and 33.1 % on the test part of FMA-small, 8 genres; 9 s an epoch on a \
               GPU, 673 s in all.",
    init: |build, device| init(&DEEP_LAYERS, build, device),
    ..SHALLOW
};

/// Channels and max pool of every convolution of the shallow network; ours.
const SHALLOW_LAYERS: [Layer1d; 4] = [Layer1d(64, 4), Layer1d(64, 4), Layer1d(128, 4), Layer1d(128, 2)];

/// Channels and max pool of every convolution of the deep network: a pool after every third, as in the document's deep
/// two-dimensional network; the channels and the pools' lengths are ours.
const DEEP_LAYERS: [Layer1d; 10] = [
    Layer1d(64, 1),
    Layer1d(64, 1),
    Layer1d(64, 4),
    Layer1d(128, 1),
    Layer1d(128, 1),
    Layer1d(128, 4),
    Layer1d(128, 1),
    Layer1d(128, 1),
    Layer1d(128, 4),
    Layer1d(128, 1),
];

/// Units of the first two dense layers; ours.
const HIDDEN: [usize; 2] = [128, 64];

/// Convolutions over time, each with batch norm and ReLU, max pools, and three dense layers with dropout between them.
/// At the document's sizes the shallow network has 275 912 parameters, the deep one 789 320.
///
/// Shapes at the document's sizes:
///
/// - shallow: `[batch, 128, 640]` → `[64, 160]` → `[64, 40]` → `[128, 10]` → `[128, 5]`, flattened 640 → 128 → 64 → 8
/// - deep: `[batch, 128, 640]` → `[64, 160]` → `[128, 40]` → `[128, 10]` → `[128, 10]`, flattened 1280 → 128 → 64 → 8
///
/// The document names neither kernels, channels nor pools; kernels of 5 frames and the sizes above are ours, as is that
/// there is no dropout after convolutions.
#[derive(Module, Debug)]
pub struct FmaCnn1d {
    convolutions: Vec<Block1d>,
    dense: Dense,
}

fn init(layers: &[Layer1d], build: &Build, device: &Device) -> FmaCnn1d {
    let (convolutions, [channels, frames]) = fma::convolutions1d(layers, build, |_| Some(0.0), device);
    FmaCnn1d { convolutions, dense: Dense::new(channels * frames, &HIDDEN, build, fma::DROPOUT_DENSE, device) }
}

impl Layers for FmaCnn1d {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let convolved = fma::through1d(&self.convolutions, windows); // [batch, channels, frames left]
        self.dense.features(convolved.flatten(1, 2)) // [batch, 64]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }

    fn freeze_norms(&mut self) {
        self.convolutions.iter_mut().for_each(Block1d::freeze_norms);
    }

    /// The document's L2 regularisation, of our strength.
    fn penalty(&self) -> Option<Tensor<1>> {
        squared_weights(self).map(|squares| squares * fma::L2)
    }
}
