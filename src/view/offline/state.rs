//! Working without a connection: what is kept on the visitor's device, what is on its way there, and newer versions of
//! the page.

use std::collections::BTreeSet;

use crate::view::classify::networks::Catalogue;
use crate::view::train::stage::Stage;

/// Why something is not kept on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The browser lets the page keep nothing.
    Blocked,
    /// There is no room for it.
    Room,
    /// It could not be fetched.
    Network,
    /// The server has another version of it than the one that belongs to the rest.
    Changed,
}

impl Absence {
    /// By its name in the service worker's messages.
    pub fn of(name: &str) -> Self {
        match name {
            "room" => Self::Room,
            "network" => Self::Network,
            "changed" => Self::Changed,
            _ => Self::Blocked,
        }
    }
}

/// How far the page itself, with both engines, is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shell {
    /// Not yet known.
    #[default]
    Unknown,
    /// The browser saves data: it is kept when the user asks for it.
    Waits,
    /// On its way.
    Coming {
        /// Bytes that are kept.
        done: u64,
        /// All of them; 0 before they are known.
        total: u64,
    },
    /// All of it.
    There {
        /// True where that was not so before this visit.
        fresh: bool,
    },
    /// Nothing of it.
    Absent(Absence),
}

/// How far a newer version of the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renewal {
    /// There is none.
    #[default]
    None,
    /// It may take over.
    Offered,
    /// The user wants the old one for now.
    Declined,
    /// It is asked to take over.
    Asked,
    /// It was asked, and another tab holds a lesson.
    Busy,
    /// It has taken over for another tab; this page is of the old one.
    Elsewhere,
}

/// A network on its way to be kept, because the user asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
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
    Shell(Shell),
    /// These weights are kept.
    Kept(Vec<String>),
    /// A network is on its way.
    Coming(Coming),
    /// The network that was on its way is there, or is not to be had.
    Arrived,
    /// Weights are not kept.
    NotKept {
        /// Their network.
        name: String,
        /// Why.
        why: Absence,
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
    Renewal(Renewal),
}

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineRequest {
    /// To have the page work without a connection.
    Begin,
    /// To have this network too.
    Keep(String),
    /// To have the newer version.
    Renew,
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// As [`OfflineEvent::NotKept`].
    NotKept(String, Absence),
    /// As [`OfflineEvent::Damaged`].
    Damaged(String, bool),
    /// As [`OfflineEvent::NotShared`].
    NotShared,
}

/// Everything that is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offline {
    /// The page itself.
    pub shell: Shell,
    /// The networks whose weights are kept.
    pub kept: BTreeSet<String>,
    /// One on its way.
    pub coming: Option<Coming>,
    /// What went wrong last.
    pub trouble: Option<Trouble>,
    /// A newer version.
    pub renewal: Renewal,
}

impl Offline {
    /// Something became known.
    pub fn apply(&mut self, news: OfflineEvent) {
        match news {
            // Told again, it is no fresh news.
            OfflineEvent::Shell(Shell::There { fresh: false }) if matches!(self.shell, Shell::There { .. }) => {}
            OfflineEvent::Shell(shell) => self.shell = shell,
            OfflineEvent::Kept(names) => {
                let kept = |trouble: &Trouble| matches!(trouble, Trouble::NotKept(name, _) if names.contains(name));
                self.trouble.take_if(|trouble| kept(trouble));
                self.kept.extend(names);
            }
            OfflineEvent::Coming(coming) => self.coming = Some(coming),
            OfflineEvent::Arrived => self.coming = None,
            OfflineEvent::NotKept { name, why } => self.trouble = Some(Trouble::NotKept(name, why)),
            OfflineEvent::Damaged { file, repaired } => self.trouble = Some(Trouble::Damaged(file, repaired)),
            OfflineEvent::NotShared => self.trouble = Some(Trouble::NotShared),
            OfflineEvent::Renewal(Renewal::Offered) if self.renewal == Renewal::Elsewhere => {}
            OfflineEvent::Renewal(renewal) => self.renewal = renewal,
        }
    }

