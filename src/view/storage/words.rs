//! Sentences about what is stored on the device: how much it is, errors, and changes.

use crate::card::Backbone;
use crate::view::classify::networks::CatalogueEntry;
use crate::view::format::count;
use crate::view::format::{NBSP, sentence};
use crate::view::format::{list, size};
use crate::view::storage::state::{SavedRun, StorageContents, StorageError, Unreadable, Usage};

/// Shown while the stored data is loaded, if that takes long.
pub(crate) const LOADING: &str = "Loading what is stored on this device…";
/// Everything that this tab has was deleted; another tab, or nothing, stores.
pub(crate) const TAB_CLEARED: &str = "Everything in this tab has been deleted.";
/// Everything was deleted.
pub(crate) const ALL_DELETED: &str = "Everything has been deleted.";
/// A network cannot be saved as a file because it has been deleted.
pub(crate) const NETWORK_GONE: &str = "This network has been deleted, so it cannot be saved.";
/// Clips of an interrupted training are missing.
pub(crate) const CLIPS_GONE: &str = "Some clips of this training are no longer on this device, so it cannot be resumed. Discard \
                              it and start a new one.";
/// The checkpoint of an interrupted training cannot be read.
pub(crate) const CHECKPOINT_GONE: &str =
    "The checkpoint of this training can no longer be read. Discard it and start a new one.";

/// Why something is not stored, and what to do.
pub(crate) fn error(error: &StorageError) -> String {
    match error {
        StorageError::Unavailable(reason) => format!(
            "Your browser does not let this page store anything ({}). Everything works, but clips, networks and training \
             runs are lost when the page is closed: save networks as files. A private window, or a setting for cookies \
             and site data, may be the cause.",
            reason.trim_end_matches('.')
        ),
        StorageError::OtherTab => {
            "This page is open in another tab, which stores what you add and train. What you do in this tab is not \
             stored as long as the other one is open: save networks as files, or close one of the two tabs."
                .to_owned()
        }
        StorageError::LaterVersion => {
            "A later version of this page has stored clips, networks or training runs on this device, which this version \
             cannot read and leaves alone. What you do in this tab is not stored: save networks as files, and reload the \
             page to get the later version."
                .to_owned()
        }
        StorageError::Full => {
            "There is not enough free space on this device to store everything. The page keeps working, but what is not \
             stored is lost when it is closed: save networks as files, or free some space by removing clips, networks, \
             training runs or other files; the page then tries again by itself. Until then a removed clip is deleted at \
             once, and removing it cannot be undone."
                .to_owned()
        }
        StorageError::Other(reason) => format!(
            "Something could not be stored on this device ({}). The page keeps working and tries again every few seconds, \
             but what is not stored is lost when it is closed: save networks as files.",
            reason.trim_end_matches('.')
        ),
    }
}

