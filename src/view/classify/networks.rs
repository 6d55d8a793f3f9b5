//! The networks of the site: the catalogue, the active network, and the switch to another one.

use std::rc::Rc;

use serde::Deserialize;

use crate::card::Card;
use crate::protocol::Architecture;

/// The site's networks, as `cargo xtask post-build` lists them in `networks.json` beside the weights.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Catalogue {
    /// The network that is loaded first, because it is small.
    pub first: String,
    /// The network that the page uses by default once it is downloaded.
    pub default: String,
    /// All networks, in the order of the choice box.
    pub networks: Vec<CatalogueEntry>,
}

/// A network of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CatalogueEntry {
    /// The name, as on the card and in the names of its files.
    pub name: String,
    /// A description in one sentence.
    pub summary: String,
    /// The size of its weights file.
    pub bytes: u64,
    /// The names of its backbones, which are in the catalogue too.
    #[serde(default, alias = "bases")]
    pub backbones: Vec<String>,
    /// True for one of the user's own networks, which the site does not have.
    #[serde(default)]
    pub own: bool,
}

impl Catalogue {
    /// Reads `networks.json`.
    ///
    /// # Errors
    ///
    /// Part of a sentence, if it is malformed or names networks that are not in it.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let list: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        // A missing name would otherwise fail only when the user chooses the network.
        let backbones = list.networks.iter().flat_map(|entry| &entry.backbones);
        let missing = backbones.chain([&list.first, &list.default]).find(|name| list.entry(name).is_none()).cloned();
        missing.map_or(Ok(list), |name| Err(format!("'{name}' is not in the list")))
    }

    /// The entry of this name.
    pub(crate) fn entry(&self, name: &str) -> Option<&CatalogueEntry> {
        self.networks.iter().find(|entry| entry.name == name)
    }

    /// The download size of a network in bytes, including its backbones.
    pub(crate) fn bytes(&self, name: &str) -> u64 {
        let network = self.entry(name);
        let backbones =
            network.into_iter().flat_map(|entry| &entry.backbones).filter_map(|backbone| self.entry(backbone));
        network.into_iter().chain(backbones).map(|entry| entry.bytes).sum()
    }
}

/// The network in use.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveNetwork {
    /// What its weights are and where they come from.
    pub card: Card,
    /// The architecture, as the engine reports it.
    pub architecture: Architecture,
}

/// What tells a network from all others: one may be deleted, and another trained under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkIdentity {
    /// Its name, by which the page knows it.
    pub name: String,
    /// Of its weights. Empty on old cards, which is why the name counts too.
    sha256: String,
}

impl NetworkIdentity {
    /// The identity of the network of this card.
    pub(crate) fn of(card: &Card) -> Self {
        Self { name: card.name.clone(), sha256: card.sha256.clone() }
    }
}

/// A network whose files are being fetched, and how many bytes are there.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkDownload {
    /// The network.
    pub name: String,
    /// Who selected it.
    pub selection: Selection,
    /// Bytes downloaded so far.
    pub fetched: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Who selected a network, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The page, to have a first network quickly.
    First,
    /// The page, for a better result than the first one, which it waits for.
    Refine,
    /// The user. It is loaded at once, even during a classification.
    User,
}

/// Numbers the requests, so that the result of an outdated one can be ignored.
pub(crate) type Ticket = u32;

/// A request to use a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkRequest {
    /// The network.
    pub name: Rc<str>,
    /// Who selected it.
    pub selection: Selection,
    /// The number of the request.
    pub ticket: Ticket,
}

/// The switch from the active network to another one, on the CPU engine, which the GPU engine follows: a network is
/// requested, its files are fetched, it is loaded, and then it is active. The last request wins; until its network is
/// active the previous one stays, and a failure changes nothing.
#[derive(Debug, Default)]
pub(crate) struct NetworkSwitch {
    active: Option<(Rc<str>, Selection)>,
    /// Being fetched, or ready to be loaded if the flag is set.
    requested: Option<(NetworkRequest, bool)>,
    /// Being loaded by the engine, which cannot be cancelled.
    loading: Option<NetworkRequest>,
    tickets: Ticket,
}

