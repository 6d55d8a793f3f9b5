//! Frozen networks for the CPU engine, without Burn: several times as fast as general convolutions on the same threads.
//!
//! They compute what [`model::networks`](crate::model) defines, to float32's precision, with other sums. Small convolutional
//! networks ([`cnn`]): `net1`, `lens` and `panorama`:
//!
//! - convolutions with bias, ReLU and max pool in one pass ([`convolution`]), and with a half or a third of the products if
//!   their kernels are three or four columns wide ([`winograd`]).
//!
//! MusiCNN ([`musicnn`]):
//!
//! - the timbres' tall kernels by spectra over the bands ([`timbre`]), the rhythms' long ones by spectra over time
//!   ([`rhythm`]): a convolution is a product of spectra;
//! - the layers over time as plain sums ([`middle`]), without the channels that are constants ([`musicnn`]).
//!
//! Weights are packed once, when a network is loaded; what a window needs meanwhile is in a [`Scratch`] of the caller.

mod cnn;
mod convolution;
mod middle;
mod musicnn;
mod rhythm;
mod rows;
mod timbre;
mod vector;
mod winograd;

pub use self::cnn::{CnnLayer, CnnScratch, CnnWeights, FrozenCnn, Pooling, Views};
pub use self::musicnn::{BatchNorm, Convolution, Dense, FrozenMusicnn, MusicnnWeights, Outputs, Scratch};
pub use self::rows::{BANDS, MAX_FRAMES};

#[cfg(test)]
pub(crate) mod tests;
