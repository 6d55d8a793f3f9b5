//! From samples to mel-spectrograms to the inputs of networks.
//!
//! A [`FrontEnd`] has every number and convention of this. `MelStream` computes mel values from samples, `Segmenter`
//! cuts them into segments of columns that are scaled together, and `Overview` keeps a small spectrogram of the whole
//! recording: all from pieces of any size, and in bounded memory. [`MelPlan::spectrogram`] and [`segments`] do the same
//! with a whole recording. [`picture`] resizes a segment to an image, [`mfcc`] turns a spectrogram into cepstral
//! coefficients.
//!
//! # Conventions
//!
//! Mono float samples. Spectrograms are row-major `[frame, band]`, lowest band first. Definitions are those of librosa
//! 0.11 for everything that it has: `tests/dsp/parity.rs` compares every front end with it.

mod conventions;
mod framing;
mod front_end;
mod mel;
mod mfcc;
mod overview;
mod picture;
mod presets;
mod scaling;
mod segments;
mod stft;
mod thumbnail;

pub use conventions::{MelNorm, MelScale, Padding, Scaling, Spectrum};
pub use front_end::{Columns, FrontEnd};
pub use mfcc::mfcc;
pub(crate) use overview::Overview;
pub use overview::SpectrogramInfo;
pub use picture::picture;
pub(crate) use segments::Segmenter;
pub use segments::{Segment, segments};
pub(crate) use stft::MelStream;
pub use stft::{MelPlan, MelSpectrogram};
pub use thumbnail::thumbnail;
