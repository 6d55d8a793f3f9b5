//! The user's own networks: trained here, restored from an earlier visit, or imported as files. The browser stores
//! their weights as blobs; they are read when the network is used.

use std::ops::Range;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use super::site::{self, NetworkFiles};
use super::{Client, ClientEvent};
use crate::card::{Card, embedded};
use crate::view::classify::networks::{Catalogue, CatalogueEntry, Selection};
use crate::view::storage::words;
use crate::view::train::state::free_name;
use crate::web::dom;
use crate::web::weights_cache::sha256_hex;

/// The largest weights file that can be imported, in bytes: it is in memory as a whole, and more than once.
const MOST_BYTES: u64 = 512_000_000;

/// A network of the user.
#[derive(Debug, Clone)]
pub struct OwnNetwork {
    /// The card, with the name under which the network is listed.
    pub card: Card,
    /// The weights file, with the card in its header.
    pub weights: Blob,
}

impl OwnNetwork {
    /// A network from its card and the bytes of its weights file.
    fn of(card: Card, bytes: &[u8]) -> Result<Self, String> {
        Ok(Self { card, weights: blob(&Array::of1(&Uint8Array::from(bytes)))? })
    }

    /// Reads the weights into memory.
    pub(crate) async fn read(&self) -> Result<NetworkFiles, String> {
        Ok(NetworkFiles { card: self.card.clone(), weights: read_blob(&self.weights).await? })
    }

    /// The same network with a copy of its weights, which no other blob shares.
    pub(crate) async fn copied(&self) -> Result<Self, String> {
        Self::of(self.card.clone(), &read_blob(&self.weights).await?)
    }

    /// The same network under another name, also on the card in its file.
    async fn renamed(&self, name: &str) -> Result<Self, String> {
        // Only the header is rewritten; the tensors stay in the browser's blob.
        let header = header_range(&self.weights).await?;
        let mut card = Card { name: name.to_owned(), ..self.card.clone() };
        let start = read_blob(&slice(&self.weights, header.clone())?).await?;
        let start = embedded::with_card(&start, &card).map_err(|error| error.to_string())?;
        let body = slice(&self.weights, header.end..self.weights.size() as u64)?;
        let weights = blob(&Array::of2(&Uint8Array::from(start.as_slice()), &body))?;
        // Of the whole file, which is read for that alone.
        card.sha256 = sha256_hex(&read_blob(&weights).await?);
        Ok(Self { card, weights })
    }

    fn entry(&self) -> CatalogueEntry {
        CatalogueEntry {
            name: self.card.name.clone(),
            summary: self.card.summary.clone(),
            bytes: self.weights.size() as u64,
            backbones: self.card.backbones.iter().map(|backbone| backbone.name.clone()).collect(),
            own: true,
        }
    }
}

impl Client {
    pub(super) fn own_network(&self, name: &str) -> Option<OwnNetwork> {
        self.0.own_networks.borrow().iter().find(|own| own.card.name == name).cloned()
    }

    pub(super) fn add_own_networks(&self, networks: Vec<OwnNetwork>) {
        self.0.own_networks.borrow_mut().extend(networks);
        self.refresh_catalogue();
    }

    /// Adds a trained network; returns its card with the name that it got.
    pub(super) async fn add_own(&self, card: Card, bytes: &[u8]) -> Result<Card, String> {
        self.add_named(OwnNetwork::of(card, bytes)?).await
    }

    /// Adds a network under its name, or under the next that is free, which is then also on the card in its file;
    /// returns its card.
    async fn add_named(&self, mut network: OwnNetwork) -> Result<Card, String> {
        let wanted = network.card.name.clone();
        loop {
            // After the last wait: until here another network may have taken the name.
            let list = self.catalogue().await?;
            let name = free_name(&wanted, Some(&list));
            if name == network.card.name {
                let card = network.card.clone();
                self.add_own_networks(vec![network]);
                return Ok(card);
            }
            network = network.renamed(&name).await?;
        }
    }

    /// Imports the files that wait for it, one after the other.
    pub(super) async fn import_waiting(self) {
        loop {
            let next = self.0.imports.borrow().front().cloned();
            let Some(file) = next else { return };
            let imported = self.import_weights(&file).await;
            let refused = |reason: String| ClientEvent::OwnNetworkRefused(words::not_imported(&file.name(), &reason));
            self.emit(imported.unwrap_or_else(refused));
            self.0.imports.borrow_mut().pop_front();
        }
    }

