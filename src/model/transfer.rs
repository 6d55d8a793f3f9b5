//! A network that has learned already, made ready to learn on: with its own weights where they fit, and a fresh output
//! layer where the labels are others.

use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::tensor_names::TensorPath;
use super::{Blueprint, Build, Network, Shape};

/// The network `fresh` of this blueprint with the weights of `learned`, which is of the same architecture and sizes but
/// perhaps for its labels. The output layer's are taken only where `keeps_output` says that the labels are the same.
/// Both are on one device; no value is read.
pub fn transfer_weights(fresh: Network, learned: &Network, blueprint: &Blueprint, keeps_output: bool) -> Network {
    let mut collector = Collector::default();
    learned.visit(&mut collector);
    if !keeps_output {
        let output = output_layers(blueprint, &fresh);
        collector.values.retain(|name, _| !output.contains(name));
    }
    fresh.map(&mut Filler { path: TensorPath::default(), values: collector.values })
}

/// Names of the weights whose sizes depend on how many labels there are.
fn output_layers(blueprint: &Blueprint, network: &Network) -> HashSet<String> {
    let Build { shape, .. } = blueprint.build;
    let build = Build { shape: Shape { classes: shape.classes + 1, ..shape }, ..blueprint.build };
    // Only its sizes are asked for, so none of its weights is drawn.
    let larger = Blueprint { build, ..blueprint.clone() }.init(&network.device()).layers();
    let differ = network.layers().into_iter().zip(larger).filter(|(own, other)| own.1 != other.1);
    differ.map(|(own, _)| own.0).collect()
}

#[derive(Default)]
struct Collector {
    path: TensorPath,
    values: HashMap<String, Tensor<1>>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.insert(self.path.name(), param.val().flatten(0, D - 1));
    }
}

struct Filler {
    path: TensorPath,
    values: HashMap<String, Tensor<1>>,
}

impl ModuleMapper for Filler {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape();
        let fits = |value: &Tensor<1>| value.shape().num_elements() == shape.num_elements();
        let Some(value) = self.values.remove(&self.path.name()).filter(fits) else { return param };
        param.map(|_| value.reshape(shape))
    }
}
