//! Recurrent layers: an LSTM and two kinds of GRU.
//!
//! They replace Burn's for three reasons. Burn's GRU has two biases per gate, and one of the documents counts one. The
//! input's share of a gate does not depend on the state, so here it is computed for all steps at once. And Burn writes
//! the state of every step into one tensor, which makes the gradient's cost quadratic in the number of steps.
//!
//! Weights are drawn uniformly within ±1/√units, as in PyTorch, and those of the GRU that only Keras has as in
//! [`keras`](super::keras). The gates are columns of one matrix, in the order that each layer's documentation states.

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor};

use super::keras::{as_keras, orthonormal};

fn linear(from: usize, units: usize, gates: usize, bias: bool, device: &Device) -> Linear {
    let bound = 1.0 / (units as f64).sqrt();
    let initializer = Initializer::Uniform { min: -bound, max: bound };
    LinearConfig::new(from, units * gates).with_bias(bias).with_initializer(initializer).init(device)
}

/// The steps of a sequence `[steps, batch, values]`, each `[batch, values]`.
///
/// Split in halves: the gradient of a slice is a tensor as large as the sliced one, mostly zeros, so slicing every step
/// from the whole would cost the square of the number of steps.
fn steps(sequence: Tensor<3>) -> Vec<Tensor<2>> {
    let count = sequence.dims()[0];
    if count == 1 {
        return vec![sequence.squeeze_dim(0)];
    }
    let half = count / 2;
    let mut all = steps(sequence.clone().narrow(0, 0, half));
    all.extend(steps(sequence.narrow(0, half, count - half)));
    all
}

/// Columns of a matrix of gates `[batch, gates × units]`: those of one gate or several.
fn gates(all: &Tensor<2>, units: usize, first: usize, count: usize) -> Tensor<2> {
    all.clone().narrow(1, first * units, count * units)
}

/// A long short-term memory (Hochreiter and Schmidhuber 1997, with a forget gate), with PyTorch's two biases a gate.
/// Gates: input, forget, output, cell.
#[derive(Module, Debug)]
pub(crate) struct Lstm {
    input: Linear,
    state: Linear,
    units: usize,
}

impl Lstm {
    /// A layer with fresh weights.
    pub(crate) fn new(inputs: usize, units: usize, device: &Device) -> Self {
        Self { input: linear(inputs, units, 4, true, device), state: linear(units, units, 4, true, device), units }
    }

    /// Its state after every step of a sequence `[steps, batch, inputs]`, each `[batch, units]`.
    pub(crate) fn states(&self, sequence: Tensor<3>) -> Vec<Tensor<2>> {
        let zeros = Tensor::zeros([sequence.dims()[1], self.units], &sequence.device());
        let (mut cell, mut state) = (zeros.clone(), zeros);
        let step = |input: Tensor<2>| {
            let all = input + self.state.forward(state.clone());
            // One sigmoid for three gates: fewer operations a step.
            let open = sigmoid(gates(&all, self.units, 0, 3));
            let [enter, keep, show] = [0, 1, 2].map(|gate| gates(&open, self.units, gate, 1));
            cell = keep * cell.clone() + enter * tanh(gates(&all, self.units, 3, 1));
            state = show * tanh(cell.clone());
            state.clone()
        };
        steps(self.input.forward(sequence)).into_iter().map(step).collect()
    }

    /// Its state after the last step: `[steps, batch, inputs]` → `[batch, units]`.
    pub(crate) fn last(&self, sequence: Tensor<3>) -> Tensor<2> {
        Tensor::cat(self.states(sequence).pop().into_iter().collect(), 1)
    }
}

/// A gated recurrent unit (Cho et al. 2014). Gates: reset, update, candidate.
///
/// The reset gate is applied before the candidate's matrix, with one bias a gate (the article, and Keras with
/// `reset_after=False`), or after it, with two (PyTorch).
#[derive(Module, Debug)]
pub(crate) struct Gru {
    input: Linear,
    gates: Linear,
    candidate: Linear,
    units: usize,
    reset_after: bool,
}

impl Gru {
    /// A layer with fresh weights.
    pub(crate) fn new(inputs: usize, units: usize, reset_after: bool, device: &Device) -> Self {
        let input = linear(inputs, units, 3, true, device);
        if reset_after {
            let [gates, candidate] = [2, 1].map(|gates| linear(units, units, gates, true, device));
            return Self { input, gates, candidate, units, reset_after };
        }
        let without_bias = |weight| Linear { weight, bias: None };
        let [gates, candidate] = orthonormal(units, [2 * units, units], device).map(without_bias);
        Self { input: as_keras(input), gates, candidate, units, reset_after }
    }

    /// Its state after every step of a sequence `[steps, batch, inputs]`, each `[batch, units]`. Backwards, the first
    /// state is that of the last step.
    fn states(&self, sequence: Tensor<3>, backwards: bool) -> Vec<Tensor<2>> {
        let mut state = Tensor::zeros([sequence.dims()[1], self.units], &sequence.device());
        let step = |input: Tensor<2>| {
            let open = sigmoid(gates(&input, self.units, 0, 2) + self.gates.forward(state.clone()));
            let [reset, update] = [0, 1].map(|gate| gates(&open, self.units, gate, 1));
            let recalled = match self.reset_after {
                true => reset * self.candidate.forward(state.clone()),
                false => self.candidate.forward(reset * state.clone()),
            };
            let candidate = tanh(gates(&input, self.units, 2, 1) + recalled);
            state = candidate.clone() + update * (state.clone() - candidate);
            state.clone()
        };
        let mut inputs = steps(self.input.forward(sequence));
        if backwards {
            inputs.reverse();
        }
        inputs.into_iter().map(step).collect()
    }
}

