//! The training loop: epochs of steps, validation after each, the best epoch (or the last) kept.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, ExecutionError, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::batch::{draw, epoch_order};
use super::checkpoint::{Checkpoint, CheckpointError};
use super::ema::Ema;
use super::embeddings::{inputs_of, moments_of, width_of};
use super::observer::{FitError, TrainObserver};
use super::predict::validate;
use super::schedule::Rate;
use super::step::{Objective, optimiser, step};
use crate::card::Structure;
use crate::dataset::labelled_set::{LabelledSet, check_apart};
use crate::eval::report::EpochReport;
use crate::model::dropout::seed_masks;
use crate::model::windows::Windowing;
use crate::model::{Blueprint, Build, Dropouts, Ensemble, Network, Part};
use crate::recipe::{Augmentation, Keep, Recipe};

/// What a run leaves.
#[derive(Debug)]
pub struct FittedNetwork {
    /// The network of the epoch that is kept, for inference.
    pub network: Network,
    /// Every epoch that was validated.
    pub epochs: Vec<EpochReport>,
}

/// Trains a fresh network, or one after the other where it has several members. What is kept of every member, the recipe
/// says: the last epoch, or the best: that of the highest validation accuracy (or area under the curve), of equals the
/// one with the lowest validation loss. Of a run that its watcher stops, it is the best.
///
/// The sets' segments are prepared for this network ([`Windowing::prepare`]).
///
/// # Errors
///
/// [`FitError::Empty`] where either part has no songs, [`FitError::Leak`] where a song or a group is in both,
/// [`FitError::Recipe`] or [`FitError::Frames`] where a setting is out of its range; [`FitError::Device`] where the
/// device is lost.
pub async fn fit(
    blueprint: &Blueprint,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    device: &Device,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    let frames = blueprint.build.shape.frames;
    if frames < blueprint.entry.min_frames {
        return Err(FitError::Frames { expected: blueprint.entry.min_frames, found: frames });
    }
    check(recipe, train, valid)?;
    let (mut members, mut epochs) = (Vec::new(), Vec::new());
    let structure = Structure { members: 1, ..blueprint.build.structure };
    let single = Blueprint { build: Build { structure, ..blueprint.build }, ..blueprint.clone() };
    for member in 0..blueprint.build.structure.members {
        let recipe = recipe.of_member(member);
        let network = fresh(&single, &recipe, device);
        let windowing = blueprint.windowing();
        let fitted = fit_network(network, Part::Whole, &windowing, &recipe, train, valid, observer).await?;
        members.push(fitted.network);
        epochs.extend(fitted.epochs);
        if observer.stop() {
            break;
        }
    }
    let network = if members.len() == 1 { members.remove(0) } else { Network::Ensemble(Ensemble::new(members)) };
    Ok(FittedNetwork { network, epochs })
}

/// Trains the last layers of a network that is there already and leaves the rest of it as it is: what a window is to them
/// is computed once, so that an epoch takes next to no time. No augmentation.
///
/// # Errors
///
/// As [`fit`].
pub async fn fit_part(
    network: Network,
    part: Part,
    windowing: &Windowing,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    // Before anything is computed.
    check(recipe, train, valid)?;
    let evaluated = network.valid();
    let train = inputs_of(&evaluated, part, windowing, train, observer).await?;
    let valid = inputs_of(&evaluated, part, windowing, valid, observer).await?;
    fit_on_inputs(network, part, recipe, &train, &valid, observer).await
}

/// As [`fit_part`], on what the windows are to those layers, computed before: every song has one segment of it, a column a
/// window ([`feature_segment`](super::embeddings::feature_segment)).
///
/// # Errors
///
/// As [`fit`].
pub async fn fit_on_inputs(
    network: Network,
    part: Part,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    let recipe = &Recipe { augmentation: Augmentation::default(), ..recipe.clone() };
    check(recipe, train, valid)?;
    let windowing = Windowing::of_features(width_of(train));
    fit_network(network.train(), part, &windowing, recipe, train, valid, observer).await
}

