//! The middle layers: convolutions over time of seven frames, as their plain sums.
//!
//! Winograd's minimal filtering F(4, 7) takes 10 products for four outputs instead of 28. It saved 3 of 25 ms a window where
//! no channel is a constant, but 1 of 23 for the two published networks together, two thirds of whose outputs are; and
//! its rounding reached the tags of short windows.

use std::array::from_fn;

use super::rows::{PAD, Rows};
use super::timbre::TAPS;
use super::vector::{LANES, Vector, add_product, load, store};

/// Rows that are summed at a time.
pub(super) const SUMMED: usize = 16;
/// Channels, and vectors of four frames, of the registers' tile: 8 accumulate, 4 hold weights, one holds frames and one a
/// product. WebAssembly leaves 15 registers on x86.
const CHANNELS: usize = 4;
const VECTORS: usize = 2;
/// Frames that are computed at once.
const AT_ONCE: usize = VECTORS * LANES;

/// A layer of seven frames' kernels, which keeps the number of frames.
pub(super) struct Middle {
    /// The row of the outputs of every channel.
    targets: Vec<usize>,
    /// By group of channels and row.
    weights: Vec<Vec<[[f32; CHANNELS]; TAPS]>>,
}

impl Middle {
    /// `weights` are `[channels, rows, TAPS]`, row-major; `targets` are the rows of the outputs, one a channel.
    pub(super) fn new(rows: usize, weights: &[f32], targets: Vec<usize>) -> Self {
        let group = |group: &[f32]| {
            // Beyond the last channel there is nothing.
            let weight =
                |channel: usize, row: usize, tap: usize| group.get((channel * rows + row) * TAPS + tap).copied();
            let of_row = |row| from_fn(|tap| from_fn(|channel| weight(channel, row, tap).unwrap_or(0.0)));
            (0..rows).map(of_row).collect()
        };
        Self { targets, weights: weights.chunks(CHANNELS * rows * TAPS).map(group).collect() }
    }

    /// Writes the outputs of so many frames into their rows of `outputs`.
    #[inline(never)]
    pub(super) fn run(&self, inputs: &Rows, frames: usize, outputs: &mut Rows) {
        for (weights, targets) in self.weights.iter().zip(self.targets.chunks(CHANNELS)) {
            for from in (0..frames).step_by(AT_ONCE) {
                let sums = sums_of(inputs, from, weights);
                for (&target, sums) in targets.iter().zip(sums) {
                    let row = outputs.row_mut(target);
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
