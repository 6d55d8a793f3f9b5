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

/// A recording on its way from file to mono samples.
pub struct Recording {
    stream: Box<dyn Stream>,
    mixer: Mixer,
    /// Decoded to see that there is sound, and not handed out yet.
    first: Option<Vec<f32>>,
    /// Of the file, in bytes.
    length: u64,
    fraction: f32,
}

/// Opens a recording of any format that is read, chosen by the first bytes, and decodes its first block.
///
/// 1 to 32 channels, averaged to mono, at 8 to 192 kHz, of any length. Memory is claimed for blocks of what is there,
/// whatever a header says.
///
/// # Errors
///
/// [`AudioError::Malformed`] where the bytes are empty, no audio, damaged at the beginning or without a single whole
/// frame, [`AudioError::Unsupported`] where they are audio of a kind that is not read, [`AudioError::Unreadable`] where
/// the source fails.
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
        return Err(recording.stream.refusal());
    }
    recording.first = Some(std::mem::take(&mut recording.mixer.mono));
    Ok(recording)
}

impl From<Clip> for Recording {
    /// What is decoded already, as if it came from a file.
    fn from(clip: Clip) -> Self {
        let length = clip.samples.len() as u64;
        let stream = Box::new(ClipStream::new(clip));
        Self { stream, mixer: Mixer::default(), first: None, length, fraction: 0.0 }
    }
}

impl Recording {
    /// Samples a second, in Hz: 8000 to 192 000.
    pub fn sample_rate(&self) -> u32 {
        self.stream.sample_rate()
    }

    /// Length in seconds, `None` where the format does not tell before all is decoded. Of WAV, AU and AIFF files it is that
    /// of the bytes that are there. Of FLAC, MP3 and M4A files it is what a header says: fewer samples come where the file
    /// is cut or damaged, and other numbers where the header is wrong.
    pub fn duration_seconds(&self) -> Option<f64> {
        self.stream.frames().map(|frames| frames as f64 / f64::from(self.sample_rate()))
    }

    /// How much of the file's bytes is decoded, 0 to 1; it never falls, and is 1 at the end.
    pub fn fraction(&self) -> f32 {
        self.fraction
    }

    /// Replaces `samples` by the next block, the mean of all channels, −1 to 1 where the file kept to full scale and
    /// finite in any case; false at the end, with `samples` empty. A block has 1 to about 16 384 samples, and up to
    /// 131 072 more where the file has its sound in long packets.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unreadable`] where the source fails. Damage after the beginning is passed over with a warning.
    pub fn next_block(&mut self, samples: &mut Vec<f32>) -> Result<bool, AudioError> {
        let more = match self.first.take() {
            Some(first) => {
                *samples = first;
                true
            }
            None => {
                samples.clear();
                std::mem::swap(samples, &mut self.mixer.mono);
                let more = self.stream.next(&mut self.mixer);
                std::mem::swap(samples, &mut self.mixer.mono);
                more?
            }
        };
        let done = if more { (self.stream.position() as f64 / self.length as f64).min(1.0) as f32 } else { 1.0 };
        self.fraction = self.fraction.max(done);
        Ok(more)
    }

    /// What the user should know of the file: full sentences, about the blocks decoded so far and complete at the end.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.stream.warnings();
        warnings.extend(self.mixer.warnings());
        warnings
    }
}

/// Decodes all of a file that is in memory, as [`open`] and [`Recording::next_block`] do.
///
/// # Errors
///
/// Those of [`open`], and [`AudioError::TooLarge`] over [`MAX_FRAMES`] or over what memory holds.
pub fn decode(bytes: &[u8]) -> Result<Clip, AudioError> {
    decode_at_most(bytes, MAX_FRAMES)
}

fn decode_at_most(bytes: &[u8], most: usize) -> Result<Clip, AudioError> {
    let mut recording = open(Cursor::new(bytes.to_vec()))?;
    let (mut samples, mut block) = (Vec::new(), Vec::new());
    while recording.next_block(&mut block)? {
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
    fn a_recording_over_the_limit_of_memory_is_too_large() {
        let file = [b".snd\0\0\0\x18\xFF\xFF\xFF\xFF\0\0\0\x02\0\0\x1F\x40\0\0\0\x01".as_slice(), &[0; 100]].concat();
        assert_eq!(decode_at_most(&file, 100).unwrap().samples.len(), 100);
        assert_eq!(decode_at_most(&file, 99), Err(AudioError::TooLarge { most: 99 }));
    }
}
