//! MP3 files as people have them: frames of every kind, tags at both ends, joined files, tags that count wrong.

use genrelens::audio::AudioError;

use crate::helpers::{decode_with_warnings as decoded, sample};

const NO_WARNINGS: [String; 0] = [];

/// Where the frames of `mp3-without-tags.mp3` begin; the last is its end. Every frame has 1152 samples.
const FRAMES: [usize; 10] = [0, 313, 627, 940, 1_254, 1_567, 1_881, 2_194, 2_508, 2_821];

/// Nine frames of joint stereo, 96 kbit/s at 44.1 kHz.
fn frames() -> Vec<u8> {
    sample("mp3-without-tags.mp3")
}

fn loudest(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |loudest, sample| loudest.max(sample.abs()))
}

/// The headers of `mp3-block-types.mp3`, twelve frames of 432 bytes in two independent channels, with another mode.
fn block_types(mode: u8) -> Vec<u8> {
    let mut bytes = sample("mp3-block-types.mp3");
    bytes.chunks_exact_mut(432).for_each(|frame| frame[3] = frame[3] & 0x0F | mode);
    bytes
}

/// ISO 11172-3, 2.4.1.7: each channel tells its own blocks, also in joint stereo.
#[test]
fn joint_stereo_frames_whose_channels_differ_in_their_blocks_are_heard() {
    let independent = decoded(&sample("mp3-block-types.mp3")).unwrap();
    assert_eq!((independent.0.len(), &independent.1[..]), (12 * 1_152, &NO_WARNINGS[..]));
    // Stereo, joint stereo without middle and side, and two channels: the same samples, to the bit.
    for mode in [0x00, 0x40, 0x80] {
        assert_eq!(decoded(&block_types(mode)).unwrap(), independent);
    }
    // With middle and side.
    let (samples, warnings) = decoded(&block_types(0x60)).unwrap();
    assert_eq!((samples.len(), &warnings[..]), (12 * 1_152, &NO_WARNINGS[..]));
    // Blocks of frames 6 to 8 differ.
    assert!(samples[6 * 1_152..9 * 1_152].chunks(576).all(|granule| loudest(granule) > 0.01));
}

/// As an editor writes silence: no data, but scale factors that would have bits.
#[test]
fn frames_without_data_are_silence_and_no_damage() {
    let silent = [
        b"\xFF\xFB\x90\x44".as_slice(),
        b"\0\0\0\0\0\0\x78\0\0\0\0\0\0\0\x0F\0\0\0\0\0\0\x01\xE0\0\0\0\0\0\0\x3C\0\0",
        &[0; 381],
    ]
    .concat();
    let (samples, warnings) = decoded(&[frames(), silent.repeat(20)].concat()).unwrap();
    assert_eq!((samples.len(), &warnings[..]), (29 * 1_152, &NO_WARNINGS[..]));
    assert!(loudest(&samples[..9 * 1_152]) > 0.3 && loudest(&samples[11 * 1_152..]) == 0.0);
    let (samples, warnings) = decoded(&[silent.repeat(20), frames()].concat()).unwrap();
    assert_eq!((samples.len(), &warnings[..]), (29 * 1_152, &NO_WARNINGS[..]));
    assert!(loudest(&samples[..20 * 1_152]) == 0.0 && loudest(&samples[21 * 1_152..]) > 0.3);
}

fn id3v1() -> Vec<u8> {
    [b"TAG".as_slice(), &[b' '; 125]].concat()
}

/// An APEv2 tag around `item`.
fn ape(item: &[u8], header: bool) -> Vec<u8> {
    let length = (item.len() as u32 + 32).to_le_bytes();
    let part = |flags: u32| {
        [b"APETAGEX\xD0\x07\0\0".as_slice(), &length, &[1, 0, 0, 0], &flags.to_le_bytes(), &[0; 8]].concat()
    };
    let (first, last) = if header { (part(0xA000_0000), part(0x8000_0000)) } else { (Vec::new(), part(0)) };
    [&first, item, &last].concat()
}

fn id3v2(body: &[u8], footer: bool) -> Vec<u8> {
    let length = [21, 14, 7, 0].map(|shift| (body.len() >> shift & 0x7F) as u8);
    let part = |name: &[u8], flags: u8| [name, &[4, 0, flags], &length].concat();
    let last = if footer { part(b"3DI", 0x10) } else { Vec::new() };
    [part(b"ID3", if footer { 0x10 } else { 0 }), body.to_vec(), last].concat()
}

fn lyrics() -> Vec<u8> {
    [b"LYRICSBEGININD0000200".as_slice(), b"000021", b"LYRICS200"].concat()
}

/// Covers hold what looks like frames: here, frames.
#[test]
fn tags_at_the_end_and_between_frames_are_no_sound() {
    let (whole, cover) = (decoded(&frames()).unwrap(), frames().repeat(4));
    let tags = [
        id3v1(),
        ape(&cover, true),
        ape(&cover, false),
        id3v2(&cover, true),
        [ape(&cover, true), id3v1()].concat(),
        [ape(&cover, false), lyrics(), id3v1()].concat(),
        [id3v2(&cover, true), ape(b"x", true), id3v1()].concat(),
    ];
    for tag in &tags {
        assert_eq!(decoded(&[frames(), tag.clone()].concat()).unwrap(), whole);
    }
    let (before, after) = (frames()[..FRAMES[4]].to_vec(), frames()[FRAMES[4]..].to_vec());
    for tag in [id3v1(), ape(&cover, true), id3v2(&cover, false), [id3v1(), id3v2(&cover, false)].concat()] {
        assert_eq!(decoded(&[before.clone(), tag, after.clone()].concat()).unwrap(), whole);
    }
}

