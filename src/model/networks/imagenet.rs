//! What the networks that were pretrained on ImageNet share: their pictures, their convolutions, their last layers.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};

use crate::model::dropout::Dropout;
use crate::model::norms::relu;
use crate::model::spec::Build;
use crate::model::windows::in_unit_range;

/// The document of both networks.
pub(super) const TRANSFER: &str = "Tesserolli, Music Genre Classification (GTZAN, transfer learning), 2024";

/// Dropout of a head with a hidden layer. The document names a dropout without its rate; this is the usual one.
const DROPOUT_DENSE: f64 = 0.5;

/// Mean and deviation of the three channels that the ImageNet weights were trained with.
pub(super) type Colours = [(f64, f64); 3];

/// Windows as pictures like those that the ImageNet weights were trained on: values of 0..1 again, the highest band on
/// top, grey as three channels, each less its mean and divided by its deviation.
///
/// # Shapes
///
/// - input: `[batch, bands, frames]`, the lowest band first
/// - output: `[batch, 3, bands, frames]`
pub(super) fn pictures(windows: Tensor<3>, colours: Colours) -> Tensor<4> {
    // Spectrograms have their lowest band first, pictures their highest row on top.
    let grey = in_unit_range(windows).flip([1]);
    let channel = |(mean, deviation): (f64, f64)| (grey.clone() - mean) / deviation;
    Tensor::stack(colours.map(channel).to_vec(), 1)
}

/// A convolution without bias, as wide as high, its padding the same on all sides. Fresh weights are He's, as
/// torchvision and timm draw them.
pub(super) fn convolution(
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    groups: usize,
    device: &Device,
) -> Conv2d {
    Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
        .with_groups(groups)
        .with_bias(false)
        .with_initializer(Initializer::KaimingNormal { gain: 2_f64.sqrt(), fan_out_only: true })
        .init(device)
}

/// Batch norm with PyTorch's ε of 1e-5 and momentum of 0.1.
pub(super) fn norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels).init(device)
}

/// The maximum of 3×3, halving both sides, one pixel of padding.
pub(super) fn halving() -> MaxPool2d {
    MaxPool2dConfig::new([3, 3]).with_strides([2, 2]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init()
}

/// Mean over all of a picture: `[batch, channels, rows, columns]` → `[batch, channels]`.
pub(super) fn mean_of_pixels(x: Tensor<4>) -> Tensor<2> {
    let pixels: Tensor<3> = x.flatten(2, 3);
    pixels.mean_dim(2).squeeze_dim(2)
}

/// The last layers, in place of those for ImageNet: an output layer alone (the document's head A), or, if the structure has
/// hidden units, a dense layer, ReLU, dropout and the output layer (its head B).
#[derive(Module, Debug)]
pub(crate) struct Classifier {
    hidden: Option<Linear>,
    output: Linear,
    dropout: Dropout,
}

impl Classifier {
    /// Fresh layers on so many features.
    pub(super) fn new(features: usize, build: &Build, device: &Device) -> Self {
        let hidden = build.structure.hidden;
        let (last, documented) = if hidden > 0 { (hidden, DROPOUT_DENSE) } else { (features, 0.0) };
        Self {
            hidden: (hidden > 0).then(|| LinearConfig::new(features, hidden).init(device)),
            output: LinearConfig::new(last, build.shape.classes).init(device),
            dropout: Dropout::new(build.dropouts.dense.unwrap_or(documented)),
        }
    }

    /// `[batch, features]` → `[batch, classes]`.
    pub(super) fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let last = match &self.hidden {
            Some(hidden) => relu(hidden.forward(features)),
            None => features,
        };
        self.output.forward(self.dropout.forward(last))
    }
}
