//! What people do with what is kept: save, rename, forget and import networks, forget everything, go on with a lesson.

use std::rc::{Rc, Weak};

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BeforeUnloadEvent, Element, Event, File, HtmlInputElement};

use super::super::input::on;
use super::super::{Inner, Page};
use super::{SPACING, Saved};
use crate::view::storage::state::{SavedRun, is_weights, own};
use crate::view::storage::words;
use crate::view::train::stage::Stage;
use crate::view::train::state::{ResumePoint, TrainingState};
use crate::web::client::{OwnNetworkEvent, read};
use crate::web::dom::{self, DomError, Listener, by_id};
use crate::web::files::{save, take_chosen};

/// What a button does.
type Act = fn(&Page);

/// What people do with what is kept.
pub fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let clicks: [(&str, Act); 6] = [
        ("resume-go", Page::resume_training),
        ("resume-drop", Page::forget_interrupted),
        ("storage-undo", Page::bring_network_back),
        ("storage-forget-all", |page| page.change_storage(|storage| storage.asks = true)),
        ("storage-forget-no", |page| page.change_storage(|storage| storage.asks = false)),
        ("storage-forget-yes", Page::forget_all),
    ];
    let mut listeners = Vec::new();
    for (id, act) in clicks {
        listeners.push(on(weak, &by_id(document, id)?, "click", move |page, _: Event| act(page))?);
    }
    let import: HtmlInputElement = by_id(document, "storage-import")?;
    let own = import.clone();
    listeners.push(on(weak, &import, "change", move |page, _: Event| page.import_all(take_chosen(&own)))?);
    let networks: Element = by_id(document, "storage-networks")?;
    for kind in ["click", "change"] {
        listeners.push(on(weak, &networks, kind, move |page, event: Event| page.act_on_network(kind, &event))?);
    }
    let asks = |page: &Page, event: BeforeUnloadEvent| {
        let stage = page.0.training.borrow().stage;
        if matches!(stage, Stage::Preparing { .. } | Stage::Embedding { .. } | Stage::Training { .. }) {
            event.prevent_default();
            // Older browsers ask only where this is set; none shows it.
            event.set_return_value("unfinished");
        }
    };
    let window = dom::window()?;
    listeners.push(on(weak, &window, "beforeunload", asks)?);
    Ok(listeners)
}

impl Page {
    /// Takes the networks out of files that the user brought; the rest of the files.
    pub(in crate::web::page) fn import_among(&self, files: Vec<File>) -> Vec<File> {
        let (weights, rest): (Vec<File>, Vec<File>) = files.into_iter().partition(|file| is_weights(&file.name()));
        self.import_all(weights);
        rest
    }

    fn import_all(&self, files: Vec<File>) {
        self.change_storage(|storage| storage.notice = None);
        for file in files {
            self.with_engines(|engines| engines.import(file));
        }
    }

    /// Takes what the client tells of the user's own networks.
    pub(in crate::web::page) fn receive_own(&self, news: OwnNetworkEvent) {
        match news {
            OwnNetworkEvent::Taken { file, on_card, name } => {
                self.change_storage(|storage| storage.notice = Some(words::imported(&file, &on_card, &name)));
                // Where that is not shown, what is dropped is meant to be listened with.
                if !self.0.training_panel.is_shown() {
                    self.use_network(&name);
                }
            }
            OwnNetworkEvent::Renamed { network, name } => {
                self.change_training(|training| training.rename(&network, &name))
            }
            OwnNetworkEvent::Refused(sentence) if self.0.training_panel.is_shown() => {
                self.change_storage(|storage| storage.notice = Some(sentence));
            }
            OwnNetworkEvent::Refused(sentence) => self.change(|state| state.network_error = Some(sentence)),
        }
    }

