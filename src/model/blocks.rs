//! The blocks that several networks are built of: pools that leave at least one value of any input, convolutions with
//! their norm and activation, the dense layers at the end.

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool1dConfig, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig1d, PaddingConfig2d};
use burn::tensor::{Device, Tensor};

use super::convolution::{convolve_relu_1d, convolve_relu_2d};
use super::dropout::Dropout;
#[cfg(feature = "cpu")]
use super::kernel_weights::{convolution_2d, dense};
use super::norms::{relu, take_over_1d, take_over_2d};
use super::spec::Build;
#[cfg(feature = "cpu")]
use crate::kernels::{self, CnnLayer};

/// The length of an axis after a pool; a pool longer than the axis takes all of it.
pub(crate) fn pooled(length: usize, pool: usize) -> usize {
    length / pool.min(length)
}

/// `[batch, channels, frames]` → `[batch, channels, frames / pool]`, of which at least one is left.
pub(crate) fn max_pool1d(x: Tensor<3>, pool: usize) -> Tensor<3> {
    // A pool of 1 changes nothing, and skipping it saves a copy.
    match pool.min(x.dims()[2]) {
        1 => x,
        pool => MaxPool1dConfig::new(pool).with_stride(pool).init().forward(x),
    }
}

/// `[batch, channels, rows, columns]`, both axes pooled as [`pooled`] says.
pub(crate) fn max_pool2d(x: Tensor<4>, pool: [usize; 2]) -> Tensor<4> {
    let [_, _, rows, columns] = x.dims();
    match [pool[0].min(rows), pool[1].min(columns)] {
        [1, 1] => x,
        pool => MaxPool2dConfig::new(pool).with_strides(pool).init().forward(x),
    }
}

/// `[batch, channels, frames]` → `[batch, channels]`.
pub(crate) fn max_over_time(x: Tensor<3>) -> Tensor<2> {
    x.max_dim(2).squeeze_dim(2)
}

/// `[batch, channels, frames]` → `[batch, channels]`.
pub(crate) fn mean_over_time(x: Tensor<3>) -> Tensor<2> {
    x.mean_dim(2).squeeze_dim(2)
}

/// Two views of windows, `[batch, bands, frames]` → `[batch, 2, bands, frames]`: less the mean of the window, because the
/// loudness of a recording says nothing about its genre; and less each band's mean over time, because neither does its
/// equalisation. The first view keeps whatever lasts longer than a window.
pub(crate) fn two_views(windows: Tensor<3>) -> Tensor<4> {
    let means = windows.clone().mean_dim(2); // [batch, bands, 1]
    let level = means.clone().mean_dim(1); // [batch, 1, 1]
    Tensor::stack(vec![windows.clone() - level, windows - means], 1)
}

/// A dropout of the requested rate, or else of the document's.
pub(crate) fn dropout(requested: Option<f64>, documented: f64) -> Dropout {
    Dropout::new(requested.unwrap_or(documented))
}

/// One convolution over time, then batch norm, ReLU, max pool and dropout. The convolution has no bias, because the batch
/// norm would cancel it.
#[derive(Module, Debug)]
pub(crate) struct Block1d {
    convolution: Conv1d,
    norm: BatchNorm,
    dropout: Dropout,
    pool: usize,
}

impl Block1d {
    /// A block with fresh weights; an odd kernel keeps the length.
    pub(crate) fn new([from, to]: [usize; 2], kernel: usize, pool: usize, dropout: Dropout, device: &Device) -> Self {
        let config = Conv1dConfig::new(from, to, kernel).with_padding(PaddingConfig1d::Same).with_bias(false);
        Self { convolution: config.init(device), norm: BatchNormConfig::new(to).init(device), dropout, pool }
    }

    /// `[batch, from, frames]` → `[batch, to, frames / pool]`.
    pub(crate) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = convolve_relu_1d(&self.convolution, Some(&self.norm), x);
        self.dropout.forward(max_pool1d(x, self.pool))
    }

    /// As [`Layers::freeze_norms`](super::layers::Layers::freeze_norms).
    pub(crate) fn freeze_norms(&mut self) {
        take_over_1d(&mut self.convolution, &mut self.norm);
    }
}

