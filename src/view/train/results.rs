//! The results of a training run: metrics, the confusion matrix, and the clips that are classified wrongly.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::card::Card;
use crate::eval::confidence::{Interval, wilson};
use crate::eval::metrics::{Metrics, argmax, metrics};
use crate::eval::tags::{TagMetrics, tag_metrics};
use crate::training_job::{LabelledClip, Split, TrainingJob, TrainingResult};

/// The most misses that are listed.
const MISSES: usize = 8;
/// The most labels of a confusion matrix; with more, the most confused pairs are listed.
pub(crate) const MATRIX_LABELS: usize = 40;
/// The most pairs that are listed.
// Longer lists are not read; the table of metrics has every class.
const PAIRS: usize = 30;
/// The most tags whose worst misses are listed.
const TAG_MISSES: usize = 20;
/// The most labels in the prediction for a clip.
const TOP: usize = 3;

/// A finished training run, to be compared with others.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// When it ended, in milliseconds since 1970.
    pub when: f64,
    /// Its results.
    pub outcome: Rc<Outcome>,
}

/// A trained network and its results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The card of the new network.
    pub card: Card,
    /// The training job, its clips split.
    // The names under which earlier versions stored it.
    #[serde(alias = "lesson")]
    pub job: TrainingJob,
    /// The epochs, the predictions for all clips, and the time.
    #[serde(alias = "learned")]
    pub result: TrainingResult,
}

/// A clip that is classified wrongly.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// Its index in the job.
    pub clip: usize,
    /// The index of its label.
    pub truth: usize,
    /// The index of the predicted label.
    pub answer: usize,
    /// The predicted probability of its label, 0 to 1.
    pub of_truth: f32,
}

/// The clip whose prediction of a tag is most wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct TagMiss {
    /// Its index in the job.
    pub clip: usize,
    /// The index of the tag.
    pub tag: usize,
    /// True if it has the tag.
    pub has: bool,
    /// The predicted probability of the tag, 0 to 1.
    pub probability: f32,
}

/// A cell of the confusion matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confused {
    /// The index of the label that the clips have.
    pub truth: usize,
    /// The index of the label that is predicted.
    pub answer: usize,
    /// The number of clips.
    pub clips: usize,
}

impl Outcome {
    /// Every clip with a complete prediction, by its index. Results that were stored by other versions may lack some.
    fn predicted(&self) -> impl Iterator<Item = (usize, &LabelledClip, &[f32])> {
        let labels = self.job.labels.len();
        let clips = self.job.clips.iter().zip(&self.result.answers).enumerate();
        let answered = clips.map(|(place, (clip, answer))| (place, clip, answer.as_slice()));
        answered.filter(move |(_, clip, answer)| {
            labels > 0 && answer.len() == labels && clip.labels.iter().all(|&label| label < labels)
        })
    }

    /// The clips of the validation split.
    fn validated(&self) -> impl Iterator<Item = (usize, &LabelledClip, &[f32])> {
        self.predicted().filter(|(_, clip, _)| clip.split == Split::Valid)
    }

    /// The clips of the validation split by index, label and predicted label, if clips have one label.
    pub fn classified(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.validated().filter_map(|(place, clip, answer)| Some((place, *clip.labels.first()?, argmax(answer))))
    }

    /// Metrics on the validation split.
    pub fn metrics(&self) -> Metrics {
        let pairs: Vec<(usize, usize)> = self.classified().map(|(_, truth, answer)| (truth, answer)).collect();
        metrics(&self.job.labels, &pairs)
    }

    /// Metrics on the validation split, if clips may have several labels.
    pub(crate) fn tag_metrics(&self) -> TagMetrics {
        let labels = self.job.labels.len();
        // The metrics take targets of any kind, hence 0 and 1 as numbers.
        let target =
            |clip: &LabelledClip| (0..labels).map(|label| f32::from(u8::from(clip.labels.contains(&label)))).collect();
        let songs: Vec<(Vec<f32>, &[f32])> = self.validated().map(|(_, clip, answer)| (target(clip), answer)).collect();
        let songs: Vec<(&[f32], &[f32])> = songs.iter().map(|(target, answer)| (target.as_slice(), *answer)).collect();
        tag_metrics(&self.job.labels, &songs)
    }

