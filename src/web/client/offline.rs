//! The client's part in working without a connection: weights are kept as they come, the page once it can answer.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::site::{self, Shipped};
use super::{Client, ClientEvent};
use crate::view::offline::state::{Absence, Coming, OfflineEvent, Shell};
use crate::web::service_worker::ServiceWorkerClient;
use crate::web::{dom, weights_cache};

/// Time between the page's being able to answer and its fetching what it can do without, in milliseconds.
const CALM_MILLISECONDS: i32 = 1000;

impl Client {
    /// Tells what is kept, and has the page kept once nothing more is needed for an answer; not unasked where the browser
    /// saves data. A second call does nothing.
    pub(super) async fn begin_offline(self) {
        if self.0.service_worker.get().is_some() {
            return;
        }
        let client = self.clone();
        let service_worker = self
            .0
            .service_worker
            .get_or_init(|| ServiceWorkerClient::find(move |news| client.tell(ClientEvent::Offline(news))));
        self.tell(ClientEvent::Offline(OfflineEvent::Kept(weights_cache::names().await)));
        if service_worker.as_ref().is_some_and(ServiceWorkerClient::is_there) {
            return self.keep_page().await;
        }
        self.calm().await;
        if site::saves_data() && service_worker.is_some() {
            return self.tell(ClientEvent::Offline(OfflineEvent::Shell(Shell::Waits)));
        }
        self.keep_page().await;
    }

    /// Waits until nothing more is needed for an answer.
    async fn calm(&self) {
        loop {
            dom::sleep(CALM_MILLISECONDS).await;
            if self.0.cpu.borrow().is_some()
                && !self.0.classification.borrow().as_ref().is_some_and(super::Classification::is_busy)
            {
                break;
            }
        }
    }

    pub(super) async fn keep_page(self) {
        match self.0.service_worker.get().and_then(Option::as_ref) {
            Some(service_worker) => {
                service_worker.begin().await;
                self.keep_first().await;
            }
            None => self.tell(ClientEvent::Offline(OfflineEvent::Shell(Shell::Absent(Absence::Blocked)))),
        }
    }

    /// Keeps the network that answers first, which was not fetched where the page's address asks for another.
    async fn keep_first(&self) {
        self.calm().await;
        let first = self.0.catalogue.borrow().as_ref().map(|list| list.first.clone());
        let Some(first) = first.filter(|first| !self.0.held.borrow().contains_key(first)) else { return };
        if weights_cache::names().await.contains(&first) {
            return;
        }
        // What is fetched is kept. Nobody asked for it, so that only the log tells where it is not to be had.
        if let Err(reason) = self.fetched(&first, &|_| {}).await {
            log::warn!("{first} is not kept: {reason}");
        }
    }

    /// Fetches a network, where that was not done before, with what it listens through, and keeps all of it.
    pub(super) async fn keep_network(self, name: String) {
        let total = self.0.catalogue.borrow().as_ref().map_or(0, |list| list.bytes(&name));
        let tell = |fetched| {
            let coming = Coming { name: name.clone(), fetched, total };
            self.tell(ClientEvent::Offline(OfflineEvent::Coming(coming)));
        };
        tell(0);
        match self.fetched(&name, &tell).await {
            Ok(parts) => {
                for part in parts {
                    self.keep(&part).await;
                }
            }
            Err(reason) => {
                log::warn!("{name} is not kept: {reason}");
                self.tell(ClientEvent::Offline(OfflineEvent::NotKept { name: name.clone(), why: Absence::Network }));
            }
        }
        self.tell(ClientEvent::Offline(OfflineEvent::Arrived));
    }

    /// Keeps what was fetched, for which there may have been no room before.
    pub(super) async fn keep_held(&self) {
        let Some(list) = self.0.catalogue.borrow().clone() else { return };
        let shipped = list.networks.iter().filter(|offer| !offer.own);
        let held: Vec<Rc<Shipped>> =
            shipped.filter_map(|offer| self.0.held.borrow().get(&offer.name).cloned()).collect();
        for shipped in held {
            self.keep(&shipped).await;
        }
    }

    /// Keeps weights in the background.
    pub(super) fn keep_soon(&self, shipped: &Rc<Shipped>) {
        let (client, shipped) = (self.clone(), shipped.clone());
        spawn_local(async move { client.keep(&shipped).await });
    }

    async fn keep(&self, shipped: &Shipped) {
        let Shipped { card, bytes } = shipped;
        let name = card.name.clone();
        let news = match weights_cache::keep(&name, &card.sha256, bytes).await {
            Ok(()) => OfflineEvent::Kept(vec![name]),
            Err(why) => OfflineEvent::NotKept { name, why },
        };
        self.tell(ClientEvent::Offline(news));
    }
}
