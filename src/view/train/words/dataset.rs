//! Sentences about the dataset: what was added and what was not, tables, archives, the microphone.

use crate::view::draw::axes::clock;
use crate::view::format::NBSP;
use crate::view::format::count;
use crate::view::train::file_names::FolderChoice;
use crate::view::train::recording::{LONGEST_SECONDS, NotRecorded, Recording};
use crate::view::train::table::{Applied, TableError};

/// How many names are listed of many.
const NAMED: usize = 4;
/// How many warnings are shown at once.
pub(crate) const WARNINGS_SHOWN: usize = 8;

/// No engine can unpack an archive.
pub(crate) const NO_ENGINE: &str = "the engine that unpacks archives did not start; reload the page";

/// The engine died while it read a clip; shown beside the clip, also at later visits.
pub(crate) const ENGINE_DIED: &str = "the engine stopped while it read this file, so the clip may not train; remove it, or convert the file and add it again";

/// Clips came while the page was busy with others.
pub(crate) const NOT_NOW: &str = "Nothing was added because the page is busy: wait until it is done, or cancel what it is doing, and add them again.";

/// A drop without files, or of folders without any.
pub(crate) const NO_FILES: &str = "There is no file in that. Add recordings, folders of recordings, or .zip archives.";

/// The browser cannot play a clip.
pub(crate) const NOT_PLAYED: &str = "Your browser cannot play this kind of file; training can still use it.";

/// A clip of an earlier training run cannot be played.
pub(crate) const GONE: &str = "This clip is no longer in your dataset, so it cannot be played.";

/// The first few of some names.
pub fn few<'a>(names: impl Iterator<Item = &'a str>) -> String {
    // One more than are shown, to know whether there are more.
    let mut names: Vec<&str> = names.take(NAMED + 1).collect();
    let more = names.len() > NAMED;
    names.truncate(NAMED);
    format!("{}{}", names.join(", "), if more { ", …" } else { "" })
}

/// Sentences in a row; `None` if there are none.
pub fn together(sentences: &[String]) -> Option<String> {
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// What a table changed.
pub fn table(name: &str, applied: &Applied) -> String {
    let mut said = vec![format!("{name} describes {}.", count(applied.clips, "clip"))];
    if !applied.unmatched.is_empty() {
        said.push(format!(
            "{} matched no clip, or several ({}): a row is matched by its file name.",
            count(applied.unmatched.len(), "row"),
            few(applied.unmatched.iter().map(String::as_str))
        ));
    }
    if !applied.contradicted.is_empty() {
        said.push(format!(
            "Its rows contradict each other about {} ({}), and nothing of them was taken over: correct the table, and add it \
             again.",
            count(applied.contradicted.len(), "clip"),
            few(applied.contradicted.iter().map(String::as_str))
        ));
    }
    said.join(" ")
}

/// The encoding of a table is a guess.
pub(crate) fn guessed_encoding(name: &str) -> String {
    format!(
        "{name} is not in UTF-8 and was read as Windows-1252; if letters are wrong, undo, and save it as “CSV UTF-8”."
    )
}

/// Which folders became classes, if others could be meant.
pub(crate) fn folder_choice(choice: &FolderChoice) -> String {
    let names = |names: &[String]| few(names.iter().map(String::as_str));
    match choice {
        FolderChoice::Outer { classes, inside } => format!(
            "There are folders in folders: the outer ones became the classes ({}), and not those in them ({}). If those are \
             your classes, undo, and add each outer folder by itself.",
            names(classes),
            names(inside)
        ),
        FolderChoice::InParts(parts) => format!(
            "The folders {} hold the parts of a set, so the folders in them became the classes. Training divides the clips \
             anew.",
            names(parts)
        ),
        FolderChoice::Mixed { outer, inside } => format!(
            "“{outer}” holds recordings and folders with more ({}); each of them became a class. If they are one, give them \
             one name.",
            names(inside)
        ),
    }
}

/// Why a table cannot be used.
pub(crate) fn no_table(name: &str, error: &TableError) -> String {
    match error {
        TableError::NoFile(found) => format!(
            "{name}: the first line must name the columns, one of them “file” or “track”, but it begins with “{}”.",
            few(found.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()))
        ),
        TableError::NothingElse => {
            format!("{name}: besides the files it needs a column “artist”, “tags” or “genre”.")
        }
    }
}

/// A table, or the description of a dataset, is too large.
pub(crate) fn too_large(name: &str, most: usize) -> String {
    format!("{name} is larger than {}{NBSP}MB and was left out.", most >> 20)
}

/// A file could not be read.
pub fn unreadable(name: &str) -> String {
    format!("{name} could not be read; check that it is still in its place and unchanged, and choose it again.")
}

/// The description of a dataset could not be read; the reason is part of a sentence.
pub(crate) fn no_dataset_file(name: &str, reason: &str) -> String {
    format!("{name} does not describe a dataset ({reason}); the clips beside it were added without it.")
}

/// Clips that a dataset file names and does not contain.
pub fn missing(names: &[String]) -> String {
    let are = if names.len() == 1 { "is" } else { "are" };
    format!(
        "{} of the dataset {are} missing in the file ({}).",
        count(names.len(), "clip"),
        few(names.iter().map(String::as_str))
    )
}

