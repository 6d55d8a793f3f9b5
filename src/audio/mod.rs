//! Bytes to samples: WAV files decoded by hound, brought to the sample rate that a front end wants by rubato.

mod resample;
mod riff;
mod wav;

pub use resample::{resample, resample_with};
pub use wav::{MAX_FRAMES, WavError, decode_wav};

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
