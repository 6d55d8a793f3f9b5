//! The one door to training: a [`FitJob`] in, a [`FittedNetwork`] out. The epochs themselves are in [`run`](super::run).

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::embeddings::{inputs_of, moments_of, width_of};
use super::observer::{Diverged, FitError, TrainObserver};
use super::predict::predict_songs;
use super::run::{Plan, Trained, run};
use crate::card::Structure;
use crate::dataset::labelled_set::{LabelledSet, check_apart};
use crate::eval::report::EpochReport;
use crate::model::weights::{WeightsError, embedded_card, fill};
use crate::model::windows::Windowing;
use crate::model::{Blueprint, Build, Dropouts, Ensemble, Frozen, Network, Part, imagenet_weights};
use crate::recipe::{Augmentation, Recipe};

/// A network to train, and what to train and validate it on.
pub struct FitJob<'a> {
    /// The weights that training starts from, and the layers that it trains.
    pub start: Start<'a>,
    /// The settings of the run.
    pub recipe: &'a Recipe,
    /// The training split.
    pub train: &'a LabelledSet,
    /// The validation split; it shares no song and no group with the training split.
    pub valid: &'a LabelledSet,
    /// The device that fresh weights are put on. A network that is given stays on its own.
    pub device: &'a Device,
}

/// The weights that training starts from, and the layers that it trains.
///
/// "Windows" below means that the songs' segments are prepared for the network ([`Windowing::prepare`]); "columns" means
/// that every song has one segment with a column of precomputed values per window, and nothing is augmented.
#[derive(Clone)]
pub enum Start<'a> {
    /// Fresh weights, all layers, on windows. The members of an ensemble are trained one after the other.
    Fresh(&'a Blueprint),
    /// A fresh head on columns of features. It standardises them by their mean and deviation over the training songs.
    FreshHead(&'a Blueprint),
    /// Weights of a file, on windows: those that this program writes for the same network, or ImageNet's for a network with
    /// layers that they fit, whose other layers start fresh.
    File {
        /// The network.
        blueprint: &'a Blueprint,
        /// The safetensors file.
        bytes: &'a [u8],
        /// True to train the last layers alone, as [`Start::LastLayers`].
        freeze: bool,
    },
    /// A trained network, all layers, on windows.
    AllLayers {
        /// The network, with or without gradients.
        network: Box<Network>,
        /// How its windows are cut from segments.
        windowing: Windowing,
    },
    /// A trained network's last layers, on windows: the inputs of those layers are computed once, before the first epoch,
    /// so an epoch takes next to no time. Nothing is augmented.
    LastLayers {
        /// The network, with or without gradients.
        network: Box<Network>,
        /// The layers to train.
        part: Part,
        /// How its windows are cut from segments.
        windowing: Windowing,
    },
    /// A trained network's last layers, on columns of their inputs.
    LastLayersOnInputs {
        /// The network, with or without gradients.
        network: Box<Network>,
        /// The layers to train.
        part: Part,
    },
}

/// The result of a training run.
#[derive(Debug)]
pub struct FittedNetwork {
    /// The network of the epoch that is kept, without gradients.
    pub network: Network,
    /// Every validated epoch, in order; those of an ensemble's members follow each other.
    pub epochs: Vec<EpochReport>,
    /// Why the run stopped before its end, if its losses or weights became NaN or infinite; the network is then that of
    /// the best epoch before.
    pub diverged: Option<Diverged>,
    /// The layers that run on the job's sets.
    part: Part,
    /// How windows are cut from the segments of the job's sets.
    windowing: Windowing,
}

impl FittedNetwork {
    /// Probabilities of every song of a set that is prepared like those of the job: `[songs][labels]`, 0 to 1.
    ///
    /// # Errors
    ///
    /// [`FitError::Device`] or [`FitError::Cancelled`].
    pub async fn predict(
        &self,
        set: &LabelledSet,
        observer: &mut impl TrainObserver,
    ) -> Result<Vec<Vec<f32>>, FitError> {
        predict_songs(&self.network, self.part, &self.windowing, set, observer).await
    }
}

impl FitJob<'_> {
    /// Refuses a job that no run can do, before anything is computed.
    fn check(&self) -> Result<(), FitError> {
        if let Start::Fresh(blueprint) = &self.start {
            let (expected, found) = (blueprint.entry.min_frames, blueprint.build.shape.frames);
            if found < expected {
                return Err(FitError::Frames { expected, found });
            }
        }
        for (set, split) in [(self.train, "training"), (self.valid, "validation")] {
            if set.songs.is_empty() {
                return Err(FitError::Empty { split });
            }
        }
        self.recipe.check()?;
        Ok(check_apart(self.train, self.valid)?)
    }
}

