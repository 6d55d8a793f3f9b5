//! TrainingState: what is collected, how a lesson goes, what came of it.

use std::collections::HashMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::card::Card;
use crate::eval::report::EpochReport;
use crate::protocol::{ArchitectureInfo, EngineKind, TrainControl};
use crate::training_job::{ClipId, TrainingJob, TrainingResult};
use crate::view::classify::networks::Catalogue;
use crate::view::draw::thumbnail::Thumbnail;
use crate::view::train::dataset::Dataset;
use crate::view::train::recording::Recording;

/// Where a lesson is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stage {
    /// None is held.
    #[default]
    Idle,
    /// Files are being taken in.
    Adding {
        /// Files taken in.
        done: usize,
        /// All of them; 0 while they come out of an archive, and nobody knows.
        total: usize,
    },
    /// The collection is being made one file.
    Packing {
        /// Clips packed.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// The networks that the new one listens through are being fetched, or the engine started.
    Preparing {
        /// Bytes that are there.
        fetched: u64,
        /// All of them.
        total: u64,
    },
    /// The clips are being heard.
    Embedding {
        /// Clips heard.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// The network learns.
    Training {
        /// Steps made.
        step: usize,
        /// Steps in all.
        steps: usize,
        /// What the user asked for.
        control: TrainControl,
    },
}

impl Stage {
    /// Its name in the page's `data-stage`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Adding { .. } => "adding",
            Self::Packing { .. } => "packing",
            Self::Preparing { .. } => "preparing",
            Self::Embedding { .. } => "embedding",
            Self::Training { .. } => "training",
        }
    }
}

/// What the client tells of a lesson.
#[derive(Debug, Clone)]
pub enum TrainingEvent {
    /// What it needs is being fetched.
    Preparing {
        /// Bytes that are there.
        fetched: u64,
        /// All of them.
        total: u64,
    },
    /// So many of its clips are heard.
    Embedding {
        /// Clips heard.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// A clip was heard, of so many seconds, or cannot be: a sentence.
    Embedded {
        /// Which one.
        clip: ClipId,
        /// What came of it.
        outcome: Result<f64, String>,
    },
    /// The beginning of a clip was heard, for a picture of it.
    Thumbnail {
        /// Which one.
        clip: ClipId,
        /// The picture.
        thumbnail: Thumbnail,
    },
    /// A step was made.
    Step {
        /// Steps made.
        step: usize,
        /// Steps in all.
        steps: usize,
    },
    /// An epoch is over.
    Epoch(EpochReport),
    /// What the training goes on from, should it end here.
    Checkpoint(Rc<ResumePoint>),
    /// Its engine ended, and another goes on.
    Again {
        /// Which engine ended.
        ended: EngineKind,
        /// After so many epochs; 0 from the beginning.
        epoch: usize,
        /// The windows of a step from now on, where the same kind of engine goes on with fewer.
        batch: Option<usize>,
    },
    /// The network has learned.
    Trained(Rc<Outcome>),
    /// It came to nothing: a sentence.
    Failed(String),
    /// It was given up.
    Cancelled,
}

/// A training on its way, to go on from.
#[derive(Clone, PartialEq)]
pub struct ResumePoint {
    /// The lesson, its clips divided already.
    pub job: TrainingJob,
    /// Epochs that are over.
    pub epoch: usize,
    /// What the engine goes on from: an [`Event::Checkpoint`](crate::protocol::Event::Checkpoint)'s payload.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for ResumePoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ResumePoint of {} after epoch {}", self.job.name, self.epoch)
    }
}

/// A lesson that was held, to be compared with others.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// When it ended, in milliseconds since 1970.
    pub when: f64,
    /// What came of it.
    pub outcome: Rc<Outcome>,
}

/// What came of a lesson.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The new network's card.
    pub card: Card,
    /// What was taught, as it was in the end.
    #[serde(alias = "lesson")]
    pub job: TrainingJob,
    /// What was learned.
    #[serde(alias = "learned")]
    pub result: TrainingResult,
}

/// The most lessons that are remembered.
const RUNS: usize = 50;

/// Everything about teaching that the page shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrainingState {
    /// The clips.
    pub dataset: Dataset,
    /// Small pictures of them, as far as they were looked at.
    pub thumbnails: HashMap<ClipId, Thumbnail>,
    /// What is being recorded.
    pub recording: Option<Recording>,
    /// Where the lesson is.
    pub stage: Stage,
    /// What it told so far.
    pub epochs: Rc<Vec<EpochReport>>,
    /// What came of the last one.
    pub outcome: Option<Rc<Outcome>>,
    /// Every lesson that was held and not forgotten, the oldest first.
    pub runs: Rc<Vec<RunRecord>>,
    /// The places of those of them that are compared.
    pub compared: Vec<usize>,
    /// The networks that can learn from fresh weights; none until the engine has told.
    pub architectures: Rc<Vec<ArchitectureInfo>>,
    /// Why it came to nothing: a sentence.
    pub error: Option<String>,
    /// A remark in passing.
    pub notice: Option<String>,
}

