//! Sentences about the results of training: metrics, mistakes, curves, and runs side by side.

use crate::eval::confidence::Interval;
use crate::eval::metrics::{ClassFigures, Metrics};
use crate::eval::report::{EpochReport, Scores};
use crate::eval::tags::{TagFigures, TagMetrics};
use crate::view::format::count;
use crate::view::format::{NBSP, genre, milliseconds, percent, sentence};
use crate::view::train::compare::PairedComparison;
use crate::view::train::results::Outcome;
use crate::view::train::results::{Confused, Miss, TagMiss};

fn share(value: f64) -> String {
    percent(value as f32)
}

/// An area under a curve, as is usual: `0.87`.
fn area(value: f64) -> String {
    format!("{value:.2}")
}

/// What the metrics mean, and how far to trust them; first, why the run stopped before its end, if it did.
pub fn outcome(outcome: &Outcome) -> String {
    let warning = outcome.result.warning.clone();
    warning.map(|warning| sentence(format!("Warning: {warning}")) + " ").unwrap_or_default() + &metrics(outcome)
}

fn metrics(outcome: &Outcome) -> String {
    let time = format!("Training took {}.", milliseconds(outcome.result.milliseconds));
    if outcome.job.multi_label {
        let metrics = outcome.tag_metrics();
        return format!(
            "On {} of the validation split, it ranks a clip with a tag above one without it {} of the time (mean ROC-AUC {}; \
             guessing gives 0.50). Mean PR-AUC: {}. The fewer the clips, the less these numbers say. {time}",
            count(metrics.n, "clip"),
            share(metrics.roc_auc),
            area(metrics.roc_auc),
            area(metrics.pr_auc),
        );
    }
    let metrics = outcome.metrics();
    // The diagonal of the confusion matrix.
    let right: usize = (0..metrics.labels.len()).map(|label| metrics.confusion[label][label]).sum();
    let Interval { low, high } = outcome.interval();
    format!(
        "Of {} in the validation split, it classifies {right} correctly: an accuracy of {}. On more clips like these, the \
         accuracy would probably be between {} and {}; fewer clips make this interval wider. Balanced accuracy, with every class \
         counting equally, is {}. Guessing gives {}. {time}",
        count(metrics.n, "clip"),
        share(metrics.accuracy),
        share(low),
        share(high),
        share(metrics.balanced_accuracy),
        share(1.0 / metrics.labels.len().max(1) as f64),
    )
}

/// A cell of the confusion matrix, for screen readers.
pub fn cell(metrics: &Metrics, Confused { truth, answer, clips }: Confused) -> String {
    let [truth, answer] =
        [truth, answer].map(|label| metrics.labels.get(label).map(|label| genre(label)).unwrap_or_default());
    format!("{} of {truth} classified as {answer}", count(clips, "clip"))
}

/// The heading over the clips of a cell.
pub(crate) fn cell_heading(metrics: &Metrics, confused: Confused) -> String {
    format!("{}:", cell(metrics, confused))
}

/// The prediction for a clip: `a.wav: rock 62 %, pop 30 %, jazz 8 %`.
pub fn prediction(outcome: &Outcome, clip: usize) -> String {
    let name = outcome.job.clips.get(clip).map(|clip| clip.name.as_str()).unwrap_or_default();
    let label =
        |(label, probability): (usize, f32)| format!("{} {}", genre(&outcome.job.labels[label]), percent(probability));
    let top: Vec<String> = outcome.top(clip).into_iter().map(label).collect();
    format!("{name}: {}", top.join(", "))
}

/// The metrics of a class.
pub(crate) fn class_figures(class: &ClassFigures) -> [String; 5] {
    [class.label.clone(), share(class.precision), share(class.recall), share(class.f1), class.support.to_string()]
}

/// The headings of [`class_figures`].
pub(crate) const CLASS_HEADINGS: [&str; 5] = ["Class", "Precision", "Recall", "F1", "Clips (support)"];

/// The metrics of a tag.
pub(crate) fn tag_figures(tag: &TagFigures) -> [String; 4] {
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), area);
    [tag.label.clone(), shown(tag.roc_auc), shown(tag.pr_auc), tag.support.to_string()]
}

/// The headings of [`tag_figures`].
pub(crate) const TAG_HEADINGS: [&str; 4] = ["Tag", "ROC-AUC", "PR-AUC", "Clips (support)"];

/// The row of means under the tags.
pub(crate) fn tag_means(metrics: &TagMetrics) -> [String; 4] {
    ["mean".to_owned(), area(metrics.roc_auc), area(metrics.pr_auc), metrics.n.to_string()]
}

