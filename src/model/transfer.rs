//! Transfer learning: a network begins with the weights of a trained one, with a new output layer if its labels differ.

use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::blueprint::Blueprint;
use super::registry::Network;
use super::spec::{Build, Shape};
use super::tensor_names::TensorPath;

/// The network `fresh` of this blueprint with the weights of `trained`, which has the same architecture and sizes except
/// for the number of labels. Its output layer's weights are used only if `keeps_output` says that the labels are the
/// same. Both networks are on one device, and no value is read from it.
pub(crate) fn transfer_weights(
    fresh: Network,
    trained: &Network,
    blueprint: &Blueprint,
    keeps_output: bool,
) -> Network {
    let mut collector = Collector::default();
    trained.visit(&mut collector);
    if !keeps_output {
        let output = output_layers(blueprint, &fresh);
        collector.values.retain(|name, _| !output.contains(name));
    }
    fresh.map(&mut Filler { path: TensorPath::default(), values: collector.values })
}

/// Names of the weights whose sizes depend on how many labels there are.
fn output_layers(blueprint: &Blueprint, network: &Network) -> HashSet<String> {
    let Build { shape, .. } = blueprint.build;
    // With one class more, the tensors whose sizes change are those of the output layer.
    let build = Build { shape: Shape { classes: shape.classes + 1, ..shape }, ..blueprint.build };
    // Burn draws weights when they are first read, and only their shapes are read here.
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
        // Flat, because tensors of any rank share the map.
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