impl TrainingState {
    /// True while a lesson is held, or files are being taken in.
    pub fn is_busy(&self) -> bool {
        self.stage != Stage::Idle
    }

    /// A lesson begins.
    pub fn begin(&mut self) {
        (self.epochs, self.outcome, self.error, self.notice) = (Rc::default(), None, None, None);
        self.stage = Stage::Preparing { fetched: 0, total: 0 };
    }

    /// Takes what the client tells.
    pub fn apply(&mut self, news: TrainingEvent) {
        if let TrainingEvent::Embedded { clip, outcome } = &news {
            return self.dataset.set_outcome(clip, outcome);
        }
        if let TrainingEvent::Thumbnail { clip, thumbnail } = news {
            self.thumbnails.insert(clip, thumbnail);
            return;
        }
        // What comes later is of a lesson that was given up.
        if !self.is_busy() {
            return;
        }
        let control = match self.stage {
            Stage::Training { control, .. } => control,
            _ => TrainControl::Run,
        };
        match news {
            TrainingEvent::Preparing { fetched, total } => self.stage = Stage::Preparing { fetched, total },
            TrainingEvent::Embedding { done, total } => self.stage = Stage::Embedding { done, total },
            TrainingEvent::Step { step, steps } => self.stage = Stage::Training { step, steps, control },
            TrainingEvent::Epoch(report) => Rc::make_mut(&mut self.epochs).push(report),
            TrainingEvent::Again { ended, epoch, batch } => {
                Rc::make_mut(&mut self.epochs).retain(|report| report.epoch <= epoch);
                self.stage = Stage::Preparing { fetched: 0, total: 0 };
                self.notice = Some(crate::view::train::words::again(ended, epoch, batch));
            }
            TrainingEvent::Trained(outcome) => (self.stage, self.outcome) = (Stage::Idle, Some(outcome)),
            TrainingEvent::Failed(error) => {
                (self.stage, self.error) = (Stage::Idle, Some(crate::view::format::sentence(error)))
            }
            TrainingEvent::Cancelled => self.stage = Stage::Idle,
            TrainingEvent::Embedded { .. } | TrainingEvent::Thumbnail { .. } | TrainingEvent::Checkpoint(_) => {}
        }
    }

    /// A lesson goes on that told this so far.
    pub fn go_on(&mut self, epochs: Vec<EpochReport>) {
        self.begin();
        self.epochs = Rc::new(epochs);
    }

    /// Remembers what came of the last lesson as a run that ended at this time, in milliseconds since 1970; the oldest is
    /// forgotten where there are too many.
    pub fn remember(&mut self, when: f64) {
        if let Some(outcome) = self.outcome.clone() {
            let runs = Rc::make_mut(&mut self.runs);
            runs.push(RunRecord { when, outcome });
            let over = runs.len().saturating_sub(RUNS);
            (0..over).for_each(|_| self.forget_run(0));
        }
    }

    /// A network has another name: wherever its lesson is told, it is told by that.
    pub fn rename(&mut self, network: &str, name: &str) {
        let renamed = |outcome: &mut Rc<Outcome>| {
            if outcome.card.name == network {
                let card = Card { name: name.to_owned(), ..outcome.card.clone() };
                *outcome = Rc::new(Outcome { card, ..outcome.as_ref().clone() });
            }
        };
        self.outcome.as_mut().into_iter().for_each(renamed);
        if self.runs.iter().any(|run| run.outcome.card.name == network) {
            Rc::make_mut(&mut self.runs).iter_mut().for_each(|run| renamed(&mut run.outcome));
        }
    }

    /// Shows what came of a run again.
    pub fn look_at(&mut self, run: usize) {
        if let Some(run) = self.runs.get(run).filter(|_| !self.is_busy()) {
            self.outcome = Some(run.outcome.clone());
        }
    }

    /// Compares a run with others, or does so no longer.
    pub fn compare(&mut self, run: usize, wanted: bool) {
        self.compared.retain(|other| *other != run);
        if wanted && run < self.runs.len() {
            self.compared.push(run);
        }
    }

    /// Forgets a run. The network that came of it stays.
    pub fn forget_run(&mut self, run: usize) {
        if run >= self.runs.len() {
            return;
        }
        Rc::make_mut(&mut self.runs).remove(run);
        self.compared.retain(|other| *other != run);
        self.compared.iter_mut().filter(|other| **other > run).for_each(|other| *other -= 1);
    }

    /// The user steers the training.
    pub fn control(&mut self, wanted: TrainControl) {
        if let Stage::Training { control, .. } = &mut self.stage {
            *control = wanted;
        }
    }
}

