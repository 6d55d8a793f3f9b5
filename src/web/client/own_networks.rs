//! The user's own networks: taught here, kept from an earlier visit, or brought as files. Their weights stay with the
//! browser until they are wanted.

use std::ops::Range;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use super::site::{self, NetworkFiles};
use super::{Client, ClientEvent};
use crate::card::{Card, inside};
use crate::view::classify::networks::{Catalogue, Offer, Selection};
use crate::view::storage::words;
use crate::view::train::state::free_name;
use crate::web::dom;

/// The largest file that is taken as a network, in bytes: it is in memory as a whole, and more than once.
const MOST_BYTES: u64 = 512_000_000;

/// A network of the user's own.
#[derive(Debug, Clone)]
pub struct OwnNetwork {
    /// Its card.
    pub card: Card,
    /// Its weights file, the card inside.
    pub weights: Blob,
}

impl OwnNetwork {
    /// The network of a card and the bytes of its weights file.
    fn of(card: Card, bytes: &[u8]) -> Result<Self, String> {
        Ok(Self { card, weights: blob(&Array::of1(&Uint8Array::from(bytes)))? })
    }

    /// Its weights in memory.
    pub(crate) async fn read(&self) -> Result<NetworkFiles, String> {
        Ok(NetworkFiles { card: self.card.clone(), weights: read_blob(&self.weights).await? })
    }

    /// The same, with weights of which nobody else has a part.
    pub(crate) async fn copied(&self) -> Result<Self, String> {
        Self::of(self.card.clone(), &read_blob(&self.weights).await?)
    }

    /// The same under another name, which is on its card inside the file too.
    async fn renamed(&self, name: &str) -> Result<Self, String> {
        let header = header_range(&self.weights).await?;
        let mut card = Card { name: name.to_owned(), ..self.card.clone() };
        let start = read_blob(&slice(&self.weights, header.clone())?).await?;
        let start = inside::with_card(&start, &card).map_err(|error| error.to_string())?;
        let body = slice(&self.weights, header.end..self.weights.size() as u64)?;
        let weights = blob(&Array::of2(&Uint8Array::from(start.as_slice()), &body))?;
        card.sha256 = sha256(&read_blob(&weights).await?);
        Ok(Self { card, weights })
    }

    fn offer(&self) -> Offer {
        Offer {
            name: self.card.name.clone(),
            summary: self.card.summary.clone(),
            bytes: self.weights.size() as u64,
            backbones: self.card.backbones.iter().map(|backbone| backbone.name.clone()).collect(),
            own: true,
        }
    }
}

impl Client {
    /// One of the user's own networks, by name.
    pub(super) fn own_network(&self, name: &str) -> Option<OwnNetwork> {
        self.0.own_networks.borrow().iter().find(|own| own.card.name == name).cloned()
    }

    /// Adds networks to those of the user's own, and to the list.
    pub(super) fn add_own_networks(&self, networks: Vec<OwnNetwork>) {
        self.0.own_networks.borrow_mut().extend(networks);
        self.refresh_catalogue();
    }

    /// Adds a network that was taught; its card, with the name that it got.
    pub(super) fn add_own(&self, card: Card, bytes: &[u8]) -> Result<Card, String> {
        self.0.own_networks.borrow_mut().push(OwnNetwork::of(card, bytes)?);
        self.refresh_catalogue();
        let added = self.0.own_networks.borrow().last().map(|own| own.card.clone());
        added.ok_or_else(|| "it is gone".to_owned())
    }

    /// The list with the user's own networks in it, under names that no other has, from now on.
    pub(super) fn publish_catalogue(&self, mut list: Catalogue) -> Rc<Catalogue> {
        list.networks.retain(|offer| !offer.own);
        for own in &mut *self.0.own_networks.borrow_mut() {
            own.card.name = free_name(&own.card.name, Some(&list));
            list.networks.push(own.offer());
        }
        let list = Rc::new(list);
        *self.0.catalogue.borrow_mut() = Some(list.clone());
        self.emit(ClientEvent::Catalogue(list.clone()));
        list
    }

    pub(super) fn refresh_catalogue(&self) {
        // Where there is no list yet, they are put into it when it comes.
        let list = self.0.catalogue.borrow().clone();
        if let Some(list) = list {
            self.publish_catalogue(list.as_ref().clone());
        }
    }

    /// True where a network is in use, or on its way to be.
    pub(super) fn is_used(&self, name: &str) -> bool {
        let switch = self.0.switch.borrow();
        let coming = switch.coming().is_some_and(|coming| *coming.name == *name);
        coming || switch.in_use().is_some_and(|(in_use, _)| **in_use == *name)
    }

    pub(super) async fn import_weights(&self, file: &File) -> Result<ClientEvent, String> {
        let size = file.size() as u64;
        if size > MOST_BYTES {
            return Err(words::too_large(size, MOST_BYTES));
        }
        let header = header_range(file).await?;
        let body = size - header.end;
        let card = inside::card(&read_blob(&slice(file, header)?).await?, body).map_err(|error| error.to_string())?;
        self.check_backbones(&card).await?;
        // A copy: the user may delete the file.
        let bytes = read_blob(file).await?;
        let (on_card, sha256) = (card.name.clone(), sha256(&bytes));
        let mut network = OwnNetwork::of(Card { sha256, ..card }, &bytes)?;
        let name = free_name(&on_card, Some(self.catalogue().await?.as_ref()));
        if name != on_card {
            network = network.renamed(&name).await?;
        }
        self.add_own_networks(vec![network]);
        Ok(ClientEvent::OwnNetworkAdded { file: file.name(), on_card, name })
    }

    /// Whether this site has what a network listens through.
    async fn check_backbones(&self, card: &Card) -> Result<(), String> {
        let list = self.catalogue().await?;
        for backbone in &card.backbones {
            list.offer(&backbone.name).ok_or_else(|| words::no_backbone(backbone))?;
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
        let own = self.own_network(network).ok_or("it is gone")?;
        let name = free_name(name, Some(self.catalogue().await?.as_ref()));
        let renamed = own.renamed(&name).await?;
        for own in self.0.own_networks.borrow_mut().iter_mut().filter(|own| own.card.name == network) {
            *own = renamed.clone();
        }
        self.0.network_files.borrow_mut().remove(network);
        self.refresh_catalogue();
        if self.is_used(network) {
            self.switch_to(&name, Selection::User);
        }
        Ok(name)
    }
}

async fn header_range(file: &Blob) -> Result<Range<u64>, String> {
    let prefix = read_blob(&slice(file, 0..inside::PREFIX as u64)?).await?;
    inside::header_range(&prefix, file.size() as u64).map_err(|error| error.to_string())
}

fn blob(parts: &Array) -> Result<Blob, String> {
    Blob::new_with_u8_array_sequence(parts).map_err(|error| words::unreadable(&dom::describe(&error)))
}

fn slice(file: &Blob, range: Range<u64>) -> Result<Blob, String> {
    let part = file.slice_with_f64_and_f64(range.start as f64, range.end as f64);
    part.map_err(|error| words::unreadable(&dom::describe(&error)))
}

/// The bytes of a file.
///
/// # Errors
///
/// Part of a sentence, where it cannot be read.
pub(crate) async fn read_blob(file: &Blob) -> Result<Vec<u8>, String> {
    let buffer = JsFuture::from(file.array_buffer()).await;
    buffer.map(|buffer| Uint8Array::new(&buffer).to_vec()).map_err(|error| words::unreadable(&dom::describe(&error)))
}

/// SHA-256, hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
