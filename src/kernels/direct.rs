//! Convolutions over time of seven frames as their plain sums: for the second and third layer over time, whose few rows cost
//! little, and whose rounding would reach the outputs otherwise.

use std::array::from_fn;

use super::rows::{PAD, Rows};
use super::timbre::TAPS;
use super::vector::{LANES, Vector, add_product, load, store};
use super::winograd::SUMMED;

/// Channels, and vectors of four frames, of the registers' tile, as in [`winograd`](super::winograd).
const CHANNELS: usize = 4;
const VECTORS: usize = 2;
/// Frames that are computed at once.
const AT_ONCE: usize = VECTORS * LANES;

/// A layer of seven frames' kernels, which keeps the number of frames.
pub(super) struct Direct {
    channels: usize,
    /// By group of channels and row.
    weights: Vec<Vec<[[f32; CHANNELS]; TAPS]>>,
}

impl Direct {
    /// `weights` are `[channels, rows, TAPS]`, row-major.
    pub(super) fn new(rows: usize, weights: &[f32]) -> Self {
        let group = |group: &[f32]| {
            // Beyond the last channel there is nothing.
            let weight =
                |channel: usize, row: usize, tap: usize| group.get((channel * rows + row) * TAPS + tap).copied();
            let of_row = |row| from_fn(|tap| from_fn(|channel| weight(channel, row, tap).unwrap_or(0.0)));
            (0..rows).map(of_row).collect()
        };
        let channels = weights.len() / (rows * TAPS).max(1);
        Self { channels, weights: weights.chunks(CHANNELS * rows * TAPS).map(group).collect() }
    }

    /// Writes the outputs of so many frames into the first rows of `outputs`.
    #[inline(never)]
    pub(super) fn run(&self, inputs: &Rows, frames: usize, outputs: &mut Rows) {
        for (group, weights) in self.weights.iter().enumerate() {
            for from in (0..frames).step_by(AT_ONCE) {
                let sums = sums_of(inputs, from, weights);
                let rows = outputs.iter_mut().take(self.channels).skip(group * CHANNELS);
                for (row, sums) in rows.zip(sums) {
                    for (vector, sum) in sums.into_iter().enumerate() {
                        store(&mut row[PAD + from + LANES * vector..], sum);
                    }
                }
            }
        }
    }
}

/// The sums of eight frames of four channels.
#[inline(always)]
fn sums_of(inputs: &Rows, from: usize, weights: &[[[f32; CHANNELS]; TAPS]]) -> [[Vector; VECTORS]; CHANNELS] {
    let mut sums = [[Vector::ZERO; VECTORS]; CHANNELS];
    for (part, weights) in weights.chunks(SUMMED).enumerate() {
        let mut parts = [[Vector::ZERO; VECTORS]; CHANNELS];
        for (row, weights) in inputs.iter().skip(part * SUMMED).zip(weights) {
            // One check of bounds a row, instead of one a vector.
            let row: &[f32; AT_ONCE + TAPS] =
                row[PAD - TAPS / 2 + from..].first_chunk().unwrap_or(&[0.0; AT_ONCE + TAPS]);
            for (tap, weights) in weights.iter().enumerate() {
                let weights = weights.map(Vector::splat);
                for vector in 0..VECTORS {
                    let frames = load(&row[tap + LANES * vector..]);
                    for (parts, &weight) in parts.iter_mut().zip(&weights) {
                        parts[vector] = add_product(weight, frames, parts[vector]);
                    }
                }
            }
        }
        for (sums, parts) in sums.iter_mut().flatten().zip(parts.into_iter().flatten()) {
            *sums += parts;
        }
    }
    sums
}
