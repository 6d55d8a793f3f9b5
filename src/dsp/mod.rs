//! Samples to mel-spectrograms to what networks hear.
//!
//! A [`FrontEnd`] names every number of the way. A [`MelPlan`] makes the [`MelSpectrogram`] of a whole recording, and
//! [`segments`] cuts it into stretches of log-mel columns that are scaled together.
//!
//! # Conventions
//!
//! Mono float samples. Spectrograms are row-major `[frame, band]`, lowest band first. Mel is Slaney's. Power, not
//! magnitude.

mod front_end;
mod mel;
mod segments;
mod stft;

pub use front_end::{Columns, FrontEnd};
pub use mel::{hz_from_mel, mel_from_hz};
pub use segments::{Segment, segments};
pub use stft::{MelPlan, MelSpectrogram};