impl NetworkSwitch {
    /// The active network, and who selected it.
    pub(crate) fn active(&self) -> Option<(&Rc<str>, Selection)> {
        self.active.as_ref().map(|(name, selection)| (name, *selection))
    }

    /// True while the engine loads a network: it must not be given work.
    pub(crate) fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// The request that is not yet active.
    pub(crate) fn pending(&self) -> Option<&NetworkRequest> {
        self.requested.as_ref().map(|(wanted, _)| wanted).or(self.loading.as_ref())
    }

    /// Notes that an engine is started with this network.
    pub(crate) fn start(&mut self, name: &str, selection: Selection) -> NetworkRequest {
        let wanted = self.new_request(name, selection);
        self.loading = Some(wanted.clone());
        wanted
    }

    /// Requests a network instead of any earlier request. `None` if its files need not be fetched, because it is active
    /// or already requested.
    pub(crate) fn request(&mut self, name: &str, selection: Selection) -> Option<NetworkRequest> {
        if let Some((wanted, _)) = self.requested.as_mut().filter(|(wanted, _)| *wanted.name == *name) {
            wanted.selection = selection;
            return None;
        }
        // Any other request is outdated from here on; its ticket no longer matches.
        self.requested = None;
        // A load cannot be cancelled, so the network being loaded counts as the one that will be active.
        let last = self.loading.as_ref().map(|loading| &loading.name);
        if last.or(self.active.as_ref().map(|(name, _)| name)).is_some_and(|last| **last == *name) {
            return None;
        }
        let wanted = self.new_request(name, selection);
        self.requested = Some((wanted.clone(), false));
        Some(wanted)
    }

    /// The files of a request have been fetched. False if the request is outdated.
    pub(crate) fn fetched(&mut self, ticket: Ticket) -> bool {
        let found = self.requested.as_mut().filter(|(wanted, _)| wanted.ticket == ticket);
        found.map(|(_, ready)| *ready = true).is_some()
    }

    /// The files of a request could not be fetched. False if the request is outdated.
    pub(crate) fn fetch_failed(&mut self, ticket: Ticket) -> bool {
        self.requested.take_if(|(wanted, _)| wanted.ticket == ticket).is_some()
    }

    /// The network to load now, if any; `busy` while a recording has no result yet.
    pub(crate) fn next_load(&mut self, busy: bool) -> Option<NetworkRequest> {
        // One load at a time: the engine answers them in order, but cannot cancel one.
        if self.is_loading() {
            return None;
        }
        let (wanted, _) =
            self.requested.take_if(|(wanted, ready)| *ready && (wanted.selection == Selection::User || !busy))?;
        self.loading = Some(wanted.clone());
        Some(wanted)
    }

    /// The engine has loaded the network, or failed to. False if another engine was started in the meantime.
    pub(crate) fn loaded(&mut self, ticket: Ticket, success: bool) -> bool {
        // A reply with another ticket comes from an engine that has been replaced.
        let Some(loading) = self.loading.take_if(|loading| loading.ticket == ticket) else { return false };
        if success {
            self.active = Some((loading.name, loading.selection));
        }
        true
    }

    fn new_request(&mut self, name: &str, selection: Selection) -> NetworkRequest {
        self.tickets += 1;
        NetworkRequest { name: name.into(), selection, ticket: self.tickets }
    }
}

#[cfg(test)]
pub(in crate::view) mod tests {
    use super::*;

