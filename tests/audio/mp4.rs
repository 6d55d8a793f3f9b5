//! MP4 files with odd tables and edit lists.

use genrelens::audio::decode;

use crate::helpers::{decode_with_warnings, sample, with_box_changed as with};

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

/// A box: its length, its name, its body.
fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
}

/// A table's box: its version, its number of entries, and its entries.
fn table(name: &[u8; 4], entries: &[&[u32]]) -> Vec<u8> {
    let numbers = entries.concat().into_iter().flat_map(u32::to_be_bytes).collect::<Vec<_>>();
    boxed(name, &[&[0; 4], (entries.len() as u32).to_be_bytes().as_slice(), &numbers].concat())
}

/// A file of these packets, of which the movie's tables describe the first `described`; fragments of two packets each hold
/// the rest. Each lasts `units` at `rate` units a second.
fn movie(packets: &[&[u8]], described: usize, entry: &[u8], rate: u32, units: u32) -> Vec<u8> {
    let (first, rest) = packets.split_at(described);
    let ftyp = boxed(b"ftyp", b"isom\0\0\0\0");
    let mdat = boxed(b"mdat", &first.concat());
    let sizes: Vec<u32> = first.iter().map(|packet| packet.len() as u32).collect();
    let stsz = boxed(
        b"stsz",
        &[0, 0, described as u32].iter().chain(&sizes).flat_map(|n| n.to_be_bytes()).collect::<Vec<_>>(),
    );
    let stbl = [
        boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], entry].concat()),
        table(b"stts", &[&[described as u32, units]]),
        table(b"stsc", &[&[1, described as u32, 1]]),
        stsz,
        table(b"stco", &[&[ftyp.len() as u32 + 8]]),
    ];
    let header =
        |numbers: [u32; 4]| [[0; 4].as_slice(), numbers.map(u32::to_be_bytes).as_flattened(), &[0; 80]].concat();
    let mdia = [
        boxed(b"mdhd", &header([0, 0, rate, described as u32 * units])),
        boxed(b"hdlr", b"\0\0\0\0\0\0\0\0soun\0\0\0\0"),
        boxed(b"minf", &boxed(b"stbl", &stbl.concat())),
    ];
    let trak = [boxed(b"tkhd", &header([0, 0, 7, 0])), boxed(b"mdia", &mdia.concat())];
    let trex = boxed(b"trex", &[0_u32, 7, 1, units, 0, 0].map(u32::to_be_bytes).concat());
    let extended = if rest.is_empty() { Vec::new() } else { boxed(b"mvex", &trex) };
    let moov = [boxed(b"mvhd", &header([0, 0, 1_000, 0])), boxed(b"trak", &trak.concat()), extended];
    let mut file = [ftyp, mdat, boxed(b"moov", &moov.concat())].concat();
    for packets in rest.chunks(2) {
        let fragment = |offset: u32| {
            // Another track's part first. Offsets count from the fragment; packets have a duration and a size.
            let other = [boxed(b"tfhd", &[0, 8_u32].map(u32::to_be_bytes).concat()), table(b"trun", &[])].concat();
            let sizes = packets.iter().flat_map(|packet| [units, packet.len() as u32]);
            let run: Vec<u32> = [0x301, packets.len() as u32, offset].into_iter().chain(sizes).collect();
            let run = boxed(b"trun", &run.into_iter().flat_map(u32::to_be_bytes).collect::<Vec<_>>());
            let part = [boxed(b"tfhd", &[0x2_0000, 7_u32].map(u32::to_be_bytes).concat()), run].concat();
            boxed(b"moof", &[boxed(b"traf", &other), boxed(b"traf", &part)].concat())
        };
        let length = fragment(0).len() as u32;
        file.extend([fragment(length + 8), boxed(b"mdat", &packets.concat())].concat());
    }
    file
}

/// The packets of `m4a.m4a`, and its sample entry.
fn packets(bytes: &[u8]) -> (Vec<&[u8]>, Vec<u8>) {
    let place = |name: &[u8; 4]| bytes.windows(4).position(|window| window == name).unwrap() + 4;
    let number = |at: usize| u32::from_be_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    let (sizes, mut at) = (place(b"stsz"), number(place(b"stco") + 8));
    let mut found = Vec::new();
    for index in 0..number(sizes + 8) {
        let size = number(sizes + 12 + 4 * index);
        found.push(&bytes[at..at + size]);
        at += size;
    }
    let entry = place(b"stsd") + 8;
    (found, bytes[entry..entry + number(entry)].to_vec())
}

/// ffmpeg's `frag_keyframe` alone: the first second in the movie's tables, the rest in fragments.
#[test]
fn fragments_behind_a_movie_are_heard_too() {
    let bytes = m4a();
    let (packets, entry) = packets(&bytes);
    let whole = decode_with_warnings(&movie(&packets, packets.len(), &entry, 44_100, 1_024)).unwrap();
    assert_eq!((whole.0.len(), whole.1.len()), (packets.len() * 1_024, 0));
    for described in [1, 4, packets.len() - 1] {
        let hybrid = movie(&packets, described, &entry, 44_100, 1_024);
        assert_eq!(decode_with_warnings(&hybrid).unwrap(), whole, "{described} described");
        // Cut anywhere, it is no more than shorter.
        let first = hybrid.windows(4).position(|window| window == b"moof").unwrap();
        for cut in (first..hybrid.len()).step_by(61) {
            assert!(
                whole.0.starts_with(&decode(&hybrid[..cut]).unwrap().samples),
                "{described} described, cut at {cut}"
            );
        }
    }
}

#[test]
fn mp3_in_an_mp4_file_has_the_rate_of_its_frames() {
    let frames = sample("mp3-without-tags.mp3");
    let starts = [0, 313, 627, 940, 1_254, 1_567, 1_881, 2_194, 2_508, 2_821];
    let packets: Vec<&[u8]> = starts.windows(2).map(|range| &frames[range[0]..range[1]]).collect();
    let whole = decode(&frames).unwrap();
    for rate in [44_100_u32, 22_050, 0] {
        let entry = [&[0; 24], (rate << 16).to_be_bytes().as_slice()].concat();
        let entry = boxed(b".mp3", &entry);
        assert_eq!(decode(&movie(&packets, 9, &entry, 44_100, 1_152)).unwrap(), whole);
    }
}

/// The index is written last.
#[test]
fn a_recording_that_was_never_finished_is_named_as_such() {
    let bytes = m4a();
    let moov = bytes.windows(4).position(|window| window == b"moov").unwrap() - 4;
    let mut open_end = bytes[..moov].to_vec();
    let mdat = open_end.windows(4).position(|window| window == b"mdat").unwrap();
    open_end[mdat - 4..mdat].fill(0);
    for cut in [bytes[..moov].to_vec(), bytes[..moov / 2].to_vec(), open_end] {
        let sentence = decode(&cut).unwrap_err().to_string();
        assert!(sentence.starts_with("it is an M4A or MP4 file without its 'moov' box, which says"), "{sentence}");
    }
}
