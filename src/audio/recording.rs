//! A file that is decoded block by block.

use std::io::{Cursor, Read, Seek};

use super::Clip;
use super::clip_stream::ClipStream;
use super::compressed::{adts, flac, mp3, mp4};
use super::detect::{FileFormat, detect};
use super::error::{AudioError, MAX_FRAMES};
use super::mix::Mixer;
use super::plain::{aiff, au, riff};
use super::source::{Input, Source};
use super::stream::Stream;

/// A recording that is being decoded to mono samples, block by block.
pub struct Recording {
    stream: Box<dyn Stream>,
    mixer: Mixer,
    /// The first block: decoded on opening, to check that there is sound, but not returned yet.
    first: Option<Vec<f32>>,
    /// Length of the file, in bytes.
    length: u64,
    fraction: f32,
}

/// Opens a recording of any supported format, detected by its first bytes, and decodes its first block.
///
/// 1 to 32 channels, mixed to mono, at 8 to 192 kHz, of any length. Memory is allocated for blocks that are really
/// there, whatever a header says.
///
/// # Errors
///
/// [`AudioError::Malformed`] if the bytes are empty, not audio, damaged at the beginning or without a single whole frame,
/// [`AudioError::Unsupported`] if the format or codec is not supported, [`AudioError::Unreadable`] if the source fails.
pub fn open(source: impl Read + Seek + 'static) -> Result<Recording, AudioError> {
    open_boxed(Box::new(source))
}

fn open_boxed(source: Box<dyn Source>) -> Result<Recording, AudioError> {
    let mut input = Input::new(source)?;
    let format = detect(&mut input)?;
    let length = input.length();
    let stream: Box<dyn Stream> = match format {
        FileFormat::Wav(order) => Box::new(riff::open(input, order)?),
        FileFormat::Au => Box::new(au::open(input)?),
        FileFormat::Aiff => Box::new(aiff::open(input)?),
        FileFormat::Flac => Box::new(flac::open(input)?),
        FileFormat::Adts => Box::new(adts::open(input)?),
        FileFormat::Mp3 => Box::new(mp3::open(input)?),
        FileFormat::Mp4 => Box::new(mp4::open(input)?),
    };
    let mut recording = Recording { stream, mixer: Mixer::default(), first: None, length, fraction: 0.0 };
    if !recording.stream.next(&mut recording.mixer)? || recording.mixer.mono.is_empty() {
        return Err(recording.stream.no_frames_error());
    }
    recording.first = Some(std::mem::take(&mut recording.mixer.mono));
    Ok(recording)
}

impl From<Clip> for Recording {
    /// Streams samples that are already decoded, as if they came from a file.
    fn from(clip: Clip) -> Self {
        let length = clip.samples.len() as u64;
        let stream = Box::new(ClipStream::new(clip));
        Self { stream, mixer: Mixer::default(), first: None, length, fraction: 0.0 }
    }
}

impl Recording {
    /// Sample rate in Hz, 8000 to 192 000.
    pub fn sample_rate(&self) -> u32 {
        self.stream.sample_rate()
    }

    /// Length in seconds, `None` if the format tells it only at the end. For WAV, AU and AIFF files it is the length of the
    /// bytes that are there; for FLAC, MP3 and M4A files it is what a header says, so fewer samples may follow if the file
    /// is cut or damaged or the header is wrong.
    pub fn duration_seconds(&self) -> Option<f64> {
        self.stream.frames().map(|frames| frames as f64 / f64::from(self.sample_rate()))
    }

    /// Share of the file's bytes that is decoded, 0 to 1. It never decreases, and is 1 at the end.
    pub fn fraction(&self) -> f32 {
        self.fraction
    }

    /// Replaces `samples` by the next block: the channels as [`Mixer`](super::Mixer) mixes them, always finite, and −1 to 1
    /// unless the file exceeds full scale. Returns false at the end, with `samples` empty. A block has 1 to about 16 384
    /// samples, and up to 131 072 more if the file has long packets.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unreadable`] if the source fails. Damage after the first frame is skipped with a warning.
    pub fn next_block(&mut self, samples: &mut Vec<f32>) -> Result<bool, AudioError> {
        let more = match self.first.take() {
            Some(first) => {
                *samples = first;
                true
            }
            None => {
                // The caller's buffer is swapped in, so that no block is copied.
                samples.clear();
                std::mem::swap(samples, &mut self.mixer.mono);
                let more = self.stream.next(&mut self.mixer);
                std::mem::swap(samples, &mut self.mixer.mono);
                more?
            }
        };
        let done = if more { (self.stream.position() as f64 / self.length as f64).min(1.0) as f32 } else { 1.0 };
        // The chunks of an MP4 file may be stored in any order.
        self.fraction = self.fraction.max(done);
        Ok(more)
    }

    /// Full sentences for the user about problems in the blocks so far; complete at the end.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.stream.warnings();
        warnings.extend(self.mixer.warnings());
        warnings
    }
}

/// Decodes a whole file in memory, as [`open`] and [`Recording::next_block`] do.
///
/// # Errors
///
/// Those of [`open`], and [`AudioError::TooLarge`] if there are more than [`MAX_FRAMES`] samples or memory runs out.
pub fn decode(bytes: &[u8]) -> Result<Clip, AudioError> {
    decode_at_most(bytes, MAX_FRAMES)
}

fn decode_at_most(bytes: &[u8], most: usize) -> Result<Clip, AudioError> {
    let mut recording = open(Cursor::new(bytes.to_vec()))?;
    let (mut samples, mut block) = (Vec::new(), Vec::new());
    while recording.next_block(&mut block)? {
        // `try_reserve`: an allocation that fails would abort the browser's worker.
        if samples.len() + block.len() > most || samples.try_reserve(block.len()).is_err() {
            return Err(AudioError::TooLarge { most });
        }
        samples.extend_from_slice(&block);
    }
    Ok(Clip { samples, sample_rate: recording.sample_rate() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_beyond_the_memory_limit_is_too_large() {
        let file = [b".snd\0\0\0\x18\xFF\xFF\xFF\xFF\0\0\0\x02\0\0\x1F\x40\0\0\0\x01".as_slice(), &[0; 100]].concat();
        assert_eq!(decode_at_most(&file, 100).unwrap().samples.len(), 100);
        assert_eq!(decode_at_most(&file, 99), Err(AudioError::TooLarge { most: 99 }));
    }
}
