//! Networks: downloaded when they are chosen, and in use once the CPU engine has loaded them.

use std::rc::Rc;

use js_sys::Date;
use wasm_bindgen_futures::spawn_local;

use super::site::{self, FetchError, NetworkFiles};
use super::{Client, ClientEvent};
use crate::protocol::{Architecture, Event, Payload};
use crate::view::classify::network_words;
use crate::view::classify::networks::{ActiveNetwork, Catalogue, NetworkDownload, NetworkRequest, Selection};
use crate::view::offline;

/// Time between two reports of a download's progress, in milliseconds.
const PROGRESS_MILLISECONDS: f64 = 100.0;

impl Client {
    /// Switches to the page's default network for a better prediction, unless the user has chosen one or saves data, or it
    /// could not be loaded.
    pub(super) fn switch_to_default(&self) {
        let default = self.0.catalogue.borrow().as_ref().map(|list| list.default.clone());
        if let Some(name) = default.filter(|_| !self.0.keeps_network.get() && !site::saves_data()) {
            self.switch_to(&name, Selection::Refine);
        }
    }

    pub(super) fn switch_to(&self, name: &str, selection: Selection) {
        let wanted = self.0.switch.borrow_mut().request(name, selection);
        self.emit_arriving(0);
        match wanted {
            Some(wanted) => spawn_local(self.clone().fetch_wanted(wanted)),
            // In use or on its way already: nothing to download.
            None => self.run_next(),
        }
    }

    async fn fetch_wanted(self, wanted: NetworkRequest) {
        match self.network_with_backbones(&wanted.name).await {
            Ok(_) => {
                if self.0.switch.borrow_mut().fetched(wanted.ticket) {
                    self.run_next();
                }
            }
            Err(reason) => {
                if self.0.switch.borrow_mut().fetch_failed(wanted.ticket) {
                    self.report_refused(&wanted.name, &reason);
                    self.run_next();
                }
            }
        }
    }

    /// A network after its backbones; downloaded if they are not in memory.
    pub(super) async fn network_with_backbones(&self, name: &str) -> Result<Vec<Rc<NetworkFiles>>, String> {
        Ok(self.fetch_with_backbones(name, &|bytes| self.emit_fetched(name, bytes)).await?)
    }

    /// As [`network_with_backbones`](Self::network_with_backbones); `progress` is told now and then how many bytes of
    /// all of them have arrived.
    pub(super) async fn fetch_with_backbones(
        &self,
        name: &str,
        progress: &dyn Fn(u64),
    ) -> Result<Vec<Rc<NetworkFiles>>, FetchError> {
        let list = self.catalogue().await?;
        let offer = list.entry(name).ok_or_else(|| "this site has no network of that name".to_owned())?;
        let (mut fetched, mut networks) = (0, Vec::new());
        for part in offer.backbones.iter().map(String::as_str).chain([name]) {
            let in_memory = self.0.network_files.borrow().get(part).cloned();
            let network = match in_memory {
                Some(network) => {
                    fetched += network.weights.len() as u64;
                    network
                }
                None => self.fetch_part(part, &mut fetched, progress).await?,
            };
            self.0.network_files.borrow_mut().insert(part.to_owned(), network.clone());
            networks.push(network);
        }
        progress(list.bytes(name));
        Ok(networks)
    }

    /// One network alone: read from its file if it is the user's own, or else downloaded.
    async fn fetch_part(
        &self,
        name: &str,
        fetched: &mut u64,
        progress: &dyn Fn(u64),
    ) -> Result<Rc<NetworkFiles>, FetchError> {
        if let Some(own) = self.own_network(name) {
            return Ok(Rc::new(own.read().await?));
        }
        let mut last_report = Date::now();
        let mut on_bytes = |bytes| {
            *fetched += bytes;
            if Date::now() - last_report >= PROGRESS_MILLISECONDS {
                last_report = Date::now();
                progress(*fetched);
            }
        };
        let (network, fresh) = match site::fetch_network(name, &mut on_bytes).await {
            Err(FetchError::OtherBuild(_)) if self.offers_newer_version().await => {
                return Err(FetchError::NewerBuild(offline::words::newer_version(name)));
            }
            fetched => fetched?,
        };
        let network = Rc::new(network);
        if fresh {
            self.store_in_background(&network);
        }
        Ok(network)
    }

