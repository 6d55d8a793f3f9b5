//! `genrelens train`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{CliError, data, device, write};
use crate::card::Card;
use crate::dsp::FrontEnd;
use crate::model::Shape;
use crate::model::registry;
use crate::model::weights::{self, Precision};
use crate::train::fit::{EpochReport, Outcome, Watcher, fit};
use crate::train::recipe::{Augmentation, OptimiserKind, Recipe, Schedule};

#[derive(Args)]
pub struct Arguments {
    /// The network to train: one that `inspect --all` lists
    #[arg(long)]
    model: String,
    /// Folder with features.npy and index.csv
    #[arg(long)]
    features: PathBuf,
    /// Split to learn from
    #[arg(long, default_value = "train")]
    split_train: String,
    /// Split to choose the best epoch by
    #[arg(long, default_value = "valid")]
    split_valid: String,
    /// Weights file to write, with its card beside it
    #[arg(long)]
    out: PathBuf,
    /// The network's name on its card; the file's name where not given
    #[arg(long)]
    name: Option<String>,
    /// Front end of the features
    #[arg(long, default_value = "gtzan-logmel")]
    front_end: String,
    /// What the data is, for the card
    #[arg(long, default_value = "")]
    data: String,
    /// Licence of the weights, for the card
    #[arg(long, default_value = "MIT OR Apache-2.0")]
    licence: String,
    /// Columns of an input window
    #[arg(long, default_value_t = 39)]
    frames: usize,
    /// Keep 32-bit weights
    #[arg(long)]
    f32: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 40)]
    epochs: usize,
    /// Windows a step
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Windows drawn from every song in an epoch
    #[arg(long, default_value_t = 4)]
    windows_per_song: usize,
    #[arg(long, value_enum, default_value = "adamw")]
    optimiser: OptimiserChoice,
    #[arg(long, default_value_t = 1e-3)]
    learning_rate: f64,
    #[arg(long, value_enum, default_value = "cosine")]
    schedule: ScheduleChoice,
    #[arg(long, default_value_t = 0.01)]
    weight_decay: f64,
    #[arg(long, default_value_t = 0.0)]
    label_smoothing: f64,
    /// Add the weight penalty of the network's paper
    #[arg(long)]
    paper_penalty: bool,
    /// Dropout after convolutions, in place of the paper's
    #[arg(long)]
    dropout_convolution: Option<f64>,
    /// Dropout between dense layers, in place of the paper's
    #[arg(long)]
    dropout_dense: Option<f64>,
    /// Decay of the running average of the weights; 0 for none
    #[arg(long, default_value_t = 0.0)]
    average: f64,
    /// Mixup's Beta parameter; 0 for none
    #[arg(long, default_value_t = 0.0)]
    mixup: f64,
    /// SpecAugment's masks over time: how many, and the widest in columns
    #[arg(long, num_args = 2, default_values_t = [0, 0])]
    time_masks: Vec<usize>,
    /// SpecAugment's masks over bands: how many, and the widest in bands
    #[arg(long, num_args = 2, default_values_t = [0, 0])]
    band_masks: Vec<usize>,
    /// Deviation of the noise added to every value
    #[arg(long, default_value_t = 0.0)]
    noise: f64,
    /// Deviation of the level added to a window
    #[arg(long, default_value_t = 0.0)]
    gain: f64,
    /// Deviation of a random equaliser curve
    #[arg(long, default_value_t = 0.0)]
    equaliser: f64,
    /// The most bands a window is moved up or down
    #[arg(long, default_value_t = 0)]
    band_shift: usize,
    /// The most that time is stretched: 0.2 is from 0.8 to 1.2
    #[arg(long, default_value_t = 0.0)]
    stretch: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum OptimiserChoice {
    #[value(name = "adamw")]
    AdamW,
    Adam,
    #[value(name = "rmsprop")]
    RmsProp,
    Sgd,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScheduleChoice {
    Constant,
    Cosine,
}

impl Arguments {
    fn recipe(&self) -> Recipe {
        Recipe {
            seed: self.seed,
            epochs: self.epochs,
            batch: self.batch,
            windows_per_song: self.windows_per_song,
            optimiser: match self.optimiser {
                OptimiserChoice::AdamW => OptimiserKind::AdamW,
                OptimiserChoice::Adam => OptimiserKind::Adam,
                OptimiserChoice::RmsProp => OptimiserKind::RmsProp,
                OptimiserChoice::Sgd => OptimiserKind::Sgd,
            },
            learning_rate: self.learning_rate,
            schedule: match self.schedule {
                ScheduleChoice::Constant => Schedule::Constant,
                ScheduleChoice::Cosine => Schedule::Cosine,
            },
            weight_decay: self.weight_decay,
            label_smoothing: self.label_smoothing,
            paper_penalty: self.paper_penalty,
            dropout_convolution: self.dropout_convolution,
            dropout_dense: self.dropout_dense,
            average_decay: self.average,
            augmentation: Augmentation {
                mixup: self.mixup,
                time_masks: self.time_masks[0],
                time_mask_columns: self.time_masks[1],
                band_masks: self.band_masks[0],
                band_mask_bands: self.band_masks[1],
                noise: self.noise,
                gain: self.gain,
                equaliser: self.equaliser,
                band_shift: self.band_shift,
                stretch: self.stretch,
            },
        }
    }
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let entry = registry::entry(&arguments.model).map_err(|error| CliError::Usage(error.to_string()))?;
    let front_end = FrontEnd::by_name(&arguments.front_end)
        .ok_or_else(|| CliError::Usage(format!("there is no front end called '{}'", arguments.front_end)))?;
    check_writable(&arguments.out)?;
    let train = data::from_features(&arguments.features, &arguments.split_train)?;
    let valid = data::from_features(&arguments.features, &arguments.split_valid)?;
    let bands = train.songs[0].segments[0].bands;
    if bands != front_end.mel_bands {
        let expected = front_end.mel_bands;
        return Err(CliError::content(&arguments.features, format!("expected {expected} mel bands, found {bands}")));
    }
    let shape = Shape { bands, frames: arguments.frames, classes: train.labels.len() };
    let recipe = arguments.recipe();
    eprintln!("{} songs to learn from, {} to be judged by", train.songs.len(), valid.songs.len());
    let mut watcher = Terminal::new();
    let outcome = pollster::block_on(fit(entry, shape, &recipe, &train, &valid, &device(), &mut watcher));
    let outcome = outcome.map_err(|error| CliError::Usage(error.to_string()))?;
    watcher.bar.finish_and_clear();
    save(arguments, card(arguments, entry.summary, shape, train.labels, &recipe, &outcome), &outcome)
}

/// Finds out before the training, not after it, that its result could not be kept.
fn check_writable(out: &Path) -> Result<(), CliError> {
    let probe = out.with_extension("part");
    write(&probe, &[])?;
    std::fs::remove_file(&probe).map_err(|source| CliError::File { path: probe, source })
}

fn card(
    arguments: &Arguments,
    summary: &str,
    shape: Shape,
    labels: Vec<String>,
    recipe: &Recipe,
    outcome: &Outcome,
) -> Card {
    let file_name = arguments.out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut figures = BTreeMap::new();
    if let Some(best) = outcome.epochs.iter().rfind(|epoch| epoch.best) {
        figures.insert("valid_song_accuracy".to_owned(), rounded(best.valid_accuracy));
        figures.insert("valid_song_balanced_accuracy".to_owned(), rounded(best.valid_balanced_accuracy));
        figures.insert("best_epoch".to_owned(), best.epoch as f64);
    }
    Card {
        name: arguments.name.clone().unwrap_or(file_name),
        summary: summary.to_owned(),
        architecture: arguments.model.clone(),
        bands: shape.bands,
        frames: shape.frames,
        front_end: arguments.front_end.clone(),
        labels,
        data: arguments.data.clone(),
        recipe: serde_json::to_string(recipe).unwrap_or_default(),
        figures,
        licence: arguments.licence.clone(),
        sha256: String::new(),
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e4).round() / 1e4
}

fn save(arguments: &Arguments, card: Card, outcome: &Outcome) -> Result<(), CliError> {
    let precision = if arguments.f32 { Precision::F32 } else { Precision::F16 };
    let wrong = |error: &dyn std::fmt::Display| CliError::content(&arguments.out, error);
    let bytes = weights::to_bytes(&outcome.network, &card, precision).map_err(|error| wrong(&error))?;
    let card = Card { sha256: weights::sha256_hex(&bytes), ..card };
    let json = serde_json::to_string_pretty(&card).map_err(|error| wrong(&error))?;
    write(&arguments.out, &bytes)?;
    write(&arguments.out.with_extension("json"), format!("{json}\n").as_bytes())?;
    eprintln!("wrote {} ({} bytes) and its card", arguments.out.display(), bytes.len());
    Ok(())
}

/// A progress bar of steps, with a line for every epoch.
struct Terminal {
    bar: ProgressBar,
    started: Instant,
}

impl Terminal {
    fn new() -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} step {pos}/{len}, {eta} left") {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now() }
    }
}

impl Watcher for Terminal {
    fn step(&mut self, step: usize, steps: usize) {
        self.bar.set_length(steps as u64);
        self.bar.set_position(step as u64);
    }

    fn epoch(&mut self, report: &EpochReport) {
        let line = format!(
            "epoch {:3}  train loss {:.4}  valid loss {:.4}  accuracy {:.4}  balanced {:.4}  {:5.0} s{}",
            report.epoch,
            report.train_loss,
            report.valid_loss,
            report.valid_accuracy,
            report.valid_balanced_accuracy,
            self.started.elapsed().as_secs_f64(),
            if report.best { "  best" } else { "" },
        );
        // Printed by ourselves: a bar that is hidden (no terminal) would swallow the line.
        self.bar.suspend(|| eprintln!("{line}"));
    }
}
