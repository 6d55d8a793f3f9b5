//! The sentences about what is kept on the device: how much, what stands in the way, what comes and goes.

use crate::card::Backbone;
use crate::view::classify::networks::CatalogueEntry;
use crate::view::format::count;
use crate::view::format::{NBSP, sentence};
use crate::view::format::{list, size};
use crate::view::storage::state::{SavedRun, StorageContents, StorageError, Usage};

/// Shown while what was kept is being fetched, if that takes long.
pub const FETCHING: &str = "Fetching what is kept on this device…";
/// Everything was forgotten.
pub const ALL_FORGOTTEN: &str = "Everything is forgotten.";
/// A network's file cannot be had any more.
pub const NETWORK_GONE: &str = "This network was forgotten, so there is no file of it to save.";
/// The clips of an interrupted lesson are not all there.
pub const CLIPS_GONE: &str = "Some of the clips of this lesson are gone from this device, so it cannot go on. Drop it, and \
                              start another.";
/// The checkpoint of an interrupted lesson cannot be read.
pub const CHECKPOINT_GONE: &str =
    "What this lesson had learned so far cannot be read any more. Drop it, and start another.";

/// Why something is not kept, and what to do.
pub fn error(error: &StorageError) -> String {
    match error {
        StorageError::Unavailable(reason) => format!(
            "Your browser keeps nothing for this page ({}). Everything works, but clips, networks and lessons are gone when \
             the page is closed: save networks as files. A private window, or a setting on cookies and site data, may be \
             the cause.",
            reason.trim_end_matches('.')
        ),
        StorageError::Elsewhere => "This page is open in another tab, which keeps what you collect and teach; here nothing is kept \
                               and is gone when this tab is closed: save networks as files, or close this tab and go on in \
                               the other."
            .to_owned(),
        StorageError::Full => {
            "There is no room left to keep everything on this device. The page goes on working, but what was \
                          not kept is gone when it is closed: save networks as files, or make room on the disk or by \
                          removing clips, and load the page again."
                .to_owned()
        }
        StorageError::Other(reason) => format!(
            "Something could not be kept on this device ({}). The page goes on working, but that is gone when it is closed: \
             save networks as files, and load the page again to try anew.",
            reason.trim_end_matches('.')
        ),
    }
}

/// What there is.
pub fn holdings(holdings: StorageContents) -> String {
    let StorageContents { clips, networks, runs } = holdings;
    let parts = [(clips, "clip"), (networks, "network"), (runs, "lesson")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, thing)| count(*n, thing)).collect();
    match parts.is_empty() {
        true => {
            "Nothing yet: clips that you collect and networks that you teach are kept here by themselves.".to_owned()
        }
        false => sentence(list(&parts)),
    }
}

/// How much that is.
pub fn usage(usage: Usage) -> String {
    let size = |bytes: f64| match bytes {
        bytes if bytes >= 999.5e6 => format!("{:.1}{NBSP}GB", bytes / 1e9),
        bytes => size(bytes.max(0.0) as u64),
    };
    let may =
        if usage.lasting { "" } else { " Where the disk gets full, the browser may clear it: save what is dear." };
    format!("{} of about {} that the browser grants.{may}", size(usage.used), size(usage.granted))
}

/// An own network in its list.
pub fn network(offer: &CatalogueEntry) -> String {
    size(offer.bytes)
}

/// A lesson that was interrupted.
pub fn interrupted(running: &SavedRun) -> String {
    format!(
        "The lesson of “{}” was interrupted at epoch {} of {}.",
        running.job.name, running.epoch, running.job.recipe.epochs
    )
}

/// Clips are gone whose files were kept.
pub fn lost(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("Gone from this device and left out: {} ({shown}{more}). Add them again.", count(names.len(), "clip"))
}

/// A network was forgotten.
pub fn forgotten(name: &str) -> String {
    format!("“{name}” is forgotten.")
}