    /// The list of networks; downloaded the first time.
    pub(super) async fn catalogue(&self) -> Result<Rc<Catalogue>, String> {
        let known = self.0.catalogue.borrow().clone();
        if let Some(list) = known {
            return Ok(list);
        }
        let list = site::fetch_catalogue().await?;
        // Another caller may have fetched it meanwhile.
        let known = self.0.catalogue.borrow().clone();
        if let Some(list) = known {
            return Ok(list);
        }
        Ok(self.publish_catalogue(list))
    }

    /// Starts what waits for the CPU engine: loading the chosen network, or else the recording, or else a thumbnail.
    pub(super) fn run_next(&self) {
        // Called again once the engine runs.
        if self.0.cpu.borrow().is_none() {
            return;
        }
        let busy = self.0.classification.borrow().as_ref().is_some_and(super::Classification::is_busy);
        let next = self.0.switch.borrow_mut().next_load(busy);
        match next {
            Some(wanted) => {
                // The recording is classified by the next network instead, or again by this one if loading fails.
                if self.interrupt() {
                    self.emit(ClientEvent::Classification(Event::Cancelled, Payload::None));
                }
                spawn_local(self.clone().load_wanted(wanted));
            }
            None => {
                self.dispatch();
                self.next_thumbnail();
            }
        }
    }

    async fn load_wanted(self, wanted: NetworkRequest) {
        let cpu = self.0.cpu.borrow().clone();
        let loaded =
            async { cpu.ok_or("there is no engine")?.load(&self.network_with_backbones(&wanted.name).await?).await }
                .await;
        let counts = self.0.switch.borrow_mut().loaded(wanted.ticket, loaded.is_ok());
        match loaded {
            Ok(architecture) if counts => self.emit_in_use(&wanted.name, architecture),
            Ok(_) => {}
            Err(reason) => {
                // If the engine ended because of it, the next one would too, and so on for ever.
                self.0.keeps_network.set(self.0.keeps_network.get() || wanted.selection == Selection::Refine);
                self.report_refused(&wanted.name, &reason);
            }
        }
        self.emit_engine();
        self.run_next();
        self.compare_engines().await;
    }

    fn discard_files(&self, name: &str) {
        let Some(list) = self.0.catalogue.borrow().clone() else { return };
        let backbones = list.entry(name).into_iter().flat_map(|offer| &offer.backbones);
        let mut files = self.0.network_files.borrow_mut();
        for name in backbones.chain([&name.to_owned()]) {
            files.remove(name);
        }
    }

    /// Reports why a network is not in use. Its files are discarded, because they may have been damaged on the way.
    pub(super) fn report_refused(&self, name: &str, reason: &str) {
        self.discard_files(name);
        let stays = self.network();
        // Before the sentence: the page removes the sentence when it is told what is arriving.
        self.emit_arriving(0);
        self.emit(ClientEvent::NetworkRefused(network_words::refused(name, reason, stays.as_deref())));
    }

    pub(super) fn emit_in_use(&self, name: &str, architecture: Architecture) {
        let network = self.0.network_files.borrow().get(name).cloned();
        if let Some(network) = network {
            self.emit(ClientEvent::NetworkInUse(Rc::new(ActiveNetwork { card: network.card.clone(), architecture })));
        }
        self.emit_arriving(0);
    }

    fn emit_fetched(&self, name: &str, fetched: u64) {
        let is_pending = self.0.switch.borrow().pending().is_some_and(|pending| *pending.name == *name);
        if is_pending {
            self.emit_arriving(fetched);
        }
    }

    /// Reports the network that is on its way, with this many bytes of it.
    pub(super) fn emit_arriving(&self, fetched: u64) {
        let pending = self.0.switch.borrow().pending().cloned();
        let total = |name: &str| self.0.catalogue.borrow().as_ref().map_or(0, |list| list.bytes(name));
        let arriving = pending.map(|NetworkRequest { name, selection, .. }| {
            let total = total(&name);
            NetworkDownload { name: name.to_string(), selection, fetched: fetched.min(total), total }
        });
        self.emit(ClientEvent::NetworkArriving(arriving));
    }

    /// The name of the network in use.
    pub(super) fn network(&self) -> Option<Rc<str>> {
        self.0.switch.borrow().active().map(|(name, _)| name.clone())
    }
}
