//! The sentences about what came of lessons: figures, mistakes, curves, and lessons beside each other.

use crate::eval::confidence::Interval;
use crate::eval::metrics::{ClassFigures, Metrics};
use crate::eval::report::{EpochReport, Scores};
use crate::eval::tags::{TagFigures, TagMetrics};
use crate::view::format::count;
use crate::view::format::{NBSP, genre, milliseconds, percent};
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

/// What the outcome means, and how far to trust it.
pub fn outcome(outcome: &Outcome) -> String {
    let time = format!("It learned for {}.", milliseconds(outcome.result.milliseconds));
    if outcome.job.multi_label {
        let metrics = outcome.tag_metrics();
        return format!(
            "On {} that it never learned from, it puts one with a tag above one without it {} of the time (mean ROC-AUC {}; \
             half would be a guess). Mean PR-AUC: {}. The fewer the clips, the less these numbers say. {time}",
            count(metrics.n, "clip"),
            share(metrics.roc_auc),
            area(metrics.roc_auc),
            area(metrics.pr_auc),
        );
    }
    let metrics = outcome.metrics();
    let right: usize = (0..metrics.labels.len()).map(|label| metrics.confusion[label][label]).sum();
    let Interval { low, high } = outcome.interval();
    format!(
        "Of {} that it never learned from, it names {right} rightly ({}). Clips like these it would name rightly between \
         {} and {} of the time: the fewer the clips, the wider that is. With every class counting alike it is {} (balanced \
         accuracy). A guess would be right {} of the time. {time}",
        count(metrics.n, "clip"),
        share(metrics.accuracy),
        share(low),
        share(high),
        share(metrics.balanced_accuracy),
        share(1.0 / metrics.labels.len().max(1) as f64),
    )
}

/// A cell of the confusion matrix, for those who do not see where it stands.
pub fn cell(metrics: &Metrics, Confused { truth, answer, clips }: Confused) -> String {
    let [truth, answer] =
        [truth, answer].map(|label| metrics.labels.get(label).map(|label| genre(label)).unwrap_or_default());
    format!("{} of {truth} named {answer}", count(clips, "clip"))
}

/// The heading over the clips of a cell.
pub fn cell_heading(metrics: &Metrics, confused: Confused) -> String {
    format!("{}:", cell(metrics, confused))
}

/// What it says of a clip: `a.wav: rock 62 %, pop 30 %, jazz 8 %`.
pub fn said(outcome: &Outcome, clip: usize) -> String {
    let name = outcome.job.clips.get(clip).map(|clip| clip.name.as_str()).unwrap_or_default();
    let label =
        |(label, probability): (usize, f32)| format!("{} {}", genre(&outcome.job.labels[label]), percent(probability));
    let top: Vec<String> = outcome.top(clip).into_iter().map(label).collect();
    format!("{name}: {}", top.join(", "))
}

/// How good it is on one class.
pub fn class_figures(class: &ClassFigures) -> [String; 5] {
    [class.label.clone(), share(class.precision), share(class.recall), share(class.f1), class.support.to_string()]
}

/// The headings of [`class_figures`].
pub const CLASS_HEADINGS: [&str; 5] = ["Class", "Precision", "Recall", "F1", "Clips (support)"];

/// How good it is on one tag.
pub fn tag_figures(tag: &TagFigures) -> [String; 4] {
    let told = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), area);
    [tag.label.clone(), told(tag.roc_auc), told(tag.pr_auc), tag.support.to_string()]
}

/// The headings of [`tag_figures`].
pub const TAG_HEADINGS: [&str; 4] = ["Tag", "ROC-AUC", "PR-AUC", "Clips (support)"];

/// The row of means under the tags.
pub fn tag_means(metrics: &TagMetrics) -> [String; 4] {
    ["mean".to_owned(), area(metrics.roc_auc), area(metrics.pr_auc), metrics.n.to_string()]
}

/// A clip that it got wrong.
pub fn miss(outcome: &Outcome, miss: &Miss) -> String {
    let (labels, clip) = (&outcome.job.labels, &outcome.job.clips[miss.clip]);
    format!(
        "{}: you call it {}, it says {}; {} for yours",
        clip.name,
        genre(&labels[miss.truth]),
        genre(&labels[miss.answer]),
        percent(miss.of_truth)
    )
}

/// The clip of a tag that it got most wrong.
pub fn tag_miss(outcome: &Outcome, miss: &TagMiss) -> String {
    let (tag, clip) = (genre(&outcome.job.labels[miss.tag]), &outcome.job.clips[miss.clip]);
    let has = if miss.has { "has it" } else { "does not have it" };
    format!("{tag}: {} {has}, it says {}", clip.name, percent(miss.probability))
}

/// A button that plays a clip: its label, and its name for those who do not see where it stands.
pub fn play(outcome: &Outcome, clip: usize) -> [String; 2] {
    let name = outcome.job.clips.get(clip).map(|clip| clip.name.as_str()).unwrap_or_default();
    ["Play".to_owned(), format!("Play {name}")]
}

/// What a score is: `83 % named rightly`, `mean ROC-AUC 0.87`.
fn score(scores: &Scores) -> String {
    match scores {
        Scores::Classes { accuracy, .. } => format!("{} named rightly", share(*accuracy)),
        Scores::Tags { roc_auc, .. } => format!("mean ROC-AUC {}", area(*roc_auc)),
    }
}