/// A lesson's name that no network has yet.
pub fn free_name(wanted: &str, list: Option<&Catalogue>) -> String {
    let wanted: String = wanted.trim().chars().filter(|letter| !letter.is_control()).take(60).collect();
    let wanted = if wanted.is_empty() { "my network".to_owned() } else { wanted };
    let taken = |name: &str| list.is_some_and(|list| list.entry(name).is_some());
    if !taken(&wanted) {
        return wanted;
    }
    (2..).map(|number| format!("{wanted} {number}")).find(|name| !taken(name)).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::report::Scores;
    use crate::view::train::results::tests::outcome;

    fn report(epoch: usize) -> EpochReport {
        let valid = Scores::Classes { accuracy: 0.5, balanced_accuracy: 0.5 };
        EpochReport { epoch, train_loss: 1.0, step_losses: vec![1.0], valid_loss: 1.0, valid, best: true }
    }

    #[test]
    fn a_lesson_goes_from_preparing_to_its_outcome() {
        let mut training = TrainingState::default();
        training.apply(TrainingEvent::Embedding { done: 1, total: 2 });
        assert_eq!(training.stage, Stage::Idle, "none is held");
        training.begin();
        training.apply(TrainingEvent::Embedding { done: 1, total: 2 });
        training.apply(TrainingEvent::Step { step: 1, steps: 9 });
        training.control(TrainControl::Pause);
        training.apply(TrainingEvent::Step { step: 2, steps: 9 });
        assert_eq!(training.stage, Stage::Training { step: 2, steps: 9, control: TrainControl::Pause });
        training.apply(TrainingEvent::Epoch(report(1)));
        training.apply(TrainingEvent::Trained(Rc::new(outcome(&[]))));
        assert_eq!((training.stage, training.epochs.len(), training.outcome.is_some()), (Stage::Idle, 1, true));
        training.begin();
        assert!(training.outcome.is_none() && training.epochs.is_empty());
        training.apply(TrainingEvent::Failed("no device".to_owned()));
        assert_eq!(training.error.as_deref(), Some("no device."));
    }

    #[test]
    fn a_lesson_goes_on_from_where_its_engine_ended() {
        let mut training = TrainingState::default();
        training.go_on([1, 2, 3].map(report).to_vec());
        assert_eq!((training.epochs.len(), training.is_busy()), (3, true));
        training.apply(TrainingEvent::Epoch(report(4)));
        training.apply(TrainingEvent::Again { ended: EngineKind::Gpu, epoch: 2, batch: None });
        let epochs: Vec<usize> = training.epochs.iter().map(|report| report.epoch).collect();
        assert_eq!(epochs, [1, 2], "what comes after is told anew");
        assert!(training.notice.as_ref().is_some_and(|notice| notice.contains("epoch 2")), "{:?}", training.notice);
    }

    #[test]
    fn runs_are_remembered_renamed_and_forgotten() {
        let mut training = TrainingState::default();
        training.remember(0.0);
        assert!(training.runs.is_empty(), "nothing came of anything");
        training.outcome = Some(Rc::new(outcome(&[])));
        let name = training.outcome.as_ref().unwrap().card.name.clone();
        (0..60).for_each(|when| training.remember(f64::from(when)));
        assert_eq!((training.runs.len(), training.runs[0].when), (50, 10.0), "the oldest go first");
        training.rename("another", "c");
        training.rename(&name, "b");
        assert_eq!(training.outcome.as_ref().unwrap().card.name, "b");
        assert!(training.runs.iter().all(|run| run.outcome.card.name == "b"));
        training.forget_run(0);
        assert_eq!((training.runs.len(), training.runs[0].when), (49, 11.0));
    }

    #[test]
    fn a_name_is_free() {
        let list = Catalogue::parse(
            br#"{"first": "a", "default": "a", "networks": [{"name": "a", "summary": "", "bytes": 1}]}"#,
        )
        .unwrap();
        assert_eq!(free_name(" a ", Some(&list)), "a 2");
        assert_eq!(free_name("", None), "my network");
    }

    #[test]
    fn runs_are_looked_at_compared_and_forgotten() {
        let run = |when| RunRecord { when, outcome: Rc::new(outcome(&[])) };
        let mut training =
            TrainingState { runs: Rc::new(vec![run(1.0), run(2.0), run(3.0)]), ..TrainingState::default() };
        for place in [2, 0, 9] {
            training.compare(place, true);
        }
        assert_eq!(training.compared, [2, 0], "there is no tenth");
        training.look_at(1);
        assert!(training.outcome.as_ref().is_some_and(|shown| Rc::ptr_eq(shown, &training.runs[1].outcome)));
        training.forget_run(1);
        assert_eq!((training.runs.len(), &training.compared[..]), (2, &[1, 0][..]), "they are the same runs as before");
        training.compare(1, false);
        training.forget_run(0);
        training.forget_run(7);
        assert_eq!((training.runs[0].when, training.compared.len()), (3.0, 0));
    }
}
