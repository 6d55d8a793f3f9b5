//! How good answers with many labels (tags) are.

use serde::{Deserialize, Serialize};

/// Figures over songs, each tag for itself and their mean (macro average, as is usual for MagnaTagATune).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagMetrics {
    /// Songs.
    pub n: usize,
    /// Mean of the tags' [`TagFigures::roc_auc`].
    pub roc_auc: f64,
    /// Mean of the tags' [`TagFigures::pr_auc`].
    pub pr_auc: f64,
    /// Every tag; those that all songs or no songs have are not in the means.
    pub per_tag: Vec<TagFigures>,
}

/// One tag's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagFigures {
    /// The tag.
    pub label: String,
    /// Area under the receiver operating characteristic: how often a song with the tag is put above one without. `None`
    /// where all songs have it or none has.
    pub roc_auc: Option<f64>,
    /// Area under the precision-recall curve, as average precision: the mean, over the songs with the tag, of the
    /// precision down to them.
    pub pr_auc: Option<f64>,
    /// Songs that have the tag.
    pub support: usize,
}

/// The figures of songs given as target (0.5 or more is "has the tag") and answer, one value a label.
pub fn tag_metrics(labels: &[String], songs: &[(&[f32], &[f32])]) -> TagMetrics {
    let per_tag: Vec<TagFigures> = labels
        .iter()
        .enumerate()
        .map(|(tag, label)| {
            let mut ranked: Vec<(f32, bool)> =
                songs.iter().map(|(target, answer)| (answer[tag], target[tag] >= 0.5)).collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            let support = ranked.iter().filter(|(_, has)| *has).count();
            let told = support > 0 && support < ranked.len();
            TagFigures {
                label: label.clone(),
                roc_auc: told.then(|| roc_auc(&ranked, support)),
                pr_auc: told.then(|| average_precision(&ranked, support)),
                support,
            }
        })
        .collect();
    let mean = |figure: fn(&TagFigures) -> Option<f64>| {
        let told: Vec<f64> = per_tag.iter().filter_map(figure).collect();
        told.iter().sum::<f64>() / told.len().max(1) as f64
    };
    TagMetrics { n: songs.len(), roc_auc: mean(|tag| tag.roc_auc), pr_auc: mean(|tag| tag.pr_auc), per_tag }
}

/// Of songs ranked from the highest answer down; equal answers count half.
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

/// Equal answers are taken together, as scikit-learn's `average_precision_score` does.
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

    fn figures(answers: &[(f32, f32)]) -> TagMetrics {
        let songs: Vec<([f32; 1], [f32; 1])> = answers.iter().map(|&(target, answer)| ([target], [answer])).collect();
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
    fn equal_answers_are_chance() {
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
