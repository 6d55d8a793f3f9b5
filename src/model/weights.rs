//! Reads and writes weights: safetensors, with the card as metadata.
//!
//! A file holds every tensor of the network under its layer's name (`c1.weight`) and, under the metadata key
//! [`CARD_KEY`], its [`Card`] as JSON. Shipped weights are stored in float16 and used in float32.

use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleVisitor, Param};
use burn::store::{FloatCastAdapter, ModuleSnapshot, SafetensorsStore};
use burn::tensor::{DType, Device, ExecutionError, Tensor, bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use sha2::{Digest, Sha256};

use super::blueprint::BlueprintError;
use super::registry::Network;
use crate::card::Card;

/// Metadata key of the card.
pub(crate) const CARD_KEY: &str = "genrelens";

/// Why weights could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The bytes are not a safetensors file.
    #[error("these weights are not a safetensors file ({0}); fetch or export them again")]
    Malformed(String),
    /// A safetensors file of another program.
    #[error("these weights carry no GenreLens card; expected the metadata key '{CARD_KEY}', as GenreLens writes it")]
    NoCard,
    /// The card cannot be read.
    #[error("the card of these weights cannot be read ({0})")]
    Card(String),
    /// The card describes no network that this version has.
    #[error(transparent)]
    Blueprint(#[from] BlueprintError),
    /// The tensors are not those of the network.
    #[error("these weights do not fit the network '{architecture}' of their card: {difference}")]
    Unfit {
        /// The network that the card names.
        architecture: String,
        /// The first difference.
        difference: String,
    },
    /// A weight is no number.
    #[error("the weights in '{tensor}' are damaged: not all of them are finite numbers; fetch or export them again")]
    NotFinite {
        /// The first such tensor.
        tensor: String,
    },
    /// Two outputs have the same label.
    #[error("the card of these weights has the label {label:?} twice, so that its answers could not be told apart")]
    SameLabels {
        /// The first such label.
        label: String,
    },
    /// The file does not hold ImageNet weights of this network.
    #[error("these are not the weights that torchvision or timm publish for '{architecture}': {difference}")]
    Pretrained {
        /// torchvision's or timm's name of the network.
        architecture: &'static str,
        /// The first difference.
        difference: String,
    },
    /// A backbone of a head is missing.
    #[error("this network needs the backbone '{backbone}', which is not loaded; open '{backbone}' first")]
    Backbone {
        /// The backbone's name.
        backbone: String,
    },
    /// A backbone of a head has other weights than those that the head was trained on.
    #[error("this network was trained on another version of '{backbone}' than the one that is loaded")]
    OtherBackbone {
        /// The backbone's name.
        backbone: String,
    },
    /// The input does not fit the network.
    #[error("'{name}' cannot be used: {difference}; if its card was changed, fetch or export it again")]
    InputMismatch {
        /// The network's name.
        name: String,
        /// What differs.
        difference: String,
    },
    /// The device was lost.
    #[error("the engine failed ({0}); start it again")]
    Device(#[from] ExecutionError),
    /// The bytes are not those that the card was written for.
    #[error("these weights are damaged or of another version: their SHA-256 is {found}, the card expects {expected}")]
    Checksum {
        /// The card's.
        expected: String,
        /// The bytes'.
        found: String,
    },
}

/// How floats are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Two bytes per weight, as shipped; four in a tensor with values beyond its range of ±65504.
    F16,
    /// Four bytes per weight, which keeps every value exactly.
    F32,
}

/// A network's weights as the bytes of a safetensors file, its card inside. Waits for the device.
///
/// # Errors
///
/// [`WeightsError::Malformed`] if the file cannot be made, and [`WeightsError::Device`] if the device was lost.
pub async fn to_bytes(network: &Network, card: &Card, precision: Precision) -> Result<Vec<u8>, WeightsError> {
    // A file cannot contain its own hash.
    let unsigned = Card { sha256: String::new(), ..card.clone() };
    let json = serde_json::to_string(&unsigned).map_err(|error| WeightsError::Card(error.to_string()))?;
    let mut reader = Reader::default();
    network.visit(&mut reader);
    let mut tensors = Vec::new();
    // Not Burn's store: it reads the device synchronously, which WebGPU does not allow.
    for ((name, shape), tensor) in network.layers().into_iter().zip(reader.0) {
        let values = tensor.into_data_async().await?;
        // A finite value that float16 has no number for would become infinite: its tensor stays in float32.
        let fits = |value: f32| f16::from_f32(value).is_finite() || !value.is_finite();
        let precision = if values.iter::<f32>().all(fits) { precision } else { Precision::F32 };
        let (dtype, bytes) = match precision {
            Precision::F16 => (Dtype::F16, values.iter::<f32>().flat_map(|v| f16::from_f32(v).to_le_bytes()).collect()),
            Precision::F32 => (Dtype::F32, values.iter::<f32>().flat_map(f32::to_le_bytes).collect::<Vec<u8>>()),
        };
        tensors.push((name, dtype, shape, bytes));
    }
    let malformed = |error: SafeTensorError| WeightsError::Malformed(error.to_string());
    let mut views = Vec::with_capacity(tensors.len());
    for (name, dtype, shape, bytes) in &tensors {
        views.push((name, TensorView::new(*dtype, shape.clone(), bytes).map_err(malformed)?));
    }
    safetensors::serialize(views, Some([(CARD_KEY.to_owned(), json)].into())).map_err(malformed)
}

/// Every tensor in the order of the layers, flat.
#[derive(Default)]
struct Reader(Vec<Tensor<1>>);

impl ModuleVisitor for Reader {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().flatten(0, D - 1));
    }
}

