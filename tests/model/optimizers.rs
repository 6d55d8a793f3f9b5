//! The optimisers against PyTorch's and Keras', on a small layer whose third input is so small that an ε of another size
//! makes other steps. `tests/data/optimizers/make.py` wrote the numbers.

use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use genrelens::recipe::{OptimiserKind, Recipe};
use genrelens::train::step::optimiser;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    optimiser: OptimiserKind,
    learning_rate: f64,
    weight_decay: f64,
    /// The framework and its version.
    by: String,
    /// The weight and the bias, flat, after every step.
    steps: Vec<Vec<f64>>,
}

fn matrix<const R: usize, const C: usize>(values: [[f32; C]; R], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::from(values), device)
}

fn values(layer: &Linear) -> Vec<f64> {
    let bias = layer.bias.as_ref().unwrap().val();
    let all = [layer.weight.val().inner().into_data(), bias.inner().into_data()];
    all.iter().flat_map(|data| data.iter::<f32>().map(f64::from).collect::<Vec<_>>()).collect()
}

/// The layer after every step, as in `make.py`.
fn steps(case: &Case) -> Vec<Vec<f64>> {
    let device = Device::flex().autodiff();
    let mut layer = LinearConfig::new(3, 2).init(&device);
    layer.weight = Param::from_tensor(matrix([[0.2, -0.4], [0.6, 0.1], [-0.3, 0.5]], &device).require_grad());
    layer.bias = Some(Param::from_tensor(matrix([[0.05, -0.15]], &device).squeeze_dim::<1>(0).require_grad()));
    let inputs = matrix([[1.0, -0.5, 1e-6], [0.3, 0.8, -2e-6]], &device);
    let targets = matrix([[0.5, -1.0], [1.5, 0.25]], &device);
    let Case { optimiser: kind, learning_rate, weight_decay, .. } = *case;
    let mut optimiser = optimiser(&Recipe { optimiser: kind, weight_decay, ..Recipe::default() });
    let mut after = Vec::new();
    for step in 0..case.steps.len() {
        let sign = if step % 3 == 2 { -1.0 } else { 1.0 };
        let loss = (layer.forward(inputs.clone()) - targets.clone() * sign).square().sum() * 0.5;
        let gradients = GradientsParams::from_grads(loss.backward(), &layer);
        layer = optimiser.step(learning_rate, layer, gradients);
        after.push(values(&layer));
    }
    after
}

#[test]
fn optimisers_take_the_steps_of_pytorch_and_keras() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/optimizers/expected.json")).unwrap();
    let mut kinds: Vec<OptimiserKind> = Vec::new();
    for case in &cases {
        for (step, (found, expected)) in steps(case).iter().zip(&case.steps).enumerate() {
            let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let Case { optimiser, weight_decay, by, .. } = case;
            // With Burn's constants RMSProp is off by 0.75 and Adam by 0.06, with Zeiler's ε Adadelta by 0.025.
            assert!(
                difference < 2e-5,
                "{optimiser:?}, weight decay {weight_decay}, step {step}: {found:?}, by {by} {expected:?}"
            );
        }
        if !kinds.contains(&case.optimiser) {
            kinds.push(case.optimiser);
        }
    }
    assert_eq!(kinds.len(), 5, "every optimiser of a recipe");
}
