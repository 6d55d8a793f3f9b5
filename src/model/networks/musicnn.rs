//! `musicnn-msd` and `musicnn-mtt`: MusiCNN, whose first layer has kernels as tall as timbres and as long as rhythms
//! (Pons and Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", ISMIR 2019
//! late-breaking demo), as the Python package musicnn 0.1.0 has it.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::module::conv1d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

use crate::card::Structure;
use crate::dsp::FrontEnd;
#[cfg(feature = "cpu")]
use crate::kernels;
use crate::model::blocks::{max_over_time, mean_over_time};
use crate::model::convolution::convolve_relu_1d;
#[cfg(feature = "cpu")]
use crate::model::kernel_weights::{bias_values, dense, values};
use crate::model::layers::Layers;
use crate::model::norms::{normalized, relu, simplify};
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::{OptimiserKind, Recipe, Schedule};

/// The network for the tags of the Million Song Dataset.
pub(crate) const MSD: Entry<Musicnn> = Entry {
    id: "musicnn-msd",
    summary: "Kernels shaped like timbres and rhythms, three layers over time, 50 tags of the Million Song Dataset.",
    source: SOURCE,
    reported: "ROC-AUC 0.880 and PR-AUC 0.289 on the Million Song Dataset, in the package.",
    paper_shape: PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Windows { overlap: false },
    min_frames: KERNEL_FRAMES,
    preset,
    init,
};

/// The network for the tags of MagnaTagATune.
pub(crate) const MTT: Entry<Musicnn> = Entry {
    id: "musicnn-mtt",
    summary: "Kernels shaped like timbres and rhythms, three layers over time, 50 tags of MagnaTagATune.",
    reported: "ROC-AUC 0.907 and PR-AUC 0.383 on MagnaTagATune, in the package.",
    ..MSD
};

const SOURCE: &str = "Pons and Serra, musicnn: Pre-trained convolutional neural networks for music audio tagging, ISMIR \
                      2019 (the package musicnn 0.1.0)";

/// The package's sizes: 96 bands, 3 s, 50 tags.
const PAPER_SHAPE: Shape = Shape { bands: 96, frames: 187, classes: 50 };

/// The package's training, as its `config.json` has it: Adam at 0.001, batches of 32, at most 600 epochs. It does
/// not say how the rate was lowered.
fn preset() -> Preset {
    Preset {
        front_end: &FrontEnd::MUSICNN,
        recipe: Recipe {
            epochs: 600,
            batch: 32,
            optimiser: OptimiserKind::Adam,
            learning_rate: 1e-3,
            schedule: Schedule::Plateau,
            weight_decay: 1e-5,
            ..Recipe::default()
        },
    }
}

/// Frames that the kernels of timbres and of the middle layers span.
const KERNEL_FRAMES: usize = 7;
/// Bands that the kernels of timbres span, of the 96.
const TIMBRE_BANDS: [usize; 2] = [38, 67];
/// Frames that the kernels of rhythms span.
const RHYTHM_FRAMES: [usize; 3] = [128, 64, 32];
/// The package's batch normalisation: variances are raised by this.
const EPSILON: f64 = 1e-3;

/// MusiCNN: 787 159 parameters at the package's sizes, 792 079 stored values with the statistics of its batch norms.
///
/// It pools over all time, so any window of a few frames works. Batch norms come after the ReLU, and what is padded
/// is padded with zeros after the batch norm before it.
#[derive(Module, Debug)]
pub struct Musicnn {
    input_norm: BatchNorm,
    timbre_low: Front,
    timbre_high: Front,
    rhythm_long: Front,
    rhythm_middle: Front,
    rhythm_short: Front,
    middle_1: Middle,
    middle_2: Middle,
    middle_3: Middle,
    pooled_norm: BatchNorm,
    dense: Linear,
    dense_norm: BatchNorm,
    output: Linear,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> Musicnn {
    let Shape { bands, classes, .. } = build.shape;
    let [timbre, rhythm, middle, dense] = [204, 51, 64, 200].map(|channels| build.channels(channels));
    // The package gives the heights for its 96 bands; other front ends may have another number.
    let [low, high] = TIMBRE_BANDS.map(|of_96| (bands * of_96 / PAPER_SHAPE.bands).max(1));
    let front = 2 * timbre + 3 * rhythm;
    let pooled = 2 * (front + 3 * middle);
    let [long, medium, short] = RHYTHM_FRAMES.map(|frames| Front::init(rhythm, [1, frames], device));
    Musicnn {
        input_norm: norm(1, device),
        timbre_low: Front::init(timbre, [low, KERNEL_FRAMES], device),
        timbre_high: Front::init(timbre, [high, KERNEL_FRAMES], device),
        rhythm_long: long,
        rhythm_middle: medium,
        rhythm_short: short,
        middle_1: Middle::init(front, middle, device),
        middle_2: Middle::init(middle, middle, device),
        middle_3: Middle::init(middle, middle, device),
        pooled_norm: norm(pooled, device),
        dense: LinearConfig::new(pooled, dense).init(device),
        dense_norm: norm(dense, device),
        output: LinearConfig::new(dense, classes).init(device),
    }
}

fn norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels).with_epsilon(EPSILON).init(device)
}

