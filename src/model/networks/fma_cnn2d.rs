//! `fma-cnn2d-shallow` and `fma-cnn2d-deep`: four or ten two-dimensional convolutions (Yaacob and Goldrich 2020, section
//! 2.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::fma::{self, Layer2d};
use crate::card::Structure;
use crate::model::blocks::{Block2d, Dense, squared_weights};
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind};

/// `fma-cnn2d-shallow` in the registry.
pub(crate) const SHALLOW: Entry<FmaCnn2d> = Entry {
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
    init: |build, device| init(&SHALLOW_LAYERS, build, device),
};

/// `fma-cnn2d-deep` in the registry.
pub(crate) const DEEP: Entry<FmaCnn2d> = Entry {
    id: "fma-cnn2d-deep",
    summary: "Ten two-dimensional convolutions with batch norm and max pools, three dense layers.",
    reported: "57.6 % on the validation part and 40.4 % on the test part of FMA-small, 8 genres; 17 s an epoch on a \
               GPU, 1182 s in all.",
    init: |build, device| init(&DEEP_LAYERS, build, device),
    ..SHALLOW
};

/// Channels, stride over bands and frames, and max pool of every convolution of the shallow network. The strides of 2
/// over time and 1 over bands are the document's, "because the input is not square"; which convolutions have them, the
/// channels and the pools are ours.
const SHALLOW_LAYERS: [Layer2d; 4] = [
    Layer2d(16, [1, 2], [2, 2]),
    Layer2d(32, [1, 2], [2, 2]),
    Layer2d(64, [1, 1], [2, 2]),
    Layer2d(64, [1, 1], [4, 4]),
];

/// The same of the deep network. The pool after every third convolution and the strides of 2 over time and 1 over bands
/// are the document's; which convolutions have the strides, the channels and the pools' sizes are ours.
const DEEP_LAYERS: [Layer2d; 10] = [
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

/// 3×3 convolutions, each with batch norm and ReLU, max pools, and three dense layers with dropout between them. At the
/// document's sizes the shallow network has 233 144 parameters and takes 65 million multiplications a window, the deep
/// one 456 560 and 123 million.
///
/// Shapes at the document's sizes:
///
/// - shallow: `[batch, 1, 128, 640]` → `[16, 64, 160]` → `[32, 32, 40]` → `[64, 16, 20]` → `[64, 4, 5]`, flattened
///   1280 → 128 → 64 → 8
/// - deep: `[batch, 1, 128, 640]` → `[16, 64, 80]` → `[32, 32, 20]` → `[64, 16, 10]` → `[64, 8, 5]`, flattened 2560 →
///   128 → 64 → 8
///
/// The document names neither kernels, channels (few at first, because the maps are large there) nor pools; they are
/// ours, as is that there is no dropout after convolutions.
#[derive(Module, Debug)]
pub struct FmaCnn2d {
    convolutions: Vec<Block2d>,
    dense: Dense,
}

fn init(layers: &[Layer2d], build: &Build, device: &Device) -> FmaCnn2d {
    let (convolutions, values) = fma::convolutions2d(layers, build, device);
    FmaCnn2d { convolutions, dense: Dense::new(values, &HIDDEN, build, fma::DROPOUT_DENSE, device) }
}

impl Layers for FmaCnn2d {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        self.dense.features(fma::through2d(&self.convolutions, windows)) // [batch, 64]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }

    fn freeze_norms(&mut self) {
        self.convolutions.iter_mut().for_each(Block2d::freeze_norms);
    }

    /// The document's L2 regularisation, of our strength.
    fn penalty(&self) -> Option<Tensor<1>> {
        squared_weights(self).map(|squares| squares * fma::L2)
    }
}
