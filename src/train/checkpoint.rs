//! A training run as a file, from which it resumes as if it had never stopped.
//!
//! One safetensors file: the current network, the network of the best epoch, the moving average of the weights, and the
//! optimiser's state; as metadata, the reports of the epochs so far and the position of the random generator.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, Device, ExecutionError, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::ema::Ema;
use crate::eval::report::EpochReport;
use crate::model::Network;

/// The key of a checkpoint's metadata.
const KEY: &str = "genrelens-checkpoint";
/// The version of the format: raised whenever the contents change their meaning.
const VERSION: u32 = 2;

/// Why a run cannot resume from a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("training cannot resume from this checkpoint ({0}); start again")]
pub struct CheckpointError(String);

/// The state of a run between two epochs.
pub(super) struct Checkpoint {
    /// The network as it is now, with gradients.
    pub network: Network,
    /// The network of the best validated epoch, without gradients.
    pub best: Network,
    /// The moving average of the weights, if the recipe has one.
    pub ema: Option<Ema>,
    pub optimiser: ModuleOptimizer,
    /// The generator of shuffles and augmentation; initial weights and dropout masks have their own.
    pub rng: ChaCha8Rng,
    /// The reports of all validated epochs.
    pub epochs: Vec<EpochReport>,
    /// The number of epochs that are over.
    pub epoch: usize,
}

/// A checkpoint's metadata, as JSON.
#[derive(Serialize, Deserialize)]
struct Notes {
    version: u32,
    epoch: usize,
    epochs: Vec<EpochReport>,
    /// The generator's position in its stream. As text: a JSON number holds no 128 bits.
    drawn: String,
    /// The steps in the moving average; `None` without one.
    averaged: Option<usize>,
    /// The ids that the optimiser stores its state under, in the order of the weights.
    ids: Vec<u64>,
}

impl Checkpoint {
    /// The run as a file. Waits for the device.
    ///
    /// On WebGPU in a browser the optimiser's state cannot be read synchronously, as Burn asks for it, and is left out:
    /// there the optimiser starts fresh when the run resumes.
    pub(super) async fn to_bytes(&self) -> Result<Vec<u8>, ExecutionError> {
        let network = self.network.valid();
        let mut names = ParamIds::default();
        self.network.visit(&mut names);
        let notes = Notes {
            version: VERSION,
            epoch: self.epoch,
            epochs: self.epochs.clone(),
            drawn: self.rng.get_word_pos().to_string(),
            averaged: self.ema.as_ref().map(Ema::steps),
            ids: names.0.iter().map(ParamId::val).collect(),
        };
        let mut parts = vec![("network", read(&network).await?), ("best", read(&self.best).await?)];
        if let Some(ema) = &self.ema {
            // Through the network, the average gets the same order of weights as the other parts.
            parts.push(("average", read(&ema.apply(network)).await?));
        }
        let optimiser = reads_at_once(&self.network.device()).then(|| self.optimiser.into_bytes().ok()).flatten();
        Ok(file(&notes, &parts, optimiser.as_deref()))
    }

    /// Reads a run from a file into a network of the same architecture; `rng` and `optimiser` are as at the beginning of
    /// the run.
    pub(super) fn open(
        bytes: &[u8],
        fresh: Network,
        optimiser: ModuleOptimizer,
        mut rng: ChaCha8Rng,
        average_decay: f64,
    ) -> Result<Self, CheckpointError> {
        let wrong = |what: &str| CheckpointError(what.to_owned());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|_| wrong("it is not a checkpoint"))?;
        let json = header
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(KEY))
            .ok_or_else(|| wrong("it has no metadata"))?;
        let notes: Notes = serde_json::from_str(json).map_err(|_| wrong("its metadata cannot be read"))?;
        // Older checkpoints cannot be converted: their parts have another meaning.
        if notes.version != VERSION {
            return Err(wrong("another version wrote it"));
        }
        let file = SafeTensors::deserialize(bytes).map_err(|_| wrong("it is damaged"))?;
        let part = |name| values(&file, name).ok_or_else(|| wrong("it is incomplete"));
        let of = |network: Network, values: Vec<Vec<f32>>| {
            let mut setter = Setter { values: values.into_iter(), ids: notes.ids.iter(), fits: true };
            let network = network.map(&mut setter);
            let fits = setter.fits && setter.values.next().is_none();
            if fits { Ok(network) } else { Err(wrong("it belongs to another network")) }
        };
        let network = of(fresh, part("network")?)?;
        let best = of(network.valid(), part("best")?)?;
        let ema = match notes.averaged {
            Some(steps) => Some(Ema::resumed(average_decay, steps, &of(network.valid(), part("average")?)?)),
            None => None,
        };
        // Burn first loads the state onto the default device, which in a build with both engines is the GPU.
        let optimiser = match file.tensor("optimiser") {
            Ok(state) if reads_at_once(&network.device()) && reads_at_once(&Device::default()) => optimiser
                .from_bytes(Bytes::from_bytes_vec(state.data().to_vec()))
                .map_err(|_| wrong("its optimiser's state cannot be read"))?,
            _ => optimiser,
        };
        rng.set_word_pos(notes.drawn.parse().map_err(|_| wrong("its metadata cannot be read"))?);
        Ok(Self { network, best, ema, optimiser, rng, epochs: notes.epochs, epoch: notes.epoch })
    }
}

