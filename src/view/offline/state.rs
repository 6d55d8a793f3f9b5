//! Offline use: what is stored on the visitor's device, what is being downloaded, and newer versions of the page.

use std::collections::BTreeSet;

use crate::view::classify::networks::Catalogue;
use crate::view::train::stage::Stage;

/// Why something is not stored on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailableReason {
    /// The browser does not let the page store anything.
    Blocked,
    /// There is not enough free space.
    NoSpace,
    /// It could not be downloaded.
    Network,
    /// The server has another version of it, which does not match the other files.
    Changed,
    /// Its GPU engine is still being built.
    NotBuilt,
}

impl UnavailableReason {
    /// The reason with this name in the service worker's messages.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "room" => Self::NoSpace,
            "network" => Self::Network,
            "changed" => Self::Changed,
            // A service worker of another version may send a reason that this page does not know.
            _ => Self::Blocked,
        }
    }
}

/// The installation of the page itself, with both engines, for offline use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppShell {
    /// Not yet known.
    #[default]
    Unknown,
    /// The browser saves data: it is installed when the user asks for it.
    Deferred,
    /// Being downloaded.
    Installing {
        /// Bytes stored so far.
        done: u64,
        /// Bytes in all; 0 before they are known.
        total: u64,
    },
    /// All of it is stored.
    Installed {
        /// True if it was installed during this visit.
        fresh: bool,
    },
    /// Nothing of it is stored, and why.
    Unavailable(UnavailableReason),
}

/// The update of the page to a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpdateState {
    /// There is no newer version.
    #[default]
    None,
    /// It is installed and can be used.
    Available,
    /// The page was loaded before its GPU engine was built, and now all of it is built.
    Complete,
    /// The user chose to update later.
    Declined,
    /// The user chose to update; the page will reload.
    Requested,
    /// The update has to wait: another tab is training.
    Busy,
    /// Another tab has updated; this page is still the old version.
    OtherTab,
}

/// The download of a network that the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The network.
    pub name: String,
    /// Bytes downloaded so far.
    pub fetched: u64,
    /// Bytes in all.
    pub total: u64,
}

/// An event of the service worker or of the weights cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineEvent {
    /// The installation of the page has changed.
    AppShell(AppShell),
    /// The weights of these networks are stored.
    Stored(Vec<String>),
    /// A network is being downloaded.
    Downloading(Download),
    /// The download has ended, successfully or not.
    DownloadEnded,
    /// The weights of a network are not stored.
    NotStored {
        /// The network.
        name: String,
        /// Why.
        reason: UnavailableReason,
    },
    /// A stored file was damaged.
    Damaged {
        /// Its path.
        file: String,
        /// True if it was downloaded again.
        repaired: bool,
    },
    /// A file that another app shared did not reach the page.
    NotShared,
    /// The update to a newer version has changed.
    Update(UpdateState),
}

/// What the user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineRequest {
    /// To install the page for offline use.
    Enable,
    /// To download this network.
    Download(String),
    /// To switch to the newer version.
    Update,
}

/// An error to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineError {
    /// As [`OfflineEvent::NotStored`].
    NotStored(String, UnavailableReason),
    /// As [`OfflineEvent::Damaged`].
    Damaged(String, bool),
    /// As [`OfflineEvent::NotShared`].
    NotShared,
}

/// Everything about offline use that the page shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfflineState {
    /// The installation of the page itself.
    pub shell: AppShell,
    /// The networks whose weights are stored.
    pub stored: BTreeSet<String>,
    /// The network being downloaded.
    pub download: Option<Download>,
    /// The last error.
    pub error: Option<OfflineError>,
    /// The update to a newer version.
    pub update: UpdateState,
}

impl OfflineState {
    /// Takes an event.
    pub(crate) fn apply(&mut self, event: OfflineEvent) {
        match event {
            // A repeated message must not hide that it was installed during this visit.
            OfflineEvent::AppShell(AppShell::Installed { fresh: false })
                if matches!(self.shell, AppShell::Installed { .. }) => {}
            OfflineEvent::AppShell(shell) => self.shell = shell,
            OfflineEvent::Stored(names) => {
                let stored =
                    |error: &OfflineError| matches!(error, OfflineError::NotStored(name, _) if names.contains(name));
                // The error is outdated once the weights are stored.
                self.error.take_if(|error| stored(error));
                self.stored.extend(names);
            }
            OfflineEvent::Downloading(download) => self.download = Some(download),
            OfflineEvent::DownloadEnded => self.download = None,
            OfflineEvent::NotStored { name, reason } => self.error = Some(OfflineError::NotStored(name, reason)),
            OfflineEvent::Damaged { file, repaired } => self.error = Some(OfflineError::Damaged(file, repaired)),
            OfflineEvent::NotShared => self.error = Some(OfflineError::NotShared),
            // A tab with an old version has to reload, whatever other updates follow.
            OfflineEvent::Update(UpdateState::Available) if self.update == UpdateState::OtherTab => {}
            OfflineEvent::Update(update) => self.update = update,
        }
    }

