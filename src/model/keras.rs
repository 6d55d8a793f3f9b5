//! Fresh weights as Keras draws them, for the networks whose documents were made with it: Glorot's uniform distribution
//! (Glorot and Bengio 2010) for kernels and matrices, zeros for biases, and orthogonal matrices (Saxe et al. 2013) for a
//! recurrent layer's state. Burn draws the others as PyTorch does.

use std::sync::{Arc, OnceLock};

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::nn::Initializer;
use burn::tensor::{Device, Shape, Tensor, TensorData};

/// Layers without weights yet, whose weights will be drawn as Keras does. Batch norms stay: both begin them alike.
pub(super) fn as_keras<M: Module>(layers: M) -> M {
    layers.map(&mut Keras::default())
}

#[derive(Default)]
struct Keras {
    /// The fields on the way to the tensor.
    path: Vec<String>,
}

impl ModuleMapper for Keras {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (shape, device) = (param.lazy_shape(), param.lazy_device());
        if D >= 2 {
            // `[inputs, units]` of a dense layer, `[channels, channels, kernel...]` of a convolution, of which every
            // value of the kernel counts as an input and as an output.
            let kernel: usize = shape.iter().skip(2).product();
            let [first, second] = [0, 1].map(|axis| shape[axis] * kernel);
            return Initializer::XavierUniform { gain: 1.0 }.init_with(shape, Some(first), Some(second), &device);
        }
        match self.path.last().map(String::as_str) {
            Some("bias") => Initializer::Zeros.init(shape, &device),
            _ => param,
        }
    }
}

/// Parts of one matrix of orthonormal rows, `[units, width]` each, as Keras draws the matrix of all gates at once.
pub(super) fn orthonormal<const N: usize>(units: usize, widths: [usize; N], device: &Device) -> [Param<Tensor<2>>; N] {
    let whole = Arc::new(OnceLock::new());
    let columns: usize = widths.iter().sum();
    let mut start = 0;
    widths.map(|width| {
        let (whole, own) = (Arc::clone(&whole), start..start + width);
        start += width;
        let draw = move |device: &Device, has_gradient: bool| {
            let rows: &Vec<f32> = whole.get_or_init(|| orthonormal_rows(units, columns));
            let part: Vec<f32> = rows.chunks_exact(columns).flat_map(|row| &row[own.clone()]).copied().collect();
            Tensor::from_data(TensorData::new(part, [units, width]), device).set_require_grad(has_gradient)
        };
        Param::uninitialized(ParamId::new(), draw, device.clone(), true, Shape::new([units, width]))
    })
}

/// Row-major `[rows, columns]`, no more rows than columns.
fn orthonormal_rows(rows: usize, columns: usize) -> Vec<f32> {
    // On the CPU whatever the device: in a browser a GPU cannot be read without waiting.
    let matrix: Param<Tensor<2>> = Initializer::Orthogonal { gain: 1.0 }.init([rows, columns], &Device::flex());
    matrix.val().into_data().iter::<f32>().collect()
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_all_parts_together_are_orthonormal() {
        let (units, widths) = (5, [10, 5]);
        let parts = orthonormal(units, widths, &Device::flex()).map(|part| part.val().into_data());
        let parts: Vec<Vec<f32>> = parts.iter().map(|part| part.iter::<f32>().collect()).collect();
        let row = |row: usize| -> Vec<f32> {
            let of_part = |(part, width): (&Vec<f32>, usize)| part[row * width..][..width].to_vec();
            parts.iter().zip(widths).flat_map(of_part).collect()
        };
        for (first, second) in (0..units).flat_map(|first| (0..units).map(move |second| (first, second))) {
            let product: f32 = row(first).iter().zip(row(second)).map(|(a, b)| a * b).sum();
            let expected = if first == second { 1.0 } else { 0.0 };
            assert!((product - expected).abs() < 1e-5, "rows {first} and {second}: {product}");
        }
    }
}
