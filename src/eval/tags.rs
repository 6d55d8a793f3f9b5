//! Metrics of predictions for tags, of which a song may have any number.

use serde::{Deserialize, Serialize};

/// Metrics of every tag, and their means over the tags (macro averages, as is usual for MagnaTagATune). All are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagMetrics {
    /// The number of songs.
    pub n: usize,
    /// The mean of the tags' [`TagFigures::roc_auc`].
    pub roc_auc: f64,
    /// The mean of the tags' [`TagFigures::pr_auc`].
    pub pr_auc: f64,
    /// Every tag, in the order of the network's outputs. Tags that all songs or no songs have do not count in the means.
    pub per_tag: Vec<TagFigures>,
}

/// Metrics of one tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagFigures {
    /// The tag's name.
    pub label: String,
    /// The area under the receiver operating characteristic: the share of pairs of a song with the tag and one without in
    /// which the first has the higher probability. `None` if all songs have the tag, or none.
    pub roc_auc: Option<f64>,
    /// The area under the precision-recall curve, as average precision: the mean, over the songs with the tag, of the
    /// precision down to each in the ranking. `None` as above.
    pub pr_auc: Option<f64>,
    /// The number of songs that have the tag.
    pub support: usize,
}

/// The metrics of songs, each given as `(target, probabilities)`, both `[tags]`; a target of 0.5 or more is "has the tag".
pub fn tag_metrics(labels: &[String], songs: &[(&[f32], &[f32])]) -> TagMetrics {
    let per_tag: Vec<TagFigures> = labels
        .iter()
        .enumerate()
        .map(|(tag, label)| {
            let mut ranked: Vec<(f32, bool)> =
                songs.iter().map(|(target, row)| (row[tag], target[tag] >= 0.5)).collect();
            // `total_cmp`, because a damaged network may give NaN.
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            let support = ranked.iter().filter(|(_, has)| *has).count();
            // A ranking needs songs of both kinds.
            let defined = support > 0 && support < ranked.len();
            TagFigures {
                label: label.clone(),
                roc_auc: defined.then(|| roc_auc(&ranked, support)),
                pr_auc: defined.then(|| average_precision(&ranked, support)),
                support,
            }
        })
        .collect();
    let mean = |figure: fn(&TagFigures) -> Option<f64>| {
        let defined: Vec<f64> = per_tag.iter().filter_map(figure).collect();
        defined.iter().sum::<f64>() / defined.len().max(1) as f64
    };
    TagMetrics { n: songs.len(), roc_auc: mean(|tag| tag.roc_auc), pr_auc: mean(|tag| tag.pr_auc), per_tag }
}

/// For songs ranked from the highest probability down; pairs of equal probability count half.
fn roc_auc(ranked: &[(f32, bool)], with: usize) -> f64 {
    let without = ranked.len() - with;
    let (mut above, mut pairs) = (0.0, 0.0);
    for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
        let having = equal.iter().filter(|(_, has)| *has).count() as f64;
        let lacking = equal.len() as f64 - having;
        pairs += lacking * (above + having / 2.0);
        above += having;
    }
    pairs / (with as f64 * without as f64)
}

/// Equal probabilities share one rank, as in scikit-learn's `average_precision_score`.
fn average_precision(ranked: &[(f32, bool)], with: usize) -> f64 {
    let (mut found, mut seen, mut sum) = (0.0, 0.0, 0.0);
    for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
        let having = equal.iter().filter(|(_, has)| *has).count() as f64;
        found += having;
        seen += equal.len() as f64;
        sum += having * found / seen;
    }
    sum / with as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(predictions: &[(f32, f32)]) -> TagMetrics {
        let songs: Vec<([f32; 1], [f32; 1])> =
            predictions.iter().map(|&(target, probability)| ([target], [probability])).collect();
        let songs: Vec<(&[f32], &[f32])> = songs.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        tag_metrics(&["a".to_owned()], &songs)
    }

    #[test]
    fn figures_of_a_worked_example() {
        // scikit-learn 1.5: roc_auc_score 0.75, average_precision_score 0.8333 of y_true 0 0 1 1, y_score .1 .4 .35 .8.
        let found = figures(&[(0.0, 0.1), (0.0, 0.4), (1.0, 0.35), (1.0, 0.8)]);
        assert!((found.roc_auc - 0.75).abs() < 1e-12);
        assert!((found.pr_auc - 0.833_333_333_333).abs() < 1e-9);
        assert_eq!((found.n, found.per_tag[0].support), (4, 2));
    }

    #[test]
    fn equal_probabilities_are_chance() {
        let found = figures(&[(0.0, 0.5), (1.0, 0.5), (0.0, 0.5), (0.0, 0.5)]);
        assert_eq!((found.roc_auc, found.pr_auc), (0.5, 0.25));
    }

    #[test]
    fn a_tag_that_no_song_has_is_in_no_mean() {
        let songs: [(&[f32], &[f32]); 2] = [(&[1.0, 0.0], &[0.9, 0.2]), (&[0.0, 0.0], &[0.1, 0.7])];
        let found = tag_metrics(&["a".to_owned(), "b".to_owned()], &songs);
        assert_eq!((found.roc_auc, found.pr_auc, found.per_tag[1].roc_auc), (1.0, 1.0, None));
    }
}
