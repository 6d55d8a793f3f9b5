//! One optimisation step. It knows no file, no time, no page.

use burn::module::Module;
use burn::optim::{
    AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer, RmsPropConfig, SgdConfig, decay::WeightDecayConfig,
    momentum::MomentumConfig,
};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use super::batch::Batch;
use super::recipe::{OptimiserKind, Recipe};
use crate::model::Network;
use crate::model::windows::to_tensor;

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

/// The loss of a batch, shape `[1]`: cross-entropy, and the paper's weight penalty where the recipe asks for it. It
/// stays on the device.
pub fn loss(network: &Network, batch: &Batch, paper_penalty: bool, device: &Device) -> Tensor<1> {
    let windows = batch.targets.len() / batch.shape.classes;
    let inputs = to_tensor(batch.inputs.clone(), batch.shape.bands, batch.shape.frames, device);
    let targets = TensorData::new(batch.targets.clone(), [windows, batch.shape.classes]);
    let entropy = cross_entropy(network.forward(inputs), Tensor::from_data(targets, device));
    match network.penalty() {
        Some(penalty) if paper_penalty => entropy + penalty,
        _ => entropy,
    }
}

/// One step: the network moved against the gradient of its loss on the batch, and that loss, still on the device.
pub fn step(
    network: Network,
    optimiser: &mut ModuleOptimizer,
    batch: &Batch,
    learning_rate: f64,
    paper_penalty: bool,
) -> (Network, Tensor<1>) {
    let device = network.devices().into_iter().next().unwrap_or_default();
    let loss = loss(&network, batch, paper_penalty, &device);
    let gradients = GradientsParams::from_grads(loss.backward(), &network);
    (optimiser.step(learning_rate, network, gradients), loss.inner())
}
