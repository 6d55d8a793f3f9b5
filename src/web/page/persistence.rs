//! What the page keeps on the device: whatever should be kept and is not, or is and should not be, is found by comparing
//! the two, whenever anything has changed. Nothing waits for it, and where it fails the page goes on without.

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

pub use self::actions::listen;
pub use self::section::StorageSection;
use super::Page;
use crate::training_job::ClipId;
use crate::view::storage::state::{self, SavedRun, StorageError, StorageState, StorageStatus, StoredDataset};
use crate::view::train::results::RunRecord;
use crate::view::train::state::{ResumePoint, TrainingEvent};
use crate::web::client::OwnNetwork;
use crate::web::dom;
use crate::web::store::{self, Change, ObjectStore, Store, to_value};

/// Time from one look at what is to be kept to the next, in milliseconds.
const SPACING: i32 = 300;
/// Files that are kept at once.
const FILES: usize = 16;
/// Key of the collection.
const COLLECTION: &str = "collection";
/// Key of the lesson that runs.
const RUNNING: &str = "running";

/// What is kept, as far as the page knows, and what is on its way to be.
#[derive(Default)]
pub struct Persistence {
    /// `None` before what was kept is back, and where nothing can be kept.
    store: RefCell<Option<Store>>,
    saved: RefCell<Saved>,
    /// What is to become of the lesson that runs.
    pending: RefCell<Option<Pending>>,
    /// The last checkpoint, of a lesson that runs or was interrupted.
    last: RefCell<Option<Left>>,
    /// True where that is of the lesson that runs now.
    ours: Cell<bool>,
    /// The network that was forgotten last.
    forgotten: RefCell<Option<OwnNetwork>>,
    busy: Cell<bool>,
    changed: Cell<bool>,
    asked_to_last: Cell<bool>,
}

/// What was written, or at least tried.
#[derive(Default)]
struct Saved {
    stored: StoredDataset,
    /// The SHA-256 of their weights, by name.
    networks: BTreeMap<String, String>,
    runs: Vec<RunRecord>,
}

/// A lesson that may go on.
#[derive(Clone)]
struct Left {
    running: Rc<SavedRun>,
    checkpoint: Blob,
}

enum Pending {
    Save,
    Drop,
}

impl Page {
    /// What is shown of keeping changes.
    fn change_storage(&self, change: impl FnOnce(&mut StorageState)) {
        change(&mut self.0.storage.borrow_mut());
        self.request_frame();
    }

