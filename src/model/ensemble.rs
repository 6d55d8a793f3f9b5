//! Networks of one architecture whose predictions are averaged.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use super::layers::Layers;

/// Networks that differ in their initial weights alone. The ensemble's prediction is the geometric mean of its members'
/// probabilities, so that members which are unsure weigh less.
#[derive(Module, Debug)]
pub struct Ensemble<N: Module> {
    members: Vec<N>,
}

impl<N: Module> Ensemble<N> {
    /// `members` holds at least one network.
    pub(crate) fn new(members: Vec<N>) -> Self {
        Self { members }
    }
}

impl<N: Layers + Module> Layers for Ensemble<N> {
    /// The members' features side by side.
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        Tensor::cat(self.members.iter().map(|member| member.features(windows.clone())).collect(), 1)
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        let (count, width) = (self.members.len(), features.dims()[1] / self.members.len());
        let member = |(index, member): (usize, &N)| {
            let own = features.clone().narrow(1, index * width, width);
            log_softmax(member.classify(own), 1)
        };
        // The mean of logarithms is the logarithm of the geometric mean; the softmax after it normalises.
        let sum = self.members.iter().enumerate().map(member).reduce(Tensor::add);
        match sum {
            Some(sum) => sum / count as f64,
            None => features,
        }
    }

    fn freeze_norms(&mut self) {
        self.members.iter_mut().for_each(N::freeze_norms);
    }
}
