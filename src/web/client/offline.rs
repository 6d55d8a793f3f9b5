//! Working offline: weights are stored as they are downloaded, the page once the first prediction is possible.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::site::{self, FetchError, NetworkFiles};
use super::{Client, ClientEvent, GPU_SCRIPT};
use crate::view::offline::state::{AppShell, Download, OfflineEvent, UnavailableReason, UpdateState};
use crate::web::service_worker::{self, ServiceWorkerClient};
use crate::web::{build_files, dom, weights_cache};

/// Time between two checks whether the first prediction is possible, in milliseconds.
const IDLE_CHECK_MILLISECONDS: i32 = 1000;
/// Time between two checks whether the GPU engine is built, in milliseconds.
const BUILD_CHECK_MILLISECONDS: i32 = 5000;

impl Client {
    /// Reports which weights are stored, and stores the page once nothing more is needed for a prediction. If the
    /// browser saves data, that waits until the user asks. A second call does nothing.
    pub(super) async fn begin_offline(self) {
        if self.0.service_worker.get().is_some() {
            return;
        }
        let client = self.clone();
        let service_worker = self
            .0
            .service_worker
            .get_or_init(|| ServiceWorkerClient::find(move |event| client.emit(ClientEvent::Offline(event))));
        self.emit(ClientEvent::Offline(OfflineEvent::Stored(weights_cache::stored_names().await)));
        if build_files::is_being_built(GPU_SCRIPT) {
            return self.wait_until_built().await;
        }
        if service_worker.as_ref().is_some_and(ServiceWorkerClient::is_active) {
            return self.install_offline().await;
        }
        self.wait_until_idle().await;
        if site::saves_data() && service_worker.is_some() {
            return self.emit(ClientEvent::Offline(OfflineEvent::AppShell(AppShell::Deferred)));
        }
        self.install_offline().await;
    }

    /// Waits until the site has the GPU engine, and then offers to load the page again. Nothing is stored before: the
    /// page that is stored is whole.
    async fn wait_until_built(&self) {
        let reason = UnavailableReason::NotBuilt;
        self.emit(ClientEvent::Offline(OfflineEvent::AppShell(AppShell::Unavailable(reason))));
        loop {
            dom::sleep(BUILD_CHECK_MILLISECONDS).await;
            // Without an answer the build may still be running: the page asks again.
            let page = site::fetch_page().await;
            if page.is_ok_and(|html| !build_files::is_being_built_in(&html, GPU_SCRIPT)) {
                return self.emit(ClientEvent::Offline(OfflineEvent::Update(UpdateState::Complete)));
            }
        }
    }

    /// Switches to the newer version of the page, by loading it again.
    pub(super) fn update(&self) {
        match self.0.service_worker.get().and_then(Option::as_ref) {
            Some(service_worker) => service_worker.renew(),
            None => service_worker::reload(),
        }
    }

    /// Waits until the CPU engine runs and no recording waits for its prediction.
    async fn wait_until_idle(&self) {
        loop {
            dom::sleep(IDLE_CHECK_MILLISECONDS).await;
            if self.0.cpu.borrow().is_some()
                && !self.0.classification.borrow().as_ref().is_some_and(super::Classification::is_busy)
            {
                break;
            }
        }
    }

    pub(super) async fn install_offline(self) {
        match self.0.service_worker.get().and_then(Option::as_ref) {
            Some(service_worker) => {
                service_worker.install().await;
                self.store_first_network().await;
            }
            None => self
                .emit(ClientEvent::Offline(OfflineEvent::AppShell(AppShell::Unavailable(UnavailableReason::Blocked)))),
        }
    }

    /// Stores the first network, which was not downloaded if the page's address chose another.
    async fn store_first_network(&self) {
        self.wait_until_idle().await;
        let first = self.0.catalogue.borrow().as_ref().map(|list| list.first.clone());
        let Some(first) = first.filter(|first| !self.0.network_files.borrow().contains_key(first)) else { return };
        if weights_cache::stored_names().await.contains(&first) {
            return;
        }
        // Downloading stores it. The user did not ask for it, so a failure is only logged.
        if let Err(reason) = self.fetch_with_backbones(&first, &|_| {}).await {
            log::warn!("{first} is not stored on this device: {reason}");
        }
    }

    /// Downloads a network with its backbones, if they are not in memory, and stores all of them.
    pub(super) async fn store_network(self, name: String) {
        let total = self.0.catalogue.borrow().as_ref().map_or(0, |list| list.bytes(&name));
        let report = |fetched| {
            let download = Download { name: name.clone(), fetched, total };
            self.emit(ClientEvent::Offline(OfflineEvent::Downloading(download)));
        };
        report(0);
        match self.fetch_with_backbones(&name, &report).await {
            Ok(networks) => {
                for network in networks {
                    self.store_weights(&network).await;
                }
            }
            Err(reason) => {
                log::warn!("{name} is not stored on this device: {reason}");
                let reason = match reason {
                    FetchError::NewerBuild(_) => UnavailableReason::Changed,
                    _ => UnavailableReason::Network,
                };
                self.emit(ClientEvent::Offline(OfflineEvent::NotStored { name: name.clone(), reason }));
            }
        }
        self.emit(ClientEvent::Offline(OfflineEvent::DownloadEnded));
    }

    /// True if the site has a newer version of the page, which is then offered to the user.
    pub(super) async fn offers_newer_version(&self) -> bool {
        match self.0.service_worker.get().and_then(Option::as_ref) {
            Some(service_worker) => service_worker.offers_newer_version().await,
            None => false,
        }
    }

    /// Stores the networks in memory, which may not have been allowed or had no room before.
    pub(super) async fn store_fetched(&self) {
        let Some(list) = self.0.catalogue.borrow().clone() else { return };
        // The user's own networks are stored by the page, in IndexedDB.
        let of_the_site = list.networks.iter().filter(|offer| !offer.own);
        let fetched: Vec<Rc<NetworkFiles>> =
            of_the_site.filter_map(|offer| self.0.network_files.borrow().get(&offer.name).cloned()).collect();
        for network in fetched {
            self.store_weights(&network).await;
        }
    }

    pub(super) fn store_in_background(&self, network: &Rc<NetworkFiles>) {
        let (client, network) = (self.clone(), network.clone());
        spawn_local(async move { client.store_weights(&network).await });
    }

    async fn store_weights(&self, network: &NetworkFiles) {
        let NetworkFiles { card, weights } = network;
        let name = card.name.clone();
        let event = match weights_cache::put(&name, &card.sha256, weights).await {
            Ok(()) => OfflineEvent::Stored(vec![name]),
            Err(reason) => OfflineEvent::NotStored { name, reason },
        };
        self.emit(ClientEvent::Offline(event));
    }
}
