//! Every variant of every supported format, by one sample file each; `data/audio/make.py` made them.

use std::f64::consts::TAU;
use std::io::{Cursor, Read, Seek, SeekFrom};

use genrelens::audio::{decode, open};

use crate::helpers::{decode_with_warnings, sample};

/// The content of the sample files: 440 Hz at 0.5 in the left or only channel, 880 Hz at 0.25 in the right one.
fn expected(channels: usize, sample_rate: u32, frames: usize) -> Vec<f32> {
    let tone = |second: f64, hz: f64, loudness: f64| loudness * (TAU * hz * second).sin();
    let frame = |frame: usize| {
        let second = frame as f64 / f64::from(sample_rate);
        let (left, right) = (tone(second, 440.0, 0.5), tone(second, 880.0, 0.25));
        (if channels == 1 { left } else { (left + right) / 2.0 }) as f32
    };
    (0..frames).map(frame).collect()
}

/// Signal to noise in dB: a tone that is late by one sample at 44.1 kHz has 24.
fn signal_to_noise(found: &[f32], expected: &[f32]) -> f64 {
    let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum::<f64>();
    let signal = power(&mut expected.iter().map(|&sample| f64::from(sample)));
    let noise = power(&mut found.iter().zip(expected).map(|(&found, &expected)| f64::from(found - expected)));
    10.0 * (signal / noise.max(1e-30)).log10()
}

/// Files of 400 frames at 8 kHz without compression, their channels, and the largest error of a sample.
const UNCOMPRESSED: &[(&str, usize, f32)] = &[
    ("wav-u8.wav", 1, 1.0 / 128.0),
    ("wav-s12.wav", 2, 1.0 / 2_048.0),
    ("wav-s16.wav", 2, 1.0 / 32_768.0),
    ("wav-s20.wav", 2, 1.0 / 524_288.0),
    ("wav-s24.wav", 2, 2e-7),
    ("wav-s24-in-32.wav", 2, 2e-7),
    ("wav-s24-in-32-left.wav", 2, 2e-7),
    ("wav-s20-right.wav", 2, 1.0 / 524_288.0),
    ("wav-block-align-in-bits.wav", 2, 1.0 / 32_768.0),
    ("wav-extensible-short.wav", 2, 1.0 / 32_768.0),
    ("wav-s32.wav", 2, 1e-7),
    ("wav-f32.wav", 2, 1e-7),
    ("wav-f64.wav", 2, 1e-7),
    ("wav-alaw.wav", 2, 0.02),
    ("wav-mulaw.wav", 2, 0.02),
    ("wav-extensible-s16.wav", 2, 1.0 / 32_768.0),
    ("wav-extensible-s20.wav", 2, 1.0 / 524_288.0),
    ("wav-extensible-s24-in-32.wav", 2, 2e-7),
    ("wav-extensible-f32.wav", 2, 1e-7),
    ("wav-extensible-f64.wav", 2, 1e-7),
    ("wav-extensible-alaw.wav", 2, 0.02),
    ("wav-extensible-mulaw.wav", 2, 0.02),
    ("wav-many-chunks.wav", 2, 1.0 / 32_768.0),
    ("wav-odd-without-pad.wav", 2, 1.0 / 32_768.0),
    ("wav-odd-pad-not-zero.wav", 2, 1.0 / 32_768.0),
    ("wav-data-first.wav", 2, 1.0 / 32_768.0),
    ("wav-sizes-zero.wav", 2, 1.0 / 32_768.0),
    ("wav-sizes-unknown.wav", 2, 1.0 / 32_768.0),
    ("wav-sizes-off.wav", 2, 1.0 / 32_768.0),
    ("rifx-s16.wav", 2, 1.0 / 32_768.0),
    ("rifx-s24-in-32-left.wav", 2, 2e-7),
    ("rifx-f64.wav", 1, 1e-7),
    ("rf64.wav", 2, 1.0 / 32_768.0),
    ("rf64-table.wav", 2, 1.0 / 32_768.0),
    ("bw64.wav", 2, 1.0 / 32_768.0),
    ("au-mulaw.au", 2, 0.02),
    ("au-s8.au", 2, 1.0 / 128.0),
    ("au-s16.au", 2, 1.0 / 32_768.0),
    ("au-s24.au", 2, 2e-7),
    ("au-s32.au", 2, 1e-7),
    ("au-f32.au", 2, 1e-7),
    ("au-f64.au", 1, 1e-7),
    ("au-alaw.au", 2, 0.02),
    ("au-size-unknown.au", 2, 1.0 / 32_768.0),
    ("au-long-annotation.au", 2, 1.0 / 32_768.0),
    ("au-no-annotation.au", 2, 1.0 / 32_768.0),
    ("aiff-s8.aiff", 2, 1.0 / 128.0),
    ("aiff-s12.aiff", 2, 1.0 / 2_048.0),
    ("aiff-s16.aiff", 2, 1.0 / 32_768.0),
    ("aiff-s24.aiff", 2, 2e-7),
    ("aiff-s32.aiff", 2, 1e-7),
    ("aifc-none.aiff", 2, 1.0 / 32_768.0),
    ("aifc-sowt.aiff", 2, 1.0 / 32_768.0),
    ("aifc-raw.aiff", 2, 1.0 / 128.0),
    ("aifc-in24.aiff", 2, 2e-7),
    ("aifc-fl32.aiff", 2, 1e-7),
    ("aifc-fl64.aiff", 1, 1e-7),
    ("aifc-alaw.aiff", 2, 0.02),
    ("aifc-ulaw.aiff", 2, 0.02),
    ("aiff-frames-unknown.aiff", 2, 1.0 / 32_768.0),
    ("aiff-sizes-zero.aiff", 2, 1.0 / 32_768.0),
    ("flac-escape.flac", 2, 1.0 / 32_768.0),
];

