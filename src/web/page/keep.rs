//! What the page keeps on the device: whatever should be kept and is not, or is and should not be, is found by comparing
//! the two, whenever anything has changed. Nothing waits for it, and where it fails the page goes on without.

mod acts;
mod place;
mod restore;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Array, Date, Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

pub use self::acts::listen;
pub use self::place::KeptPlace;
use super::Page;
use crate::training_job::ClipId;
use crate::view::kept::{self, Gathered, Keeping, Kept, Running, Trouble};
use crate::view::teach::{Checkpoint, News, Run};
use crate::web::client::OwnNetwork;
use crate::web::dom;
use crate::web::store::{self, Change, Drawer, Store, to_value};

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
pub struct Keeper {
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
    gathered: Gathered,
    /// The SHA-256 of their weights, by name.
    networks: BTreeMap<String, String>,
    runs: Vec<Run>,
}

/// A lesson that may go on.
#[derive(Clone)]
struct Left {
    running: Rc<Running>,
    checkpoint: Blob,
}

enum Pending {
    Save,
    Drop,
}

impl Page {
    /// What is shown of keeping changes.
    fn change_kept(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.0.kept.borrow_mut());
        self.request_frame();
    }

    /// Something that is kept may have changed.
    pub(super) fn note_change(&self) {
        let keeper = &self.0.keeper;
        if keeper.store.borrow().is_none() || !self.is_unsaved() {
            return;
        }
        self.change_kept(|kept| kept.keeping = Keeping::Busy);
        keeper.changed.set(true);
        if keeper.busy.replace(true) {
            return;
        }
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            while let Some(inner) = weak.upgrade() {
                if !inner.keeper.changed.replace(false) {
                    return inner.keeper.busy.set(false);
                }
                Self(inner).keep().await;
                dom::sleep(SPACING).await;
            }
        });
    }

    /// True where something is to be kept, or no longer.
    fn is_unsaved(&self) -> bool {
        let (teaching, saved) = (self.0.teaching.borrow(), self.0.keeper.saved.borrow());
        let pending = self.0.keeper.pending.borrow().is_some();
        let same = |(old, new): (&Run, &Run)| is_same(old, new);
        let runs = saved.runs.len() != teaching.runs.len() || !saved.runs.iter().zip(teaching.runs.iter()).all(same);
        let state = self.0.state.borrow();
        // Before there is a list, the user's own networks are not in it.
        let networks = state.catalogue.as_deref().is_some_and(|list| {
            let own = kept::own(Some(list));
            own.clone().count() != saved.networks.len()
                || !own.into_iter().all(|own| saved.networks.contains_key(&own.name))
        });
        pending || runs || networks || !saved.gathered.is_of(&teaching.collection)
    }

    /// Takes what the client tells of a lesson.
    pub(super) fn receive_training(&self, news: News) {
        let busy = self.0.teaching.borrow().is_busy();
        match &news {
            News::Checkpoint(checkpoint) if busy => self.keep_checkpoint(checkpoint),
            News::Taught(_) | News::Cancelled if busy => self.drop_checkpoint(),
            News::Failed(_) if busy => self.offer_to_go_on(),
            _ => {}
        }
        let taught = busy && matches!(news, News::Taught(_));
        self.change_teaching(|teaching| {
            teaching.apply(news);
            if taught {
                teaching.remember(Date::now());
            }
        });
    }

    fn keep_checkpoint(&self, checkpoint: &Checkpoint) {
        let Checkpoint { job, epoch, bytes } = checkpoint;
        let told = self.0.teaching.borrow().epochs.iter().filter(|told| told.epoch <= *epoch).cloned().collect();
        let running = Running { job: job.clone(), epoch: *epoch, epochs: told };
        match Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes.as_slice()))) {
            Ok(checkpoint) => {
                self.0.keeper.last.replace(Some(Left { running: Rc::new(running), checkpoint }));
                self.0.keeper.pending.replace(Some(Pending::Save));
                self.0.keeper.ours.set(true);
                // Another that was interrupted before is replaced by it.
                self.change_kept(|kept| kept.interrupted = None);
            }
            Err(error) => log::warn!("the checkpoint is not kept: {}", dom::describe(&error)),
        }
    }

    /// The lesson that ran is over. One that was interrupted before it can still go on.
    fn drop_checkpoint(&self) {
        if self.0.keeper.ours.replace(false) {
            self.forget_interrupted();
        }
    }

    fn forget_interrupted(&self) {
        self.0.keeper.last.take();
        self.0.keeper.pending.replace(Some(Pending::Drop));
        self.change_kept(|kept| kept.interrupted = None);
        self.note_change();
    }

    /// The lesson that ran came to nothing, but may go on from its last checkpoint.
    fn offer_to_go_on(&self) {
        let keeper = &self.0.keeper;
        if keeper.ours.replace(false) {
            let running = keeper.last.borrow().as_ref().map(|left| left.running.as_ref().clone());
            self.change_kept(|kept| kept.interrupted = running);
        }
    }

    /// Writes what is not written yet.
    async fn keep(&self) {
        let store = self.0.keeper.store.borrow().clone();
        let Some(store) = store else { return };
        let (running, networks, runs) = (self.running_changes(), self.network_changes(), self.run_changes());
        let gathered = self.changed_collection();
        for changes in [running, networks, runs].iter().filter(|changes| !changes.is_empty()) {
            self.tell_trouble(store.write(changes).await);
        }
        if let Some(gathered) = gathered {
            self.tell_trouble(self.keep_collection(&store, &gathered).await);
        }
        if !self.0.keeper.asked_to_last.replace(true) {
            // Not waited for: some browsers ask the user.
            spawn_local(store::ask_to_last());
        }
        self.show_usage().await;
        if !self.0.keeper.changed.get() {
            self.change_kept(|kept| kept.keeping = Keeping::Kept);
        }
    }

    async fn show_usage(&self) {
        let usage = store::usage().await;
        self.change_kept(|kept| kept.usage = usage);
    }

    fn tell_trouble(&self, outcome: Result<(), Trouble>) {
        if let Err(trouble) = outcome {
            log::warn!("something is not kept: {trouble:?}");
            self.change_kept(|kept| kept.meet(trouble));
        }
    }

    fn running_changes(&self) -> Vec<Change> {
        match self.0.keeper.pending.take() {
            None => Vec::new(),
            Some(Pending::Drop) => vec![Change::delete(Drawer::Values, RUNNING)],
            Some(Pending::Save) => {
                let left = self.0.keeper.last.borrow().clone();
                let value = left.map(|left| {
                    record(&[("running", to_value(left.running.as_ref())?), ("checkpoint", left.checkpoint.into())])
                });
                self.put(Drawer::Values, RUNNING, value).into_iter().collect()
            }
        }
    }

    /// A change that keeps this, where it can be written down.
    fn put(&self, drawer: Drawer, key: &str, value: Option<Result<JsValue, Trouble>>) -> Option<Change> {
        match value? {
            Ok(value) => Some(Change::put(drawer, key, value)),
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
        let mut saved = self.0.keeper.saved.borrow_mut();
        let own: Vec<OwnNetwork> = kept::own(Some(&list)).filter_map(|offer| engines.own(&offer.name)).collect();
        let there: BTreeMap<String, String> =
            own.iter().map(|own| (own.card.name.clone(), own.card.sha256.clone())).collect();
        let gone = saved.networks.keys().filter(|name| !there.contains_key(*name));
        let mut changes: Vec<Change> = gone.map(|name| Change::delete(Drawer::Networks, name)).collect();
        for own in own.iter().filter(|own| saved.networks.get(&own.card.name) != Some(&own.card.sha256)) {
            let value =
                to_value(&own.card).and_then(|card| record(&[("card", card), ("weights", own.weights.clone().into())]));
            changes.extend(self.put(Drawer::Networks, &own.card.name, Some(value)));
        }
        saved.networks = there;
        changes
    }

    fn run_changes(&self) -> Vec<Change> {
        let runs = self.0.teaching.borrow().runs.clone();
        let mut saved = self.0.keeper.saved.borrow_mut();
        let gone = saved.runs.iter().filter(|old| runs.iter().all(|run| run.when != old.when));
        let mut changes: Vec<Change> = gone.map(|old| Change::delete(Drawer::Runs, &run_key(old.when))).collect();
        for run in runs.iter().filter(|run| !saved.runs.iter().any(|old| is_same(old, run))) {
            let value = to_value(run.outcome.as_ref())
                .and_then(|outcome| record(&[("when", run.when.into()), ("outcome", outcome)]));
            changes.extend(self.put(Drawer::Runs, &run_key(run.when), Some(value)));
        }
        saved.runs = runs.as_ref().clone();
        changes
    }

    /// The collection, where it is another than was kept.
    fn changed_collection(&self) -> Option<Gathered> {
        let teaching = self.0.teaching.borrow();
        let mut saved = self.0.keeper.saved.borrow_mut();
        if saved.gathered.is_of(&teaching.collection) {
            return None;
        }
        saved.gathered = Gathered::of(&teaching.collection);
        Some(saved.gathered.clone())
    }

    /// Keeps the collection, its files first: a class should not name a clip that is not there.
    async fn keep_collection(&self, store: &Store, gathered: &Gathered) -> Result<(), Trouble> {
        let there = store.keys(Drawer::Clips).await?;
        let missing: Vec<(ClipId, File)> = {
            let clips = self.0.clips.borrow();
            let ids = gathered.classes.iter().flat_map(|class| &class.clips).map(|clip| &clip.id);
            let new = ids.filter(|id| !there.contains(id));
            new.filter_map(|id| Some((id.clone(), clips.get(id)?.clone()))).collect()
        };
        let files = keep_files(store, &missing).await;
        let collection = store.write(&[Change::put(Drawer::Values, COLLECTION, to_value(gathered)?)]).await;
        files.and(collection)
    }
}

