//! Stores the page's data on the device. After every change the data is compared with what is stored, and the
//! difference is written. Nothing waits for it, and if it fails the page works on without, and tries again.

mod actions;
mod restore;
mod save;
mod section;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use js_sys::{Array, Date, Uint8Array};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

pub(crate) use self::actions::listen;
pub(crate) use self::section::StorageSection;
use super::Page;
use super::listen::with;
use crate::training_job::ClipId;
use crate::view::storage::state::{
    SavedRun, StorageContents, StorageState, StorageStatus, StoredDataset, own_networks,
};
use crate::view::train::results::RunRecord;
use crate::view::train::state::{ResumePoint, TrainingEvent};
use crate::web::client::OwnNetwork;
use crate::web::dom;
use crate::web::store::Store;

/// The time between two writes, in milliseconds: changes in between are written together.
const SPACING: i32 = 300;
/// The time after which a write that failed is tried again, in milliseconds, unless there is more or less to store
/// before that.
const RETRY: i32 = 10_000;
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
    /// The stored copies of files that were added in this visit.
    copies: RefCell<HashMap<ClipId, File>>,
    /// The next change of the stored training run.
    pending: RefCell<Option<Pending>>,
    /// The last checkpoint of a training run, current or interrupted.
    last_checkpoint: RefCell<Option<InterruptedRun>>,
    /// True if that checkpoint is of the training run in progress.
    is_current_run: Cell<bool>,
    /// The network that was deleted last.
    deleted: RefCell<Option<OwnNetwork>>,
    /// Stored networks that were renamed since: the key of each, and its name now.
    renamed: RefCell<BTreeMap<String, String>>,
    /// The keys of stored networks that cannot be read; they are not used for others.
    unreadable_networks: RefCell<HashSet<String>>,
    busy: Cell<bool>,
    changed: Cell<bool>,
    /// What there was to store when the last write failed; `None` if it did not.
    failed: Cell<Option<StorageContents>>,
    /// True for a while after that.
    waits: Cell<bool>,
    /// True if it failed because there is too little space.
    is_full: Cell<bool>,
    asked_for_persistence: Cell<bool>,
}

/// What is stored: every transaction that wrote it is complete.
#[derive(Default)]
struct Saved {
    dataset: StoredDataset,
    /// The SHA-256 of their weights, by key.
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

    /// The file of a clip: the stored copy if there is one, for the file that the user chose may be changed or deleted.
    pub(super) fn file(&self, clip: &str) -> Option<File> {
        let copy = self.0.persistence.copies.borrow().get(clip).cloned();
        copy.or_else(|| self.0.clips.borrow().get(clip).cloned())
    }

    /// Something that is stored may have changed: it is written soon.
    pub(super) fn save_soon(&self) {
        // They may have other names by now, and without a store no write will say so.
        self.offer_unsaved();
        let persistence = &self.0.persistence;
        let is_lost = persistence.store.borrow().as_ref().map(Store::is_lost);
        let Some(is_lost) = is_lost else { return };
        if !is_lost && !self.has_unsaved_changes() {
            // What could not be written was deleted.
            if persistence.failed.take().is_some() {
                self.change_storage(StorageState::succeed);
            }
            return;
        }
        if self.waits_to_retry() {
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

    /// True for a while after a write has failed, unless there is more or less to store than there was.
    fn waits_to_retry(&self) -> bool {
        let persistence = &self.0.persistence;
        persistence.waits.get() && persistence.failed.get() == Some(self.contents())
    }

    fn contents(&self) -> StorageContents {
        StorageContents::of(&self.0.training.borrow(), self.0.state.borrow().catalogue.as_deref())
    }

    /// Tries again after a while what could not be written.
    fn retry_later(&self) {
        if self.0.persistence.waits.replace(true) {
            return;
        }
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            dom::sleep(RETRY).await;
            with(&weak, Self::retry);
        });
    }

    fn retry(&self) {
        self.0.persistence.waits.set(false);
        self.save_soon();
    }

    /// True if what is stored differs from what the page has.
    fn has_unsaved_changes(&self) -> bool {
        let (training, saved) = (self.0.training.borrow(), self.0.persistence.saved.borrow());
        let pending = self.0.persistence.pending.borrow().is_some();
        let same = |(old, new): (&RunRecord, &RunRecord)| is_same(old, new);
        let runs = saved.runs.len() != training.runs.len() || !saved.runs.iter().zip(training.runs.iter()).all(same);
        let networks = self.networks_to_store().is_some_and(|own| {
            own.len() != saved.networks.len()
                || own.iter().any(|(key, own)| saved.networks.get(key) != Some(&own.card.sha256))
        });
        let is_fixed = self.0.storage.borrow().unreadable.dataset;
        pending || runs || networks || (!is_fixed && !saved.dataset.is_of(&training.dataset))
    }

    /// The user's own networks by the keys under which they are stored; `None` before the catalogue is loaded: it then
    /// lacks them, which does not mean that they were deleted.
    fn networks_to_store(&self) -> Option<BTreeMap<String, OwnNetwork>> {
        let list = self.0.state.borrow().catalogue.clone()?;
        let engines = self.0.engines.borrow().clone()?;
        let own = own_networks(Some(&list)).filter_map(|offer| engines.own(&offer.name));
        Some(own.map(|own| (self.0.persistence.key(&own.card.name), own)).collect())
    }

    /// One of the user's own networks has another name.
    pub(super) fn rename_own(&self, network: &str, name: &str) {
        self.0.persistence.note_rename(network, name);
        self.change_training(|training| training.rename(network, name));
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
}

impl Persistence {
    /// The key under which a network of this name is stored.
    fn key(&self, name: &str) -> String {
        let mut key = name.to_owned();
        while self.unreadable_networks.borrow().contains(&key) {
            // No name has it, so that no other network has the key.
            key.push('\0');
        }
        key
    }

    fn note_rename(&self, network: &str, name: &str) {
        let mut renamed = self.renamed.borrow_mut();
        let earlier = renamed.values_mut().find(|now| **now == network);
        match earlier {
            Some(now) => *now = name.to_owned(),
            None => drop(renamed.insert(self.key(network), name.to_owned())),
        }
    }
}

fn is_same(a: &RunRecord, b: &RunRecord) -> bool {
    a.when == b.when && Rc::ptr_eq(&a.outcome, &b.outcome)
}