    /// True where a network answers without a connection: its weights are kept, and those of what it listens through.
    pub fn has(&self, list: &Catalogue, name: &str) -> bool {
        let Some(offer) = list.offer(name) else { return false };
        offer.backbones.iter().chain([&offer.name]).all(|part| self.kept.contains(part))
    }

    /// True where the page opens and answers without a connection.
    pub fn is_ready(&self, list: Option<&Catalogue>) -> bool {
        let first = list.is_some_and(|list| self.has(list, &list.first));
        first && matches!(self.shell, Shell::There { .. })
    }

    /// Its name in the page's `data-offline`.
    pub fn name(&self, list: Option<&Catalogue>) -> &'static str {
        match self.shell {
            _ if self.is_ready(list) => "ready",
            Shell::Unknown => "unknown",
            Shell::Waits => "waits",
            Shell::Coming { .. } | Shell::There { .. } => "coming",
            Shell::Absent(_) => "absent",
        }
    }

    /// True where the newer version is shown to the user: never while a lesson is held, which it would end.
    pub fn shows_renewal(&self, stage: &Stage) -> bool {
        matches!(stage, Stage::Idle) && !matches!(self.renewal, Renewal::None | Renewal::Declined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::classify::networks::tests::catalogue;

    fn there(fresh: bool) -> OfflineEvent {
        OfflineEvent::Shell(Shell::There { fresh })
    }

    fn kept(names: &[&str]) -> OfflineEvent {
        OfflineEvent::Kept(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn it_is_ready_when_the_page_and_the_first_network_are_kept() {
        let list = catalogue();
        for order in [[there(true), kept(&["small"])], [kept(&["small"]), there(true)]] {
            let mut offline = Offline::default();
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
        let (list, mut offline) = (catalogue(), Offline::default());
        offline.apply(kept(&["head"]));
        assert!(!offline.has(&list, "head"));
        offline.apply(kept(&["base"]));
        assert!(offline.has(&list, "head") && offline.has(&list, "base") && !offline.has(&list, "none"));
    }

    #[test]
    fn what_was_kept_in_the_end_is_no_trouble() {
        let mut offline = Offline::default();
        let not = |name: &str| OfflineEvent::NotKept { name: name.to_owned(), why: Absence::Room };
        offline.apply(not("small"));
        offline.apply(kept(&["head"]));
        assert_eq!(offline.trouble, Some(Trouble::NotKept("small".to_owned(), Absence::Room)));
        offline.apply(kept(&["small"]));
        assert_eq!(offline.trouble, None);
    }

    #[test]
    fn a_page_that_has_become_ready_stays_so_when_it_is_told_again() {
        let mut offline = Offline::default();
        offline.apply(there(true));
        offline.apply(there(false));
        assert_eq!(offline.shell, Shell::There { fresh: true });
        offline.apply(OfflineEvent::Shell(Shell::Absent(Absence::of("network"))));
        assert_eq!(offline.name(None), "absent");
    }

    #[test]
    fn a_newer_version_is_not_offered_during_a_lesson() {
        let mut offline = Offline::default();
        assert!(!offline.shows_renewal(&Stage::Idle));
        offline.apply(OfflineEvent::Renewal(Renewal::Offered));
        assert!(offline.shows_renewal(&Stage::Idle));
        assert!(!offline.shows_renewal(&Stage::Embedding { done: 1, total: 2 }));
        offline.apply(OfflineEvent::Renewal(Renewal::Declined));
        assert!(!offline.shows_renewal(&Stage::Idle));
        offline.apply(OfflineEvent::Renewal(Renewal::Elsewhere));
        offline.apply(OfflineEvent::Renewal(Renewal::Offered));
        assert_eq!(offline.renewal, Renewal::Elsewhere, "this page is the old one, whatever comes next");
    }

    #[test]
    fn reasons_have_names() {
        let all = ["room", "network", "changed", "?"].map(Absence::of);
        assert_eq!(all, [Absence::Room, Absence::Network, Absence::Changed, Absence::Blocked]);
    }
}
