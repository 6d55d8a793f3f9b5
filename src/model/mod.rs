//! The networks: what they are ([`registry`]), what they hear ([`windows`]), how their weights are kept ([`weights`]).
//!
//! One network, one file. Every network takes a batch of windows `[batch, bands, frames]` and gives logits
//! `[batch, classes]`; nothing outside knows which one it holds.

pub mod net1;
pub mod net2;
pub mod predict;
pub mod registry;
pub mod weights;
pub mod windows;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

pub use net1::{Net1, Net1Config};
pub use net2::{Net2, Net2Config};

/// The sizes at a network's two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Mel bands of the input.
    pub bands: usize,
    /// Frames (columns) of an input window.
    pub frames: usize,
    /// Classes of the output.
    pub classes: usize,
}

/// Any network of the registry.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are one or two networks at a time, never a list of them")]
pub enum Network {
    /// Duplicated convolutional layers.
    Net1(Net1),
    /// Its residual contrast.
    Net2(Net2),
}

impl Network {
    /// Logits of a batch of windows.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, bands, frames]`
    /// - output: `[batch, classes]`
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        match self {
            Self::Net1(network) => network.forward(windows),
            Self::Net2(network) => network.forward(windows),
        }
    }

    /// The weight penalty that the network's paper adds to the loss, shape `[1]`; `None` where it states none.
    pub fn penalty(&self) -> Option<Tensor<1>> {
        match self {
            Self::Net1(network) => Some(network.penalty()),
            Self::Net2(_) => None,
        }
    }

    /// The device the weights are on.
    pub fn device(&self) -> Device {
        self.devices().into_iter().next().unwrap_or_default()
    }

    /// Every learned tensor in the order of the layers, as path and shape: `("c1.weight", [256, 128, 4])`.
    pub fn layers(&self) -> Vec<(String, Vec<usize>)> {
        let mut lister = Lister::default();
        self.visit(&mut lister);
        lister.layers
    }
}

#[derive(Default)]
struct Lister {
    path: Vec<String>,
    layers: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        // The enum's own level (the variant's name) is not part of a weight's name.
        let is_variant = container_type.starts_with("Enum");
        self.path.push(if is_variant { String::new() } else { name.to_owned() });
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let names: Vec<&str> = self.path.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        self.layers.push((names.join("."), param.dims().to_vec()));
    }
}
