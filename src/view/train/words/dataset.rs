//! The sentences about collecting: what was taken in and what was not, tables, archives, the microphone.

use crate::view::draw::axes::clock;
use crate::view::format::NBSP;
use crate::view::format::count;
use crate::view::train::recording::{LONGEST_SECONDS, NotRecorded, Recording};
use crate::view::train::table::{Applied, TableError};

/// How many things are named of many.
const NAMED: usize = 4;
/// How many doubts are shown at once.
pub const WARNINGS_SHOWN: usize = 8;

/// Nothing is there to take an archive apart.
pub const NO_ENGINE: &str = "the engine that takes archives apart did not start; reload the page";

/// Clips came while others are being taken in or learned from.
pub const NOT_NOW: &str =
    "Nothing was added: wait until the page is ready, or give up what it is doing, and add them again.";

/// A clip is not played.
pub const NOT_PLAYED: &str = "Your browser cannot play this kind of file; the networks hear it all the same.";

/// A clip of an earlier lesson is not played.
pub const GONE: &str = "This clip is no longer in your collection, so that it cannot be played.";

/// The first few of some names.
pub fn few<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.take(NAMED + 1).collect();
    let more = names.len() > NAMED;
    names.truncate(NAMED);
    format!("{}{}", names.join(", "), if more { ", …" } else { "" })
}

/// Sentences in a row; nothing where there are none.
pub fn together(sentences: &[String]) -> Option<String> {
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// What came of a table.
pub fn table(name: &str, applied: &Applied) -> String {
    let said = format!("{name} says something of {}.", count(applied.clips, "clip"));
    match applied.unmatched.len() {
        0 => said,
        files => format!(
            "{said} {} in it fit no clip, or more than one ({}): a row belongs to the clip whose file's name it has.",
            count(files, "row"),
            few(applied.unmatched.iter().map(String::as_str))
        ),
    }
}

/// Why a table says nothing.
pub fn no_table(name: &str, error: &TableError) -> String {
    match error {
        TableError::NoFile(found) => format!(
            "{name}: its first line should name the columns, one of them “file” or “track”, but it begins with “{}”.",
            few(found.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()))
        ),
        TableError::NothingElse => {
            format!(
                "{name}: beside the files it needs a column “artist”, “tags” or “genre”, and there is none of them."
            )
        }
    }
}

/// A table, or the description of a set, is too large to be one.
pub fn too_large(name: &str, most: usize) -> String {
    format!("{name} is larger than {}{NBSP}MB and was left out.", most >> 20)
}

/// A file could not be read.
pub fn unreadable(name: &str) -> String {
    format!("{name} could not be read; see that it is still where it was and unchanged, and choose it again.")
}

/// The description of a set could not be read: a part of a sentence says why.
pub fn no_set(name: &str, reason: &str) -> String {
    format!("{name} does not describe a set ({reason}); its clips were taken in as if it were not there.")
}

/// Clips that a set should have and has not.
pub fn missing(names: &[String]) -> String {
    let are = if names.len() == 1 { "is" } else { "are" };
    format!(
        "{} of the set {are} missing in the file ({}).",
        count(names.len(), "clip"),
        few(names.iter().map(String::as_str))
    )
}

/// A set became a file.
pub fn saved(clips: usize, file: &str) -> String {
    format!("{} went into {file}. Open it here or in another browser as you choose files.", count(clips, "clip"))
}

/// Clips that did not go into the file.
pub fn not_saved(names: &[String], most: u64) -> String {
    let (was, it) = if names.len() == 1 { ("was", "it is") } else { ("were", "they are") };
    format!(
        "{} {was} left out of the file ({}): {it} gone, or larger than the {}{NBSP}MB that can be taken out of it again.",
        count(names.len(), "clip"),
        few(names.iter().map(String::as_str)),
        most >> 20
    )
}

/// The set could not become a file: a sentence says why.
pub fn could_not_save(reason: &str) -> String {
    format!("It could not be saved: {reason}.")
}

/// Doubts beyond those that are shown.
pub fn more_warnings(number: usize) -> String {
    format!("And {number} more like these.")
}

/// More clips than a class's head shows.
pub fn more_clips(number: usize) -> String {
    format!("and {number} more")
}

/// What is known of a clip beside its name.
pub fn about_clip(seconds: Option<f64>, group: Option<&str>, tags: &[String]) -> String {
    let seconds = seconds.map(|seconds| clock(seconds, 0));
    let tags = (!tags.is_empty()).then(|| tags.join(", "));
    let known: Vec<String> = [seconds, group.map(str::to_owned), tags].into_iter().flatten().collect();
    known.join(" · ")
}

/// The line over the microphone's meter.
pub fn recording(recording: &Recording) -> String {
    match recording.seconds {
        None => format!(
            "Waiting for the microphone, for “{}”: the browser may ask whether it may be used.",
            recording.class
        ),
        Some(seconds) => {
            format!("Recording for “{}”: {} of {}.", recording.class, clock(seconds, 0), clock(LONGEST_SECONDS, 0))
        }
    }
}

/// Why nothing was recorded.
pub fn not_recorded(reason: &NotRecorded) -> String {
    match reason {
        NotRecorded::Refused => {
            "The microphone may not be used. Allow it for this page, by the sign beside its address, \
                                 and press Record again."
                .to_owned()
        }
        NotRecorded::NoDevice => "No microphone was found. Connect one, and press Record again.".to_owned(),
        NotRecorded::NotHere => "This browser does not record here. It wants a page that came over https or from this \
                                 machine; you can record with another program and choose the file."
            .to_owned(),
        NotRecorded::Nothing => "The microphone gave no sound. See that it is on, and press Record again.".to_owned(),
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
    fn a_table_says_what_it_did() {
        let applied = Applied { clips: 1, ..Applied::default() };
        assert_eq!(table("x.csv", &applied), "x.csv says something of 1\u{a0}clip.");
        let applied = Applied { unmatched: vec!["b.wav".to_owned()], ..applied };
        assert!(table("x.csv", &applied).contains("1\u{a0}row in it fit no clip, or more than one (b.wav)"));
        let columns = TableError::NoFile(vec!["name".to_owned(), String::new()]);
        assert!(no_table("x.csv", &columns).ends_with("but it begins with “name”."));
    }

    #[test]
    fn what_is_known_of_a_clip_is_one_line() {
        assert_eq!(
            about_clip(Some(75.0), Some("Miles"), &["slow".to_owned(), "old".to_owned()]),
            "1:15 · Miles · slow, old"
        );
        assert_eq!(about_clip(None, None, &[]), "");
    }
}
