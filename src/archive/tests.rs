use std::io::{Cursor, Write};

use super::pack::Packer;
use super::*;

/// An archive that rawzip wrote: deflated if `deflate`, else stored.
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

/// Paths with their bytes, and the sentences about what was left out.
type Unpacked = (Vec<(String, Vec<u8>)>, Vec<String>);

fn unpacked(bytes: Vec<u8>, limits: Limits) -> Result<Unpacked, ArchiveError> {
    let mut archive = Archive::open(Cursor::new(bytes), limits)?;
    let files = archive.by_ref().flatten().collect();
    Ok((files, archive.left_out()))
}

fn open(bytes: Vec<u8>) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
    unpacked(bytes, Limits::default()).unwrap()
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
fn system_files_are_skipped_silently_and_odd_paths_with_a_sentence() {
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
    assert!(left_out[0].starts_with("4 files were left out of the archive (../../etc/passwd, /root.wav, C:/x.wav, …)"));
    assert!(left_out[1].starts_with("1 file was left out of the archive (jazz/more.ZIP): an archive within"));
    assert!(!left_out.concat().chars().any(char::is_control));
}

#[test]
fn no_limit_is_exceeded_whatever_the_headers_claim() {
    let zeros = vec![0; 3 << 20];
    let bomb = made(&[("a/bomb.wav", &zeros), ("a/fine.wav", b"fine"), ("a/late.wav", b"12345678")], true);
    assert!(bomb.len() < 20_000, "{}", bomb.len());
    let limits = Limits { file_bytes: 1 << 20, all_bytes: 10, ..Limits::default() };
    let (found, left_out) = unpacked(bomb.clone(), Limits { all_bytes: 4 << 20, ..limits }).unwrap();
    assert_eq!(paths(&found), ["a/fine.wav", "a/late.wav"]);
    assert!(left_out[0].contains("too large") && left_out[0].contains("bomb"), "{left_out:?}");
    let (found, left_out) = unpacked(bomb.clone(), limits).unwrap();
    assert_eq!(paths(&found), ["a/fine.wav"]);
    assert!(left_out[0].starts_with("2 files") && left_out[0].contains("beyond the 4 GB"), "{left_out:?}");
    let few = unpacked(bomb, Limits { files: 2, ..Limits::default() });
    assert!(matches!(few, Err(ArchiveError::TooLarge { most: 2 })));
}

#[test]
fn a_file_larger_than_it_claims_is_damaged_and_counts() {
    let zeros = vec![0; 3 << 20];
    let mut lying = made(&[("a/bomb.wav", &zeros), ("a/fine.wav", b"fine"), ("a/late.wav", b"12345678")], true);
    let at = central(&lying, "a/bomb.wav");
    lying[at + 24..at + 28].copy_from_slice(&5_u32.to_le_bytes());
    // Five bytes of the first count, and four of the next: seven are left, and eight are wanted.
    let mut archive = Archive::open(Cursor::new(lying), Limits { all_bytes: 16, ..Limits::default() }).unwrap();
    let taken: Vec<bool> = archive.by_ref().map(|file| file.is_some()).collect();
    assert_eq!(taken, [false, true, false], "every file is an item, so that unpacking can be cancelled after each");
    let left_out = archive.left_out();
    assert!(left_out[0].contains("late") && left_out[0].contains("beyond"), "{left_out:?}");
    assert!(left_out[1].contains("bomb") && left_out[1].ends_with("damaged in the archive."), "{left_out:?}");
}

/// Where the central directory record of this path begins.
fn central(bytes: &[u8], path: &str) -> usize {
    let name = bytes.windows(path.len()).rposition(|window| window == path.as_bytes()).unwrap();
    assert_eq!(&bytes[name - 46..name - 42], b"PK\x01\x02");
    name - 46
}

#[test]
fn entries_with_false_sizes_and_positions_are_left_out() {
    let files: [(&str, &[u8]); 3] = [("a/one.wav", b"one"), ("a/two.wav", b"two"), ("a/six.wav", b"six")];
    let mut lying = made(&files, false);
    let at = central(&lying, "a/two.wav");
    // Four gigabytes, says the list.
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
fn damaged_encrypted_and_unsupported_files_are_reported() {
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
    for (sentence, word) in left_out.iter().zip(["encrypted", "not supported", "damaged"]) {
        assert!(sentence.contains(word), "{left_out:?}");
    }
}

#[test]
fn other_files_and_archives_that_are_cut_off_are_refused() {
    let whole = made(&[("a/one.wav", b"one"), ("b/two.wav", b"two")], true);
    for length in 0..whole.len() {
        assert!(matches!(unpacked(whole[..length].to_vec(), Limits::default()), Err(ArchiveError::Malformed)));
    }
    assert!(unpacked(b"RIFF0000WAVE".to_vec(), Limits::default()).is_err());
    // Whatever byte is changed, nothing panics and nothing grows.
    for place in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[place] ^= flip;
            if let Ok((files, _)) = unpacked(changed, Limits::default()) {
                assert!(files.iter().all(|(_, bytes)| bytes.len() <= 3));
            }
        }
    }
}

#[test]
fn packed_files_are_unpacked() {
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
