//! The frozen MusiCNN for the CPU engine, without Burn: several times as fast as general convolutions on the same threads.
//!
//! It computes what [`model::networks::musicnn`](crate::model) defines, to float32's precision, with other sums:
//!
//! - the timbres' tall kernels by spectra over the bands ([`timbre`]), the rhythms' long ones by spectra over time
//!   ([`rhythm`]): a convolution is a product of spectra;
//! - the layers over time as plain sums ([`middle`]), without the channels that are constants ([`musicnn`]).
//!
//! Weights are packed once, when a network is loaded; what a window needs meanwhile is in a [`Scratch`] of the caller.

mod middle;
mod musicnn;
mod rhythm;
mod rows;
mod timbre;
mod vector;

pub use self::musicnn::{BatchNorm, Convolution, Dense, FrozenMusicnn, MusicnnWeights, Outputs, Scratch};
pub use self::rows::{BANDS, MAX_FRAMES};

#[cfg(test)]
pub(crate) mod tests;
