//! The names of the files in an archive. Bit 11 of a file's flags says that its name is UTF-8 (APPNOTE 6.3.10, appendix D),
//! but macOS and Linux write UTF-8 without it, and Windows writes the DOS code page of the system, which nothing names.

use rawzip::{ZipFileHeaderRecord, crc32};
use yore::CodePage;
use yore::code_pages::{CP437, CP850, CP866};

/// Info-ZIP's extra field with the name in UTF-8 (APPNOTE 6.3.10, 4.6.9).
const UNICODE_PATH: u16 = 0x7075;

/// A file's name as its archive has it.
pub(super) enum Name {
    Unicode(String),
    /// In an unknown code page.
    Bytes(Vec<u8>),
}

/// A code page of DOS, and what it is for.
pub(super) struct NamePage {
    page: &'static dyn CodePage,
    pub(super) name: &'static str,
}

/// The page that the format prescribes comes first.
const LATIN: [NamePage; 2] = [NamePage { page: &CP437, name: "437" }, NamePage { page: &CP850, name: "850" }];
const CYRILLIC: NamePage = NamePage { page: &CP866, name: "866" };

impl Name {
    pub(super) fn of(entry: &ZipFileHeaderRecord<'_>) -> Self {
        let bytes = entry.file_path().as_bytes();
        // Before the name itself, which may be "????.wav" where the extra field is complete.
        let text = unicode_path(entry, bytes).or_else(|| str::from_utf8(bytes).ok());
        text.map_or_else(|| Self::Bytes(bytes.to_vec()), |text| Self::Unicode(text.to_owned()))
    }

    /// The name in Unicode, with `/` between folders.
    pub(super) fn path(self, page: Option<&NamePage>) -> String {
        let text = match (self, page) {
            (Self::Unicode(text), _) => text,
            // The pages that are tried have a character for every byte, so that different names stay different.
            (Self::Bytes(bytes), page) => page.unwrap_or(&LATIN[0]).decode(&bytes),
        };
        // Some programs on Windows write backslashes, against the specification. Beside a slash it is a part of a name: the
        // second byte of a Japanese letter, say.
        if text.contains('/') { text } else { text.replace('\\', "/") }
    }
}

/// The name in the extra field, if that belongs to this name: a program that does not know the field renames files without it.
fn unicode_path<'a>(entry: &'a ZipFileHeaderRecord<'_>, name: &[u8]) -> Option<&'a str> {
    let (_, field) = entry.extra_fields().find(|(id, _)| id.as_u16() == UNICODE_PATH)?;
    let (&[1, a, b, c, d], path) = field.split_first_chunk()? else { return None };
    (u32::from_le_bytes([a, b, c, d]) == crc32(name)).then(|| str::from_utf8(path).ok())?
}

impl NamePage {
    /// The code page in which the names have the most letters; `None` if all names are in Unicode. One for all: a packer
    /// writes one, and a folder must have one name.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a Name> + Clone) -> Option<Self> {
        let bytes = names.filter_map(|name| match name {
            Name::Bytes(bytes) => Some(bytes.as_slice()),
            Name::Unicode(_) => None,
        });
        bytes.clone().next()?;
        // Latin letters with accents stand alone between others, Cyrillic ones side by side.
        let (alone, beside) = bytes.clone().map(neighbours).fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        let pages = LATIN.into_iter().chain((beside > alone).then_some(CYRILLIC)).rev();
        // The last of equals is the first of the list.
        pages.max_by_key(|page| bytes.clone().map(|name| page.letters(name)).sum::<usize>())
    }

    fn decode(&self, bytes: &[u8]) -> String {
        self.page.decode(bytes).map_or_else(|_| String::from_utf8_lossy(bytes).into_owned(), |text| text.into_owned())
    }

    /// How many letters a name would have, besides those of ASCII. The Greek ones of page 437 are signs of mathematics.
    fn letters(&self, name: &[u8]) -> usize {
        let is_greek = |letter: char| ('\u{370}'..'\u{400}').contains(&letter);
        self.decode(name)
            .chars()
            .filter(|letter| !letter.is_ascii() && letter.is_alphabetic() && !is_greek(*letter))
            .count()
    }
}

/// How many bytes beyond ASCII have no such byte beside them, and how many have one.
fn neighbours(name: &[u8]) -> (usize, usize) {
    let runs = name.chunk_by(|a, b| a.is_ascii() == b.is_ascii()).filter(|run| !run[0].is_ascii());
    runs.fold(
        (0, 0),
        |(alone, beside), run| if run.len() == 1 { (alone + 1, beside) } else { (alone, beside + run.len()) },
    )
}