    /// True if a network works offline: its weights are stored, and those of its backbones.
    pub(crate) fn is_stored(&self, list: &Catalogue, name: &str) -> bool {
        let Some(offer) = list.entry(name) else { return false };
        offer.backbones.iter().chain([&offer.name]).all(|part| self.stored.contains(part))
    }

    /// True if the page opens and classifies without a connection.
    pub(crate) fn is_ready(&self, list: Option<&Catalogue>) -> bool {
        let first = list.is_some_and(|list| self.is_stored(list, &list.first));
        first && matches!(self.shell, AppShell::Installed { .. })
    }

    /// Its name in the page's `data-offline`.
    pub(crate) fn name(&self, list: Option<&Catalogue>) -> &'static str {
        match self.shell {
            _ if self.is_ready(list) => "ready",
            AppShell::Unknown => "unknown",
            AppShell::Deferred => "deferred",
            // An installed shell still waits for the first network.
            AppShell::Installing { .. } | AppShell::Installed { .. } => "installing",
            AppShell::Unavailable(_) => "unavailable",
        }
    }

    /// True if the update is offered to the user: never during training, which it would end.
    pub(crate) fn shows_update(&self, stage: &Stage) -> bool {
        matches!(stage, Stage::Idle) && !matches!(self.update, UpdateState::None | UpdateState::Declined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::classify::networks::tests::catalogue;

    fn installed(fresh: bool) -> OfflineEvent {
        OfflineEvent::AppShell(AppShell::Installed { fresh })
    }

    fn stored(names: &[&str]) -> OfflineEvent {
        OfflineEvent::Stored(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn it_is_ready_when_the_page_and_the_first_network_are_stored() {
        let list = catalogue();
        for order in [[installed(true), stored(&["small"])], [stored(&["small"]), installed(true)]] {
            let mut offline = OfflineState::default();
            for event in order {
                assert!(!offline.is_ready(Some(&list)));
                offline.apply(event);
            }
            assert!(offline.is_ready(Some(&list)));
            assert!(!offline.is_ready(None), "unknown before the catalogue is loaded");
            assert_eq!(offline.name(Some(&list)), "ready");
        }
    }

    #[test]
    fn a_head_is_stored_with_its_backbones() {
        let (list, mut offline) = (catalogue(), OfflineState::default());
        offline.apply(stored(&["head"]));
        assert!(!offline.is_stored(&list, "head"));
        offline.apply(stored(&["base"]));
        assert!(
            offline.is_stored(&list, "head") && offline.is_stored(&list, "base") && !offline.is_stored(&list, "none")
        );
    }

    #[test]
    fn an_error_ends_when_the_network_is_stored() {
        let mut offline = OfflineState::default();
        let not_stored =
            |name: &str| OfflineEvent::NotStored { name: name.to_owned(), reason: UnavailableReason::NoSpace };
        offline.apply(not_stored("small"));
        offline.apply(stored(&["head"]));
        assert_eq!(offline.error, Some(OfflineError::NotStored("small".to_owned(), UnavailableReason::NoSpace)));
        offline.apply(stored(&["small"]));
        assert_eq!(offline.error, None);
    }

    #[test]
    fn a_repeated_message_changes_nothing() {
        let mut offline = OfflineState::default();
        offline.apply(installed(true));
        offline.apply(installed(false));
        assert_eq!(offline.shell, AppShell::Installed { fresh: true });
        offline.apply(OfflineEvent::AppShell(AppShell::Unavailable(UnavailableReason::of("network"))));
        assert_eq!(offline.name(None), "unavailable");
    }

    #[test]
    fn an_update_is_not_offered_during_training() {
        let mut offline = OfflineState::default();
        assert!(!offline.shows_update(&Stage::Idle));
        offline.apply(OfflineEvent::Update(UpdateState::Available));
        assert!(offline.shows_update(&Stage::Idle));
        assert!(!offline.shows_update(&Stage::Embedding { done: 1, total: 2 }));
        offline.apply(OfflineEvent::Update(UpdateState::Declined));
        assert!(!offline.shows_update(&Stage::Idle));
        offline.apply(OfflineEvent::Update(UpdateState::OtherTab));
        offline.apply(OfflineEvent::Update(UpdateState::Available));
        assert_eq!(offline.update, UpdateState::OtherTab, "this page stays the old version");
    }

    #[test]
    fn reasons_have_names() {
        let all = ["room", "network", "changed", "?"].map(UnavailableReason::of);
        assert_eq!(
            all,
            [
                UnavailableReason::NoSpace,
                UnavailableReason::Network,
                UnavailableReason::Changed,
                UnavailableReason::Blocked
            ]
        );
    }
}
