//! The networks that the site has: which of them is in use, and which is on its way to be.

use std::rc::Rc;

use serde::Deserialize;

use crate::card::Card;
use crate::protocol::Architecture;

/// The site's networks, as `cargo xtask post-build` lists them beside the weights.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Catalogue {
    /// The one that answers first: small.
    pub first: String,
    /// The one that the page chooses where it may fetch more.
    pub default: String,
    /// All of them, in the order they are offered.
    pub networks: Vec<CatalogueEntry>,
}

/// A network that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CatalogueEntry {
    /// The name on its card, and of its files.
    pub name: String,
    /// One sentence on what it is.
    pub summary: String,
    /// Size of its weights file.
    pub bytes: u64,
    /// What it listens through, by name; all of it is in the list.
    #[serde(default, alias = "bases")]
    pub backbones: Vec<String>,
    /// True for one of the user's own, which is nowhere to be fetched.
    #[serde(default)]
    pub own: bool,
}

impl Catalogue {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// Part of a sentence, where it is no list or names networks that are not in it.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let list: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let backbones = list.networks.iter().flat_map(|offer| &offer.backbones);
        let missing = backbones.chain([&list.first, &list.default]).find(|name| list.entry(name).is_none()).cloned();
        missing.map_or(Ok(list), |name| Err(format!("'{name}' is not in the list")))
    }

    /// The network of this name.
    pub fn entry(&self, name: &str) -> Option<&CatalogueEntry> {
        self.networks.iter().find(|offer| offer.name == name)
    }

    /// What has to be fetched for a network, in bytes: with what it listens through.
    pub fn bytes(&self, name: &str) -> u64 {
        let own = self.entry(name);
        let backbones = own.into_iter().flat_map(|offer| &offer.backbones).filter_map(|backbone| self.entry(backbone));
        own.into_iter().chain(backbones).map(|offer| offer.bytes).sum()
    }
}

/// The network in use.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveNetwork {
    /// Its card.
    pub card: Card,
    /// How it is built.
    pub architecture: Architecture,
}

/// A network on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkDownload {
    /// Its name.
    pub name: String,
    /// Who wants it.
    pub selection: Selection,
    /// Bytes of it that are there.
    pub fetched: u64,
    /// All of its bytes.
    pub total: u64,
}

/// Who wants a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The page, to have any at all.
    First,
    /// The page, for an answer better than the first. It waits for that one.
    Refine,
    /// The user. It waits for nothing.
    User,
}

/// Ties what was begun for a wish to that wish: an older one no longer counts.
pub type Ticket = u32;

/// A network that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRequest {
    /// Its name.
    pub name: Rc<str>,
    /// Who wants it.
    pub selection: Selection,
    /// Its number.
    pub ticket: Ticket,
}

/// The way from one network in use to the next, always of the CPU engine, which every other follows: a network is
/// wanted, then its files are there, then it is being loaded, then it is in use. The last wish wins; until its network
/// is in use the one before stays, and a failure changes nothing.
#[derive(Debug, Default)]
pub struct NetworkSwitch {
    active: Option<(Rc<str>, Selection)>,
    /// Being fetched or, where the flag is set, ready to be loaded.
    requested: Option<(NetworkRequest, bool)>,
    /// Sent to the engine, which cannot be called back.
    loading: Option<NetworkRequest>,
    tickets: Ticket,
}

impl NetworkSwitch {
    /// The network that classifies, and who wanted it.
    pub fn active(&self) -> Option<(&Rc<str>, Selection)> {
        self.active.as_ref().map(|(name, selection)| (name, *selection))
    }

    /// True while the engine is between two networks: nothing may be asked of it.
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// What is on its way and not yet in use.
    pub fn pending(&self) -> Option<&NetworkRequest> {
        self.requested.as_ref().map(|(wanted, _)| wanted).or(self.loading.as_ref())
    }

