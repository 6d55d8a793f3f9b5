//! The user's own networks: taught here, kept from an earlier visit, or brought as files. Their weights stay with the
//! browser until they are wanted.

use std::ops::Range;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File};

use super::site::{self, Shipped};
use super::{Client, Update};
use crate::card::{Card, embedded};
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

/// Them all, in the order in which they came.
pub type Own = Vec<OwnNetwork>;

/// What the client tells of the user's own networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnNetworkEvent {
    /// A weights file was taken as one.
    Taken {
        /// The file's name.
        file: String,
        /// The name on its card.
        on_card: String,
        /// The name under which it is in the list.
        name: String,
    },
    /// One has another name.
    Renamed {
        /// The name that it had.
        network: String,
        /// The name that it has.
        name: String,
    },
    /// A file was not taken, or a network not renamed: a sentence.
    Refused(String),
}

impl OwnNetwork {
    /// The network of a card and the bytes of its weights file.
    fn of(card: Card, bytes: &[u8]) -> Result<Self, String> {
        Ok(Self { card, weights: blob(&Array::of1(&Uint8Array::from(bytes)))? })
    }

    /// Its weights in memory.
    pub async fn read(&self) -> Result<Shipped, String> {
        Ok(Shipped { card: self.card.clone(), bytes: read(&self.weights).await? })
    }

    /// The same, with weights of which nobody else has a part.
    pub async fn copied(&self) -> Result<Self, String> {
        Self::of(self.card.clone(), &read(&self.weights).await?)
    }

