//! The storage section's buttons: save, rename, delete and import networks, delete everything, resume a training run.

use std::rc::{Rc, Weak};

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BeforeUnloadEvent, Element, Event, File, HtmlInputElement};

use super::super::dataset_import::DatasetTask;
use super::super::listen::on;
use super::super::{Inner, Page};
use super::{SPACING, Saved};
use crate::view::storage::state::{SavedRun, Unreadable, is_weights, own_networks};
use crate::view::storage::words;
use crate::view::train::stage::Stage;
use crate::view::train::state::{ResumePoint, TrainingState};
use crate::web::client::read_blob;
use crate::web::dom::{self, DomError, Listener, by_id};
use crate::web::files::{save, take_chosen};

/// The action of a button.
type Act = fn(&Page);

/// Listens to the buttons.
pub(crate) fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let clicks: [(&str, Act); 6] = [
        ("resume-go", Page::resume_training),
        ("resume-drop", Page::discard_interrupted),
        ("storage-undo", Page::restore_deleted_network),
        ("storage-delete-all", |page| page.change_storage(|storage| storage.confirms_deletion = true)),
        ("storage-delete-cancel", |page| page.change_storage(|storage| storage.confirms_deletion = false)),
        ("storage-delete-confirm", Page::delete_all),
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
    let unsaved: Element = by_id(document, "storage-unsaved")?;
    listeners.push(on(weak, &unsaved, "click", |page, event: Event| page.act_on_network("click", &event))?);
    let warn = |page: &Page, event: BeforeUnloadEvent| {
        let stage = page.0.training.borrow().stage;
        let is_training = matches!(stage, Stage::Preparing { .. } | Stage::Embedding { .. } | Stage::Training { .. });
        if is_training || !page.0.storage.borrow().unsaved.is_empty() {
            event.prevent_default();
            // Older browsers ask only if this is set; none shows the text.
            event.set_return_value("unfinished");
        }
    };
    let window = dom::window()?;
    listeners.push(on(weak, &window, "beforeunload", warn)?);
    Ok(listeners)
}

impl Page {
    /// Imports the weights files among the files, and returns the others.
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

    /// A weights file of the user is in the list of networks.
    pub(in crate::web::page) fn add_own(&self, file: &str, on_card: &str, name: &str) {
        self.add_notice(words::imported(file, on_card, name));
        // In the classification view, an imported network is meant to be used at once.
        if !self.0.training_panel.is_shown() {
            self.use_network(name);
        }
    }

    /// A weights file was not added, or a network not renamed: says why in the view that is shown.
    pub(in crate::web::page) fn refuse_own(&self, sentence: String) {
        if self.0.training_panel.is_shown() {
            self.add_notice(sentence);
        } else {
            self.change(|state| state.network_error = Some(sentence));
        }
    }

    /// Shows a sentence after those about the other files of the same choice.
    fn add_notice(&self, sentence: String) {
        self.change_storage(|storage| {
            let sentences: Vec<String> = storage.notice.take().into_iter().chain([sentence]).collect();
            storage.notice = Some(sentences.join(" "));
        });
    }