    /// A button or a name in the list of networks.
    fn act_on_network(&self, kind: &str, event: &Event) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let key = |name: &str| target.get_attribute(name).unwrap_or_default();
        let (act, name) = (key("data-act"), key("data-network"));
        match (kind, act.as_str()) {
            ("click", "save") => self.save_network(&name),
            ("click", "forget") => self.forget_network(name),
            ("change", "rename") => {
                let wanted = target.dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
                if wanted.trim().is_empty() || wanted.trim() == name {
                    return self.0.storage_section.list_anew();
                }
                self.with_engines(|engines| engines.rename_own(&name, &wanted));
            }
            _ => {}
        }
    }

    /// Hands one of the user's own networks to the browser as a file.
    pub(in crate::web::page) fn save_network(&self, name: &str) {
        let engines = self.0.engines.borrow().clone();
        let Some(own) = engines.and_then(|engines| engines.own(name)) else {
            return self.change_storage(|storage| storage.notice = Some(words::NETWORK_GONE.to_owned()));
        };
        if let Err(error) = save(&self.0.document, &format!("{name}.safetensors"), &own.weights) {
            log::error!("{name} could not be saved: {error}");
        }
    }

    /// Forgets one of the user's own networks; until the next one is, it can be brought back.
    fn forget_network(&self, name: String) {
        let engines = self.0.engines.borrow().clone();
        let Some((engines, own)) = engines.and_then(|engines| engines.own(&name).map(|own| (engines, own))) else {
            return;
        };
        let page = self.clone();
        spawn_local(async move {
            // A copy: the browser may let go of what is no longer kept.
            page.0.persistence.forgotten.replace(own.copied().await.ok());
            engines.forget_own(&name);
            page.change_storage(|storage| (storage.forgotten, storage.notice) = (Some(name), None));
        });
    }

    fn bring_network_back(&self) {
        self.change_storage(|storage| storage.forgotten = None);
        if let Some(own) = self.0.persistence.forgotten.take() {
            self.with_engines(|engines| engines.bring_own(vec![own]));
        }
    }

    fn forget_all(&self) {
        if self.0.training.borrow().is_busy() {
            return;
        }
        let list = self.0.state.borrow().catalogue.clone();
        let persistence = &self.0.persistence;
        for name in own(list.as_deref()).map(|offer| &offer.name) {
            self.with_engines(|engines| engines.forget_own(name));
        }
        persistence.saved.replace(Saved::default());
        persistence.last.take();
        persistence.pending.take();
        persistence.forgotten.take();
        self.0.clips.borrow_mut().clear();
        self.change_training(|training| {
            // What can be taught is nobody's.
            *training = TrainingState {
                architectures: std::mem::take(&mut training.architectures),
                ..TrainingState::default()
            };
        });
        self.change_storage(|storage| (storage.interrupted, storage.forgotten, storage.asks) = (None, None, false));
        let page = self.clone();
        spawn_local(async move {
            let store = page.0.persistence.store.borrow().clone();
            if let Some(store) = store {
                // What is being written ends first, or some of it would come back.
                while page.0.persistence.busy.get() {
                    dom::sleep(SPACING).await;
                }
                page.tell_trouble(store.clear().await);
                page.show_usage().await;
            }
            page.change_storage(|storage| storage.notice = Some(words::ALL_FORGOTTEN.to_owned()));
        });
    }

    fn resume_training(&self) {
        let left = self.0.persistence.last.borrow().clone();
        let Some(left) = left.filter(|_| !self.0.training.borrow().is_busy()) else { return };
        let running = &left.running;
        let files: Vec<File> = {
            let clips = self.0.clips.borrow();
            running.job.clips.iter().filter_map(|clip| clips.get(&clip.id).cloned()).collect()
        };
        if files.len() != running.job.clips.len() {
            return self.change_training(|training| training.error = Some(words::CLIPS_GONE.to_owned()));
        }
        self.show_view("train");
        self.change_training(|training| training.resume(running.epochs.clone()));
        let page = self.clone();
        spawn_local(async move {
            let Ok(bytes) = read(&left.checkpoint).await else {
                return page.change_training(|training| {
                    (training.stage, training.error) = (Stage::Idle, Some(words::CHECKPOINT_GONE.to_owned()));
                });
            };
            page.0.persistence.ours.set(true);
            page.change_storage(|storage| storage.interrupted = None);
            let SavedRun { job, epoch, .. } = left.running.as_ref().clone();
            page.with_engines(|engines| engines.resume(Rc::new(ResumePoint { job, epoch, bytes }), files));
        });
    }
}
