//! What layers have learned, as the kernels take it.

use burn::module::Param;
use burn::nn::conv::{Conv1d, Conv2d};
use burn::nn::{Linear, PaddingConfig1d, PaddingConfig2d};
use burn::tensor::Tensor;

use crate::kernels::{CnnLayer, Dense};

/// A tensor's values, row-major.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// One value a channel; none without a bias.
pub(super) fn bias_values(bias: Option<&Param<Tensor<1>>>) -> Vec<f32> {
    bias.map(|bias| values(bias.val())).unwrap_or_default()
}

pub(super) fn dense(layer: &Linear) -> Dense {
    Dense { weights: values(layer.weight.val()), bias: bias_values(layer.bias.as_ref()) }
}

/// A convolution over time with steps of one, whose channels' rows are one row of the layer that it reads.
pub(super) fn convolution_1d(reads: usize, convolution: &Conv1d) -> CnnLayer {
    let frames = convolution.kernel_size;
    let [before, after] = match convolution.padding {
        PaddingConfig1d::Valid => [0, 0],
        PaddingConfig1d::Explicit(before, after) => [before, after],
        PaddingConfig1d::Same => [(frames - 1) / 2, frames / 2],
    };
    CnnLayer {
        reads,
        weights: values(convolution.weight.val()),
        bias: bias_values(convolution.bias.as_ref()),
        kernel: [1, frames],
        stride: [1, convolution.stride],
        padding: [[0, 0], [before, after]],
        pool: [1, 1],
    }
}

/// A convolution over rows and columns, then a max pool.
pub(super) fn convolution_2d(reads: usize, convolution: &Conv2d, pool: [usize; 2]) -> CnnLayer {
    let kernel = convolution.kernel_size;
    let padding = match convolution.padding {
        PaddingConfig2d::Valid => [[0, 0]; 2],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [[top, bottom], [left, right]],
        PaddingConfig2d::Same => kernel.map(|size| [(size - 1) / 2, size / 2]),
    };
    CnnLayer {
        reads,
        weights: values(convolution.weight.val()),
        bias: bias_values(convolution.bias.as_ref()),
        kernel,
        stride: convolution.stride,
        padding,
        pool,
    }
}
