//! Samples to mel-spectrograms to what networks hear.
//!
//! A [`FrontEnd`] names every number of the way. A [`MelStream`] makes mel values of samples and a
//! [`Segmenter`] cuts them into stretches of log-mel columns that are scaled together, both from pieces of any size and
//! in bounded memory; [`MelPlan::spectrogram`] and [`segments`] are the same for a whole recording.
//!
//! # Conventions
//!
//! Mono float samples. Spectrograms are row-major `[frame, band]`, lowest band first. Mel is Slaney's. Power, not
//! magnitude.

mod framing;
mod front_end;
mod mel;
mod segments;
mod stft;

pub use front_end::{Columns, FrontEnd};
pub use mel::{hz_from_mel, mel_from_hz};
pub use segments::{Segment, Segmenter, segments};
#[allow(unused_imports, reason = "for the overview picture")]
pub(crate) use stft::db_from_power;
pub use stft::{MelPlan, MelSpectrogram, MelStream, is_silent};
