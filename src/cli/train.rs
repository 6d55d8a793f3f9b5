//! `genrelens train`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::data::Folder;
use super::recipe_file::RecipeFile;
use super::trunk::Beginning;
use super::{CliError, heads, write};
use crate::card::Card;
use crate::eval::evaluation::{Evaluation, rounded};
use crate::eval::report::{EpochReport, Scores};
use crate::model::registry;
use crate::model::weights::{self, Precision};
use crate::model::{Network, Part};
use crate::train::observer::TrainObserver;
use crate::train::predict::predict_songs;

#[derive(Args)]
pub struct Arguments {
    /// Recipe file: `recipes/` has those of the shipped networks
    #[arg(long, required_unless_present = "model")]
    recipe: Option<PathBuf>,
    /// Network to train as its document does: one that `inspect --all` lists
    #[arg(long, conflicts_with = "recipe")]
    model: Option<String>,
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    beginning: Beginning,
    /// Weights file to write, with its card beside it
    #[arg(long)]
    out: PathBuf,
    /// Folder for the curves: a table (.csv) and a picture (.svg)
    #[arg(long)]
    curves: Option<PathBuf>,
    /// Front end, in place of the document's
    #[arg(long, conflicts_with = "recipe")]
    front_end: Option<String>,
    /// Splits to learn from, joined by a plus, in place of the recipe's
    #[arg(long)]
    split_train: Option<String>,
    /// Splits to be judged by, in place of the recipe's
    #[arg(long)]
    split_valid: Option<String>,
    /// Folder of the networks that a head listens through
    #[arg(long, alias = "bases", default_value = "model-weights")]
    backbones: PathBuf,
    /// Seed, in place of the recipe's
    #[arg(long)]
    seed: Option<u64>,
    /// Times through the set, in place of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
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
        Ok(file)
    }
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut file = arguments.recipe_file()?;
    let start = arguments.beginning.start(&mut file)?;
    check_writable(&arguments.out)?;
    if let Some(recipe) = &file.head {
        return heads::train(&file, recipe, &arguments.folder, &arguments.backbones, &arguments.out);
    }
    let (labels, multi_label) = arguments.folder.labels()?;
    let card = file.card(labels, multi_label)?;
    let blueprint = card.blueprint().map_err(|error| CliError::Usage(error.to_string()))?;
    let input_spec = blueprint.input_spec();
    let train = arguments.folder.songs(&file.train, &input_spec)?;
    let valid = arguments.folder.songs(&file.valid, &input_spec)?;
    eprintln!("{} songs to learn from, {} to be judged by", train.songs.len(), valid.songs.len());
    let mut observer = Terminal::new();
    let failed = |error: &dyn std::fmt::Display| CliError::Usage(error.to_string());
    let fitted = start.fit(&blueprint, &file.training, &train, &valid, &mut observer)?;
    observer.bar.finish_and_clear();
    let seconds_per_epoch = observer.seconds_per_epoch(file.training.epochs);
    let windowing = blueprint.windowing();
    let answers = predict_songs(&fitted.network, Part::Whole, &windowing, &valid, &mut observer);
    let answers = pollster::block_on(answers).map_err(|error| failed(&error))?;
    let epochs = file.training.epochs * file.structure.members;
    let figures = Evaluation::of(&valid, &answers).figures("valid");
    let run = [("epochs", epochs as f64), ("seconds_per_epoch", seconds_per_epoch)];
    let run = run.map(|(name, figure)| (name.to_owned(), rounded(figure)));
    let card = Card { figures: figures.into_iter().chain(run).collect(), ..card };
    let recipe = toml::to_string(&file).map_err(|error| failed(&error))?;
    save(&arguments.out, &Card { recipe, ..card }, &fitted.network, file.precision())?;
    if let Some(folder) = &arguments.curves {
        super::curves::save(folder, &file.name, &fitted.epochs)?;
    }
    Ok(())
}

/// Finds out before the training, not after it, that its result could not be kept.
fn check_writable(out: &Path) -> Result<(), CliError> {
    let probe = out.with_extension("part");
    write(&probe, &[])?;
    std::fs::remove_file(&probe).map_err(|source| CliError::File { path: probe, source })
}

/// Writes a network, and its card beside it.
///
/// # Errors
///
/// [`CliError`] that names the file.
pub fn save(out: &Path, card: &Card, network: &Network, precision: Precision) -> Result<(), CliError> {
    let wrong = |error: &dyn std::fmt::Display| CliError::content(out, error);
    let bytes = pollster::block_on(weights::to_bytes(network, card, precision)).map_err(|error| wrong(&error))?;
    let card = Card { sha256: weights::sha256_hex(&bytes), ..card.clone() };
    let json = serde_json::to_string_pretty(&card).map_err(|error| wrong(&error))?;
    write(out, &bytes)?;
    write(&out.with_extension("json"), format!("{json}\n").as_bytes())?;
    eprintln!("wrote {} ({} bytes) and its card", out.display(), bytes.len());
    Ok(())
}

/// A progress bar of steps, with a line for every epoch.
struct Terminal {
    bar: ProgressBar,
    started: Instant,
    /// When the step began that is going on.
    since: Instant,
    /// How long every step took, in seconds.
    steps: Vec<f64>,
}

impl Terminal {
    fn new() -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} step {pos}/{len}, {eta} left") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, started: now, since: now, steps: Vec::new() }
    }

    /// How long the steps of an epoch take, were each as long as the median of all: what other programs do meanwhile
    /// and the judging after the epoch are left out.
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
        // Printed by ourselves: a bar that is hidden (no terminal) would swallow the line.
        self.bar.suspend(|| eprintln!("{line}"));
        self.since = Instant::now();
    }
}
