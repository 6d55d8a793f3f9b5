//! The page's place for what is kept on the device, and for newer versions.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, Event, HtmlElement};

use super::input::on;
use super::{Inner, Page};
use crate::view::classify::networks::Catalogue;
use crate::view::classify::state::State;
use crate::view::offline::state::{Offline, OfflineEvent, OfflineRequest, Renewal, Shell};
use crate::view::offline::words;
use crate::view::train::stage::Stage;
use crate::web::dom::{self, DomError, Listener, by_id, set_text, set_text_or_hide};

/// The elements about what is kept, and about newer versions.
pub struct OfflineSection {
    document: Document,
    place: HtmlElement,
    standing: HtmlElement,
    said: HtmlElement,
    begin: HtmlElement,
    trouble: HtmlElement,
    networks: HtmlElement,
    renewal_box: HtmlElement,
    renewal: HtmlElement,
    renew: HtmlElement,
    later: HtmlElement,
    /// The list that the rows of networks are of, and those rows: each a name, a sentence and a button.
    listed: RefCell<Option<Rc<Catalogue>>>,
    rows: RefCell<Vec<(String, HtmlElement, HtmlElement)>>,
}

impl OfflineSection {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            place: by_id(document, "offline")?,
            standing: by_id(document, "offline-standing")?,
            said: by_id(document, "offline-said")?,
            begin: by_id(document, "offline-begin")?,
            trouble: by_id(document, "offline-trouble")?,
            networks: by_id(document, "offline-networks")?,
            renewal_box: by_id(document, "renewal-box")?,
            renewal: by_id(document, "renewal")?,
            renew: by_id(document, "renew")?,
            later: by_id(document, "renew-later")?,
            listed: RefCell::default(),
            rows: RefCell::default(),
        })
    }

    pub fn render(&self, offline: &Offline, state: &State, stage: &Stage) -> Result<(), DomError> {
        let list = state.catalogue.as_deref();
        self.place.set_attribute("data-offline", offline.name(list))?;
        set_text_or_hide(&self.standing, words::standing(offline, list).as_deref());
        let now = offline.is_ready(list) && offline.shell == Shell::There { fresh: true };
        set_text(&self.said, if now { words::READY } else { "" });
        set_text(&self.begin, words::begin(offline));
        self.begin.set_hidden(!words::can_begin(offline));
        set_text_or_hide(&self.trouble, offline.trouble.as_ref().map(words::trouble).as_deref());
        self.render_networks(offline, state)?;
        self.render_renewal(offline, stage)
    }

    fn render_renewal(&self, offline: &Offline, stage: &Stage) -> Result<(), DomError> {
        self.renewal_box.set_hidden(!offline.shows_renewal(stage));
        self.renewal_box.set_attribute("data-renewal", &format!("{:?}", offline.renewal).to_lowercase())?;
        set_text(&self.renewal, words::renewal(offline.renewal));
        set_text(&self.renew, words::renew(offline.renewal));
        self.renew.toggle_attribute_with_force("disabled", offline.renewal == Renewal::Asked)?;
        self.later.set_hidden(matches!(offline.renewal, Renewal::Asked));
        Ok(())
    }

    fn render_networks(&self, offline: &Offline, state: &State) -> Result<(), DomError> {
        let Some(list) = &state.catalogue else { return Ok(()) };
        if !self.listed.borrow().as_ref().is_some_and(|listed| Rc::ptr_eq(listed, list)) {
            self.list(list)?;
        }
        for (name, sentence, button) in self.rows.borrow().iter() {
            set_text(sentence, &words::network(list, offline, name));
            button.set_hidden(offline.has(list, name));
            button.toggle_attribute_with_force("disabled", offline.coming.is_some())?;
        }
        Ok(())
    }

    /// Makes the rows once a list: made anew for every word on their way, their buttons would lose the focus.
    fn list(&self, list: &Rc<Catalogue>) -> Result<(), DomError> {
        let (mut rows, mut items) = (Vec::new(), Vec::new());
        // The user's own are kept elsewhere.
        for offer in list.networks.iter().filter(|offer| !offer.own) {
            let item = dom::element(&self.document, "li", "")?;
            item.set_attribute("data-network", &offer.name)?;
            let sentence = dom::element(&self.document, "span", "")?;
            let button = dom::element(&self.document, "button", &words::keep(&offer.name))?;
            button.set_attribute("type", "button")?;
            button.set_attribute("class", "quiet")?;
            button.set_attribute("data-keep", &offer.name)?;
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

/// What people do about what is kept.
pub fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let keep = |page: &Page, event: Event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if let Some(name) = target.and_then(|target| target.get_attribute("data-keep")) {
            page.with_engines(|engines| engines.offline(OfflineRequest::Keep(name)));
        }
    };
    Ok(vec![
        on(weak, &by_id(document, "offline-begin")?, "click", |page, _: Event| {
            page.with_engines(|engines| engines.offline(OfflineRequest::Begin));
        })?,
        on(weak, &by_id(document, "offline-networks")?, "click", keep)?,
        on(weak, &by_id(document, "renew")?, "click", |page, _: Event| {
            page.with_engines(|engines| engines.offline(OfflineRequest::Renew));
        })?,
        on(weak, &by_id(document, "renew-later")?, "click", |page, _: Event| {
            page.receive_offline(OfflineEvent::Renewal(Renewal::Declined));
        })?,
    ])
}

impl Page {
    /// Takes what is known about what is kept.
    pub(super) fn receive_offline(&self, news: OfflineEvent) {
        self.0.offline.borrow_mut().apply(news);
        self.request_frame();
    }
}
