//! Calibration: whether predictions with a probability of 0.8 are right in 8 of 10 cases. Measured by the expected
//! calibration error and improved by temperature scaling (Guo et al., "On calibration of modern neural networks", ICML
//! 2017).

use serde::{Deserialize, Serialize};

use crate::dataset::labelled_set::LabelledSet;
use crate::eval::evaluate::evaluate;
use crate::eval::metrics::argmax;
use crate::eval::probabilities::{probabilities, song_probabilities};

/// Bins of confidence, equally wide from 0 to 1.
const BINS: usize = 10;

/// How well probabilities agree with the share of right predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Mean negative log-likelihood of the true labels, in nats, 0 or more.
    pub nll: f64,
    /// Expected calibration error, 0 to 1: the mean distance of confidence and accuracy over the bins, weighted by their
    /// predictions.
    pub ece: f64,
    /// The bins, from the lowest confidence up.
    pub bins: Vec<Bin>,
}

/// Predictions of about the same confidence.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Bin {
    /// The number of predictions.
    pub count: usize,
    /// Their mean confidence, 0 to 1; 0 without predictions.
    pub confidence: f64,
    /// The share of them that are right, 0 to 1; 0 without predictions.
    pub accuracy: f64,
}

/// Probabilities of songs, `[songs][labels]`, from the logits of their windows, `[songs][windows][labels]`, divided by a
/// temperature above 0.
pub fn probabilities_at(logits: &[Vec<Vec<f32>>], temperature: f64, multi_label: bool) -> Vec<Vec<f32>> {
    let of_window = |window: &Vec<f32>| {
        let scaled: Vec<f32> = window.iter().map(|logit| (f64::from(*logit) / temperature) as f32).collect();
        probabilities(&scaled, multi_label)
    };
    let of_song = |windows: &Vec<Vec<f32>>| {
        let windows: Vec<Vec<f32>> = windows.iter().map(of_window).collect();
        song_probabilities(windows.iter().map(Vec::as_slice))
    };
    logits.iter().map(of_song).collect()
}

/// The temperature, between e⁻³ and e², that minimises the negative log-likelihood of the songs' labels. `rounds` are the
/// logits of the same songs by several networks, `[rounds][songs][windows][labels]`.
pub fn temperature(set: &LabelledSet, rounds: &[Vec<Vec<Vec<f32>>>]) -> f64 {
    let loss = |log: f64| -> f64 {
        rounds.iter().map(|logits| calibration_loss(set, &probabilities_at(logits, log.exp(), set.multi_label))).sum()
    };
    // Golden-section search over the logarithm: the loss has one minimum there and is costly to evaluate.
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-3.0, 2.0);
    let inner = |low: f64, high: f64| [high - ratio * (high - low), low + ratio * (high - low)];
    let [mut left, mut right] = inner(low, high);
    let (mut at_left, mut at_right) = (loss(left), loss(right));
    while high - low > 1e-4 {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = inner(low, high)[0];
            at_left = loss(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = inner(low, high)[1];
            at_right = loss(right);
        }
    }
    f64::midpoint(low, high).exp()
}

fn calibration_loss(set: &LabelledSet, predictions: &[Vec<f32>]) -> f64 {
    // A probability of exactly 0 would make the loss infinite.
    let log = |probability: f32| f64::from(probability.max(1e-7)).ln();
    match set.multi_label {
        true => evaluate(set, predictions).0,
        false => -set.songs.iter().zip(predictions).map(|(song, row)| log(row[song.label()])).sum::<f64>(),
    }
}

/// The calibration of the predictions for a set's songs, `[songs][labels]`. For songs with one label the most probable
/// label counts, for tags every tag.
pub fn calibration(set: &LabelledSet, predictions: &[Vec<f32>]) -> Calibration {
    let songs = || set.songs.iter().zip(predictions);
    let outcomes: Vec<(f32, bool)> = if set.multi_label {
        let labels = songs().flat_map(|(song, row)| row.iter().zip(&song.target));
        labels.map(|(&probability, &target)| (probability, target >= 0.5)).collect()
    } else {
        songs()
            .map(|(song, row)| (argmax(row), song.label(), row))
            .map(|(best, truth, row)| (row[best], best == truth))
            .collect()
    };
    let bins = bins(&outcomes);
    let all = outcomes.len().max(1) as f64;
    let ece = bins.iter().map(|bin| (bin.accuracy - bin.confidence).abs() * bin.count as f64 / all).sum();
    Calibration { nll: evaluate(set, predictions).0, ece, bins }
}

