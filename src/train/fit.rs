//! The training loop: epochs of steps, validation after each, the best epoch kept.

use burn::module::Module;
use burn::tensor::{Device, ExecutionError};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::average::Average;
use super::batch::{draw, epoch_order};
use super::metrics::{Metrics, metrics};
use super::recipe::{Recipe, RecipeError};
use super::set::LabelledSet;
use super::step::{optimiser, step};
use crate::model::predict::{argmax, predict, song_probabilities, windows_of};
use crate::model::registry::{Dropouts, Entry};
use crate::model::{Network, Shape};

/// Windows that validation runs at once.
const VALIDATION_BATCH: usize = 64;

/// One epoch in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// 1 for the first.
    pub epoch: usize,
    /// Mean loss of its steps, augmentation and penalty included.
    pub train_loss: f64,
    /// Mean negative log probability of the truth, over the validation songs.
    pub valid_loss: f64,
    /// Share of validation songs named rightly.
    pub valid_accuracy: f64,
    /// Mean recall of the validation classes.
    pub valid_balanced_accuracy: f64,
    /// True where it is the best so far.
    pub best: bool,
}

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
    fn pause(&mut self) -> impl Future<Output = ()> {
        async {}
    }
}

/// What a run leaves.
#[derive(Debug)]
pub struct Outcome {
    /// The network of the best epoch, for inference.
    pub network: Network,
    /// Every epoch.
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
    /// The device was lost.
    #[error("the engine failed during training ({0}); start again, or train on the CPU")]
    Device(#[from] ExecutionError),
}

/// Trains a fresh network of this architecture. The epoch of the highest validation accuracy is kept, of equals the
/// one with the lowest validation loss.
///
/// # Errors
///
/// [`FitError::Empty`] where either part has no songs, [`FitError::Recipe`] or [`FitError::Frames`] where a setting is
/// out of its range; [`FitError::Device`] where the device is lost.
pub async fn fit(
    entry: &Entry,
    shape: Shape,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    device: &Device,
    watcher: &mut impl Watcher,
) -> Result<Outcome, FitError> {
    check(train, "training")?;
    check(valid, "validation")?;
    recipe.check()?;
    if shape.frames < entry.min_frames {
        return Err(FitError::Frames { expected: entry.min_frames, found: shape.frames });
    }
    let training_device = device.clone().autodiff();
    training_device.seed(recipe.seed);
    let dropouts = Dropouts { convolution: recipe.dropout_convolution, dense: recipe.dropout_dense };
    let mut run = Run {
        network: entry.init_with(shape, dropouts, &training_device),
        optimiser: optimiser(recipe),
        average: (recipe.average_decay > 0.0).then(|| Average::new(recipe.average_decay)),
        rng: ChaCha8Rng::seed_from_u64(recipe.seed),
    };
    let mut best = run.judged();
    let mut epochs: Vec<EpochReport> = Vec::new();
    for epoch in 1..=recipe.epochs {
        let train_loss = run.epoch(epoch, recipe, shape, train, watcher).await?;
        let judged = run.judged();
        let (valid_loss, figures) = validate(&judged, shape, valid).await?;
        let mut report = EpochReport {
            epoch,
            train_loss,
            valid_loss,
            valid_accuracy: figures.accuracy,
            valid_balanced_accuracy: figures.balanced_accuracy,
            best: false,
        };
        report.best = epochs.iter().all(|earlier| better(&report, earlier));
        if report.best {
            best = judged;
        }
        watcher.epoch(&report);
        epochs.push(report);
        if watcher.stop() {
            break;
        }
    }
    Ok(Outcome { network: best, epochs })
}

fn check(set: &LabelledSet, part: &'static str) -> Result<(), FitError> {
    if set.songs.is_empty() { Err(FitError::Empty { part }) } else { Ok(()) }
}

fn better(report: &EpochReport, earlier: &EpochReport) -> bool {
    (report.valid_accuracy, -report.valid_loss) > (earlier.valid_accuracy, -earlier.valid_loss)
}

/// What changes from step to step.
struct Run {
    network: Network,
    optimiser: burn::optim::ModuleOptimizer,
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

    /// One time through the set; the mean loss of its steps.
    async fn epoch(
        &mut self,
        epoch: usize,
        recipe: &Recipe,
        shape: Shape,
        train: &LabelledSet,
        watcher: &mut impl Watcher,
    ) -> Result<f64, ExecutionError> {
        let order = epoch_order(train.songs.len(), recipe.windows_per_song, &mut self.rng);
        let batches: Vec<&[usize]> = order.chunks(recipe.batch.max(1)).collect();
        let (steps, before) = (recipe.epochs * batches.len(), (epoch - 1) * batches.len());
        let mut losses = Vec::with_capacity(batches.len());
        for (index, songs) in batches.into_iter().enumerate() {
            let (augmentation, smoothing) = (&recipe.augmentation, recipe.label_smoothing);
            let batch = draw(train, songs, shape, augmentation, smoothing, &mut self.rng);
            let rate = recipe.learning_rate_at(before + index, steps);
            let network = self.network.clone();
            let (network, loss) = step(network, &mut self.optimiser, &batch, rate, recipe.paper_penalty);
            self.network = network;
            if let Some(average) = &mut self.average {
                average.add(&self.network);
            }
            losses.push(loss);
            watcher.step(before + index + 1, steps);
            watcher.pause().await;
            if watcher.stop() {
                break;
            }
        }
        let count = losses.len() as f64;
        let mut sum = 0.0;
        for loss in losses {
            sum += loss.into_data_async().await?.iter::<f64>().sum::<f64>(); // waits for the device
        }
        Ok(sum / count)
    }
}

/// Mean negative log probability of the truth, and the figures, of a set at song level. Waits for the device.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn validate(network: &Network, shape: Shape, set: &LabelledSet) -> Result<(f64, Metrics), ExecutionError> {
    let answers = answers(network, shape, set).await?;
    let mut loss = 0.0;
    let mut pairs = Vec::with_capacity(answers.len());
    for (song, probabilities) in set.songs.iter().zip(&answers) {
        loss -= f64::from(probabilities[song.label].max(1e-7)).ln();
        pairs.push((song.label, argmax(probabilities)));
    }
    Ok((loss / set.songs.len().max(1) as f64, metrics(&set.labels, &pairs)))
}

/// Every song's probabilities. Windows of equal length of many songs go through together.
async fn answers(network: &Network, shape: Shape, set: &LabelledSet) -> Result<Vec<Vec<f32>>, ExecutionError> {
    let mut answers = Vec::with_capacity(set.songs.len());
    for song in &set.songs {
        let mut windows = Vec::new();
        // All segments of one length at a time: a batch is a rectangle.
        let places = windows_of(&song.segments, shape.frames);
        for places in places.chunk_by(|a, b| a.2 == b.2).flat_map(|equal| equal.chunks(VALIDATION_BATCH)) {
            windows.extend(predict(network, &song.segments, places).await?);
        }
        answers.push(song_probabilities(windows.iter().map(|window| window.probabilities.as_slice())));
    }
    Ok(answers)
}