/// Two GRUs, one forwards and one backwards over a sequence.
#[derive(Module, Debug)]
pub(crate) struct Bidirectional {
    forwards: Gru,
    backwards: Gru,
}

impl Bidirectional {
    /// A layer with fresh weights, of so many units each way.
    pub(crate) fn new(inputs: usize, units: usize, reset_after: bool, device: &Device) -> Self {
        let [forwards, backwards] = [(); 2].map(|()| Gru::new(inputs, units, reset_after, device));
        Self { forwards, backwards }
    }

    /// The last states of both: `[steps, batch, inputs]` → `[batch, 2 × units]`.
    pub(crate) fn last(&self, sequence: Tensor<3>) -> Tensor<2> {
        let ends = [(&self.forwards, false), (&self.backwards, true)]
            .into_iter()
            .filter_map(|(layer, backwards)| layer.states(sequence.clone(), backwards).pop());
        Tensor::cat(ends.collect(), 1)
    }

    /// The states of both at every step: `[steps, batch, inputs]` → `[batch, steps × 2 × units]`, step after step.
    pub(crate) fn all(&self, sequence: Tensor<3>) -> Tensor<2> {
        let forwards = self.forwards.states(sequence.clone(), false);
        let backwards = self.backwards.states(sequence, true).into_iter().rev();
        Tensor::cat(forwards.into_iter().zip(backwards).flat_map(|(a, b)| [a, b]).collect(), 1)
    }
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use burn::module::Param;
    use burn::tensor::TensorData;

    use super::*;

    const INPUTS: usize = 3;
    const UNITS: usize = 2;

    /// Row-major values that `tests/data/recurrent/make.py` fills in the same way.
    fn fill<const D: usize>(seed: u32, shape: [usize; D]) -> Tensor<D> {
        let value = |index: usize| (0.7 * index as f64 + f64::from(seed)).sin() as f32;
        let values: Vec<f32> = (0..shape.iter().product()).map(value).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn filled(layer: Linear, seed: u32) -> Linear {
        let weight = fill(seed, layer.weight.dims());
        let bias = layer.bias.map(|bias| Param::from_tensor(fill(seed + 1, bias.dims())));
        Linear { weight: Param::from_tensor(weight), bias }
    }

    fn gru(reset_after: bool, seed: u32) -> Gru {
        let Gru { input, gates, candidate, .. } = Gru::new(INPUTS, UNITS, reset_after, &Device::flex());
        let [input, gates, candidate] =
            [(input, 1), (gates, 3), (candidate, 5)].map(|(layer, first)| filled(layer, seed + first));
        Gru { input, gates, candidate, units: UNITS, reset_after }
    }

    fn bidirectional(reset_after: bool) -> Bidirectional {
        Bidirectional { forwards: gru(reset_after, 0), backwards: gru(reset_after, 10) }
    }

    /// Four steps of two sequences.
    fn sequence() -> Tensor<3> {
        let values: Vec<f32> = (0..24).map(|index| (0.7 * f64::from(index) + 0.3).sin() as f32).collect();
        Tensor::from_data(TensorData::new(values, [4, 2, INPUTS]), &Device::flex())
    }

    /// The numbers are those that `make.py` prints with PyTorch 2.15; sums of float32 in another order.
    fn assert_close(found: Tensor<2>, expected: &[f32]) {
        let found: Vec<f32> = found.into_data().iter::<f32>().collect();
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-6), "{found:?}");
    }

    #[test]
    fn the_lstm_is_pytorchs() {
        let Lstm { input, state, units } = Lstm::new(INPUTS, UNITS, &Device::flex());
        let lstm = Lstm { input: filled(input, 1), state: filled(state, 3), units };
        assert_close(lstm.last(sequence()), &[-0.025975, -0.031858, 0.096197, 0.161304]);
    }

    #[test]
    fn the_gru_that_resets_after_the_matrix_is_pytorchs() {
        let expected = [
            -0.554665, -0.014468, 0.328718, -0.380623, -0.712564, -0.163530, 0.338249, -0.205171, -0.714015, -0.462647,
            0.313070, -0.002462, -0.545023, -0.132005, 0.007560, -0.319947, -0.426161, -0.514632, 0.508659, -0.047850,
            -0.555266, -0.157712, 0.356694, -0.318922, -0.717811, -0.224204, 0.378144, -0.078887, -0.717887, -0.508632,
            0.370680, 0.251390,
        ];
        assert_close(bidirectional(true).all(sequence()), &expected);
    }

    #[test]
    fn the_gru_that_resets_before_the_matrix_is_kerass() {
        let expected = [-0.433529, -0.246604, 0.453755, -0.091274, -0.606656, -0.620931, 0.622872, 0.138746];
        assert_close(bidirectional(false).last(sequence()), &expected);
    }

    #[test]
    fn steps_are_in_order() {
        let values: Vec<f32> =
            steps(sequence()).into_iter().flat_map(|step| step.into_data().iter::<f32>().collect::<Vec<_>>()).collect();
        assert_eq!(values, sequence().into_data().iter::<f32>().collect::<Vec<_>>());
    }
}
