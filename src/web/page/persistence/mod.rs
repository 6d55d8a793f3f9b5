//! Stores the page's data on the device. After every change the data is compared with what was stored, and the
//! difference is written. Nothing waits for it, and if it fails the page works on without.

mod actions;
mod restore;
mod section;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Array, Date, Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

pub(crate) use self::actions::listen;
pub(crate) use self::section::StorageSection;
use super::Page;
use crate::training_job::ClipId;
use crate::view::storage::state::{self, SavedRun, StorageError, StorageState, StorageStatus, StoredDataset};
use crate::view::train::results::RunRecord;
use crate::view::train::state::{ResumePoint, TrainingEvent};
use crate::web::client::OwnNetwork;
use crate::web::dom;
use crate::web::store::{self, Change, ObjectStore, Store, to_value};

/// The time between two writes, in milliseconds: changes in between are written together.
const SPACING: i32 = 300;
/// The number of files written in one transaction.
const FILES: usize = 16;
/// Key of the dataset; its value is from the first version and stays readable.
const COLLECTION: &str = "collection";
/// Key of the current training run.
const RUNNING: &str = "running";

/// What is stored, as far as the page knows, and what is to be written.
#[derive(Default)]
pub(crate) struct Persistence {
    /// `None` until the stored data is restored, and if nothing can be stored.
    store: RefCell<Option<Store>>,
    saved: RefCell<Saved>,
    /// The next change of the stored training run.
    pending: RefCell<Option<Pending>>,
    /// The last checkpoint of a training run, current or interrupted.
    last_checkpoint: RefCell<Option<InterruptedRun>>,
    /// True if that checkpoint is of the training run in progress.
    is_current_run: Cell<bool>,
    /// The network that was deleted last.
    deleted: RefCell<Option<OwnNetwork>>,
    busy: Cell<bool>,
    changed: Cell<bool>,
    asked_for_persistence: Cell<bool>,
}

/// What was written, or at least attempted.
#[derive(Default)]
struct Saved {
    dataset: StoredDataset,
    /// The SHA-256 of their weights, by name.
    networks: BTreeMap<String, String>,
    runs: Vec<RunRecord>,
}

/// A training run that can be resumed.
#[derive(Clone)]
struct InterruptedRun {
    running: Rc<SavedRun>,
    checkpoint: Blob,
}

enum Pending {
    Save,
    Drop,
}

impl Page {
    /// Changes what is shown about storage.
    fn change_storage(&self, change: impl FnOnce(&mut StorageState)) {
        change(&mut self.0.storage.borrow_mut());
        self.request_frame();
    }

