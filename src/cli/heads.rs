//! Linear heads on other networks: their backbones, their songs, and the report of their cross-validation.

use std::path::Path;

use super::data::{Folder, segments_of};
use super::evaluate::{print as print_evaluation, print_json};
use super::left_out::LeftOut;
use super::output::NetworkOutput;
use super::recipe_file::{BackboneChoice, RecipeFile};
use super::{CliError, device, load, read};
use crate::audio::{Clip, decode};
use crate::card::Card;
use crate::dataset::folds::check_folds;
use crate::dataset::labelled_set::LabelledSet;
use crate::eval::confidence::Interval;
use crate::model::Backbones;
use crate::model::windows::InputSpec;
use crate::train::linear_probe::crossval::{HeadCrossValidation, ScoreOfRounds, cross_validate};
use crate::train::linear_probe::examples::{EmbedError, embed, embed_augmented};
use crate::train::linear_probe::{Example, HeadRecipe, fit};

/// The backbones of a recipe's head, from this folder, by name. All have the recipe's front end and frames.
pub(super) fn backbones_of(file: &RecipeFile, folder: &Path) -> Result<Backbones, CliError> {
    let backbone = |choice: &BackboneChoice| {
        let path = folder.join(format!("{}.safetensors", choice.name));
        if !path.exists() {
            let message = "there is no such file; `cargo xtask weights` fetches what is not in the repository";
            return Err(CliError::content(&path, message));
        }
        let loaded = load(Some(&path))?;
        if loaded.card.front_end != file.front_end || loaded.card.frames != file.frames {
            let Card { front_end, frames, .. } = &loaded.card;
            let (own, wanted) = (format!("{frames} frames of '{front_end}'"), file);
            let message =
                format!("its windows are {own}; the recipe expects {} of '{}'", wanted.frames, wanted.front_end);
            return Err(CliError::content(&path, message));
        }
        Ok((loaded, choice.output))
    };
    let backbones = file.backbones.iter().map(backbone).collect::<Result<_, _>>()?;
    Backbones::new(backbones, &file.name).map_err(|error| CliError::Usage(error.to_string()))
}

fn input_spec_of(backbones: &Backbones) -> Result<InputSpec, CliError> {
    let none = || CliError::Usage("the recipe has a [head] but no [[backbones]] for it".to_owned());
    backbones.input_spec().ok_or_else(none)
}

/// Songs and their features.
pub(super) struct HeadDataset {
    /// The songs, without segments.
    set: LabelledSet,
    /// In the order of the songs.
    examples: Vec<Example>,
}

impl HeadDataset {
    /// Embeds the songs of a split with these backbones. Recordings that cannot be read are left out.
    pub(super) fn of(
        folder: &Folder,
        split: &str,
        backbones: &Backbones,
        recipe: &HeadRecipe,
        left_out: &mut LeftOut,
    ) -> Result<Self, CliError> {
        let (mut set, files) = folder.audio_files(split)?;
        let input_spec = input_spec_of(backbones)?;
        let mut examples = Vec::with_capacity(files.len());
        for (index, (song, path)) in set.songs.iter().zip(&files).enumerate() {
            let read = segments_of(path, &input_spec).and_then(|segments| Ok((segments, whole(path, recipe)?)));
            if let Some((segments, clip)) = left_out.take(read)? {
                let failed = |error: EmbedError| CliError::content(path, error);
                let windows = pollster::block_on(embed(backbones, &input_spec.windowing, &segments)).map_err(failed)?;
                let augmented = clip.map(|clip| {
                    pollster::block_on(embed_augmented(backbones, &input_spec, &clip, &recipe.augmentation, index))
                });
                let augmented = augmented.transpose().map_err(failed)?.unwrap_or_default();
                examples.push(Example { song: song.clone(), windows, augmented });
            }
            if (index + 1).is_multiple_of(50) || index + 1 == files.len() {
                eprintln!("computed the features of {} of {} songs", index + 1, files.len());
            }
        }
        left_out.report()?;
        set.songs = examples.iter().map(|example| example.song.clone()).collect();
        Ok(Self { set, examples })
    }

    pub(super) fn cross_validate(
        &self,
        recipe: &HeadRecipe,
        folds: usize,
        seeds: &[u64],
    ) -> Result<HeadCrossValidation, CliError> {
        check_folds(&self.set, folds).map_err(|error| CliError::Usage(error.to_string()))?;
        Ok(cross_validate(&self.set, &self.examples, recipe, folds, seeds))
    }