    /// A click on a button, or an edited name, in the list of networks.
    fn act_on_network(&self, kind: &str, event: &Event) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let key = |name: &str| target.get_attribute(name).unwrap_or_default();
        let (act, name) = (key("data-act"), key("data-network"));
        match (kind, act.as_str()) {
            ("click", "save") => self.save_network(&name),
            ("click", "delete") => self.delete_network(name),
            ("change", "rename") => {
                let wanted = target.dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
                if wanted.trim().is_empty() || wanted.trim() == name {
                    return self.0.storage_section.list_anew();
                }
                self.change_storage(|storage| storage.notice = None);
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

    /// Deletes one of the user's own networks. It can be restored until another one is deleted.
    fn delete_network(&self, name: String) {
        let engines = self.0.engines.borrow().clone();
        let Some((engines, own)) = engines.and_then(|engines| engines.own(&name).map(|own| (engines, own))) else {
            return;
        };
        let page = self.clone();
        spawn_local(async move {
            // A copy: the blob of a deleted database entry may become unreadable.
            let copy = own.copied().await.ok();
            let can_undo = copy.is_some();
            page.0.persistence.deleted.replace(copy);
            engines.delete_own(&name);
            page.change_storage(|storage| {
                (storage.deleted, storage.notice) =
                    if can_undo { (Some(name), None) } else { (None, Some(words::deleted(&name))) };
            });
        });
    }

    fn restore_deleted_network(&self) {
        self.change_storage(|storage| storage.deleted = None);
        if let Some(own) = self.0.persistence.deleted.take() {
            self.with_engines(|engines| engines.restore_own(vec![own]));
        }
    }

    fn delete_all(&self) {
        if self.0.training.borrow().is_locked() {
            return;
        }
        let list = self.0.state.borrow().catalogue.clone();
        for name in own_networks(list.as_deref()).map(|offer| &offer.name) {
            self.with_engines(|engines| engines.delete_own(name));
        }
        self.0.clips.borrow_mut().clear();
        self.change_training(|training| {
            // The list of architectures is not user data.
            *training = TrainingState {
                architectures: std::mem::take(&mut training.architectures),
                ..TrainingState::default()
            };
        });
        self.change_storage(|storage| {
            (storage.interrupted, storage.deleted, storage.confirms_deletion) = (None, None, false);
            storage.notice = None;
        });
        self.0.persistence.last_checkpoint.take();
        self.0.persistence.deleted.take();
        self.0.persistence.copies.borrow_mut().clear();
        let page = self.clone();
        spawn_local(async move {
            let cleared = page.clear_store().await;
            page.change_storage(|storage| storage.notice = cleared.map(str::to_owned));
            page.save_soon();
        });
    }

    /// Deletes what is stored; returns a sentence, or `None` if it failed, which is reported as an error.
    async fn clear_store(&self) -> Option<&'static str> {
        let persistence = &self.0.persistence;
        let store = persistence.store.borrow().clone();
        let Some(store) = store else { return Some(words::TAB_CLEARED) };
        // A write that has begun ends first, or it would bring data back; none begins meanwhile.
        while persistence.busy.replace(true) {
            dom::sleep(SPACING).await;
        }
        let cleared = match store.reconnect().await {
            Ok(_) => store.clear().await,
            Err(error) => Err(error),
        };
        if cleared.is_ok() {
            persistence.saved.replace(Saved::default());
            persistence.pending.take();
            persistence.renamed.borrow_mut().clear();
            persistence.unreadable_networks.borrow_mut().clear();
            self.change_storage(|storage| {
                storage.unreadable = Unreadable::default();
                storage.succeed();
            });
        }
        persistence.busy.set(false);
        let is_cleared = cleared.is_ok();
        self.report_storage_error(cleared);
        self.show_usage().await;
        is_cleared.then_some(words::ALL_DELETED)
    }

    fn resume_training(&self) {
        let interrupted = self.0.persistence.last_checkpoint.borrow().clone();
        let Some(interrupted) = interrupted.filter(|_| !self.0.training.borrow().is_locked()) else { return };
        let running = &interrupted.running;
        let files: Vec<File> = running.job.clips.iter().filter_map(|clip| self.file(&clip.id)).collect();
        // The checkpoint belongs to exactly these clips, in this order.
        if files.len() != running.job.clips.len() {
            return self.change_training(|training| training.error = Some(words::CLIPS_GONE.to_owned()));
        }
        let Some(task) = DatasetTask::begin(self) else { return };
        self.show_view("train");
        self.change_training(|training| training.resume(running.epochs.clone()));
        spawn_local(async move {
            let bytes = read_blob(&interrupted.checkpoint).await;
            // Gone if the user has cancelled it meanwhile.
            let Some(page) = task.page() else { return };
            let Ok(bytes) = bytes else {
                return page.change_training(|training| {
                    (training.stage, training.error) = (Stage::Idle, Some(words::CHECKPOINT_GONE.to_owned()));
                });
            };
            page.0.persistence.is_current_run.set(true);
            page.change_storage(|storage| storage.interrupted = None);
            let SavedRun { job, epoch, .. } = interrupted.running.as_ref().clone();
            page.with_engines(|engines| engines.resume(Rc::new(ResumePoint { job, epoch, bytes }), files));
        });
    }
}