#[cfg(feature = "cpu")]
impl Musicnn {
    /// What it has learned, for the CPU engine's kernels.
    pub(crate) fn weights(&self) -> kernels::MusicnnWeights {
        kernels::MusicnnWeights {
            input_norm: norm_weights(&self.input_norm),
            timbres: [&self.timbre_low, &self.timbre_high].map(Front::weights),
            rhythms: [&self.rhythm_long, &self.rhythm_middle, &self.rhythm_short].map(Front::weights),
            middles: [&self.middle_1, &self.middle_2, &self.middle_3].map(Middle::weights),
            pooled_norm: norm_weights(&self.pooled_norm),
            dense: dense(&self.dense),
            dense_norm: norm_weights(&self.dense_norm),
            output: dense(&self.output),
        }
    }
}

#[cfg(feature = "cpu")]
fn norm_weights(norm: &BatchNorm) -> kernels::BatchNorm {
    kernels::BatchNorm {
        gamma: values(norm.gamma.val()),
        beta: values(norm.beta.val()),
        mean: values(norm.running_mean.value()),
        variance: values(norm.running_var.value()),
        epsilon: norm.epsilon,
    }
}

impl Layers for Musicnn {
    /// The penultimate activations, after their batch norm.
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        self.features_of_pooled(self.pooled(windows))
    }

    /// The maximum and the mean over time of every channel.
    fn pooled(&self, windows: Tensor<3>) -> Tensor<2> {
        let input: Tensor<4> = normalized(&self.input_norm, windows.unsqueeze_dim(1));
        let input: Tensor<3> = input.squeeze_dim(1); // [batch, bands, frames]
        let parts = [&self.timbre_low, &self.timbre_high, &self.rhythm_long, &self.rhythm_middle, &self.rhythm_short];
        let front = Tensor::cat(parts.map(|part| part.forward(input.clone())).to_vec(), 1); // [batch, 561, frames]
        let first = self.middle_1.forward(front.clone()); // [batch, 64, frames]
        let second = self.middle_2.forward(first.clone()) + first.clone(); // [batch, 64, frames]
        let third = self.middle_3.forward(second.clone()) + second.clone(); // [batch, 64, frames]
        let all = Tensor::cat(vec![front, first, second, third], 1); // [batch, 753, frames]
        // Interleaved: each channel's maximum, then its mean.
        let pooled: Tensor<3> = Tensor::stack(vec![max_over_time(all.clone()), mean_over_time(all)], 2);
        pooled.flatten(1, 2) // [batch, 1506]
    }

    fn features_of_pooled(&self, pooled: Tensor<2>) -> Tensor<2> {
        normalized(&self.dense_norm, relu(self.dense.forward(normalized(&self.pooled_norm, pooled))))
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.output.forward(features)
    }

    fn freeze_norms(&mut self) {
        let fronts = [
            &mut self.timbre_low,
            &mut self.timbre_high,
            &mut self.rhythm_long,
            &mut self.rhythm_middle,
            &mut self.rhythm_short,
        ];
        let middles = [&mut self.middle_1, &mut self.middle_2, &mut self.middle_3];
        let norms = [&mut self.input_norm, &mut self.pooled_norm, &mut self.dense_norm].into_iter();
        norms
            .chain(fronts.map(|front| &mut front.norm))
            .chain(middles.map(|middle| &mut middle.norm))
            .for_each(simplify);
    }
}

/// A convolution of the first layer, and its maximum over the bands.
///
/// It is computed as a convolution over time alone, once per position of the kernel among the bands: a timbre's kernel is
/// many bands high, a rhythm's one band. On the CPU engine that takes a third of the time of a convolution over both axes.
#[derive(Module, Debug)]
pub(crate) struct Front {
    convolution: Conv2d,
    norm: BatchNorm,
}

/// A long kernel is split into so many parts, which become channels: the CPU engine then multiplies matrices without
/// copying.
const RHYTHM_PARTS: usize = 32;

impl Front {
    /// `kernel` is bands by frames; there are as many frames after it as before.
    fn init(channels: usize, kernel: [usize; 2], device: &Device) -> Self {
        Self { convolution: Conv2dConfig::new([1, channels], kernel).init(device), norm: norm(channels, device) }
    }

    #[cfg(feature = "cpu")]
    fn weights(&self) -> kernels::Convolution {
        let Self { convolution, norm } = self;
        let [_, _, tall, long] = convolution.weight.dims();
        let (weights, bias) = (values(convolution.weight.val()), bias_values(convolution.bias.as_ref()));
        kernels::Convolution { weights, kernel: [tall, long], bias, norm: norm_weights(norm) }
    }