/// True if a tensor of the device can be read without waiting: everywhere but on a GPU in a browser.
fn reads_at_once(device: &Device) -> bool {
    !cfg!(target_family = "wasm") || device.clone().inner() == Device::flex()
}

fn file(notes: &Notes, parts: &[(&str, Vec<Vec<f32>>)], optimiser: Option<&[u8]>) -> Vec<u8> {
    let mut tensors: Vec<(String, Dtype, usize, Vec<u8>)> = Vec::new();
    for (part, all) in parts {
        for (index, values) in all.iter().enumerate() {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((format!("{part}.{index}"), Dtype::F32, values.len(), bytes));
        }
    }
    tensors.extend(optimiser.map(|state| ("optimiser".to_owned(), Dtype::U8, state.len(), state.to_vec())));
    // Lengths and types agree by construction, so no tensor is dropped here.
    let views = tensors.iter().filter_map(|(name, dtype, length, bytes)| {
        TensorView::new(*dtype, vec![*length], bytes).ok().map(|view| (name.as_str(), view))
    });
    let json = serde_json::to_string(notes).unwrap_or_default();
    safetensors::serialize(views, Some([(KEY.to_owned(), json)].into())).unwrap_or_default()
}

fn values(file: &SafeTensors, part: &str) -> Option<Vec<Vec<f32>>> {
    let one = |index: usize| {
        let tensor = file.tensor(&format!("{part}.{index}")).ok().filter(|tensor| tensor.dtype() == Dtype::F32)?;
        Some(tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    };
    let all: Vec<Vec<f32>> = (0..).map_while(one).collect();
    (!all.is_empty()).then_some(all)
}

/// Every stored value of a network, in the order of its layers. Waits for the device.
async fn read(network: &Network) -> Result<Vec<Vec<f32>>, ExecutionError> {
    let mut reader = Reader::default();
    network.visit(&mut reader);
    let mut all = Vec::with_capacity(reader.0.len());
    for tensor in reader.0 {
        all.push(tensor.into_data_async().await?.iter::<f32>().collect());
    }
    Ok(all)
}

#[derive(Default)]
struct Reader(Vec<Tensor<1>>);

impl ModuleVisitor for Reader {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().flatten(0, D - 1));
    }
}

#[derive(Default)]
struct ParamIds(Vec<ParamId>);

impl ModuleVisitor for ParamIds {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.id);
    }
}

/// Gives a network the values of a checkpoint, and the ids that the optimiser's state is stored under.
struct Setter<'a> {
    values: std::vec::IntoIter<Vec<f32>>,
    ids: std::slice::Iter<'a, u64>,
    fits: bool,
}

impl ModuleMapper for Setter<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape();
        let (Some(values), Some(id)) = (self.values.next(), self.ids.next()) else {
            self.fits = false;
            return param;
        };
        // Sizes are compared, not names: a checkpoint's tensors are numbered.
        if values.len() != shape.num_elements() {
            self.fits = false;
            return param;
        }
        let (_, value, mapper) = param.consume();
        let has_gradient = value.is_require_grad();
        let tensor = Tensor::from_data(TensorData::new(values, shape), &value.device()).set_require_grad(has_gradient);
        Param::from_mapped_value(ParamId::from(*id), tensor, mapper)
    }
}