/// Trains a fresh head on features that were computed before: every song has one segment of them, a column a window
/// ([`feature_segment`](super::embeddings::feature_segment)). They are standardised as those of the songs to learn from are. No augmentation.
///
/// # Errors
///
/// As [`fit`].
pub async fn fit_on_features(
    blueprint: &Blueprint,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    device: &Device,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    let recipe = &Recipe { augmentation: Augmentation::default(), ..recipe.clone() };
    check(recipe, train, valid)?;
    let mut network = fresh(blueprint, recipe, device);
    let device = device.clone().autodiff();
    if let Network::Head(head) = network {
        let (mean, deviation) = moments_of(train);
        let row = |values: Vec<f32>| Tensor::from_data(TensorData::new(values.clone(), [values.len()]), &device);
        network = Network::Head(head.standardising(row(mean), row(deviation)));
    }
    let windowing = Windowing::of_features(blueprint.build.shape.bands);
    fit_network(network, Part::Whole, &windowing, recipe, train, valid, observer).await
}

/// A network with fresh weights on a device, ready to learn. They are drawn on the CPU, and at once, so that the same seed
/// gives the same on every engine.
pub fn fresh(blueprint: &Blueprint, recipe: &Recipe, device: &Device) -> Network {
    let drawing = Device::flex();
    drawing.seed(recipe.seed);
    let dropouts = Dropouts { convolution: recipe.dropout_convolution, dense: recipe.dropout_dense };
    let build = Build { dropouts, ..blueprint.build };
    Blueprint { build, ..blueprint.clone() }.init(&drawing).map(&mut Draw).to_device(device).train()
}

/// Draws every weight at once. Burn draws a weight when it is first asked for, on whatever device it is then meant for.
struct Draw;

impl ModuleMapper for Draw {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|drawn| drawn)
    }
}

/// Trains all of a network that is there already, from where it is.
///
/// # Errors
///
/// As [`fit`].
pub async fn fit_from(
    network: Network,
    windowing: &Windowing,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    check(recipe, train, valid)?;
    fit_network(network.train(), Part::Whole, windowing, recipe, train, valid, observer).await
}

fn check(recipe: &Recipe, train: &LabelledSet, valid: &LabelledSet) -> Result<(), FitError> {
    for (set, part) in [(train, "training"), (valid, "validation")] {
        if set.songs.is_empty() {
            return Err(FitError::Empty { part });
        }
    }
    recipe.check()?;
    Ok(check_apart(train, valid)?)
}

