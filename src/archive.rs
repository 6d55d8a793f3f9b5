//! Reads archives of clips: the files in a `.zip`, one at a time, and the reasons for those that are left out. [`pack`]
//! writes archives.
//!
//! rawzip walks the archive and flate2 inflates. The archive is not trusted: every length is checked against what was
//! really read, paths are only labels and must stay inside the archive, and nested archives are not opened.

mod names;
pub mod pack;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, SeekFrom};

use flate2::read::DeflateDecoder;
use rawzip::{
    CompressionMethod, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder,
    ZipFileHeaderRecord, ZipLocator,
};

use self::names::{Name, NamePage};
use crate::audio::Source;

/// The largest file that is unpacked, in bytes: it is kept in memory as a whole. An hour of CD sound has more.
pub(crate) const MOST_FILE_BYTES: u64 = 512 << 20;

/// How much is unpacked from one archive.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most files in its list.
    pub files: usize,
    /// Most bytes of one file.
    pub file_bytes: u64,
    /// Most bytes of all files together.
    pub all_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 50_000, file_bytes: MOST_FILE_BYTES, all_bytes: 4 << 30 }
    }
}

/// Why an archive cannot be opened. The messages are for users.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is not an archive, or it is damaged.
    #[error("it is not a .zip archive, or its end is missing; create it again, or choose the folder itself")]
    Malformed,
    /// It has too many files.
    #[error("the archive has more than {most} files, the most that can be unpacked at once; split it")]
    TooLarge {
        /// The limit.
        most: usize,
    },
    /// Reading the file failed.
    #[error("the archive could not be read ({0}); check that it was not moved or changed, and choose it again")]
    Unreadable(String),
}

/// An archive that is being unpacked; an iterator over its files.
pub struct Archive {
    archive: ZipArchive<Shared>,
    limits: Limits,
    entries: std::vec::IntoIter<Entry>,
    /// Bytes unpacked so far. A damaged file counts with the size that it claims.
    unpacked: u64,
    left_out: LeftOut,
}

/// A file in the archive's list.
struct Entry {
    path: String,
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
}

impl Archive {
    /// Reads the archive's list of files.
    ///
    /// # Errors
    ///
    /// If it is not an archive, has too many files, or cannot be read.
    pub fn open(source: impl Source + 'static, limits: Limits) -> Result<Self, ArchiveError> {
        let mut source: Box<dyn Source> = Box::new(source);
        let length = source.seek(SeekFrom::End(0)).map_err(|error| ArchiveError::Unreadable(error.to_string()))?;
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let located = ZipLocator::new().locate_in_reader(Shared(RefCell::new(source)), &mut buffer, length);
        let archive = located.map_err(|(_, error)| match error.kind() {
            rawzip::ErrorKind::IO(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                ArchiveError::Unreadable(error.to_string())
            }
            _ => ArchiveError::Malformed,
        })?;
        let mut left_out = LeftOut::default();
        let entries = entries(&archive, &mut buffer, limits.files, &mut left_out)?;
        Ok(Self { archive, limits, entries: entries.into_iter(), unpacked: 0, left_out })
    }

    /// Sentences for the user about the files that were left out; to be called at the end.
    pub fn left_out(self) -> Vec<String> {
        self.left_out.sentences()
    }

    /// A file's bytes, if it claims at most `max`.
    fn read(&mut self, entry: &Entry, max: u64) -> Result<Vec<u8>, Reason> {
        let claimed = entry.place.uncompressed_size_hint();
        if claimed > max {
            return Err(Reason::Large);
        }
        let zip_entry = self.archive.get_entry(entry.place).map_err(|_| Reason::Damaged)?;
        let raw = zip_entry.reader();
        let reader: Box<dyn Read> = match entry.method {
            CompressionMethod::STORE => Box::new(raw),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(raw)),
            _ => return Err(Reason::Method),
        };
        // Before the file is known to be whole: a damaged one took the time to inflate it too.
        self.unpacked += claimed;
        let mut bytes = Vec::new();
        // One byte more than claimed shows that a file is larger than it claims.
        let read = zip_entry.verifying_reader(reader).take(claimed + 1).read_to_end(&mut bytes);
        match read {
            Ok(length) if length as u64 == claimed => Ok(bytes),
            _ => Err(Reason::Damaged),
        }
    }
}

/// Each item is a file's path, with `/` between folders, and its bytes. It is `None` for a file that is left out, so that
/// the caller can cancel after each of those too.
impl Iterator for Archive {
    type Item = Option<(String, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        let room = self.limits.all_bytes.saturating_sub(self.unpacked);
        let max = self.limits.file_bytes.min(room);
        let reason = match self.read(&entry, max) {
            Ok(bytes) => return Some(Some((entry.path, bytes))),
            Err(Reason::Large) if max == room => Reason::Full,
            Err(reason) => reason,
        };
        self.left_out.add(reason, entry.path);
        Some(None)
    }
}

/// A line of the archive's list, before its name is known.
struct Listed {
    name: Name,
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    is_folder: bool,
    is_encrypted: bool,
}

