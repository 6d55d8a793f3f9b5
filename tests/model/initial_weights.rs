//! Initial weights are drawn as the framework of each network's document draws them, and those of this project's own
//! networks as they always were.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use genrelens::dsp::FrontEnd;
use genrelens::model::registry::entry;
use genrelens::model::{Blueprint, Build, Network, Shape, is_statistic};
use genrelens::recipe::Recipe;
use genrelens::train::fit::fresh;

use crate::generator::alone;

/// The networks whose documents were made with Keras.
const KERAS: [&str; 5] = ["net1", "net2", "deep-music-genre", "fcn-tagger", "parallel-cnn-rnn"];

/// A tensor of a network: its name, its shape and its values.
type Drawn = (String, Vec<usize>, Vec<f64>);

#[derive(Default)]
struct Reader(Vec<Vec<f64>>);

impl ModuleVisitor for Reader {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().into_data().iter::<f32>().map(f64::from).collect());
    }
}

fn drawn(blueprint: &Blueprint) -> Vec<Drawn> {
    let network: Network = fresh(blueprint, &Recipe::default(), &Device::flex()).valid();
    let mut reader = Reader::default();
    network.visit(&mut reader);
    let values = network.layers().into_iter().zip(reader.0);
    values.map(|((name, shape), values)| (name, shape, values)).collect()
}

fn documented(id: &str) -> Vec<Drawn> {
    drawn(&entry(id).unwrap().documented())
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most: f64, value| most.max(value.abs()))
}

/// The root mean square of the values.
fn spread(values: &[f64]) -> f64 {
    (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
}

/// Glorot's bound: √(6 / (inputs + outputs)), of a convolution times the values of its kernel.
fn glorot(shape: &[usize]) -> f64 {
    let kernel: usize = shape[2..].iter().product();
    (6.0 / ((shape[0] + shape[1]) * kernel) as f64).sqrt()
}

#[test]
fn the_weights_of_keras_networks_are_drawn_as_keras_does() {
    let _alone = alone();
    for id in KERAS {
        for (name, shape, values) in documented(id) {
            // The state's matrices of the recurrent layer: orthonormal rows over all three gates, 64 units.
            if name.contains("gates.") || name.contains("candidate.") {
                assert!((spread(&values) / (1.0 / 192.0_f64.sqrt()) - 1.0).abs() < 0.1, "{id}, {name}");
            } else if shape.len() > 1 {
                let bound = glorot(&shape);
                let (largest, spread) = (largest(&values), spread(&values));
                // Of a uniform distribution, the spread is the bound over √3; the smallest kernel has 48 values.
                assert!(largest <= bound * 1.000_001 && largest > 0.9 * bound, "{id}, {name}: {largest} of {bound}");
                let share = spread * 3.0_f64.sqrt() / bound;
                assert!((share - 1.0).abs() < 0.6 / (values.len() as f64).sqrt() + 0.01, "{id}, {name}: {share}");
            } else if name.ends_with("bias") {
                assert_eq!(largest(&values), 0.0, "{id}, {name}");
            }
        }
    }
}

#[test]
fn the_weights_of_pytorch_networks_are_drawn_as_pytorch_does() {
    let _alone = alone();
    // Without those of ImageNet and MusiCNN, which start from weights that others trained, and without recurrent layers.
    for id in ["fma-cnn1d-deep", "fma-cnn2d-shallow", "gtzan-cnn"] {
        let tensors = documented(id);
        for (name, shape, values) in tensors.iter().filter(|(name, shape, _)| shape.len() > 1 && !is_statistic(name)) {
            // A dense layer's shape is [inputs, units], a convolution's [outputs, inputs, kernel].
            let inputs: usize = if shape.len() == 2 { shape[0] } else { shape[1..].iter().product() };
            let (largest, bound) = (largest(values), 1.0 / (inputs as f64).sqrt());
            assert!(largest <= bound * 1.000_001 && largest > 0.9 * bound, "{id}, {name}: {largest} of {bound}");
        }
        assert!(tensors.iter().any(|(name, _, values)| name.ends_with("bias") && largest(values) > 0.0), "{id}");
    }
}

/// The sum of the absolute values of all tensors with more than one axis, and one value of the output layer, the last
/// that is drawn.
fn fingerprint(id: &str, frames: usize) -> [f64; 2] {
    let build = Build::from(Shape { bands: 128, frames, classes: 3 });
    let tensors = drawn(&Blueprint { entry: entry(id).unwrap(), build, front_end: &FrontEnd::GTZAN_LOGMEL });
    let weights = tensors.iter().filter(|(_, shape, _)| shape.len() > 1);
    let sum = weights.flat_map(|(_, _, values)| values).map(|value| value.abs()).sum();
    let output = tensors.iter().find(|(name, ..)| name.ends_with("output.weight")).unwrap();
    [sum, output.2[0]]
}

#[test]
fn a_seed_draws_the_weights_of_our_own_networks_that_it_always_drew() {
    let _alone = alone();
    // By the command line before weights were drawn as Keras does, at a learning rate of 0.
    for (id, frames, [sum, output]) in
        [("lens", 39, [3434.894, -0.020_049_467_7]), ("panorama", 150, [5107.541, -0.023_923_784_5])]
    {
        let found = fingerprint(id, frames);
        assert!((found[0] / sum - 1.0).abs() < 1e-6 && (found[1] - output).abs() < 1e-7, "{id}: {found:?}");
    }
}
