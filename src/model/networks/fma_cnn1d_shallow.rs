//! `fma-cnn1d-shallow`: four convolutions over time (Yaacob and Goldrich 2020, section 2.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::fma::{self, Layer1d};
use crate::card::Structure;
use crate::model::blocks::{Block1d, Dense, squared_weights};
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind};

/// This network in the registry.
pub(crate) const ENTRY: Entry<FmaCnn1dShallow> = Entry {
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
    init,
};

/// Channels and max pool of every convolution; ours.
const LAYERS: [Layer1d; 4] = [Layer1d(64, 4), Layer1d(64, 4), Layer1d(128, 4), Layer1d(128, 2)];

/// Units of the first two dense layers; ours.
const HIDDEN: [usize; 2] = [128, 64];

/// Four convolutions over time, each with batch norm and ReLU, max pools, and three dense layers with dropout between
/// them. 275 912 parameters at the document's sizes.
///
/// Shapes at the document's sizes: `[batch, 128, 640]` → `[64, 160]` → `[64, 40]` → `[128, 10]` → `[128, 5]`, flattened
/// 640 → 128 → 64 → 8. Ours, where the document is silent: kernels of 5 frames, the channels, the pools after every
/// convolution, and no dropout after convolutions.
#[derive(Module, Debug)]
pub struct FmaCnn1dShallow {
    convolutions: Vec<Block1d>,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> FmaCnn1dShallow {
    let (convolutions, [channels, frames]) = fma::convolutions1d(&LAYERS, build, |_| Some(0.0), device);
    FmaCnn1dShallow { convolutions, dense: Dense::new(channels * frames, &HIDDEN, build, fma::DROPOUT_DENSE, device) }
}

impl Layers for FmaCnn1dShallow {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let convolved = fma::through1d(&self.convolutions, windows); // [batch, channels, frames left]
        self.dense.features(convolved.flatten(1, 2)) // [batch, 64]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }

    /// The document's L2 regularisation, of our strength.
    fn penalty(&self) -> Option<Tensor<1>> {
        squared_weights(self).map(|squares| squares * fma::L2)
    }
}
