//! Restores what was stored.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

use super::{COLLECTION, InterruptedRun, Page, Persistence, RUNNING, Saved};
use crate::card::Card;
use crate::training_job::ClipId;
use crate::view::storage::state::{
    SavedRun, StorageError, StorageStatus, StoredDataset, remove_missing, required_clips,
};
use crate::view::storage::words;
use crate::view::train::results::{Outcome, RunRecord};
use crate::web::client::OwnNetwork;
use crate::web::store::{Change, ObjectStore, Store, field, from_value};

/// Everything that was stored.
struct StoredData {
    dataset: StoredDataset,
    files: BTreeMap<ClipId, File>,
    /// Keys of clips, also of entries that are not files.
    clips: Vec<ClipId>,
    networks: Vec<OwnNetwork>,
    runs: Vec<RunRecord>,
    interrupted: Option<InterruptedRun>,
}

impl Page {
    /// Restores what was stored, and stores changes from now on. `network` is one that the page's address asks for.
    pub(in crate::web::page) fn start_persistence(&self, network: Option<String>) {
        self.change_storage(|storage| storage.status = StorageStatus::Loading);
        let page = self.clone();
        spawn_local(async move { page.load(Store::open().await, network).await });
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
                self.change_storage(|storage| storage.status = StorageStatus::Saved);
                self.restore(store, data, network).await;
            }
            // Stored data that cannot be read is not overwritten.
            Err(StorageError::Other(reason) | StorageError::Unavailable(reason)) => {
                self.report_storage_error(Err(StorageError::Unavailable(reason)));
            }
            Err(trouble) => self.report_storage_error(Err(trouble)),
        }
    }

    async fn restore(&self, store: Store, mut data: StoredData, network: Option<String>) {
        let saved = Saved {
            dataset: data.dataset.clone(),
            networks: data.networks.iter().map(|own| (own.card.name.clone(), own.card.sha256.clone())).collect(),
            runs: data.runs.clone(),
        };
        // Before anything is restored, so that the restored data is not written again.
        self.0.persistence.remember(saved, data.interrupted.clone());
        let missing = remove_missing(&mut data.dataset.classes, &data.files.keys().map(String::as_str).collect());
        let clips = data.dataset.classes.iter().flat_map(|class| &class.clips);
        let files = clips.filter_map(|clip| Some((clip.id.clone(), data.files.get(&clip.id)?.clone()))).collect();
        self.0.clips.borrow_mut().extend(data.files);
        // Thumbnails are not stored.
        self.with_engines(|engines| engines.make_thumbnails(files));
        self.change_training(|training| {
            training.dataset.restore(data.dataset.classes);
            if data.dataset.wants_tags {
                training.dataset.want_tags(true);
            }
            training.outcome = training.outcome.take().or_else(|| data.runs.last().map(|run| run.outcome.clone()));
            training.runs = Rc::new(data.runs);
            if !missing.is_empty() {
                training.notice = Some(words::missing_clips(&missing));
            }
        });
        let interrupted = data.interrupted.map(|run| run.running.as_ref().clone());
        self.change_storage(|storage| storage.interrupted = interrupted);
        let leftovers = self.leftovers(&data.clips);
        self.restore_networks(data.networks, network);
        if !leftovers.is_empty() {
            self.report_storage_error(store.write(&leftovers).await);
        }
        // Last: from here on changes are written.
        self.0.persistence.store.replace(Some(store));
        self.show_usage().await;
        self.save_soon();
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

impl Persistence {
    fn remember(&self, saved: Saved, interrupted: Option<InterruptedRun>) {
        self.saved.replace(saved);
        self.last_checkpoint.replace(interrupted);
    }
}

async fn read_all(store: &Store) -> Result<StoredData, StorageError> {
    let (clips, networks) = (store.all(ObjectStore::Clips).await?, store.all(ObjectStore::Networks).await?);
    let (runs, mut values) = (store.all(ObjectStore::Runs).await?, store.all(ObjectStore::Values).await?);
    let dataset = values.remove(COLLECTION).and_then(|stored| from_value("the dataset", stored));
    let keys = clips.keys().cloned().collect();
    let files = clips.into_iter().filter_map(|(id, file)| Some((id, file.dyn_into().ok()?))).collect();
    Ok(StoredData {
        dataset: dataset.unwrap_or_default(),
        files,
        clips: keys,
        networks: networks.into_values().filter_map(network).collect(),
        runs: runs.into_values().filter_map(run).collect(),
        interrupted: values.remove(RUNNING).and_then(interrupted),
    })
}

fn network(value: JsValue) -> Option<OwnNetwork> {
    let card: Card = from_value("a network", field(&value, "card"))?;
    Some(OwnNetwork { card, weights: field(&value, "weights").dyn_into::<Blob>().ok()? })
}

fn run(value: JsValue) -> Option<RunRecord> {
    let outcome: Outcome = from_value("a training run", field(&value, "outcome"))?;
    // The page looks up a prediction for every clip.
    let whole = outcome.result.answers.len() == outcome.job.clips.len();
    whole.then_some(())?;
    Some(RunRecord { when: field(&value, "when").as_f64()?, outcome: Rc::new(outcome) })
}

fn interrupted(value: JsValue) -> Option<InterruptedRun> {
    let running: SavedRun = from_value("an interrupted training run", field(&value, "running"))?;
    Some(InterruptedRun { running: Rc::new(running), checkpoint: field(&value, "checkpoint").dyn_into::<Blob>().ok()? })
}
