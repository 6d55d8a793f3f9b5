//! Working without a connection: what is kept on the visitor's device, what is on its way there, and newer versions of
//! the page.

use std::collections::BTreeSet;

use crate::view::classify::networks::Catalogue;
use crate::view::train::state::Stage;

/// Why something is not kept on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailableReason {
    /// The browser lets the page keep nothing.
    Blocked,
    /// There is no room for it.
    NoSpace,
    /// It could not be fetched.
    Network,
    /// The server has another version of it than the one that belongs to the rest.
    Changed,
}

impl UnavailableReason {
    /// By its name in the service worker's messages.
    pub fn of(name: &str) -> Self {
        match name {
            "room" => Self::NoSpace,
            "network" => Self::Network,
            "changed" => Self::Changed,
            _ => Self::Blocked,
        }
    }
}

/// How far the page itself, with both engines, is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppShell {
    /// Not yet known.
    #[default]
    Unknown,
    /// The browser saves data: it is installed when the user asks for it.
    Deferred,
    /// Being downloaded.
    Installing {
        /// Bytes that are kept.
        done: u64,
        /// All of them; 0 before they are known.
        total: u64,
    },
    /// All of it is stored.
    Installed {
        /// True where that was not so before this visit.
        fresh: bool,
    },
    /// Nothing of it is stored, and why.
    Unavailable(UnavailableReason),
}

/// How far a newer version of the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpdateState {
    /// There is none.
    #[default]
    None,
    /// It may take over.
    Available,
    /// The user wants the old one for now.
    Declined,
    /// It is asked to take over.
    Requested,
    /// It was asked, and another tab holds a lesson.
    Busy,
    /// It has taken over for another tab; this page is of the old one.
    OtherTab,
}

/// A network on its way to be kept, because the user asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Its name.
    pub name: String,
    /// Bytes that are there.
    pub fetched: u64,
    /// All of them.
    pub total: u64,
}

/// What the service worker and the page's own store tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineEvent {
    /// Something about the page itself.
    AppShell(AppShell),
    /// These weights are kept.
    Stored(Vec<String>),
    /// A network is on its way.
    Downloading(Download),
    /// The network that was on its way is there, or is not to be had.
    DownloadEnded,
    /// Weights are not kept.
    NotStored {
        /// Their network.
        name: String,
        /// Why.
        reason: UnavailableReason,
    },
    /// A kept file was damaged.
    Damaged {
        /// Its path.
        file: String,
        /// True where it was fetched anew.
        repaired: bool,
    },
    /// What another program shared did not arrive.
    NotShared,
    /// Something about a newer version.
    Update(UpdateState),
}

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineRequest {
    /// To have the page work without a connection.
    Enable,
    /// To have this network too.
    Download(String),
    /// To have the newer version.
    Update,
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineError {
    /// As [`OfflineEvent::NotStored`].
    NotStored(String, UnavailableReason),
    /// As [`OfflineEvent::Damaged`].
    Damaged(String, bool),
    /// As [`OfflineEvent::NotShared`].
    NotShared,
}

/// Everything that is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfflineState {
    /// The page itself.
    pub shell: AppShell,
    /// The networks whose weights are kept.
    pub stored: BTreeSet<String>,
    /// One on its way.
    pub download: Option<Download>,
    /// What went wrong last.
    pub error: Option<OfflineError>,
    /// A newer version.
    pub update: UpdateState,
}

impl OfflineState {
    /// Something became known.
    pub fn apply(&mut self, news: OfflineEvent) {
        match news {
            // Told again, it is no fresh news.
            OfflineEvent::AppShell(AppShell::Installed { fresh: false })
                if matches!(self.shell, AppShell::Installed { .. }) => {}
            OfflineEvent::AppShell(shell) => self.shell = shell,
            OfflineEvent::Stored(names) => {
                let kept = |trouble: &OfflineError| matches!(trouble, OfflineError::NotStored(name, _) if names.contains(name));
                self.error.take_if(|trouble| kept(trouble));
                self.stored.extend(names);
            }
            OfflineEvent::Downloading(download) => self.download = Some(download),
            OfflineEvent::DownloadEnded => self.download = None,
            OfflineEvent::NotStored { name, reason } => self.error = Some(OfflineError::NotStored(name, reason)),
            OfflineEvent::Damaged { file, repaired } => self.error = Some(OfflineError::Damaged(file, repaired)),
            OfflineEvent::NotShared => self.error = Some(OfflineError::NotShared),
            OfflineEvent::Update(UpdateState::Available) if self.update == UpdateState::OtherTab => {}
            OfflineEvent::Update(update) => self.update = update,
        }
    }

