//! FLAC files whose metadata is odd or whose frames are damaged.

use std::io::Cursor;

use genrelens::audio::{AudioError, decode, open};

use crate::helpers::{decode_with_warnings, sample};

/// Where the frames of `flac.flac` begin. Each has 192 samples of 800 in all, the last one 32.
const FRAMES: [usize; 5] = [8_256, 8_552, 8_838, 9_130, 9_387];

fn flac() -> Vec<u8> {
    sample("flac.flac")
}

fn decoded(bytes: &[u8]) -> (Vec<f32>, Vec<String>) {
    decode_with_warnings(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// The stream information of `flac.flac`, metadata blocks of a type and a body each, and its frames.
fn with_metadata(blocks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let bytes = flac();
    let mut made = bytes[..42].to_vec();
    for (index, (kind, body)) in blocks.iter().enumerate() {
        let last = if index + 1 == blocks.len() { 0x80 } else { 0 };
        made.push(last | kind);
        made.extend(&(body.len() as u32).to_be_bytes()[1..]);
        made.extend(body);
    }
    made.extend(&bytes[FRAMES[0]..]);
    made
}

/// A comment block's body (RFC 9639, 8.6).
fn comments(comments: &[&[u8]]) -> Vec<u8> {
    let field = |bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes(), bytes].concat();
    let mut body = field(b"made-up");
    body.extend((comments.len() as u32).to_le_bytes());
    body.extend(comments.iter().flat_map(|comment| field(comment)));
    body
}

#[test]
fn tags_are_skipped_whatever_they_contain() {
    let whole = decoded(&flac());
    let padded = [comments(&[b"TITLE=made-up"]), vec![0; 50]].concat();
    let claims_gigabytes = [b"\x07\0\0\0made-up\xFF\xFF\xFF\xFF".as_slice(), b"\xFF\xFF\xFF\x7F"].concat();
    for blocks in [
        vec![(4, comments(&[b"TITLE=Caf\xE9"]))],
        vec![(4, comments(&[b"no equals sign"]))],
        vec![(4, comments(&[])), (4, comments(&[]))],
        vec![(4, padded)],
        vec![(4, claims_gigabytes)],
        vec![(2, vec![7; 12_000_000])],
        vec![(6, vec![0xFF; 100]), (99, vec![0xF8; 3]), (1, Vec::new())],
    ] {
        assert_eq!(decoded(&with_metadata(&blocks)), whole);
    }
}

/// A picture too long for its length of 24 bits: the walk ends within it, and the first frame is searched for.
#[test]
fn a_block_with_a_wrong_length_is_skipped() {
    let mut bytes = with_metadata(&[(6, vec![0xFF; 5_000])]);
    bytes[44..46].copy_from_slice(&1_000_u16.to_be_bytes());
    let (samples, warnings) = decoded(&bytes);
    assert_eq!(samples, decoded(&flac()).0);
    assert_eq!(warnings, ["The file is damaged in 1 place: 4000 bytes were skipped."]);
}

#[test]
fn a_damaged_frame_is_silent_and_what_follows_keeps_its_time() {
    let whole = decode(&flac()).unwrap().samples;
    for damaged in 0..4 {
        let mut bytes = flac();
        bytes[FRAMES[damaged] + 100..][..20].fill(0xAA);
        let (samples, warnings) = decoded(&bytes);
        let mut expected = whole.clone();
        expected[damaged * 192..][..192].fill(0.0);
        assert_eq!(samples, expected, "frame {damaged}");
        assert!(warnings[0].starts_with("The file is damaged in 1 place: 2"), "{warnings:?}");
    }
    let mut bytes = flac();
    for damaged in [1, 3] {
        bytes[FRAMES[damaged] + 100] ^= 1;
    }
    let expected = "The file is damaged in 2 places: 543 bytes were skipped and replaced by 0.0 s of silence.";
    assert_eq!(decoded(&bytes).1, [expected]);
}

#[test]
fn bytes_between_frames_and_missing_frames_are_skipped() {
    let whole = decode(&flac()).unwrap().samples;
    let bytes = flac();
    let (before, after) = bytes.split_at(FRAMES[2]);
    assert_eq!(decoded(&[before, &[0xFF; 60_000], after].concat()).0, whole);
    // Part of one frame and of the next are gone.
    let (samples, _) = decoded(&[&bytes[..FRAMES[1] + 50], &bytes[FRAMES[2] + 50..]].concat());
    assert_eq!((samples.len(), &samples[576..]), (800, &whole[576..]));
    assert!(samples[192..576].iter().all(|&sample| sample == 0.0));
}

#[test]
fn a_file_without_a_complete_frame_is_refused_with_a_reason() {
    let refusal = |bytes: &[u8]| open(Cursor::new(bytes.to_vec())).err().unwrap();
    let mut bytes = flac()[..FRAMES[1]].to_vec();
    bytes[FRAMES[0] + 100] ^= 1;
    assert!(
        refusal(&bytes).to_string().starts_with("it is a FLAC file with a damaged beginning (frame CRC mismatch);")
    );
    let cut = refusal(&flac()[..FRAMES[0] + 100]);
    assert!(cut.to_string().starts_with("it is a FLAC file with a damaged beginning (it ends);"), "{cut}");
    assert!(refusal(&flac()[..FRAMES[0]]).to_string().starts_with("the file contains no audio;"));
}

/// The page passes unsupported files to the browser's decoder.
#[test]
fn samples_of_more_than_24_bits_are_unsupported() {
    let mut bytes = flac();
    bytes[20] |= 1;
    bytes[21] |= 0xF0;
    let error = decode(&bytes).unwrap_err();
    assert!(matches!(error, AudioError::Unsupported(_)));
    assert!(
        error
            .to_string()
            .starts_with("it is a FLAC file with samples of 32 bits, but only up to 24 bits are supported;")
    );
}

#[test]
fn tags_after_the_last_frame_are_no_damage() {
    let whole = decoded(&flac());
    let tag = [b"TAG".as_slice(), &[b' '; 125]].concat();
    assert_eq!(decoded(&[flac(), tag.clone()].concat()), whole);
    let mut unknown = flac();
    unknown[21..26].copy_from_slice(&[0xF0, 0, 0, 0, 0]);
    assert_eq!(decoded(&[unknown, tag].concat()), whole);
}
