//! `fma-rnn`: an LSTM and a dense layer (Yaacob and Goldrich 2020, section 2.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::fma;
use crate::card::Structure;
use crate::model::blocks::{Dense, squared_weights};
use crate::model::layers::Layers;
use crate::model::recurrent::Lstm;
use crate::model::spec::{Build, Entry, InputKind};

/// This network in the registry.
pub(crate) const ENTRY: Entry<FmaRnn> = Entry {
    id: "fma-rnn",
    summary: "An LSTM over the columns of the spectrogram, a dense layer on its last state.",
    source: fma::SOURCE,
    reported: "14.8 % on the validation part and 11.1 % on the test part of FMA-small, 8 genres, where chance is 12.5 \
               %; 3 s an epoch on a GPU, 233 s in all.",
    paper_shape: fma::PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset: fma::preset,
    init,
};

/// Units of the LSTM; ours.
const UNITS: usize = 64;

/// An LSTM over every column, and a dense layer on its last state. 50 184 parameters at the document's sizes.
///
/// The document calls it naive and straightforward and finds it little better than chance. As there: all 640 steps,
/// nothing pooled, no dropout. Ours, because the document does not say: 64 units, and the last state, not the mean of
/// all, is classified.
#[derive(Module, Debug)]
pub struct FmaRnn {
    lstm: Lstm,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> FmaRnn {
    let units = build.channels(UNITS);
    FmaRnn { lstm: Lstm::new(build.shape.bands, units, device), dense: Dense::new(units, &[], build, 0.0, device) }
}

impl Layers for FmaRnn {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        self.dense.features(self.lstm.last(windows.permute([2, 0, 1]))) // [frames, batch, bands] → [batch, 64]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }

    /// The document's L2 regularisation, of our strength.
    fn penalty(&self) -> Option<Tensor<1>> {
        squared_weights(self).map(|squares| squares * fma::L2)
    }
}
