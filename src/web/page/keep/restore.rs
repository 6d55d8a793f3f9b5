//! What was kept comes back.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

use super::{COLLECTION, Keeper, Left, Page, RUNNING, Saved};
use crate::card::Card;
use crate::training_job::ClipId;
use crate::view::kept::{Gathered, Keeping, Running, Trouble, needed, without_lost};
use crate::view::teach::{Outcome, Run};
use crate::view::words::kept as words;
use crate::web::client::OwnNetwork;
use crate::web::store::{Change, Drawer, Store, field, from_value};

/// What was kept.
struct Kept {
    gathered: Gathered,
    files: BTreeMap<ClipId, File>,
    /// Keys of clips, also of those that are no files.
    clips: Vec<ClipId>,
    networks: Vec<OwnNetwork>,
    runs: Vec<Run>,
    left: Option<Left>,
}

impl Page {
    /// Brings back what was kept, and keeps what changes from now on. `network` is one that the page's address asks for.
    pub(in crate::web::page) fn begin_keeping(&self, network: Option<String>) {
        self.change_kept(|kept| kept.keeping = Keeping::Fetching);
        let page = self.clone();
        spawn_local(async move { page.bring_back(Store::open().await, network).await });
    }

    /// As [`begin_keeping`](Self::begin_keeping), from a store that is open: for tests.
    pub async fn keep_in(&self, store: Store) {
        self.bring_back(Ok(store), None).await;
    }

    async fn bring_back(&self, store: Result<Store, Trouble>, network: Option<String>) {
        let fetched = async {
            let store = store?;
            let kept = fetch(&store).await?;
            Ok((store, kept))
        };
        match fetched.await {
            Ok((store, kept)) => {
                self.change_kept(|kept| kept.keeping = Keeping::Kept);
                self.restore(store, kept, network).await;
            }
            // What is there but cannot be read is not written over.
            Err(Trouble::Other(reason) | Trouble::Unavailable(reason)) => {
                self.tell_trouble(Err(Trouble::Unavailable(reason)));
            }
            Err(trouble) => self.tell_trouble(Err(trouble)),
        }
    }

    async fn restore(&self, store: Store, mut kept: Kept, network: Option<String>) {
        let saved = Saved {
            gathered: kept.gathered.clone(),
            networks: kept.networks.iter().map(|own| (own.card.name.clone(), own.card.sha256.clone())).collect(),
            runs: kept.runs.clone(),
        };
        self.0.keeper.remember(saved, kept.left.clone());
        let lost = without_lost(&mut kept.gathered.classes, &kept.files.keys().map(String::as_str).collect());
        let clips = kept.gathered.classes.iter().flat_map(|class| &class.clips);
        let files = clips.filter_map(|clip| Some((clip.id.clone(), kept.files.get(&clip.id)?.clone()))).collect();
        self.0.clips.borrow_mut().extend(kept.files);
        // Their pictures are not kept.
        self.with_engines(|engines| engines.make_thumbnails(files));
        self.change_teaching(|teaching| {
            teaching.collection.restore(kept.gathered.classes);
            if kept.gathered.wants_tags {
                teaching.collection.want_tags(true);
            }
            teaching.outcome = teaching.outcome.take().or_else(|| kept.runs.last().map(|run| run.outcome.clone()));
            teaching.runs = Rc::new(kept.runs);
            if !lost.is_empty() {
                teaching.notice = Some(words::lost(&lost));
            }
        });
        let interrupted = kept.left.map(|left| left.running.as_ref().clone());
        self.change_kept(|kept| kept.interrupted = interrupted);
        let leftovers = self.leftovers(&kept.clips);
        self.bring_networks(kept.networks, network);
        if !leftovers.is_empty() {
            self.tell_trouble(store.write(&leftovers).await);
        }
        self.0.keeper.store.replace(Some(store));
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
        let (teaching, shown) = (self.0.teaching.borrow(), self.0.kept.borrow());
        let needed: HashSet<&ClipId> = needed(teaching.collection.classes(), shown.interrupted.as_ref());
        clips.iter().filter(|id| !needed.contains(id)).map(|id| Change::delete(Drawer::Clips, id)).collect()
    }
}

impl Keeper {
    fn remember(&self, saved: Saved, left: Option<Left>) {
        self.saved.replace(saved);
        self.last.replace(left);
    }
}

async fn fetch(store: &Store) -> Result<Kept, Trouble> {
    let (clips, networks) = (store.all(Drawer::Clips).await?, store.all(Drawer::Networks).await?);
    let (runs, mut values) = (store.all(Drawer::Runs).await?, store.all(Drawer::Values).await?);
    let gathered = values.remove(COLLECTION).and_then(|gathered| from_value("the collection", gathered));
    let keys = clips.keys().cloned().collect();
    let files = clips.into_iter().filter_map(|(id, file)| Some((id, file.dyn_into().ok()?))).collect();
    Ok(Kept {
        gathered: gathered.unwrap_or_default(),
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

fn run(value: JsValue) -> Option<Run> {
    let outcome: Outcome = from_value("a lesson", field(&value, "outcome"))?;
    // Every clip has its answer, or the page would look for what is not there.
    let whole = outcome.result.answers.len() == outcome.job.clips.len();
    whole.then_some(())?;
    Some(Run { when: field(&value, "when").as_f64()?, outcome: Rc::new(outcome) })
}

fn left(value: JsValue) -> Option<Left> {
    let running: Running = from_value("an interrupted lesson", field(&value, "running"))?;
    Some(Left { running: Rc::new(running), checkpoint: field(&value, "checkpoint").dyn_into::<Blob>().ok()? })
}