/// Predictions, as confidence and whether it was right, sorted into bins.
fn bins(outcomes: &[(f32, bool)]) -> Vec<Bin> {
    let of_bin = |bin: usize| {
        // A confidence of exactly 1 belongs to the last bin.
        let own = outcomes.iter().filter(|(confidence, _)| ((confidence * BINS as f32) as usize).min(BINS - 1) == bin);
        let count = own.clone().count();
        let mean = |sum: f64| if count == 0 { 0.0 } else { sum / count as f64 };
        Bin {
            count,
            confidence: mean(own.clone().map(|(confidence, _)| f64::from(*confidence)).sum()),
            accuracy: mean(own.filter(|(_, right)| *right).count() as f64),
        }
    };
    (0..BINS).map(of_bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::labelled_set::{Song, one_of};

    /// Songs of two classes, of which every fourth is not what it seems.
    fn set() -> LabelledSet {
        let song = |index: usize| Song {
            name: index.to_string(),
            group: None,
            target: one_of(usize::from(index.is_multiple_of(4)) ^ (index % 2), 2),
            segments: Vec::new(),
        };
        LabelledSet {
            labels: vec!["a".into(), "b".into()],
            multi_label: false,
            songs: (0..80_usize).map(song).collect(),
        }
    }

    /// Logits that lean to what each song seems to be, by so much.
    fn logits(lean: f32) -> Vec<Vec<Vec<f32>>> {
        (0..80).map(|index| vec![if index % 2 == 0 { vec![lean, 0.0] } else { vec![0.0, lean] }]).collect()
    }

    #[test]
    fn the_temperature_makes_confidence_accuracy() {
        let set = set();
        for lean in [0.4, 1.0, 3.0] {
            let found = temperature(&set, &[logits(lean), logits(lean)]);
            // Three in four are right: the logits should differ by ln 3.
            assert!((found - f64::from(lean) / 3.0_f64.ln()).abs() < 1e-3, "{lean}: {found}");
            let after = calibration(&set, &probabilities_at(&logits(lean), found, false));
            assert!(after.ece < 1e-3, "{after:?}");
            assert!(after.nll <= calibration(&set, &probabilities_at(&logits(lean), 1.0, false)).nll + 1e-9);
        }
    }

    #[test]
    fn figures_of_a_worked_example() {
        // Two predictions of 0.95, one right; two of 0.62, both right: |0.5 - 0.95| / 2 + |1 - 0.62| / 2.
        let found = bins(&[(0.95, true), (0.95, false), (0.62, true), (0.62, true)]);
        assert_eq!((found[9].count, found[6].count, found[0]), (2, 2, Bin::default()));
        let all = LabelledSet { songs: set().songs[1..5].to_vec(), ..set() };
        // Their labels are b, a, b and b.
        let predictions = [[0.05, 0.95], [0.05, 0.95], [0.38, 0.62], [0.38, 0.62]].map(Vec::from);
        let calibration = calibration(&all, &predictions);
        assert!((calibration.ece - (0.45 + 0.38) / 2.0).abs() < 1e-6, "{calibration:?}");
        assert_eq!(bins(&[(1.0, true)])[9].count, 1);
    }

    #[test]
    fn every_tag_counts() {
        let mut set = set();
        set.multi_label = true;
        let calibration = calibration(&set, &vec![vec![0.5, 0.5]; 80]);
        assert_eq!((calibration.bins[5].count, calibration.bins[5].accuracy), (160, 0.5));
        assert!(calibration.ece < 1e-9 && (calibration.nll - 2.0_f64.ln()).abs() < 1e-6);
    }
}
