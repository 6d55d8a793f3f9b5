//! The section about what is stored on the device, and the box that offers to resume an interrupted training run.

use std::cell::RefCell;

use web_sys::{Document, HtmlElement};

use crate::view::classify::networks::{Catalogue, CatalogueEntry};
use crate::view::storage::state::{StorageContents, StorageState, StorageStatus, own_networks};
use crate::view::storage::words;
use crate::view::train::state::TrainingState;
use crate::web::dom::{self, DomError, by_id, disable, set_text, set_text_or_hide};

/// Its elements.
pub(crate) struct StorageSection {
    document: Document,
    section: HtmlElement,
    error: HtmlElement,
    unsaved: HtmlElement,
    loading: HtmlElement,
    what: HtmlElement,
    size: HtmlElement,
    networks: HtmlElement,
    notice: HtmlElement,
    deleted_box: HtmlElement,
    deleted: HtmlElement,
    delete_all: HtmlElement,
    ask: HtmlElement,
    resume: HtmlElement,
    resume_text: HtmlElement,
    /// The networks that are listed: rebuilding the list for every event would take the focus from the keyboard.
    shown: RefCell<Option<Vec<CatalogueEntry>>>,
    /// The networks that could not be stored, for which there are buttons.
    offered: RefCell<Vec<String>>,
}

impl StorageSection {
    pub(crate) fn find(document: &Document) -> Result<Self, DomError> {
        let get = |id| by_id(document, id);
        Ok(Self {
            document: document.clone(),
            section: get("storage")?,
            error: get("storage-error")?,
            unsaved: get("storage-unsaved")?,
            loading: get("storage-loading")?,
            what: get("storage-what")?,
            size: get("storage-size")?,
            networks: get("storage-networks")?,
            notice: get("storage-notice")?,
            deleted_box: get("storage-deleted-box")?,
            deleted: get("storage-deleted")?,
            delete_all: get("storage-delete-all")?,
            ask: get("storage-ask")?,
            resume: get("resume")?,
            resume_text: get("resume-text")?,
            shown: RefCell::default(),
            offered: RefCell::default(),
        })
    }

    /// Lists the networks again: names that were edited return to the stored ones.
    pub(crate) fn list_anew(&self) {
        if let Some(offers) = self.shown.take()
            && let Err(error) = self.list(offers)
        {
            log::warn!("the list of networks is not shown: {error}");
        }
    }

    pub(crate) fn render(
        &self,
        storage: &StorageState,
        training: &TrainingState,
        list: Option<&Catalogue>,
    ) -> Result<(), DomError> {
        // During training another run cannot be resumed.
        let interrupted = storage.interrupted.as_ref().filter(|_| !training.is_locked());
        self.resume.set_hidden(interrupted.is_none());
        set_text(&self.resume_text, &interrupted.map(words::interrupted).unwrap_or_default());
        self.section.set_attribute("data-storage", storage.status.name())?;
        let errors = [storage.error.as_ref().map(words::error), words::unreadable(storage.unreadable)];
        let errors: Vec<String> = errors.into_iter().flatten().collect();
        set_text_or_hide(&self.error, (!errors.is_empty()).then(|| errors.join(" ")).as_deref());
        self.offer(&storage.unsaved)?;
        set_text_or_hide(&self.loading, (storage.status == StorageStatus::Loading).then_some(words::LOADING));
        let contents = StorageContents::of(training, list);
        let is_hidden = contents == StorageContents::default() && storage.unreadable.is_any();
        set_text_or_hide(&self.what, (!is_hidden).then(|| words::contents(contents)).as_deref());
        set_text_or_hide(&self.size, storage.usage.map(words::usage).as_deref());
        set_text_or_hide(&self.notice, storage.notice.as_deref());
        self.deleted_box.set_hidden(storage.deleted.is_none());
        set_text(&self.deleted, &storage.deleted.as_deref().map(words::deleted).unwrap_or_default());
        // Deleting during training would remove the files of its clips, and a recording would go on.
        self.ask.set_hidden(!storage.confirms_deletion || training.is_locked());
        let nothing =
            contents == StorageContents::default() && storage.interrupted.is_none() && !storage.unreadable.is_any();
        disable(&self.delete_all, nothing || training.is_locked() || storage.confirms_deletion)?;
        let offers: Vec<CatalogueEntry> = own_networks(list).cloned().collect();
        // Rebuilt only for another list: an input that is replaced loses its focus.
        if self.shown.borrow().as_ref() != Some(&offers) {
            self.list(offers)?;
        }
        Ok(())
    }

    /// A button for each network that could not be stored, which saves it as a file.
    fn offer(&self, unsaved: &[String]) -> Result<(), DomError> {
        self.unsaved.set_hidden(unsaved.is_empty());
        let shown = &mut *self.offered.borrow_mut();
        if shown != unsaved {
            let button = |name: &String| self.button(&words::save_as_file(name), None, "save", name);
            let buttons: Result<Vec<_>, DomError> = unsaved.iter().map(button).collect();
            dom::set_children(&self.unsaved, &buttons?);
            *shown = unsaved.to_vec();
        }
        Ok(())
    }

    fn list(&self, offers: Vec<CatalogueEntry>) -> Result<(), DomError> {
        let items: Result<Vec<_>, DomError> = offers.iter().map(|offer| self.item(offer)).collect();
        dom::set_children(&self.networks, &items?);
        self.shown.replace(Some(offers));
        Ok(())
    }

    fn item(&self, offer: &CatalogueEntry) -> Result<HtmlElement, DomError> {
        let item = dom::element(&self.document, "li", "")?;
        let name = dom::element(&self.document, "input", "")?;
        let keys = [
            ("type", "text"),
            ("maxlength", "60"),
            ("autocomplete", "off"),
            ("aria-label", "Name of the network"),
            ("value", &offer.name),
            ("data-act", "rename"),
            ("data-network", &offer.name),
        ];
        for (key, value) in keys {
            name.set_attribute(key, value)?;
        }
        let size = dom::element(&self.document, "span", &words::network(offer))?;
        let label = format!("Save {} as a file", offer.name);
        let save = self.button("Save as a file", Some(&label), "save", &offer.name)?;
        let delete = self.button("Delete", Some(&format!("Delete {}", offer.name)), "delete", &offer.name)?;
        dom::set_children(&item, [&name, &size, &save, &delete]);
        Ok(item)
    }

    /// A button that acts on a network; `label` is what it is called by itself, if its text does not say that.
    fn button(&self, text: &str, label: Option<&str>, act: &str, network: &str) -> Result<HtmlElement, DomError> {
        let button = dom::element(&self.document, "button", text)?;
        button.set_class_name("quiet");
        let keys = [("type", "button"), ("data-act", act), ("data-network", network)];
        for (key, value) in keys.into_iter().chain(label.map(|label| ("aria-label", label))) {
            button.set_attribute(key, value)?;
        }
        Ok(button)
    }
}
