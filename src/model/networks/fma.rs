//! What the seven networks of Yaacob and Goldrich share: their document's sizes and training, and how their layers
//! follow each other.
//!
//! The document gives the kinds and numbers of layers, batch norm, max pool, the positions of dropout, and the training's
//! batches and epochs. Channels, kernels, pools, dropout's rates, the optimiser and the strength of L2 are ours.

use burn::tensor::{Device, Tensor};

use crate::dsp::FrontEnd;
use crate::model::blocks::{Block1d, Block2d, dropout, pooled};
use crate::model::spec::{Build, Preset, Shape};
use crate::recipe::{OptimiserKind, Recipe, Schedule};

/// The document of these networks.
pub(crate) const SOURCE: &str =
    "Yaacob and Goldrich, Music Genre Classification Using Neural Networks, final project in Deep Learning, IDC, 2020";

/// The document's sizes: 128 bands, 640 frames, the eight genres of FMA-small.
pub(crate) const PAPER_SHAPE: Shape = Shape { bands: 128, frames: 640, classes: 8 };

/// Dropout after dense layers, and of `fma-crnn` after its LSTM; the document names no rate.
pub(crate) const DROPOUT_DENSE: f64 = 0.3;

/// Dropout after the convolutions that have one; the document names no rate.
pub(crate) const DROPOUT_CONVOLUTION: f64 = 0.2;

/// Strength of the L2 penalty on all kernels and matrices; the document only says that there is one.
pub(crate) const L2: f64 = 1e-4;

/// Frames that the one-dimensional convolutions span; the document names no number.
const KERNEL_FRAMES: usize = 5;

/// The document's training (section 3): 70 epochs in batches of 32, with L2. It names no optimiser; ours is Adam with
/// a learning rate of 0.001 throughout. A clip is one input of 640 frames, so one window of each song.
pub(crate) fn preset() -> Preset {
    Preset {
        front_end: &FrontEnd::FMA,
        recipe: Recipe {
            epochs: 70,
            batch: 32,
            windows_per_song: 1,
            optimiser: OptimiserKind::Adam,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
            paper_penalty: true,
            ..Recipe::default()
        },
    }
}

/// A convolution over time: its channels and the max pool after it.
pub(crate) struct Layer1d(pub(crate) usize, pub(crate) usize);

/// Convolutions over time with fresh weights, and the channels and frames of their output. A convolution has dropout if
/// `documented_dropout` gives a rate for its index; the build may replace that rate.
pub(crate) fn convolutions1d(
    layers: &[Layer1d],
    build: &Build,
    documented_dropout: impl Fn(usize) -> Option<f64>,
    device: &Device,
) -> (Vec<Block1d>, [usize; 2]) {
    let (mut channels, mut frames) = (build.shape.bands, build.shape.frames);
    let block = |(index, &Layer1d(to, pool)): (usize, &Layer1d)| {
        let from = std::mem::replace(&mut channels, build.channels(to));
        frames = pooled(frames, pool);
        let dropout = match documented_dropout(index) {
            Some(documented) => dropout(build.dropouts.convolution, documented),
            None => dropout(None, 0.0),
        };
        Block1d::new([from, channels], KERNEL_FRAMES, pool, dropout, device)
    };
    let blocks = layers.iter().enumerate().map(block).collect();
    (blocks, [channels, frames])
}

/// `[batch, bands, frames]` → `[batch, channels, frames left]`.
pub(crate) fn through1d(blocks: &[Block1d], windows: Tensor<3>) -> Tensor<3> {
    blocks.iter().fold(windows, |x, block| block.forward(x))
}

/// A 3×3 convolution: its channels, its stride over bands and frames, the max pool after it.
pub(crate) struct Layer2d(pub usize, pub [usize; 2], pub [usize; 2]);

/// Two-dimensional convolutions with fresh weights, and the number of values of their output.
pub(crate) fn convolutions2d(layers: &[Layer2d], build: &Build, device: &Device) -> (Vec<Block2d>, usize) {
    let (mut channels, mut map) = (1, [build.shape.bands, build.shape.frames]);
    let block = |&Layer2d(to, stride, pool): &Layer2d| {
        let from = std::mem::replace(&mut channels, build.channels(to));
        map = [0, 1].map(|axis| pooled(map[axis].div_ceil(stride[axis]), pool[axis]));
        Block2d::new([from, channels], stride, pool, dropout(build.dropouts.convolution, 0.0), device)
    };
    let blocks = layers.iter().map(block).collect();
    (blocks, channels * map[0] * map[1])
}

/// `[batch, bands, frames]` → `[batch, values]`.
pub(crate) fn through2d(blocks: &[Block2d], windows: Tensor<3>) -> Tensor<2> {
    blocks.iter().fold(windows.unsqueeze_dim(1), |x: Tensor<4>, block| block.forward(x)).flatten(1, 3)
}
