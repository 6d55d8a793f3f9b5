//! ImageNet weights of other programs (torchvision, timm), put into the networks that torchvision and timm have, too.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData, bf16, f16};
use safetensors::{Dtype, SafeTensors};

use super::networks::{resnet50, xception};
use super::registry::Network;
use super::tensor_names::TensorPath;
use super::weights::{WeightsError, is_finite};

/// The prefix of the last layers' tensors, in the networks and in the files.
const HEAD: &str = "fc.";

/// Puts the pretrained weights of all layers but the last into a network: a safetensors file with torchvision's or
/// timm's names of `resnet50`, or timm's of `legacy_xception`, in 16 or 32 bits.
///
/// The file's own output layer is used if it fits (1000 classes, no hidden layer) and skipped otherwise; its counts of
/// batches are skipped. Every other tensor must be as the network has it.
///
/// # Errors
///
/// [`WeightsError::Malformed`] for other bytes, and [`WeightsError::Pretrained`] if there are no ImageNet weights for
/// the network, or a tensor is missing, superfluous, or of another shape or type; the message names the first.
pub fn load(network: Network, bytes: &[u8]) -> Result<Network, WeightsError> {
    let (architecture, name_in_file): (_, fn(&str) -> String) = match &network {
        Network::ResNet50(_) => ("resnet50", resnet50::name_in_file),
        Network::Xception(_) => ("legacy_xception", xception::name_in_file),
        _ => return Err(unfit("ResNet-50 or Xception", "there are no ImageNet weights for this network".to_owned())),
    };
    let file = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Malformed(error.to_string()))?;
    let values = fitting(&network, &file, name_in_file).map_err(|difference| unfit(architecture, difference))?;
    Ok(network.map(&mut Filler { path: TensorPath::default(), values }))
}

fn unfit(architecture: &'static str, difference: String) -> WeightsError {
    WeightsError::Pretrained { architecture, difference }
}

/// The file's values for every layer of the network that it has, or the first difference.
fn fitting(
    network: &Network,
    file: &SafeTensors<'_>,
    name_in_file: fn(&str) -> String,
) -> Result<HashMap<String, TensorData>, String> {
    let layers = network.layers();
    let mut values = HashMap::new();
    let mut known = Vec::new();
    for (layer, shape) in layers.iter().filter(|(layer, _)| !layer.starts_with(HEAD)) {
        let name = name_in_file(layer);
        values.insert(layer.clone(), value(file, &name, shape)?);
        known.push(name);
    }
    known.sort_unstable();
    let is_skipped = |name: &str| name.starts_with(HEAD) || name.ends_with(".num_batches_tracked");
    let mut names: Vec<&str> = file.names();
    names.sort_unstable();
    let is_unknown =
        |name: &&&str| !is_skipped(name) && known.binary_search_by(|known| known.as_str().cmp(name)).is_err();
    if let Some(name) = names.iter().find(is_unknown) {
        return Err(format!("'{name}' is not a layer of it"));
    }
    for (layer, tensor) in output_layer(&layers, file) {
        values.insert(layer.to_owned(), tensor);
    }
    Ok(values)
}

/// The file's output layer, if the network has one of the same shape.
fn output_layer<'a>(layers: &'a [(String, Vec<usize>)], file: &SafeTensors<'_>) -> Vec<(&'a str, TensorData)> {
    let in_head: Vec<&(String, Vec<usize>)> = layers.iter().filter(|(layer, _)| layer.starts_with(HEAD)).collect();
    // More tensors than these two: a hidden layer, so the output layer is not on the same features.
    let [(weight, weight_shape), (bias, bias_shape)] = in_head[..] else { return Vec::new() };
    let found = [value(file, "fc.weight", weight_shape), value(file, "fc.bias", bias_shape)];
    match found {
        [Ok(weights), Ok(biases)] => vec![(weight, weights), (bias, biases)],
        _ => Vec::new(),
    }
}

/// A tensor of the file as the network holds it: of this shape, in float32, a dense layer's weight
/// transposed from `[outputs, inputs]` to `[inputs, outputs]`.
fn value(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<TensorData, String> {
    let in_file: Vec<usize> = match *shape {
        [inputs, outputs] => vec![outputs, inputs],
        _ => shape.to_vec(),
    };
    let tensor = file.tensor(name).map_err(|_| format!("'{name}' of shape {in_file:?} is missing"))?;
    if tensor.shape() != in_file {
        return Err(format!("'{name}' should have shape {in_file:?}, found {:?}", tensor.shape()));
    }
    if is_finite(&tensor) == Some(false) {
        return Err(format!("not all values of '{name}' are finite numbers"));
    }
    let bytes = tensor.data();
    let values: Vec<f32> = match tensor.dtype() {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
        Dtype::F16 => bytes.as_chunks().0.iter().map(|&two| f16::from_le_bytes(two).to_f32()).collect(),
        Dtype::BF16 => bytes.as_chunks().0.iter().map(|&two| bf16::from_le_bytes(two).to_f32()).collect(),
        other => return Err(format!("'{name}' should hold floats of 16 or 32 bits, found {other:?}")),
    };
    let values = match *shape {
        [inputs, outputs] => (0..inputs * outputs).map(|at| values[at % outputs * inputs + at / outputs]).collect(),
        _ => values,
    };
    Ok(TensorData::new(values, shape))
}

/// Replaces a network's values, by the names of its tensors.
struct Filler {
    path: TensorPath,
    values: HashMap<String, TensorData>,
}

impl ModuleMapper for Filler {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(value) = self.values.remove(&self.path.name()) else { return param };
        param.map(|old| Tensor::from_data(value, &old.device()).set_require_grad(old.is_require_grad()))
    }
}
