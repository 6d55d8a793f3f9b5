//! Every variant of every format that is read, by one sample file each; how they were made is in `data/audio/make.py`.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use genrelens::audio::decode;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio")
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What is in the sample files: 440 Hz at 0.5 in the left or only channel, 880 Hz at 0.25 in the right one.
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
];

#[test]
fn uncompressed_files_are_right_to_their_quantisation() {
    for &(name, channels, tolerance) in UNCOMPRESSED {
        let clip = decode(&sample(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((clip.sample_rate, clip.samples.len()), (8_000, 400), "{name}");
        for (index, (found, expected)) in clip.samples.iter().zip(expected(channels, 8_000, 400)).enumerate() {
            assert!((found - expected).abs() <= tolerance, "{name}, sample {index}: {found}, expected {expected}");
        }
    }
}

/// A compressed file: its channels, rate in Hz, frames, where its sound begins, in frames, and the least signal to
/// noise in dB.
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
    ("vorbis.ogg", 2, 44_100, 8_820, 0, 20.0),
];

#[test]
fn compressed_files_are_near_and_in_time() {
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
