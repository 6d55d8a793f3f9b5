//! `fma-crnn-stacked`: five convolutions over time, two LSTMs, three dense layers (Yaacob and Goldrich 2020, section
//! 2.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::fma::{self, Layer1d};
use crate::card::Structure;
use crate::model::blocks::{Block1d, Dense, squared_weights};
use crate::model::layers::Layers;
use crate::model::recurrent::Lstm;
use crate::model::spec::{Build, Entry, InputKind};

/// This network in the registry.
pub(crate) const ENTRY: Entry<FmaCrnnStacked> = Entry {
    id: "fma-crnn-stacked",
    summary: "Five convolutions over time, two LSTMs one on the other, three dense layers on the last state.",
    source: fma::SOURCE,
    reported: "51.9 % on the validation part and 40.1 % on the test part of FMA-small, 8 genres; 53 s an epoch on a \
               GPU, 3714 s in all.",
    paper_shape: fma::PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset: fma::preset,
    init,
};

/// Channels and max pool of every convolution; ours.
const LAYERS: [Layer1d; 5] = [Layer1d(64, 2), Layer1d(64, 2), Layer1d(128, 2), Layer1d(128, 1), Layer1d(128, 1)];

/// Units of either LSTM; ours.
const UNITS: usize = 128;

/// Units of the first two dense layers; ours.
const HIDDEN: [usize; 2] = [64, 32];

/// Five convolutions over time, each with batch norm and ReLU, the first three with max pools, two LSTMs, and three
/// dense layers; dropout after the first convolution only. 542 056 parameters at the document's sizes.
///
/// Shapes at the document's sizes: `[batch, 128, 640]` → `[64, 320]` → `[64, 160]` → `[128, 80]`: 80 steps of both
/// LSTMs; the last state of the second goes 128 → 64 → 32 → 8. Ours, because the document does not say: kernels of 5
/// frames, channels, pools, units.
#[derive(Module, Debug)]
pub struct FmaCrnnStacked {
    convolutions: Vec<Block1d>,
    first: Lstm,
    second: Lstm,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> FmaCrnnStacked {
    let first_only = |index| (index == 0).then_some(fma::DROPOUT_CONVOLUTION);
    let (convolutions, [channels, _]) = fma::convolutions1d(&LAYERS, build, first_only, device);
    let units = build.channels(UNITS);
    FmaCrnnStacked {
        convolutions,
        first: Lstm::new(channels, units, device),
        second: Lstm::new(units, units, device),
        dense: Dense::new(units, &HIDDEN, build, 0.0, device),
    }
}

impl Layers for FmaCrnnStacked {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let convolved = fma::through1d(&self.convolutions, windows); // [batch, channels, steps]
        let states = Tensor::stack(self.first.states(convolved.permute([2, 0, 1])), 0); // [steps, batch, 128]
        self.dense.features(self.second.last(states)) // [batch, 32]
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
