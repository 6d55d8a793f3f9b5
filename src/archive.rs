//! Archives of clips: the files in a `.zip`, one at a time, and what was left out; [`pack`] is the other way.
//!
//! rawzip walks the archive and flate2 inflates. Nothing in it is believed: every length is met by a limit on what was
//! really read, paths are only labels here and must stay inside the archive, and archives in it stay closed.

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

use crate::audio::Source;

/// The largest file that is taken out of an archive, in bytes: it is in memory as a whole. An hour of CD sound has more.
pub(crate) const MOST_FILE_BYTES: u64 = 512 << 20;

/// How much is taken out of one archive.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files in its list.
    pub files: usize,
    /// Bytes of one of them.
    pub file_bytes: u64,
    /// Bytes of all of them together.
    pub all_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 50_000, file_bytes: MOST_FILE_BYTES, all_bytes: 4 << 30 }
    }
}

/// Why nothing is taken out of an archive. The texts are for users.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is none, or it is damaged.
    #[error("it is no .zip archive, or its end is missing; make it again, or choose the folder itself")]
    Malformed,
    /// It has too many files.
    #[error("the archive has more than {most} files, which are the most that are taken at once; divide it")]
    TooLarge {
        /// The limit.
        most: usize,
    },
    /// The file went away.
    #[error(
        "the archive could not be read ({0}); see that it is still where it was and unchanged, and choose it again"
    )]
    Unreadable(String),
}

/// An archive that is being emptied.
pub struct Archive {
    archive: ZipArchive<Shared>,
    limits: Limits,
    waiting: std::vec::IntoIter<Found>,
    /// Bytes taken out so far, with those of damaged files, as far as they claimed to have any.
    taken: u64,
    left_out: LeftOut,
}

/// A file in the archive's list.
struct Found {
    path: String,
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
}

impl Archive {
    /// Reads the archive's list of files.
    ///
    /// # Errors
    ///
    /// Where it is no archive, has too many files, or cannot be read.
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
        let found = found(&archive, &mut buffer, limits.files, &mut left_out)?;
        Ok(Self { archive, limits, waiting: found.into_iter(), taken: 0, left_out })
    }

    /// Sentences on what was left out, at the end.
    pub fn left_out(self) -> Vec<String> {
        self.left_out.sentences()
    }

    /// A file's bytes. Those of a damaged one count as taken too: it took the time to inflate them.
    fn read(&mut self, found: &Found, most: u64) -> Result<Vec<u8>, Reason> {
        let claimed = found.place.uncompressed_size_hint();
        if claimed > most {
            return Err(Reason::Large);
        }
        let entry = self.archive.get_entry(found.place).map_err(|_| Reason::Damaged)?;
        let raw = entry.reader();
        let reader: Box<dyn Read> = match found.method {
            CompressionMethod::STORE => Box::new(raw),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(raw)),
            _ => return Err(Reason::Method),
        };
        self.taken += claimed;
        let mut bytes = Vec::new();
        // One byte more tells a file that is as large as it claims from one that is larger.
        let read = entry.verifying_reader(reader).take(claimed + 1).read_to_end(&mut bytes);
        match read {
            Ok(length) if length as u64 == claimed => Ok(bytes),
            _ => Err(Reason::Damaged),
        }
    }
}

/// One by one: a file's path, with `/` between folders, and its bytes; `None` for one that is left out, so that whoever
/// empties the archive can give up between them too.
impl Iterator for Archive {
    type Item = Option<(String, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.waiting.next()?;
        let room = self.limits.all_bytes.saturating_sub(self.taken);
        let most = self.limits.file_bytes.min(room);
        let reason = match self.read(&found, most) {
            Ok(bytes) => return Some(Some((found.path, bytes))),
            Err(Reason::Large) if most == room => Reason::Full,
            Err(reason) => reason,
        };
        self.left_out.add(reason, found.path);
        Some(None)
    }
}

