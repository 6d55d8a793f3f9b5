//! The sentences about working without a connection.

use crate::view::classify::networks::Catalogue;
use crate::view::format::size;
use crate::view::offline::state::{AppShell, Download, OfflineError, OfflineState, UnavailableReason, UpdateState};

/// Said once, when it is true.
pub const READY: &str = "Ready to work offline: from now on this page opens and answers without a connection.";

/// How it stands; nothing before it is known.
pub fn standing(offline: &OfflineState, list: Option<&Catalogue>) -> Option<String> {
    let text = match offline.shell {
        _ if offline.is_ready(list) => "This page works without a connection.".to_owned(),
        AppShell::Unknown => return None,
        AppShell::Deferred => {
            "Your browser saves data, so nothing more was fetched. The page can be made to work without a connection."
                .to_owned()
        }
        AppShell::Installing { done, total } if total > 0 => {
            format!("Being made ready to work offline: {} of {}…", size(done), size(total))
        }
        AppShell::Installing { .. } => "Being made ready to work offline…".to_owned(),
        AppShell::Installed { .. } => {
            "The page is kept on this device; the network that answers first is not.".to_owned()
        }
        AppShell::Unavailable(why) => format!("This page needs a connection every time: {}.", because(why)),
    };
    Some(text)
}

fn because(why: UnavailableReason) -> &'static str {
    match why {
        UnavailableReason::Blocked => "the browser lets it keep nothing here (a private window, or blocked site data)",
        UnavailableReason::NoSpace => "there is no room left for it on this device; free some and try again",
        UnavailableReason::Network => "a part of it could not be fetched; try again with a better connection",
        UnavailableReason::Changed => "the site is just being renewed; load the page again in a minute",
    }
}

/// True where trying again may help.
pub fn can_begin(offline: &OfflineState) -> bool {
    matches!(
        offline.shell,
        AppShell::Deferred
            | AppShell::Unavailable(
                UnavailableReason::NoSpace | UnavailableReason::Network | UnavailableReason::Changed
            )
    )
}

/// The button that begins it.
pub fn begin(offline: &OfflineState) -> &'static str {
    if offline.shell == AppShell::Deferred { "Make it work offline" } else { "Try again" }
}

/// What went wrong.
pub fn error(error: &OfflineError) -> String {
    match error {
        OfflineError::NotStored(name, UnavailableReason::NoSpace) => {
            format!(
                "{name} is not kept: there is no room left for it on this device. It works while you are connected."
            )
        }
        OfflineError::NotStored(name, UnavailableReason::Network | UnavailableReason::Changed) => {
            format!("{name} could not be fetched whole. Check the connection and try again.")
        }
        OfflineError::NotStored(name, UnavailableReason::Blocked) => {
            format!(
                "{name} is not kept: the browser lets this page keep nothing here. It works while you are connected."
            )
        }
        OfflineError::Damaged(file, true) => {
            format!("A kept part of this page ({file}) was damaged. It was fetched anew.")
        }
        OfflineError::Damaged(file, false) => format!(
            "A kept part of this page ({file}) is damaged and could not be fetched anew. Connect to the internet and load \
             the page again."
        ),
        OfflineError::NotShared => {
            "What you shared with this page did not arrive. Choose the file here, or drop it.".to_owned()
        }
    }
}

/// A newer version.
pub fn update(update: UpdateState) -> &'static str {
    match update {
        UpdateState::None | UpdateState::Declined => "",
        UpdateState::Available => "A new version of GenreLens is ready. This page loads again with it.",
        UpdateState::Requested => "Changing to the new version…",
        UpdateState::Busy => "Another tab is teaching a network. Try again once it has finished.",
        UpdateState::OtherTab => {
            "Another tab has changed to a new version. Load this page again when you are done here."
        }
    }
}

/// The button that takes it.
pub fn update_button(update: UpdateState) -> &'static str {
    if update == UpdateState::OtherTab { "Load again" } else { "Use the new version" }
}

/// A network in the list: its name, and how it stands.
pub fn network(list: &Catalogue, offline: &OfflineState, name: &str) -> String {
    match &offline.download {
        _ if offline.is_stored(list, name) => format!("{name} · kept on this device"),
        Some(Download { name: coming, fetched, total }) if coming == name => {
            format!("{name} · {} of {}…", size(*fetched), size(*total))
        }
        _ => format!("{name} · {} to fetch", size(list.bytes(name))),
    }
}

/// The button that keeps a network.
pub fn keep(name: &str) -> String {
    format!("Keep {name}")
}

/// Weights that arrived as others than those of their card, twice.
pub fn damaged(name: &str) -> String {
    format!(
        "the weights of {name} arrived damaged or cut short, twice: their SHA-256 is not that of the card; check the \
         connection and try again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::classify::networks::tests::catalogue;
    use crate::view::offline::state::OfflineEvent;

    fn plain(text: String) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn it_is_said_how_it_stands() {
        let list = catalogue();
        let mut offline = OfflineState::default();
        let mut said = |shell| {
            offline.apply(OfflineEvent::AppShell(shell));
            standing(&offline, Some(&list)).map(plain)
        };
        assert_eq!(said(AppShell::Unknown), None);
        let coming = said(AppShell::Installing { done: 1_200_000, total: 26_000_000 });
        assert_eq!(coming.as_deref(), Some("Being made ready to work offline: 1.2 MB of 26.0 MB…"));
        assert!(
            said(AppShell::Unavailable(UnavailableReason::NoSpace)).is_some_and(|text| text.contains("no room left"))
        );
        assert!(said(AppShell::Installed { fresh: true }).is_some_and(|text| text.contains("first is not")));
        offline.apply(OfflineEvent::Stored(vec!["small".to_owned()]));
        assert_eq!(standing(&offline, Some(&list)).as_deref(), Some("This page works without a connection."));
    }

    #[test]
    fn what_can_be_tried_again_has_a_button() {
        let with = |shell| OfflineState { shell, ..OfflineState::default() };
        assert!(
            can_begin(&with(AppShell::Deferred)) && can_begin(&with(AppShell::Unavailable(UnavailableReason::Network)))
        );
        assert!(
            !can_begin(&with(AppShell::Unavailable(UnavailableReason::Blocked)))
                && !can_begin(&with(AppShell::Unknown))
        );
    }

    #[test]
    fn networks_say_what_they_take() {
        let (list, mut offline) = (catalogue(), OfflineState::default());
        assert_eq!(plain(network(&list, &offline, "head")), "head · 3.2 MB to fetch");
        offline.apply(OfflineEvent::Downloading(Download {
            name: "head".to_owned(),
            fetched: 40_000,
            total: 3_240_000,
        }));
        assert_eq!(plain(network(&list, &offline, "head")), "head · 40 KB of 3.2 MB…");
        offline.apply(OfflineEvent::Stored(vec!["head".to_owned(), "base".to_owned()]));
        offline.apply(OfflineEvent::DownloadEnded);
        assert_eq!(network(&list, &offline, "head"), "head · kept on this device");
    }

    #[test]
    fn every_trouble_is_a_sentence() {
        for why in [UnavailableReason::NoSpace, UnavailableReason::Blocked] {
            assert!(error(&OfflineError::NotStored("a".to_owned(), why)).ends_with('.'));
        }
        for repaired in [true, false] {
            assert!(error(&OfflineError::Damaged("a.js".to_owned(), repaired)).contains("(a.js)"));
        }
        for all in [UpdateState::Available, UpdateState::Busy, UpdateState::OtherTab] {
            assert!(update(all).ends_with('.') && !update_button(all).is_empty());
        }
    }
}
