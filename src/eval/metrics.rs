//! Classification metrics of songs with one label: accuracy, balanced accuracy, confusion matrix, precision, recall and F1,
//! as scikit-learn defines them.

use serde::{Deserialize, Serialize};

pub use crate::dataset::labelled_set::argmax;

/// Metrics of one class, or an average over classes. Shares are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// The class, or `macro average` or `weighted average`.
    pub label: String,
    /// The share of songs predicted as this class that belong to it.
    pub precision: f64,
    /// The share of this class's songs that are predicted as it.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// The number of songs of this class.
    pub support: usize,
}

/// Metrics of a whole set. Shares are 0 to 1; an average over no class and a share of nothing are 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The number of songs.
    pub n: usize,
    /// The share of songs whose class is predicted rightly.
    pub accuracy: f64,
    /// The mean recall of the classes that have songs.
    pub balanced_accuracy: f64,
    /// The mean F1 of the classes that have songs.
    pub macro_f1: f64,
    /// The classes, in the order of the network's outputs.
    pub labels: Vec<String>,
    /// The confusion matrix `[truth][prediction]`, in songs.
    pub confusion: Vec<Vec<usize>>,
    /// Every class, then the macro average and the weighted average.
    pub per_class: Vec<ClassFigures>,
}

/// The metrics of pairs `(truth, prediction)`, which are indices of `labels`.
pub fn metrics(labels: &[String], pairs: &[(usize, usize)]) -> Metrics {
    let mut confusion = vec![vec![0; labels.len()]; labels.len()];
    for &(truth, predicted) in pairs {
        confusion[truth][predicted] += 1;
    }
    let classes: Vec<ClassFigures> =
        labels.iter().enumerate().map(|(class, label)| class_figures(label, class, &confusion)).collect();
    let correct: usize = (0..labels.len()).map(|class| confusion[class][class]).sum();
    // Classes without songs have no recall and must not pull the averages down.
    let macro_average = average(&classes, "macro average", |class| f64::from(u8::from(class.support > 0)));
    let weighted_average = average(&classes, "weighted average", |class| class.support as f64);
    Metrics {
        n: pairs.len(),
        accuracy: share(correct, pairs.len()),
        balanced_accuracy: macro_average.recall,
        macro_f1: macro_average.f1,
        labels: labels.to_vec(),
        confusion,
        per_class: classes.into_iter().chain([macro_average, weighted_average]).collect(),
    }
}

fn class_figures(label: &str, class: usize, confusion: &[Vec<usize>]) -> ClassFigures {
    let right = confusion[class][class];
    let support = confusion[class].iter().sum();
    let predicted = confusion.iter().map(|row| row[class]).sum();
    let (precision, recall) = (share(right, predicted), share(right, support));
    // Without a right prediction precision and recall are 0, and their harmonic mean would be 0 / 0.
    let f1 = if right == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
    ClassFigures { label: label.to_owned(), precision, recall, f1, support }
}

fn average(classes: &[ClassFigures], name: &str, weight: impl Fn(&ClassFigures) -> f64) -> ClassFigures {
    let total: f64 = classes.iter().map(&weight).sum();
    let of = |figure: fn(&ClassFigures) -> f64| {
        let sum: f64 = classes.iter().map(|class| weight(class) * figure(class)).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    };
    ClassFigures {
        label: name.to_owned(),
        precision: of(|class| class.precision),
        recall: of(|class| class.recall),
        f1: of(|class| class.f1),
        support: classes.iter().map(|class| class.support).sum(),
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    #[test]
    fn figures_of_a_worked_example() {
        // scikit-learn 1.5's classification_report on y_true = a a a b b, y_pred = a a b b a (class c absent).
        let found = metrics(&labels(), &[(0, 0), (0, 0), (0, 1), (1, 1), (1, 0)]);
        assert_eq!(found.n, 5);
        assert!((found.accuracy - 0.6).abs() < 1e-12);
        assert!((found.balanced_accuracy - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
        assert!((found.macro_f1 - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
        assert_eq!(found.confusion, [[2, 1, 0], [1, 1, 0], [0, 0, 0]]);
        let weighted = &found.per_class[4];
        assert_eq!((weighted.label.as_str(), weighted.support), ("weighted average", 5));
        assert!((weighted.recall - 0.6).abs() < 1e-12);
    }

    #[test]
    fn balanced_accuracy_is_not_fooled_by_a_large_class() {
        let pairs: Vec<(usize, usize)> = (0..99).map(|_| (0, 0)).chain([(1, 0)]).collect();
        let found = metrics(&labels(), &pairs);
        assert!((found.accuracy - 0.99).abs() < 1e-12);
        assert!((found.balanced_accuracy - 0.5).abs() < 1e-12);
    }

    #[test]
    fn an_empty_set_has_figures_of_zero() {
        let found = metrics(&labels(), &[]);
        assert_eq!((found.n, found.accuracy, found.macro_f1), (0, 0.0, 0.0));
    }
}
