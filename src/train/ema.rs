//! A running average of weights (Polyak averaging): smoother than the weights of any one step, and often better.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// The averaged weights, moved by [`Ema::add`] after every step.
///
/// Kept on the device, flat, under the parameters' ids; reading nothing back.
pub struct Ema {
    decay: f64,
    steps: usize,
    weights: HashMap<ParamId, Tensor<1>>,
}

impl Ema {
    /// An average that keeps `decay` of itself at every step, 0 to below 1.
    pub fn new(decay: f64) -> Self {
        Self { decay, steps: 0, weights: HashMap::new() }
    }

    /// The average of a run that goes on: that of so many steps, whose weights are this network's.
    pub fn resumed<M: Module>(decay: f64, steps: usize, network: &M) -> Self {
        let mut weights = HashMap::new();
        // Nothing is known yet, so every weight is taken as it is.
        network.visit(&mut Adder { decay, weights: &mut weights });
        Self { decay, steps, weights }
    }

    /// Steps that are in it.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Takes in the weights of another step.
    pub fn add<M: Module>(&mut self, network: &M) {
        // Early on the average follows faster, or it would remember the random start.
        let decay = self.decay.min((1.0 + self.steps as f64) / (10.0 + self.steps as f64));
        self.steps += 1;
        network.visit(&mut Adder { decay, weights: &mut self.weights });
    }

    /// The network with the averaged weights in place of its own.
    pub fn apply<M: Module>(&self, network: M) -> M {
        network.map(&mut Setter { weights: &self.weights })
    }
}

struct Adder<'a> {
    decay: f64,
    weights: &'a mut HashMap<ParamId, Tensor<1>>,
}

impl ModuleVisitor for Adder<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
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
