//! `net2`: the residual contrast to `net1` (the same paper, section 3.2).

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::Shape;
use super::net1::{KERNEL_FRAMES, max_over_time, mean_over_time};

/// Configuration of [`Net2`]. The defaults are the paper's.
#[derive(Debug, Clone, PartialEq)]
pub struct Net2Config {
    /// Input and output sizes: 256 bands, 128 frames, 10 classes in the paper.
    pub shape: Shape,
}

impl Default for Net2Config {
    fn default() -> Self {
        Self { shape: Shape { bands: 256, frames: 128, classes: 10 } }
    }
}

/// Three convolutions over time, their outputs added, pooled over all of it by maximum and mean, and three dense
/// layers. 857 322 parameters at the paper's sizes. Any window of at least [`KERNEL_FRAMES`] frames works.
///
/// The paper names no dropout and no weight penalty for it, so it has neither of its own.
#[derive(Module, Debug)]
pub struct Net2 {
    c1: Conv1d,
    c2: Conv1d,
    c3: Conv1d,
    d1: Linear,
    d2: Linear,
    d3: Linear,
}

impl Net2Config {
    /// A network with fresh weights.
    pub fn init(&self, device: &Device) -> Net2 {
        let same = || Conv1dConfig::new(256, 256, KERNEL_FRAMES).with_padding(PaddingConfig1d::Same).init(device);
        Net2 {
            c1: Conv1dConfig::new(self.shape.bands, 256, KERNEL_FRAMES).init(device),
            c2: same(),
            c3: same(),
            d1: LinearConfig::new(512, 128).init(device),
            d2: LinearConfig::new(128, 32).init(device),
            d3: LinearConfig::new(32, self.shape.classes).init(device),
        }
    }
}

impl Net2 {
    /// Logits of a batch of windows.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, bands, frames]`, at least [`KERNEL_FRAMES`] frames
    /// - output: `[batch, classes]`
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        let c1 = relu(self.c1.forward(windows)); // [batch, 256, frames - 3]
        let c2 = relu(self.c2.forward(c1.clone()));
        let c3 = relu(self.c3.forward(c2.clone()));
        let sum = c1 + c2 + c3;
        let pooled = Tensor::cat(vec![max_over_time(sum.clone()), mean_over_time(sum)], 1); // [batch, 512]
        self.d3.forward(relu(self.d2.forward(relu(self.d1.forward(pooled)))))
    }
}
