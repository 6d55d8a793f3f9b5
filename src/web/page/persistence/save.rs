//! Writes what has changed. What is written counts as stored once its transaction is complete.

use std::collections::{BTreeMap, HashMap, HashSet};

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::{COLLECTION, Page, Pending, RUNNING, is_same};
use crate::training_job::ClipId;
use crate::view::storage::state::{StorageError, StorageState, StoredDataset, required_clips};
use crate::web::client::OwnNetwork;
use crate::web::dom;
use crate::web::store::{self, Change, ObjectStore, Store, to_value, with_version};

/// The number of files written in one transaction.
const FILES: usize = 16;

impl Page {
    /// Writes what has changed.
    pub(super) async fn save_changes(&self) {
        let persistence = &self.0.persistence;
        let store = persistence.store.borrow().clone();
        let Some(store) = store else { return };
        match self.write_all(&store).await {
            Ok(()) => {
                persistence.failed.take();
                persistence.is_full.set(false);
                if !persistence.changed.get() {
                    self.change_storage(StorageState::succeed);
                }
            }
            Err(error) => {
                persistence.failed.set(Some(self.contents()));
                persistence.is_full.set(error == StorageError::Full);
                if error.ends_storage() {
                    persistence.store.take();
                } else {
                    self.retry_later();
                }
                self.report_storage_error(Err(error));
                self.offer_unsaved();
            }
        }
        if !persistence.asked_for_persistence.replace(true) {
            // Not awaited: some browsers ask the user.
            spawn_local(store::request_persistence());
        }
        self.show_usage().await;
    }

    pub(super) async fn show_usage(&self) {
        let usage = store::usage().await;
        self.change_storage(|storage| storage.usage = usage);
    }

    pub(super) fn report_storage_error(&self, outcome: Result<(), StorageError>) {
        if let Err(error) = outcome {
            log::warn!("something is not stored: {error:?}");
            self.change_storage(|storage| storage.report(error));
        }
    }

    /// The first error, after everything was tried: what fits is stored although something else does not fit.
    async fn write_all(&self, store: &Store) -> Result<(), StorageError> {
        if self.reconnect(store).await? {
            self.compare_with(store).await?;
        }
        if self.0.persistence.is_full.get() {
            self.free_space(store).await?;
        }
        // The network first: until it is stored, its training can be resumed from the checkpoint.
        let networks = self.save_networks(store).await;
        let running = self.save_running(store).await;
        let networks = match (networks, &running) {
            // The checkpoint has made room.
            (Err(StorageError::Full), Ok(Some(Pending::Drop))) => self.save_networks(store).await,
            (networks, _) => networks,
        };
        let outcomes = [networks, running.map(drop), self.save_runs(store).await, self.save_dataset(store).await];
        outcomes.into_iter().collect()
    }

    async fn reconnect(&self, store: &Store) -> Result<bool, StorageError> {
        store.reconnect().await.map_err(|error| match error {
            // It was available before, so that it may be again.
            StorageError::Unavailable(reason) => StorageError::Other(reason),
            error => error,
        })
    }

    /// Finds out what is still stored after the connection was lost: the user may have cleared the site's data.
    async fn compare_with(&self, store: &Store) -> Result<(), StorageError> {
        let (clips, networks) = (store.keys(ObjectStore::Clips).await?, store.keys(ObjectStore::Networks).await?);
        let (runs, values) = (store.keys(ObjectStore::Runs).await?, store.keys(ObjectStore::Values).await?);
        let has = |key: &str| values.iter().any(|own| own == key);
        let persistence = &self.0.persistence;
        let mut saved = persistence.saved.borrow_mut();
        saved.networks.retain(|key, _| networks.contains(key));
        saved.runs.retain(|run| runs.contains(&run_key(run.when)));
        let clips: HashSet<ClipId> = clips.into_iter().collect();
        persistence.copies.borrow_mut().retain(|id, _| clips.contains(id));
        let has_all = saved.dataset.classes.iter().flat_map(|class| &class.clips).all(|clip| clips.contains(&clip.id));
        if !has(COLLECTION) || !has_all {
            saved.dataset = StoredDataset::default();
        }
        persistence.unreadable_networks.borrow_mut().retain(|key| networks.contains(key));
        if !has(RUNNING) && persistence.last_checkpoint.borrow().is_some() {
            persistence.pending.replace(Some(Pending::Save));
        }
        let left = persistence.unreadable_networks.borrow().len();
        drop(saved);
        self.change_storage(|storage| {
            let unreadable = &mut storage.unreadable;
            unreadable.dataset &= has(COLLECTION);
            unreadable.interrupted &= has(RUNNING);
            unreadable.networks = left;
            unreadable.runs = unreadable.runs.min(runs.len());
        });
        Ok(())
    }

