//! A training run on its way, as a file: everything that it needs to go on as if it had never stopped.
//!
//! One safetensors file: the network as it learns, the best of its epochs, the running average of its weights, and
//! what the optimiser remembers; beside them, as metadata, the epochs so far and how far the run's generator is.

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

/// The key of the metadata that a checkpoint carries.
const KEY: &str = "genrelens-checkpoint";
/// Raised whenever its contents change their meaning.
const VERSION: u32 = 2;

/// Why a run cannot go on from a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the run cannot go on from where it was ({0}); start it anew")]
pub struct CheckpointError(String);

/// A run on its way.
pub struct Checkpoint {
    /// As it learns.
    pub network: Network,
    /// As it was after the best epoch.
    pub best: Network,
    /// The running average of its weights, where it has one.
    pub ema: Option<Ema>,
    /// What follows the gradients.
    pub optimiser: ModuleOptimizer,
    /// The generator of everything that is drawn for it, but for initial weights.
    pub rng: ChaCha8Rng,
    /// Every epoch that was validated.
    pub epochs: Vec<EpochReport>,
    /// Epochs that are over.
    pub epoch: usize,
}

#[derive(Serialize, Deserialize)]
struct Notes {
    version: u32,
    epoch: usize,
    epochs: Vec<EpochReport>,
    /// The generator's place in its stream; as text, for JSON's numbers are too small.
    drawn: String,
    averaged: Option<usize>,
    /// The names that the optimiser knows the weights by, in their order.
    ids: Vec<u64>,
}

impl Checkpoint {
    /// The run as a file. Waits for the device.
    ///
    /// On a graphics processor in a browser, what the optimiser remembers cannot be read back and is left out: there it
    /// begins anew when the run goes on.
    ///
    /// # Errors
    ///
    /// The device's, where it was lost.
    pub async fn to_bytes(&self) -> Result<Vec<u8>, ExecutionError> {
        let network = self.network.valid();
        let mut names = Names::default();
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
            // As a network, the average is in the order of all others.
            parts.push(("average", read(&ema.apply(network)).await?));
        }
        let optimiser = reads_at_once(&self.network.device()).then(|| self.optimiser.into_bytes().ok()).flatten();
        Ok(file(&notes, &parts, optimiser.as_deref()))
    }

    /// The run of a file, of a network that is like the one that it is of, ready to learn; `rng` and `optimiser` are those
    /// that the run began with.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], where it is no such file, or of another network.
    pub fn open(
        bytes: &[u8],
        fresh: Network,
        optimiser: ModuleOptimizer,
        mut rng: ChaCha8Rng,
        average_decay: f64,
    ) -> Result<Self, CheckpointError> {
        let wrong = |what: &str| CheckpointError(what.to_owned());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|_| wrong("it is no checkpoint"))?;
        let json = header.metadata().as_ref().and_then(|entries| entries.get(KEY)).ok_or_else(|| wrong("no notes"))?;
        let notes: Notes = serde_json::from_str(json).map_err(|_| wrong("its notes cannot be read"))?;
        if notes.version != VERSION {
            return Err(wrong("it is of another version"));
        }
        let file = SafeTensors::deserialize(bytes).map_err(|_| wrong("it is damaged"))?;
        let part = |name| values(&file, name).ok_or_else(|| wrong("a part of it is missing"));
        let of = |network: Network, values: Vec<Vec<f32>>| {
            let mut setter = Setter { values: values.into_iter(), ids: notes.ids.iter(), fits: true };
            let network = network.map(&mut setter);
            let fits = setter.fits && setter.values.next().is_none();
            if fits { Ok(network) } else { Err(wrong("it is of another network")) }
        };
        let network = of(fresh, part("network")?)?;
        let best = of(network.valid(), part("best")?)?;
        let ema = match notes.averaged {
            Some(steps) => Some(Ema::resumed(average_decay, steps, &of(network.valid(), part("average")?)?)),
            None => None,
        };
        // Burn puts it on the default device first, which in a build with both engines is the graphics processor.
        let optimiser = match file.tensor("optimiser") {
            Ok(state) if reads_at_once(&network.device()) && reads_at_once(&Device::default()) => optimiser
                .from_bytes(Bytes::from_bytes_vec(state.data().to_vec()))
                .map_err(|_| wrong("what its optimiser remembers cannot be read"))?,
            _ => optimiser,
        };
        rng.set_word_pos(notes.drawn.parse().map_err(|_| wrong("its notes cannot be read"))?);
        Ok(Self { network, best, ema, optimiser, rng, epochs: notes.epochs, epoch: notes.epoch })
    }
}

/// True where a tensor can be read without waiting: everywhere but on a browser's graphics processor.
fn reads_at_once(device: &Device) -> bool {
    !cfg!(target_family = "wasm") || device.clone().inner() == Device::flex()
}

fn file(notes: &Notes, parts: &[(&str, Vec<Vec<f32>>)], optimiser: Option<&[u8]>) -> Vec<u8> {
    let mut tensors: Vec<(String, Dtype, usize, Vec<u8>)> = Vec::new();
    for (part, all) in parts {
        for (place, values) in all.iter().enumerate() {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((format!("{part}.{place}"), Dtype::F32, values.len(), bytes));
        }
    }
    tensors.extend(optimiser.map(|state| ("optimiser".to_owned(), Dtype::U8, state.len(), state.to_vec())));
    // Lengths and types are right by construction, so nothing is refused.
    let views = tensors.iter().filter_map(|(name, dtype, length, bytes)| {
        TensorView::new(*dtype, vec![*length], bytes).ok().map(|view| (name.as_str(), view))
    });
    let json = serde_json::to_string(notes).unwrap_or_default();
    safetensors::serialize(views, Some([(KEY.to_owned(), json)].into())).unwrap_or_default()
}

fn values(file: &SafeTensors, part: &str) -> Option<Vec<Vec<f32>>> {
    let one = |place: usize| {
        let tensor = file.tensor(&format!("{part}.{place}")).ok().filter(|tensor| tensor.dtype() == Dtype::F32)?;
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
struct Names(Vec<ParamId>);

impl ModuleVisitor for Names {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.id);
    }
}

/// Gives a network the values of a checkpoint, and the names that the optimiser knows them by.
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
        if values.len() != shape.num_elements() {
            self.fits = false;
            return param;
        }
        let (_, value, mapper) = param.consume();
        let learns = value.is_require_grad();
        let tensor = Tensor::from_data(TensorData::new(values, shape), &value.device()).set_require_grad(learns);
        Param::from_mapped_value(ParamId::from(*id), tensor, mapper)
    }
}
