//! `genrelens train`.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::curves::CurvesOutput;
use super::data::Folder;
use super::left_out::LeftOut;
use super::output::{NetworkOutput, warn};
use super::pretrained::{PretrainedArguments, start};
use super::recipe_file::RecipeFile;
use super::{CliError, device, heads};
use crate::card::Card;
use crate::dataset::labelled_set::check_apart;
use crate::eval::evaluation::{Evaluation, rounded};
use crate::eval::report::{EpochReport, Scores};
use crate::model::registry;
use crate::train::fit::{FitJob, fit};
use crate::train::observer::TrainObserver;

#[derive(Args)]
pub(super) struct Arguments {
    /// Recipe file; `recipes/` has those of the shipped networks
    #[arg(long, required_unless_present = "model")]
    recipe: Option<PathBuf>,
    /// Network to train as its paper does; `inspect --all` lists them
    #[arg(long, conflicts_with = "recipe")]
    model: Option<String>,
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    pretrained: PretrainedArguments,
    /// Weights file to write, with its card beside it
    #[arg(long)]
    out: PathBuf,
    /// Folder for the curves: a table (.csv) and a picture (.svg)
    #[arg(long)]
    curves: Option<PathBuf>,
    /// Front end, instead of the paper's
    #[arg(long, conflicts_with = "recipe")]
    front_end: Option<String>,
    /// Splits to train on, joined by a plus, instead of the recipe's
    #[arg(long)]
    split_train: Option<String>,
    /// Splits to validate on, joined by a plus, instead of the recipe's
    #[arg(long)]
    split_valid: Option<String>,
    /// Folder of the networks that a head uses as backbones
    #[arg(long, alias = "bases", default_value = "model-weights")]
    backbones: PathBuf,
    /// Seed, instead of the recipe's
    #[arg(long)]
    seed: Option<u64>,
    /// Number of epochs, instead of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    /// End at the first recording that cannot be read, instead of leaving it out
    #[arg(long)]
    strict: bool,
}

