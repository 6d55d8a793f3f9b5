//! The choice of network, and the card of the active one.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{Document, HtmlElement, HtmlProgressElement, HtmlSelectElement};

use super::text::show_progress;
use crate::view::classify::network_words as words;
use crate::view::classify::networks::{ActiveNetwork, Catalogue};
use crate::view::classify::state::State;
use crate::web::dom::{self, DomError, by_id, set_text, set_text_or_hide};

/// The elements that show networks.
pub struct NetworkCard {
    document: Document,
    choice: HtmlSelectElement,
    summary: HtmlElement,
    progress_box: HtmlElement,
    progress: HtmlProgressElement,
    progress_text: HtmlElement,
    error: HtmlElement,
    card: HtmlElement,
    facts: HtmlElement,
    /// What the choice box shows: filling it again would close it under the pointer.
    listed: RefCell<Option<Rc<Catalogue>>>,
    shown: RefCell<Option<Rc<ActiveNetwork>>>,
}

impl NetworkCard {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            choice: by_id(document, "network-choice")?,
            summary: by_id(document, "network-summary")?,
            progress_box: by_id(document, "network-progress-box")?,
            progress: by_id(document, "network-progress")?,
            progress_text: by_id(document, "network-progress-text")?,
            error: by_id(document, "network-error")?,
            card: by_id(document, "network-card")?,
            facts: by_id(document, "network-facts")?,
            listed: RefCell::default(),
            shown: RefCell::default(),
        })
    }

    /// The network selected in the choice box, by its name.
    pub fn chosen(&self) -> String {
        self.choice.value()
    }

    pub fn render(&self, state: &State) -> Result<(), DomError> {
        self.render_choice(state)?;
        self.progress_box.set_hidden(state.download.is_none());
        if let Some(download) = &state.download {
            let fraction = download.fetched as f64 / download.total.max(1) as f64;
            show_progress(&self.progress, (download.fetched < download.total).then_some(fraction));
            set_text(&self.progress_text, &words::download(download));
        }
        set_text_or_hide(&self.error, state.network_error.as_deref());
        self.render_card(state)
    }

    fn render_choice(&self, state: &State) -> Result<(), DomError> {
        let Some(list) = &state.catalogue else { return Ok(()) };
        let same = self.listed.borrow().as_ref().is_some_and(|listed| Rc::ptr_eq(listed, list));
        if !same {
            let option = |name: &str| {
                let option = dom::element(&self.document, "option", &words::option(list, name))?;
                option.set_attribute("value", name)?;
                Ok(option)
            };
            let options: Result<Vec<_>, DomError> = list.networks.iter().map(|offer| option(&offer.name)).collect();
            dom::set_children(&self.choice, &options?);
            *self.listed.borrow_mut() = Some(list.clone());
        }
        self.choice.set_disabled(state.broken);
        let chosen = state.chosen_network().unwrap_or(&list.first);
        if self.choice.value() != chosen {
            self.choice.set_value(chosen);
        }
        let in_use = state.network.as_ref().map(|network| network.card.name.as_str());
        self.choice.set_attribute("data-in-use", in_use.unwrap_or_default())?;
        let summary = list.entry(chosen).map(|offer| offer.summary.as_str()).filter(|summary| !summary.is_empty());
        if let Some(summary) = summary {
            set_text(&self.summary, summary);
        }
        Ok(())
    }

    fn render_card(&self, state: &State) -> Result<(), DomError> {
        let (Some(network), Some(list)) = (&state.network, &state.catalogue) else { return Ok(()) };
        let same = self.shown.borrow().as_ref().is_some_and(|shown| Rc::ptr_eq(shown, network));
        if same {
            return Ok(());
        }
        let mut rows = Vec::new();
        for (heading, text) in words::facts(network, list.bytes(&network.card.name)) {
            rows.push(dom::element(&self.document, "dt", heading)?);
            rows.push(dom::element(&self.document, "dd", &text)?);
        }
        dom::set_children(&self.facts, &rows);
        self.card.set_hidden(false);
        *self.shown.borrow_mut() = Some(network.clone());
        Ok(())
    }
}
