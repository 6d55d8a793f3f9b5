//! Cross-validation of a linear head: how good it is, how much that varies with the folds, and the temperature that
//! calibrates it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Example, HeadRecipe, out_of_fold};
use crate::dataset::folds::grouped_folds;
use crate::dataset::labelled_set::LabelledSet;
use crate::eval::calibration::{Calibration, calibration, probabilities_at, temperature};
use crate::eval::confidence::Interval;
use crate::eval::evaluation::{Evaluation, rounded};
use crate::eval::report::Scores;

/// The result of one cross-validation per fold seed.
#[derive(Serialize)]
pub(crate) struct HeadCrossValidation {
    /// The divisor of the logits that makes the labels of all rounds together the most probable.
    pub temperature: f64,
    /// The calibration of all rounds together, at temperature 1.
    pub uncalibrated: Calibration,
    /// The same at that temperature.
    pub calibrated: Calibration,
    pub rounds: Vec<Round>,
}

#[derive(Serialize)]
pub(crate) struct Round {
    /// The seed of its folds.
    pub seed: u64,
    #[serde(flatten)]
    pub figures: Evaluation,
}

/// A score over the rounds.
pub(crate) struct ScoreOfRounds {
    /// For people: `balanced accuracy`, `ROC-AUC`.
    pub name: &'static str,
    /// One value a round, 0 to 1.
    pub values: Vec<f64>,
    /// One 95 % interval a round, except for tags.
    pub intervals: Vec<Option<Interval>>,
}

impl ScoreOfRounds {
    /// Mean and standard deviation of the values.
    pub(crate) fn moments(&self) -> (f64, f64) {
        let mean = mean(&self.values);
        let squares: Vec<f64> = self.values.iter().map(|value| (value - mean).powi(2)).collect();
        (mean, self::mean(&squares).sqrt())
    }
}

/// Cross-validates a head on examples, which are those of the set's songs in its order, once for every fold seed.
pub(crate) fn cross_validate(
    set: &LabelledSet,
    examples: &[Example],
    recipe: &HeadRecipe,
    folds: usize,
    seeds: &[u64],
) -> HeadCrossValidation {
    let multi_label = set.multi_label;
    let round = |&seed: &u64| out_of_fold(examples, &grouped_folds(set, folds, seed), multi_label, recipe);
    let logits: Vec<Vec<Vec<Vec<f32>>>> = seeds.iter().map(round).collect();
    // One temperature for all rounds: the head that is shipped is trained on all songs.
    let temperature = temperature(set, &logits);
    let at = |temperature: f64| -> Vec<Vec<Vec<f32>>> {
        logits.iter().map(|logits| probabilities_at(logits, temperature, multi_label)).collect()
    };
    let (before, after) = (at(1.0), at(temperature));
    let evaluated =
        |(&seed, predictions): (&u64, &Vec<Vec<f32>>)| Round { seed, figures: Evaluation::of(set, predictions) };
    HeadCrossValidation {
        temperature,
        uncalibrated: pooled(set, &before),
        calibrated: pooled(set, &after),
        rounds: seeds.iter().zip(&after).map(evaluated).collect(),
    }
}

/// The calibration of all rounds together.
fn pooled(set: &LabelledSet, rounds: &[Vec<Vec<f32>>]) -> Calibration {
    let songs = rounds.iter().flat_map(|_| set.songs.iter().cloned()).collect();
    calibration(&LabelledSet { songs, ..set.clone() }, &rounds.concat())
}

impl HeadCrossValidation {
    /// The two scores that matter most: accuracy and balanced accuracy, or ROC-AUC and PR-AUC for tags.
    pub(crate) fn scores(&self) -> [ScoreOfRounds; 2] {
        let tags = matches!(self.rounds.first().map(|round| round.figures.scores()), Some(Scores::Tags { .. }));
        let names = if tags { ["ROC-AUC", "PR-AUC"] } else { ["accuracy", "balanced accuracy"] };
        [0, 1].map(|index| ScoreOfRounds {
            name: names[index],
            values: self.rounds.iter().map(|round| round.figures.scores().both()[index]).collect(),
            intervals: self.rounds.iter().map(|round| round.figures.intervals()[index]).collect(),
        })
    }

    /// The figures under their names on cards, with four decimals: means over the rounds.
    pub(crate) fn figures(&self) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        let mut add = |name: &str, figure: f64| figures.insert(format!("folds_{name}"), rounded(figure));
        for score in self.scores() {
            let name = format!("song_{}", score.name.replace([' ', '-'], "_").to_lowercase());
            add(&name, score.moments().0);
            let intervals: Vec<Interval> = score.intervals.iter().flatten().copied().collect();
            if !intervals.is_empty() {
                add(&format!("{name}_low"), mean(&intervals.iter().map(|interval| interval.low).collect::<Vec<_>>()));
                add(&format!("{name}_high"), mean(&intervals.iter().map(|interval| interval.high).collect::<Vec<_>>()));
            }
        }
        add("seeds", self.rounds.len() as f64);
        add("temperature", self.temperature);
        add("nll", self.calibrated.nll);
        add("nll_uncalibrated", self.uncalibrated.nll);
        add("ece", self.calibrated.ece);
        add("ece_uncalibrated", self.uncalibrated.ece);
        figures
    }
}

/// 0 for no values.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
