//! `genrelens crossval`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::data::Folder;
use super::evaluate::print;
use super::heads::{HeadDataset, backbones_of, check, print_cross_validation};
use super::left_out::LeftOut;
use super::output::{Output, json_line};
use super::pretrained::{PretrainedArguments, start};
use super::recipe_file::RecipeFile;
use super::{CliError, device};
use crate::dataset::folds::{check_folds, grouped_folds};
use crate::dataset::labelled_set::LabelledSet;
use crate::eval::evaluate::pairs;
use crate::eval::evaluation::Evaluation;
use crate::eval::out_of_fold::OutOfFold;
use crate::model::weights::sha256_hex;
use crate::train::crossval::CrossValidation;
use crate::train::observer::FitError;

#[derive(Args)]
pub(super) struct Arguments {
    /// Recipe file
    #[arg(long)]
    recipe: PathBuf,
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    pretrained: PretrainedArguments,
    /// Splits whose songs take part, joined by a plus; if not given, all but `excluded`
    #[arg(long, default_value = "")]
    split: String,
    /// Number of folds; songs of one artist_group stay in one fold
    #[arg(long, default_value_t = 5)]
    folds: usize,
    /// Instead of folds: this many random splits of the songs (8/1/1), whatever their artists and genres (not stratified)
    #[arg(long)]
    random: Option<u64>,
    /// Seeds of the folds, joined by commas; if not given, 1, or the seeds of a head's recipe
    #[arg(long, value_delimiter = ',')]
    fold_seed: Vec<u64>,
    /// Folder of the networks that a head uses as backbones
    #[arg(long, alias = "bases", default_value = "model-weights")]
    backbones: PathBuf,
    /// Number of epochs, instead of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    /// File that keeps the predictions of every fold: with it, a cross-validation that was stopped goes on with the folds
    /// that are missing, and `genrelens ensemble` compares several networks
    #[arg(long, conflicts_with = "random")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// End at the first recording that cannot be read, instead of leaving it out
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut file = RecipeFile::read(&arguments.recipe)?;
    let weights = arguments.pretrained.weights(&mut file)?;
    file.training.epochs = arguments.epochs.unwrap_or(file.training.epochs);
    file.training.check().map_err(|error| CliError::Usage(error.to_string()))?;
    let mut left_out = LeftOut::new(arguments.strict);
    if arguments.random.is_none() {
        check(&arguments.folder, &arguments.split, arguments.folds)?;
    }
    if let Some(recipe) = &file.head {
        if arguments.out.is_some() {
            let message = "--out keeps the folds of networks; those of a head take seconds and are not kept";
            return Err(CliError::Usage(message.to_owned()));
        }
        let backbones = backbones_of(&file, &arguments.backbones)?;
        let seeds = if arguments.fold_seed.is_empty() { &recipe.fold_seeds } else { &arguments.fold_seed };
        let dataset = HeadDataset::of(&arguments.folder, &arguments.split, &backbones, recipe, &mut left_out)?;
        let validation = dataset.cross_validate(recipe, arguments.folds, seeds)?;
        return print_cross_validation(&validation, &left_out, arguments.json);
    }
    let (labels, multi_label) = arguments.folder.labels()?;
    let blueprint = file.card(labels, multi_label)?.blueprint().map_err(|error| CliError::Usage(error.to_string()))?;
    let set = arguments.folder.songs(&arguments.split, &blueprint.input_spec(), &mut left_out)?;
    left_out.report()?;
    let start = start(&blueprint, weights.as_ref());
    let validation = CrossValidation { start, recipe: &file.training, set: &set, device: &device() };
    match arguments.random {
        Some(times) => print(&random_splits(&validation, times)?, &left_out, arguments.json),
        None => folds(&validation, &file, &left_out, arguments),
    }
}

fn folds(
    validation: &CrossValidation,
    file: &RecipeFile,
    left_out: &LeftOut,
    arguments: &Arguments,
) -> Result<(), CliError> {
    let seeds = if arguments.fold_seed.is_empty() { &[1][..] } else { &arguments.fold_seed };
    check_folds(validation.set, arguments.folds).map_err(|error| CliError::Usage(error.to_string()))?;
    if arguments.out.is_some() && seeds.len() > 1 {
        return Err(CliError::Usage("--out keeps one division; give one --fold-seed".to_owned()));
    }
    for &seed in seeds {
        let predictions = predictions(validation, file, arguments, seed)?;
        eprintln!("fold seed {seed}: accuracy {:.4}", accuracy(validation.set, &predictions));
        print(&Evaluation::of(validation.set, &predictions), left_out, arguments.json)?;
    }
    Ok(())
}