impl Arguments {
    fn recipe_file(&self) -> Result<RecipeFile, CliError> {
        let mut file = match (&self.recipe, &self.model) {
            (Some(path), _) => RecipeFile::read(path)?,
            (None, model) => {
                let id = model.as_deref().unwrap_or_default();
                let entry = registry::entry(id).map_err(|error| CliError::Usage(error.to_string()))?;
                RecipeFile::documented(entry, &self.folder, self.front_end.as_deref())?
            }
        };
        for (split, own) in [(&mut file.train, &self.split_train), (&mut file.valid, &self.split_valid)] {
            if let Some(own) = own {
                own.clone_into(split);
            }
        }
        file.training.seed = self.seed.unwrap_or(file.training.seed);
        file.training.epochs = self.epochs.unwrap_or(file.training.epochs);
        file.training.check().map_err(|error| CliError::Usage(error.to_string()))?;
        Ok(file)
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut file = arguments.recipe_file()?;
    let weights = arguments.pretrained.weights(&mut file)?;
    let output = NetworkOutput::plan(&arguments.out)?;
    let mut left_out = LeftOut::new(arguments.strict);
    if let Some(recipe) = &file.head {
        return heads::train(&file, recipe, &arguments.folder, &arguments.backbones, &output, &mut left_out);
    }
    let curves = arguments.curves.as_ref().map(|folder| CurvesOutput::plan(folder, &file.name)).transpose()?;
    let (labels, multi_label) = arguments.folder.labels()?;
    let card = file.card(labels, multi_label)?;
    let blueprint = card.blueprint().map_err(|error| CliError::Usage(error.to_string()))?;
    let input_spec = blueprint.input_spec();
    let failed = |error: &dyn std::fmt::Display| CliError::Usage(error.to_string());
    // Before any recording is read, which may take hours; the training checks it once more.
    let (listed, for_valid) = (arguments.folder.listed(&file.train)?, arguments.folder.listed(&file.valid)?);
    check_apart(&listed, &for_valid).map_err(|error| failed(&error))?;
    let train = arguments.folder.songs(&file.train, &input_spec, &mut left_out)?;
    let valid = arguments.folder.songs(&file.valid, &input_spec, &mut left_out)?;
    left_out.report()?;
    eprintln!("{} training songs, {} validation songs", train.songs.len(), valid.songs.len());
    let mut observer = Terminal::new();
    let start = start(&blueprint, weights.as_ref());
    let job = FitJob { start, recipe: &file.training, train: &train, valid: &valid, device: &device() };
    let fitted = pollster::block_on(fit(job, &mut observer)).map_err(|error| failed(&error))?;
    observer.bar.finish_and_clear();
    if let Some(diverged) = fitted.diverged {
        warn(&diverged.to_string());
    }
    let seconds_per_epoch = observer.seconds_per_epoch(file.training.epochs);
    let predictions = pollster::block_on(fitted.predict(&valid, &mut observer)).map_err(|error| failed(&error))?;
    // As planned: with early stopping fewer may have run.
    let epochs = file.training.epochs * file.structure.members;
    let figures = Evaluation::of(&valid, &predictions).figures("valid");
    let run = [("epochs", epochs as f64), ("seconds_per_epoch", seconds_per_epoch)];
    let run = run.map(|(name, figure)| (name.to_owned(), rounded(figure)));
    // The card's recipe is the whole file, so that anybody can repeat the training.
    let card = Card { figures: figures.into_iter().chain(run).chain(left_out.figure()).collect(), ..card };
    let recipe = toml::to_string(&file).map_err(|error| failed(&error))?;
    output.save(&Card { recipe, ..card }, &fitted.network, file.precision())?;
    curves.map_or(Ok(()), |curves| curves.save(&fitted.epochs))
}

/// A progress bar of steps, with a line for every epoch.
struct Terminal {
    bar: ProgressBar,
    started: Instant,
    /// The beginning of the current step.
    since: Instant,
    /// The duration of every step, in seconds.
    steps: Vec<f64>,
}

impl Terminal {
    fn new() -> Self {
        let bar = ProgressBar::new(1);
        // The template is constant and valid.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} step {pos}/{len}, {eta} left") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, started: now, since: now, steps: Vec::new() }
    }

    /// The time of an epoch's steps if each took the median time, without the validation after the epoch. The median
    /// leaves out the steps that other programs slowed down.
    fn seconds_per_epoch(&self, epochs: usize) -> f64 {
        let mut sorted = self.steps.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        median * self.bar.length().unwrap_or_default() as f64 / epochs.max(1) as f64
    }
}

impl TrainObserver for Terminal {
    fn step(&mut self, step: usize, steps: usize) {
        self.bar.set_length(steps as u64);
        self.bar.set_position(step as u64);
        self.steps.push(self.since.elapsed().as_secs_f64());
        self.since = Instant::now();
    }

    fn epoch(&mut self, report: &EpochReport) {
        let (names, [first, second]) = match report.valid {
            Scores::Classes { accuracy, balanced_accuracy } => {
                (["accuracy", "balanced"], [accuracy, balanced_accuracy])
            }
            Scores::Tags { roc_auc, pr_auc } => (["ROC-AUC", "PR-AUC"], [roc_auc, pr_auc]),
        };
        let line = format!(
            "epoch {:3}  train loss {:.4}  valid loss {:.4}  {} {first:.4}  {} {second:.4}  {:5.0} s{}",
            report.epoch,
            report.train_loss,
            report.valid_loss,
            names[0],
            names[1],
            self.started.elapsed().as_secs_f64(),
            if report.best { "  best" } else { "" },
        );
        // Not by the bar's own println, which prints nothing while the bar is hidden (no terminal).
        self.bar.suspend(|| eprintln!("{line}"));
        self.since = Instant::now();
    }
}