/// The archive's list of files, without folders and the files that macOS adds.
fn entries(
    archive: &ZipArchive<Shared>,
    buffer: &mut [u8],
    max: usize,
    left_out: &mut LeftOut,
) -> Result<Vec<Entry>, ArchiveError> {
    let all = listed(archive, buffer, max, left_out)?;
    let page = NamePage::of(all.iter().map(|listed| &listed.name));
    let mut files = Vec::new();
    for Listed { name, place, method, is_folder, is_encrypted } in all {
        let path = name.path(page.as_ref());
        if is_folder || path.ends_with('/') || is_system_file(&path) {
            continue;
        }
        match reason_to_skip(&path, is_encrypted) {
            Some(reason) => left_out.add(reason, path),
            None => files.push(Entry { path, place, method }),
        }
    }
    left_out.name_page = page.map(|page| page.name);
    left_out.without_files = files.is_empty() && left_out.files.is_empty() && !left_out.cut;
    Ok(files)
}

fn listed(
    archive: &ZipArchive<Shared>,
    buffer: &mut [u8],
    max: usize,
    left_out: &mut LeftOut,
) -> Result<Vec<Listed>, ArchiveError> {
    let mut all = Vec::new();
    let mut list = archive.entries(buffer);
    loop {
        let entry = match list.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(all),
            Err(_) if all.is_empty() => return Err(ArchiveError::Malformed),
            // The entries before the damage are intact.
            Err(_) => {
                left_out.cut = true;
                return Ok(all);
            }
        };
        if all.len() == max {
            return Err(ArchiveError::TooLarge { most: max });
        }
        all.push(Listed::of(&entry));
    }
}

impl Listed {
    fn of(entry: &ZipFileHeaderRecord<'_>) -> Self {
        let flags = entry.flags();
        Self {
            name: Name::of(entry),
            place: entry.wayfinder(),
            method: entry.compression_method(),
            is_folder: entry.is_dir(),
            is_encrypted: flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked(),
        }
    }
}

/// Why a file is left out, if its entry in the list already tells.
fn reason_to_skip(path: &str, is_encrypted: bool) -> Option<Reason> {
    // A drive of Windows, as in `C:/x.wav`; later in a path a colon is a part of a name.
    let drive = path.split('/').next().is_some_and(|first| first.len() == 2 && first.ends_with(':'));
    if path.starts_with('/') || drive || path.split('/').any(|part| part == "..") {
        Some(Reason::Path)
    // They could write to the terminal of the command line.
    } else if path.chars().any(char::is_control) {
        Some(Reason::Control)
    } else if is_encrypted {
        Some(Reason::Encrypted)
    } else if path.to_lowercase().ends_with(".zip") {
        Some(Reason::Nested)
    } else {
        None
    }
}

/// True for files that macOS adds to archives: copies of its metadata, the places of icons, the picture of a folder.
fn is_system_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.split('/').any(|part| part == "__MACOSX") || name == ".DS_Store" || name == "Icon\r"
}

/// Why a file was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Encrypted,
    Method,
    Path,
    Control,
    Nested,
    Large,
    Full,
    Damaged,
}

/// Most files that are named per reason.
const MAX_NAMED: usize = 8;

#[derive(Default)]
struct LeftOut {
    /// How many per reason, and the first of them.
    files: BTreeMap<Reason, (usize, Vec<String>)>,
    /// True if the list of files is damaged.
    cut: bool,
    /// The code page in which names were read that are not in Unicode.
    name_page: Option<&'static str>,
    /// True if the list has folders alone, or nothing.
    without_files: bool,
}

impl LeftOut {
    fn add(&mut self, reason: Reason, path: String) {
        let (count, names) = self.files.entry(reason).or_default();
        *count += 1;
        if names.len() < MAX_NAMED {
            names.push(path.chars().filter(|letter| !letter.is_control()).take(200).collect());
        }
    }

    fn sentences(self) -> Vec<String> {
        let cut = self
            .cut
            .then(|| "The archive's list of files is damaged: the files after the damage are missing.".to_owned());
        let empty = self.without_files.then(|| "The archive has no files in it, at most folders.".to_owned());
        let page = self.name_page.map(|page| {
            format!(
                "The archive does not say how its names are written, so they were read in code page {page} of DOS; rename \
                 what looks wrong."
            )
        });
        let files = self.files.into_iter().map(|(reason, (count, names))| sentence(reason, count, &names));
        files.chain(cut).chain(empty).chain(page).collect()
    }
}

fn sentence(reason: Reason, count: usize, names: &[String]) -> String {
    let why = match reason {
        Reason::Encrypted => "encrypted; unpack the archive with its password, and choose the folder",
        Reason::Method => {
            "compressed by a method that is not supported, as Deflate64 is not; unpack the archive, and choose the folder"
        }
        Reason::Path => "under a path that leads out of the archive",
        Reason::Control => "with control characters in its path; rename it",
        Reason::Nested => "an archive within the archive; choose it separately",
        Reason::Large => "too large to be unpacked (512 MB at most); choose it separately",
        Reason::Full => "beyond the 4 GB that can be unpacked from one archive; split it",
        Reason::Damaged => "damaged in the archive",
    };
    let more = if count > names.len() { ", …" } else { "" };
    let files = if count == 1 { "1 file was".to_owned() } else { format!("{count} files were") };
    format!("{files} left out of the archive ({}{more}): {why}.", names.join(", "))
}

/// Positioned reads for rawzip.
struct Shared(RefCell<Box<dyn Source>>);

impl ReaderAt for Shared {
    fn read_at(&self, bytes: &mut [u8], place: u64) -> io::Result<usize> {
        let mut source = self.0.try_borrow_mut().map_err(io::Error::other)?;
        source.seek(SeekFrom::Start(place))?;
        source.read(bytes)
    }
}