/// The card inside a weights file, its SHA-256 filled in from the bytes.
///
/// # Errors
///
/// [`WeightsError::Malformed`], [`WeightsError::NoCard`] or [`WeightsError::Card`].
pub fn embedded_card(bytes: &[u8]) -> Result<Card, WeightsError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| WeightsError::Malformed(error.to_string()))?;
    let json = header.metadata().as_ref().and_then(|entries| entries.get(CARD_KEY)).ok_or(WeightsError::NoCard)?;
    let card: Card = serde_json::from_str(json).map_err(|error| WeightsError::Card(error.to_string()))?;
    Ok(Card { sha256: sha256_hex(bytes), ..card })
}

/// The network of a card with these weights, in float32, on this device.
///
/// # Errors
///
/// [`WeightsError::Checksum`] if the card states another SHA-256, [`WeightsError::SameLabels`], and those of [`fill`].
pub fn from_bytes(bytes: Vec<u8>, card: &Card, device: &Device) -> Result<Network, WeightsError> {
    let found = sha256_hex(&bytes);
    if !card.sha256.is_empty() && card.sha256 != found {
        return Err(WeightsError::Checksum { expected: card.sha256.clone(), found });
    }
    let mut labels = HashSet::new();
    if let Some(label) = card.labels.iter().find(|label| !labels.insert(label.as_str())) {
        return Err(WeightsError::SameLabels { label: label.clone() });
    }
    let mut network = card.blueprint()?.init(device);
    fill(&mut network, bytes, &card.architecture)?;
    Ok(network)
}

/// Puts a weights file's tensors into a network, in float32.
///
/// # Errors
///
/// [`WeightsError::Unfit`] if a tensor is missing, superfluous or of another shape or type than the network's; the message
/// calls it `architecture`. [`WeightsError::NotFinite`] if a weight is NaN or infinite: every answer would be NaN.
pub fn fill(network: &mut Network, bytes: Vec<u8>, architecture: &str) -> Result<(), WeightsError> {
    check_fit(&bytes, network, architecture)?;
    let mut store = SafetensorsStore::from_bytes(Some(bytes))
        .with_from_adapter(FloatCastAdapter::to(DType::F32))
        // Burn would put the variant of `Network` before every name.
        .skip_enum_variants(true);
    network.load_from(&mut store).map_err(|error| WeightsError::Malformed(error.to_string()))?;
    Ok(())
}

/// Compares names and shapes before anything is loaded, so that the message can name the tensor.
fn check_fit(bytes: &[u8], network: &Network, architecture: &str) -> Result<(), WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| WeightsError::Malformed(error.to_string()))?;
    let mut found: HashMap<String, Vec<usize>> =
        file.iter().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec())).collect();
    let unfit = |difference| WeightsError::Unfit { architecture: architecture.to_owned(), difference };
    for (name, expected) in network.layers() {
        match found.remove(&name) {
            Some(shape) if shape == expected => {}
            Some(shape) => return Err(unfit(format!("'{name}' should have shape {expected:?}, found {shape:?}"))),
            None => return Err(unfit(format!("'{name}' of shape {expected:?} is missing"))),
        }
    }
    if let Some(name) = found.keys().min() {
        return Err(unfit(format!("'{name}' is not a layer of it")));
    }
    for (name, tensor) in file.tensors() {
        match is_finite(&tensor) {
            Some(true) => {}
            Some(false) => return Err(WeightsError::NotFinite { tensor: name }),
            None => return Err(unfit(format!("'{name}' should hold floats, found {:?}", tensor.dtype()))),
        }
    }
    Ok(())
}

/// True if all values of a tensor are finite in float32, which they are used in; `None` if they are no floats.
pub(super) fn is_finite(tensor: &TensorView<'_>) -> Option<bool> {
    let bytes = tensor.data();
    Some(match tensor.dtype() {
        Dtype::F16 => bytes.as_chunks().0.iter().all(|&two| f16::from_le_bytes(two).is_finite()),
        Dtype::BF16 => bytes.as_chunks().0.iter().all(|&two| bf16::from_le_bytes(two).is_finite()),
        Dtype::F32 => bytes.as_chunks().0.iter().all(|&four| f32::from_le_bytes(four).is_finite()),
        Dtype::F64 => bytes.as_chunks().0.iter().all(|&eight| (f64::from_le_bytes(eight) as f32).is_finite()),
        _ => return None,
    })
}

/// SHA-256 of some bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
