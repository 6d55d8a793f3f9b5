//! The names of a network's tensors, as weights files write them: `c1.weight`.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Returns whether a tensor is computed from data instead of trained: a running statistic or a standardisation.
pub fn is_statistic(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    // Burn's names in a batch norm, and those of a head's standardisation.
    ["running_mean", "running_var", "input_mean", "input_deviation"].contains(&last)
}

/// The way from a network to the tensor that Burn is visiting.
#[derive(Default)]
pub(super) struct TensorPath(Vec<String>);

impl TensorPath {
    pub(super) fn enter(&mut self, name: &str, container_type: &str) {
        // An enum's level is the name of its variant, which is no part of a tensor's name in a file.
        let level = if container_type.starts_with("Enum") { "" } else { name };
        self.0.push(level.to_owned());
    }

    pub(super) fn exit(&mut self) {
        self.0.pop();
    }

    pub(super) fn name(&self) -> String {
        let levels: Vec<&str> = self.0.iter().map(String::as_str).filter(|level| !level.is_empty()).collect();
        levels.join(".")
    }
}

/// Every stored tensor of a network in the order of its layers, as name and shape: `("c1.weight", [256, 128, 4])`.
pub(super) fn named_shapes(network: &impl Module) -> Vec<(String, Vec<usize>)> {
    let mut lister = Lister::default();
    network.visit(&mut lister);
    lister.tensors
}

#[derive(Default)]
struct Lister {
    path: TensorPath,
    tensors: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // The lazy shape: asking for the value would allocate what a card claims, before its weights are checked.
        self.tensors.push((self.path.name(), param.lazy_shape().to_vec()));
    }
}