    /// An engine is started with this network.
    pub fn start(&mut self, name: &str, selection: Selection) -> NetworkRequest {
        let wanted = self.number(name, selection);
        self.loading = Some(wanted.clone());
        wanted
    }

    /// Wants a network in the place of whatever was wanted before. `None` where its files need not be fetched for that:
    /// it is in use, or on its way already.
    pub fn request(&mut self, name: &str, selection: Selection) -> Option<NetworkRequest> {
        if let Some((wanted, _)) = self.requested.as_mut().filter(|(wanted, _)| *wanted.name == *name) {
            wanted.selection = selection;
            return None;
        }
        self.requested = None;
        let last = self.loading.as_ref().map(|loading| &loading.name);
        if last.or(self.active.as_ref().map(|(name, _)| name)).is_some_and(|last| **last == *name) {
            return None;
        }
        let wanted = self.number(name, selection);
        self.requested = Some((wanted.clone(), false));
        Some(wanted)
    }

    /// The files of a wish are there. False where it no longer counts.
    pub fn fetched(&mut self, ticket: Ticket) -> bool {
        let found = self.requested.as_mut().filter(|(wanted, _)| wanted.ticket == ticket);
        found.map(|(_, ready)| *ready = true).is_some()
    }

    /// The files of a wish could not be fetched. False where it no longer counts.
    pub fn fetch_failed(&mut self, ticket: Ticket) -> bool {
        self.requested.take_if(|(wanted, _)| wanted.ticket == ticket).is_some()
    }

    /// The network to load now, if any; `busy` while a recording is without its answer.
    pub fn next_load(&mut self, busy: bool) -> Option<NetworkRequest> {
        if self.is_loading() {
            return None;
        }
        let (wanted, _) =
            self.requested.take_if(|(wanted, ready)| *ready && (wanted.selection == Selection::User || !busy))?;
        self.loading = Some(wanted.clone());
        Some(wanted)
    }

    /// The engine has, or has not, taken the network. False where another engine was started meanwhile.
    pub fn loaded(&mut self, ticket: Ticket, well: bool) -> bool {
        let Some(loading) = self.loading.take_if(|loading| loading.ticket == ticket) else { return false };
        if well {
            self.active = Some((loading.name, loading.selection));
        }
        true
    }

    fn number(&mut self, name: &str, selection: Selection) -> NetworkRequest {
        self.tickets += 1;
        NetworkRequest { name: name.into(), selection, ticket: self.tickets }
    }
}

#[cfg(test)]
pub(in crate::view) mod tests {
    use super::*;

