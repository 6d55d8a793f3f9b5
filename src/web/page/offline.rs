//! The section about working offline, and the box that offers a newer version of the page.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, Event, HtmlElement};

use super::listen::on;
use super::{Inner, Page};
use crate::view::classify::networks::Catalogue;
use crate::view::classify::state::State;
use crate::view::offline::state::{AppShell, OfflineEvent, OfflineRequest, OfflineState, UpdateState};
use crate::view::offline::words;
use crate::view::train::stage::Stage;
use crate::web::dom::{self, DomError, Listener, by_id, set_text, set_text_or_hide};

/// Their elements.
pub(crate) struct OfflineSection {
    document: Document,
    section: HtmlElement,
    status: HtmlElement,
    ready: HtmlElement,
    enable: HtmlElement,
    error: HtmlElement,
    networks: HtmlElement,
    update_box: HtmlElement,
    update_text: HtmlElement,
    update_now: HtmlElement,
    update_later: HtmlElement,
    /// The catalogue that the rows show, and the rows: a name, a sentence and a button each.
    listed: RefCell<Option<Rc<Catalogue>>>,
    rows: RefCell<Vec<(String, HtmlElement, HtmlElement)>>,
}

impl OfflineSection {
    pub(crate) fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            section: by_id(document, "offline")?,
            status: by_id(document, "offline-status")?,
            ready: by_id(document, "offline-ready")?,
            enable: by_id(document, "offline-enable")?,
            error: by_id(document, "offline-error")?,
            networks: by_id(document, "offline-networks")?,
            update_box: by_id(document, "update-box")?,
            update_text: by_id(document, "update-text")?,
            update_now: by_id(document, "update-now")?,
            update_later: by_id(document, "update-later")?,
            listed: RefCell::default(),
            rows: RefCell::default(),
        })
    }

    pub(crate) fn render(&self, offline: &OfflineState, state: &State, stage: &Stage) -> Result<(), DomError> {
        let list = state.catalogue.as_deref();
        self.section.set_attribute("data-offline", offline.name(list))?;
        set_text_or_hide(&self.status, words::status(offline, list).as_deref());
        let newly = offline.is_ready(list) && offline.shell == AppShell::Installed { fresh: true };
        set_text(&self.ready, if newly { words::READY } else { "" });
        set_text(&self.enable, words::enable_button(offline));
        self.enable.set_hidden(!words::can_enable(offline));
        set_text_or_hide(&self.error, offline.error.as_ref().map(words::error).as_deref());
        self.render_networks(offline, state)?;
        self.render_update(offline, stage)
    }

    fn render_update(&self, offline: &OfflineState, stage: &Stage) -> Result<(), DomError> {
        self.update_box.set_hidden(!offline.shows_update(stage));
        set_text(&self.update_text, words::update(offline.update));
        set_text(&self.update_now, words::update_button(offline.update));
        self.update_now.toggle_attribute_with_force("disabled", offline.update == UpdateState::Requested)?;
        self.update_later.set_hidden(matches!(offline.update, UpdateState::Requested));
        Ok(())
    }

    fn render_networks(&self, offline: &OfflineState, state: &State) -> Result<(), DomError> {
        let Some(list) = &state.catalogue else { return Ok(()) };
        if !self.listed.borrow().as_ref().is_some_and(|listed| Rc::ptr_eq(listed, list)) {
            self.list(list)?;
        }
        for (name, sentence, button) in self.rows.borrow().iter() {
            set_text(sentence, &words::network(list, offline, name));
            button.set_hidden(offline.is_stored(list, name));
            // One download at a time, since its progress has one place in the state.
            button.toggle_attribute_with_force("disabled", offline.download.is_some())?;
        }
        Ok(())
    }

    /// Makes the rows once per catalogue: rebuilding them for every progress event would take the focus from their buttons.
    fn list(&self, list: &Rc<Catalogue>) -> Result<(), DomError> {
        let (mut rows, mut items) = (Vec::new(), Vec::new());
        // The user's own networks are listed in the storage section.
        for offer in list.networks.iter().filter(|offer| !offer.own) {
            let item = dom::element(&self.document, "li", "")?;
            item.set_attribute("data-network", &offer.name)?;
            let sentence = dom::element(&self.document, "span", "")?;
            let button = dom::element(&self.document, "button", &words::download_button(&offer.name))?;
            button.set_attribute("type", "button")?;
            button.set_attribute("class", "quiet")?;
            button.set_attribute("data-download", &offer.name)?;
            item.append_with_node_2(&sentence, &button)?;
            rows.push((offer.name.clone(), sentence, button));
            items.push(item);
        }
        dom::set_children(&self.networks, &items);
        *self.rows.borrow_mut() = rows;
        *self.listed.borrow_mut() = Some(list.clone());
        Ok(())
    }
}

/// Listens to the section's buttons.
pub(crate) fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let download = |page: &Page, event: Event| {
        // One listener on the list serves the buttons of all rows.
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if let Some(name) = target.and_then(|target| target.get_attribute("data-download")) {
            page.with_engines(|engines| engines.offline(OfflineRequest::Download(name)));
        }
    };
    Ok(vec![
        on(weak, &by_id(document, "offline-enable")?, "click", |page, _: Event| {
            page.with_engines(|engines| engines.offline(OfflineRequest::Enable));
        })?,
        on(weak, &by_id(document, "offline-networks")?, "click", download)?,
        on(weak, &by_id(document, "update-now")?, "click", |page, _: Event| {
            page.with_engines(|engines| engines.offline(OfflineRequest::Update));
        })?,
        on(weak, &by_id(document, "update-later")?, "click", |page, _: Event| {
            page.receive_offline(OfflineEvent::Update(UpdateState::Declined));
        })?,
    ])
}

impl Page {
    /// Takes what the service worker and the weights cache report.
    pub(super) fn receive_offline(&self, news: OfflineEvent) {
        self.0.offline.borrow_mut().apply(news);
        self.request_frame();
    }
}