/// The archive's list, without folders and without what operating systems leave in archives.
fn found(
    archive: &ZipArchive<Shared>,
    buffer: &mut [u8],
    most: usize,
    left_out: &mut LeftOut,
) -> Result<Vec<Found>, ArchiveError> {
    let (mut files, mut seen) = (Vec::new(), 0);
    let mut list = archive.entries(buffer);
    loop {
        let entry = match list.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(_) if files.is_empty() => return Err(ArchiveError::Malformed),
            // What stands before the damage is whole.
            Err(_) => {
                left_out.cut = true;
                break;
            }
        };
        seen += 1;
        if seen > most {
            return Err(ArchiveError::TooLarge { most });
        }
        let path = String::from_utf8_lossy(entry.file_path().as_bytes()).replace('\\', "/");
        if entry.is_dir() || is_litter(&path) {
            continue;
        }
        match refused(&entry, &path) {
            Some(reason) => left_out.add(reason, path),
            None => files.push(Found { path, place: entry.wayfinder(), method: entry.compression_method() }),
        }
    }
    Ok(files)
}

/// What keeps a file from being taken, by the list alone.
fn refused(entry: &ZipFileHeaderRecord<'_>, path: &str) -> Option<Reason> {
    let outside = path.starts_with('/') || path.split('/').any(|part| part == ".." || part.ends_with(':'));
    let flags = entry.flags();
    if outside || path.chars().any(char::is_control) {
        Some(Reason::Path)
    } else if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
        Some(Reason::Encrypted)
    } else if path.to_lowercase().ends_with(".zip") {
        Some(Reason::Nested)
    } else {
        None
    }
}

/// What macOS and others put into archives beside people's files.
fn is_litter(path: &str) -> bool {
    path.split('/').any(|part| part == "__MACOSX" || (part.starts_with('.') && part != ".." && part != "."))
}

/// Why a file was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Encrypted,
    Method,
    Path,
    Nested,
    Large,
    Full,
    Damaged,
}

/// How many files are named of those that were left out for the same reason.
const NAMED: usize = 3;

#[derive(Default)]
struct LeftOut {
    /// How many, and the first of them.
    files: BTreeMap<Reason, (usize, Vec<String>)>,
    /// True where the list breaks off.
    cut: bool,
}

impl LeftOut {
    fn add(&mut self, reason: Reason, path: String) {
        let (count, names) = self.files.entry(reason).or_default();
        *count += 1;
        if names.len() < NAMED {
            names.push(path.chars().filter(|letter| !letter.is_control()).take(200).collect());
        }
    }

    fn sentences(self) -> Vec<String> {
        let cut =
            self.cut.then(|| "The archive's list of files is damaged: what comes after that is missing.".to_owned());
        self.files.into_iter().map(|(reason, (count, names))| sentence(reason, count, &names)).chain(cut).collect()
    }
}

fn sentence(reason: Reason, count: usize, names: &[String]) -> String {
    let why = match reason {
        Reason::Encrypted => "encrypted, and only archives without a password are opened",
        Reason::Method => "packed in a way that is not read here; stored and deflated files are",
        Reason::Path => "under a path that leads out of the archive",
        Reason::Nested => "an archive in the archive; choose it by itself",
        Reason::Large => "too large to be taken out of an archive (512 MB at most); choose it by itself",
        Reason::Full => "beyond the 4 GB that are taken out of one archive; divide it",
        Reason::Damaged => "damaged in the archive",
    };
    let more = if count > names.len() { ", …" } else { "" };
    let files = if count == 1 { "1 file was".to_owned() } else { format!("{count} files were") };
    format!("{files} left out of the archive ({}{more}): {why}.", names.join(", "))
}

/// A source that is read at places, as rawzip does.
struct Shared(RefCell<Box<dyn Source>>);

impl ReaderAt for Shared {
    fn read_at(&self, bytes: &mut [u8], place: u64) -> io::Result<usize> {
        let mut source = self.0.try_borrow_mut().map_err(io::Error::other)?;
        source.seek(SeekFrom::Start(place))?;
        source.read(bytes)
    }
}