    /// The same under another name, which is on its card inside the file too.
    async fn renamed(&self, name: &str) -> Result<Self, String> {
        let header = header_range(&self.weights).await?;
        let mut card = Card { name: name.to_owned(), ..self.card.clone() };
        let start = read(&slice(&self.weights, header.clone())?).await?;
        let start = embedded::with_card(&start, &card).map_err(|error| error.to_string())?;
        let body = slice(&self.weights, header.end..self.weights.size() as u64)?;
        let weights = blob(&Array::of2(&Uint8Array::from(start.as_slice()), &body))?;
        card.sha256 = sha256(&read(&weights).await?);
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
    /// One of the user's own networks.
    pub fn own(&self, name: &str) -> Option<OwnNetwork> {
        self.0.own.borrow().iter().find(|own| own.card.name == name).cloned()
    }

    /// Puts networks of the user's own into the list, whose weights files are at hand.
    pub fn bring_own(&self, networks: Vec<OwnNetwork>) {
        self.0.own.borrow_mut().extend(networks);
        self.list_anew();
    }

    /// Takes a weights file as a network of the user's own.
    pub fn import(&self, file: File) {
        let client = self.clone();
        spawn_local(async move {
            let taken = client.take(&file).await;
            let refused = |reason: String| OwnNetworkEvent::Refused(words::not_imported(&file.name(), &reason));
            client.tell(Update::Own(taken.unwrap_or_else(refused)));
        });
    }

    /// Gives one of the user's own networks another name, or one like it that is free.
    pub fn rename_own(&self, network: &str, name: &str) {
        let (client, network, name) = (self.clone(), network.to_owned(), name.to_owned());
        spawn_local(async move {
            let news = match client.rename(&network, &name).await {
                Ok(name) => OwnNetworkEvent::Renamed { network, name },
                Err(reason) => OwnNetworkEvent::Refused(words::not_renamed(&network, &reason)),
            };
            client.tell(Update::Own(news));
        });
    }

    /// Takes one of the user's own networks out of the list. Where it is in use, the first one follows it.
    pub fn forget_own(&self, name: &str) {
        self.0.own.borrow_mut().retain(|own| own.card.name != name);
        self.0.held.borrow_mut().remove(name);
        self.list_anew();
        let first = self.0.catalogue.borrow().as_ref().map(|list| list.first.clone());
        if let Some(first) = first.filter(|_| self.needs(name)) {
            self.want(&first, Selection::User);
        }
    }

    /// Adds a network that was taught; its card, with the name that it got.
    pub(super) fn add_own(&self, card: Card, bytes: &[u8]) -> Result<Card, String> {
        self.0.own.borrow_mut().push(OwnNetwork::of(card, bytes)?);
        self.list_anew();
        let added = self.0.own.borrow().last().map(|own| own.card.clone());
        added.ok_or_else(|| "it is gone".to_owned())
    }

    /// The list with the user's own networks in it, under names that no other has, from now on.
    pub(super) fn list(&self, mut list: Catalogue) -> Rc<Catalogue> {
        list.networks.retain(|offer| !offer.own);
        for own in &mut *self.0.own.borrow_mut() {
            own.card.name = free_name(&own.card.name, Some(&list));
            list.networks.push(own.offer());
        }
        let list = Rc::new(list);
        *self.0.catalogue.borrow_mut() = Some(list.clone());
        self.tell(Update::Networks(list.clone()));
        list
    }

    fn list_anew(&self) {
        // Where there is no list yet, they are put into it when it comes.
        let list = self.0.catalogue.borrow().clone();
        if let Some(list) = list {
            self.list(list.as_ref().clone());
        }
    }

    /// True where a network is in use, or on its way to be.
    fn needs(&self, name: &str) -> bool {
        let switch = self.0.switch.borrow();
        let coming = switch.coming().is_some_and(|coming| *coming.name == *name);
        coming || switch.in_use().is_some_and(|(in_use, _)| **in_use == *name)
    }

    async fn take(&self, file: &File) -> Result<OwnNetworkEvent, String> {
        let size = file.size() as u64;
        if size > MOST_BYTES {
            return Err(words::too_large(size, MOST_BYTES));
        }
        let header = header_range(file).await?;
        let body = size - header.end;
        let card = embedded::card(&read(&slice(file, header)?).await?, body).map_err(|error| error.to_string())?;
        self.check_backbones(&card).await?;
        // A copy: the user may delete the file.
        let bytes = read(file).await?;
        let (on_card, sha256) = (card.name.clone(), sha256(&bytes));
        let mut network = OwnNetwork::of(Card { sha256, ..card }, &bytes)?;
        let name = free_name(&on_card, Some(self.catalogue().await?.as_ref()));
        if name != on_card {
            network = network.renamed(&name).await?;
        }
        self.bring_own(vec![network]);
        Ok(OwnNetworkEvent::Taken { file: file.name(), on_card, name })
    }

    /// Whether this site has what a network listens through.
    async fn check_backbones(&self, card: &Card) -> Result<(), String> {
        let list = self.catalogue().await?;
        for backbone in &card.backbones {
            list.offer(&backbone.name).ok_or_else(|| words::no_backbone(backbone))?;
            let there = match self.own(&backbone.name) {
                Some(own) => own.card.sha256,
                None => site::fetch_card(&backbone.name).await?.sha256,
            };
            if there != backbone.sha256 {
                return Err(words::other_backbone(backbone));
            }
        }
        Ok(())
    }

    async fn rename(&self, network: &str, name: &str) -> Result<String, String> {
        let own = self.own(network).ok_or("it is gone")?;
        let name = free_name(name, Some(self.catalogue().await?.as_ref()));
        let renamed = own.renamed(&name).await?;
        for own in self.0.own.borrow_mut().iter_mut().filter(|own| own.card.name == network) {
            *own = renamed.clone();
        }
        self.0.held.borrow_mut().remove(network);
        self.list_anew();
        if self.needs(network) {
            self.want(&name, Selection::User);
        }
        Ok(name)
    }
}

async fn header_range(file: &Blob) -> Result<Range<u64>, String> {
    let prefix = read(&slice(file, 0..embedded::PREFIX as u64)?).await?;
    embedded::header_range(&prefix, file.size() as u64).map_err(|error| error.to_string())
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
pub async fn read(file: &Blob) -> Result<Vec<u8>, String> {
    let buffer = JsFuture::from(file.array_buffer()).await;
    buffer.map(|buffer| Uint8Array::new(&buffer).to_vec()).map_err(|error| words::unreadable(&dom::describe(&error)))
}

/// SHA-256, hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
