//! One optimisation step. It knows no file, no time, no page.

use burn::module::Module;
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

/// The recipe's optimiser.
pub fn optimiser(recipe: &Recipe) -> ModuleOptimizer {
    let decay = recipe.weight_decay as f32;
    let coupled = WeightDecayConfig::new(decay);
    match recipe.optimiser {
        OptimiserKind::AdamW => AdamWConfig::new().with_weight_decay(decay).init(),
        OptimiserKind::Adam => AdamConfig::new().with_weight_decay(Some(coupled)).init(),
        OptimiserKind::RmsProp => RmsPropConfig::new().with_weight_decay(Some(coupled)).init(),
        OptimiserKind::Sgd => SgdConfig::new()
            .with_weight_decay(Some(coupled))
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
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    (log_softmax(logits, 1) * targets).sum_dim(1).mean().neg()
}

/// Mean binary cross-entropy between logits and targets, each label for itself.
///
/// # Shapes
///
/// - logits, targets: `[windows, labels]`
/// - output: `[1]`
pub fn binary_cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    // max(x, 0) - x t + ln(1 + exp(-|x|)), which no logit overflows.
    let certain = relu(logits.clone()) - logits.clone() * targets;
    (certain + logits.abs().neg().exp().log1p()).mean()
}

/// What a step optimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Objective {
    /// What of the network the batches are inputs of.
    pub part: Part,
    /// True where any number of labels may hold.
    pub multi_label: bool,
    /// Adds the weight penalty of the network's document.
    pub paper_penalty: bool,
}

/// The loss of a batch, shape `[1]`: cross-entropy (of each label for itself where many may hold), and the document's
/// weight penalty where it is asked for. It stays on the device.
pub fn loss(network: &Network, batch: &Batch, objective: Objective, device: &Device) -> Tensor<1> {
    let windows = batch.targets.len() / batch.shape.classes;
    let inputs = to_tensor(batch.inputs.clone(), batch.shape.bands, batch.shape.frames, device);
    let targets = TensorData::new(batch.targets.clone(), [windows, batch.shape.classes]);
    let (logits, targets) = (network.forward_part(objective.part, inputs), Tensor::from_data(targets, device));
    let entropy =
        if objective.multi_label { binary_cross_entropy(logits, targets) } else { cross_entropy(logits, targets) };
    match network.penalty() {
        Some(penalty) if objective.paper_penalty => entropy + penalty,
        _ => entropy,
    }
}

/// One step: the network moved against the gradient of its loss on the batch, and that loss, still on the device.
pub fn step(
    network: Network,
    optimiser: &mut ModuleOptimizer,
    batch: &Batch,
    learning_rate: f64,
    objective: Objective,
) -> (Network, Tensor<1>) {
    let device = network.devices().into_iter().next().unwrap_or_default();
    let loss = loss(&network, batch, objective, &device);
    let gradients = GradientsParams::from_grads(loss.backward(), &network);
    (optimiser.step(learning_rate, network, gradients), loss.inner())
}
