//! What was kept comes back.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

use super::{COLLECTION, Left, Page, Persistence, RUNNING, Saved};
use crate::card::Card;
use crate::training_job::ClipId;
use crate::view::storage::state::{SavedRun, StorageError, StorageStatus, StoredDataset, needed, without_lost};
use crate::view::storage::words;
use crate::view::train::results::{Outcome, RunRecord};
use crate::web::client::OwnNetwork;
use crate::web::store::{Change, ObjectStore, Store, field, from_value};

/// What was kept.
struct StorageState {
    stored: StoredDataset,
    files: BTreeMap<ClipId, File>,
    /// Keys of clips, also of those that are no files.
    clips: Vec<ClipId>,
    networks: Vec<OwnNetwork>,
    runs: Vec<RunRecord>,
    left: Option<Left>,
}

impl Page {
    /// Brings back what was kept, and keeps what changes from now on. `network` is one that the page's address asks for.
    pub(in crate::web::page) fn begin_keeping(&self, network: Option<String>) {
        self.change_storage(|storage| storage.status = StorageStatus::Fetching);
        let page = self.clone();
        spawn_local(async move { page.bring_back(Store::open().await, network).await });
    }

    /// As [`begin_keeping`](Self::begin_keeping), from a store that is open: for tests.
    pub async fn keep_in(&self, store: Store) {
        self.bring_back(Ok(store), None).await;
    }

    async fn bring_back(&self, store: Result<Store, StorageError>, network: Option<String>) {
        let fetched = async {
            let store = store?;
            let storage = fetch(&store).await?;
            Ok((store, storage))
        };
        match fetched.await {
            Ok((store, storage)) => {
                self.change_storage(|storage| storage.status = StorageStatus::StorageState);
                self.restore(store, storage, network).await;
            }
            // What is there but cannot be read is not written over.
            Err(StorageError::Other(reason) | StorageError::Unavailable(reason)) => {
                self.tell_trouble(Err(StorageError::Unavailable(reason)));
            }
            Err(trouble) => self.tell_trouble(Err(trouble)),
        }
    }

    async fn restore(&self, store: Store, mut storage: StorageState, network: Option<String>) {
        let saved = Saved {
            stored: storage.stored.clone(),
            networks: storage.networks.iter().map(|own| (own.card.name.clone(), own.card.sha256.clone())).collect(),
            runs: storage.runs.clone(),
        };
        self.0.persistence.remember(saved, storage.left.clone());
        let lost = without_lost(&mut storage.stored.classes, &storage.files.keys().map(String::as_str).collect());
        let clips = storage.stored.classes.iter().flat_map(|class| &class.clips);
        let files = clips.filter_map(|clip| Some((clip.id.clone(), storage.files.get(&clip.id)?.clone()))).collect();
        self.0.clips.borrow_mut().extend(storage.files);
        // Their pictures are not kept.
        self.with_engines(|engines| engines.make_thumbnails(files));
        self.change_training(|training| {
            training.dataset.restore(storage.stored.classes);
            if storage.stored.wants_tags {
                training.dataset.want_tags(true);
            }
            training.outcome = training.outcome.take().or_else(|| storage.runs.last().map(|run| run.outcome.clone()));
            training.runs = Rc::new(storage.runs);
            if !lost.is_empty() {
                training.notice = Some(words::lost(&lost));
            }
        });
        let interrupted = storage.left.map(|left| left.running.as_ref().clone());
        self.change_storage(|storage| storage.interrupted = interrupted);
        let leftovers = self.leftovers(&storage.clips);
        self.bring_networks(storage.networks, network);
        if !leftovers.is_empty() {
            self.tell_trouble(store.write(&leftovers).await);
        }
        self.0.persistence.store.replace(Some(store));
        self.show_usage().await;
        self.note_change();
    }

    fn bring_networks(&self, networks: Vec<OwnNetwork>, wanted: Option<String>) {
        if networks.is_empty() {
            return;
        }
        let wanted = wanted.filter(|wanted| networks.iter().any(|own| own.card.name == *wanted));
        self.with_engines(|engines| engines.bring_own(networks));
        if let Some(wanted) = wanted {
            // It may have been looked for before it was back.
            self.use_network(&wanted);
        }
    }

    /// Files that nothing needs any more: clips were removed, and that can no longer be taken back.
    fn leftovers(&self, clips: &[ClipId]) -> Vec<Change> {
        let (training, shown) = (self.0.training.borrow(), self.0.storage.borrow());
        let needed: HashSet<&ClipId> = needed(training.dataset.classes(), shown.interrupted.as_ref());
        clips.iter().filter(|id| !needed.contains(id)).map(|id| Change::delete(ObjectStore::Clips, id)).collect()
    }
}

impl Persistence {
    fn remember(&self, saved: Saved, left: Option<Left>) {
        self.saved.replace(saved);
        self.last.replace(left);
    }
}

async fn fetch(store: &Store) -> Result<StorageState, StorageError> {
    let (clips, networks) = (store.all(ObjectStore::Clips).await?, store.all(ObjectStore::Networks).await?);
    let (runs, mut values) = (store.all(ObjectStore::Runs).await?, store.all(ObjectStore::Values).await?);
    let stored = values.remove(COLLECTION).and_then(|stored| from_value("the collection", stored));
    let keys = clips.keys().cloned().collect();
    let files = clips.into_iter().filter_map(|(id, file)| Some((id, file.dyn_into().ok()?))).collect();
    Ok(StorageState {
        stored: stored.unwrap_or_default(),
        files,
        clips: keys,
        networks: networks.into_values().filter_map(network).collect(),
        runs: runs.into_values().filter_map(run).collect(),
        left: values.remove(RUNNING).and_then(left),
    })
}

fn network(value: JsValue) -> Option<OwnNetwork> {
    let card: Card = from_value("a network", field(&value, "card"))?;
    Some(OwnNetwork { card, weights: field(&value, "weights").dyn_into::<Blob>().ok()? })
}

fn run(value: JsValue) -> Option<RunRecord> {
    let outcome: Outcome = from_value("a lesson", field(&value, "outcome"))?;
    // Every clip has its answer, or the page would look for what is not there.
    let whole = outcome.result.answers.len() == outcome.job.clips.len();
    whole.then_some(())?;
    Some(RunRecord { when: field(&value, "when").as_f64()?, outcome: Rc::new(outcome) })
}

fn left(value: JsValue) -> Option<Left> {
    let running: SavedRun = from_value("an interrupted lesson", field(&value, "running"))?;
    Some(Left { running: Rc::new(running), checkpoint: field(&value, "checkpoint").dyn_into::<Blob>().ok()? })
}
