//! `net1`: duplicated convolutional layers (Yang and Zhang, "Music Genre Classification Using Duplicated Convolutional
//! Layers in Neural Networks", Interspeech 2019, section 3.1).

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::Shape;

/// Frames that every convolution of `net1` and `net2` spans.
pub const KERNEL_FRAMES: usize = 4;

/// Configuration of [`Net1`]. The defaults are the paper's.
#[derive(Debug, Clone, PartialEq)]
pub struct Net1Config {
    /// Input and output sizes: 256 bands, 128 frames, 10 classes in the paper.
    pub shape: Shape,
    /// Dropout after the first convolution.
    pub dropout_convolution: f64,
    /// Dropout before the last dense layer.
    pub dropout_dense: f64,
}

impl Default for Net1Config {
    fn default() -> Self {
        Self { shape: Shape { bands: 256, frames: 128, classes: 10 }, dropout_convolution: 0.2, dropout_dense: 0.1 }
    }
}

/// Four convolutions over time, each pooled over all of it, and three dense layers.
///
/// The first convolution spans every mel band. The third and the fourth are duplicates on the second one's output,
/// one pooled by its maximum and one by its mean, so that they come to extract different statistics. 1 001 162
/// parameters at the paper's sizes. It pools over all time, so any window of at least [`KERNEL_FRAMES`] frames works.
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

impl Net1Config {
    /// A network with fresh weights.
    pub fn init(&self, device: &Device) -> Net1 {
        let same = |channels_in, channels_out| {
            Conv1dConfig::new(channels_in, channels_out, KERNEL_FRAMES).with_padding(PaddingConfig1d::Same).init(device)
        };
        Net1 {
            c1: Conv1dConfig::new(self.shape.bands, 256, KERNEL_FRAMES).init(device),
            c2: same(256, 256),
            c3: same(256, 128),
            c4: same(256, 128),
            d1: LinearConfig::new(768, 256).init(device),
            d2: LinearConfig::new(256, 64).init(device),
            d3: LinearConfig::new(64, self.shape.classes).init(device),
            dropout_convolution: DropoutConfig::new(self.dropout_convolution).init(),
            dropout_dense: DropoutConfig::new(self.dropout_dense).init(),
        }
    }
}

impl Net1 {
    /// Logits of a batch of windows.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, bands, frames]`, at least [`KERNEL_FRAMES`] frames
    /// - output: `[batch, classes]`
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        let c1 = self.dropout_convolution.forward(relu(self.c1.forward(windows))); // [batch, 256, frames - 3]
        let c2 = relu(self.c2.forward(c1.clone())); // [batch, 256, frames - 3]
        let c3 = relu(self.c3.forward(c2.clone())); // [batch, 128, frames - 3]
        let c4 = relu(self.c4.forward(c2.clone())); // [batch, 128, frames - 3]
        let pooled = Tensor::cat(vec![max_over_time(c1), mean_over_time(c2), max_over_time(c3), mean_over_time(c4)], 1);
        let dense = relu(self.d2.forward(relu(self.d1.forward(pooled))));
        self.d3.forward(self.dropout_dense.forward(dense))
    }

    /// The paper's L2 penalty: 0.02 on the first convolution's kernel and 0.01 on the others', none on dense layers.
    pub fn penalty(&self) -> Tensor<1> {
        let squares = |layer: &Conv1d| layer.weight.val().square().sum();
        squares(&self.c1) * 0.02 + (squares(&self.c2) + squares(&self.c3) + squares(&self.c4)) * 0.01
    }
}

/// `[batch, channels, frames]` → `[batch, channels]`.
pub(super) fn max_over_time(x: Tensor<3>) -> Tensor<2> {
    x.max_dim(2).squeeze_dim(2)
}

/// `[batch, channels, frames]` → `[batch, channels]`.
pub(super) fn mean_over_time(x: Tensor<3>) -> Tensor<2> {
    x.mean_dim(2).squeeze_dim(2)
}
