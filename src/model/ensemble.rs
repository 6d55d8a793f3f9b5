//! Networks of one kind whose answers are averaged.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use super::{Layers, Network};

/// Networks that differ in their random beginnings alone; their answer is the geometric mean of the members'
/// probabilities: what one is unsure of, the others settle.
#[derive(Module, Debug)]
pub struct Ensemble {
    members: Vec<Network>,
}

impl Ensemble {
    /// An ensemble of these, at least one.
    pub fn new(members: Vec<Network>) -> Self {
        Self { members }
    }
}

impl Layers for Ensemble {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        Tensor::cat(self.members.iter().map(|member| member.features(windows.clone())).collect(), 1)
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        let (count, width) = (self.members.len(), features.dims()[1] / self.members.len());
        let member = |(index, member): (usize, &Network)| {
            let own = features.clone().narrow(1, index * width, width);
            log_softmax(member.classify(own), 1)
        };
        let sum = self.members.iter().enumerate().map(member).reduce(Tensor::add);
        match sum {
            Some(sum) => sum / count as f64,
            None => features,
        }
    }
}
