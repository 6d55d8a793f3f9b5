//! The program of our own for convolutions on WebGPU, in WGSL.
//!
//! Burn's direct convolution computes four channels of one position at a time, after a copy of the weights in another
//! order, and leaves ReLU to a launch of its own. This one computes four channels of four positions, with ReLU.

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::cubecl::prelude::KernelId;
use burn::cubecl::server::KernelArguments;
use burn::cubecl::{CubeCount, CubeDim};
use burn::module::{ModuleMapper, Param};
use burn::nn::conv::{Conv1d, Conv2d};
use burn::nn::{BatchNorm, PaddingConfig1d, PaddingConfig2d};

use burn::tensor::{DType, Shape, Tensor};
use burn_wgpu::{CubeBackend, CubeTensor, KernelSource, SourceKernel, SourceTemplate, into_contiguous};

use crate::model::norms::is_taken_over;
use crate::model::predict::is_cpu;
use crate::model::registry::Network;

/// Invocations of a workgroup, as the program has it.
const WORKGROUP: u32 = 64;
/// Positions and channels that an invocation computes.
const TILE: usize = 4;
/// The most workgroups of an axis that every adapter takes.
const MOST_WORKGROUPS: u32 = 65_535;

/// What is convolved how, over rows and columns; a convolution over time has one row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Geometry {
    batch: usize,
    channels: [usize; 2],
    input: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    /// Rows above and columns before the input that count as zeros.
    before: [usize; 2],
    output: [usize; 2],
}

impl Geometry {
    /// `padding` is before and after, per axis; `None` if the program is not for such a convolution.
    fn new(
        [batch, channels_in, rows, columns]: [usize; 4],
        channels_out: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [[usize; 2]; 2],
    ) -> Option<Self> {
        let length = |axis: usize, input: usize| {
            let left = (input + padding[axis][0] + padding[axis][1]).checked_sub(kernel[axis])?;
            Some(left / stride[axis] + 1)
        };
        let output = [length(0, rows)?, length(1, columns)?];
        let before = padding.map(|[before, _]| before);
        let channels = [channels_in, channels_out];
        let fits = channels_out.is_multiple_of(TILE) && batch > 0;
        fits.then_some(Self { batch, channels, input: [rows, columns], kernel, stride, before, output })
    }

    /// Input channels that are multiplied at once.
    fn step(&self) -> usize {
        if self.channels[0].is_multiple_of(4) { 4 } else { 1 }
    }

    fn groups(&self) -> usize {
        self.channels[1] / TILE
    }

    fn invocations(&self) -> usize {
        (self.batch * self.output[0] * self.output[1]).div_ceil(TILE) * self.groups()
    }

    fn is_padded(&self) -> bool {
        (0..2).any(|axis| {
            let end = (self.output[axis] - 1) * self.stride[axis] + self.kernel[axis];
            self.before[axis] > 0 || end > self.input[axis]
        })
    }

    /// The program's source.
    fn source(&self) -> String {
        let (step, groups) = (self.step(), self.groups());
        let pair = |name: &str, kind: &str, [x, y]: [usize; 2]| format!("const {name} = vec2<{kind}>({x}, {y});\n");
        let number = |name: &str, value: usize| format!("const {name} = {value}u;\n");
        let constants = [
            number("BATCH", self.batch),
            pair("IN", "i32", self.input),
            pair("KERNEL", "i32", self.kernel),
            pair("STRIDE", "u32", self.stride),
            pair("BEFORE", "i32", self.before),
            pair("OUT", "u32", self.output),
            number("STEPS", self.channels[0] / step),
            number("GROUPS", groups),
            number("WEIGHTS_A_STEP", groups * step),
            number("INVOCATIONS", self.invocations()),
            format!("const PADDED = {};\n", self.is_padded()),
        ];
        let loads = if step == 4 { include_str!("four_channels.wgsl") } else { include_str!("one_channel.wgsl") };
        format!("{}{loads}{}", constants.concat(), include_str!("convolution.wgsl"))
    }
}