/// The out-of-fold predictions of a division; those of earlier runs are taken from the file that keeps them.
fn predictions(
    validation: &CrossValidation,
    file: &RecipeFile,
    arguments: &Arguments,
    seed: u64,
) -> Result<Vec<Vec<f32>>, CliError> {
    let (set, folds) = (validation.set, arguments.folds);
    let fold_of = grouped_folds(set, folds, seed);
    let fresh = OutOfFold {
        name: file.name.clone(),
        settings: settings(file, set, &fold_of)?,
        split: arguments.split.clone(),
        folds,
        seed,
        labels: set.labels.clone(),
        probabilities: vec![Vec::new(); fold_of.len()],
        fold_of: fold_of.clone(),
    };
    let (output, mut kept) = match &arguments.out {
        Some(path) => {
            (Some(Output::plan(path, "predictions of a cross-validation", is_out_of_fold)?), known(path, fresh)?)
        }
        None => (None, fresh),
    };
    for fold in 0..folds {
        if !kept.has(fold) {
            for (song, probabilities) in pollster::block_on(validation.fold(&fold_of, fold)).map_err(failed)? {
                kept.probabilities[song] = probabilities;
            }
            if let Some(output) = &output {
                output.write(json_line(&kept)?.as_bytes())?;
            }
        }
        // Progress on stderr: stdout is for the result, which may be JSON.
        eprintln!("fold {} of {folds}", fold + 1);
    }
    Ok(kept.probabilities)
}

fn is_out_of_fold(bytes: &[u8]) -> bool {
    serde_json::from_slice::<OutOfFold>(bytes).is_ok()
}

/// What a file keeps of this very cross-validation; `fresh` if there is no file.
fn known(path: &Path, fresh: OutOfFold) -> Result<OutOfFold, CliError> {
    let Ok(bytes) = std::fs::read(path) else { return Ok(fresh) };
    match serde_json::from_slice::<OutOfFold>(&bytes) {
        Ok(kept) if kept.settings == fresh.settings && kept.fold_of == fresh.fold_of && kept.has_rows() => Ok(kept),
        Err(_) if bytes.is_empty() => Ok(fresh),
        Ok(_) => Err(CliError::content(path, "keeps another recipe, other folds or other songs; give another --out")),
        Err(error) => Err(CliError::content(path, error)),
    }
}

/// SHA-256 of everything that the predictions depend on.
fn settings(file: &RecipeFile, set: &LabelledSet, fold_of: &[usize]) -> Result<String, CliError> {
    let recipe = toml::to_string(file).map_err(|error| CliError::Usage(error.to_string()))?;
    let names: Vec<&str> = set.songs.iter().map(|song| song.name.as_str()).collect();
    Ok(sha256_hex(format!("{recipe}\n{}\n{names:?}\n{fold_of:?}", set.labels.join("\n")).as_bytes()))
}

/// The evaluation of all splits' test songs together.
fn random_splits(validation: &CrossValidation, times: u64) -> Result<Evaluation, CliError> {
    let (mut songs, mut predictions) = (Vec::new(), Vec::new());
    for seed in 1..=times {
        let (test, found) = pollster::block_on(validation.random_split(seed)).map_err(failed)?;
        eprintln!("split {seed} of {times}: accuracy {:.4}", accuracy(&test, &found));
        songs.extend(test.songs);
        predictions.extend(found);
    }
    Ok(Evaluation::of(&LabelledSet { songs, ..validation.set.clone() }, &predictions))
}

fn failed(error: FitError) -> CliError {
    CliError::Usage(error.to_string())
}

fn accuracy(set: &LabelledSet, predictions: &[Vec<f32>]) -> f64 {
    let pairs = pairs(set, predictions);
    pairs.iter().filter(|(truth, predicted)| truth == predicted).count() as f64 / pairs.len().max(1) as f64
}
