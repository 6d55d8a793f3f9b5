//! Sentences about working offline.

use crate::view::classify::networks::Catalogue;
use crate::view::format::size;
use crate::view::offline::state::{AppShell, Download, OfflineError, OfflineState, UnavailableReason, UpdateState};

/// Announced once, when the page has become ready to work offline.
pub(crate) const READY: &str = "Ready to work offline: from now on this page works without a connection.";

/// Whether the page works offline; `None` while that is unknown.
pub(crate) fn status(offline: &OfflineState, list: Option<&Catalogue>) -> Option<String> {
    let text = match offline.shell {
        // Before the shell: the status needs both the page and the first network.
        _ if offline.is_ready(list) => "This page works without a connection.".to_owned(),
        AppShell::Unknown => return None,
        AppShell::Deferred => {
            "Your browser is set to save data, so nothing more was downloaded. You can make this page work offline."
                .to_owned()
        }
        // The total is 0 before the service worker has reported it.
        AppShell::Installing { done, total } if total > 0 => {
            format!("Preparing to work offline: {} of {}…", size(done), size(total))
        }
        AppShell::Installing { .. } => "Preparing to work offline…".to_owned(),
        AppShell::Installed { .. } => {
            "The page is stored on this device, but the network that loads first is not.".to_owned()
        }
        AppShell::Unavailable(reason) => format!("This page does not work offline: {}.", because(reason)),
    };
    Some(text)
}

fn because(reason: UnavailableReason) -> &'static str {
    match reason {
        UnavailableReason::Blocked => {
            "the browser does not let it store anything (a private window, or blocked site data)"
        }
        UnavailableReason::NoSpace => "there is not enough free space on this device; free some and try again",
        UnavailableReason::Network => "a part of it could not be downloaded; check the connection and try again",
        UnavailableReason::Changed => "the site is being updated; reload the page in a minute",
        UnavailableReason::NotBuilt => "its GPU engine is still being built",
    }
}

/// True if another attempt may help.
pub(crate) fn can_enable(offline: &OfflineState) -> bool {
    matches!(
        offline.shell,
        AppShell::Deferred
            | AppShell::Unavailable(
                UnavailableReason::NoSpace | UnavailableReason::Network | UnavailableReason::Changed
            )
    )
}

/// The text of the button that makes the page work offline.
pub(crate) fn enable_button(offline: &OfflineState) -> &'static str {
    if offline.shell == AppShell::Deferred { "Make it work offline" } else { "Try again" }
}

/// The last error.
pub(crate) fn error(error: &OfflineError) -> String {
    match error {
        OfflineError::NotStored(name, UnavailableReason::NoSpace) => {
            format!(
                "{name} is not stored: there is not enough free space on this device. It works while you are online."
            )
        }
        OfflineError::NotStored(name, UnavailableReason::Network) => {
            format!("{name} could not be downloaded completely. Check the connection and try again.")
        }
        OfflineError::NotStored(name, UnavailableReason::Changed) => {
            format!("{name} is not stored: {}.", newer_version(name))
        }
        OfflineError::NotStored(name, UnavailableReason::Blocked | UnavailableReason::NotBuilt) => {
            format!(
                "{name} is not stored: the browser does not let this page store anything. It works while you are online."
            )
        }
        OfflineError::Damaged(file, true) => {
            format!("A stored part of this page ({file}) was damaged and has been downloaded again.")
        }
        OfflineError::Damaged(file, false) => format!(
            "A stored part of this page ({file}) is damaged and could not be downloaded again. Connect to the internet and \
             reload the page."
        ),
        OfflineError::NotShared => {
            "The shared file did not reach this page. Choose the file here, or drop it.".to_owned()
        }
    }
}

/// The line about a newer version.
pub(crate) fn update(update: UpdateState) -> &'static str {
    match update {
        UpdateState::None | UpdateState::Declined => "",
        UpdateState::Available => "A new version of GenreLens is ready. The page reloads to use it.",
        UpdateState::Complete => "The GPU engine is built. Reload this page to use it and to work offline.",
        UpdateState::Requested => "Updating…",
        UpdateState::Busy => {
            "Another tab is training a network or changing its dataset. Try again when it has finished."
        }
        UpdateState::OtherTab => "Another tab has updated GenreLens. Reload this page when you are done here.",
    }
}