/// Trains a network. The recipe says what is kept: the last epoch, or the best one, which has the highest validation
/// accuracy (mean ROC-AUC for tags) and, among equals, the lowest validation loss. A run that its observer stops, or that
/// diverges, keeps the best.
///
/// # Errors
///
/// [`FitError::Frames`], [`FitError::Empty`], [`FitError::Recipe`] or [`FitError::Leak`] before anything is computed;
/// [`FitError::Checkpoint`] if the observer's checkpoint is of another run; [`FitError::Diverged`] if losses or weights
/// become NaN or infinite before any epoch is validated; [`FitError::Device`] if the device is lost;
/// [`FitError::Cancelled`] if the observer cancels.
pub async fn fit(job: FitJob<'_>, observer: &mut impl TrainObserver) -> Result<FittedNetwork, FitError> {
    job.check()?;
    let FitJob { start, recipe, train, valid, device } = job;
    match start {
        Start::Fresh(blueprint) => fit_fresh(blueprint, (recipe, train, valid), device, observer).await,
        Start::FreshHead(blueprint) => {
            let recipe = without_augmentation(recipe);
            let head = standardising(fresh(blueprint, &recipe, device), train, device);
            let windowing = Windowing::of_features(blueprint.build.shape.bands);
            fit_plan(head, Plan { part: Part::Whole, windowing, recipe: &recipe, train, valid }, observer).await
        }
        Start::File { blueprint, bytes, freeze } => {
            let network = from_file(blueprint, recipe, bytes, device)?;
            let windowing = blueprint.windowing();
            if freeze {
                return fit_last_layers(network, Part::Head, windowing, (recipe, train, valid), observer).await;
            }
            fit_plan(network.train(), Plan { part: Part::Whole, windowing, recipe, train, valid }, observer).await
        }
        Start::AllLayers { network, windowing } => {
            fit_plan(network.train(), Plan { part: Part::Whole, windowing, recipe, train, valid }, observer).await
        }
        Start::LastLayers { network, part, windowing } => {
            fit_last_layers(*network, part, windowing, (recipe, train, valid), observer).await
        }
        Start::LastLayersOnInputs { network, part } => {
            fit_on_inputs(*network, part, (recipe, train, valid), observer).await
        }
    }
}

/// A network with fresh weights on a device, with gradients. One seed gives the same weights on every engine, because
/// they are drawn on the CPU and at once.
pub fn fresh(blueprint: &Blueprint, recipe: &Recipe, device: &Device) -> Network {
    let drawing = Device::flex();
    drawing.seed(recipe.seed);
    let dropouts = Dropouts { convolution: recipe.dropout_convolution, dense: recipe.dropout_dense };
    let build = Build { dropouts, ..blueprint.build };
    Blueprint { build, ..blueprint.clone() }.init(&drawing).map(&mut Draw).to_device(device).train()
}

/// Draws every weight at once. Burn otherwise draws a weight when it is first read, on the device it is then meant for.
struct Draw;

impl ModuleMapper for Draw {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|drawn| drawn)
    }
}

/// A recipe, the training split and the validation split.
type Sets<'a> = (&'a Recipe, &'a LabelledSet, &'a LabelledSet);

