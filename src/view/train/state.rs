//! TrainingState: what is collected, how a lesson goes, what came of it.

use std::collections::HashMap;
use std::rc::Rc;

use crate::card::Card;
use crate::eval::report::EpochReport;
use crate::protocol::{ArchitectureInfo, EngineKind, TrainControl};
use crate::training_job::{ClipId, TrainingJob};
use crate::view::classify::networks::Catalogue;
use crate::view::draw::thumbnail::Thumbnail;
use crate::view::train::dataset::Dataset;
use crate::view::train::recording::Recording;
use crate::view::train::results::{Outcome, RunRecord};
use crate::view::train::stage::Stage;

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
    let taken = |name: &str| list.is_some_and(|list| list.offer(name).is_some());
    if !taken(&wanted) {
        return wanted;
    }
    (2..).map(|number| format!("{wanted} {number}")).find(|name| !taken(name)).unwrap_or(wanted)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
