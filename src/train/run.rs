//! The training loop: epochs of steps, validation every few of them, the best epoch (or the last) kept.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{ExecutionError, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::batch::{draw, epoch_order};
use super::checkpoint::{Checkpoint, CheckpointError};
use super::ema::Ema;
use super::observer::{Diverged, FitError, TrainObserver};
use super::predict::validate;
use super::schedule::LearningRate;
use super::step::{Objective, optimiser, step};
use crate::dataset::labelled_set::LabelledSet;
use crate::eval::report::EpochReport;
use crate::model::dropout::seed_masks;
use crate::model::windows::Windowing;
use crate::model::{Network, Part};
use crate::recipe::{Keep, Recipe};

/// What a run trains a network on, and how.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    /// The layers that the sets hold the inputs of.
    pub part: Part,
    pub windowing: Windowing,
    pub recipe: &'a Recipe,
    pub train: &'a LabelledSet,
    pub valid: &'a LabelledSet,
}

/// What a run leaves.
pub(super) struct Trained {
    /// The network of the epoch that is kept.
    pub network: Network,
    /// The reports of all validated epochs.
    pub epochs: Vec<EpochReport>,
    /// Why the run ended early, if it diverged.
    pub diverged: Option<Diverged>,
}

/// Trains a network from where it is, or from where the observer's checkpoint has it.
pub(super) async fn run(
    network: Network,
    plan: Plan<'_>,
    observer: &mut impl TrainObserver,
) -> Result<Trained, FitError> {
    let recipe = plan.recipe;
    let mut run = Run::begin(network, plan, observer)?;
    let mut diverged = None;
    for epoch in run.at.epoch + 1..=recipe.epochs {
        let losses = run.epoch(epoch, observer).await?;
        diverged = run.divergence(&losses).await?;
        if diverged.is_some() {
            break;
        }
        run.train_loss = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len().max(1) as f64;
        run.losses.extend(losses);
        run.at.epoch = epoch;
        let validates = epoch % recipe.validate_every == 0 || epoch == recipe.epochs || observer.stop();
        if !validates {
            continue;
        }
        diverged = run.validate(observer).await?;
        if diverged.is_some() || observer.stop() || run.is_patience_over(recipe.patience) {
            break;
        }
        if epoch < recipe.epochs && observer.wants_checkpoint() {
            observer.checkpoint(epoch, run.at.to_bytes().await?);
        }
    }
    if let Some(diverged) = diverged
        && diverged.kept.is_none()
    {
        return Err(diverged.into());
    }
    // A run that is stopped by hand or diverges is promised to keep its best epoch, whatever the recipe keeps.
    let keeps_last = recipe.keep == Keep::Last && !observer.stop() && diverged.is_none();
    let network = if keeps_last { run.current() } else { run.at.best };
    Ok(Trained { network, epochs: run.at.epochs, diverged })
}

fn better(report: &EpochReport, earlier: &EpochReport) -> bool {
    (report.valid.first(), -report.valid_loss) > (earlier.valid.first(), -earlier.valid_loss)
}

/// A run, and where it is.
struct Run<'a> {
    plan: Plan<'a>,
    at: Checkpoint,
    objective: Objective,
    rate: LearningRate,
    /// The losses of the steps since the last validation.
    losses: Vec<f32>,
    /// The mean loss over the steps of the last epoch.
    train_loss: f64,
}

impl<'a> Run<'a> {
    /// A run at its beginning, or where the observer's checkpoint has it.
    fn begin(network: Network, plan: Plan<'a>, observer: &mut impl TrainObserver) -> Result<Self, CheckpointError> {
        let Plan { part, recipe, train, .. } = plan;
        let objective = Objective { part, multi_label: train.multi_label, paper_penalty: recipe.paper_penalty };
        let (optimiser, rng) = (optimiser(recipe), ChaCha8Rng::seed_from_u64(recipe.seed));
        let mut rate = LearningRate::new(recipe);
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
        // The schedule's state follows from the reports, so no checkpoint stores it.
        at.epochs.iter().for_each(|report| rate.epoch_over(report.train_loss, report.valid.first()));
        Ok(Self { plan, at, objective, rate, losses: Vec::new(), train_loss: 0.0 })
    }