    /// Publishes the list with the user's own networks in it, under names that no other network has.
    pub(super) fn publish_catalogue(&self, mut list: Catalogue) -> Rc<Catalogue> {
        list.networks.retain(|offer| !offer.own);
        for own in &mut *self.0.own_networks.borrow_mut() {
            own.card.name = free_name(&own.card.name, Some(&list));
            list.networks.push(own.entry());
        }
        let list = Rc::new(list);
        *self.0.catalogue.borrow_mut() = Some(list.clone());
        self.emit(ClientEvent::Catalogue(list.clone()));
        list
    }

    pub(super) fn refresh_catalogue(&self) {
        // Before the list is there, nothing is to do: they are put into it when it comes.
        let list = self.0.catalogue.borrow().clone();
        if let Some(list) = list {
            self.publish_catalogue(list.as_ref().clone());
        }
    }

    /// True if a network is in use or on its way to be.
    pub(super) fn is_used(&self, name: &str) -> bool {
        let switch = self.0.switch.borrow();
        let pending = switch.pending().is_some_and(|pending| *pending.name == *name);
        pending || switch.active().is_some_and(|(in_use, _)| **in_use == *name)
    }

    pub(super) async fn import_weights(&self, file: &File) -> Result<ClientEvent, String> {
        let size = file.size() as u64;
        if size > MOST_BYTES {
            return Err(words::too_large(size, MOST_BYTES));
        }
        let header = header_range(file).await?;
        let body = size - header.end;
        let card = embedded::card(&read_blob(&slice(file, header)?).await?, body).map_err(|error| error.to_string())?;
        self.check_backbones(&card).await?;
        // A copy in memory, because the user may delete the file.
        let bytes = read_blob(file).await?;
        let (on_card, sha256) = (card.name.clone(), sha256_hex(&bytes));
        let name = self.add_named(OwnNetwork::of(Card { sha256, ..card }, &bytes)?).await?.name;
        Ok(ClientEvent::OwnNetworkAdded { file: file.name(), on_card, name })
    }

    /// Checks that this site has the backbones of a network, with the same weights.
    async fn check_backbones(&self, card: &Card) -> Result<(), String> {
        let list = self.catalogue().await?;
        for backbone in &card.backbones {
            list.entry(&backbone.name).ok_or_else(|| words::no_backbone(backbone))?;
            let there = match self.own_network(&backbone.name) {
                Some(own) => own.card.sha256,
                None => site::fetch_card(&backbone.name).await?.sha256,
            };
            if there != backbone.sha256 {
                return Err(words::other_backbone(backbone));
            }
        }
        Ok(())
    }

    pub(super) async fn rename(&self, network: &str, name: &str) -> Result<String, String> {
        let own = self.own_network(network).ok_or("it is no longer there")?;
        let (sha256, mut renamed) = (own.card.sha256.clone(), own);
        let name = loop {
            // After the last wait: until here another network may have taken the name.
            let free = free_name(name, Some(self.catalogue().await?.as_ref()));
            if free == renamed.card.name {
                break free;
            }
            renamed = renamed.renamed(&free).await?;
        };
        let mut networks = self.0.own_networks.borrow_mut();
        // Not another one that was given the old name meanwhile.
        let own = networks.iter_mut().find(|own| own.card.name == network && own.card.sha256 == sha256);
        *own.ok_or("it is no longer there")? = renamed;
        drop(networks);
        self.0.network_files.borrow_mut().remove(network);
        self.refresh_catalogue();
        if self.is_used(network) {
            self.switch_to(&name, Selection::User);
        }
        Ok(name)
    }
}

async fn header_range(file: &Blob) -> Result<Range<u64>, String> {
    let prefix = read_blob(&slice(file, 0..embedded::PREFIX as u64)?).await?;
    embedded::header_range(&prefix, file.size() as u64).map_err(|error| error.to_string())
}

fn blob(parts: &Array) -> Result<Blob, String> {
    Blob::new_with_u8_array_sequence(parts).map_err(|error| words::unreadable_file(&dom::describe(&error)))
}

fn slice(file: &Blob, range: Range<u64>) -> Result<Blob, String> {
    let part = file.slice_with_f64_and_f64(range.start as f64, range.end as f64);
    part.map_err(|error| words::unreadable_file(&dom::describe(&error)))
}

/// The bytes of a blob.
///
/// # Errors
///
/// Part of a sentence, if the browser cannot read it any more.
pub(crate) async fn read_blob(file: &Blob) -> Result<Vec<u8>, String> {
    let buffer = JsFuture::from(file.array_buffer()).await;
    buffer
        .map(|buffer| Uint8Array::new(&buffer).to_vec())
        .map_err(|error| words::unreadable_file(&dom::describe(&error)))
}
