//! `deep-music-genre`: strided convolutions over time (Flores Ruiz de Eguino, "Deep Music Genre", CS231n, 2017, section
//! 4).

use burn::module::Module;
use burn::nn::PaddingConfig1d;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::pool::AvgPool1dConfig;
use burn::tensor::{Device, Tensor};

use crate::card::Structure;
use crate::dsp::FrontEnd;
use crate::model::blocks::{Dense, dropout, max_pool1d, pooled};
use crate::model::convolution::convolve_relu_1d;
use crate::model::dropout::Dropout;
use crate::model::keras::as_keras;
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::{OptimiserKind, Recipe, Schedule};

/// This network in the registry.
pub(crate) const ENTRY: Entry<DeepMusicGenre> = Entry {
    id: "deep-music-genre",
    summary: "Three strided convolutions over time, pooled by maximum and mean side by side, two dense layers.",
    source: SOURCE,
    reported: "",
    paper_shape: Shape { bands: 128, frames: FRAMES, classes: 10 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::FixedWindows,
    min_frames: 1,
    preset,
    init,
};

/// The document of this network and of `fcn-tagger`.
pub(crate) const SOURCE: &str = "Flores Ruiz de Eguino, Deep Music Genre, CS231n, Stanford University, 2017";

/// Frames of the document's clips of 30 s.
pub(crate) const FRAMES: usize = 646;

/// The document's front end. It names neither optimiser nor length of its training; ours are Adam with a learning rate
/// of 0.001 and 40 epochs in batches of 32. A clip is one input, so one window of each song.
pub(crate) fn preset() -> Preset {
    Preset {
        front_end: &FrontEnd::DEEP_MUSIC_GENRE,
        recipe: Recipe {
            epochs: 40,
            batch: 32,
            windows_per_song: 1,
            optimiser: OptimiserKind::Adam,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
            ..Recipe::default()
        },
    }
}

/// Channels of every convolution.
const CHANNELS: usize = 256;
/// Frames that every convolution spans.
const KERNEL_FRAMES: usize = 4;
/// Frames that every convolution moves by.
const STRIDE: usize = 2;
/// Max pool after every convolution.
const POOL: usize = 2;
/// The two pools at the end.
const LAST_POOL: usize = 4;
/// Units of the hidden dense layer.
const HIDDEN: [usize; 1] = [2048];

/// Three times convolution over time, ReLU and max pool; then a max pool and a mean pool side by side, concatenated; a
/// hidden dense layer and the output. 2 775 818 parameters at the document's sizes.
///
/// Shapes at the document's sizes: `[batch, 128, 646]` → `[256, 161]` → `[256, 39]` → `[256, 9]` → twice `[256, 2]`,
/// flattened and concatenated 1024 → 2048 → 10. Ours, because the document does not say: convolutions are not padded
/// (Keras' default), except for inputs so short that nothing would be left; the hidden layer has a ReLU. The document
/// says that batch norm and dropout hardly helped: there is neither, unless dropout is requested. Weights are drawn as in
/// Keras, with which it was made.
#[derive(Module, Debug)]
pub struct DeepMusicGenre {
    convolutions: Vec<Conv1d>,
    dropout: Dropout,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> DeepMusicGenre {
    let (mut from, mut frames) = (build.shape.bands, build.shape.frames);
    let to = build.channels(CHANNELS);
    let layer = |()| {
        // Too short for the kernel: as many zeros as keep its length before the stride.
        let [before, after] = if frames < KERNEL_FRAMES { [1, 2] } else { [0, 0] };
        let config = Conv1dConfig::new(std::mem::replace(&mut from, to), to, KERNEL_FRAMES).with_stride(STRIDE);
        frames = pooled((frames + before + after - KERNEL_FRAMES) / STRIDE + 1, POOL);
        config.with_padding(PaddingConfig1d::Explicit(before, after)).init(device)
    };
    let convolutions = [(); 3].map(layer).to_vec();
    let values = 2 * to * pooled(frames, LAST_POOL);
    as_keras(DeepMusicGenre {
        convolutions,
        dropout: dropout(build.dropouts.convolution, 0.0),
        dense: Dense::new(values, &HIDDEN, build, 0.0, device),
    })
}

impl Layers for DeepMusicGenre {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let layer = |x: Tensor<3>, convolution: &Conv1d| {
            self.dropout.forward(max_pool1d(convolve_relu_1d(convolution, None, x), POOL))
        };
        let convolved = self.convolutions.iter().fold(windows, layer); // [batch, 256, 9]
        // A short window may leave fewer frames than the pool has.
        let last = LAST_POOL.min(convolved.dims()[2]);
        let mean = AvgPool1dConfig::new(last).with_stride(last).init().forward(convolved.clone()); // [batch, 256, 2]
        let pools: Tensor<3> = Tensor::cat(vec![max_pool1d(convolved, last), mean], 1); // [batch, 512, 2]
        self.dense.features(pools.flatten(1, 2)) // [batch, 2048]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }
}