/// A network was taken from a file; under another name than that on its card, where that was taken.
pub fn imported(file: &str, on_card: &str, name: &str) -> String {
    match on_card == name {
        true => format!("“{name}” was taken from {file} and is in the list of networks."),
        false => format!(
            "{file} was taken as “{name}” and is in the list of networks: there is another “{on_card}”. Rename it as you like."
        ),
    }
}

/// A file was not taken as a network: its name, and why, as part of a sentence.
pub fn not_imported(file: &str, reason: &str) -> String {
    sentence(format!("{file} was not taken: {reason}"))
}

/// A network has its old name still: that, and why, as part of a sentence.
pub fn not_renamed(network: &str, reason: &str) -> String {
    sentence(format!("“{network}” keeps its name: {reason}"))
}

/// A file cannot be read: in the browser's words; part of a sentence.
pub fn unreadable(reason: &str) -> String {
    format!("it could not be read ({})", reason.trim_end_matches('.'))
}

/// A file is larger than any network may be; part of a sentence.
pub fn too_large(bytes: u64, most: u64) -> String {
    format!(
        "it has {}, and the most that is taken is {}; see that it is the file of a network, or teach or export a smaller one",
        size(bytes),
        size(most)
    )
}

/// A head's backbone is not on this site; part of a sentence.
pub fn no_backbone(backbone: &Backbone) -> String {
    format!(
        "it listens through a network called '{}', which this site does not have; use it where that is, or beside its \
         files with the command line",
        backbone.name
    )
}

/// A head's backbone is on this site with other weights; part of a sentence.
pub fn other_backbone(backbone: &Backbone) -> String {
    let version: String = backbone.sha256.chars().take(12).collect();
    format!(
        "it listens through '{}' with the SHA-256 {version}…, and this site has another version of that, with which its \
         answers would be wrong",
        backbone.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::classify::words::tests::plain;
    use crate::view::storage::state::tests::running;

    #[test]
    fn what_is_there_is_counted() {
        let told = |clips, networks, runs| plain(holdings(StorageContents { clips, networks, runs }));
        assert_eq!(told(30, 1, 2), "30 clips, 1 network and 2 lessons.");
        assert_eq!(told(0, 1, 0), "1 network.");
        assert!(told(0, 0, 0).starts_with("Nothing yet"));
    }

    #[test]
    fn sizes_say_whether_they_last() {
        let of = |lasting| plain(usage(Usage { used: 12_300_000.0, granted: 3.2e9, lasting }));
        assert_eq!(of(true), "12.3 MB of about 3.2 GB that the browser grants.");
        assert!(of(false).ends_with("save what is dear."));
    }

    #[test]
    fn every_trouble_says_what_to_do() {
        let errors = [
            StorageError::Unavailable("it is insecure.".to_owned()),
            StorageError::Elsewhere,
            StorageError::Full,
            StorageError::Other("no disk".to_owned()),
        ];
        for told in errors.iter().map(error) {
            assert!(told.contains("save networks as files") && told.ends_with('.'), "{told}");
        }
        assert!(error(&errors[0]).contains("(it is insecure)"));
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let names: Vec<String> = (0..7).map(|clip| format!("{clip}.wav")).collect();
        let told = plain(lost(&names));
        assert!(told.contains("7 clips (0.wav, 1.wav, 2.wav, 3.wav, 4.wav, …)"), "{told}");
        assert!(!lost(&names[..5]).contains('…'));
    }

    #[test]
    fn an_interrupted_lesson_says_how_far_it_was() {
        assert_eq!(interrupted(&running()), "The lesson of “mine” was interrupted at epoch 7 of 60.");
    }

    #[test]
    fn a_file_that_is_too_large_is_told_with_both_sizes() {
        let told = plain(not_imported("a.safetensors", &too_large(2_000_000_000, 512_000_000)));
        assert!(
            told.starts_with("a.safetensors was not taken: it has 2000.0 MB, and the most that is taken is 512.0 MB;"),
            "{told}"
        );
    }

    #[test]
    fn another_name_is_explained() {
        assert!(!imported("a.safetensors", "mine", "mine").contains("another"));
        assert!(imported("a.safetensors", "mine", "mine 2").contains("as “mine 2”"));
    }
}
