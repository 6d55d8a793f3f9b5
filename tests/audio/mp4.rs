//! MP4 files with odd tables and edit lists.

use genrelens::audio::decode;

use crate::helpers::{sample, with_box_changed as with};

/// 0.2 s at 44.1 kHz, 8820 frames, after 1024 of delay, with a movie of 1000 units a second.
fn m4a() -> Vec<u8> {
    sample("m4a.m4a")
}

/// The entry has 16 bits for the rate, so 88.2 and 96 kHz do not go in.
#[test]
fn the_rate_of_the_sample_entry_does_not_matter() {
    let whole = decode(&m4a()).unwrap();
    assert_eq!(whole.samples.len(), 8_820);
    for rate in [0_u32, 22_050, 48_000] {
        assert_eq!(decode(&with(m4a(), b"mp4a", 28, &(rate << 16).to_be_bytes())).unwrap(), whole);
    }
}

/// Interrupted recorders, and editors, leave a table of times that counts other packets than there are.
#[test]
fn a_table_of_times_with_too_few_packets_cuts_nothing() {
    let whole = decode(&m4a()).unwrap().samples;
    let unedited = with(m4a(), b"elst", 0, b"free");
    for bytes in [with(unedited, b"stts", 8, &[0, 0, 0, 3]), with(m4a(), b"stts", 4, &[0, 0, 0, 0])] {
        let samples = decode(&bytes).unwrap().samples;
        assert!(samples.len() >= 8_820, "{} frames", samples.len());
    }
    let edited = with(m4a(), b"stts", 8, &[0, 0, 0, 3]);
    assert_eq!(decode(&edited).unwrap().samples, whole);
}

/// Sound that an editor trimmed without decoding is still in the file.
#[test]
fn only_the_part_in_the_edit_list_is_decoded() {
    let whole = decode(&m4a()).unwrap().samples;
    let trimmed = |milliseconds: u32| decode(&with(m4a(), b"elst", 12, &milliseconds.to_be_bytes())).unwrap().samples;
    assert_eq!(trimmed(100), &whole[..4_410]);
    assert_eq!(trimmed(1), &whole[..44]);
    assert_eq!(trimmed(5_000), whole);
    // A duration of 0, as in fragmented files, whose edit lists are written before the end is known.
    assert_eq!(trimmed(0), whole);
    let moved = with(with(m4a(), b"elst", 12, &50_u32.to_be_bytes()), b"elst", 16, &(1_024_u32 + 2_205).to_be_bytes());
    assert_eq!(decode(&moved).unwrap().samples, &whole[2_205..4_410]);
}

#[test]
fn a_time_scale_of_zero_is_ignored() {
    for name in [b"mvhd", b"mdhd"] {
        assert!(decode(&with(m4a(), name, 16, &[0; 4])).unwrap().samples.len() >= 8_820);
    }
}