/// A clip that is classified wrongly.
pub(crate) fn miss(outcome: &Outcome, miss: &Miss) -> String {
    let (labels, clip) = (&outcome.job.labels, &outcome.job.clips[miss.clip]);
    format!(
        "{}: labelled {}, classified as {}; {} for the label",
        clip.name,
        genre(&labels[miss.truth]),
        genre(&labels[miss.answer]),
        percent(miss.of_truth)
    )
}

/// The clip whose prediction of a tag is most wrong.
pub(crate) fn tag_miss(outcome: &Outcome, miss: &TagMiss) -> String {
    let (tag, clip) = (genre(&outcome.job.labels[miss.tag]), &outcome.job.clips[miss.clip]);
    let has = if miss.has { "has this tag" } else { "does not have this tag" };
    format!("{tag}: {} {has}, predicted {}", clip.name, percent(miss.probability))
}

/// A button that plays a clip: its text, and its name for screen readers.
pub fn play(outcome: &Outcome, clip: usize) -> [String; 2] {
    let name = outcome.job.clips.get(clip).map(|clip| clip.name.as_str()).unwrap_or_default();
    ["Play".to_owned(), format!("Play {name}")]
}

/// The first score: `accuracy 83 %`, `mean ROC-AUC 0.87`.
fn score(scores: &Scores) -> String {
    match scores {
        Scores::Classes { accuracy, .. } => format!("accuracy {}", share(*accuracy)),
        Scores::Tags { roc_auc, .. } => format!("mean ROC-AUC {}", area(*roc_auc)),
    }
}

/// The state of the run after its last epoch.
pub fn epochs(epochs: &[EpochReport]) -> Option<String> {
    let last = epochs.last()?;
    let mut text = format!(
        "Epoch {}: training loss {:.2}, validation loss {:.2}, {}.",
        last.epoch,
        last.train_loss,
        last.valid_loss,
        score(&last.valid)
    );
    if let Some(best) = epochs.iter().rev().find(|epoch| epoch.best) {
        text += &format!(" Best so far: epoch {}, {}.", best.epoch, score(&best.valid));
    }
    if let Some(lowest) = overfits(epochs) {
        text += &format!(
            " Since epoch {lowest} the validation loss has risen while the training loss fell: the network begins to overfit."
        );
    }
    Some(text)
}

/// The epoch of the lowest validation loss, if it has clearly risen since while the training loss fell.
fn overfits(epochs: &[EpochReport]) -> Option<usize> {
    let last = epochs.last()?;
    let lowest = epochs.iter().min_by(|a, b| a.valid_loss.total_cmp(&b.valid_loss))?;
    let since = last.epoch - lowest.epoch;
    // Losses of a few clips fluctuate: five epochs and a tenth are beyond that.
    (since >= 5 && last.valid_loss > 1.1 * lowest.valid_loss && last.train_loss < lowest.train_loss)
        .then_some(lowest.epoch)
}

/// The curves in words, for screen readers.
pub fn curves(epochs: &[EpochReport]) -> String {
    let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else { return String::new() };
    let best = epochs.iter().rev().find(|epoch| epoch.best).unwrap_or(last);
    format!(
        "Curves over {}: training loss from {:.2} to {:.2}, validation loss from {:.2} to {:.2}; {} at the end and {} at best, \
         after epoch {}.",
        count(last.epoch, "epoch"),
        first.train_loss,
        last.train_loss,
        first.valid_loss,
        last.valid_loss,
        score(&last.valid),
        score(&best.valid),
        best.epoch
    )
}

/// The headings of the table of runs.
pub(crate) const RUN_HEADINGS: [&str; 10] = [
    "Compare",
    "When",
    "Name",
    "Model",
    "Clips",
    "Settings that differ",
    "Accuracy (interval)",
    "Balanced accuracy",
    "Training time",
    "Actions",
];

/// The cells of a run in the table, from its name on.
pub fn run(outcome: &Outcome, model: String, differing: &[(String, String)]) -> [String; 7] {
    let settings: Vec<String> = differing.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let (accuracy, balanced) = if outcome.job.multi_label {
        (format!("ROC-AUC {}", area(outcome.tag_metrics().roc_auc)), "–".to_owned())
    } else {
        let (metrics, Interval { low, high }) = (outcome.metrics(), outcome.interval());
        let accuracy = format!("{} ({} to {})", share(metrics.accuracy), share(low), share(high));
        (accuracy, share(metrics.balanced_accuracy))
    };
    [
        outcome.card.name.clone(),
        model,
        outcome.job.clips.len().to_string(),
        settings.join(", "),
        accuracy,
        balanced,
        milliseconds(outcome.result.milliseconds),
    ]
}