    /// `[batch, bands, frames]` → `[batch, channels, frames]`.
    fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        if input.device().is_autodiff() { self.forward_to_train(input) } else { self.forward_to_predict(input) }
    }

    /// As the document has it: the norm after the ReLU, the maximum after the norm, whose statistics are over all bands.
    fn forward_to_train(&self, input: Tensor<3>) -> Tensor<3> {
        let [batch, ..] = input.dims();
        let (weight, bias) = (self.convolution.weight.val(), self.convolution.bias.as_ref().map(Param::val));
        let outputs = self.norm.forward(relu(convolve(input, weight, bias)));
        largest(outputs, batch)
    }

    /// The same with the maximum first, so that the norm has less to compute. If a norm's factor is negative, its smallest
    /// input gives its largest output, so that channel is convolved with its sign inverted.
    fn forward_to_predict(&self, input: Tensor<3>) -> Tensor<3> {
        let [batch, ..] = input.dims();
        let signs = self.norm.gamma.val().greater_equal_elem(0.0).float() * 2.0 - 1.0; // [channels]
        let weight = self.convolution.weight.val() * signs.clone().reshape([-1, 1, 1, 1]);
        let bias = self.convolution.bias.as_ref().map(|bias| bias.val() * signs.clone());
        let found = largest(convolve(input, weight, bias), batch);
        normalized(&self.norm, relu(found * signs.reshape([1, -1, 1])))
    }
}

/// `[batch, bands, frames]` → `[batch · positions, channels, frames]`: the outputs at every position of the kernel
/// `[channels, 1, tall, long]` among the bands.
fn convolve(input: Tensor<3>, kernel: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<3> {
    let [batch, bands, frames] = input.dims();
    let [channels, _, tall, long] = kernel.dims();
    let padded = input.pad([((long - 1) / 2, long / 2)], 0.0);
    let (pieces, kernel): (Tensor<3>, Tensor<3>) = if tall == 1 && long % RHYTHM_PARTS == 0 {
        // A kernel of 128 frames is 32 parts of 4, each 4 frames later than the one before it.
        let part = long / RHYTHM_PARTS;
        let bands: Tensor<2> = padded.flatten(0, 1);
        (bands.unfold(1, frames + part - 1, part), kernel.reshape([channels, RHYTHM_PARTS, part]))
    } else {
        let stretches: Tensor<4> = padded.unfold(1, tall, 1); // [batch, positions, frames, tall]
        let pieces = stretches.swap_dims(2, 3).reshape([(batch * (bands - tall + 1)) as i64, tall as i64, -1]);
        (pieces, kernel.reshape([channels, tall, long]))
    };
    conv1d(pieces, kernel, bias, ConvOptions::new([1], [0], [1], 1))
}

/// The largest over all positions: `[batch · positions, channels, frames]` → `[batch, channels, frames]`.
fn largest(outputs: Tensor<3>, batch: usize) -> Tensor<3> {
    let [all, channels, frames] = outputs.dims();
    outputs.reshape([batch, all / batch, channels, frames]).max_dim(1).squeeze_dim(1)
}

/// A convolution over time.
#[derive(Module, Debug)]
pub(crate) struct Middle {
    convolution: Conv1d,
    norm: BatchNorm,
}

impl Middle {
    fn init(channels_in: usize, channels_out: usize, device: &Device) -> Self {
        let convolution = Conv1dConfig::new(channels_in, channels_out, KERNEL_FRAMES).init(device);
        Self { convolution, norm: norm(channels_out, device) }
    }

    #[cfg(feature = "cpu")]
    fn weights(&self) -> kernels::Convolution {
        let Self { convolution, norm } = self;
        let [_, rows, long] = convolution.weight.dims();
        let (weights, bias) = (values(convolution.weight.val()), bias_values(convolution.bias.as_ref()));
        kernels::Convolution { weights, kernel: [rows, long], bias, norm: norm_weights(norm) }
    }

    /// `[batch, channels_in, frames]` → `[batch, channels_out, frames]`.
    fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        // Padded by hand: the CPU engine's fastest convolution knows no padding.
        let padded = input.pad([(KERNEL_FRAMES / 2, KERNEL_FRAMES / 2)], 0.0);
        normalized(&self.norm, convolve_relu_1d(&self.convolution, None, padded))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn the_maximum_before_the_norm_is_that_after_it_and_that_of_a_plain_convolution() {
        let device = Device::flex();
        device.seed(3);
        let input = Tensor::random([2, 9, 21], Distribution::Normal(0.0, 1.0), &device);
        for kernel in [[4, 7], [1, 64], [1, 7]] {
            let mut front = Front::init(6, kernel, &device);
            front.norm.gamma = Param::from_tensor(Tensor::random([6], Distribution::Normal(0.0, 1.0), &device));
            let (after, before) = (front.forward_to_train(input.clone()), front.forward_to_predict(input.clone()));
            let padded = input.clone().pad([((kernel[1] - 1) / 2, kernel[1] / 2)], 0.0).unsqueeze_dim(1);
            let plain = front.norm.forward(relu(front.convolution.forward(padded))).max_dim(2).squeeze_dim(2);
            for other in [before, plain] {
                let difference = (after.clone() - other).abs().max().into_scalar::<f32>();
                assert!(difference < 1e-5, "{kernel:?}: {difference}");
            }
        }
    }
}