    /// True where a network answers without a connection: its weights are kept, and those of what it listens through.
    pub fn is_stored(&self, list: &Catalogue, name: &str) -> bool {
        let Some(offer) = list.entry(name) else { return false };
        offer.backbones.iter().chain([&offer.name]).all(|part| self.stored.contains(part))
    }

    /// True where the page opens and answers without a connection.
    pub fn is_ready(&self, list: Option<&Catalogue>) -> bool {
        let first = list.is_some_and(|list| self.is_stored(list, &list.first));
        first && matches!(self.shell, AppShell::Installed { .. })
    }

    /// Its name in the page's `data-offline`.
    pub fn name(&self, list: Option<&Catalogue>) -> &'static str {
        match self.shell {
            _ if self.is_ready(list) => "ready",
            AppShell::Unknown => "unknown",
            AppShell::Deferred => "deferred",
            AppShell::Installing { .. } | AppShell::Installed { .. } => "installing",
            AppShell::Unavailable(_) => "unavailable",
        }
    }

    /// True where the newer version is shown to the user: never while a lesson is held, which it would end.
    pub fn shows_update(&self, stage: &Stage) -> bool {
        matches!(stage, Stage::Idle) && !matches!(self.update, UpdateState::None | UpdateState::Declined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::classify::networks::tests::catalogue;

    fn there(fresh: bool) -> OfflineEvent {
        OfflineEvent::AppShell(AppShell::Installed { fresh })
    }

    fn kept(names: &[&str]) -> OfflineEvent {
        OfflineEvent::Stored(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn it_is_ready_when_the_page_and_the_first_network_are_kept() {
        let list = catalogue();
        for order in [[there(true), kept(&["small"])], [kept(&["small"]), there(true)]] {
            let mut offline = OfflineState::default();
            for news in order {
                assert!(!offline.is_ready(Some(&list)));
                offline.apply(news);
            }
            assert!(offline.is_ready(Some(&list)));
            assert!(!offline.is_ready(None), "before the list is there, nothing is known");
            assert_eq!(offline.name(Some(&list)), "ready");
        }
    }

    #[test]
    fn a_head_is_there_with_all_that_it_listens_through() {
        let (list, mut offline) = (catalogue(), OfflineState::default());
        offline.apply(kept(&["head"]));
        assert!(!offline.is_stored(&list, "head"));
        offline.apply(kept(&["base"]));
        assert!(
            offline.is_stored(&list, "head") && offline.is_stored(&list, "base") && !offline.is_stored(&list, "none")
        );
    }

    #[test]
    fn what_was_kept_in_the_end_is_no_trouble() {
        let mut offline = OfflineState::default();
        let not = |name: &str| OfflineEvent::NotStored { name: name.to_owned(), reason: UnavailableReason::NoSpace };
        offline.apply(not("small"));
        offline.apply(kept(&["head"]));
        assert_eq!(offline.error, Some(OfflineError::NotStored("small".to_owned(), UnavailableReason::NoSpace)));
        offline.apply(kept(&["small"]));
        assert_eq!(offline.error, None);
    }

    #[test]
    fn a_page_that_has_become_ready_stays_so_when_it_is_told_again() {
        let mut offline = OfflineState::default();
        offline.apply(there(true));
        offline.apply(there(false));
        assert_eq!(offline.shell, AppShell::Installed { fresh: true });
        offline.apply(OfflineEvent::AppShell(AppShell::Unavailable(UnavailableReason::of("network"))));
        assert_eq!(offline.name(None), "unavailable");
    }

    #[test]
    fn a_newer_version_is_not_offered_during_a_lesson() {
        let mut offline = OfflineState::default();
        assert!(!offline.shows_update(&Stage::Idle));
        offline.apply(OfflineEvent::Update(UpdateState::Available));
        assert!(offline.shows_update(&Stage::Idle));
        assert!(!offline.shows_update(&Stage::Embedding { done: 1, total: 2 }));
        offline.apply(OfflineEvent::Update(UpdateState::Declined));
        assert!(!offline.shows_update(&Stage::Idle));
        offline.apply(OfflineEvent::Update(UpdateState::OtherTab));
        offline.apply(OfflineEvent::Update(UpdateState::Available));
        assert_eq!(offline.update, UpdateState::OtherTab, "this page is the old one, whatever comes next");
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
