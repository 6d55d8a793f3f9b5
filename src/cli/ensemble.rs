//! `genrelens ensemble`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::data::Folder;
use super::output::{printable, shown};
use super::{CliError, read};
use crate::dataset::labelled_set::LabelledSet;
use crate::eval::calibration::calibration;
use crate::eval::confidence::Interval;
use crate::eval::evaluation::Evaluation;
use crate::eval::out_of_fold::OutOfFold;
use crate::eval::report::Scores;

/// More files have too many combinations to read.
const MOST_FILES: usize = 6;

#[derive(Args)]
pub(super) struct Arguments {
    /// Files of `genrelens crossval --out`, all of one division of the same songs
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    folder: Folder,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let files = &arguments.files;
    if files.len() > MOST_FILES {
        return Err(CliError::Usage(format!("at most {MOST_FILES} files; found {}", files.len())));
    }
    let kept = files.iter().map(|path| of_file(path)).collect::<Result<Vec<_>, _>>()?;
    let first = &kept[0];
    let set = arguments.folder.listed(&first.split)?;
    for (path, other) in files.iter().zip(&kept) {
        if (&other.labels, &other.fold_of) != (&set.labels, &first.fold_of) || other.fold_of.len() != set.songs.len() {
            return Err(CliError::content(
                path,
                "is of other songs, labels or folds than the folder and the first file",
            ));
        }
    }
    let mut text = format!("{} songs, {} folds, seed {}\n", set.songs.len(), first.folds, first.seed);
    text += "accuracy (95 %, bootstrap)  balanced     NLL     ECE\n";
    for members in 1..1_usize << kept.len() {
        let is_member = |index: &usize| members >> index & 1 == 1;
        let chosen: Vec<&OutOfFold> = (0..kept.len()).filter(is_member).map(|index| &kept[index]).collect();
        let predictions: Vec<Vec<f32>> = (0..set.songs.len()).map(|song| mean(&chosen, song)).collect();
        text += &line(&set, &predictions);
        let names: Vec<&str> = chosen.iter().map(|kept| kept.name.as_str()).collect();
        text += &format!("  {}\n", shown(&names.join(" + ")));
    }
    print!("{}", printable(&text));
    Ok(())
}

fn of_file(path: &Path) -> Result<OutOfFold, CliError> {
    let kept: OutOfFold = serde_json::from_slice(&read(path)?).map_err(|error| CliError::content(path, error))?;
    if !kept.is_whole() {
        let message = "lacks folds; run the same `genrelens crossval --out` again to the end";
        return Err(CliError::content(path, message));
    }
    Ok(kept)
}

/// The mean of the probabilities of a song.
fn mean(members: &[&OutOfFold], song: usize) -> Vec<f32> {
    let mut sum = vec![0.0; members[0].labels.len()];
    for member in members {
        sum.iter_mut().zip(&member.probabilities[song]).for_each(|(sum, value)| *sum += value / members.len() as f32);
    }
    sum
}

fn line(set: &LabelledSet, predictions: &[Vec<f32>]) -> String {
    let evaluation = Evaluation::of(set, predictions);
    let (accuracy, balanced) = match evaluation.scores() {
        Scores::Classes { accuracy, balanced_accuracy } => (accuracy, balanced_accuracy),
        Scores::Tags { roc_auc, pr_auc } => (roc_auc, pr_auc),
    };
    let Interval { low, high } = evaluation.accuracy_interval.unwrap_or(Interval { low: accuracy, high: accuracy });
    let calibration = calibration(set, predictions);
    format!("{accuracy:8.4} ({low:.3} to {high:.3}) {balanced:13.4}{:8.3}{:8.3}", calibration.nll, calibration.ece)
}