/// The dataset was exported.
pub fn exported(clips: usize, file: &str) -> String {
    format!("Exported {} to {file}. Open it with “Choose files”, here or in another browser.", count(clips, "clip"))
}

/// Clips that were not exported.
pub(crate) fn not_exported(names: &[String], most: u64) -> String {
    let (was, it) = if names.len() == 1 { ("was", "it is") } else { ("were", "they are") };
    format!(
        "{} {was} left out of the file ({}): {it} gone, or larger than {}{NBSP}MB, the most that can be unpacked again.",
        count(names.len(), "clip"),
        few(names.iter().map(String::as_str)),
        most >> 20
    )
}

/// The dataset could not be exported.
pub(crate) fn could_not_export(reason: &str) -> String {
    format!("The dataset could not be exported: {reason}.")
}

/// Warnings beyond those that are shown.
pub(crate) fn more_warnings(number: usize) -> String {
    format!("And {number} more like these.")
}

/// Clips beyond those that the header of a class shows.
pub(crate) fn more_clips(number: usize) -> String {
    format!("and {number} more")
}

/// The length, artist and tags of a clip, as far as they are known.
pub(crate) fn about_clip(seconds: Option<f64>, group: Option<&str>, tags: &[String]) -> String {
    let seconds = seconds.map(|seconds| clock(seconds, 0));
    let tags = (!tags.is_empty()).then(|| tags.join(", "));
    let known: Vec<String> = [seconds, group.map(str::to_owned), tags].into_iter().flatten().collect();
    known.join(" · ")
}

/// The line over the level meter of the microphone.
pub fn recording(recording: &Recording) -> String {
    match recording.seconds {
        None => {
            format!("Waiting for the microphone (class “{}”): your browser may ask for permission.", recording.class)
        }
        Some(seconds) => {
            format!("Recording into “{}”: {} of {}.", recording.class, clock(seconds, 0), clock(LONGEST_SECONDS, 0))
        }
    }
}

/// A recording of so many seconds ended because the microphone was taken away.
pub(crate) fn interrupted(seconds: f64) -> String {
    format!(
        "The microphone was disconnected or muted, so the recording ended after {}. Check that it is connected and on.",
        clock(seconds, 0)
    )
}

/// Why there is no recording.
pub(crate) fn not_recorded(reason: &NotRecorded) -> String {
    match reason {
        NotRecorded::Refused => {
            "The microphone is blocked. Allow it for this page with the icon beside its address, and \
                                 press Record again."
                .to_owned()
        }
        NotRecorded::NoDevice => "No microphone was found. Connect one, and press Record again.".to_owned(),
        NotRecorded::NotHere => {
            "This browser cannot record here: it needs a page that was loaded over https or from this \
                                 computer. You can record with another program and choose the file."
                .to_owned()
        }
        NotRecorded::Nothing => "The microphone gave no sound. Check that it is on, and press Record again.".to_owned(),
        NotRecorded::Failed(reason) => format!("Nothing was recorded ({reason}). Press Record to try again."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_become_a_few() {
        assert_eq!(few(["a", "b"].into_iter()), "a, b");
        assert_eq!(few(["a", "b", "c", "d", "e", "f"].into_iter()), "a, b, c, d, …");
        assert_eq!(together(&[]), None);
    }

    #[test]
    fn what_a_table_changed_is_said() {
        let applied = Applied { clips: 1, ..Applied::default() };
        assert_eq!(table("x.csv", &applied), "x.csv describes 1\u{a0}clip.");
        let applied = Applied { unmatched: vec!["b.wav".to_owned()], ..applied };
        assert!(table("x.csv", &applied).contains("1\u{a0}row matched no clip, or several (b.wav)"));
        let applied = Applied { contradicted: vec!["c.wav".to_owned()], ..Applied::default() };
        assert!(table("x.csv", &applied).contains("contradict each other about 1\u{a0}clip (c.wav)"));
        let columns = TableError::NoFile(vec!["name".to_owned(), String::new()]);
        assert!(no_table("x.csv", &columns).ends_with("but it begins with “name”."));
    }

    #[test]
    fn folders_that_could_be_meant_otherwise_are_told() {
        let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let outer = FolderChoice::Outer { classes: strings(&["Jazz", "Rock"]), inside: strings(&["Blue Hour"]) };
        let said = folder_choice(&outer);
        assert!(said.contains("the classes (Jazz, Rock), and not those in them (Blue Hour)"), "{said}");
        assert!(
            folder_choice(&FolderChoice::InParts(strings(&["train", "test"]))).contains("train, test hold the parts")
        );
        let mixed = FolderChoice::Mixed { outer: "jazz".to_owned(), inside: strings(&["live"]) };
        assert!(folder_choice(&mixed).starts_with("“jazz” holds recordings and folders with more (live)"));
    }

    #[test]
    fn a_clip_is_described_in_one_line() {
        assert_eq!(
            about_clip(Some(75.0), Some("Miles"), &["slow".to_owned(), "old".to_owned()]),
            "1:15 · Miles · slow, old"
        );
        assert_eq!(about_clip(None, None, &[]), "");
    }
}
