//! Adadelta (Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, algorithm 1), which Burn does not have.

use burn::optim::decay::{WeightDecay, WeightDecayConfig};
use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

/// The decay of the running averages (the paper's ρ; section 4 uses 0.95).
const DECAY: f64 = 0.95;
/// Keeps the first steps from being zero (the paper's ε). 1e-7 is the default of Keras (`K.epsilon()` of versions 2.1 to
/// 2.3, whose default learning rate is 1, too), with which `net1` and `net2` were trained; Zeiler's section 4 uses 1e-6.
const EPSILON: f64 = 1e-7;

/// The optimiser: a step is the gradient times the ratio of the root mean squares of earlier steps and of gradients, times
/// the learning rate, which is 1 in the paper.
#[derive(Clone)]
pub(super) struct Adadelta {
    weight_decay: Option<WeightDecay>,
}

impl Adadelta {
    /// An optimiser that adds `weight_decay` times the weights to their gradients; 0 for none.
    pub(super) fn new(weight_decay: f32) -> Self {
        Self { weight_decay: (weight_decay > 0.0).then(|| WeightDecay::new(&WeightDecayConfig::new(weight_decay))) }
    }
}

/// The running averages of one tensor's squared gradients and squared steps.
#[derive(Clone)]
pub(super) struct AdadeltaState<const D: usize> {
    square_gradient: Tensor<D>,
    square_step: Tensor<D>,
}

impl<const D: usize> RecordState for AdadeltaState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "square_gradient", self.square_gradient.to_data());
        out.push_tensor(prefix, "square_step", self.square_step.to_data());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let mut tensor = |leaf| Some(Tensor::from_data(source.take_tensor(prefix, leaf)?, device));
        Some(Self { square_gradient: tensor("square_gradient")?, square_step: tensor("square_step")? })
    }
}

impl Optimizer for Adadelta {
    type State<const D: usize> = AdadeltaState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let gradient = match &self.weight_decay {
            Some(decay) => decay.transform(gradient, tensor.clone()),
            None => gradient,
        };
        let state = state.unwrap_or_else(|| AdadeltaState {
            square_gradient: gradient.zeros_like(),
            square_step: gradient.zeros_like(),
        });
        let follow = |average: Tensor<D>, value: Tensor<D>| average * DECAY + value.square() * (1.0 - DECAY);
        let square_gradient = follow(state.square_gradient, gradient.clone());
        let ratio = (state.square_step.clone() + EPSILON).sqrt() / (square_gradient.clone() + EPSILON).sqrt();
        let step = ratio * gradient;
        let square_step = follow(state.square_step, step.clone());
        (tensor - step * learning_rate, Some(AdadeltaState { square_gradient, square_step }))
    }

    fn to_device<const D: usize>(mut state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.square_gradient = state.square_gradient.to_device(device);
        state.square_step = state.square_step.to_device(device);
        state
    }
}
