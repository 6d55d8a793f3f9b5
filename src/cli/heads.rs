//! Heads on other networks: their recipe file, what they hear, and how they are trained and measured.

use std::collections::BTreeMap;
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::data::{Folder, segments_of};
use super::evaluate::print as print_figures;
use super::recipe_file::RecipeFile;
use super::{CliError, device, load, read};
use crate::audio::decode;
use crate::card::Card;
use crate::dataset::folds::grouped_folds;
use crate::dataset::labelled_set::LabelledSet;
use crate::dsp::Segment;
use crate::eval::calibration::{Calibration, answers, calibration, temperature};
use crate::eval::confidence::Interval;
use crate::eval::evaluation::Evaluation;
use crate::eval::report::Scores;
use crate::model::Backbones;
use crate::model::windows::{InputSpec, WindowSpan, Windowing};
use crate::train::linear_probe::audio_augmentation::augment;
use crate::train::linear_probe::{Example, HeadRecipe, fit, out_of_fold};

/// Windows heard at once.
const WINDOWS_AT_ONCE: usize = 16;

/// The networks that a recipe's head listens through, from this folder, by name.
///
/// # Errors
///
/// [`CliError`] for the first that is not there, or hears through another front end than the recipe's.
pub fn backbones_of(file: &RecipeFile, folder: &Path) -> Result<Backbones, CliError> {
    let backbone = |choice: &super::recipe_file::BackboneChoice| {
        let path = folder.join(format!("{}.safetensors", choice.name));
        if !path.exists() {
            let message = "is not there; `cargo xtask weights` fetches what is not in the repository";
            return Err(CliError::content(&path, message));
        }
        let loaded = load(Some(&path))?;
        if loaded.card.front_end != file.front_end || loaded.card.frames != file.frames {
            let Card { front_end, frames, .. } = &loaded.card;
            let message = format!("hears {frames} frames of '{front_end}', the recipe says otherwise");
            return Err(CliError::content(&path, message));
        }
        Ok((loaded, choice.takes))
    };
    let backbones = file.backbones.iter().map(backbone).collect::<Result<_, _>>()?;
    Backbones::new(backbones, &file.name).map_err(|error| CliError::Usage(error.to_string()))
}

fn input_spec_of(backbones: &Backbones) -> Result<InputSpec, CliError> {
    let none = || CliError::Usage("the recipe has a [head] and no [[backbones]] that it listens through".to_owned());
    backbones.input_spec().ok_or_else(none)
}

/// A row of features for each of these windows.
fn rows_of(
    backbones: &Backbones,
    windowing: &Windowing,
    segments: &[Segment],
    spans: &[WindowSpan],
) -> Result<Vec<Vec<f32>>, CliError> {
    let mut rows = Vec::with_capacity(spans.len());
    for spans in spans.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_AT_ONCE)) {
        let dataset = pollster::block_on(backbones.embed_windows(windowing, segments, spans));
        rows.extend(dataset.map_err(|error| CliError::Usage(error.to_string()))?.rows);
    }
    Ok(rows)
}

/// What a head learns from: the songs, and what is heard of each.
pub struct HeadDataset {
    /// The songs, without segments.
    pub set: LabelledSet,
    examples: Vec<Example>,
}

impl HeadDataset {
    /// Embeds the songs of a split with these backbones.
    ///
    /// # Errors
    ///
    /// [`CliError`] that names the file that cannot be heard.
    pub fn of(folder: &Folder, split: &str, backbones: &Backbones, recipe: &HeadRecipe) -> Result<Self, CliError> {
        let (set, files) = folder.audio_files(split)?;
        let input_spec = input_spec_of(backbones)?;
        let mut examples = Vec::with_capacity(files.len());
        for (index, (song, path)) in set.songs.iter().zip(&files).enumerate() {
            let segments = segments_of(path, &input_spec)?;
            let windows = rows_of(backbones, &input_spec.windowing, &segments, &input_spec.windowing.spans(&segments))?;
            let augmented = augmented_rows(path, index, backbones, &input_spec, recipe)?;
            examples.push(Example { song: song.clone(), windows, augmented });
            if (index + 1).is_multiple_of(50) || index + 1 == files.len() {
                eprintln!("heard {} of {} songs", index + 1, files.len());
            }
        }
        Ok(Self { set, examples })
    }

    fn features(&self) -> usize {
        self.examples.iter().flat_map(|example| example.windows.first()).map(Vec::len).next().unwrap_or(0)
    }

