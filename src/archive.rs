//! Archives of clips: the files in a `.zip`, one at a time, and what was left out; [`pack`] is the other way.
//!
//! rawzip walks the archive and flate2 inflates. Nothing in it is believed: every length is met by a limit on what was
//! really read, paths are only labels here and must stay inside the archive, and archives in it stay closed.

pub mod pack;

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
pub const MOST_FILE_BYTES: u64 = 512 << 20;

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

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::pack::Packer;
    use super::*;

    /// An archive made by another hand: deflated where `deflate`.
    fn made(files: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
        let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
        for (path, bytes) in files {
            let method = if deflate { CompressionMethod::DEFLATE } else { CompressionMethod::STORE };
            let path = rawzip::path::EntryPath::verbatim(path.as_bytes().to_vec());
            let (mut entry, config) = writer.new_file(path).compression_method(method).start().unwrap();
            let descriptor = if deflate {
                let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
                let mut data = config.wrap(encoder);
                data.write_all(bytes).unwrap();
                let (encoder, descriptor) = data.finish().unwrap();
                encoder.finish().unwrap();
                descriptor
            } else {
                let mut data = config.wrap(&mut entry);
                data.write_all(bytes).unwrap();
                data.finish().unwrap().1
            };
            entry.finish(descriptor).unwrap();
        }
        writer.finish().unwrap()
    }

    /// Paths with their bytes, and what was left out.
    type Emptied = (Vec<(String, Vec<u8>)>, Vec<String>);

    fn emptied(bytes: Vec<u8>, limits: Limits) -> Result<Emptied, ArchiveError> {
        let mut archive = Archive::open(Cursor::new(bytes), limits)?;
        let files = archive.by_ref().flatten().collect();
        Ok((files, archive.left_out()))
    }

    fn open(bytes: Vec<u8>) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
        emptied(bytes, Limits::default()).unwrap()
    }

    fn paths(files: &[(String, Vec<u8>)]) -> Vec<&str> {
        files.iter().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn stored_and_deflated_files_come_out_as_they_went_in() {
        let song: Vec<u8> = (0..100_000_u32).map(|place| (place / 7) as u8).collect();
        let files: [(&str, &[u8]); 2] = [("jazz/one.wav", &song), ("rock/two.wav", b"short")];
        for deflate in [true, false] {
            let (found, left_out) = open(made(&files, deflate));
            assert_eq!(left_out, [""; 0]);
            let expected = files.map(|(path, bytes)| (path.to_owned(), bytes.to_vec()));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_systems_leave_behind_is_passed_over_and_what_is_odd_is_said() {
        let files: [(&str, &[u8]); 8] = [
            ("__MACOSX/jazz/._one.wav", b"x"),
            ("jazz/.DS_Store", b"x"),
            ("jazz\\one.wav", b"fine"),
            ("../../etc/passwd", b"x"),
            ("/root.wav", b"x"),
            ("C:/x.wav", b"x"),
            ("jazz/more.ZIP", b"x"),
            ("jazz/\u{1b}[2J.wav", b"x"),
        ];
        let (found, left_out) = open(made(&files, true));
        assert_eq!(paths(&found), ["jazz/one.wav"]);
        assert_eq!(left_out.len(), 2, "{left_out:?}");
        assert!(
            left_out[0].starts_with("4 files were left out of the archive (../../etc/passwd, /root.wav, C:/x.wav, …)")
        );
        assert!(left_out[1].starts_with("1 file was left out of the archive (jazz/more.ZIP): an archive in"));
        assert!(!left_out.concat().chars().any(char::is_control));
    }

    #[test]
    fn no_length_is_believed_and_no_limit_passed() {
        let zeros = vec![0; 3 << 20];
        let bomb = made(&[("a/bomb.wav", &zeros), ("a/fine.wav", b"fine"), ("a/late.wav", b"12345678")], true);
        assert!(bomb.len() < 20_000, "{}", bomb.len());
        let limits = Limits { file_bytes: 1 << 20, all_bytes: 10, ..Limits::default() };
        let (found, left_out) = emptied(bomb.clone(), Limits { all_bytes: 4 << 20, ..limits }).unwrap();
        assert_eq!(paths(&found), ["a/fine.wav", "a/late.wav"]);
        assert!(left_out[0].contains("too large") && left_out[0].contains("bomb"), "{left_out:?}");
        let (found, left_out) = emptied(bomb.clone(), limits).unwrap();
        assert_eq!(paths(&found), ["a/fine.wav"]);
        assert!(left_out[0].starts_with("2 files") && left_out[0].contains("beyond the 4 GB"), "{left_out:?}");
        let few = emptied(bomb, Limits { files: 2, ..Limits::default() });
        assert!(matches!(few, Err(ArchiveError::TooLarge { most: 2 })));
    }

    #[test]
    fn a_file_that_is_larger_than_it_claims_is_damage_and_counts() {
        let zeros = vec![0; 3 << 20];
        let mut lying = made(&[("a/bomb.wav", &zeros), ("a/fine.wav", b"fine"), ("a/late.wav", b"12345678")], true);
        let at = central(&lying, "a/bomb.wav");
        lying[at + 24..at + 28].copy_from_slice(&5_u32.to_le_bytes());
        // Five bytes of the first count, and four of the next: seven are left, and eight are wanted.
        let mut archive = Archive::open(Cursor::new(lying), Limits { all_bytes: 16, ..Limits::default() }).unwrap();
        let taken: Vec<bool> = archive.by_ref().map(|file| file.is_some()).collect();
        assert_eq!(taken, [false, true, false], "every file is told, so that emptying can be given up after each");
        let left_out = archive.left_out();
        assert!(left_out[0].contains("late") && left_out[0].contains("beyond"), "{left_out:?}");
        assert!(left_out[1].contains("bomb") && left_out[1].ends_with("damaged in the archive."), "{left_out:?}");
    }

    /// Where a central record of this path begins.
    fn central(bytes: &[u8], path: &str) -> usize {
        let name = bytes.windows(path.len()).rposition(|window| window == path.as_bytes()).unwrap();
        assert_eq!(&bytes[name - 46..name - 42], b"PK\x01\x02");
        name - 46
    }

    #[test]
    fn lies_in_the_list_are_left_out_and_cost_no_memory() {
        let files: [(&str, &[u8]); 3] = [("a/one.wav", b"one"), ("a/two.wav", b"two"), ("a/six.wav", b"six")];
        let mut lying = made(&files, false);
        let at = central(&lying, "a/two.wav");
        // Four gigabytes, by the list.
        lying[at + 20..at + 28].copy_from_slice(&[0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfe]);
        let at = central(&lying, "a/six.wav");
        // A header that is not there.
        lying[at + 42..at + 46].copy_from_slice(&0x7fff_0000_u32.to_le_bytes());
        let (found, left_out) = open(lying);
        assert_eq!(paths(&found), ["a/one.wav"]);
        assert!(left_out[0].contains("a/two.wav") && left_out[0].contains("too large"), "{left_out:?}");
        assert!(left_out[1].contains("a/six.wav") && left_out[1].ends_with("damaged in the archive."), "{left_out:?}");
    }

    #[test]
    fn a_changed_byte_a_password_and_other_methods_are_told() {
        let files: [(&str, &[u8]); 4] =
            [("a/one.wav", b"intact"), ("a/two.wav", b"spoiled"), ("a/key.wav", b"k"), ("a/new.wav", b"n")];
        let mut bytes = made(&files, false);
        let spoiled = bytes.windows(7).position(|window| window == b"spoiled").unwrap();
        bytes[spoiled] ^= 1;
        let at = central(&bytes, "a/key.wav");
        bytes[at + 8] |= 1;
        let at = central(&bytes, "a/new.wav");
        bytes[at + 10] = 93;
        let (found, left_out) = open(bytes);
        assert_eq!(paths(&found), ["a/one.wav"]);
        assert_eq!(left_out.len(), 3, "{left_out:?}");
        for (sentence, word) in left_out.iter().zip(["encrypted", "not read here", "damaged"]) {
            assert!(sentence.contains(word), "{left_out:?}");
        }
    }

    #[test]
    fn what_is_no_archive_or_cut_off_is_refused_whatever_it_holds() {
        let whole = made(&[("a/one.wav", b"one"), ("b/two.wav", b"two")], true);
        for length in 0..whole.len() {
            assert!(matches!(emptied(whole[..length].to_vec(), Limits::default()), Err(ArchiveError::Malformed)));
        }
        assert!(emptied(b"RIFF0000WAVE".to_vec(), Limits::default()).is_err());
        // Whatever byte is changed, nothing panics and nothing grows.
        for place in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[place] ^= flip;
                if let Ok((files, _)) = emptied(changed, Limits::default()) {
                    assert!(files.iter().all(|(_, bytes)| bytes.len() <= 3));
                }
            }
        }
    }

    #[test]
    fn what_is_packed_here_is_opened_here() {
        let mut packer = Packer::default();
        let mut bytes = Vec::new();
        for (path, content) in [("jazz/été.wav", b"sound".as_slice()), ("genrelens-set.json", b"{}")] {
            bytes.extend(packer.header(path, rawzip::crc32(content), content.len() as u64).unwrap());
            bytes.extend(content);
        }
        bytes.extend(packer.finish());
        let (found, left_out) = open(bytes);
        assert_eq!((paths(&found), left_out.len()), (vec!["jazz/été.wav", "genrelens-set.json"], 0));
        assert_eq!(found[0].1, b"sound");
    }
}