impl KernelSource for Geometry {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(Geometry::source(self))
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info(self.clone())
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Operations that Burn's backends do not have.
#[backend_extension(Cube)]
trait Convolution: Backend {
    /// The same kernel `[channels_out, channels_in, …]` in the order in which the program reads it.
    fn pack(weight: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Convolution, bias and ReLU: `[batch, channels_in, …]` → `[batch, channels_out, …]`.
    fn convolve_relu(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;
}

/// Axes that bring `[out, in, …]` to `[…, in, out]`, and back.
fn reversed_channels(rank: usize) -> [Vec<usize>; 2] {
    let there = (2..rank).chain([1, 0]).collect();
    let back = [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect();
    [there, back]
}

/// Axes that bring `[batch, channels, …]` to `[batch, …, channels]`, and back.
fn channels_last(rank: usize) -> [Vec<usize>; 2] {
    let there = [0].into_iter().chain(2..rank).chain([1]).collect();
    let back = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    [there, back]
}

/// The tensor with its axes in this order, in memory too.
fn reordered(tensor: CubeTensor, axes: &[usize]) -> CubeTensor {
    into_contiguous(CubeBackend::float_permute(tensor, axes))
}

impl Convolution for CubeBackend {
    fn pack(weight: CubeTensor) -> CubeTensor {
        let [there, back] = reversed_channels(weight.meta.shape().num_dims());
        Self::float_permute(reordered(weight, &there), &back)
    }

    fn convolve_relu(input: CubeTensor, weight: CubeTensor, bias: CubeTensor, geometry: Geometry) -> CubeTensor {
        let rank = input.meta.shape().num_dims();
        let [there, back] = channels_last(rank);
        let input = reordered(input, &there);
        // Already so if it was packed.
        let weight = reordered(weight, &reversed_channels(rank)[0]);
        let bias = into_contiguous(bias);
        let Geometry { batch, channels: [_, channels], output, .. } = geometry;
        let sizes: Vec<usize> =
            [batch].into_iter().chain(output.into_iter().skip(4 - rank)).chain([channels]).collect();
        let bytes = sizes.iter().product::<usize>() * size_of::<f32>();
        let (client, device) = (input.client.clone(), input.device.clone());
        let output =
            CubeTensor::new_contiguous(client.clone(), device, Shape::from(sizes), client.empty(bytes), DType::F32);
        let workgroups = (geometry.invocations() as u32).div_ceil(WORKGROUP);
        let rows = workgroups.div_ceil(MOST_WORKGROUPS);
        let count = CubeCount::Static(workgroups.div_ceil(rows), rows, 1);
        let buffers = [input, weight, bias, output.clone()].map(|tensor| tensor.handle.binding());
        let arguments = KernelArguments::new().with_buffers(buffers.into());
        client.launch(Box::new(SourceKernel::new(geometry, CubeDim::new_1d(WORKGROUP))), count, arguments);
        Self::float_permute(output, &back)
    }
}

/// A convolution that the program is for, with its bias.
pub(super) struct Layer<const D: usize> {
    weight: Tensor<D>,
    bias: Tensor<1>,
    geometry: Geometry,
}

impl<const D: usize> Layer<D> {
    pub(super) fn run(self, x: Tensor<D>) -> Tensor<D> {
        let [x, weight] = [x, self.weight].map(Tensor::into_dispatch);
        let output = <Dispatch as Convolution>::convolve_relu(x, weight, self.bias.into_dispatch(), self.geometry);
        Tensor::from_dispatch(output)
    }
}

/// True if nothing is learned on a graphics processor, and the norm has nothing left to do.
fn is_fixed<const D: usize>(norm: Option<&BatchNorm>, x: &Tensor<D>) -> bool {
    let device = x.device();
    norm.is_none_or(is_taken_over) && !device.is_autodiff() && !is_cpu(&device)
}

impl Layer<3> {
    /// `None` if Burn is to compute it.
    pub(super) fn of_1d(convolution: &Conv1d, norm: Option<&BatchNorm>, x: &Tensor<3>) -> Option<Self> {
        let Conv1d { kernel_size, stride, dilation: 1, groups: 1, .. } = *convolution else { return None };
        let padding = match &convolution.padding {
            PaddingConfig1d::Valid => [0, 0],
            PaddingConfig1d::Explicit(before, after) => [*before, *after],
            PaddingConfig1d::Same if stride == 1 => [(kernel_size - 1) / 2, kernel_size / 2],
            PaddingConfig1d::Same => return None,
        };
        let ([batch, channels_in, frames], [channels_out, ..]) = (x.dims(), convolution.weight.dims());
        let (input, kernel) = ([batch, channels_in, 1, frames], [1, kernel_size]);
        let geometry = Geometry::new(input, channels_out, kernel, [1, stride], [[0, 0], padding])?;
        let bias = convolution.bias.as_ref().filter(|_| is_fixed(norm, x))?.val();
        Some(Self { weight: convolution.weight.val(), bias, geometry })
    }
}

impl Layer<4> {
    /// `None` if Burn is to compute it.
    pub(super) fn of_2d(convolution: &Conv2d, norm: Option<&BatchNorm>, x: &Tensor<4>) -> Option<Self> {
        let Conv2d { kernel_size, stride, dilation: [1, 1], groups: 1, .. } = *convolution else { return None };
        let padding = match &convolution.padding {
            PaddingConfig2d::Valid => [[0, 0]; 2],
            PaddingConfig2d::Explicit(top, left, bottom, right) => [[*top, *bottom], [*left, *right]],
            PaddingConfig2d::Same if stride == [1, 1] => kernel_size.map(|size| [(size - 1) / 2, size / 2]),
            PaddingConfig2d::Same => return None,
        };
        let [channels_out, ..] = convolution.weight.dims();
        let geometry = Geometry::new(x.dims(), channels_out, kernel_size, stride, padding)?;
        let bias = convolution.bias.as_ref().filter(|_| is_fixed(norm, x))?.val();
        Some(Self { weight: convolution.weight.val(), bias, geometry })
    }
}

/// Brings the kernels of a network that is not trained into the order in which the program reads them, if a graphics
/// processor holds it; shapes and values stay.
pub(in crate::model) fn pack(network: Network) -> Network {
    use burn::module::Module;
    if is_cpu(&network.device()) { network } else { network.map(&mut Packed) }
}

struct Packed;

impl ModuleMapper for Packed {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if D < 3 {
            return param;
        }
        param.map(|weight| Tensor::from_dispatch(<Dispatch as Convolution>::pack(weight.into_dispatch())))
    }
}