    /// Deletes the files of removed clips, which stay until the next visit if there is space.
    async fn free_space(&self, store: &Store) -> Result<(), StorageError> {
        if self.0.storage.borrow().unreadable.hides_clips() {
            return Ok(());
        }
        let stored = store.keys(ObjectStore::Clips).await?;
        let leftovers: Vec<ClipId> = {
            let (training, last) = (self.0.training.borrow(), self.0.persistence.last_checkpoint.borrow());
            let needed: HashSet<&ClipId> =
                required_clips(training.dataset.classes(), last.as_ref().map(|run| run.running.as_ref()));
            stored.into_iter().filter(|id| !needed.contains(id)).collect()
        };
        if leftovers.is_empty() {
            return Ok(());
        }
        // Nothing may bring back a clip whose file is gone.
        self.change_training(|training| training.dataset.forget_past());
        self.0.clips.borrow_mut().retain(|id, _| !leftovers.contains(id));
        self.0.persistence.copies.borrow_mut().retain(|id, _| !leftovers.contains(id));
        let deletes: Vec<Change> = leftovers.iter().map(|id| Change::delete(ObjectStore::Clips, id)).collect();
        store.write(&deletes).await
    }

    /// Stores or deletes the checkpoint; returns which of the two was due.
    async fn save_running(&self, store: &Store) -> Result<Option<Pending>, StorageError> {
        let persistence = &self.0.persistence;
        let Some(pending) = persistence.pending.take() else { return Ok(None) };
        if self.0.storage.borrow().unreadable.interrupted {
            return Ok(None);
        }
        let run = persistence.last_checkpoint.borrow().clone();
        let change = match (&pending, run) {
            (Pending::Save, Some(run)) => to_value(run.running.as_ref())
                .and_then(|running| record(&[("running", running), ("checkpoint", run.checkpoint.into())]))
                .map(|record| Change::put(ObjectStore::Values, RUNNING, record)),
            _ => Ok(Change::delete(ObjectStore::Values, RUNNING)),
        };
        let written = match change {
            Ok(change) => store.write(&[change]).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            // Unless there is a later one.
            persistence.pending.borrow_mut().get_or_insert(pending);
            return Err(error);
        }
        Ok(Some(pending))
    }

    async fn save_networks(&self, store: &Store) -> Result<(), StorageError> {
        let persistence = &self.0.persistence;
        let Some(own) = self.networks_to_store() else { return Ok(()) };
        let saved = persistence.saved.borrow().networks.clone();
        let (moved, gone) = self.moved_and_gone(&saved, &own);
        if !gone.is_empty() {
            // First and alone: this makes room for the others.
            let deletes: Vec<Change> = gone.iter().map(|key| Change::delete(ObjectStore::Networks, key)).collect();
            store.write(&deletes).await?;
            persistence.saved.borrow_mut().networks.retain(|key, _| !gone.contains(key));
        }
        let new = own.iter().filter(|(key, own)| saved.get(*key) != Some(&own.card.sha256));
        let (replacing, new): (Vec<_>, Vec<_>) = new.partition(|(key, _)| saved.contains_key(*key));
        // Each by itself, so that one that does not fit keeps no other from being stored.
        let mut outcome = Ok(());
        for network in new {
            outcome = outcome.and(self.save_group(store, &[network], &moved).await);
        }
        outcome?;
        // After those that were stored under these keys, and together: they may have exchanged their names.
        if replacing.is_empty() { Ok(()) } else { self.save_group(store, &replacing, &moved).await }
    }

    /// Stores some networks in one transaction. One that was renamed replaces itself.
    async fn save_group(
        &self,
        store: &Store,
        networks: &[(&String, &OwnNetwork)],
        moved: &BTreeMap<String, String>,
    ) -> Result<(), StorageError> {
        let before: Vec<&String> =
            moved.iter().filter(|(_, now)| networks.iter().any(|(key, _)| key == now)).map(|(old, _)| old).collect();
        let mut changes: Vec<Change> = before.iter().map(|old| Change::delete(ObjectStore::Networks, old)).collect();
        for (key, own) in networks {
            changes.push(Change::put(ObjectStore::Networks, key, network_record(own)?));
        }
        store.write(&changes).await?;
        let mut saved = self.0.persistence.saved.borrow_mut();
        saved.networks.retain(|key, _| !before.contains(&key));
        saved.networks.extend(networks.iter().map(|(key, own)| ((*key).clone(), own.card.sha256.clone())));
        self.0.persistence.renamed.borrow_mut().retain(|old, _| !before.contains(&old));
        Ok(())
    }

    /// The keys of stored networks that are no longer there: those that are now stored under another key, with that
    /// key, and those that were deleted.
    fn moved_and_gone(
        &self,
        saved: &BTreeMap<String, String>,
        own: &BTreeMap<String, OwnNetwork>,
    ) -> (BTreeMap<String, String>, Vec<String>) {
        let renamed = self.0.persistence.renamed.borrow();
        let (mut moved, mut gone) = (BTreeMap::new(), Vec::new());
        for (key, sha256) in saved.iter().filter(|(key, _)| !own.contains_key(*key)) {
            let now = renamed.get(key).map(|name| self.0.persistence.key(name)).filter(|now| own.contains_key(now));
            let same = || own.iter().find(|(_, own)| own.card.sha256 == *sha256).map(|(now, _)| now.clone());
            match now.or_else(same).filter(|now| saved.get(now) != own.get(now).map(|own| &own.card.sha256)) {
                Some(now) => drop(moved.insert(key.clone(), now)),
                None => gone.push(key.clone()),
            }
        }
        (moved, gone)
    }

