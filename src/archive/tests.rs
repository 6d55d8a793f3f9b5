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
    assert_eq!(left_out.len(), 3, "{left_out:?}");
    assert!(left_out[0].starts_with("3 files were left out of the archive (../../etc/passwd, /root.wav, C:/x.wav): "));
    assert!(left_out[1].contains("[2J.wav") && left_out[1].contains("control characters"), "{left_out:?}");
    assert!(left_out[2].starts_with("1 file was left out of the archive (jazz/more.ZIP): an archive within"));
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

/// An archive of files with these names, which are not in UTF-8, and perhaps with an extra field.
fn with_names(names: &[&[u8]], unicode_path: Option<&[u8]>) -> Vec<u8> {
    let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
    for name in names {
        let path = rawzip::path::EntryPath::verbatim(name.to_vec());
        let mut builder = writer.new_file(path).compression_method(CompressionMethod::STORE);
        if let Some(field) = unicode_path {
            let id = rawzip::extra_fields::ExtraFieldId::new(0x7075);
            builder = builder.extra_field(id, field, rawzip::Header::CENTRAL).unwrap();
        }
        let (mut entry, config) = builder.start().unwrap();
        let descriptor = config.wrap(&mut entry).finish().unwrap().1;
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn names_that_are_not_utf8_are_read_in_the_code_page_of_dos_that_gives_letters() {
    let read = |names: &[&[u8]]| {
        let (found, left_out) = open(with_names(names, None));
        (found.into_iter().map(|(path, _)| path).collect::<Vec<_>>(), left_out.concat())
    };
    let (german, said) = read(&[b"\x8erzte/1.wav", b"\x99strogen/1.wav", b"\x9abung/1.wav", b"plain/1.wav"]);
    assert_eq!(german, ["Ärzte/1.wav", "Östrogen/1.wav", "Übung/1.wav", "plain/1.wav"]);
    assert!(said.contains("code page 437 of DOS"), "{said}");
    // One page for all: the first name has letters in 437, too.
    let (western, said) = read(&[b"S\x9bren/1.wav", b"S\xc6o Paulo/1.wav"]);
    assert_eq!(western, ["Søren/1.wav", "São Paulo/1.wav"], "{said}");
    let (russian, said) = read(&[b"\x90\xae\xaa/\xaf\xa5\xe1\xad\xef.wav"]);
    assert_eq!(russian, ["Рок/песня.wav"], "{said}");
    let all: Vec<[u8; 2]> = (0x80..=0xff).map(|byte| [b'a', byte]).collect();
    let (mut found, _) = read(&all.iter().map(|name| name.as_slice()).collect::<Vec<_>>());
    found.sort();
    found.dedup();
    assert_eq!(found.len(), all.len(), "names that differ stay different");
    // Two letters in Shift-JIS whose second bytes are a backslash's.
    assert_eq!(read(&[b"\x83\x5c\x95\x5c/1.wav"]).0[0].matches('/').count(), 1);
    assert_eq!(read(&["Café/1.wav".as_bytes()]), (vec!["Café/1.wav".to_owned()], String::new()));
}

#[test]
fn the_unicode_path_of_info_zip_outranks_the_name() {
    let field =
        |name: &[u8], path: &str| [&[1], rawzip::crc32(name).to_le_bytes().as_slice(), path.as_bytes()].concat();
    let read = |name: &[u8], field: &[u8]| open(with_names(&[name], Some(field))).0.remove(0).0;
    assert_eq!(read(b"???/1.wav", &field(b"???/1.wav", "Рок/1.wav")), "Рок/1.wav");
    assert_eq!(read(b"renamed.wav", &field(b"before.wav", "Рок/1.wav")), "renamed.wav", "it belongs to another name");
    assert_eq!(read(b"plain.wav", &[1, 2]), "plain.wav");
    let (found, left_out) = open(with_names(&[b"safe.wav"], Some(&field(b"safe.wav", "../../etc/passwd"))));
    assert!(found.is_empty() && left_out[0].contains("leads out"), "{left_out:?}");
}

#[test]
fn names_that_begin_with_a_dot_are_no_system_files() {
    let files: [(&str, &[u8]); 4] = [
        ("rock/.38 Special.wav", b"x"),
        ("..But Seriously/one.wav", b"x"),
        ("rock/._left.wav", b"x"),
        ("What is this:/that.wav", b"x"),
    ];
    let (found, left_out) = open(made(&files, false));
    assert_eq!((paths(&found), left_out.len()), (files.map(|(path, _)| path).to_vec(), 0));
}

#[test]
fn an_archive_without_files_says_so() {
    let empty = Packer::default().finish();
    let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
    writer.new_dir(rawzip::path::EntryPath::verbatim(b"jazz/".to_vec())).create().unwrap();
    for bytes in [empty, writer.finish().unwrap(), made(&[("__MACOSX/._one.wav", b"x")], false)] {
        assert_eq!(open(bytes), (Vec::new(), vec!["The archive has no files in it, at most folders.".to_owned()]));
    }
}
