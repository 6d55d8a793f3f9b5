//! The state of training: the dataset, the running job, its results, and earlier runs.

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

/// What the client reports about a training job.
#[derive(Debug, Clone)]
pub enum TrainingEvent {
    /// Its backbones are being downloaded.
    Preparing {
        /// Bytes that were downloaded.
        fetched: u64,
        /// All of them.
        total: u64,
    },
    /// Clips are being embedded.
    Embedding {
        /// Clips that were embedded.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// A clip was decoded, or cannot be.
    Embedded {
        /// By the SHA-256 of its file.
        clip: ClipId,
        /// Its length in seconds, or a sentence that says why it cannot be decoded.
        outcome: Result<f64, String>,
    },
    /// The beginning of a clip was decoded for a picture of it.
    Thumbnail {
        /// By the SHA-256 of its file.
        clip: ClipId,
        /// The picture.
        thumbnail: Thumbnail,
    },
    /// A worker that helped with the clips ended, and the others do its work. Told once in a run.
    HelperEnded,
    /// A step was made.
    Step {
        /// Steps that were made.
        step: usize,
        /// Of all epochs together.
        steps: usize,
    },
    /// An epoch is over.
    Epoch(EpochReport),
    /// What the training can be resumed from if it ends here.
    Checkpoint(Rc<ResumePoint>),
    /// Its engine ended, and training continues on another.
    Again {
        /// The engine that ended.
        ended: EngineKind,
        /// The epoch that it continues after; 0 from the beginning.
        epoch: usize,
        /// The batch size from now on, if the same kind of engine continues with a smaller one.
        batch: Option<usize>,
    },
    /// The network is trained.
    Trained(Rc<Outcome>),
    /// It failed; a sentence says why.
    Failed(String),
    /// The user cancelled it.
    Cancelled,
}

/// A checkpoint of a training job, to resume it from.
#[derive(Clone, PartialEq)]
pub struct ResumePoint {
    /// The job, its clips already split.
    pub job: TrainingJob,
    /// Epochs that are over.
    pub epoch: usize,
    /// What the engine resumes from: the payload of an [`Event::Checkpoint`](crate::protocol::Event::Checkpoint).
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for ResumePoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ResumePoint of {} after epoch {}", self.job.name, self.epoch)
    }
}

/// The most runs that are kept: each holds a prediction for every clip.
const MOST_RUNS: usize = 50;

/// Everything about training that the page shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrainingState {
    /// The labelled clips.
    pub dataset: Dataset,
    /// Small spectrograms of the clips that were decoded.
    pub thumbnails: HashMap<ClipId, Thumbnail>,
    /// The recording in progress.
    pub recording: Option<Recording>,
    /// What is running, and how far it is.
    pub stage: Stage,
    /// The epochs so far.
    pub epochs: Rc<Vec<EpochReport>>,
    /// The results that are shown.
    pub outcome: Option<Rc<Outcome>>,
    /// All runs that were not deleted, the oldest first.
    pub runs: Rc<Vec<RunRecord>>,
    /// The indices of the runs that are compared.
    pub compared: Vec<usize>,
    /// The architectures that can be trained from scratch; empty until the engine has listed them.
    pub architectures: Rc<Vec<ArchitectureInfo>>,
    /// Why training failed: a sentence.
    pub error: Option<String>,
    /// A message that is no error.
    pub notice: Option<String>,
}

impl TrainingState {
    /// True while a training job or work on the dataset is running.
    pub(crate) fn is_busy(&self) -> bool {
        self.stage != Stage::Idle
    }

    /// True while the dataset must not change: something is running, or a clip is being recorded into it.
    pub(crate) fn is_locked(&self) -> bool {
        self.is_busy() || self.recording.is_some()
    }

    /// Starts a training job.
    pub fn begin(&mut self) {
        (self.epochs, self.outcome, self.error, self.notice) = (Rc::default(), None, None, None);
        self.stage = Stage::Preparing { fetched: 0, total: 0 };
    }

