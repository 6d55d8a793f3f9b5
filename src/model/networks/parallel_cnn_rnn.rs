//! `parallel-cnn-rnn`: convolutions beside a recurrent layer (Li, Ng and Ng, "GenreWiz", the table of its section
//! "Model").

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};

use crate::card::Structure;
use crate::dsp::FrontEnd;
use crate::model::blocks::{Dense, dropout, max_pool2d, pooled};
use crate::model::convolution::convolve_relu_2d;
use crate::model::dropout::Dropout;
use crate::model::keras::as_keras;
use crate::model::layers::Layers;
use crate::model::recurrent::Bidirectional;
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::{Keep, OptimiserKind, Recipe, Schedule};

/// This network in the registry.
pub(crate) const ENTRY: Entry<ParallelCnnRnn> = Entry {
    id: "parallel-cnn-rnn",
    summary: "Five convolutions beside a bidirectional GRU, one dense layer on the output of both.",
    source: SOURCE,
    reported: "51 % on FMA, in the article that the document takes it from.",
    paper_shape: Shape { bands: 128, frames: 640, classes: 8 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset,
    init,
};

/// The document of this network and of `parallel-cnn-rnn-torch`.
pub(crate) const SOURCE: &str =
    "Li, Ng and Ng, GenreWiz: Music Genre Classification with RNN and CNN (after Dwivedi 2018)";

/// The document's training, in PyTorch: RMSProp with a learning rate of 0.0005, raised on a plateau and lowered when the accuracy
/// fluctuates, 120 epochs, the best one kept. It names no batch; ours is 32. A clip is one input of 640 frames, so one
/// window of each song.
pub(crate) fn preset() -> Preset {
    Preset {
        front_end: &FrontEnd::PARALLEL_CNN_RNN,
        recipe: Recipe {
            epochs: 120,
            batch: 32,
            windows_per_song: 1,
            optimiser: OptimiserKind::RmsProp,
            learning_rate: 5e-4,
            schedule: Schedule::Plateau,
            weight_decay: 0.0,
            keep: Keep::Best,
            ..Recipe::default()
        },
    }
}

/// Channels and square max pool of the five convolutions.
const LAYERS: [(usize, usize); 5] = [(16, 2), (32, 2), (64, 2), (64, 4), (64, 4)];

/// Frames that every convolution spans; they span one band.
const KERNEL_FRAMES: usize = 3;

/// Max pool before the recurrent layer, over frames and bands.
const RECURRENT_POOL: [usize; 2] = [4, 2];

/// Units of the GRU each way.
const UNITS: usize = 64;

/// The five convolutions, which both of the document's networks have.
///
/// Shapes at the document's sizes: `[batch, 1, 640, 128]` → `[16, 319, 64]` → `[32, 158, 32]` → `[64, 78, 16]` →
/// `[64, 19, 4]` → `[64, 4, 1]`, flattened 256. Not padded, except for inputs so short that nothing would be left.
#[derive(Module, Debug)]
pub(crate) struct Convolutions {
    layers: Vec<Conv2d>,
    dropout: Dropout,
}

impl Convolutions {
    /// Convolutions with fresh weights, and the number of values of their output. The document names no dropout.
    pub(crate) fn new(build: &Build, device: &Device) -> (Self, usize) {
        let (mut channels, mut frames, mut bands) = (1, build.shape.frames, build.shape.bands);
        let layer = |(to, pool)| {
            let from = std::mem::replace(&mut channels, build.channels(to));
            // Too short for the kernel: as many zeros as keep its length.
            let padding = if frames < KERNEL_FRAMES { KERNEL_FRAMES / 2 } else { 0 };
            frames = pooled(frames + 2 * padding + 1 - KERNEL_FRAMES, pool);
            bands = pooled(bands, pool);
            let config = Conv2dConfig::new([from, channels], [KERNEL_FRAMES, 1]);
            config.with_padding(PaddingConfig2d::Explicit(padding, 0, padding, 0)).init(device)
        };
        let layers = LAYERS.map(layer).to_vec();
        (Self { layers, dropout: dropout(build.dropouts.convolution, 0.0) }, channels * frames * bands)
    }

    /// `[batch, bands, frames]` → `[batch, 256]`.
    pub(crate) fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        let layer = |x: Tensor<4>, (convolution, (_, pool)): (&Conv2d, (usize, usize))| {
            self.dropout.forward(max_pool2d(convolve_relu_2d(convolution, None, x), [pool, pool]))
        };
        self.layers.iter().zip(LAYERS).fold(picture(windows), layer).flatten(1, 3)
    }
}

/// `[batch, bands, frames]` → `[batch, 1, frames, bands]`, as the document lays it out.
fn picture(windows: Tensor<3>) -> Tensor<4> {
    windows.swap_dims(1, 2).unsqueeze_dim(1)
}

/// The input sequence of the recurrent layer: `[batch, bands, frames]` → `[frames / 4, batch, bands / 2]`.
pub(crate) fn sequence(windows: Tensor<3>) -> Tensor<3> {
    // The recurrent layer wants time first, then the batch.
    let pooled: Tensor<3> = max_pool2d(picture(windows), RECURRENT_POOL).squeeze_dim(1);
    pooled.swap_dims(0, 1)
}

/// Steps and values of that sequence.
pub(crate) fn sequence_shape(build: &Build) -> [usize; 2] {
    [pooled(build.shape.frames, RECURRENT_POOL[0]), pooled(build.shape.bands, RECURRENT_POOL[1])]
}

/// Five convolutions beside a bidirectional GRU over the pooled spectrogram, and one dense layer on both.
/// 85 160 parameters at the document's sizes, 85 930 with ten classes: its table, layer by layer.
///
/// The GRU has one bias a gate, as the table's 49 536 says (Keras with `reset_after=False`); its two last states, 128,
/// are concatenated with the convolutions' 256. ReLU after the convolutions is the listing's; the table names no
/// activation. Weights are drawn as in Keras, whose table it is. Ours, because the document does not say: no dropout
/// unless it is requested.
#[derive(Module, Debug)]
pub struct ParallelCnnRnn {
    convolutions: Convolutions,
    recurrent: Bidirectional,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> ParallelCnnRnn {
    let (convolutions, values) = Convolutions::new(build, device);
    let ([_, inputs], units) = (sequence_shape(build), build.channels(UNITS));
    ParallelCnnRnn {
        convolutions: as_keras(convolutions),
        recurrent: Bidirectional::new(inputs, units, false, device),
        dense: as_keras(Dense::new(values + 2 * units, &[], build, 0.0, device)),
    }
}

impl Layers for ParallelCnnRnn {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let convolved = self.convolutions.forward(windows.clone()); // [batch, 256]
        let recurrent = self.recurrent.last(sequence(windows)); // [batch, 128]
        self.dense.features(Tensor::cat(vec![convolved, recurrent], 1)) // [batch, 384]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }
}