/// What is stored and cannot be read; `None` if everything can.
pub(crate) fn unreadable(unreadable: Unreadable) -> Option<String> {
    let Unreadable { dataset, interrupted, networks, runs } = unreadable;
    let parts = [
        dataset.then(|| "the dataset, or a part of it".to_owned()),
        interrupted.then(|| "an interrupted training run".to_owned()),
        (networks > 0).then(|| count(networks, "network")),
        (runs > 0).then(|| count(runs, "training run")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let not_stored = match (dataset, interrupted) {
        (true, _) => " Until then, clips that you add are not stored.",
        (false, true) => " Until then, a training run that is interrupted cannot be resumed.",
        (false, false) => "",
    };
    (!parts.is_empty()).then(|| {
        format!(
            "Stored on this device, but not readable by this version of the page: {}. Nothing of it was changed. Reload the \
             page, in case there is a later version; “Delete everything” deletes it too.{not_stored}",
            list(&parts)
        )
    })
}

/// The button that saves a network that could not be stored.
pub(crate) fn save_as_file(network: &str) -> String {
    format!("Save “{network}” as a file")
}

/// What is stored, as counts.
pub(crate) fn contents(contents: StorageContents) -> String {
    let StorageContents { clips, networks, runs } = contents;
    let parts = [(clips, "clip"), (networks, "network"), (runs, "training run")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, thing)| count(*n, thing)).collect();
    match parts.is_empty() {
        true => "Nothing yet. Clips that you add and networks that you train are stored here automatically.".to_owned(),
        false => sentence(list(&parts)),
    }
}

/// How much space it takes.
pub(crate) fn usage(usage: Usage) -> String {
    let size = |bytes: f64| match bytes {
        // Quotas reach gigabytes, which `size` does not have.
        bytes if bytes >= 999.5e6 => format!("{:.1}{NBSP}GB", bytes / 1e9),
        bytes => size(bytes.max(0.0) as u64),
    };
    let warning = if usage.lasting {
        ""
    } else {
        " The browser may delete it if the disk is full: save what is important as files."
    };
    format!("{} of about {} that the browser allows.{warning}", size(usage.used), size(usage.granted))
}

/// The size of one of the user's own networks.
pub fn network(offer: &CatalogueEntry) -> String {
    size(offer.bytes)
}

/// A training run that was interrupted.
pub(crate) fn interrupted(running: &SavedRun) -> String {
    format!(
        "Training of “{}” was interrupted at epoch {} of {}.",
        running.job.name, running.epoch, running.job.recipe.epochs
    )
}

/// Clips are left out because their stored files are missing.
pub(crate) fn missing_clips(names: &[String]) -> String {
    // More names would fill the screen.
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!(
        "No longer on this device and therefore left out: {} ({shown}{more}). Add them again.",
        count(names.len(), "clip")
    )
}

/// A network was deleted.
pub fn deleted(name: &str) -> String {
    format!("“{name}” has been deleted.")
}

/// A network was imported from a file, under another name than on its card if that one is in use.
pub(crate) fn imported(file: &str, on_card: &str, name: &str) -> String {
    match on_card == name {
        true => format!("“{name}” was imported from {file} and is in the list of networks."),
        false => format!(
            "{file} was imported as “{name}”, because there is another “{on_card}” in the list of networks. You can rename \
             it."
        ),
    }
}

/// A file was not imported as a network: its name, and the reason as part of a sentence.
pub(crate) fn not_imported(file: &str, reason: &str) -> String {
    sentence(format!("{file} was not imported: {reason}"))
}

/// A network was not renamed: its present name, and the reason as part of a sentence.
pub(crate) fn not_renamed(network: &str, reason: &str) -> String {
    sentence(format!("“{network}” was not renamed: {reason}"))
}

/// A file cannot be read, for a reason in the browser's words; part of a sentence.
pub fn unreadable_file(reason: &str) -> String {
    format!("it could not be read ({})", reason.trim_end_matches('.'))
}

/// A file is larger than the limit for networks, both in bytes; part of a sentence.
pub(crate) fn too_large(bytes: u64, most: u64) -> String {
    format!(
        "it has {}, and the limit is {}; check that it is the file of a network, or train or export a smaller one",
        size(bytes),
        size(most)
    )
}

/// The backbone of a head is not on this site; part of a sentence.
pub(crate) fn no_backbone(backbone: &Backbone) -> String {
    format!(
        "it uses the backbone '{}', which this site does not have; use it on a site that has it, or with the command line \
         beside the backbone's files",
        backbone.name
    )
}

/// The backbone of a head is on this site with other weights; part of a sentence.
pub(crate) fn other_backbone(backbone: &Backbone) -> String {
    // Twelve digits are enough to tell versions apart.
    let version: String = backbone.sha256.chars().take(12).collect();
    format!(
        "it uses the backbone '{}' with the SHA-256 {version}…, and this site has another version of it, with which its \
         results would be wrong",
        backbone.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::classify::words::tests::plain;
    use crate::view::storage::state::tests::running;

    #[test]
    fn contents_are_counted() {
        let text = |clips, networks, runs| plain(contents(StorageContents { clips, networks, runs }));
        assert_eq!(text(30, 1, 2), "30 clips, 1 network and 2 training runs.");
        assert_eq!(text(0, 1, 0), "1 network.");
        assert!(text(0, 0, 0).starts_with("Nothing yet"));
    }

    #[test]
    fn usage_says_if_the_browser_may_delete_it() {
        let of = |lasting| plain(usage(Usage { used: 12_300_000.0, granted: 3.2e9, lasting }));
        assert_eq!(of(true), "12.3 MB of about 3.2 GB that the browser allows.");
        assert!(of(false).ends_with("save what is important as files."));
    }

    #[test]
    fn every_error_says_what_to_do() {
        let errors = [
            StorageError::Unavailable("it is insecure.".to_owned()),
            StorageError::OtherTab,
            StorageError::LaterVersion,
            StorageError::Full,
            StorageError::Other("no disk".to_owned()),
        ];
        for text in errors.iter().map(error) {
            assert!(text.contains("save networks as files") && text.ends_with('.'), "{text}");
        }
        assert!(error(&errors[0]).contains("(it is insecure)"));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_what_follows_from_it() {
        assert_eq!(unreadable(Unreadable::default()), None);
        let of = |found| plain(unreadable(found).unwrap());
        let networks = of(Unreadable { networks: 1, runs: 2, ..Unreadable::default() });
        assert!(networks.contains(": 1 network and 2 training runs. Nothing of it was changed."), "{networks}");
        assert!(!networks.contains("not stored"), "{networks}");
        let dataset = of(Unreadable { dataset: true, interrupted: true, ..Unreadable::default() });
        assert!(dataset.contains(": the dataset, or a part of it and an interrupted training run."), "{dataset}");
        assert!(dataset.ends_with("clips that you add are not stored."), "{dataset}");
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let names: Vec<String> = (0..7).map(|clip| format!("{clip}.wav")).collect();
        let text = plain(missing_clips(&names));
        assert!(text.contains("7 clips (0.wav, 1.wav, 2.wav, 3.wav, 4.wav, …)"), "{text}");
        assert!(!missing_clips(&names[..5]).contains('…'));
    }

    #[test]
    fn an_interrupted_training_names_its_epoch() {
        assert_eq!(interrupted(&running()), "Training of “mine” was interrupted at epoch 7 of 60.");
    }

    #[test]
    fn a_file_that_is_too_large_is_named_with_both_sizes() {
        let text = plain(not_imported("a.safetensors", &too_large(2_000_000_000, 512_000_000)));
        assert!(
            text.starts_with("a.safetensors was not imported: it has 2000.0 MB, and the limit is 512.0 MB;"),
            "{text}"
        );
    }

    #[test]
    fn another_name_is_explained() {
        assert!(!imported("a.safetensors", "mine", "mine").contains("another"));
        assert!(imported("a.safetensors", "mine", "mine 2").contains("as “mine 2”"));
    }
}
