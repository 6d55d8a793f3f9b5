//! What several of these modules use: sample files, tones, random numbers and WAV chunks.

use std::f64::consts::TAU;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use genrelens::audio::{AudioError, open};

/// The folder of the sample files; its `make.py` wrote them.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio")
}

pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All samples of a file, and its warnings at the end.
pub fn decode_with_warnings(bytes: &[u8]) -> Result<(Vec<f32>, Vec<String>), AudioError> {
    let mut recording = open(Cursor::new(bytes.to_vec()))?;
    let (mut all, mut block) = (Vec::new(), Vec::new());
    while recording.next_block(&mut block)? {
        all.extend_from_slice(&block);
    }
    Ok((all, recording.warnings()))
}

/// An MP4 file with `change` written over it, `offset` bytes after the start of a box's name, up to the file's end.
pub fn with_box_changed(mut bytes: Vec<u8>, name: &[u8; 4], offset: usize, change: &[u8]) -> Vec<u8> {
    let at = bytes.windows(4).position(|window| window == name).unwrap() + offset;
    let length = change.len().min(bytes.len() - at);
    bytes[at..at + length].copy_from_slice(&change[..length]);
    bytes
}

/// A sine of amplitude 0.5.
pub fn tone(hz: f64, sample_rate: u32, len: usize) -> Vec<f32> {
    (0..len).map(|index| (0.5 * (TAU * hz * index as f64 / f64::from(sample_rate)).sin()) as f32).collect()
}

pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "sample {index}: {found}, expected {expected}");
    }
}

/// Random numbers of 31 bits, by Knuth's linear congruential generator (MMIX). Its low bits have short periods, so only
/// the high ones are given.
pub fn random(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    }
}

/// A chunk of a RIFF file: name, length, body.
pub fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [id.as_slice(), &(body.len() as u32).to_le_bytes(), body].concat()
}

/// A `fmt ` chunk: 16 bytes, and then `more`.
pub fn fmt_chunk(tag: u16, channels: u16, sample_rate: u32, bits: u16, more: &[u8]) -> Vec<u8> {
    let frame_bytes = channels * bits.div_ceil(8);
    let byte_rate = sample_rate * u32::from(frame_bytes);
    let mut body = [tag, channels].map(u16::to_le_bytes).concat();
    body.extend([sample_rate, byte_rate].map(u32::to_le_bytes).concat());
    body.extend([frame_bytes, bits].map(u16::to_le_bytes).concat());
    body.extend(more);
    chunk(b"fmt ", &body)
}
