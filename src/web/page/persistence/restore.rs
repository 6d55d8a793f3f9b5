//! Restores what was stored.

use std::collections::{BTreeMap, HashSet};
use std::rc::{Rc, Weak};

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

use super::super::Inner;
use super::super::listen::with;
use super::{COLLECTION, InterruptedRun, Page, RUNNING, Saved};
use crate::card::Card;
use crate::training_job::ClipId;
use crate::view::storage::state::{
    SavedRun, StorageError, StorageState, StorageStatus, StoredDataset, Unreadable, remove_missing, renamed,
    required_clips,
};
use crate::view::storage::words;
use crate::view::train::results::{Outcome, RunRecord};
use crate::web::client::OwnNetwork;
use crate::web::store::{self, Change, ObjectStore, Store, field, from_value, is_known_version};

/// Everything that was stored.
struct StoredData {
    dataset: StoredDataset,
    files: BTreeMap<ClipId, File>,
    /// By key.
    networks: BTreeMap<String, OwnNetwork>,
    runs: Vec<RunRecord>,
    interrupted: Option<InterruptedRun>,
    unreadable: Unreadable,
    /// The keys of networks that cannot be read.
    unreadable_networks: HashSet<String>,
}

impl Page {
    /// Restores what was stored, and stores changes from now on. `network` is one that the page's address asks for.
    pub(in crate::web::page) fn start_persistence(&self, network: Option<String>) {
        match store::name() {
            Ok(name) => self.persist_in(name, network),
            Err(error) => self.report_storage_error(Err(error)),
        }
    }

    /// As [`start_persistence`](Self::start_persistence), in a database of this name: for tests.
    pub fn persist_in(&self, name: String, network: Option<String>) {
        self.change_storage(|storage| storage.status = StorageStatus::Loading);
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            let opened = Store::open_alone(&name).await;
            let is_elsewhere = matches!(opened, Err(StorageError::OtherTab));
            Self::load_into(&weak, opened, network).await;
            if is_elsewhere {
                Self::load_into(&weak, Store::open_after_others(&name).await, None).await;
            }
        });
    }

    async fn load_into(weak: &Weak<Inner>, opened: Result<Store, StorageError>, network: Option<String>) {
        if let Some(inner) = weak.upgrade() {
            Self(inner).load(opened, network).await;
        }
    }

    /// As [`start_persistence`](Self::start_persistence), but from an open store: for tests.
    pub async fn restore_from(&self, store: Store) {
        self.load(Ok(store), None).await;
    }

    async fn load(&self, store: Result<Store, StorageError>, network: Option<String>) {
        let loaded = async {
            let store = store?;
            let data = read_all(&store).await?;
            Ok((store, data))
        };
        match loaded.await {
            Ok((store, data)) => {
                self.change_storage(StorageState::succeed);
                self.restore(store, data, network).await;
            }
            // Stored data that cannot be read is not overwritten.
            Err(StorageError::Other(reason) | StorageError::Unavailable(reason)) => {
                self.report_storage_error(Err(StorageError::Unavailable(reason)));
            }
            Err(trouble) => self.report_storage_error(Err(trouble)),
        }
    }

    /// Puts what was stored before what the page has already: there is some if another tab stored everything until
    /// now.
    async fn restore(&self, store: Store, mut data: StoredData, network: Option<String>) {
        let saved = Saved {
            dataset: data.dataset.clone(),
            networks: data.networks.iter().map(|(key, own)| (key.clone(), own.card.sha256.clone())).collect(),
            runs: data.runs.clone(),
        };
        let persistence = &self.0.persistence;
        // Before anything is restored, so that the restored data is not written again.
        persistence.saved.replace(saved);
        persistence.unreadable_networks.replace(data.unreadable_networks);
        self.change_storage(|storage| storage.unreadable = data.unreadable);
        let missing = remove_missing(&mut data.dataset.classes, &data.files.keys().map(String::as_str).collect());
        let clips = data.dataset.classes.iter().flat_map(|class| &class.clips);
        let files = clips.filter_map(|clip| Some((clip.id.clone(), data.files.get(&clip.id)?.clone()))).collect();
        let stored: Vec<ClipId> = data.files.keys().cloned().collect();
        self.0.clips.borrow_mut().extend(data.files);
        // Thumbnails are not stored.
        self.with_engines(|engines| engines.make_thumbnails(files));
        let networks = self.with_free_names(data.networks.into_values().collect(), &mut data.runs);
        self.change_training(|training| {
            training.dataset.restore(data.dataset.classes);
            if data.dataset.wants_tags {
                training.dataset.want_tags(true);
            }
            training.outcome = training.outcome.take().or_else(|| data.runs.last().map(|run| run.outcome.clone()));
            training.restore_runs(data.runs);
            if !missing.is_empty() && !data.unreadable.dataset {
                training.notice = Some(words::missing_clips(&missing));
            }
        });
        self.restore_interrupted(data.interrupted);
        let leftovers = if data.unreadable.hides_clips() { Vec::new() } else { self.leftovers(&stored) };
        self.restore_networks(networks, network);
        if !leftovers.is_empty() {
            // They are found again at the next visit.
            if let Err(error) = store.write(&leftovers).await {
                log::warn!("files of removed clips are still stored: {error:?}");
            }
        }
        let weak = Rc::downgrade(&self.0);
        store.on_lost(move || with(&weak, Self::retry));
        // Last: from here on changes are written.
        persistence.store.replace(Some(store));
        self.show_usage().await;
        self.save_soon();
    }

    fn restore_interrupted(&self, interrupted: Option<InterruptedRun>) {
        let persistence = &self.0.persistence;
        // A run in progress has a later checkpoint, which replaces this one.
        if persistence.is_current_run.get() {
            return;
        }
        // What ended here before concerns no stored run.
        persistence.pending.take();
        let running = interrupted.as_ref().map(|run| run.running.as_ref().clone());
        persistence.last_checkpoint.replace(interrupted);
        self.change_storage(|storage| storage.interrupted = running);
    }

    /// Stored networks under names that no other network has, also in the stored runs.
    fn with_free_names(&self, networks: Vec<OwnNetwork>, runs: &mut [RunRecord]) -> Vec<OwnNetwork> {
        let names = networks.iter().map(|own| own.card.name.as_str());
        let renamed: BTreeMap<String, String> =
            renamed(names, self.0.state.borrow().catalogue.as_deref()).into_iter().collect();
        let named = |card: Card| match renamed.get(&card.name) {
            Some(name) => Card { name: name.clone(), ..card },
            None => card,
        };
        for run in runs.iter_mut().filter(|run| renamed.contains_key(&run.outcome.card.name)) {
            let outcome = run.outcome.as_ref().clone();
            run.outcome = Rc::new(Outcome { card: named(outcome.card), ..outcome });
        }
        networks.into_iter().map(|own| OwnNetwork { card: named(own.card), ..own }).collect()
    }

    fn restore_networks(&self, networks: Vec<OwnNetwork>, wanted: Option<String>) {
        if networks.is_empty() {
            return;
        }
        let wanted = wanted.filter(|wanted| networks.iter().any(|own| own.card.name == *wanted));
        self.with_engines(|engines| engines.restore_own(networks));
        if let Some(wanted) = wanted {
            // The network may have been requested before it was restored.
            self.use_network(&wanted);
        }
    }

    /// Deletes files that nothing needs any more: the undo history of removed clips is gone.
    fn leftovers(&self, clips: &[ClipId]) -> Vec<Change> {
        let (training, shown) = (self.0.training.borrow(), self.0.storage.borrow());
        let needed: HashSet<&ClipId> = required_clips(training.dataset.classes(), shown.interrupted.as_ref());
        clips.iter().filter(|id| !needed.contains(id)).map(|id| Change::delete(ObjectStore::Clips, id)).collect()
    }
}