    /// The 95 % confidence interval of the accuracy (Wilson).
    pub(crate) fn interval(&self) -> Interval {
        let (all, right) = self
            .classified()
            .fold((0, 0), |(all, right), (_, truth, answer)| (all + 1, right + usize::from(truth == answer)));
        wilson(right, all)
    }

    /// The worst misses first, of both splits: a label may be wrong.
    pub fn misses(&self) -> Vec<Miss> {
        let miss = |(clip, own, answer): (usize, &LabelledClip, &[f32])| {
            let truth = *own.labels.first()?;
            let miss = Miss { clip, truth, answer: argmax(answer), of_truth: answer[truth] };
            // A correct prediction is no miss, however unsure it is.
            (miss.answer != miss.truth).then_some(miss)
        };
        let mut misses: Vec<Miss> = self.predicted().filter_map(miss).collect();
        misses.sort_by(|a, b| a.of_truth.total_cmp(&b.of_truth));
        misses.truncate(MISSES);
        misses
    }

    /// For every tag the clip with the most wrong prediction, if that is more wrong than right; the worst first.
    pub(crate) fn tag_misses(&self) -> Vec<TagMiss> {
        let wrong = |miss: &TagMiss| if miss.has { 1.0 - miss.probability } else { miss.probability };
        let worst = |tag: usize| {
            let of = self.predicted().map(|(clip, own, answer)| TagMiss {
                clip,
                tag,
                has: own.labels.contains(&tag),
                probability: answer[tag],
            });
            of.max_by(|a, b| wrong(a).total_cmp(&wrong(b))).filter(|miss| wrong(miss) > 0.5)
        };
        let mut misses: Vec<TagMiss> = (0..self.job.labels.len()).filter_map(worst).collect();
        misses.sort_by(|a, b| wrong(b).total_cmp(&wrong(a)));
        misses.truncate(TAG_MISSES);
        misses
    }

    /// The clips in a cell of the confusion matrix, by index.
    pub fn cell(&self, truth: usize, answer: usize) -> Vec<usize> {
        let own = self.classified().filter(|(_, had, given)| (*had, *given) == (truth, answer));
        own.map(|(place, ..)| place).collect()
    }

    /// The most probable labels of a clip with their probabilities.
    pub fn top(&self, clip: usize) -> Vec<(usize, f32)> {
        let answer = self.result.answers.get(clip).map(Vec::as_slice).unwrap_or_default();
        let mut all: Vec<(usize, f32)> = answer.iter().copied().enumerate().collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        // A stored prediction may be longer than its labels.
        all.retain(|(label, _)| *label < self.job.labels.len());
        all.truncate(TOP);
        all
    }
}

/// The pairs of labels that are confused most often, the most frequent first.
pub(crate) fn confused(metrics: &Metrics) -> Vec<Confused> {
    let rows = metrics.confusion.iter().enumerate();
    let cells = rows
        .flat_map(|(truth, row)| row.iter().enumerate().map(move |(answer, &clips)| Confused { truth, answer, clips }));
    let mut pairs: Vec<Confused> = cells.filter(|cell| cell.truth != cell.answer && cell.clips > 0).collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.clips));
    pairs.truncate(PAIRS);
    pairs
}

#[cfg(test)]
pub(in crate::view) mod tests {
    use super::*;
    use crate::recipe::Recipe;
    use crate::view::train::model_options::{ModelChoices, model_spec};

