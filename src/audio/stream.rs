//! What every format's reader implements, and the limits that hold for all of them.

use super::error::{AudioError, malformed, unsupported};
use super::mix::Mixer;

/// Approximate frames per block: a third of a second at 44.1 kHz.
pub(super) const BLOCK_FRAMES: usize = 16_384;

/// Supported sample rates, in Hz.
const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
const MAX_CHANNELS: usize = 32;

/// A file that is decoded block by block; every format's reader implements it.
pub(super) trait Stream {
    /// Sample rate, in Hz.
    fn sample_rate(&self) -> u32;
    /// Frames in the whole file, if the format tells.
    fn frames(&self) -> Option<u64>;
    /// Bytes of the file that are decoded.
    fn position(&self) -> u64;
    /// Decodes and mixes about [`BLOCK_FRAMES`] more frames. Returns false at the end, and on every call after it.
    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError>;
    /// Sentences for the user about the damage so far.
    fn warnings(&self) -> Vec<String>;
    /// The error for a file that had no frame at all.
    fn no_frames_error(&self) -> AudioError {
        no_audio()
    }
}

pub(super) fn no_audio() -> AudioError {
    malformed("the file contains no audio")
}

/// Checks the limits that hold for all formats.
pub(super) fn check_limits(channels: usize, sample_rate: u32) -> Result<(), AudioError> {
    if channels == 0 {
        return Err(malformed(&format!("expected 1 to {MAX_CHANNELS} channels, but the file says it has none")));
    }
    if channels > MAX_CHANNELS {
        return Err(unsupported(&format!(
            "the file has {channels} channels, but only 1 to {MAX_CHANNELS} are supported"
        )));
    }
    if !SAMPLE_RATES.contains(&sample_rate) {
        let range = format!("{} to {} Hz", SAMPLE_RATES.start(), SAMPLE_RATES.end());
        let found = format!("the file has a sample rate of {sample_rate} Hz, but only {range} are supported");
        return Err(unsupported(&found));
    }
    Ok(())
}