#[test]
fn bytes_behind_the_last_frame_that_are_no_tag_are_no_damage() {
    let whole = decoded(&frames()).unwrap();
    for rest in [vec![0; 5_000], vec![0xFF; 5_000], b"\xFF\xFB\x90\x44 and text".to_vec(), frames()[..200].to_vec()] {
        let (samples, warnings) = decoded(&[frames(), rest].concat()).unwrap();
        assert_eq!((&samples[..], warnings), (&whole.0[..], whole.1.clone()));
    }
}

#[test]
fn a_change_of_channels_in_the_middle_is_heard() {
    let (stereo, mono) = (frames(), sample("mp3-vbr-mono.mp3"));
    let mono_frames = decoded(&mono).unwrap().0.len();
    for file in [[stereo.clone(), mono.clone()].concat(), [mono, stereo].concat()] {
        let (samples, warnings) = decoded(&file).unwrap();
        assert!(samples.len() >= 9 * 1_152 + mono_frames, "{}", samples.len());
        // Both begin and end with silence.
        assert!(samples.chunks(1_152).filter(|part| loudest(part) < 0.2).count() <= 5);
        assert_eq!(warnings, NO_WARNINGS);
    }
}

#[test]
fn what_has_another_sample_rate_is_left_out_and_named_as_such() {
    let (fast, slow) = (frames(), sample("mp3-mpeg2.mp3"));
    let (samples, warnings) = decoded(&[fast.clone(), slow.clone()].concat()).unwrap();
    assert_eq!(samples, decoded(&fast).unwrap().0);
    let sentence = "The file's sample rate changes from 44100 to 22050 Hz at 0.2 s; 0.3 s were left out.";
    assert_eq!(warnings, [sentence]);
    // What comes after it at the first rate is heard.
    let (samples, warnings) = decoded(&[fast.clone(), slow, fast].concat()).unwrap();
    assert!(samples.len() == 18 * 1_152 && loudest(&samples[11 * 1_152..]) > 0.3);
    assert_eq!(warnings, [sentence]);
}

/// Byte 56 + 8 of `mp3.mp3`, behind its ID3 tag of 20: the number of frames in its Info tag.
fn counting(frames: u32) -> Vec<u8> {
    let mut bytes = sample("mp3.mp3");
    let at = bytes.windows(4).position(|window| matches!(window, b"Info" | b"Xing")).unwrap();
    bytes[at + 8..at + 12].copy_from_slice(&frames.to_be_bytes());
    bytes
}

#[test]
fn a_tag_that_counts_too_few_frames_cuts_nothing() {
    let whole = decoded(&sample("mp3.mp3")).unwrap().0;
    assert_eq!(whole.len(), 8_820);
    for count in [0, 1, 4, 5, 7] {
        let (samples, warnings) = decoded(&counting(count)).unwrap();
        assert!(samples.len() > 8_820 && samples.starts_with(&whole), "{count}: {}", samples.len());
        assert_eq!(warnings, NO_WARNINGS);
    }
    let (samples, warnings) = decoded(&counting(900)).unwrap();
    assert!(samples.starts_with(&whole) && warnings.len() == 1, "{warnings:?}");
}

/// ISO 11172-3, 2.4.2.3: index 0 leaves the bit rate open, and the next header tells the length.
#[test]
fn free_bit_rates_are_heard() {
    let mut free = frames();
    for at in &FRAMES[..9] {
        free[at + 2] &= 0x0F;
    }
    let whole = decoded(&frames()).unwrap();
    assert_eq!(decoded(&free).unwrap(), whole);
    assert_eq!(decoded(&[vec![0; 3_000], free.clone()].concat()).unwrap(), whole);
    assert_eq!(decoded(&[free, id3v1()].concat()).unwrap(), whole);
}

/// Its first frames depend on others that are missing: they are silent, and no damage of the file.
#[test]
fn a_file_cut_from_a_stream_is_not_damaged() {
    let (samples, warnings) = decoded(&frames()[FRAMES[6] + 50..]).unwrap();
    assert!(samples.len() == 2 * 1_152 && warnings.is_empty(), "{} {warnings:?}", samples.len());
    let alone = decoded(&frames()[FRAMES[8]..]);
    assert!(matches!(&alone, Err(AudioError::Malformed(_))));
    let sentence = "it is an MP3 file with a damaged beginning (it depends on sound before it, which is missing);";
    assert!(alone.unwrap_err().to_string().starts_with(sentence));
}

#[test]
fn a_damaged_header_costs_one_frame() {
    let whole = decoded(&frames()).unwrap().0;
    let mut bytes = frames();
    bytes[FRAMES[2]] = 0;
    let (samples, warnings) = decoded(&bytes).unwrap();
    assert_eq!(samples.len(), whole.len());
    assert!(warnings[0].ends_with("replaced by silence."), "{warnings:?}");
}