    /// Applies an event of the client.
    pub(crate) fn apply(&mut self, event: TrainingEvent) {
        // Clips are also decoded while no job is running: their lengths count at any time.
        if let TrainingEvent::Embedded { clip, outcome } = &event {
            return self.dataset.set_outcome(clip, outcome);
        }
        if let TrainingEvent::Thumbnail { clip, thumbnail } = event {
            self.thumbnails.insert(clip, thumbnail);
            return;
        }
        // Events that were on their way when the job was cancelled.
        if !self.is_busy() {
            return;
        }
        // A pause that was asked for outlives the steps that were already on their way.
        let control = match self.stage {
            Stage::Training { control, .. } => control,
            _ => TrainControl::Run,
        };
        match event {
            TrainingEvent::Preparing { fetched, total } => self.stage = Stage::Preparing { fetched, total },
            TrainingEvent::Embedding { done, total } => self.stage = Stage::Embedding { done, total },
            TrainingEvent::Step { step, steps } => self.stage = Stage::Training { step, steps, control },
            TrainingEvent::Epoch(report) => Rc::make_mut(&mut self.epochs).push(report),
            TrainingEvent::Again { ended, epoch, batch } => {
                // The other engine repeats the epochs after its last checkpoint.
                Rc::make_mut(&mut self.epochs).retain(|report| report.epoch <= epoch);
                self.stage = Stage::Preparing { fetched: 0, total: 0 };
                self.notice = Some(crate::view::train::words::restarted(ended, epoch, batch));
            }
            TrainingEvent::HelperEnded => {
                self.notice = Some(crate::view::train::words::HELPER_ENDED.to_owned());
            }
            TrainingEvent::Trained(outcome) => (self.stage, self.outcome) = (Stage::Idle, Some(outcome)),
            TrainingEvent::Failed(error) => {
                (self.stage, self.error) = (Stage::Idle, Some(crate::view::format::sentence(error)))
            }
            TrainingEvent::Cancelled => self.stage = Stage::Idle,
            TrainingEvent::Embedded { .. } | TrainingEvent::Thumbnail { .. } | TrainingEvent::Checkpoint(_) => {}
        }
    }

    /// Resumes a training job that had these epochs.
    pub fn resume(&mut self, epochs: Vec<EpochReport>) {
        self.begin();
        self.epochs = Rc::new(epochs);
    }

    /// Keeps the results as a run that ended at this time, in milliseconds since 1970. If there are too many runs, the
    /// oldest is deleted.
    pub fn remember(&mut self, when: f64) {
        if let Some(outcome) = self.outcome.clone() {
            Rc::make_mut(&mut self.runs).push(RunRecord { when, outcome });
            self.limit_runs();
        }
    }

    fn limit_runs(&mut self) {
        // One at a time, so that the indices of compared runs move along.
        let over = self.runs.len().saturating_sub(MOST_RUNS);
        (0..over).for_each(|_| self.delete_run(0));
    }

    /// Puts stored runs before those that ended since.
    pub(crate) fn restore_runs(&mut self, stored: Vec<RunRecord>) {
        self.compared.iter_mut().for_each(|run| *run += stored.len());
        drop(Rc::make_mut(&mut self.runs).splice(0..0, stored));
        self.limit_runs();
    }

    /// Renames a network in all results.
    pub fn rename(&mut self, network: &str, name: &str) {
        let renamed = |outcome: &mut Rc<Outcome>| {
            if outcome.card.name == network {
                let card = Card { name: name.to_owned(), ..outcome.card.clone() };
                *outcome = Rc::new(Outcome { card, ..outcome.as_ref().clone() });
            }
        };
        self.outcome.as_mut().into_iter().for_each(renamed);
        // `make_mut` copies the list, and a new pointer makes the page rebuild its table: only if needed.
        if self.runs.iter().any(|run| run.outcome.card.name == network) {
            Rc::make_mut(&mut self.runs).iter_mut().for_each(|run| renamed(&mut run.outcome));
        }
    }

    /// Shows the results of a run.
    pub(crate) fn show_run(&mut self, run: usize) {
        if let Some(run) = self.runs.get(run).filter(|_| !self.is_busy()) {
            self.outcome = Some(run.outcome.clone());
        }
    }

    /// Adds a run to those that are compared, or removes it.
    pub fn compare(&mut self, run: usize, is_compared: bool) {
        self.compared.retain(|other| *other != run);
        if is_compared && run < self.runs.len() {
            self.compared.push(run);
        }
    }

    /// Deletes a run, but not its network.
    pub(crate) fn delete_run(&mut self, run: usize) {
        if run >= self.runs.len() {
            return;
        }
        Rc::make_mut(&mut self.runs).remove(run);
        self.compared.retain(|other| *other != run);
        self.compared.iter_mut().filter(|other| **other > run).for_each(|other| *other -= 1);
    }

    /// Notes what the user asked the training to do; the client tells the engine.
    pub fn control(&mut self, wanted: TrainControl) {
        if let Stage::Training { control, .. } = &mut self.stage {
            *control = wanted;
        }
    }
}

/// A name for a new network that no other has.
pub(crate) fn free_name(wanted: &str, list: Option<&Catalogue>) -> String {
    // The name becomes a file name and a line in a select box.
    let wanted: String = wanted.trim().chars().filter(|letter| !letter.is_control()).take(60).collect();
    let wanted = if wanted.is_empty() { "my network".to_owned() } else { wanted };
    let taken = |name: &str| list.is_some_and(|list| list.entry(name).is_some());
    if !taken(&wanted) {
        return wanted;
    }
    (2..).map(|number| format!("{wanted} {number}")).find(|name| !taken(name)).unwrap_or(wanted)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
