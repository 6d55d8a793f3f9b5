//! `genrelens crossval`.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use super::data::Folder;
use super::evaluate::print;
use super::heads::{HeadDataset, backbones_of};
use super::recipe_file::RecipeFile;
use super::trunk::{Beginning, Start};
use crate::dataset::folds::{grouped_folds, part, random_parts};
use crate::dataset::labelled_set::LabelledSet;
use crate::eval::evaluation::Evaluation;
use crate::model::{Blueprint, Part};
use crate::recipe::{Keep, Recipe};
use crate::train::observer::NoObserver;
use crate::train::predict::predict_songs;

#[derive(Args)]
pub struct Arguments {
    /// Recipe file
    #[arg(long)]
    recipe: PathBuf,
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    beginning: Beginning,
    /// Splits whose songs take part, joined by a plus; all but `excluded` where not given
    #[arg(long, default_value = "")]
    split: String,
    /// Parts; songs of one artist_group stay in one
    #[arg(long, default_value_t = 5)]
    folds: usize,
    /// In place of folds: 8/1/1 of the songs at random, whatever their artists, so many times over
    #[arg(long)]
    random: Option<u64>,
    /// Seeds of the folds, joined by commas; 1 where not given, or those of a head's recipe
    #[arg(long, value_delimiter = ',')]
    fold_seed: Vec<u64>,
    /// Folder of the networks that a head listens through
    #[arg(long, alias = "bases", default_value = "model-weights")]
    backbones: PathBuf,
    /// Times through the set, in place of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut file = RecipeFile::read(&arguments.recipe)?;
    let start = arguments.beginning.start(&mut file)?;
    file.training.epochs = arguments.epochs.unwrap_or(file.training.epochs);
    if let Some(recipe) = &file.head {
        let backbones = backbones_of(&file, &arguments.backbones)?;
        let seeds = if arguments.fold_seed.is_empty() { &recipe.fold_seeds } else { &arguments.fold_seed };
        let dataset = HeadDataset::of(&arguments.folder, &arguments.split, &backbones, recipe)?;
        return dataset.crossvalidate(recipe, arguments.folds, seeds).print(arguments.json);
    }
    let (labels, multi_label) = arguments.folder.labels()?;
    let blueprint = file.card(labels, multi_label)?.blueprint().map_err(|error| CliError::Usage(error.to_string()))?;
    let set = arguments.folder.songs(&arguments.split, &blueprint.input_spec())?;
    if let Some(times) = arguments.random {
        let (evaluated, answers) = random(&blueprint, &start, &file.training, &set, times)?;
        return print(&Evaluation::of(&evaluated, &answers), arguments.json);
    }
    let seeds = if arguments.fold_seed.is_empty() { &[1][..] } else { &arguments.fold_seed };
    for &seed in seeds {
        let answers = folds(&blueprint, &start, &file.training, &set, arguments.folds, seed)?;
        eprintln!("fold seed {seed}: accuracy {:.4}", accuracy(&set, &answers));
        print(&Evaluation::of(&set, &answers), arguments.json)?;
    }
    Ok(())
}

/// Every song once, by the network of the other folds. The last epoch of each is kept: none is chosen by the songs that
/// it is judged by.
fn folds(
    blueprint: &Blueprint,
    start: &Start,
    recipe: &Recipe,
    set: &LabelledSet,
    folds: usize,
    seed: u64,
) -> Result<Vec<Vec<f32>>, CliError> {
    let recipe = Recipe { keep: Keep::Last, ..recipe.clone() };
    let fold_of = grouped_folds(set, folds, seed);
    let mut answers = vec![Vec::new(); set.songs.len()];
    for fold in 0..folds {
        let train = part(set, |song| fold_of[song] != fold);
        let evaluated = part(set, |song| fold_of[song] == fold);
        let found = train_and_answer(blueprint, start, &recipe, &train, &evaluated, &evaluated)?;
        let places = (0..set.songs.len()).filter(|&song| fold_of[song] == fold);
        for (place, answer) in places.zip(found) {
            answers[place] = answer;
        }
        eprintln!("fold {} of {folds}", fold + 1);
    }
    Ok(answers)
}

/// 8/1/1 as many papers split: learned from eight parts, the epoch chosen by the ninth, judged by the tenth.
fn random(
    blueprint: &Blueprint,
    start: &Start,
    recipe: &Recipe,
    set: &LabelledSet,
    times: u64,
) -> Result<(LabelledSet, Vec<Vec<f32>>), CliError> {
    let (mut songs, mut answers) = (Vec::new(), Vec::new());
    for seed in 1..=times {
        let part_of = random_parts(set.songs.len(), &[8.0, 1.0, 1.0], seed);
        let [train, valid, test] = [0, 1, 2].map(|wanted| ungrouped(part(set, |song| part_of[song] == wanted)));
        let recipe = Recipe { seed, ..recipe.clone() };
        let found = train_and_answer(blueprint, start, &recipe, &train, &valid, &test)?;
        eprintln!("draw {seed} of {times}: accuracy {:.4}", accuracy(&test, &found));
        songs.extend(test.songs);
        answers.extend(found);
    }
    Ok((LabelledSet { songs, ..set.clone() }, answers))
}

/// Artists on both sides are what this split is about.
fn ungrouped(mut set: LabelledSet) -> LabelledSet {
    for song in &mut set.songs {
        song.group = None;
    }
    set
}

fn accuracy(set: &LabelledSet, answers: &[Vec<f32>]) -> f64 {
    let pairs = crate::eval::evaluate::pairs(set, answers);
    pairs.iter().filter(|(truth, answer)| truth == answer).count() as f64 / pairs.len().max(1) as f64
}

fn train_and_answer(
    blueprint: &Blueprint,
    start: &Start,
    recipe: &Recipe,
    train: &LabelledSet,
    valid: &LabelledSet,
    evaluated: &LabelledSet,
) -> Result<Vec<Vec<f32>>, CliError> {
    let network = start.fit(blueprint, recipe, train, valid, &mut NoObserver)?.network;
    let answers =
        pollster::block_on(predict_songs(&network, Part::Whole, &blueprint.windowing(), evaluated, &mut NoObserver));
    answers.map_err(|error| CliError::Usage(error.to_string()))
}