    /// Something that is stored may have changed: it is written soon.
    pub(super) fn save_soon(&self) {
        let persistence = &self.0.persistence;
        if persistence.store.borrow().is_none() || !self.has_unsaved_changes() {
            return;
        }
        // Shown at once, so that nobody closes the tab before the write.
        self.change_storage(|storage| storage.status = StorageStatus::Busy);
        persistence.changed.set(true);
        // A running loop picks up this change.
        if persistence.busy.replace(true) {
            return;
        }
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            while let Some(inner) = weak.upgrade() {
                if !inner.persistence.changed.replace(false) {
                    return inner.persistence.busy.set(false);
                }
                Self(inner).save_changes().await;
                dom::sleep(SPACING).await;
            }
        });
    }

    /// True if what is stored differs from what the page has.
    fn has_unsaved_changes(&self) -> bool {
        let (training, saved) = (self.0.training.borrow(), self.0.persistence.saved.borrow());
        let pending = self.0.persistence.pending.borrow().is_some();
        let same = |(old, new): (&RunRecord, &RunRecord)| is_same(old, new);
        let runs = saved.runs.len() != training.runs.len() || !saved.runs.iter().zip(training.runs.iter()).all(same);
        let state = self.0.state.borrow();
        // Before the catalogue is loaded it lacks the user's own networks, which does not mean that they were deleted.
        let networks = state.catalogue.as_deref().is_some_and(|list| {
            let own = state::own_networks(Some(list));
            own.clone().count() != saved.networks.len()
                || !own.into_iter().all(|own| saved.networks.contains_key(&own.name))
        });
        pending || runs || networks || !saved.dataset.is_of(&training.dataset)
    }

    /// Takes an event of the training run.
    pub(super) fn receive_training(&self, news: TrainingEvent) {
        let busy = self.0.training.borrow().is_busy();
        match &news {
            TrainingEvent::Checkpoint(checkpoint) if busy => self.save_checkpoint(checkpoint),
            TrainingEvent::Trained(_) | TrainingEvent::Cancelled if busy => self.drop_checkpoint(),
            TrainingEvent::Failed(_) if busy => self.offer_to_resume(),
            _ => {}
        }
        let trained = busy && matches!(news, TrainingEvent::Trained(_));
        self.change_training(|training| {
            training.apply(news);
            if trained {
                training.remember(Date::now());
            }
        });
    }

    fn save_checkpoint(&self, checkpoint: &ResumePoint) {
        let ResumePoint { job, epoch, bytes } = checkpoint;
        let reports = self.0.training.borrow().epochs.iter().filter(|report| report.epoch <= *epoch).cloned().collect();
        let running = SavedRun { job: job.clone(), epoch: *epoch, epochs: reports };
        match Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes.as_slice()))) {
            Ok(checkpoint) => {
                self.0
                    .persistence
                    .last_checkpoint
                    .replace(Some(InterruptedRun { running: Rc::new(running), checkpoint }));
                self.0.persistence.pending.replace(Some(Pending::Save));
                self.0.persistence.is_current_run.set(true);
                // It replaces the checkpoint of a run that was interrupted earlier.
                self.change_storage(|storage| storage.interrupted = None);
            }
            Err(error) => log::warn!("the checkpoint is not stored: {}", dom::describe(&error)),
        }
    }

    /// The training run has ended. One that was interrupted earlier can still be resumed.
    fn drop_checkpoint(&self) {
        if self.0.persistence.is_current_run.replace(false) {
            self.discard_interrupted();
        }
    }

    fn discard_interrupted(&self) {
        self.0.persistence.last_checkpoint.take();
        self.0.persistence.pending.replace(Some(Pending::Drop));
        self.change_storage(|storage| storage.interrupted = None);
        self.save_soon();
    }

    /// The training run failed, but can be resumed from its last checkpoint.
    fn offer_to_resume(&self) {
        let persistence = &self.0.persistence;
        if persistence.is_current_run.replace(false) {
            let running = persistence.last_checkpoint.borrow().as_ref().map(|run| run.running.as_ref().clone());
            self.change_storage(|storage| storage.interrupted = running);
        }
    }

    /// Writes what has changed.
    async fn save_changes(&self) {
        let store = self.0.persistence.store.borrow().clone();
        let Some(store) = store else { return };
        let (running, networks, runs) = (self.running_changes(), self.network_changes(), self.run_changes());
        let stored = self.changed_dataset();
        for changes in [running, networks, runs].iter().filter(|changes| !changes.is_empty()) {
            self.report_storage_error(store.write(changes).await);
        }
        if let Some(stored) = stored {
            self.report_storage_error(self.store_dataset(&store, &stored).await);
        }
        if !self.0.persistence.asked_for_persistence.replace(true) {
            // Not awaited: some browsers ask the user.
            spawn_local(store::request_persistence());
        }
        self.show_usage().await;
        if !self.0.persistence.changed.get() {
            self.change_storage(|storage| storage.status = StorageStatus::Saved);
        }
    }

    async fn show_usage(&self) {
        let usage = store::usage().await;
        self.change_storage(|storage| storage.usage = usage);
    }

    fn report_storage_error(&self, outcome: Result<(), StorageError>) {
        if let Err(error) = outcome {
            log::warn!("something is not stored: {error:?}");
            self.change_storage(|storage| storage.report(error));
        }
    }

    fn running_changes(&self) -> Vec<Change> {
        match self.0.persistence.pending.take() {
            None => Vec::new(),
            Some(Pending::Drop) => vec![Change::delete(ObjectStore::Values, RUNNING)],
            Some(Pending::Save) => {
                let run = self.0.persistence.last_checkpoint.borrow().clone();
                let value = run.map(|run| {
                    record(&[("running", to_value(run.running.as_ref())?), ("checkpoint", run.checkpoint.into())])
                });
                self.put(ObjectStore::Values, RUNNING, value).into_iter().collect()
            }
        }
    }

    /// The change that stores a value; `None` if there is none or it cannot be serialized.
    fn put(&self, store: ObjectStore, key: &str, value: Option<Result<JsValue, StorageError>>) -> Option<Change> {
        match value? {
            Ok(value) => Some(Change::put(store, key, value)),
            Err(error) => {
                self.report_storage_error(Err(error));
                None
            }
        }
    }

    fn network_changes(&self) -> Vec<Change> {
        let list = self.0.state.borrow().catalogue.clone();
        let engines = self.0.engines.borrow().clone();
        // Before the catalogue is loaded it lacks the user's own networks, which does not mean that they were deleted.
        let (Some(list), Some(engines)) = (list, engines) else { return Vec::new() };
        let mut saved = self.0.persistence.saved.borrow_mut();
        let own: Vec<OwnNetwork> =
            state::own_networks(Some(&list)).filter_map(|offer| engines.own(&offer.name)).collect();
        let present: BTreeMap<String, String> =
            own.iter().map(|own| (own.card.name.clone(), own.card.sha256.clone())).collect();
        let gone = saved.networks.keys().filter(|name| !present.contains_key(*name));
        let mut changes: Vec<Change> = gone.map(|name| Change::delete(ObjectStore::Networks, name)).collect();
        for own in own.iter().filter(|own| saved.networks.get(&own.card.name) != Some(&own.card.sha256)) {
            let value =
                to_value(&own.card).and_then(|card| record(&[("card", card), ("weights", own.weights.clone().into())]));
            changes.extend(self.put(ObjectStore::Networks, &own.card.name, Some(value)));
        }
        saved.networks = present;
        changes
    }

    fn run_changes(&self) -> Vec<Change> {
        let runs = self.0.training.borrow().runs.clone();
        let mut saved = self.0.persistence.saved.borrow_mut();
        let gone = saved.runs.iter().filter(|old| runs.iter().all(|run| run.when != old.when));
        let mut changes: Vec<Change> = gone.map(|old| Change::delete(ObjectStore::Runs, &run_key(old.when))).collect();
        for run in runs.iter().filter(|run| !saved.runs.iter().any(|old| is_same(old, run))) {
            let value = to_value(run.outcome.as_ref())
                .and_then(|outcome| record(&[("when", run.when.into()), ("outcome", outcome)]));
            changes.extend(self.put(ObjectStore::Runs, &run_key(run.when), Some(value)));
        }
        saved.runs = runs.as_ref().clone();
        changes
    }

    /// The dataset, if it differs from what is stored.
    fn changed_dataset(&self) -> Option<StoredDataset> {
        let training = self.0.training.borrow();
        let mut saved = self.0.persistence.saved.borrow_mut();
        if saved.dataset.is_of(&training.dataset) {
            return None;
        }
        saved.dataset = StoredDataset::of(&training.dataset);
        Some(saved.dataset.clone())
    }

    /// Stores the dataset, its files first: a stored class must not name a clip without a file.
    async fn store_dataset(&self, store: &Store, stored: &StoredDataset) -> Result<(), StorageError> {
        let present = store.keys(ObjectStore::Clips).await?;
        let missing: Vec<(ClipId, File)> = {
            let clips = self.0.clips.borrow();
            let ids = stored.classes.iter().flat_map(|class| &class.clips).map(|clip| &clip.id);
            let new = ids.filter(|id| !present.contains(id));
            new.filter_map(|id| Some((id.clone(), clips.get(id)?.clone()))).collect()
        };
        // A dataset whose files are incomplete is stored all the same: missing clips are reported when it is restored.
        let files = save_files(store, &missing).await;
        let dataset = store.write(&[Change::put(ObjectStore::Values, COLLECTION, to_value(stored)?)]).await;
        files.and(dataset)
    }
}