    /// A small network, one made of another, and that other.
    pub fn catalogue() -> Catalogue {
        let json = r#"{"first": "small", "default": "head", "networks": [
            {"name": "head", "summary": "A head.", "bytes": 40000, "bases": ["base"]},
            {"name": "small", "summary": "A small one.", "bytes": 700000},
            {"name": "base", "summary": "A base.", "bytes": 3200000}]}"#;
        Catalogue::parse(json.as_bytes()).unwrap()
    }

    /// A switch with the first network in use.
    fn started() -> NetworkSwitch {
        let mut switch = NetworkSwitch::default();
        let first = switch.start("small", Selection::First);
        assert!(switch.is_loading() && switch.next_load(false).is_none());
        assert!(switch.loaded(first.ticket, true));
        switch
    }

    fn in_use(switch: &NetworkSwitch) -> Option<&str> {
        switch.active().map(|(name, _)| &**name)
    }

    fn take(switch: &mut NetworkSwitch, name: &str) -> NetworkRequest {
        let wanted = switch.request(name, Selection::User).unwrap();
        assert!(switch.fetched(wanted.ticket));
        wanted
    }

    #[test]
    fn a_network_weighs_what_it_needs() {
        let list = catalogue();
        assert_eq!(["head", "small", "none"].map(|name| list.bytes(name)), [3_240_000, 700_000, 0]);
    }

    #[test]
    fn a_list_that_does_not_hold_together_is_refused() {
        for (json, reason) in [
            ("[]", "invalid"),
            (r#"{"first": "a", "default": "a", "networks": []}"#, "'a' is not in the list"),
            (
                r#"{"first": "a", "default": "a", "networks": [{"name": "a", "summary": "", "bytes": 1, "bases": ["b"]}]}"#,
                "'b'",
            ),
        ] {
            let message = Catalogue::parse(json.as_bytes()).unwrap_err();
            assert!(message.contains(reason), "{message}");
        }
    }

    #[test]
    fn a_network_is_in_use_only_when_it_is_loaded() {
        let mut switch = started();
        let wanted = switch.request("head", Selection::User).unwrap();
        assert_eq!(switch.next_load(false), None, "its files are not there");
        assert!(switch.fetched(wanted.ticket));
        assert_eq!(switch.next_load(true), Some(wanted.clone()), "the user waits for nothing");
        assert_eq!((in_use(&switch), switch.is_loading()), (Some("small"), true));
        assert!(switch.loaded(wanted.ticket, true));
        assert_eq!((in_use(&switch), switch.pending()), (Some("head"), None));
    }

    #[test]
    fn a_refinement_waits_for_the_first_answer() {
        let mut switch = started();
        let wanted = switch.request("head", Selection::Refine).unwrap();
        assert!(switch.fetched(wanted.ticket));
        assert_eq!(switch.next_load(true), None);
        assert_eq!(switch.request("head", Selection::User), None, "chosen by the user meanwhile");
        assert_eq!(switch.next_load(true).map(|load| load.selection), Some(Selection::User));
    }

    #[test]
    fn the_last_wish_wins() {
        let mut switch = started();
        let overtaken = switch.request("head", Selection::User).unwrap();
        let last = switch.request("base", Selection::User).unwrap();
        assert!(!switch.fetched(overtaken.ticket) && !switch.fetch_failed(overtaken.ticket));
        assert!(switch.fetched(last.ticket));
        assert_eq!(switch.next_load(false), Some(last));
    }

    #[test]
    fn back_to_the_one_in_use_forgets_the_wish() {
        let mut switch = started();
        let wanted = switch.request("head", Selection::User).unwrap();
        assert_eq!(switch.request("small", Selection::User), None);
        assert!(!switch.fetched(wanted.ticket) && switch.pending().is_none());
    }

    #[test]
    fn what_is_being_loaded_is_waited_for() {
        let mut switch = started();
        let wanted = take(&mut switch, "head");
        assert_eq!(switch.next_load(false), Some(wanted.clone()));
        let back = take(&mut switch, "small");
        assert_eq!(switch.next_load(false), None, "one at a time");
        assert!(switch.loaded(wanted.ticket, true));
        assert_eq!(in_use(&switch), Some("head"), "which is what the engine has");
        assert_eq!(switch.next_load(false), Some(back));
        assert_eq!(switch.request("small", Selection::User), None);
    }

    #[test]
    fn a_failure_leaves_the_one_before() {
        let mut switch = started();
        let wanted = switch.request("head", Selection::User).unwrap();
        assert!(switch.fetch_failed(wanted.ticket) && switch.pending().is_none());
        let again = take(&mut switch, "head");
        assert_eq!(switch.next_load(false), Some(again.clone()));
        assert!(switch.loaded(again.ticket, false));
        assert_eq!((in_use(&switch), switch.is_loading()), (Some("small"), false));
    }

    #[test]
    fn the_answer_of_a_dead_engine_does_not_count() {
        let mut switch = started();
        let wanted = take(&mut switch, "head");
        assert_eq!(switch.next_load(false), Some(wanted.clone()));
        let restarted = switch.start("small", Selection::First);
        assert!(!switch.loaded(wanted.ticket, false) && switch.is_loading());
        assert!(switch.loaded(restarted.ticket, true));
        assert_eq!(in_use(&switch), Some("small"));
    }
}