    /// Validates the network as it is now, and remembers it if it is the best so far; what diverged, if its predictions
    /// are NaN.
    async fn validate(&mut self, observer: &mut impl TrainObserver) -> Result<Option<Diverged>, FitError> {
        let evaluated = self.current();
        let Plan { part, windowing, valid, .. } = self.plan;
        let (valid_loss, metrics) = validate(&evaluated, part, &windowing, valid, observer).await?;
        if !valid_loss.is_finite() {
            return Ok(Some(self.diverged("the validation loss", self.at.epoch)));
        }
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
        Ok(None)
    }

    /// What diverged in the epoch after the last one that is over, which had these losses.
    async fn divergence(&self, losses: &[f32]) -> Result<Option<Diverged>, ExecutionError> {
        let what = match losses.iter().all(|loss| loss.is_finite()) {
            false => "the loss",
            // The last step's loss is of the weights before it.
            true if !is_finite(&self.current()).await? => "the weights",
            true => return Ok(None),
        };
        Ok(Some(self.diverged(what, self.at.epoch + 1)))
    }

    fn diverged(&self, what: &'static str, epoch: usize) -> Diverged {
        let kept = self.at.epochs.iter().rfind(|report| report.best).map(|report| report.epoch);
        Diverged { what, epoch, kept, learning_rate: self.plan.recipe.learning_rate }
    }

    /// True after so many validated epochs in a row without a new best one.
    fn is_patience_over(&self, patience: usize) -> bool {
        let since_best = self.at.epochs.iter().rev().take_while(|report| !report.best).count();
        patience > 0 && since_best >= patience
    }

    /// The network to validate and keep, without dropout and gradients: the averaged weights if the recipe has them.
    fn current(&self) -> Network {
        let network = self.at.network.valid();
        match &self.at.ema {
            Some(ema) => ema.apply(network),
            None => network,
        }
    }

    /// One pass over the training split, which ends with a step whose loss is NaN or infinite; the losses of its steps.
    async fn epoch(&mut self, epoch: usize, observer: &mut impl TrainObserver) -> Result<Vec<f32>, FitError> {
        let Plan { windowing, recipe, train, .. } = self.plan;
        seed_masks(recipe.seed, epoch);
        let at = &mut self.at;
        let order = epoch_order(train, recipe, &mut at.rng);
        let batches: Vec<&[usize]> = order.chunks(recipe.batch.max(1)).collect();
        let (steps, before) = (recipe.epochs * batches.len(), (epoch - 1) * batches.len());
        let (mut losses, mut last) = (Vec::with_capacity(batches.len()), None);
        for (index, songs) in batches.into_iter().enumerate() {
            let (augmentation, smoothing) = (&recipe.augmentation, recipe.label_smoothing);
            let batch = draw(train, songs, &windowing, augmentation, smoothing, &mut at.rng);
            let rate = self.rate.at(before + index, steps);
            let (network, loss) = step(at.network.clone(), &mut at.optimiser, &batch, rate, self.objective);
            at.network = network;
            if let Some(ema) = &mut at.ema {
                ema.add(&at.network);
            }
            // Reading the previous loss waits for the previous step: the device is never more than one step behind, so
            // a cancel waits for no more than that.
            if let Some(before) = last.replace(loss) {
                losses.push(read(before).await?);
            }
            if losses.last().is_some_and(|loss| !loss.is_finite()) {
                break;
            }
            observer.step(before + index + 1, steps);
            observer.pause().await?;
            if observer.stop() {
                break;
            }
        }
        if let Some(loss) = last {
            losses.push(read(loss).await?);
        }
        Ok(losses)
    }
}

/// The value of a loss. Waits for the device.
async fn read(loss: Tensor<1>) -> Result<f32, ExecutionError> {
    // A loss has one value; a device that gives none has failed, which NaN says too.
    Ok(loss.into_data_async().await?.iter::<f32>().next().unwrap_or(f32::NAN))
}

/// True if no value of a network is NaN or infinite. Waits for the device.
async fn is_finite(network: &Network) -> Result<bool, ExecutionError> {
    let mut sums = Sums::default();
    network.visit(&mut sums);
    let sums = Tensor::cat(sums.0, 0).into_data_async().await?;
    Ok(sums.iter::<f32>().all(f32::is_finite))
}

/// The sum of every tensor's absolute values: NaN and infinity stay in it, so that one value a tensor is read and not all.
#[derive(Default)]
struct Sums(Vec<Tensor<1>>);

impl ModuleVisitor for Sums {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().abs().sum());
    }
}
