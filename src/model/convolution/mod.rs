//! A convolution, the batch norm after it if there is one, and ReLU.
//!
//! On a graphics processor that is one program of our own ([`webgpu`]) if nothing is learned and the norm is
//! [taken over](super::norms), otherwise Burn's.

use burn::nn::BatchNorm;
use burn::nn::conv::{Conv1d, Conv2d};
use burn::tensor::Tensor;

use super::norms::{normalized, relu};

#[cfg(all(feature = "gpu", target_family = "wasm"))]
mod webgpu;
#[cfg(all(feature = "gpu", target_family = "wasm"))]
pub(super) use webgpu::pack;

/// `[batch, channels_in, frames]` → `[batch, channels_out, frames_out]`.
pub(super) fn convolve_relu_1d(convolution: &Conv1d, norm: Option<&BatchNorm>, x: Tensor<3>) -> Tensor<3> {
    #[cfg(all(feature = "gpu", target_family = "wasm"))]
    if let Some(layer) = webgpu::Layer::of_1d(convolution, norm, &x) {
        return layer.run(x);
    }
    let x = convolution.forward(x);
    relu(norm.into_iter().fold(x, |x, norm| normalized(norm, x)))
}

/// `[batch, channels_in, rows, columns]` → `[batch, channels_out, rows_out, columns_out]`.
pub(super) fn convolve_relu_2d(convolution: &Conv2d, norm: Option<&BatchNorm>, x: Tensor<4>) -> Tensor<4> {
    #[cfg(all(feature = "gpu", target_family = "wasm"))]
    if let Some(layer) = webgpu::Layer::of_2d(convolution, norm, &x) {
        return layer.run(x);
    }
    let x = convolution.forward(x);
    relu(norm.into_iter().fold(x, |x, norm| normalized(norm, x)))
}
