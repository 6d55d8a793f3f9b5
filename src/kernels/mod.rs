//! The frozen MusiCNN for the CPU engine, without Burn: several times as fast as general convolutions on the same threads.
//!
//! It computes what [`model::networks::musicnn`](crate::model) defines, to float32's precision, with other sums:
//!
//! - the timbres' tall kernels by spectra over the bands ([`timbre`]), the rhythms' long ones by spectra over time
//!   ([`rhythm`]): a convolution is a product of spectra;
//! - the first layer over time by Winograd's minimal filtering F(4, 7) (S. Winograd, "Arithmetic Complexity of
//!   Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016), [`winograd`];
//!   the other two as plain sums, [`direct`].
//!
//! Weights are packed once, when a network is loaded; what a window needs meanwhile is in a [`Scratch`] of the caller.

mod direct;
mod musicnn;
mod rhythm;
mod rows;
mod timbre;
mod vector;
mod winograd;

pub use self::musicnn::{BatchNorm, Convolution, Dense, FrozenMusicnn, MusicnnWeights, Outputs, Scratch};
pub use self::rows::{BANDS, MAX_FRAMES};

#[cfg(test)]
mod tests;
