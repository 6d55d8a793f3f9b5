//! WAV files, decoded by hound and mixed to mono.

use std::io::Read;

use hound::{Sample, WavReader};

use super::Clip;
use super::riff::{Format, format_and_data};

/// The most samples a channel that are decoded, 400 MB of mono: 37 minutes at 44.1 kHz. All of a recording is held in
/// memory, and a browser's WebAssembly has no more than 4 GB of it.
pub const MAX_FRAMES: usize = 100_000_000;

/// Sample rates that are read, in Hz.
const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
/// The most channels that are read.
const MAX_CHANNELS: u16 = 8;
/// Float samples are cut at this, so that no power spectrum overflows. It leaves room for files whose floats are on the
/// scale of 24-bit integers.
const LOUDEST: f32 = 8_388_608.0;

/// Why a file could not be decoded. Each is a sentence for the user that follows the file's name, and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// The bytes are no whole WAV file.
    #[error("{0}")]
    Malformed(String),
    /// A file of a kind that this version does not read.
    #[error("{0}")]
    Unsupported(String),
    /// More than fits.
    #[error(
        "the recording has {frames} samples a channel; at most {MAX_FRAMES} (37 minutes at 44.1 kHz) fit in memory: \
         cut it into parts and choose one of them"
    )]
    TooLarge {
        /// Samples a channel.
        frames: u64,
    },
}

pub(super) fn malformed(found: &str) -> WavError {
    WavError::Malformed(format!("{found}; export it as a WAV file again and choose that"))
}

pub(super) fn unsupported(found: &str) -> WavError {
    WavError::Unsupported(format!("{found}; save it as a 16-bit PCM WAV file and choose that"))
}

/// Decodes a WAV file: integers of 8, 16, 24 or 32 bits or 32-bit floats, 1 to 8 channels averaged to mono, 8 to
/// 192 kHz. A recording that is cut short gives what is whole of it; samples that are not finite give 0. Memory is
/// claimed for the samples that are there, whatever the header says.
///
/// # Errors
///
/// [`WavError::Malformed`] where the bytes are empty, no WAV file or without a single whole sample,
/// [`WavError::Unsupported`] where they are audio of another kind, [`WavError::TooLarge`] over [`MAX_FRAMES`] or over
/// what memory holds.
pub fn decode_wav(bytes: &[u8]) -> Result<Clip, WavError> {
    decode_at_most(bytes, MAX_FRAMES)
}

fn decode_at_most(bytes: &[u8], most_frames: usize) -> Result<Clip, WavError> {
    let (format, data) = format_and_data(bytes)?;
    check(&format)?;
    let frames = data.len() / format.frame_bytes();
    if frames == 0 {
        return Err(malformed("the file has no audio in it"));
    }
    let too_large = || WavError::TooLarge { frames: frames as u64 };
    let mut samples = Vec::new();
    if frames > most_frames || samples.try_reserve_exact(frames).is_err() {
        return Err(too_large());
    }
    let data = &data[..frames * format.frame_bytes()];
    let header = format.plain_header(u32::try_from(data.len()).map_err(|_| too_large())?);
    let reader = WavReader::new(header.chain(data)).map_err(refused)?;
    if format.float {
        mix(reader, &mut samples, finite)?;
    } else {
        let scale = 2.0_f32.powi(1 - i32::from(format.bits));
        mix(reader, &mut samples, |sample: i32| sample as f32 * scale)?;
    }
    Ok(Clip { samples, sample_rate: format.sample_rate })
}

/// Appends the mean of every frame's channels.
fn mix<S: Sample>(
    mut reader: WavReader<impl Read>,
    samples: &mut Vec<f32>,
    scaled: impl Fn(S) -> f32,
) -> Result<(), WavError> {
    let channels = usize::from(reader.spec().channels);
    let (mut sum, mut in_frame) = (0.0, 0);
    for sample in reader.samples::<S>() {
        sum += scaled(sample.map_err(refused)?);
        in_frame += 1;
        if in_frame == channels {
            samples.push(sum / channels as f32);
            (sum, in_frame) = (0.0, 0);
        }
    }
    Ok(())
}

fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
}

fn check(format: &Format) -> Result<(), WavError> {
    let Format { float, channels, sample_rate, sample_bytes, bits } = *format;
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return Err(unsupported(&format!("the file has {channels} channels, 1 to {MAX_CHANNELS} are read")));
    }
    if !SAMPLE_RATES.contains(&sample_rate) {
        let range = format!("{} to {} Hz are read", SAMPLE_RATES.start(), SAMPLE_RATES.end());
        return Err(unsupported(&format!("the file has {sample_rate} samples a second, {range}")));
    }
    match (float, sample_bytes, bits) {
        (false, 1, 8) | (false, 2, 16) | (false, 3 | 4, 24) | (false, 4, 32) | (true, 4, 32) => Ok(()),
        _ if bits == 0 || bits > sample_bytes.saturating_mul(8) => {
            Err(malformed(&format!("the file says that samples of {bits} bits are stored in {sample_bytes} bytes")))
        }
        _ => {
            let kind = if float { "float" } else { "integer" };
            let read = "integers of 8, 16, 24 and 32 bits and floats of 32 are read";
            Err(unsupported(&format!("the file has {bits}-bit {kind} samples in {sample_bytes} bytes, {read}")))
        }
    }
}

fn refused(error: hound::Error) -> WavError {
    malformed(&format!("the WAV file is not right ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(frames: u32) -> Vec<u8> {
        let format = Format { float: false, channels: 1, sample_rate: 8_000, sample_bytes: 1, bits: 8 };
        let mut bytes = format.plain_header(frames);
        bytes.resize(bytes.len() + frames as usize, 128);
        bytes
    }

    #[test]
    fn a_recording_over_the_limit_is_too_large() {
        assert!(decode_at_most(&silence(100), 100).is_ok());
        assert_eq!(decode_at_most(&silence(101), 100), Err(WavError::TooLarge { frames: 101 }));
    }

    #[test]
    fn floats_that_are_no_numbers_are_silent_and_huge_ones_are_cut() {
        assert_eq!([f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(finite), [0.0; 3]);
        assert_eq!([f32::MAX, f32::MIN].map(finite), [LOUDEST, -LOUDEST]);
        assert_eq!(finite(-1.5), -1.5);
    }
}
