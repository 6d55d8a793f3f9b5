//! The page's place for what is kept, and the question whether an interrupted lesson should go on.

use std::cell::RefCell;

use web_sys::{Document, HtmlElement};

use crate::view::classify::networks::{Catalogue, Offer};
use crate::view::storage::state::{StorageContents, StorageState, StorageStatus, own};
use crate::view::storage::words;
use crate::view::train::state::TrainingState;
use crate::web::dom::{self, DomError, by_id, disable, set_text, set_text_or_hide};

/// Its elements.
pub struct StorageSection {
    document: Document,
    place: HtmlElement,
    trouble: HtmlElement,
    fetching: HtmlElement,
    what: HtmlElement,
    size: HtmlElement,
    networks: HtmlElement,
    notice: HtmlElement,
    forgotten_box: HtmlElement,
    forgotten: HtmlElement,
    forget_all: HtmlElement,
    ask: HtmlElement,
    resume: HtmlElement,
    resume_text: HtmlElement,
    /// The networks that are listed: rebuilding the list for every event would take the focus from the keyboard.
    shown: RefCell<Option<Vec<Offer>>>,
}

impl StorageSection {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        let get = |id| by_id(document, id);
        Ok(Self {
            document: document.clone(),
            place: get("storage")?,
            trouble: get("storage-trouble")?,
            fetching: get("storage-fetching")?,
            what: get("storage-what")?,
            size: get("storage-size")?,
            networks: get("storage-networks")?,
            notice: get("storage-notice")?,
            forgotten_box: get("storage-forgotten-box")?,
            forgotten: get("storage-forgotten")?,
            forget_all: get("storage-forget-all")?,
            ask: get("storage-ask")?,
            resume: get("resume")?,
            resume_text: get("resume-text")?,
            shown: RefCell::default(),
        })
    }

    /// Lists the networks anew, whatever was typed over their names.
    pub fn list_anew(&self) {
        if let Some(offers) = self.shown.take()
            && let Err(error) = self.list(offers)
        {
            log::warn!("the list of networks is not shown: {error}");
        }
    }

    pub fn render(
        &self,
        storage: &StorageState,
        training: &TrainingState,
        list: Option<&Catalogue>,
    ) -> Result<(), DomError> {
        let interrupted = storage.interrupted.as_ref().filter(|_| !training.is_busy());
        self.resume.set_hidden(interrupted.is_none());
        set_text(&self.resume_text, &interrupted.map(words::interrupted).unwrap_or_default());
        self.place.set_attribute("data-storage", storage.status.name())?;
        set_text_or_hide(&self.trouble, storage.trouble.as_ref().map(words::trouble).as_deref());
        set_text_or_hide(&self.fetching, (storage.status == StorageStatus::Fetching).then_some(words::FETCHING));
        let holdings = StorageContents::of(training, list);
        set_text(&self.what, &words::holdings(holdings));
        set_text_or_hide(&self.size, storage.usage.map(words::usage).as_deref());
        set_text_or_hide(&self.notice, storage.notice.as_deref());
        self.forgotten_box.set_hidden(storage.forgotten.is_none());
        set_text(&self.forgotten, &storage.forgotten.as_deref().map(words::forgotten).unwrap_or_default());
        self.ask.set_hidden(!storage.asks);
        let nothing = holdings == StorageContents::default() && storage.interrupted.is_none();
        disable(&self.forget_all, nothing || training.is_busy() || storage.asks)?;
        let offers: Vec<Offer> = own(list).cloned().collect();
        if self.shown.borrow().as_ref() != Some(&offers) {
            self.list(offers)?;
        }
        Ok(())
    }

    fn list(&self, offers: Vec<Offer>) -> Result<(), DomError> {
        let items: Result<Vec<_>, DomError> = offers.iter().map(|offer| self.item(offer)).collect();
        dom::set_children(&self.networks, &items?);
        self.shown.replace(Some(offers));
        Ok(())
    }

    fn item(&self, offer: &Offer) -> Result<HtmlElement, DomError> {
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
        let save = self.button("Save as a file", &format!("Save {} as a file", offer.name), "save", offer)?;
        let forget = self.button("Forget", &format!("Forget {}", offer.name), "forget", offer)?;
        dom::set_children(&item, [&name, &size, &save, &forget]);
        Ok(item)
    }

    fn button(&self, text: &str, label: &str, act: &str, offer: &Offer) -> Result<HtmlElement, DomError> {
        let button = dom::element(&self.document, "button", text)?;
        button.set_class_name("quiet");
        let keys = [("type", "button"), ("aria-label", label), ("data-act", act), ("data-network", &offer.name)];
        for (key, value) in keys {
            button.set_attribute(key, value)?;
        }
        Ok(button)
    }
}
