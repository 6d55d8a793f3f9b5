//! Samples to mel-spectrograms to what networks hear.
//!
//! A [`FrontEnd`] names every number and convention of the way. A [`MelStream`] makes mel values of samples, a
//! [`Segmenter`] cuts them into stretches of columns that are scaled together, and an [`Overview`] keeps a picture of
//! the whole: all from pieces of any size, and in bounded memory. [`MelPlan::spectrogram`] and [`segments`] do the same
//! with a recording that is there as a whole. [`image`] turns a segment into pixels, [`mfcc`] a spectrogram into
//! cepstral coefficients.
//!
//! # Conventions
//!
//! Mono float samples. Spectrograms are row-major `[frame, band]`, lowest band first. What librosa 0.11 names, it
//! decides: `tests/dsp/parity.rs` holds every front end against it.

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