    /// A small network, a head, and its backbone.
    pub(crate) fn catalogue() -> Catalogue {
        let json = r#"{"first": "small", "default": "head", "networks": [
            {"name": "head", "summary": "A head.", "bytes": 40000, "bases": ["base"]},
            {"name": "small", "summary": "A small one.", "bytes": 700000},
            {"name": "base", "summary": "A base.", "bytes": 3200000}]}"#;
        Catalogue::parse(json.as_bytes()).unwrap()
    }

    /// A switch with the first network active.
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
    fn a_download_includes_the_backbones() {
        let list = catalogue();
        assert_eq!(["head", "small", "none"].map(|name| list.bytes(name)), [3_240_000, 700_000, 0]);
    }

    #[test]
    fn an_inconsistent_catalogue_is_refused() {
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
    fn a_network_is_active_only_when_it_is_loaded() {
        let mut switch = started();
        let wanted = switch.request("head", Selection::User).unwrap();
        assert_eq!(switch.next_load(false), None, "its files are not fetched");
        assert!(switch.fetched(wanted.ticket));
        assert_eq!(switch.next_load(true), Some(wanted.clone()), "the user does not wait");
        assert_eq!((in_use(&switch), switch.is_loading()), (Some("small"), true));
        assert!(switch.loaded(wanted.ticket, true));
        assert_eq!((in_use(&switch), switch.pending()), (Some("head"), None));
    }

    #[test]
    fn a_refinement_waits_for_the_first_result() {
        let mut switch = started();
        let wanted = switch.request("head", Selection::Refine).unwrap();
        assert!(switch.fetched(wanted.ticket));
        assert_eq!(switch.next_load(true), None);
        assert_eq!(switch.request("head", Selection::User), None, "then chosen by the user");
        assert_eq!(switch.next_load(true).map(|load| load.selection), Some(Selection::User));
    }

    #[test]
    fn the_last_request_wins() {
        let mut switch = started();
        let overtaken = switch.request("head", Selection::User).unwrap();
        let last = switch.request("base", Selection::User).unwrap();
        assert!(!switch.fetched(overtaken.ticket) && !switch.fetch_failed(overtaken.ticket));
        assert!(switch.fetched(last.ticket));
        assert_eq!(switch.next_load(false), Some(last));
    }

    #[test]
    fn returning_to_the_active_network_drops_the_request() {
        let mut switch = started();
        let wanted = switch.request("head", Selection::User).unwrap();
        assert_eq!(switch.request("small", Selection::User), None);
        assert!(!switch.fetched(wanted.ticket) && switch.pending().is_none());
    }

    #[test]
    fn a_load_is_not_interrupted() {
        let mut switch = started();
        let wanted = take(&mut switch, "head");
        assert_eq!(switch.next_load(false), Some(wanted.clone()));
        let back = take(&mut switch, "small");
        assert_eq!(switch.next_load(false), None, "one at a time");
        assert!(switch.loaded(wanted.ticket, true));
        assert_eq!(in_use(&switch), Some("head"), "which the engine has loaded");
        assert_eq!(switch.next_load(false), Some(back));
        assert_eq!(switch.request("small", Selection::User), None);
    }

    #[test]
    fn a_failure_leaves_the_previous_network() {
        let mut switch = started();
        let wanted = switch.request("head", Selection::User).unwrap();
        assert!(switch.fetch_failed(wanted.ticket) && switch.pending().is_none());
        let again = take(&mut switch, "head");
        assert_eq!(switch.next_load(false), Some(again.clone()));
        assert!(switch.loaded(again.ticket, false));
        assert_eq!((in_use(&switch), switch.is_loading()), (Some("small"), false));
    }

    #[test]
    fn the_reply_of_a_dead_engine_is_ignored() {
        let mut switch = started();
        let wanted = take(&mut switch, "head");
        assert_eq!(switch.next_load(false), Some(wanted.clone()));
        let restarted = switch.start("small", Selection::First);
        assert!(!switch.loaded(wanted.ticket, false) && switch.is_loading());
        assert!(switch.loaded(restarted.ticket, true));
        assert_eq!(in_use(&switch), Some("small"));
    }
}