    /// Something that is kept may have changed.
    pub(super) fn note_change(&self) {
        let persistence = &self.0.persistence;
        if persistence.store.borrow().is_none() || !self.is_unsaved() {
            return;
        }
        self.change_storage(|storage| storage.status = StorageStatus::Busy);
        persistence.changed.set(true);
        if persistence.busy.replace(true) {
            return;
        }
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            while let Some(inner) = weak.upgrade() {
                if !inner.persistence.changed.replace(false) {
                    return inner.persistence.busy.set(false);
                }
                Self(inner).keep().await;
                dom::sleep(SPACING).await;
            }
        });
    }

    /// True where something is to be kept, or no longer.
    fn is_unsaved(&self) -> bool {
        let (training, saved) = (self.0.training.borrow(), self.0.persistence.saved.borrow());
        let pending = self.0.persistence.pending.borrow().is_some();
        let same = |(old, new): (&RunRecord, &RunRecord)| is_same(old, new);
        let runs = saved.runs.len() != training.runs.len() || !saved.runs.iter().zip(training.runs.iter()).all(same);
        let state = self.0.state.borrow();
        // Before there is a list, the user's own networks are not in it.
        let networks = state.catalogue.as_deref().is_some_and(|list| {
            let own = state::own(Some(list));
            own.clone().count() != saved.networks.len()
                || !own.into_iter().all(|own| saved.networks.contains_key(&own.name))
        });
        pending || runs || networks || !saved.stored.is_of(&training.dataset)
    }

    /// Takes what the client tells of a lesson.
    pub(super) fn receive_training(&self, news: TrainingEvent) {
        let busy = self.0.training.borrow().is_busy();
        match &news {
            TrainingEvent::Checkpoint(checkpoint) if busy => self.keep_checkpoint(checkpoint),
            TrainingEvent::Trained(_) | TrainingEvent::Cancelled if busy => self.drop_checkpoint(),
            TrainingEvent::Failed(_) if busy => self.offer_to_go_on(),
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

    fn keep_checkpoint(&self, checkpoint: &ResumePoint) {
        let ResumePoint { job, epoch, bytes } = checkpoint;
        let told = self.0.training.borrow().epochs.iter().filter(|told| told.epoch <= *epoch).cloned().collect();
        let running = SavedRun { job: job.clone(), epoch: *epoch, epochs: told };
        match Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes.as_slice()))) {
            Ok(checkpoint) => {
                self.0.persistence.last.replace(Some(Left { running: Rc::new(running), checkpoint }));
                self.0.persistence.pending.replace(Some(Pending::Save));
                self.0.persistence.ours.set(true);
                // Another that was interrupted before is replaced by it.
                self.change_storage(|storage| storage.interrupted = None);
            }
            Err(error) => log::warn!("the checkpoint is not kept: {}", dom::describe(&error)),
        }
    }

    /// The lesson that ran is over. One that was interrupted before it can still go on.
    fn drop_checkpoint(&self) {
        if self.0.persistence.ours.replace(false) {
            self.forget_interrupted();
        }
    }

    fn forget_interrupted(&self) {
        self.0.persistence.last.take();
        self.0.persistence.pending.replace(Some(Pending::Drop));
        self.change_storage(|storage| storage.interrupted = None);
        self.note_change();
    }

    /// The lesson that ran came to nothing, but may go on from its last checkpoint.
    fn offer_to_go_on(&self) {
        let persistence = &self.0.persistence;
        if persistence.ours.replace(false) {
            let running = persistence.last.borrow().as_ref().map(|left| left.running.as_ref().clone());
            self.change_storage(|storage| storage.interrupted = running);
        }
    }

    /// Writes what is not written yet.
    async fn keep(&self) {
        let store = self.0.persistence.store.borrow().clone();
        let Some(store) = store else { return };
        let (running, networks, runs) = (self.running_changes(), self.network_changes(), self.run_changes());
        let stored = self.changed_dataset();
        for changes in [running, networks, runs].iter().filter(|changes| !changes.is_empty()) {
            self.tell_trouble(store.write(changes).await);
        }
        if let Some(stored) = stored {
            self.tell_trouble(self.store_dataset(&store, &stored).await);
        }
        if !self.0.persistence.asked_to_last.replace(true) {
            // Not waited for: some browsers ask the user.
            spawn_local(store::ask_to_last());
        }
        self.show_usage().await;
        if !self.0.persistence.changed.get() {
            self.change_storage(|storage| storage.status = StorageStatus::StorageState);
        }
    }

    async fn show_usage(&self) {
        let usage = store::usage().await;
        self.change_storage(|storage| storage.usage = usage);
    }

    fn tell_trouble(&self, outcome: Result<(), StorageError>) {
        if let Err(trouble) = outcome {
            log::warn!("something is not kept: {trouble:?}");
            self.change_storage(|storage| storage.meet(trouble));
        }
    }

    fn running_changes(&self) -> Vec<Change> {
        match self.0.persistence.pending.take() {
            None => Vec::new(),
            Some(Pending::Drop) => vec![Change::delete(ObjectStore::Values, RUNNING)],
            Some(Pending::Save) => {
                let left = self.0.persistence.last.borrow().clone();
                let value = left.map(|left| {
                    record(&[("running", to_value(left.running.as_ref())?), ("checkpoint", left.checkpoint.into())])
                });
                self.put(ObjectStore::Values, RUNNING, value).into_iter().collect()
            }
        }
    }

    /// A change that keeps this, where it can be written down.
    fn put(&self, store: ObjectStore, key: &str, value: Option<Result<JsValue, StorageError>>) -> Option<Change> {
        match value? {
            Ok(value) => Some(Change::put(store, key, value)),
            Err(trouble) => {
                self.tell_trouble(Err(trouble));
                None
            }
        }
    }

    fn network_changes(&self) -> Vec<Change> {
        let list = self.0.state.borrow().catalogue.clone();
        let engines = self.0.engines.borrow().clone();
        // Before there is a list, the user's own networks are not in it.
        let (Some(list), Some(engines)) = (list, engines) else { return Vec::new() };
        let mut saved = self.0.persistence.saved.borrow_mut();
        let own: Vec<OwnNetwork> = state::own(Some(&list)).filter_map(|offer| engines.own(&offer.name)).collect();
        let there: BTreeMap<String, String> =
            own.iter().map(|own| (own.card.name.clone(), own.card.sha256.clone())).collect();
        let gone = saved.networks.keys().filter(|name| !there.contains_key(*name));
        let mut changes: Vec<Change> = gone.map(|name| Change::delete(ObjectStore::Networks, name)).collect();
        for own in own.iter().filter(|own| saved.networks.get(&own.card.name) != Some(&own.card.sha256)) {
            let value =
                to_value(&own.card).and_then(|card| record(&[("card", card), ("weights", own.weights.clone().into())]));
            changes.extend(self.put(ObjectStore::Networks, &own.card.name, Some(value)));
        }
        saved.networks = there;
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

    /// The collection, where it is another than was kept.
    fn changed_dataset(&self) -> Option<StoredDataset> {
        let training = self.0.training.borrow();
        let mut saved = self.0.persistence.saved.borrow_mut();
        if saved.stored.is_of(&training.dataset) {
            return None;
        }
        saved.stored = StoredDataset::of(&training.dataset);
        Some(saved.stored.clone())
    }

    /// Keeps the collection, its files first: a class should not name a clip that is not there.
    async fn store_dataset(&self, store: &Store, stored: &StoredDataset) -> Result<(), StorageError> {
        let there = store.keys(ObjectStore::Clips).await?;
        let missing: Vec<(ClipId, File)> = {
            let clips = self.0.clips.borrow();
            let ids = stored.classes.iter().flat_map(|class| &class.clips).map(|clip| &clip.id);
            let new = ids.filter(|id| !there.contains(id));
            new.filter_map(|id| Some((id.clone(), clips.get(id)?.clone()))).collect()
        };
        let files = keep_files(store, &missing).await;
        let dataset = store.write(&[Change::put(ObjectStore::Values, COLLECTION, to_value(stored)?)]).await;
        files.and(dataset)
    }
}

/// Keeps files, in bundles; of a bundle that is refused, whatever can be kept. It ends where there is no room.
async fn keep_files(store: &Store, files: &[(ClipId, File)]) -> Result<(), StorageError> {
    let put = |(id, file): &(ClipId, File)| Change::put(ObjectStore::Clips, id, file);
    let mut outcome = Ok(());
    for bundle in files.chunks(FILES) {
        if store.write(&bundle.iter().map(put).collect::<Vec<_>>()).await.is_ok() {
            continue;
        }
        for file in bundle {
            match store.write(&[put(file)]).await {
                Err(StorageError::Full) => return Err(StorageError::Full),
                Err(trouble) => outcome = Err(trouble),
                Ok(()) => {}
            }
        }
    }
    outcome
}

fn is_same(a: &RunRecord, b: &RunRecord) -> bool {
    a.when == b.when && Rc::ptr_eq(&a.outcome, &b.outcome)
}

/// Times have the same number of digits, so that their keys are in their order.
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
