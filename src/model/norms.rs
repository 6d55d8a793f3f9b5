//! Batch norms of networks that are not trained. Burn computes one by six operations on all values; its factors and
//! summands do not change any more, so that two are enough, and none where a convolution before it takes them over.

use burn::module::Param;
use burn::nn::BatchNorm;
use burn::nn::conv::{Conv1d, Conv2d};
use burn::tensor::{Tensor, activation};

use super::predict::is_cpu;

/// The epsilon of a norm that is no more than gamma · x + beta. Burn makes none whose epsilon is not positive.
const FACTOR_AND_SUMMAND: f64 = -1.0;
/// The epsilon of a norm that the convolution before it has taken over.
const TAKEN_OVER: f64 = -2.0;

/// True if the convolution before this norm has taken it over.
#[cfg(all(feature = "gpu", target_family = "wasm"))]
pub(super) fn is_taken_over(norm: &BatchNorm) -> bool {
    norm.epsilon == TAKEN_OVER
}

/// The normalised values, `[batch, channels, …]`.
pub(super) fn normalized<const D: usize>(norm: &BatchNorm, x: Tensor<D>) -> Tensor<D> {
    if norm.epsilon == TAKEN_OVER {
        return x;
    }
    if norm.epsilon != FACTOR_AND_SUMMAND {
        return norm.forward(x);
    }
    let mut shape = [1; D];
    shape[1] = norm.gamma.dims()[0];
    x * norm.gamma.val().reshape(shape) + norm.beta.val().reshape(shape)
}

/// ReLU. Burn's is two launches on a graphics processor, a comparison and a copy; this is one, which keeps NaN too.
pub(super) fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let device = x.device();
    if device.is_autodiff() || is_cpu(&device) { activation::relu(x) } else { x.clamp(0.0, f32::INFINITY) }
}

/// Leaves a norm no more than a factor and a summand a channel.
pub(super) fn simplify(norm: &mut BatchNorm) {
    if norm.epsilon <= 0.0 {
        return;
    }
    let factor = norm.gamma.val() / (norm.running_var.value() + norm.epsilon).sqrt();
    let summand = norm.beta.val() - norm.running_mean.value() * factor.clone();
    (norm.gamma, norm.beta) = (Param::from_tensor(factor), Param::from_tensor(summand));
    norm.epsilon = FACTOR_AND_SUMMAND;
}

/// Lets a convolution over time take over the norm right after it.
pub(super) fn take_over_1d(convolution: &mut Conv1d, norm: &mut BatchNorm) {
    if let Some((factor, summand)) = given_up(norm) {
        let weight = convolution.weight.val() * factor.clone().reshape([-1, 1, 1]);
        (convolution.weight, convolution.bias) =
            (Param::from_tensor(weight), Some(changed(convolution.bias.as_ref(), factor, summand)));
    }
}

/// Lets a convolution over rows and columns take over the norm right after it.
pub(super) fn take_over_2d(convolution: &mut Conv2d, norm: &mut BatchNorm) {
    if let Some((factor, summand)) = given_up(norm) {
        let weight = convolution.weight.val() * factor.clone().reshape([-1, 1, 1, 1]);
        (convolution.weight, convolution.bias) =
            (Param::from_tensor(weight), Some(changed(convolution.bias.as_ref(), factor, summand)));
    }
}

/// The factors and summands of a norm, which does nothing from now on; `None` if they were given up before.
fn given_up(norm: &mut BatchNorm) -> Option<(Tensor<1>, Tensor<1>)> {
    if norm.epsilon == TAKEN_OVER {
        return None;
    }
    simplify(norm);
    norm.epsilon = TAKEN_OVER;
    Some((norm.gamma.val(), norm.beta.val()))
}

fn changed(bias: Option<&Param<Tensor<1>>>, factor: Tensor<1>, summand: Tensor<1>) -> Param<Tensor<1>> {
    Param::from_tensor(match bias {
        Some(bias) => bias.val() * factor + summand,
        None => summand,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use burn::module::{Module, ModuleMapper};
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::card::Structure;
    use crate::model::layers::Layers;
    use crate::model::registry::ENTRIES;
    use crate::model::{Blueprint, Build};

    /// Gives biases, and factors, summands and statistics of norms, values that are not those of a fresh network.
    pub(in crate::model) struct Trained;

    impl ModuleMapper for Trained {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let change =
                |tensor: Tensor<D>| Tensor::random(tensor.dims(), Distribution::Uniform(0.5, 1.5), &tensor.device());
            if D == 1 { param.map(change) } else { param }
        }
    }

    #[test]
    fn no_network_answers_otherwise_without_its_norms() {
        let device = Device::flex();
        device.seed(7);
        let mut changed = Vec::new();
        for entry in ENTRIES {
            let documented = entry.documented();
            let structure = Structure { width: 0.25, ..documented.build.structure };
            let build = Build { structure, ..documented.build };
            let network = Blueprint { build, ..documented }.init(&device).map(&mut Trained);
            let mut frozen = network.clone();
            frozen.freeze_norms();
            frozen.freeze_norms(); // the second time changes nothing
            let shape = [2, build.shape.bands, build.shape.frames];
            let windows = Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device);
            let logits = |network: &crate::model::Network| network.forward(windows.clone());
            let (expected, found) = (logits(&network), logits(&frozen));
            let largest = |values: Tensor<2>| values.abs().max().into_scalar::<f32>();
            let difference = largest(found - expected.clone()) / largest(expected);
            assert!(difference < 2e-5, "{}: {difference}", entry.id);
            if difference > 0.0 {
                changed.push(entry.id);
            }
        }
        // Rounding shows which have norms.
        for id in [
            "lens",
            "panorama",
            "musicnn-mtt",
            "fma-cnn1d-shallow",
            "fma-cnn2d-deep",
            "resnet50-transfer",
            "xception-transfer",
        ] {
            assert!(changed.contains(&id), "{id} is the same as before: {changed:?}");
        }
    }
}