    /// Offers the networks that are not stored as files, while something cannot be stored.
    pub(super) fn offer_unsaved(&self) {
        if self.0.storage.borrow().error.is_none() {
            return;
        }
        let own = self.networks_to_store().unwrap_or_default().into_iter();
        let saved = self.0.persistence.saved.borrow();
        let unsaved = own.filter(|(key, own)| saved.networks.get(key) != Some(&own.card.sha256));
        let unsaved: Vec<String> = unsaved.map(|(_, own)| own.card.name).collect();
        if self.0.storage.borrow().unsaved != unsaved {
            self.change_storage(|storage| storage.unsaved = unsaved);
        }
    }

    async fn save_runs(&self, store: &Store) -> Result<(), StorageError> {
        let runs = self.0.training.borrow().runs.clone();
        let saved = self.0.persistence.saved.borrow().runs.clone();
        let gone = saved.iter().filter(|old| runs.iter().all(|run| run.when != old.when));
        let deletes: Vec<Change> = gone.map(|old| Change::delete(ObjectStore::Runs, &run_key(old.when))).collect();
        if !deletes.is_empty() {
            store.write(&deletes).await?;
        }
        let new = runs.iter().filter(|run| !saved.iter().any(|old| is_same(old, run)));
        let puts = new.map(|run| {
            let outcome = to_value(run.outcome.as_ref())?;
            let record = record(&[("when", run.when.into()), ("outcome", outcome)])?;
            Ok(Change::put(ObjectStore::Runs, &run_key(run.when), record))
        });
        let puts: Vec<Change> = puts.collect::<Result<_, StorageError>>()?;
        if !puts.is_empty() {
            store.write(&puts).await?;
        }
        self.0.persistence.saved.borrow_mut().runs = runs.as_ref().clone();
        Ok(())
    }

    /// Stores the dataset if it has changed, its files first: a stored class must not name a clip without a file.
    async fn save_dataset(&self, store: &Store) -> Result<(), StorageError> {
        let stored = {
            let (training, saved) = (self.0.training.borrow(), self.0.persistence.saved.borrow());
            if self.0.storage.borrow().unreadable.dataset || saved.dataset.is_of(&training.dataset) {
                return Ok(());
            }
            StoredDataset::of(&training.dataset)
        };
        let present: HashSet<ClipId> = store.keys(ObjectStore::Clips).await?.into_iter().collect();
        let missing: Vec<(ClipId, File)> = {
            let clips = self.0.clips.borrow();
            let ids = stored.classes.iter().flat_map(|class| &class.clips).map(|clip| &clip.id);
            let new = ids.filter(|id| !present.contains(*id));
            new.filter_map(|id| Some((id.clone(), clips.get(id)?.clone()))).collect()
        };
        // A dataset whose files are incomplete is stored all the same: missing clips are reported when it is restored.
        let files = save_files(store, &missing).await;
        self.read_back(store, &missing).await;
        let record = with_version(to_value(&stored)?)?;
        store.write(&[Change::put(ObjectStore::Values, COLLECTION, record)]).await?;
        files?;
        self.0.persistence.saved.borrow_mut().dataset = stored;
        Ok(())
    }

    /// Remembers the stored copies of these files.
    async fn read_back(&self, store: &Store, files: &[(ClipId, File)]) {
        for batch in files.chunks(FILES) {
            let ids: Vec<&str> = batch.iter().map(|(id, _)| id.as_str()).collect();
            // What cannot be read back is read from where the user has it.
            let Ok(stored) = store.some(ObjectStore::Clips, &ids).await else { continue };
            let copies: HashMap<ClipId, File> = ids
                .into_iter()
                .zip(stored)
                .filter_map(|(id, file)| Some((id.to_owned(), file?.dyn_into().ok()?)))
                .collect();
            self.with_engines(|engines| engines.replace_files(&copies));
            self.0.persistence.copies.borrow_mut().extend(copies);
        }
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

/// Padded to the same number of digits, so that the order of the keys is the order of the times.
fn run_key(when: f64) -> String {
    format!("{when:015.0}")
}

fn network_record(own: &OwnNetwork) -> Result<JsValue, StorageError> {
    record(&[("card", to_value(&own.card)?), ("weights", own.weights.clone().into())])
}

/// An object of these fields.
fn record(fields: &[(&str, JsValue)]) -> Result<JsValue, StorageError> {
    let record = Object::new();
    for (name, value) in fields {
        Reflect::set(&record, &(*name).into(), value).map_err(|error| StorageError::Other(dom::describe(&error)))?;
    }
    with_version(record.into())
}