/// The text of the button that switches to it.
pub(crate) fn update_button(update: UpdateState) -> &'static str {
    match update {
        UpdateState::Complete | UpdateState::OtherTab => "Reload",
        _ => "Use the new version",
    }
}

/// A network in the list: its name, and whether it is stored.
pub(crate) fn network(list: &Catalogue, offline: &OfflineState, name: &str) -> String {
    match &offline.download {
        // A stored network needs no progress, even if it is downloaded again.
        _ if offline.is_stored(list, name) => format!("{name} · stored on this device"),
        Some(Download { name: current, fetched, total }) if current == name => {
            format!("{name} · {} of {}…", size(*fetched), size(*total))
        }
        _ => format!("{name} · {} to download", size(list.bytes(name))),
    }
}

/// The text of the button that downloads a network.
pub(crate) fn download_button(name: &str) -> String {
    format!("Download {name}")
}

/// The server has no longer what this version of the page needs; part of a sentence.
pub(crate) fn newer_version(name: &str) -> String {
    format!(
        "this site has a newer version of GenreLens by now, with other weights of {name}; use the new version, which is \
         offered at the top of the page"
    )
}

/// Two downloads in a row had another SHA-256 than the card; part of a sentence.
pub fn damaged(name: &str) -> String {
    format!(
        "the weights of {name} were damaged or incomplete in two downloads: their SHA-256 is not that of the card; check \
         the connection and try again"
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
    fn every_shell_has_a_status() {
        let list = catalogue();
        let mut offline = OfflineState::default();
        let mut text = |shell| {
            offline.apply(OfflineEvent::AppShell(shell));
            status(&offline, Some(&list)).map(plain)
        };
        assert_eq!(text(AppShell::Unknown), None);
        let installing = text(AppShell::Installing { done: 1_200_000, total: 26_000_000 });
        assert_eq!(installing.as_deref(), Some("Preparing to work offline: 1.2 MB of 26.0 MB…"));
        assert!(
            text(AppShell::Unavailable(UnavailableReason::NoSpace))
                .is_some_and(|text| text.contains("not enough free space"))
        );
        assert!(text(AppShell::Installed { fresh: true }).is_some_and(|text| text.contains("first is not")));
        offline.apply(OfflineEvent::Stored(vec!["small".to_owned()]));
        assert_eq!(status(&offline, Some(&list)).as_deref(), Some("This page works without a connection."));
    }

    #[test]
    fn what_can_be_retried_has_a_button() {
        let with = |shell| OfflineState { shell, ..OfflineState::default() };
        // Nothing but the end of the build helps.
        assert!(!can_enable(&with(AppShell::Unavailable(UnavailableReason::NotBuilt))));
        assert!(
            can_enable(&with(AppShell::Deferred))
                && can_enable(&with(AppShell::Unavailable(UnavailableReason::Network)))
        );
        assert!(
            !can_enable(&with(AppShell::Unavailable(UnavailableReason::Blocked)))
                && !can_enable(&with(AppShell::Unknown))
        );
    }

    #[test]
    fn networks_show_their_size_or_that_they_are_stored() {
        let (list, mut offline) = (catalogue(), OfflineState::default());
        assert_eq!(plain(network(&list, &offline, "head")), "head · 3.2 MB to download");
        offline.apply(OfflineEvent::Downloading(Download {
            name: "head".to_owned(),
            fetched: 40_000,
            total: 3_240_000,
        }));
        assert_eq!(plain(network(&list, &offline, "head")), "head · 40 KB of 3.2 MB…");
        offline.apply(OfflineEvent::Stored(vec!["head".to_owned(), "base".to_owned()]));
        offline.apply(OfflineEvent::DownloadEnded);
        assert_eq!(network(&list, &offline, "head"), "head · stored on this device");
    }

    #[test]
    fn every_error_is_a_sentence() {
        for reason in ["room", "network", "changed", "blocked"].map(UnavailableReason::of) {
            assert!(error(&OfflineError::NotStored("a".to_owned(), reason)).ends_with('.'));
        }
        for repaired in [true, false] {
            assert!(error(&OfflineError::Damaged("a.js".to_owned(), repaired)).contains("(a.js)"));
        }
        for all in [UpdateState::Available, UpdateState::Complete, UpdateState::Busy, UpdateState::OtherTab] {
            assert!(update(all).ends_with('.') && !update_button(all).is_empty());
        }
    }
}
