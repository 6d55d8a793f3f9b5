//! The training loop: epochs of steps, validation after each, the best epoch (or the last) kept.

use burn::module::Module;
use burn::tensor::{Device, ExecutionError, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::answers::{answers_of_song, validate};
use super::average::Average;
use super::batch::{draw, epoch_order};
use super::linear::moments;
use super::recipe::{Augmentation, Keep, Recipe, RecipeError};
use super::report::EpochReport;
use super::schedule::Rate;
use super::set::{LabelledSet, Leak, Song, check_apart};
use super::step::{Objective, optimiser, step};
use crate::dsp::Segment;
use crate::model::windows::Windowing;
use crate::model::{Blueprint, Build, Dropouts, Ensemble, Network, Part};

/// Who watches a run: natively a progress bar, in the browser a worker's messages.
pub trait Watcher {
    /// A step was made.
    fn step(&mut self, step: usize, steps: usize);
    /// An epoch is over.
    fn epoch(&mut self, report: &EpochReport);
    /// True to stop after this step and keep the best so far.
    fn stop(&self) -> bool {
        false
    }
    /// Hands control back between steps: in a browser nothing else runs until this returns.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], where the run is given up with all that it has learned.
    fn pause(&mut self) -> impl Future<Output = Result<(), Cancelled>> {
        async { Ok(()) }
    }
}

/// Watches nothing.
pub struct Unwatched;

impl Watcher for Unwatched {
    fn step(&mut self, _step: usize, _steps: usize) {}

    fn epoch(&mut self, _report: &EpochReport) {}
}

/// A run was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// What a run leaves.
#[derive(Debug)]
pub struct Outcome {
    /// The network of the best epoch, for inference.
    pub network: Network,
    /// Every epoch that was validated.
    pub epochs: Vec<EpochReport>,
}

/// A run that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// A part without songs.
    #[error("the {part} part has no songs; training needs songs to learn from and others to be judged by")]
    Empty {
        /// `training` or `validation`.
        part: &'static str,
    },
    /// A setting out of its range.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Windows that the network cannot hear.
    #[error("windows of {found} frames are too short for this network; expected {expected} or more")]
    Frames {
        /// The fewest.
        expected: usize,
        /// Those asked for.
        found: usize,
    },
    /// A song or a group on both sides.
    #[error(transparent)]
    Leak(#[from] Leak),
    /// The device was lost.
    #[error("the engine failed during training ({0}); start again, or train on the CPU")]
    Device(#[from] ExecutionError),
    /// Given up, as asked.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Trains a fresh network, or one after the other where it has several members. What is kept of every member, the recipe
/// says: the last epoch, or the best: that of the highest validation accuracy (or area under the curve), of equals the
/// one with the lowest validation loss.
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
    watcher: &mut impl Watcher,
) -> Result<Outcome, FitError> {
    let frames = blueprint.build.shape.frames;
    if frames < blueprint.entry.min_frames {
        return Err(FitError::Frames { expected: blueprint.entry.min_frames, found: frames });
    }
    check(recipe, train, valid)?;
    let (mut members, mut epochs) = (Vec::new(), Vec::new());
    for member in 0..blueprint.build.structure.members {
        let recipe = recipe.of_member(member);
        let network = fresh(blueprint, &recipe, &device.clone().autodiff());
        let windowing = blueprint.windowing();
        let outcome = fit_network(network, Part::Whole, &windowing, &recipe, train, valid, watcher).await?;
        members.push(outcome.network);
        epochs.extend(outcome.epochs);
        if watcher.stop() {
            break;
        }
    }
    let network = if members.len() == 1 { members.remove(0) } else { Network::Ensemble(Ensemble::new(members)) };
    Ok(Outcome { network, epochs })
}

/// Trains the head of a network that is there already and leaves the rest of it as it is: the features of every window
/// are computed once, so that an epoch takes next to no time. No augmentation.
///
/// # Errors
///
/// As [`fit`].
pub async fn fit_head(
    network: Network,
    windowing: &Windowing,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    watcher: &mut impl Watcher,
) -> Result<Outcome, FitError> {
    let recipe = &Recipe { augmentation: Augmentation::default(), ..recipe.clone() };
    check(recipe, train, valid)?;
    let judged = network.valid();
    let train = features_of(&judged, windowing, train, watcher).await?;
    let valid = features_of(&judged, windowing, valid, watcher).await?;
    let features = train.songs.iter().flat_map(|song| &song.segments).map(|segment| segment.bands).next().unwrap_or(0);
    device_of_training(&network).seed(recipe.seed);
    let windowing = Windowing::of_features(features);
    fit_network(network.train(), Part::Head, &windowing, recipe, &train, &valid, watcher).await
}

/// Trains a fresh head on features that were computed before: every song has one segment of them, a column a window
/// ([`feature_segment`]). They are standardised as those of the songs to learn from are. No augmentation.
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
    watcher: &mut impl Watcher,
) -> Result<Outcome, FitError> {
    let recipe = &Recipe { augmentation: Augmentation::default(), ..recipe.clone() };
    check(recipe, train, valid)?;
    let device = device.clone().autodiff();
    let mut network = fresh(blueprint, recipe, &device);
    if let Network::Head(head) = network {
        let (mean, deviation) = moments_of(train);
        let row = |values: Vec<f32>| Tensor::from_data(TensorData::new(values.clone(), [values.len()]), &device);
        network = Network::Head(head.standardising(row(mean), row(deviation)));
    }
    let windowing = Windowing::of_features(blueprint.build.shape.bands);
    fit_network(network, Part::Whole, &windowing, recipe, train, valid, watcher).await
}

/// Mean and deviation of every feature over the songs, each counting alike.
fn moments_of(set: &LabelledSet) -> (Vec<f32>, Vec<f32>) {
    let segments = || set.songs.iter().flat_map(|song| &song.segments);
    let rows: Vec<&[f32]> = segments().flat_map(|segment| segment.values.chunks_exact(segment.bands)).collect();
    let weights: Vec<f64> =
        segments().flat_map(|segment| vec![1.0 / segment.columns as f64; segment.columns]).collect();
    let (mean, deviation) = moments(&rows, &weights);
    let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
    (narrow(mean), narrow(deviation))
}

/// A network with fresh weights, ready to learn.
fn fresh(blueprint: &Blueprint, recipe: &Recipe, device: &Device) -> Network {
    device.seed(recipe.seed);
    let dropouts = Dropouts { convolution: recipe.dropout_convolution, dense: recipe.dropout_dense };
    (blueprint.entry.init)(&Build { dropouts, ..blueprint.build }, device)
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
    watcher: &mut impl Watcher,
) -> Result<Outcome, FitError> {
    check(recipe, train, valid)?;
    device_of_training(&network).seed(recipe.seed);
    fit_network(network.train(), Part::Whole, windowing, recipe, train, valid, watcher).await
}

fn device_of_training(network: &Network) -> Device {
    network.device().autodiff()
}

/// The same songs with the features of their windows in place of their segments: a column a window.
async fn features_of(
    network: &Network,
    windowing: &Windowing,
    set: &LabelledSet,
    watcher: &mut impl Watcher,
) -> Result<LabelledSet, FitError> {
    let mut songs = Vec::with_capacity(set.songs.len());
    for song in &set.songs {
        let answers = answers_of_song(network, Part::Whole, windowing, &song.segments, watcher).await?;
        let rows: Vec<Vec<f32>> = answers.into_iter().map(|answer| answer.features).collect();
        songs.push(Song { segments: vec![feature_segment(&rows)], ..song.clone() });
    }
    Ok(LabelledSet { songs, ..set.clone() })
}

/// Rows of features as a segment: a column a window.
pub fn feature_segment(rows: &[Vec<f32>]) -> Segment {
    let bands = rows.first().map_or(0, Vec::len);
    Segment { start_seconds: 0.0, columns: rows.len(), bands, values: rows.concat() }
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

/// Trains a network, or a part of it, from where it is.
async fn fit_network(
    network: Network,
    part: Part,
    windowing: &Windowing,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    watcher: &mut impl Watcher,
) -> Result<Outcome, FitError> {
    let objective = Objective { part, many_labels: train.many_labels, paper_penalty: recipe.paper_penalty };
    let mut run = Run {
        network,
        objective,
        optimiser: optimiser(recipe),
        rate: Rate::new(recipe),
        average: (recipe.average_decay > 0.0).then(|| Average::new(recipe.average_decay)),
        rng: ChaCha8Rng::seed_from_u64(recipe.seed),
    };
    let mut kept = run.judged();
    let mut epochs: Vec<EpochReport> = Vec::new();
    let mut step_losses = Vec::new();
    for epoch in 1..=recipe.epochs {
        let losses = run.epoch(epoch, recipe, windowing, train, watcher).await?;
        let train_loss = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len().max(1) as f64;
        step_losses.extend(losses);
        let judged_now = epoch % recipe.validate_every == 0 || epoch == recipe.epochs || watcher.stop();
        if !judged_now {
            continue;
        }
        let judged = run.judged();
        let (valid_loss, measured) = validate(&judged, part, windowing, valid, watcher).await?;
        let (step_losses, valid) = (std::mem::take(&mut step_losses), measured.scores());
        let mut report = EpochReport { epoch, train_loss, step_losses, valid_loss, valid, best: false };
        report.best = epochs.iter().all(|earlier| better(&report, earlier));
        if report.best || recipe.keep == Keep::Last {
            kept = judged;
        }
        run.rate.epoch_over(train_loss, report.valid.first());
        watcher.epoch(&report);
        epochs.push(report);
        if watcher.stop() {
            break;
        }
    }
    Ok(Outcome { network: kept, epochs })
}

fn better(report: &EpochReport, earlier: &EpochReport) -> bool {
    (report.valid.first(), -report.valid_loss) > (earlier.valid.first(), -earlier.valid_loss)
}

/// What changes from step to step.
struct Run {
    network: Network,
    objective: Objective,
    optimiser: burn::optim::ModuleOptimizer,
    rate: Rate,
    average: Option<Average>,
    rng: ChaCha8Rng,
}

impl Run {
    /// The network to be validated and kept: the average where there is one, without dropout and gradients.
    fn judged(&self) -> Network {
        let network = self.network.valid();
        match &self.average {
            Some(average) => average.apply(network),
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
        watcher: &mut impl Watcher,
    ) -> Result<Vec<f32>, FitError> {
        let order = epoch_order(train, recipe.windows_per_song, recipe.balanced, &mut self.rng);
        let batches: Vec<&[usize]> = order.chunks(recipe.batch.max(1)).collect();
        let (steps, before) = (recipe.epochs * batches.len(), (epoch - 1) * batches.len());
        let mut losses = Vec::with_capacity(batches.len());
        for (index, songs) in batches.into_iter().enumerate() {
            let (augmentation, smoothing) = (&recipe.augmentation, recipe.label_smoothing);
            let batch = draw(train, songs, windowing, augmentation, smoothing, &mut self.rng);
            let rate = self.rate.at(before + index, steps);
            let network = self.network.clone();
            let (network, loss) = step(network, &mut self.optimiser, &batch, rate, self.objective);
            self.network = network;
            if let Some(average) = &mut self.average {
                average.add(&self.network);
            }
            losses.push(loss);
            watcher.step(before + index + 1, steps);
            watcher.pause().await?;
            if watcher.stop() {
                break;
            }
        }
        let mut read = Vec::with_capacity(losses.len());
        for loss in losses {
            read.extend(loss.into_data_async().await?.iter::<f32>()); // waits for the device
        }
        Ok(read)
    }
}
