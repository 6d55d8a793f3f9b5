//! What every format's reader implements, and the limits that hold for all of them.

use super::error::{AudioError, malformed, unsupported};
use super::mix::Mixer;

/// Frames of a block, about: a third of a second at 44.1 kHz.
pub(super) const BLOCK_FRAMES: usize = 16_384;

/// Sample rates that are read, in Hz.
const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
/// The most channels that are read.
const MAX_CHANNELS: usize = 32;

/// What every format's reader gives.
pub(super) trait Stream {
    /// In Hz.
    fn sample_rate(&self) -> u32;
    /// Frames from beginning to end, where the format tells.
    fn frames(&self) -> Option<u64>;
    /// How far in the file decoding is, in bytes.
    fn position(&self) -> u64;
    /// Mixes about [`BLOCK_FRAMES`] frames more; false where there are none, and then always.
    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError>;
    /// Sentences for the user about what was repaired so far.
    fn warnings(&self) -> Vec<String>;
    /// The refusal of what gave nothing at all.
    fn refusal(&self) -> AudioError {
        no_audio()
    }
}

pub(super) fn no_audio() -> AudioError {
    malformed("the file has no audio in it")
}

/// Refuses what no format may have.
pub(super) fn check(channels: usize, sample_rate: u32) -> Result<(), AudioError> {
    if channels == 0 {
        return Err(malformed(&format!("expected 1 to {MAX_CHANNELS} channels, but the file says it has none")));
    }
    if channels > MAX_CHANNELS {
        return Err(unsupported(&format!("the file has {channels} channels, and 1 to {MAX_CHANNELS} are read")));
    }
    if !SAMPLE_RATES.contains(&sample_rate) {
        let range = format!("{} to {} Hz are read", SAMPLE_RATES.start(), SAMPLE_RATES.end());
        return Err(unsupported(&format!("the file has {sample_rate} samples a second, and {range}")));
    }
    Ok(())
}