/// How the run stands, after its last epoch.
pub fn epochs(epochs: &[EpochReport]) -> Option<String> {
    let last = epochs.last()?;
    let mut text = format!(
        "Epoch {}: loss {:.2} on clips to learn from, {:.2} on those to judge by; {}.",
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
            " Since epoch {lowest} the loss on clips to judge by has risen while the other fell: it begins to learn by heart."
        );
    }
    Some(text)
}

/// Where the loss on clips to judge by was lowest, if it has clearly risen since while that on the others fell.
fn overfits(epochs: &[EpochReport]) -> Option<usize> {
    let last = epochs.last()?;
    let lowest = epochs.iter().min_by(|a, b| a.valid_loss.total_cmp(&b.valid_loss))?;
    let since = last.epoch - lowest.epoch;
    (since >= 5 && last.valid_loss > 1.1 * lowest.valid_loss && last.train_loss < lowest.train_loss)
        .then_some(lowest.epoch)
}

/// The curves in words, for whoever does not see them.
pub fn curves(epochs: &[EpochReport]) -> String {
    let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else { return String::new() };
    let best = epochs.iter().rev().find(|epoch| epoch.best).unwrap_or(last);
    format!(
        "Curves over {}: the loss on clips to learn from goes from {:.2} to {:.2}, on those to judge by from {:.2} to {:.2}; \
         of those, {} in the end and {} at best, after epoch {}.",
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
pub const RUN_HEADINGS: [&str; 10] = [
    "Compare",
    "When",
    "Name",
    "Who learned",
    "Clips",
    "Settings that differ",
    "Right (interval)",
    "Balanced accuracy",
    "It learned for",
    "Do",
];

/// The cells of a run in the table, from its name on.
pub fn run(outcome: &Outcome, who: String, differing: &[(&str, String)]) -> [String; 7] {
    let settings: Vec<String> = differing.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let (right, balanced) = if outcome.job.multi_label {
        (format!("ROC-AUC {}", area(outcome.tag_metrics().roc_auc)), "–".to_owned())
    } else {
        let (metrics, Interval { low, high }) = (outcome.metrics(), outcome.interval());
        let right = format!("{} ({} to {})", share(metrics.accuracy), share(low), share(high));
        (right, share(metrics.balanced_accuracy))
    };
    [
        outcome.card.name.clone(),
        who,
        outcome.job.clips.len().to_string(),
        settings.join(", "),
        right,
        balanced,
        milliseconds(outcome.result.milliseconds),
    ]
}

/// What a button of a run does, for those who do not see where it stands: its label and its name.
pub fn run_button(act: &str, name: &str) -> [String; 2] {
    match act {
        "look" => ["Look at it".to_owned(), format!("Look at {name} again")],
        "compare" => [String::new(), format!("Compare {name}")],
        _ => ["Forget".to_owned(), format!("Forget the run of {name}")],
    }
}

/// Whether one is better than the other by more than chance, among so many comparisons.
pub fn comparison(first: &str, second: &str, comparison: Option<PairedComparison>, comparisons: usize) -> String {
    let Some(comparison) = comparison else {
        return format!(
            "{first} and {second} cannot be compared clip by clip: no clip was held back from both, or clips have many labels."
        );
    };
    let PairedComparison { shared, only_first, only_second, probability } = comparison;
    let both = format!("Of {} that neither learned from,", count(shared, "clip"));
    if only_first == only_second {
        return format!("{both} {first} and {second} name equally many rightly: no difference is to be seen.");
    }
    let (better, other, more, fewer) = if only_first > only_second {
        (first, second, only_first, only_second)
    } else {
        (second, first, only_second, only_first)
    };
    let verdict = if comparison.is_more_than_chance(comparisons) {
        format!("{better} is better, by more than chance")
    } else {
        "that may well be chance: more clips would tell".to_owned()
    };
    format!(
        "{both} {better} alone names {more} rightly and {other} alone {fewer}; {verdict} (p{NBSP}={NBSP}{probability:.3})."
    )
}

/// The pictures of several runs in words.
pub fn together(names: &[String]) -> String {
    format!("Curves of what was named rightly of the clips to judge by, epoch by epoch, of {}", names.join(", "))
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
    fn a_run_is_told_in_words() {
        let run: Vec<EpochReport> = (1..=12)
            .map(|epoch| {
                report(epoch, 2.0 / epoch as f64, if epoch < 4 { 1.5 } else { 1.0 + 0.1 * epoch as f64 }, epoch == 4)
            })
            .collect();
        let told = plain(&epochs(&run).unwrap_or_default());
        assert!(
            told.starts_with(
                "Epoch 12: loss 0.17 on clips to learn from, 2.20 on those to judge by; 50 % named rightly."
            ),
            "{told}"
        );
        assert!(told.contains("Best so far: epoch 4, 50 %"), "{told}");
        assert!(told.contains("Since epoch 4 the loss"), "{told}");
        assert!(!epochs(&run[..6]).unwrap_or_default().contains("by heart"), "two epochs say nothing yet");
        assert!(curves(&run).contains("at best, after epoch 4"));
        assert_eq!((epochs(&[]), curves(&[])), (None, String::new()));
    }

    #[test]
    fn chance_is_called_chance() {
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
        assert!(said(1, 3, 1).contains("b alone names 3 rightly and a alone 1; that may well be chance"));
        assert!(said(8, 0, 1).contains("a is better, by more than chance (p = 0.008)"));
        assert!(said(8, 0, 10).contains("may well be chance"), "of ten comparisons one looks like more");
        assert!(comparison("a", "b", None, 1).contains("cannot be compared"));
    }
}