/// Keeps files, in bundles; of a bundle that is refused, whatever can be kept. It ends where there is no room.
async fn keep_files(store: &Store, files: &[(ClipId, File)]) -> Result<(), Trouble> {
    let put = |(id, file): &(ClipId, File)| Change::put(Drawer::Clips, id, file);
    let mut outcome = Ok(());
    for bundle in files.chunks(FILES) {
        if store.write(&bundle.iter().map(put).collect::<Vec<_>>()).await.is_ok() {
            continue;
        }
        for file in bundle {
            match store.write(&[put(file)]).await {
                Err(Trouble::Full) => return Err(Trouble::Full),
                Err(trouble) => outcome = Err(trouble),
                Ok(()) => {}
            }
        }
    }
    outcome
}

fn is_same(a: &Run, b: &Run) -> bool {
    a.when == b.when && Rc::ptr_eq(&a.outcome, &b.outcome)
}

/// Times have the same number of digits, so that their keys are in their order.
fn run_key(when: f64) -> String {
    format!("{when:015.0}")
}

/// An object of these fields.
fn record(fields: &[(&str, JsValue)]) -> Result<JsValue, Trouble> {
    let record = Object::new();
    for (name, value) in fields {
        Reflect::set(&record, &(*name).into(), value).map_err(|error| Trouble::Other(dom::describe(&error)))?;
    }
    Ok(record.into())
}