/// A control of a run: its text, and its name for screen readers.
pub(crate) fn run_button(act: &str, name: &str) -> [String; 2] {
    match act {
        "show" => ["Show".to_owned(), format!("Show the results of {name}")],
        "compare" => [String::new(), format!("Compare {name}")],
        _ => ["Delete".to_owned(), format!("Delete the run of {name}")],
    }
}

/// Whether one network is significantly better than another, among so many comparisons.
pub fn comparison(first: &str, second: &str, comparison: Option<PairedComparison>, comparisons: usize) -> String {
    let Some(comparison) = comparison else {
        return format!(
            "{first} and {second} cannot be compared clip by clip: their validation splits share no clip, or the labels are tags."
        );
    };
    let PairedComparison { shared, only_first, only_second, probability } = comparison;
    let both = format!("Of {} in both validation splits,", count(shared, "clip"));
    // Equal counts are no evidence either way; a p-value of 1 would only confuse.
    if only_first == only_second {
        return format!("{both} {first} and {second} classify equally many correctly.");
    }
    let (better, other, more, fewer) = if only_first > only_second {
        (first, second, only_first, only_second)
    } else {
        (second, first, only_second, only_first)
    };
    // Said only with the correction: of twenty comparisons one is significant by chance.
    let verdict = if comparison.is_significant(comparisons) {
        format!("{better} is significantly better")
    } else {
        "that may be chance; more clips would tell".to_owned()
    };
    format!(
        "{both} {more} are classified correctly by {better} alone and {fewer} by {other} alone; {verdict} \
         (p{NBSP}={NBSP}{probability:.3})."
    )
}

/// The curves of several runs in words.
pub fn together(names: &[String]) -> String {
    format!("Curves of the validation score by epoch, of {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(epoch: usize, train_loss: f64, valid_loss: f64, best: bool) -> EpochReport {
        let valid = Scores::Classes { accuracy: 0.5, balanced_accuracy: 0.5 };
        EpochReport { epoch, train_loss, step_losses: vec![], valid_loss, valid, best }
    }

    fn plain(text: &str) -> String {
        text.replace(NBSP, " ")
    }

    #[test]
    fn a_run_is_described_in_words() {
        let run: Vec<EpochReport> = (1..=12)
            .map(|epoch| {
                report(epoch, 2.0 / epoch as f64, if epoch < 4 { 1.5 } else { 1.0 + 0.1 * epoch as f64 }, epoch == 4)
            })
            .collect();
        let text = plain(&epochs(&run).unwrap_or_default());
        assert!(text.starts_with("Epoch 12: training loss 0.17, validation loss 2.20, accuracy 50 %."), "{text}");
        assert!(text.contains("Best so far: epoch 4, accuracy 50 %"), "{text}");
        assert!(text.contains("Since epoch 4 the validation loss"), "{text}");
        assert!(!epochs(&run[..6]).unwrap_or_default().contains("overfit"), "two epochs say nothing yet");
        assert!(curves(&run).contains("at best, after epoch 4"));
        assert_eq!((epochs(&[]), curves(&[])), (None, String::new()));
    }

    #[test]
    fn a_run_that_diverged_says_so_before_its_figures() {
        let mut outcome = crate::view::train::results::tests::outcome(&[[0.9, 0.1], [0.2, 0.8]]);
        assert!(super::outcome(&outcome).starts_with("Of "), "{}", super::outcome(&outcome));
        outcome.result.warning = Some("the loss became NaN".to_owned());
        let text = super::outcome(&outcome);
        assert!(text.starts_with("Warning: the loss became NaN. Of "), "{text}");
    }

    #[test]
    fn a_difference_by_chance_is_called_so() {
        let said = |only_first, only_second, comparisons| {
            let probability = crate::eval::mcnemar::sign_test(only_first, only_second);
            plain(&comparison(
                "a",
                "b",
                Some(PairedComparison { shared: 20, only_first, only_second, probability }),
                comparisons,
            ))
        };
        assert!(said(2, 2, 1).contains("equally many"));
        assert!(said(1, 3, 1).contains("3 are classified correctly by b alone and 1 by a alone; that may be chance"));
        assert!(said(8, 0, 1).contains("a is significantly better (p = 0.008)"));
        assert!(said(8, 0, 10).contains("may be chance"), "of ten comparisons one is significant by chance");
        assert!(comparison("a", "b", None, 1).contains("cannot be compared"));
    }
}