    fn rows(&self) -> usize {
        self.examples.iter().map(|example| example.windows.len() + example.augmented.len()).sum()
    }

    /// The cross-validations of these fold seeds, and the temperature that all of them together ask for.
    pub fn crossvalidate(&self, recipe: &HeadRecipe, folds: usize, seeds: &[u64]) -> Measure {
        let multi_label = self.set.multi_label;
        let round = |&seed: &u64| {
            let fold_of = grouped_folds(&self.set, folds, seed);
            out_of_fold(&self.examples, &fold_of, multi_label, recipe)
        };
        let logits: Vec<Vec<Vec<Vec<f32>>>> = seeds.iter().map(round).collect();
        let temperature = temperature(&self.set, &logits);
        let at = |temperature: f64| -> Vec<Vec<Vec<f32>>> {
            logits.iter().map(|logits| answers(logits, temperature, multi_label)).collect()
        };
        let (before, after) = (at(1.0), at(temperature));
        let calibrated = |rounds: &[Vec<Vec<f32>>]| pooled(&self.set, rounds);
        let measured =
            |(&seed, answers): (&u64, &Vec<Vec<f32>>)| Round { seed, figures: Evaluation::of(&self.set, answers) };
        Measure {
            temperature,
            uncalibrated: calibrated(&before),
            calibrated: calibrated(&after),
            rounds: seeds.iter().zip(&after).map(measured).collect(),
        }
    }
}

/// The features of a song's altered copies.
fn augmented_rows(
    path: &Path,
    index: usize,
    backbones: &Backbones,
    input_spec: &InputSpec,
    recipe: &HeadRecipe,
) -> Result<Vec<Vec<f32>>, CliError> {
    let settings = &recipe.augmentation;
    let mut rows = Vec::with_capacity(settings.count);
    if settings.count == 0 {
        return Ok(rows);
    }
    let wrong = |error| CliError::content(path, error);
    let clip = decode(&read(path)?).map_err(wrong)?;
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    rng.set_stream(index as u64);
    for _ in 0..settings.count {
        let Some(segment) = augment(&clip, input_spec.front_end, settings, &mut rng).map_err(wrong)? else { continue };
        if segment.columns < input_spec.least_columns {
            continue;
        }
        let span = WindowSpan { segment: 0, start: 0, columns: segment.columns.min(input_spec.windowing.frames) };
        rows.extend(rows_of(backbones, &input_spec.windowing, &[input_spec.windowing.prepare(segment)], &[span])?);
    }
    Ok(rows)
}

/// The calibration of all rounds together.
fn pooled(set: &LabelledSet, rounds: &[Vec<Vec<f32>>]) -> Calibration {
    let songs = rounds.iter().flat_map(|_| set.songs.iter().cloned()).collect();
    calibration(&LabelledSet { songs, ..set.clone() }, &rounds.concat())
}

/// What the cross-validations of a head say.
#[derive(Serialize)]
pub struct Measure {
    /// What its logits are divided by.
    pub temperature: f64,
    uncalibrated: Calibration,
    calibrated: Calibration,
    rounds: Vec<Round>,
}

/// One cross-validation.
#[derive(Serialize)]
struct Round {
    seed: u64,
    #[serde(flatten)]
    figures: Evaluation,
}

/// Mean and deviation of a figure over the rounds, with the mean of its intervals.
struct Spread {
    name: &'static str,
    figure: fn(&Round) -> f64,
    interval: fn(&Round) -> Option<Interval>,
}

impl Measure {
    /// Prints it, as tables or as one JSON object.
    ///
    /// # Errors
    ///
    /// None that is known.
    pub fn print(&self, as_json: bool) -> Result<(), CliError> {
        if as_json {
            let json = serde_json::to_string(self).map_err(|error| CliError::Usage(error.to_string()))?;
            println!("{json}");
            return Ok(());
        }
        if let Some(first) = self.rounds.first() {
            println!("fold seed {}", first.seed);
            print_figures(&first.figures, false)?;
            println!();
        }
        print!("{}", self.table());
        Ok(())
    }