async fn read_all(store: &Store) -> Result<StoredData, StorageError> {
    let (clips, networks) = (store.all(ObjectStore::Clips).await?, store.all(ObjectStore::Networks).await?);
    let (runs, mut values) = (store.all(ObjectStore::Runs).await?, store.all(ObjectStore::Values).await?);
    let (files, unreadable_clips) = readable(clips, |clip| clip.dyn_into().ok());
    let (networks, unreadable_networks) = readable(networks, network);
    let (runs, unreadable_runs) = readable(runs, run);
    let stored = values.remove(COLLECTION);
    let (has_dataset, dataset) = (stored.is_some(), stored.and_then(dataset));
    let stored = values.remove(RUNNING);
    let (has_interrupted, interrupted) = (stored.is_some(), stored.and_then(interrupted));
    let unreadable = Unreadable {
        // A dataset without some of its files would be stored without these clips.
        dataset: (has_dataset && dataset.is_none()) || !unreadable_clips.is_empty(),
        interrupted: has_interrupted && interrupted.is_none(),
        networks: unreadable_networks.len(),
        runs: unreadable_runs.len(),
    };
    let (dataset, runs) = (dataset.unwrap_or_default(), runs.into_values().collect());
    Ok(StoredData { dataset, files, networks, runs, interrupted, unreadable, unreadable_networks })
}

/// What can be read of some records, and the keys of the others.
fn readable<T>(
    records: BTreeMap<String, JsValue>,
    read: impl Fn(JsValue) -> Option<T>,
) -> (BTreeMap<String, T>, HashSet<String>) {
    let (mut values, mut unreadable) = (BTreeMap::new(), HashSet::new());
    for (key, record) in records {
        match read(record) {
            Some(value) => drop(values.insert(key, value)),
            None => drop(unreadable.insert(key)),
        }
    }
    (values, unreadable)
}

fn dataset(value: JsValue) -> Option<StoredDataset> {
    is_known_version(&value).then_some(())?;
    from_value("the dataset", value)
}

fn network(value: JsValue) -> Option<OwnNetwork> {
    is_known_version(&value).then_some(())?;
    let card: Card = from_value("a network", field(&value, "card"))?;
    Some(OwnNetwork { card, weights: field(&value, "weights").dyn_into::<Blob>().ok()? })
}

fn run(value: JsValue) -> Option<RunRecord> {
    is_known_version(&value).then_some(())?;
    let outcome: Outcome = from_value("a training run", field(&value, "outcome"))?;
    // The page looks up a prediction for every clip.
    let whole = outcome.result.answers.len() == outcome.job.clips.len();
    whole.then_some(())?;
    Some(RunRecord { when: field(&value, "when").as_f64()?, outcome: Rc::new(outcome) })
}

fn interrupted(value: JsValue) -> Option<InterruptedRun> {
    is_known_version(&value).then_some(())?;
    let running: SavedRun = from_value("an interrupted training run", field(&value, "running"))?;
    Some(InterruptedRun { running: Rc::new(running), checkpoint: field(&value, "checkpoint").dyn_into::<Blob>().ok()? })
}
