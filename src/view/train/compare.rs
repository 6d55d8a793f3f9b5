//! Training runs side by side: a table of them, and whether one is significantly better than another.

use std::collections::HashMap;

use crate::eval::mcnemar::sign_test;
use crate::training_job::{ModelSpec, TrainableLayers};
use crate::view::train::results::{Outcome, RunRecord};
use crate::view::train::settings::fields;

/// Below this p-value a difference is called significant.
const SIGNIFICANCE: f64 = 0.05;

/// The indices of the runs, the newest first.
pub(crate) fn newest_first(runs: &[RunRecord]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..runs.len()).collect();
    places.sort_by(|&a, &b| runs[b].when.total_cmp(&runs[a].when));
    places
}

/// The settings in which some of these runs differ: for every run, names with its values.
pub(crate) fn differing(runs: &[RunRecord]) -> Vec<Vec<(String, String)>> {
    let all = fields::all().map(|setting| {
        let values = runs.iter().map(|run| setting.text(&run.outcome.job.recipe));
        (setting.name(), values.collect::<Vec<_>>())
    });
    let differing: Vec<_> = all.filter(|(_, values)| values.windows(2).any(|two| two[0] != two[1])).collect();
    let of = |place: usize| {
        let values = differing.iter().map(|(name, values)| (name.clone(), values[place].clone()));
        // Empty is the network's own value or an unticked box, which would read as a missing value.
        values.filter(|(_, value)| !value.is_empty()).collect()
    };
    (0..runs.len()).map(of).collect()
}

/// A model in a word or two.
pub(crate) fn model_name(model_spec: &ModelSpec) -> String {
    match model_spec {
        ModelSpec::NewHead { hidden: 0, .. } => "head".to_owned(),
        ModelSpec::NewHead { hidden, .. } => format!("head, {hidden} hidden"),
        ModelSpec::FromScratch { architecture, width, .. } if *width == 1.0 => architecture.clone(),
        ModelSpec::FromScratch { architecture, width, .. } => format!("{architecture}, {:.0} % wide", width * 100.0),
        ModelSpec::FineTune { network, layers } => {
            let layers = match layers {
                TrainableLayers::Output => "last layer",
                TrainableLayers::Last => "last layers",
                TrainableLayers::All => "all layers",
            };
            format!("{network}, {layers}")
        }
    }
}

/// Two networks on the validation clips that they share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedComparison {
    /// How many these are.
    pub shared: usize,
    /// Clips that only the first classifies correctly.
    pub only_first: usize,
    /// Clips that only the second classifies correctly.
    pub only_second: usize,
    /// The p-value: the probability of a difference at least as large if both are equally good.
    pub probability: f64,
}

impl PairedComparison {
    /// Compares two outcomes by McNemar's exact test, on clips that are in the validation split of both under the same
    /// label. `None` if there are none, or if clips may have several labels.
    pub fn of(first: &Outcome, second: &Outcome) -> Option<Self> {
        if first.job.multi_label || second.job.multi_label {
            return None;
        }
        // By hash and label: a clip whose label was changed between the runs is another question.
        let others: HashMap<(&str, &str), bool> = validated(second).collect();
        let both = validated(first).filter_map(|(clip, right)| Some((right, *others.get(&clip)?)));
        let (mut shared, mut only_first, mut only_second) = (0, 0, 0);
        for (first, second) in both {
            shared += 1;
            only_first += usize::from(first && !second);
            only_second += usize::from(second && !first);
        }
        let probability = sign_test(only_first, only_second);
        (shared > 0).then_some(Self { shared, only_first, only_second, probability })
    }

    /// True if the difference is significant at the 5 % level, corrected for so many comparisons at once (Bonferroni).
    pub(crate) fn is_significant(&self, comparisons: usize) -> bool {
        self.probability * comparisons.max(1) as f64 <= SIGNIFICANCE
    }
}

/// The validation clips of an outcome with their labels, and whether it classifies them correctly.
fn validated(outcome: &Outcome) -> impl Iterator<Item = ((&str, &str), bool)> {
    outcome.classified().map(|(place, truth, answer)| {
        let key = (outcome.job.clips[place].id.as_str(), outcome.job.labels[truth].as_str());
        (key, truth == answer)
    })
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::training_job::Split;
    use crate::view::train::results::tests::outcome;

    fn run(when: f64, epochs: usize) -> RunRecord {
        let mut outcome = outcome(&[]);
        outcome.job.recipe.epochs = epochs;
        RunRecord { when, outcome: Rc::new(outcome) }
    }

    #[test]
    fn the_newest_comes_first() {
        assert_eq!(newest_first(&[run(1.0, 1), run(3.0, 1), run(2.0, 1)]), [1, 2, 0]);
    }

    #[test]
    fn only_settings_that_differ_are_listed() {
        assert_eq!(differing(&[run(1.0, 30)]), [vec![]]);
        let epochs = |number: &str| vec![("epochs".to_owned(), number.to_owned())];
        assert_eq!(differing(&[run(1.0, 30), run(2.0, 60)]), [epochs("30"), epochs("60")]);
    }

    #[test]
    fn only_clips_count_that_both_were_validated_on() {
        // Labels a and b in turn; the first two clips are in the training split.
        let right = outcome(&[[1.0, 0.0], [0.0, 1.0]].repeat(7));
        let wrong = outcome(&[[0.0, 1.0], [1.0, 0.0]].repeat(7));
        let comparison = PairedComparison::of(&right, &wrong).unwrap();
        assert_eq!((comparison.shared, comparison.only_first, comparison.only_second), (12, 12, 0));
        assert!(comparison.is_significant(1) && comparison.is_significant(10) && !comparison.is_significant(1000));
        let same = PairedComparison::of(&right, &right).unwrap();
        assert!((same.only_first, same.probability) == (0, 1.0) && !same.is_significant(1));
        let mut result = wrong.clone();
        result.job.clips.iter_mut().skip(6).for_each(|clip| clip.split = Split::Train);
        assert_eq!(PairedComparison::of(&right, &result).map(|comparison| comparison.shared), Some(4));
        let mut renamed = wrong.clone();
        renamed.job.labels[1] = "c".to_owned();
        assert_eq!(
            PairedComparison::of(&right, &renamed).map(|comparison| comparison.shared),
            Some(6),
            "clips of a alone"
        );
        let mut tags = wrong;
        tags.job.multi_label = true;
        assert_eq!(PairedComparison::of(&right, &tags), None);
    }
}