/// Trains a network, or a part of it, from where it is, or from where the watcher's checkpoint has it.
async fn fit_network(
    network: Network,
    part: Part,
    windowing: &Windowing,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<FittedNetwork, FitError> {
    let objective = Objective { part, multi_label: train.multi_label, paper_penalty: recipe.paper_penalty };
    let mut run = Run::begin(network, objective, recipe, observer)?;
    for epoch in run.at.epoch + 1..=recipe.epochs {
        let losses = run.epoch(epoch, recipe, windowing, train, observer).await?;
        run.train_loss = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len().max(1) as f64;
        run.losses.extend(losses);
        run.at.epoch = epoch;
        let validates = epoch % recipe.validate_every == 0 || epoch == recipe.epochs || observer.stop();
        if !validates {
            continue;
        }
        run.validate(windowing, valid, observer).await?;
        if observer.stop() || run.is_patience_over(recipe.patience) {
            break;
        }
        // One with a loss that is no number could not be read again: the one before stays.
        let readable = || run.at.epochs.iter().all(EpochReport::is_finite);
        if epoch < recipe.epochs && observer.wants_checkpoint() && readable() {
            observer.checkpoint(epoch, run.at.to_bytes().await?);
        }
    }
    // Who stops a run is promised its best, whatever the recipe keeps.
    let network = if recipe.keep == Keep::Last && !observer.stop() { run.current() } else { run.at.best };
    Ok(FittedNetwork { network, epochs: run.at.epochs })
}

fn better(report: &EpochReport, earlier: &EpochReport) -> bool {
    (report.valid.first(), -report.valid_loss) > (earlier.valid.first(), -earlier.valid_loss)
}

/// A run, and where it is.
struct Run {
    at: Checkpoint,
    objective: Objective,
    rate: Rate,
    /// Of the steps since the last validation.
    losses: Vec<f32>,
    /// The mean over the steps of the last epoch.
    train_loss: f64,
}

impl Run {
    /// A run at its beginning, or where the watcher's checkpoint has it.
    fn begin(
        network: Network,
        objective: Objective,
        recipe: &Recipe,
        observer: &mut impl TrainObserver,
    ) -> Result<Self, CheckpointError> {
        let (optimiser, rng) = (optimiser(recipe), ChaCha8Rng::seed_from_u64(recipe.seed));
        let mut rate = Rate::new(recipe);
        let at = match observer.resume() {
            Some(bytes) => Checkpoint::open(&bytes, network, optimiser, rng, recipe.average_decay)?,
            None => Checkpoint {
                best: network.valid(),
                network,
                ema: (recipe.average_decay > 0.0).then(|| Ema::new(recipe.average_decay)),
                optimiser,
                rng,
                epochs: Vec::new(),
                epoch: 0,
            },
        };
        at.epochs.iter().for_each(|report| rate.epoch_over(report.train_loss, report.valid.first()));
        Ok(Self { at, objective, rate, losses: Vec::new(), train_loss: 0.0 })
    }

    /// Validates the network as it is now, and remembers it where it is the best so far.
    async fn validate(
        &mut self,
        windowing: &Windowing,
        valid: &LabelledSet,
        observer: &mut impl TrainObserver,
    ) -> Result<(), FitError> {
        let evaluated = self.current();
        let (valid_loss, metrics) = validate(&evaluated, self.objective.part, windowing, valid, observer).await?;
        let (epoch, valid) = (self.at.epoch, metrics.scores());
        let (train_loss, step_losses) = (self.train_loss, std::mem::take(&mut self.losses));
        let mut report = EpochReport { epoch, train_loss, step_losses, valid_loss, valid, best: false };
        report.best = self.at.epochs.iter().all(|earlier| better(&report, earlier));
        if report.best {
            self.at.best = evaluated;
        }
        self.rate.epoch_over(train_loss, report.valid.first());
        observer.epoch(&report);
        self.at.epochs.push(report);
        Ok(())
    }

    /// True after so many validated epochs in a row without a better one than before.
    fn is_patience_over(&self, patience: usize) -> bool {
        let since_best = self.at.epochs.iter().rev().take_while(|report| !report.best).count();
        patience > 0 && since_best >= patience
    }

    /// The network to be validated and kept: the average where there is one, without dropout and gradients.
    fn current(&self) -> Network {
        let network = self.at.network.valid();
        match &self.at.ema {
            Some(ema) => ema.apply(network),
            None => network,
        }
    }

    /// One time through the set; the losses of its steps.
    async fn epoch(
        &mut self,
        epoch: usize,
        recipe: &Recipe,
        windowing: &Windowing,
        train: &LabelledSet,
        observer: &mut impl TrainObserver,
    ) -> Result<Vec<f32>, FitError> {
        seed_masks(recipe.seed, epoch);
        let run = &mut self.at;
        let order = epoch_order(train, recipe, &mut run.rng);
        let batches: Vec<&[usize]> = order.chunks(recipe.batch.max(1)).collect();
        let (steps, before) = (recipe.epochs * batches.len(), (epoch - 1) * batches.len());
        let (mut losses, mut last) = (Vec::with_capacity(batches.len()), None);
        for (index, songs) in batches.into_iter().enumerate() {
            let (augmentation, smoothing) = (&recipe.augmentation, recipe.label_smoothing);
            let batch = draw(train, songs, windowing, augmentation, smoothing, &mut run.rng);
            let rate = self.rate.at(before + index, steps);
            let (network, loss) = step(run.network.clone(), &mut run.optimiser, &batch, rate, self.objective);
            run.network = network;
            if let Some(ema) = &mut run.ema {
                ema.add(&run.network);
            }
            // The device is never more than a step behind, so that a cancel waits for no more than that.
            if let Some(before) = last.replace(loss) {
                losses.extend(read(before).await?);
            }
            observer.step(before + index + 1, steps);
            observer.pause().await?;
            if observer.stop() {
                break;
            }
        }
        if let Some(loss) = last {
            losses.extend(read(loss).await?);
        }
        Ok(losses)
    }
}

/// The value of a loss. Waits for the device.
async fn read(loss: Tensor<1>) -> Result<Vec<f32>, ExecutionError> {
    Ok(loss.into_data_async().await?.iter::<f32>().collect())
}