    fn features(&self) -> usize {
        self.examples.iter().flat_map(|example| example.windows.first()).map(Vec::len).next().unwrap_or(0)
    }

    fn rows(&self) -> usize {
        self.examples.iter().map(|example| example.windows.len() + example.augmented.len()).sum()
    }
}

/// The whole recording once more, at its own rate, if it is to be altered: that is done before the front end.
fn whole(path: &Path, recipe: &HeadRecipe) -> Result<Option<Clip>, CliError> {
    if recipe.augmentation.count == 0 {
        return Ok(None);
    }
    decode(&read(path)?).map(Some).map_err(|error| CliError::content(path, error))
}

/// Trains the head of a recipe, with its temperature in its weights, and writes it.
pub(super) fn train(
    file: &RecipeFile,
    recipe: &HeadRecipe,
    folder: &Folder,
    backbones: &Path,
    output: &NetworkOutput,
    left_out: &mut LeftOut,
) -> Result<(), CliError> {
    let backbones = backbones_of(file, backbones)?;
    check(folder, &file.train, recipe.folds)?;
    let dataset = HeadDataset::of(folder, &file.train, &backbones, recipe, left_out)?;
    let validation = dataset.cross_validate(recipe, recipe.folds, &recipe.fold_seeds)?;
    print!("{}", table(&validation));
    let head = fit(&dataset.examples, dataset.set.multi_label, recipe);
    let loss = head.loss;
    eprintln!(
        "{} rows of {} features: cross-entropy {:.4}, penalty {:.4}, total loss {:.4}; norm of the weights {:.4}",
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
    card.figures = validation.figures();
    card.figures.insert("songs".to_owned(), dataset.set.songs.len() as f64);
    card.figures.extend(left_out.figure());
    card.recipe = toml::to_string(file).map_err(|error| CliError::Usage(error.to_string()))?;
    let network = head.cooled(validation.temperature).network(&device());
    output.save(&card, &network, file.precision())
}

/// Checks that the songs of a split can be cut into folds, before any of them is read.
pub(super) fn check(folder: &Folder, split: &str, folds: usize) -> Result<(), CliError> {
    check_folds(&folder.listed(split)?, folds).map_err(|error| CliError::Usage(error.to_string()))
}

/// Prints a cross-validation, as tables or as one JSON object.
pub(super) fn print_cross_validation(
    validation: &HeadCrossValidation,
    left_out: &LeftOut,
    as_json: bool,
) -> Result<(), CliError> {
    if as_json {
        return print_json(validation, left_out);
    }
    if let Some(first) = validation.rounds.first() {
        println!("fold seed {}", first.seed);
        print_evaluation(&first.figures, left_out, false)?;
        println!();
    }
    print!("{}", table(validation));
    Ok(())
}

fn table(validation: &HeadCrossValidation) -> String {
    let HeadCrossValidation { temperature, uncalibrated, calibrated, .. } = validation;
    let mut text: String = validation.scores().iter().map(|score| score_lines(score, validation)).collect();
    text += &format!("temperature {temperature:.4}\n            before     after\n");
    text += &format!("NLL       {:8.4}  {:8.4}\n", uncalibrated.nll, calibrated.nll);
    text += &format!("ECE       {:8.4}  {:8.4}   (10 bins)\n\n", uncalibrated.ece, calibrated.ece);
    text += "       before: predictions, confidence, accuracy    after\n";
    for (bin, (before, after)) in uncalibrated.bins.iter().zip(&calibrated.bins).enumerate() {
        let [low, high] = [bin, bin + 1].map(|tenth| tenth as f64 / 10.0);
        text += &format!(
            "{low:.1} to {high:.1}  {:14}{:12.3}{:10.3}    {:6}{:12.3}{:10.3}\n",
            before.count, before.confidence, before.accuracy, after.count, after.confidence, after.accuracy
        );
    }
    text
}

fn score_lines(score: &ScoreOfRounds, validation: &HeadCrossValidation) -> String {
    let mut text = String::new();
    for ((round, value), interval) in validation.rounds.iter().zip(&score.values).zip(&score.intervals) {
        let interval = interval.map_or(String::new(), |Interval { low, high }| {
            format!("  ({low:.3} to {high:.3}: 95 %, bootstrap over songs)")
        });
        text += &format!("fold seed {:3}  {} {value:.4}{interval}\n", round.seed, score.name);
    }
    let ((mean, deviation), seeds) = (score.moments(), validation.rounds.len());
    text + &format!("{} {mean:.4}, standard deviation {deviation:.4} over {seeds} fold seeds\n\n", score.name)
}