/// Trains one network, or every member of an ensemble by itself.
async fn fit_fresh(
    blueprint: &Blueprint,
    (recipe, train, valid): Sets<'_>,
    device: &Device,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    let (mut members, mut epochs, mut diverged) = (Vec::new(), Vec::new(), None);
    let structure = Structure { members: 1, ..blueprint.build.structure };
    let single = Blueprint { build: Build { structure, ..blueprint.build }, ..blueprint.clone() };
    let (part, windowing) = (Part::Whole, blueprint.windowing());
    // Independent trainings: every member has a seed of its own.
    for member in 0..blueprint.build.structure.members {
        let recipe = &recipe.of_member(member);
        let network = fresh(&single, recipe, device);
        let fitted = fit_plan(network, Plan { part, windowing, recipe, train, valid }, observer).await?;
        members.push(fitted.network);
        epochs.extend(fitted.epochs);
        diverged = diverged.or(fitted.diverged);
        if observer.stop() {
            break;
        }
    }
    let network = if members.len() == 1 { members.remove(0) } else { Network::Ensemble(Ensemble::new(members)) };
    Ok(FittedNetwork { network, epochs, diverged, part, windowing })
}

/// Weights of a file in a network for training; layers that the file has no weights for start fresh.
fn from_file(blueprint: &Blueprint, recipe: &Recipe, bytes: &[u8], device: &Device) -> Result<Network, WeightsError> {
    let mut network = fresh(blueprint, recipe, device);
    // Only this program's own files have a card.
    match embedded_card(bytes) {
        Ok(_) => fill(&mut network, bytes.to_vec(), blueprint.entry.id).map(|()| network),
        Err(WeightsError::NoCard) => imagenet_weights::load(network, bytes),
        Err(error) => Err(error),
    }
}

/// Trains last layers on windows, whose way through the other layers is computed once.
async fn fit_last_layers(
    network: Network,
    part: Part,
    windowing: Windowing,
    (recipe, train, valid): Sets<'_>,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    let frozen = Frozen::new(network.valid(), [windowing.bands, windowing.frames]);
    let train = inputs_of(&frozen, part, &windowing, train, observer).await?;
    let valid = inputs_of(&frozen, part, &windowing, valid, observer).await?;
    let fitted = fit_on_inputs(network, part, (recipe, &train, &valid), observer).await?;
    // The job's own sets still hold windows, which go through all layers.
    Ok(FittedNetwork { part: Part::Whole, windowing, ..fitted })
}

/// Trains last layers on sets that hold a column of their inputs per window.
async fn fit_on_inputs(
    network: Network,
    part: Part,
    (recipe, train, valid): Sets<'_>,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    let windowing = Windowing::of_features(width_of(train));
    let recipe = &without_augmentation(recipe);
    fit_plan(network.train(), Plan { part, windowing, recipe, train, valid }, observer).await
}

async fn fit_plan(
    network: Network,
    plan: Plan<'_>,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    let Plan { part, windowing, .. } = plan;
    let Trained { network, epochs, diverged } = run(network, plan, observer).await?;
    Ok(FittedNetwork { network, epochs, diverged, part, windowing })
}

/// Values that were computed once are not spectrograms: masks and stretching have no meaning for them.
fn without_augmentation(recipe: &Recipe) -> Recipe {
    Recipe { augmentation: Augmentation::default(), ..recipe.clone() }
}

/// The head, standardising its inputs by the mean and deviation of the training songs' features.
fn standardising(network: Network, train: &LabelledSet, device: &Device) -> Network {
    let Network::Head(head) = network else { return network };
    let device = device.clone().autodiff();
    let (mean, deviation) = moments_of(train);
    let row = |values: Vec<f32>| Tensor::from_data(TensorData::new(values.clone(), [values.len()]), &device);
    Network::Head(head.standardising(row(mean), row(deviation)))
}
