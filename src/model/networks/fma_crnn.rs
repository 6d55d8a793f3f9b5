//! `fma-crnn`: three convolutions over time, an LSTM, two dense layers (Yaacob and Goldrich 2020, section 2.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::fma::{self, Layer1d};
use crate::card::Structure;
use crate::model::blocks::{Block1d, Dense, dropout, squared_weights};
use crate::model::dropout::Dropout;
use crate::model::layers::Layers;
use crate::model::recurrent::Lstm;
use crate::model::spec::{Build, Entry, InputKind};

/// This network in the registry.
pub(crate) const ENTRY: Entry<FmaCrnn> = Entry {
    id: "fma-crnn",
    summary: "Three convolutions over time, an LSTM on what they leave, two dense layers on its last state.",
    source: fma::SOURCE,
    reported: "51.9 % on the validation part and 27.1 % on the test part of FMA-small, 8 genres; 25 s an epoch on a \
               GPU, 1738 s in all.",
    paper_shape: fma::PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset: fma::preset,
    init,
};

/// Channels and max pool of every convolution; ours.
const LAYERS: [Layer1d; 3] = [Layer1d(64, 2), Layer1d(128, 2), Layer1d(128, 2)];

/// Units of the LSTM; ours.
const UNITS: usize = 128;

/// Units of the first dense layer; ours.
const HIDDEN: [usize; 1] = [64];

/// Three convolutions over time, each with batch norm, ReLU and max pool, an LSTM, and two dense layers; dropout after
/// each of them but the last. 305 352 parameters at the document's sizes.
///
/// Shapes at the document's sizes: `[batch, 128, 640]` → `[64, 320]` → `[128, 160]` → `[128, 80]`: 80 steps of the
/// LSTM, whose last state goes 128 → 64 → 8. Ours, because the document does not say: kernels of 5 frames, channels, pools,
/// units.
#[derive(Module, Debug)]
pub struct FmaCrnn {
    convolutions: Vec<Block1d>,
    lstm: Lstm,
    dropout: Dropout,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> FmaCrnn {
    let everywhere = |_| Some(fma::DROPOUT_CONVOLUTION);
    let (convolutions, [channels, _]) = fma::convolutions1d(&LAYERS, build, everywhere, device);
    let units = build.channels(UNITS);
    FmaCrnn {
        convolutions,
        lstm: Lstm::new(channels, units, device),
        dropout: dropout(build.dropouts.dense, fma::DROPOUT_DENSE),
        dense: Dense::new(units, &HIDDEN, build, fma::DROPOUT_DENSE, device),
    }
}

impl Layers for FmaCrnn {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let convolved = fma::through1d(&self.convolutions, windows); // [batch, channels, steps]
        let last = self.lstm.last(convolved.permute([2, 0, 1])); // [steps, batch, channels] → [batch, 128]
        self.dense.features(self.dropout.forward(last)) // [batch, 64]
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