    /// Clips of two labels in turn, of which the first two are in the training split.
    pub fn outcome(answers: &[[f32; 2]]) -> Outcome {
        let clip = |index: usize| LabelledClip {
            id: index.to_string(),
            name: format!("{index}.wav"),
            group: None,
            labels: vec![index % 2],
            split: if index < 2 { Split::Train } else { Split::Valid },
        };
        let job = TrainingJob {
            name: "mine".to_owned(),
            labels: ["a", "b"].map(String::from).to_vec(),
            multi_label: false,
            model: model_spec("lens", &ModelChoices::default(), &[]),
            clips: (0..answers.len()).map(clip).collect(),
            recipe: Recipe::default(),
        };
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        let result = TrainingResult { epochs: Vec::new(), warning: None, answers, parameters: 1, milliseconds: 1.0 };
        Outcome { card: crate::view::classify::words::tests::in_use().card, job, result }
    }

    const ANSWERS: [[f32; 2]; 6] = [[0.1, 0.9], [0.0, 1.0], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0.1, 0.9]];

    #[test]
    fn only_the_validation_split_counts() {
        let outcome = outcome(&ANSWERS);
        let metrics = outcome.metrics();
        assert_eq!((metrics.n, metrics.accuracy), (4, 0.75));
        assert_eq!(metrics.confusion, [[1, 1], [0, 2]]);
        let Interval { low, high } = outcome.interval();
        assert!(low > 0.25 && low < 0.35 && high > 0.9 && high < 1.0, "{low} {high}");
        let misses: Vec<usize> = outcome.misses().iter().map(|miss| miss.clip).collect();
        assert_eq!(misses, [0, 4], "the worst first, of both splits");
    }

    #[test]
    fn a_cell_has_its_clips() {
        let outcome = outcome(&ANSWERS);
        let confusion = outcome.metrics().confusion;
        for (truth, row) in confusion.iter().enumerate() {
            for (answer, clips) in row.iter().enumerate() {
                assert_eq!(outcome.cell(truth, answer).len(), *clips, "{truth} {answer}");
            }
        }
        assert_eq!((outcome.cell(0, 1), outcome.cell(9, 9)), (vec![4], vec![]));
        assert_eq!(outcome.top(4), [(1, 0.6), (0, 0.4)]);
        assert_eq!(outcome.top(99), []);
    }

    #[test]
    fn the_most_confused_come_first() {
        let labels: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        let found = confused(&metrics(&labels, &[(0, 0), (0, 1), (2, 1), (2, 1), (1, 1)]));
        let pair = |truth, answer, clips| Confused { truth, answer, clips };
        assert_eq!(found, [pair(2, 1, 2), pair(0, 1, 1)]);
        let many: Vec<String> = (0..300).map(|label| label.to_string()).collect();
        let pairs: Vec<(usize, usize)> = (0..300).map(|label| (label, (label + 1) % 300)).collect();
        assert_eq!(confused(&metrics(&many, &pairs)).len(), PAIRS);
    }

    #[test]
    fn tags_have_metrics_of_their_own() {
        let mut outcome = outcome(&ANSWERS);
        outcome.job.multi_label = true;
        outcome.job.clips[3].labels = vec![0, 1];
        let metrics = outcome.tag_metrics();
        assert_eq!((metrics.n, metrics.per_tag[0].support, metrics.per_tag[1].support), (4, 3, 2));
        // Tag b is on the clips with 0.7 and 0.9, and not on those with 0.2 and 0.6.
        assert_eq!(metrics.per_tag[1].roc_auc, Some(1.0));
        let misses: Vec<(usize, usize, bool)> =
            outcome.tag_misses().iter().map(|miss| (miss.tag, miss.clip, miss.has)).collect();
        assert_eq!(misses.len(), 2);
        assert!(misses.contains(&(0, 0, true)) && misses.contains(&(1, 0, false)), "{misses:?}");
    }

    #[test]
    fn an_incomplete_outcome_has_fewer_metrics_and_no_panic() {
        let mut outcome = outcome(&ANSWERS);
        outcome.result.answers[2] = vec![0.5];
        outcome.job.clips[3].labels = vec![7];
        outcome.result.answers.truncate(5);
        assert_eq!((outcome.metrics().n, outcome.tag_metrics().n), (1, 1));
        outcome.job.labels.clear();
        assert_eq!((outcome.metrics().n, outcome.misses().len(), outcome.tag_misses().len()), (0, 0, 0));
    }
}
