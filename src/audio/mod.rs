//! Files to samples, block by block: [`open`] chooses the reader by the first bytes and gives a [`Recording`];
//! [`Resampler`] brings its blocks to the sample rate that a front end wants. Memory stays the same however long the
//! file is. [`decode`] and [`resample`] are the same for what fits in memory.
//!
//! `plain` holds the formats that store samples, `compressed` those that have to be decoded; every one gives a
//! `stream::Stream`. hound reads the samples of WAV files, claxon FLAC, Symphonia MP3, AAC and ALAC, and rubato changes the rate. Most
//! containers are walked here: the files people have are looser than their specifications, and Symphonia's readers of
//! FLAC and MP4, with the tags they map, would take 100 KB of the page.

mod bytes;
mod clip_stream;
mod compressed;
mod detect;
mod error;
mod mix;
mod plain;
mod recording;
mod resample;
mod source;
mod stream;
mod write;

pub use error::{AudioError, MAX_FRAMES};
pub use recording::{Recording, decode, open};
pub use resample::{Resampler, resample};
pub use source::Source;
pub use write::to_wav;

/// A mono recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Samples, −1 to 1 where the file kept to full scale.
    pub samples: Vec<f32>,
    /// Samples a second, in Hz.
    pub sample_rate: u32,
}

impl Clip {
    /// Length in seconds.
    pub fn duration_seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }
}
