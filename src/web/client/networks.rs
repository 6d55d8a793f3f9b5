//! The client's networks: fetched when they are wanted, and in use once an engine has them.

use std::rc::Rc;

use js_sys::Date;
use wasm_bindgen_futures::spawn_local;

use super::site::{self, Shipped};
use super::{Client, ClientEvent};
use crate::protocol::{Architecture, Event, Payload};
use crate::view::classify::network_words;
use crate::view::classify::networks::{Arriving, Catalogue, InUse, Selection, Wanted};

/// Time between two words on how much is fetched, in milliseconds.
const PROGRESS_MILLISECONDS: f64 = 100.0;

impl Client {
    /// Refines the first answer by the page's own choice, unless the user has chosen, or saves data.
    pub(super) fn want_default(&self) {
        let default = self.0.catalogue.borrow().as_ref().map(|list| list.default.clone());
        if let Some(name) = default.filter(|_| !self.0.chosen.get() && !site::saves_data()) {
            self.want(&name, Selection::Refine);
        }
    }

    pub(super) fn want(&self, name: &str, selection: Selection) {
        let wanted = self.0.switch.borrow_mut().want(name, selection);
        self.tell_arriving(0);
        match wanted {
            Some(wanted) => spawn_local(self.clone().fetch_wanted(wanted)),
            None => self.advance(),
        }
    }

    async fn fetch_wanted(self, wanted: Wanted) {
        match self.parts(&wanted.name).await {
            Ok(_) => {
                if self.0.switch.borrow_mut().fetched(wanted.ticket) {
                    self.advance();
                }
            }
            Err(reason) => {
                if self.0.switch.borrow_mut().not_fetched(wanted.ticket) {
                    self.refuse(&wanted.name, &reason);
                    self.advance();
                }
            }
        }
    }

    /// A network with what it listens through, which comes first; fetched where that was not done before.
    pub(super) async fn parts(&self, name: &str) -> Result<Vec<Rc<Shipped>>, String> {
        self.fetched(name, &|bytes| self.tell_fetched(name, bytes)).await
    }

    /// As [`parts`](Self::parts); `tell` hears now and then how many bytes of all of them are there.
    pub(super) async fn fetched(&self, name: &str, tell: &dyn Fn(u64)) -> Result<Vec<Rc<Shipped>>, String> {
        let list = self.catalogue().await?;
        let offer = list.offer(name).ok_or("this site has no network of that name")?;
        let mut fetched = 0;
        let mut parts = Vec::new();
        for part in offer.backbones.iter().map(String::as_str).chain([name]) {
            let held = self.0.held.borrow().get(part).cloned();
            let shipped = match held {
                Some(shipped) => {
                    fetched += shipped.bytes.len() as u64;
                    shipped
                }
                None => {
                    let mut told = Date::now();
                    let mut arrived = |bytes| {
                        fetched += bytes;
                        if Date::now() - told >= PROGRESS_MILLISECONDS {
                            told = Date::now();
                            tell(fetched);
                        }
                    };
                    match self.own_network(part) {
                        Some(own) => Rc::new(own.read().await?),
                        None => {
                            let (shipped, fresh) = site::fetch_network(part, &mut arrived).await?;
                            let shipped = Rc::new(shipped);
                            if fresh {
                                self.keep_soon(&shipped);
                            }
                            shipped
                        }
                    }
                }
            };
            self.0.held.borrow_mut().insert(part.to_owned(), shipped.clone());
            parts.push(shipped);
        }
        tell(list.bytes(name));
        Ok(parts)
    }

    /// The list of networks; fetched where that was not done before.
    pub(super) async fn catalogue(&self) -> Result<Rc<Catalogue>, String> {
        let held = self.0.catalogue.borrow().clone();
        if let Some(list) = held {
            return Ok(list);
        }
        let list = site::fetch_catalogue().await?;
        let held = self.0.catalogue.borrow().clone();
        if let Some(list) = held {
            // Somebody else was faster.
            return Ok(list);
        }
        Ok(self.list(list))
    }

    /// Does what comes next: loads the network that is wanted, or hands out the recording.
    pub(super) fn advance(&self) {
        if self.0.cpu.borrow().is_none() {
            return;
        }
        let busy = self.0.classification.borrow().as_ref().is_some_and(super::Classification::is_busy);
        let next = self.0.switch.borrow_mut().next_load(busy);
        match next {
            Some(wanted) => {
                // What was being heard is heard by the next network, or again by this one.
                if self.interrupt() {
                    self.tell(ClientEvent::Classification(Event::Cancelled, Payload::None));
                }
                spawn_local(self.clone().load_wanted(wanted));
            }
            None => {
                self.run_classification();
                self.look_on();
            }
        }
    }

    async fn load_wanted(self, wanted: Wanted) {
        let cpu = self.0.cpu.borrow().clone();
        let loaded = async { cpu.ok_or("there is no engine")?.load(&self.parts(&wanted.name).await?).await }.await;
        let counts = self.0.switch.borrow_mut().loaded(wanted.ticket, loaded.is_ok());
        match loaded {
            Ok(architecture) if counts => self.tell_in_use(&wanted.name, architecture),
            Ok(_) => {}
            Err(reason) => self.refuse(&wanted.name, &reason),
        }
        self.tell_engine();
        self.advance();
        self.fit_gpu().await;
    }

    fn forget(&self, name: &str) {
        let Some(list) = self.0.catalogue.borrow().clone() else { return };
        let backbones = list.offer(name).into_iter().flat_map(|offer| &offer.backbones);
        let mut held = self.0.held.borrow_mut();
        for name in backbones.chain([&name.to_owned()]) {
            held.remove(name);
        }
    }

    /// Tells why a network is not in use. It is fetched anew when it is wanted anew: it may have been damaged on its way.
    pub(super) fn refuse(&self, name: &str, reason: &str) {
        self.forget(name);
        let stays = self.network();
        // Before the sentence, which it would take away.
        self.tell_arriving(0);
        self.tell(ClientEvent::NetworkRefused(network_words::refused(name, reason, stays.as_deref())));
    }

    /// Tells which network is in use.
    pub(super) fn tell_in_use(&self, name: &str, architecture: Architecture) {
        let shipped = self.0.held.borrow().get(name).cloned();
        if let Some(shipped) = shipped {
            self.tell(ClientEvent::NetworkInUse(Rc::new(InUse { card: shipped.card.clone(), architecture })));
        }
        self.tell_arriving(0);
    }

    fn tell_fetched(&self, name: &str, fetched: u64) {
        let is_coming = self.0.switch.borrow().coming().is_some_and(|coming| *coming.name == *name);
        if is_coming {
            self.tell_arriving(fetched);
        }
    }

    /// Tells what is on its way, with so many bytes of it.
    pub(super) fn tell_arriving(&self, fetched: u64) {
        let coming = self.0.switch.borrow().coming().cloned();
        let total = |name: &str| self.0.catalogue.borrow().as_ref().map_or(0, |list| list.bytes(name));
        let arriving = coming.map(|Wanted { name, selection, .. }| {
            let total = total(&name);
            Arriving { name: name.to_string(), selection, fetched: fetched.min(total), total }
        });
        self.tell(ClientEvent::NetworkArriving(arriving));
    }

    /// The network in use.
    pub(super) fn network(&self) -> Option<Rc<str>> {
        self.0.switch.borrow().in_use().map(|(name, _)| name.clone())
    }
}