#[test]
fn uncompressed_files_are_exact_to_their_quantisation() {
    for &(name, channels, tolerance) in UNCOMPRESSED {
        let clip = decode(&sample(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((clip.sample_rate, clip.samples.len()), (8_000, 400), "{name}");
        for (index, (found, expected)) in clip.samples.iter().zip(expected(channels, 8_000, 400)).enumerate() {
            assert!((found - expected).abs() <= tolerance, "{name}, sample {index}: {found}, expected {expected}");
        }
    }
}

/// A compressed file: channels, rate in Hz, frames, the frame at which its sound begins, and the lowest signal-to-noise
/// ratio in dB.
type Compressed = (&'static str, usize, u32, usize, usize, f64);

/// ADTS and untagged MP3 do not tell the encoder's delay; ADPCM without a `fact` chunk not the last block's padding.
const COMPRESSED: &[Compressed] = &[
    ("wav-ima.wav", 2, 8_000, 2_241, 0, 20.0),
    ("wav-ima-mono.wav", 1, 8_000, 2_020, 0, 20.0),
    ("wav-ms.wav", 2, 8_000, 2_196, 0, 20.0),
    ("wav-ms-mono.wav", 1, 8_000, 2_000, 0, 20.0),
    ("mp3.mp3", 2, 44_100, 8_820, 0, 20.0),
    ("mp3-vbr-mono.mp3", 1, 44_100, 8_820, 0, 20.0),
    ("mp3-mpeg2.mp3", 2, 22_050, 4_410, 0, 20.0),
    ("mp3-without-tags.mp3", 2, 44_100, 10_368, 1_105, 20.0),
    ("aac.aac", 2, 44_100, 10_240, 1_024, 20.0),
    ("m4a.m4a", 2, 44_100, 8_820, 0, 20.0),
    ("m4a-moov-first.m4a", 2, 44_100, 8_820, 0, 20.0),
    ("alac.m4a", 2, 22_050, 2_205, 0, 80.0),
    ("alac-24.m4a", 2, 22_050, 1_102, 0, 120.0),
    ("flac.flac", 2, 16_000, 800, 0, 80.0),
    ("flac-24.flac", 2, 16_000, 480, 0, 120.0),
];

#[test]
fn compressed_files_are_close_and_in_time() {
    for &(name, channels, sample_rate, frames, begin, least) in COMPRESSED {
        let clip = decode(&sample(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((clip.sample_rate, clip.samples.len()), (sample_rate, frames), "{name}");
        let expected = expected(channels, sample_rate, frames - begin);
        // Lossy encoders take some time to begin and to end.
        let inner = frames / 4..frames * 5 / 8;
        let found = signal_to_noise(&clip.samples[begin..][inner.clone()], &expected[inner]);
        assert!(found >= least, "{name}: {found:.1} dB");
    }
}

/// A file's warnings, after all of it.
fn warnings(bytes: &[u8]) -> Vec<String> {
    decode_with_warnings(bytes).unwrap_or_else(|error| panic!("{error}")).1
}

#[test]
fn whole_files_give_no_warnings() {
    let compressed = COMPRESSED.iter().map(|file| file.0);
    for name in UNCOMPRESSED.iter().map(|file| file.0).chain(compressed).filter(|&name| name != "wav-sizes-off.wav") {
        assert_eq!(warnings(&sample(name)), Vec::<String>::new(), "{name}");
    }
}

/// `wav-f32.wav` with other first samples; its data begins at byte 58.
fn floats(values: &[f32]) -> Vec<u8> {
    let mut bytes = sample("wav-f32.wav");
    for (index, value) in values.iter().enumerate() {
        bytes[58 + 4 * index..62 + 4 * index].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// A sample file cut to a part of its length.
fn cut(name: &str, part: f64) -> Vec<u8> {
    let mut bytes = sample(name);
    bytes.truncate((part * bytes.len() as f64) as usize);
    bytes
}

/// A sample file with some bytes overwritten.
fn scratched(name: &str, begin: usize, length: usize) -> Vec<u8> {
    let mut bytes = sample(name);
    bytes[begin..begin + length].fill(0xFF);
    bytes
}

#[test]
fn damage_that_was_skipped_is_reported() {
    let too_few = |declared: u32, there: u32| {
        format!(
            "The file's header says that it has {declared} bytes of sound, but only {there} are there; these were decoded."
        )
    };
    let files: [(Vec<u8>, Vec<String>); 13] = [
        (sample("wav-sizes-off.wav"), vec![too_few(1_636, 1_600)]),
        (
            sample("wav-cut-in-a-frame.wav"),
            vec![too_few(1_600, 1_597), "The last frame has only 1 of its 4 bytes; it was left out.".into()],
        ),
        (cut("au-s16.au", 0.5), vec![too_few(1_600, 784)]),
        (
            cut("aiff-s24.aiff", 0.5),
            vec![too_few(2_400, 1_173), "The last frame has only 3 of its 6 bytes; it was left out.".into()],
        ),
        (floats(&[f32::NAN]), vec!["1 sample is not a finite number; it is replaced by silence.".into()]),
        (
            floats(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
            vec!["3 samples are not finite numbers; they are replaced by silence.".into()],
        ),
        (
            floats(&[-32_768.0]),
            vec!["The loudest sample is 32768.0 times full scale; the file may be damaged or on another scale.".into()],
        ),
        (
            floats(&[f32::MAX]),
            vec!["The loudest sample is 3.4e38 times full scale; the file may be damaged or on another scale.".into()],
        ),
        (
            cut("mp3.mp3", 0.5),
            vec!["The file's header says that it lasts 0.2 s, but only 0.1 s are there; these were decoded.".into()],
        ),
        (
            cut("m4a-moov-first.m4a", 0.4),
            vec!["The file's header says that it lasts 0.2 s, but only 0.0 s are there; these were decoded.".into()],
        ),
        (
            scratched("flac.flac", 9_100, 20),
            vec!["The file is damaged in 1 place: 292 bytes were skipped and replaced by 0.0 s of silence.".into()],
        ),
        (
            scratched("flac.flac", 9_490, 20),
            vec![
                "The file cannot be decoded beyond 0.0 s (frame CRC mismatch); only the part before that was used."
                    .into(),
            ],
        ),
        (
            scratched("m4a-moov-first.m4a", 6_000, 20),
            vec!["1 packet of the file is damaged; it is replaced by silence.".into()],
        ),
    ];
    for (index, (bytes, expected)) in files.into_iter().enumerate() {
        assert_eq!(warnings(&bytes), expected, "file {index}");
    }
}

/// A source that returns few bytes at a time.
struct Dribble(Cursor<Vec<u8>>, usize);

impl Read for Dribble {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.1 = self.1 % 13 + 1;
        let count = self.1.min(bytes.len());
        self.0.read(&mut bytes[..count])
    }
}

impl Seek for Dribble {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn the_size_of_reads_does_not_matter_and_fractions_increase() {
    for name in UNCOMPRESSED.iter().map(|file| file.0).chain(COMPRESSED.iter().map(|file| file.0)) {
        let mut recording = open(Dribble(Cursor::new(sample(name)), 0)).unwrap();
        assert_eq!(recording.fraction(), 0.0);
        let (mut block, mut all, mut last) = (Vec::new(), Vec::new(), 0.0);
        while recording.next_block(&mut block).unwrap() {
            assert!((last..=1.0).contains(&recording.fraction()), "{name}");
            last = recording.fraction();
            all.extend_from_slice(&block);
        }
        assert_eq!(recording.fraction(), 1.0, "{name}");
        let whole = decode(&sample(name)).unwrap().samples;
        assert!(all == whole, "{name}");
        if let Some(seconds) = recording.duration_seconds() {
            assert_eq!((seconds * f64::from(recording.sample_rate())).round() as usize, all.len(), "{name}");
        }
    }
}

/// ID3 tags at the beginning are skipped in every format, also several of them and with padding.
#[test]
fn tags_before_a_file_are_skipped() {
    let tag = |length: u8| [b"ID3\x04\0\0\0\0\0".as_slice(), &[length], &vec![b'x'; usize::from(length)]].concat();
    for name in ["wav-s16.wav", "au-s16.au", "aiff-s16.aiff", "flac.flac", "mp3.mp3", "aac.aac", "m4a.m4a"] {
        let whole = decode(&sample(name)).unwrap();
        // Positions in MP4 files count from the beginning of the whole file, so a tag before one breaks it.
        if name != "m4a.m4a" {
            assert_eq!(decode(&[tag(0), tag(100), sample(name)].concat()).unwrap(), whole, "{name}");
        }
    }
    assert_eq!(
        decode(&[tag(10), vec![0; 50], sample("mp3.mp3")].concat()).unwrap(),
        decode(&sample("mp3.mp3")).unwrap()
    );
}

/// As in HE-AAC files for old players: their units are those of the doubled rate.
#[test]
fn an_mp4_track_may_have_other_time_units_than_its_sample_rate() {
    let mut bytes = sample("m4a.m4a");
    let place = |bytes: &[u8], name: &[u8]| bytes.windows(4).position(|window| window == name).unwrap();
    let mut double = |at: usize| {
        let number = u32::from_be_bytes(*bytes[at..].first_chunk().unwrap());
        bytes[at..at + 4].copy_from_slice(&(2 * number).to_be_bytes());
    };
    let original = sample("m4a.m4a");
    let (times, entries) = (place(&original, b"stts"), original[place(&original, b"stts") + 11]);
    double(place(&original, b"mdhd") + 16);
    double(place(&original, b"elst") + 16);
    (0..usize::from(entries)).for_each(|entry| double(times + 16 + 8 * entry));
    assert_eq!(decode(&bytes).unwrap(), decode(&original).unwrap());
    assert_eq!(warnings(&bytes), Vec::<String>::new());
}

/// Two MP3 files in one: the first one's tag tells the length of the first alone.
#[test]
fn an_mp3_file_appended_to_another_is_decoded_too() {
    let twice = decode(&sample("mp3.mp3").repeat(2)).unwrap();
    let once = decode(&sample("mp3.mp3")).unwrap();
    assert!(twice.samples.len() > once.samples.len() * 3 / 2, "{} frames", twice.samples.len());
}
