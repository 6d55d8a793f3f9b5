//! Decodes audio files to samples, block by block.
//!
//! [`open`] chooses the reader by the file's first bytes and returns a [`Recording`]; [`Resampler`] converts its blocks
//! to the sample rate of a front end. Memory use does not depend on the length of the file. [`decode`] and [`resample`]
//! do the same at once for a file that fits in memory.
//!
//! `plain` has the formats that store samples, `compressed` those that need a decoder; each implements
//! `stream::Stream`. hound reads the samples of WAV files, Symphonia decodes FLAC, AAC and ALAC, nanomp3 MP3, and rubato
//! resamples. Most containers are parsed here: real files are looser than their specifications, and Symphonia's readers
//! of FLAC and MP4 would take 100 KB of the page with the tags that they map.

mod bytes;
mod clip_stream;
mod compressed;
mod detect;
mod error;
mod mix;
#[cfg(any(test, target_family = "wasm"))]
pub(crate) mod ogg;
mod plain;
mod recording;
mod resample;
mod source;
mod stream;
mod tags;
mod write;

pub use detect::begins_as_audio;
pub use error::{AudioError, MAX_FRAMES};
pub use mix::Mixer;
pub use recording::{Recording, decode, open};
pub use resample::{Resampler, resample};
pub use source::Source;
pub use write::to_wav;

/// A mono recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Samples, −1 to 1 unless the file exceeds full scale.
    pub samples: Vec<f32>,
    /// Sample rate, in Hz.
    pub sample_rate: u32,
}

impl Clip {
    /// Length in seconds.
    pub fn duration_seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }
}
