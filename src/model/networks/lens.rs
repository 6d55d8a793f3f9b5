//! `lens`: this project's own small network, the best that was found for training on a few hundred songs alone.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};

use crate::card::Structure;
use crate::dsp::FrontEnd;
#[cfg(feature = "cpu")]
use crate::kernels::{CnnLayer, CnnWeights, Pooling, Views};
use crate::model::blocks::{max_over_time, mean_over_time, two_views};
use crate::model::convolution::{convolve_relu_1d, convolve_relu_2d};
use crate::model::dropout::Dropout;
#[cfg(feature = "cpu")]
use crate::model::kernel_weights::{convolution_1d, convolution_2d, dense};
use crate::model::layers::Layers;
use crate::model::norms::{take_over_1d, take_over_2d};
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::{Augmentation, Keep, Recipe};

/// This network in the registry.
pub(crate) const ENTRY: Entry<Lens> = Entry {
    id: "lens",
    summary: "Four small convolutions over time and pitch, of which each halves what it looks at; mean and maximum over \
              time.",
    source: "This project (a small VGG-like network, as the field uses for spectrograms)",
    reported: "",
    paper_shape: Shape { bands: 128, frames: 39, classes: 10 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Windows { overlap: true },
    min_frames: 4,
    preset: || Preset { front_end: &FrontEnd::GTZAN_LOGMEL, recipe: recipe() },
    init,
};

/// The training of this project's own networks on a few hundred songs.
pub(crate) fn recipe() -> Recipe {
    Recipe {
        learning_rate: 3e-3,
        weight_decay: 0.1,
        label_smoothing: 0.1,
        group_evenness: 0.5,
        average_decay: 0.995,
        keep: Keep::Last,
        augmentation: Augmentation::FEW_SONGS,
        ..Recipe::default()
    }
}

/// Channels of the four convolutions.
const CHANNELS: [usize; 4] = [24, 40, 64, 96];
/// How much the later three convolutions' outputs are pooled over bands and time.
const POOLS: [[usize; 2]; 3] = [[2, 1], [2, 2], [2, 1]];
/// Steps of the first convolution over bands and time.
const STRIDE: [usize; 2] = [4, 2];
/// Units that a frame's bands and channels are brought to before pooling over time.
const FRAME_UNITS: usize = 128;
/// Dropout before the output.
const DROPOUT: f64 = 0.3;

/// Convolutions over time and bands, all bands of a frame into 128 units, their mean and maximum over time, the output.
///
/// Its input is two views of a window: less the mean of the window, and less the mean of each band. 141 082 parameters
/// with 128 bands and ten classes. Any window of at least 4 frames works.
#[derive(Module, Debug)]
pub struct Lens {
    first: Conv2d,
    first_norm: BatchNorm,
    later: Vec<Conv2d>,
    later_norms: Vec<BatchNorm>,
    pools: Vec<MaxPool2d>,
    frame: Conv1d,
    frame_norm: BatchNorm,
    output: Linear,
    dropout_convolution: Dropout,
    dropout_dense: Dropout,
}

fn init(build: &Build, device: &Device) -> Lens {
    let channels = CHANNELS.map(|channels| build.channels(channels));
    let units = build.channels(FRAME_UNITS);
    let norm = |channels| BatchNormConfig::new(channels).init(device);
    // The bands after the first convolution: kernel 7, padding 3 on both sides.
    let mut bands = (build.shape.bands + 6).saturating_sub(7) / STRIDE[0] + 1;
    let mut pools = Vec::new();
    for [over_bands, over_time] in POOLS {
        // A small input is not pooled away.
        let over_bands = if bands >= 2 * over_bands { over_bands } else { 1 };
        bands /= over_bands;
        pools.push(MaxPool2dConfig::new([over_bands, over_time]).with_strides([over_bands, over_time]).init());
    }
    let later = |index: usize| {
        Conv2dConfig::new([channels[index], channels[index + 1]], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_bias(false)
            .init(device)
    };
    Lens {
        first: Conv2dConfig::new([2, channels[0]], [7, 5])
            .with_stride(STRIDE)
            .with_padding(PaddingConfig2d::Explicit(3, 2, 3, 2))
            .with_bias(false)
            .init(device),
        first_norm: norm(channels[0]),
        later: (0..3).map(later).collect(),
        later_norms: channels[1..].iter().map(|&channels| norm(channels)).collect(),
        pools,
        frame: Conv1dConfig::new(channels[3] * bands, units, 1).with_bias(false).init(device),
        frame_norm: norm(units),
        output: LinearConfig::new(2 * units, build.shape.classes).init(device),
        dropout_convolution: Dropout::new(build.dropouts.convolution.unwrap_or(0.0)),
        dropout_dense: Dropout::new(build.dropouts.dense.unwrap_or(DROPOUT)),
    }
}

#[cfg(feature = "cpu")]
impl Lens {
    /// What it has learned, for the CPU engine's kernels; its norms are taken over.
    pub(crate) fn weights(&self) -> CnnWeights {
        let first = convolution_2d(0, &self.first, [1, 1]);
        let later = self.later.iter().zip(&self.pools).enumerate();
        let later = later.map(|(index, (layer, pool))| convolution_2d(index + 1, layer, pool.kernel_size));
        let mut layers: Vec<CnnLayer> = [first].into_iter().chain(later).collect();
        // The bands of a frame as the rows of a kernel.
        let channels = layers.last().map_or(1, |layer| layer.bias.len().max(1));
        let frame = convolution_1d(layers.len(), &self.frame);
        let bands = self.frame.weight.dims()[1] / channels;
        layers.push(CnnLayer { kernel: [bands, 1], ..frame });
        CnnWeights {
            views: Views::Two,
            pooled: [Pooling::Mean, Pooling::Max].map(|pooling| (layers.len(), pooling)).to_vec(),
            layers,
            hidden: Vec::new(),
            output: dense(&self.output),
        }
    }
}

impl Layers for Lens {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let views = two_views(windows); // [batch, 2, bands, frames]
        let mut x = convolve_relu_2d(&self.first, Some(&self.first_norm), views); // [batch, 24, bands / 4, frames / 2]
        for ((convolution, norm), pool) in self.later.iter().zip(&self.later_norms).zip(&self.pools) {
            x = pool.forward(convolve_relu_2d(convolution, Some(norm), x));
            x = self.dropout_convolution.forward(x);
        }
        let frames: Tensor<3> = x.flatten(1, 2); // [batch, 96 · bands / 32, frames / 4]
        let frames = convolve_relu_1d(&self.frame, Some(&self.frame_norm), frames); // [batch, 128, frames / 4]
        Tensor::cat(vec![mean_over_time(frames.clone()), max_over_time(frames)], 1)
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.output.forward(self.dropout_dense.forward(features))
    }

    fn freeze_norms(&mut self) {
        take_over_2d(&mut self.first, &mut self.first_norm);
        self.later.iter_mut().zip(&mut self.later_norms).for_each(|(later, norm)| take_over_2d(later, norm));
        take_over_1d(&mut self.frame, &mut self.frame_norm);
    }
}
