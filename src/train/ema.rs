//! An exponential moving average of the weights (Polyak and Juditsky 1992), which often validates better than the weights
//! of any one step.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// The averaged weights, flat, under the parameters' ids. They stay on the device.
pub(super) struct Ema {
    decay: f64,
    steps: usize,
    weights: HashMap<ParamId, Tensor<1>>,
}

impl Ema {
    /// An average that keeps `decay` of itself at every step, 0 to below 1.
    pub(super) fn new(decay: f64) -> Self {
        Self { decay, steps: 0, weights: HashMap::new() }
    }

    /// The average of a resumed run: after `steps` steps, with this network's weights.
    pub(super) fn resumed<M: Module>(decay: f64, steps: usize, network: &M) -> Self {
        let mut weights = HashMap::new();
        // A weight that is not in the map yet enters it unchanged.
        network.visit(&mut Adder { decay, weights: &mut weights });
        Self { decay, steps, weights }
    }

    /// The number of steps that are averaged.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Adds the weights of another step.
    pub(super) fn add<M: Module>(&mut self, network: &M) {
        // Early steps count more: otherwise the random initial weights would stay in the average for long.
        let decay = self.decay.min((1.0 + self.steps as f64) / (10.0 + self.steps as f64));
        self.steps += 1;
        network.visit(&mut Adder { decay, weights: &mut self.weights });
    }

    /// The network with the averaged weights instead of its own.
    pub(super) fn apply<M: Module>(&self, network: M) -> M {
        network.map(&mut Setter { weights: &self.weights })
    }
}

struct Adder<'a> {
    decay: f64,
    weights: &'a mut HashMap<ParamId, Tensor<1>>,
}

impl ModuleVisitor for Adder<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Without gradients: the average must not keep the graphs of all steps alive.
        let value: Tensor<1> = param.val().inner().flatten(0, D - 1);
        let ema = match self.weights.remove(&param.id) {
            Some(ema) => ema * self.decay + value * (1.0 - self.decay),
            None => value,
        };
        self.weights.insert(param.id, ema);
    }
}

struct Setter<'a> {
    weights: &'a HashMap<ParamId, Tensor<1>>,
}

impl ModuleMapper for Setter<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(ema) = self.weights.get(&param.id).cloned() else { return param };
        param.map(|value| ema.reshape(value.dims()))
    }
}