/// Stores files in batches; if a batch fails, file by file. It ends when the storage is full.
async fn save_files(store: &Store, files: &[(ClipId, File)]) -> Result<(), StorageError> {
    let put = |(id, file): &(ClipId, File)| Change::put(ObjectStore::Clips, id, file);
    let mut outcome = Ok(());
    for batch in files.chunks(FILES) {
        if store.write(&batch.iter().map(put).collect::<Vec<_>>()).await.is_ok() {
            continue;
        }
        for file in batch {
            match store.write(&[put(file)]).await {
                Err(StorageError::Full) => return Err(StorageError::Full),
                Err(error) => outcome = Err(error),
                Ok(()) => {}
            }
        }
    }
    outcome
}

fn is_same(a: &RunRecord, b: &RunRecord) -> bool {
    a.when == b.when && Rc::ptr_eq(&a.outcome, &b.outcome)
}

/// Padded to the same number of digits, so that the order of the keys is the order of the times.
fn run_key(when: f64) -> String {
    format!("{when:015.0}")
}

/// An object of these fields.
fn record(fields: &[(&str, JsValue)]) -> Result<JsValue, StorageError> {
    let record = Object::new();
    for (name, value) in fields {
        Reflect::set(&record, &(*name).into(), value).map_err(|error| StorageError::Other(dom::describe(&error)))?;
    }
    Ok(record.into())
}