    fn spreads(&self) -> [Spread; 2] {
        let tags = matches!(self.rounds.first().map(|round| round.figures.scores()), Some(Scores::Tags { .. }));
        let [first, second] = if tags { ["ROC-AUC", "PR-AUC"] } else { ["accuracy", "balanced accuracy"] };
        [
            Spread {
                name: first,
                figure: |round| round.figures.scores().both()[0],
                interval: |r| r.figures.intervals()[0],
            },
            Spread {
                name: second,
                figure: |round| round.figures.scores().both()[1],
                interval: |r| r.figures.intervals()[1],
            },
        ]
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for spread in self.spreads() {
            for round in &self.rounds {
                let interval = (spread.interval)(round).map_or(String::new(), |Interval { low, high }| {
                    format!("  ({low:.3} to {high:.3}: 95 %, bootstrap over songs)")
                });
                text +=
                    &format!("fold seed {:3}  {} {:.4}{interval}\n", round.seed, spread.name, (spread.figure)(round));
            }
            let (mean, deviation) = moments(self.rounds.iter().map(spread.figure));
            text += &format!(
                "{} {mean:.4}, deviation {deviation:.4} over {} fold seeds\n\n",
                spread.name,
                self.rounds.len()
            );
        }
        let Self { temperature, uncalibrated, calibrated, .. } = self;
        text += &format!("temperature {temperature:.4}\n            before     after\n");
        text += &format!("NLL       {:8.4}  {:8.4}\n", uncalibrated.nll, calibrated.nll);
        text += &format!("ECE       {:8.4}  {:8.4}   (10 bins)\n\n", uncalibrated.ece, calibrated.ece);
        text += "           before: answers, confidence, accuracy    after\n";
        for (bin, (before, after)) in uncalibrated.bins.iter().zip(&calibrated.bins).enumerate() {
            let [low, high] = [bin, bin + 1].map(|tenth| tenth as f64 / 10.0);
            text += &format!(
                "{low:.1} to {high:.1}  {:14}{:12.3}{:10.3}    {:6}{:12.3}{:10.3}\n",
                before.count, before.confidence, before.accuracy, after.count, after.confidence, after.accuracy
            );
        }
        text
    }

    /// As a card states it.
    fn figures(&self) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        let mut tell = |name: &str, figure: f64| figures.insert(format!("folds_{name}"), (figure * 1e4).round() / 1e4);
        for spread in self.spreads() {
            let name = format!("song_{}", spread.name.replace([' ', '-'], "_").to_lowercase());
            tell(&name, moments(self.rounds.iter().map(spread.figure)).0);
            let bounds =
                |bound: fn(Interval) -> f64| moments(self.rounds.iter().filter_map(spread.interval).map(bound)).0;
            if self.rounds.iter().any(|round| (spread.interval)(round).is_some()) {
                tell(&format!("{name}_low"), bounds(|interval| interval.low));
                tell(&format!("{name}_high"), bounds(|interval| interval.high));
            }
        }
        tell("seeds", self.rounds.len() as f64);
        tell("temperature", self.temperature);
        tell("nll", self.calibrated.nll);
        tell("nll_uncalibrated", self.uncalibrated.nll);
        tell("ece", self.calibrated.ece);
        tell("ece_uncalibrated", self.uncalibrated.ece);
        figures
    }
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    (mean, (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt())
}

/// Trains the head of a recipe, with its temperature in its weights, and writes it.
///
/// # Errors
///
/// [`CliError`] where a backbone or the songs cannot be had, or the head cannot be written.
pub fn train(
    file: &RecipeFile,
    recipe: &HeadRecipe,
    folder: &Folder,
    backbones: &Path,
    out: &Path,
) -> Result<(), CliError> {
    let backbones = backbones_of(file, backbones)?;
    let dataset = HeadDataset::of(folder, &file.train, &backbones, recipe)?;
    let measure = dataset.crossvalidate(recipe, recipe.folds, &recipe.fold_seeds);
    print!("{}", measure.table());
    let head = fit(&dataset.examples, dataset.set.multi_label, recipe);
    let loss = head.loss;
    eprintln!(
        "{} rows of {} features: entropy {:.4}, penalty {:.4}, together {:.4}; size of the weights {:.4}",
        dataset.rows(),
        dataset.features(),
        loss.entropy,
        loss.penalty,
        loss.entropy + loss.penalty,
        head.norm()
    );
    let mut card = file.card(dataset.set.labels.clone(), dataset.set.multi_label)?;
    card.structure.features = dataset.features();
    card.backbones = backbones.cards();
    card.figures = measure.figures();
    card.figures.insert("songs".to_owned(), dataset.set.songs.len() as f64);
    card.recipe = toml::to_string(file).map_err(|error| CliError::Usage(error.to_string()))?;
    let network = head.cooled(measure.temperature).network(&device());
    super::train::save(out, &card, &network, file.precision())
}
