//! One optimisation step: the losses, the optimisers of Burn, and forward, backward and update.

use burn::optim::{
    AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer, RmsPropConfig, SgdConfig, decay::WeightDecayConfig,
    momentum::MomentumConfig,
};
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Tensor, TensorData};

use super::adadelta::Adadelta;
use super::batch::Batch;
use crate::model::windows::to_tensor;
use crate::model::{Layers, Network, Part};
use crate::recipe::{OptimiserKind, Recipe};

/// The ε of PyTorch's Adam and RMSProp. Burn's own default is a thousand times larger, and stops the steps of small
/// gradients.
const PYTORCHS_EPSILON: f32 = 1e-8;

/// The optimiser of a recipe, with its weight decay.
///
/// Adam and RMSProp have PyTorch's constants, with which the documents that use them train; Adadelta has those of Keras,
/// as its only document. AdamW, which no document uses, keeps Burn's ε of 1e-5: this project's recipes were found with
/// it. `tests/data/optimizers` holds all of them to the two frameworks.
pub fn optimiser(recipe: &Recipe) -> ModuleOptimizer {
    let decay = recipe.weight_decay as f32;
    let coupled = Some(WeightDecayConfig::new(decay));
    match recipe.optimiser {
        OptimiserKind::AdamW => AdamWConfig::new().with_weight_decay(decay).init(),
        OptimiserKind::Adam => AdamConfig::new().with_epsilon(PYTORCHS_EPSILON).with_weight_decay(coupled).init(),
        OptimiserKind::RmsProp => {
            let config = RmsPropConfig::new().with_alpha(0.99).with_momentum(0.0).with_epsilon(PYTORCHS_EPSILON);
            config.with_weight_decay(coupled).init()
        }
        // Momentum as most papers use it; recipes do not change it.
        OptimiserKind::Sgd => SgdConfig::new()
            .with_weight_decay(coupled)
            .with_momentum(Some(MomentumConfig { momentum: 0.9, dampening: 0.0, nesterov: true }))
            .init(),
        OptimiserKind::Adadelta => Adadelta::new(decay).into(),
    }
}

/// Mean cross-entropy between logits and target probabilities.
///
/// # Shapes
///
/// - logits, targets: `[windows, classes]`
/// - output: `[1]`
fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    (log_softmax(logits, 1) * targets).sum_dim(1).mean().neg()
}

/// Mean binary cross-entropy between logits and targets, over windows and labels.
///
/// # Shapes
///
/// - logits, targets: `[windows, labels]`
/// - output: `[1]`
fn binary_cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    // max(x, 0) - x t + ln(1 + exp(-|x|)) never overflows, unlike the logarithm of a sigmoid.
    let certain = relu(logits.clone()) - logits.clone() * targets;
    (certain + logits.abs().neg().exp().log1p()).mean()
}

/// What a step minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Objective {
    /// The layers that the batches are inputs of.
    pub part: Part,
    /// True for tags: binary cross-entropy of every label instead of cross-entropy over all.
    pub multi_label: bool,
    /// Adds the weight penalty of the network's paper.
    pub paper_penalty: bool,
}

/// The loss of a batch in nats, shape `[1]`. It stays on the device.
pub fn loss(network: &Network, batch: &Batch, objective: Objective, device: &Device) -> Tensor<1> {
    let windows = batch.targets.len() / batch.shape.classes;
    let inputs = to_tensor(batch.inputs.clone(), batch.shape.bands, batch.shape.frames, device);
    let targets = TensorData::new(batch.targets.clone(), [windows, batch.shape.classes]);
    let (logits, targets) = (network.forward_part(objective.part, inputs), Tensor::from_data(targets, device));
    let entropy =
        if objective.multi_label { binary_cross_entropy(logits, targets) } else { cross_entropy(logits, targets) };
    // The optimiser's weight decay is separate: this is the paper's own penalty on chosen layers.
    match network.penalty() {
        Some(penalty) if objective.paper_penalty => entropy + penalty,
        _ => entropy,
    }
}

/// One step: the network after the optimiser's update, and the loss before it, shape `[1]`, still on the device.
pub fn step(
    network: Network,
    optimiser: &mut ModuleOptimizer,
    batch: &Batch,
    learning_rate: f64,
    objective: Objective,
) -> (Network, Tensor<1>) {
    let loss = loss(&network, batch, objective, &network.device());
    let gradients = GradientsParams::from_grads(loss.backward(), &network);
    (optimiser.step(learning_rate, network, gradients), loss.inner())
}