/// One 3×3 convolution, then the same layers as in [`Block1d`].
#[derive(Module, Debug)]
pub(crate) struct Block2d {
    convolution: Conv2d,
    norm: BatchNorm,
    dropout: Dropout,
    pool: [usize; 2],
}

impl Block2d {
    /// A block with fresh weights; stride and pool are over rows and columns.
    pub(crate) fn new(
        channels: [usize; 2],
        stride: [usize; 2],
        pool: [usize; 2],
        dropout: Dropout,
        device: &Device,
    ) -> Self {
        let config = Conv2dConfig::new(channels, [3, 3]).with_stride(stride).with_bias(false);
        let convolution = config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device);
        Self { convolution, norm: BatchNormConfig::new(channels[1]).init(device), dropout, pool }
    }

    /// What it has learned, for the CPU engine's kernels; its norm is taken over.
    #[cfg(feature = "cpu")]
    pub(crate) fn weights(&self, reads: usize) -> CnnLayer {
        convolution_2d(reads, &self.convolution, self.pool)
    }

    /// `[batch, from, rows, columns]` → `[batch, to, ⌈rows / stride⌉ / pool, ⌈columns / stride⌉ / pool]`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = convolve_relu_2d(&self.convolution, Some(&self.norm), x);
        self.dropout.forward(max_pool2d(x, self.pool))
    }

    /// As [`Layers::freeze_norms`](super::layers::Layers::freeze_norms).
    pub(crate) fn freeze_norms(&mut self) {
        take_over_2d(&mut self.convolution, &mut self.norm);
    }
}

/// The dense layers at a network's end: hidden ones with ReLU and then dropout, and the output.
#[derive(Module, Debug)]
pub(crate) struct Dense {
    hidden: Vec<Linear>,
    output: Linear,
    dropout: Dropout,
}

impl Dense {
    /// Layers with fresh weights, from so many inputs through hidden layers of these units to the classes.
    pub(crate) fn new(
        inputs: usize,
        hidden: &[usize],
        build: &Build,
        documented_dropout: f64,
        device: &Device,
    ) -> Self {
        let mut width = inputs;
        let layer = |&units: &usize| {
            let from = std::mem::replace(&mut width, build.channels(units));
            LinearConfig::new(from, width).init(device)
        };
        Self {
            hidden: hidden.iter().map(layer).collect(),
            output: LinearConfig::new(width, build.shape.classes).init(device),
            dropout: dropout(build.dropouts.dense, documented_dropout),
        }
    }

    /// `[batch, inputs]` → the last hidden layer, `[batch, units]`, before its dropout; the inputs if there is none.
    pub(crate) fn features(&self, inputs: Tensor<2>) -> Tensor<2> {
        let layer = |x: Tensor<2>, (index, layer): (usize, &Linear)| {
            let x = if index > 0 { self.dropout.forward(x) } else { x };
            relu(layer.forward(x))
        };
        self.hidden.iter().enumerate().fold(inputs, layer)
    }

    /// What the output layer has learned, for the CPU engine's kernels.
    #[cfg(feature = "cpu")]
    pub(crate) fn output_weights(&self) -> kernels::Dense {
        dense(&self.output)
    }

    /// `[batch, units]` → `[batch, classes]`.
    pub(crate) fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.output.forward(self.dropout.forward(features))
    }
}

/// The sum of the squares of all weights, shape `[1]`: of kernels and matrices, not of biases and batch norms.
pub(crate) fn squared_weights(network: &impl Module) -> Option<Tensor<1>> {
    let mut squares = Squares(None);
    network.visit(&mut squares);
    squares.0
}

struct Squares(Option<Tensor<1>>);

impl ModuleVisitor for Squares {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D < 2 {
            return;
        }
        let squares = param.val().square().sum();
        self.0 = Some(match self.0.take() {
            Some(sum) => sum + squares,
            None => squares,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_leaves_something_of_every_axis() {
        assert_eq!(
            [(640, 4), (387, 4), (3, 4), (1, 2), (5, 5)].map(|(length, pool)| pooled(length, pool)),
            [160, 96, 1, 1, 1]
        );
    }
}
