//! `net1`: duplicated convolutional layers (Yang and Zhang, "Music Genre Classification Using Duplicated Convolutional
//! Layers in Neural Networks", Interspeech 2019, section 3.1).

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::{Device, Tensor};

use crate::card::Structure;
use crate::dsp::FrontEnd;
#[cfg(feature = "cpu")]
use crate::kernels::{CnnWeights, Pooling, Views};
use crate::model::blocks::{max_over_time, mean_over_time};
use crate::model::convolution::convolve_relu_1d;
use crate::model::dropout::Dropout;
use crate::model::keras::as_keras;
#[cfg(feature = "cpu")]
use crate::model::kernel_weights::{convolution_1d, dense};
use crate::model::layers::Layers;
use crate::model::norms::relu;
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::{OptimiserKind, Recipe, Schedule};

/// Frames that every convolution of `net1` and `net2` spans.
pub(crate) const KERNEL_FRAMES: usize = 4;

/// This network in the registry.
pub(crate) const ENTRY: Entry<Net1> = Entry {
    id: "net1",
    summary: "Four convolutions over time, two of them duplicates, each pooled its own way; three dense layers.",
    source: DUPLICATED,
    reported: "90.7 % on GTZAN, random 8/1/1 by song, mean of ten runs: the same artists on both sides.",
    paper_shape: PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Windows { overlap: true },
    min_frames: KERNEL_FRAMES,
    preset,
    init,
};

/// The document of `net1` and `net2`.
pub(crate) const DUPLICATED: &str = "Yang and Zhang, Music Genre Classification Using Duplicated Convolutional Layers in \
                                     Neural Networks, Interspeech 2019";

/// The paper's sizes: 256 bands, 128 frames, GTZAN's ten genres.
pub(crate) const PAPER_SHAPE: Shape = Shape { bands: 256, frames: 128, classes: 10 };

/// The paper's training (section 4.2): Adadelta with a learning rate of 1, batches of 50, its weight penalty. It does
/// not state how long; ours is 60 epochs.
pub(crate) fn preset() -> Preset {
    Preset {
        front_end: &FrontEnd::NET1,
        recipe: Recipe {
            epochs: 60,
            batch: 50,
            optimiser: OptimiserKind::Adadelta,
            learning_rate: 1.0,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
            paper_penalty: true,
            ..Recipe::default()
        },
    }
}

/// The paper's dropout after the first convolution.
const DROPOUT_CONVOLUTION: f64 = 0.2;
/// The paper's dropout before the last dense layer.
const DROPOUT_DENSE: f64 = 0.1;

/// Four convolutions over time, each pooled over all of it, and three dense layers.
///
/// The first convolution spans every mel band. The third and the fourth are duplicates on the second one's output,
/// one pooled by its maximum and one by its mean, so that they come to extract different statistics. 1 001 162
/// parameters at the paper's sizes, drawn as in Keras, with which it was made. It pools over all time, so any window of at least [`KERNEL_FRAMES`] frames works.
#[derive(Module, Debug)]
pub struct Net1 {
    c1: Conv1d,
    c2: Conv1d,
    c3: Conv1d,
    c4: Conv1d,
    d1: Linear,
    d2: Linear,
    d3: Linear,
    dropout_convolution: Dropout,
    dropout_dense: Dropout,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> Net1 {
    let [wide, narrow] = [256, 128].map(|channels| build.channels(channels));
    let [dense, last] = [256, 64].map(|units| build.channels(units));
    let same = |channels_in, channels_out| {
        Conv1dConfig::new(channels_in, channels_out, KERNEL_FRAMES).with_padding(PaddingConfig1d::Same).init(device)
    };
    let dropout = |rate: Option<f64>, paper| Dropout::new(rate.unwrap_or(paper));
    as_keras(Net1 {
        c1: Conv1dConfig::new(build.shape.bands, wide, KERNEL_FRAMES).init(device),
        c2: same(wide, wide),
        c3: same(wide, narrow),
        c4: same(wide, narrow),
        d1: LinearConfig::new(2 * wide + 2 * narrow, dense).init(device),
        d2: LinearConfig::new(dense, last).init(device),
        d3: LinearConfig::new(last, build.shape.classes).init(device),
        dropout_convolution: dropout(build.dropouts.convolution, DROPOUT_CONVOLUTION),
        dropout_dense: dropout(build.dropouts.dense, DROPOUT_DENSE),
    })
}

#[cfg(feature = "cpu")]
impl Net1 {
    /// What it has learned, for the CPU engine's kernels.
    pub(crate) fn weights(&self) -> CnnWeights {
        let layers = [(0, &self.c1), (1, &self.c2), (2, &self.c3), (2, &self.c4)];
        CnnWeights {
            views: Views::Bands,
            layers: layers.map(|(reads, layer)| convolution_1d(reads, layer)).to_vec(),
            pooled: vec![(1, Pooling::Max), (2, Pooling::Mean), (3, Pooling::Max), (4, Pooling::Mean)],
            hidden: [&self.d1, &self.d2].map(dense).to_vec(),
            output: dense(&self.d3),
        }
    }
}

impl Layers for Net1 {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let c1 = self.dropout_convolution.forward(convolve_relu_1d(&self.c1, None, windows)); // [batch, 256, frames - 3]
        let c2 = convolve_relu_1d(&self.c2, None, c1.clone()); // [batch, 256, frames - 3]
        let c3 = convolve_relu_1d(&self.c3, None, c2.clone()); // [batch, 128, frames - 3]
        let c4 = convolve_relu_1d(&self.c4, None, c2.clone()); // [batch, 128, frames - 3]
        let pooled = Tensor::cat(vec![max_over_time(c1), mean_over_time(c2), max_over_time(c3), mean_over_time(c4)], 1);
        relu(self.d2.forward(relu(self.d1.forward(pooled))))
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.d3.forward(self.dropout_dense.forward(features))
    }

    /// The paper's L2 penalty: 0.02 on the first convolution's kernel and 0.01 on the others', none on dense layers.
    fn penalty(&self) -> Option<Tensor<1>> {
        let squares = |layer: &Conv1d| layer.weight.val().square().sum();
        Some(squares(&self.c1) * 0.02 + (squares(&self.c2) + squares(&self.c3) + squares(&self.c4)) * 0.01)
    }
}
