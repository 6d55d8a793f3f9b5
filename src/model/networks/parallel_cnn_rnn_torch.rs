//! `parallel-cnn-rnn-torch`: the PyTorch listing of the document of [`parallel_cnn_rnn`](super::parallel_cnn_rnn),
//! which is not the network of its table.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::parallel_cnn_rnn::{Convolutions, SOURCE, preset, sequence, sequence_shape};
use crate::card::Structure;
use crate::model::blocks::Dense;
use crate::model::layers::Layers;
use crate::model::recurrent::Bidirectional;
use crate::model::spec::{Build, Entry, InputKind, Shape};

/// This network in the registry.
pub(crate) const ENTRY: Entry<ParallelCnnRnnTorch> = Entry {
    id: "parallel-cnn-rnn-torch",
    summary: "Five convolutions beside a bidirectional GRU of one unit, one dense layer on all of its steps.",
    source: SOURCE,
    reported: "38 % (macro F1 0.33) on 50 clips of its authors' choice, trained on GTZAN, random 80/20.",
    paper_shape: Shape { bands: 128, frames: 640, classes: 10 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset,
    init,
};

/// Units of the GRU each way.
const UNITS: usize = 1;

/// Five convolutions beside a bidirectional GRU of one unit, and one dense layer on the convolutions' 256 values and
/// all 160 steps of the GRU both ways, 320: 38 716 parameters at the document's sizes, as its listing has.
///
/// Two things of the listing are not reproduced. It gives `nn.GRU` the batch as the axis of time, so that its
/// recurrence runs from one clip of the batch to the next; here it runs over time. And it applies softmax before a loss
/// that applies it again; here the outputs are logits. The parameters are the same.
#[derive(Module, Debug)]
pub struct ParallelCnnRnnTorch {
    convolutions: Convolutions,
    recurrent: Bidirectional,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> ParallelCnnRnnTorch {
    let (convolutions, values) = Convolutions::new(build, device);
    let ([steps, inputs], units) = (sequence_shape(build), build.channels(UNITS));
    ParallelCnnRnnTorch {
        convolutions,
        recurrent: Bidirectional::new(inputs, units, true, device),
        dense: Dense::new(values + steps * 2 * units, &[], build, 0.0, device),
    }
}

impl Layers for ParallelCnnRnnTorch {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let convolved = self.convolutions.forward(windows.clone()); // [batch, 256]
        let recurrent = self.recurrent.all(sequence(windows)); // [batch, 320]
        self.dense.features(Tensor::cat(vec![convolved, recurrent], 1)) // [batch, 576]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }
}
