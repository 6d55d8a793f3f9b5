//! Convolutions over time of seven frames by Winograd's minimal filtering F(4, 7): four outputs take ten products instead
//! of 28. Rows and weights are transformed, multiplied as matrices, and transformed back.

use std::array::from_fn;

use super::rows::{PAD, Rows, STRIDE};
use super::timbre::TAPS;
use super::vector::{LANES, Vector, add_product, load, store};

/// Outputs of a tile.
const OUTPUTS: usize = 4;
/// Points at which the polynomials are evaluated.
const POINTS: usize = OUTPUTS + TAPS - 1;
/// Channels, and vectors of four tiles, of the matrix product's registers: 8 accumulate, 4 hold weights, one holds frames
/// and one a product. WebAssembly leaves 15 registers on x86.
const CHANNELS: usize = 4;
const VECTORS: usize = 2;
/// Tiles that are computed at once.
const TILES: usize = VECTORS * LANES;

/// Rows that are summed at a time.
pub(super) const SUMMED: usize = 32;

/// Rows at a point, of all tiles.
type PointRows = Vec<[f32; TILES]>;

/// A layer of seven frames' kernels, which keeps the number of frames.
pub(super) struct Winograd {
    rows: usize,
    /// The row of the outputs of every channel.
    targets: Vec<usize>,
    /// By group of channels and point: the weights of each row.
    weights: Vec<[Vec<[f32; CHANNELS]>; POINTS]>,
    matrices: Matrices,
}

impl Winograd {
    /// `weights` are `[channels, rows, TAPS]`, row-major; `targets` are the rows of the outputs, one a channel.
    pub(super) fn new(rows: usize, weights: &[f32], targets: Vec<usize>) -> Self {
        let matrices = Matrices::new();
        let group = |group: &[f32]| {
            from_fn(|point| {
                let packed = (0..rows).map(|row| {
                    from_fn(|channel| {
                        // Beyond the last channel there is nothing.
                        let taps = group.get((channel * rows + row) * TAPS..).unwrap_or(&[]);
                        let products = matrices.kernel[point].iter().zip(taps).map(|(g, w)| g * f64::from(*w));
                        products.sum::<f64>() as f32
                    })
                });
                packed.collect()
            })
        };
        Self { rows, targets, weights: weights.chunks(CHANNELS * rows * TAPS).map(group).collect(), matrices }
    }

    /// Writes the outputs of so many frames into their rows of `outputs`.
    #[inline(never)]
    pub(super) fn run(&self, inputs: &Rows, frames: usize, scratch: &mut PointScratch, outputs: &mut Rows) {
        let points = &mut scratch.points;
        points.iter_mut().for_each(|rows| rows.resize(self.rows, [0.0; TILES]));
        for from in (0..frames.div_ceil(OUTPUTS)).step_by(TILES) {
            for (index, row) in inputs.iter().take(self.rows).enumerate() {
                self.transform(row, from, index, points);
            }
            for (weights, targets) in self.weights.iter().zip(self.targets.chunks(CHANNELS)) {
                let sums: [_; POINTS] = from_fn(|point| products(&points[point], &weights[point]));
                for (channel, &target) in targets.iter().enumerate() {
                    let row = outputs.row_mut(target);
                    for vector in 0..VECTORS {
                        let tiles = self.matrices.output(from_fn(|point| sums[point][channel][vector]));
                        // Four tiles' outputs of one place become each tile's four outputs.
                        for (tile, four) in Vector::transpose(tiles).into_iter().enumerate() {
                            store(&mut row[PAD + (from + LANES * vector + tile) * OUTPUTS..], four);
                        }
                    }
                }
            }
        }
    }

    /// One row's values at every point, of the tiles from `from` on.
    #[inline(always)]
    fn transform(&self, row: &[f32; STRIDE], from: usize, index: usize, points: &mut [PointRows; POINTS]) {
        let frames = &row[PAD - TAPS / 2 + from * OUTPUTS..];
        // Frame i of all tiles together, so that those of four tiles load at once.
        let mut phases = [[0.0; TILES + LANES]; OUTPUTS];
        for (tile, frames) in frames.as_chunks::<OUTPUTS>().0.iter().enumerate().take(TILES + POINTS.div_ceil(OUTPUTS))
        {
            for (phase, &frame) in phases.iter_mut().zip(frames) {
                phase[tile] = frame;
            }
        }
        for vector in 0..VECTORS {
            let frames = from_fn(|i| load(&phases[i % OUTPUTS][LANES * vector + i / OUTPUTS..]));
            for (point, value) in self.matrices.input(frames).into_iter().enumerate() {
                store(&mut points[point][index][LANES * vector..], value);
            }
        }
    }
}

/// Transformed rows, between runs.
#[derive(Default)]
pub(super) struct PointScratch {
    points: [PointRows; POINTS],
}

/// The sums over all rows of their values times the weights of four channels: one tile of a matrix product.
#[inline(always)]
fn products(rows: &[[f32; TILES]], weights: &[[f32; CHANNELS]]) -> [[Vector; VECTORS]; CHANNELS] {
    let mut sums = [[Vector::ZERO; VECTORS]; CHANNELS];
    // Sums of sums: each addition to a long sum would round away as much as the whole sum's last place.
    for (rows, weights) in rows.chunks(SUMMED).zip(weights.chunks(SUMMED)) {
        let mut parts = [[Vector::ZERO; VECTORS]; CHANNELS];
        for (row, weights) in rows.iter().zip(weights) {
            let weights = weights.map(Vector::splat);
            for vector in 0..VECTORS {
                let row = load(&row[LANES * vector..]);
                for (parts, &weight) in parts.iter_mut().zip(&weights) {
                    parts[vector] = add_product(weight, row, parts[vector]);
                }
            }
        }
        for (sums, parts) in sums.iter_mut().flatten().zip(parts.into_iter().flatten()) {
            *sums += parts;
        }
    }
    sums
}

/// Bᵀ, G and Aᵀ of F(4, 7) in the notation of Lavin and Gray: linear convolution by evaluation and interpolation (A. L. Toom
/// and S. A. Cook), transposed. Each point's factor is shared out so that the largest number of its row of Bᵀ is 1.
struct Matrices {
    input: [[f32; POINTS]; POINTS],
    kernel: [[f64; TAPS]; POINTS],
    output: [[f32; POINTS]; OUTPUTS],
}

/// The points besides infinity: 0, then numbers and their opposites.
const FINITE_POINTS: [f64; POINTS - 1] = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1.5, -1.5];

impl Matrices {
    fn new() -> Self {
        // The point's power; at infinity only the highest degree counts.
        let power = |point: usize, exponent: usize, degree: usize| match FINITE_POINTS.get(point) {
            Some(value) => value.powi(exponent as i32),
            None => f64::from(u8::from(exponent == degree)),
        };
        let mut input = [[0.0; POINTS]; POINTS];
        let mut factors = [1.0; POINTS];
        for (point, row) in input.iter_mut().enumerate() {
            // The coefficients of the product of (x − q) over all other points q: it is zero there.
            row[0] = 1.0;
            for (other, q) in FINITE_POINTS.into_iter().enumerate().filter(|&(other, _)| other != point) {
                for i in (0..POINTS).rev() {
                    row[i] = if i > 0 { row[i - 1] } else { 0.0 } - q * row[i];
                }
                if let Some(value) = FINITE_POINTS.get(point) {
                    factors[point] /= value - FINITE_POINTS[other];
                }
            }
            let largest = row.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            row.iter_mut().for_each(|value| *value /= largest);
            factors[point] *= largest;
        }
        Self {
            input: input.map(|row| row.map(|value| value as f32)),
            kernel: from_fn(|point| from_fn(|tap| power(point, tap, TAPS - 1) * factors[point])),
            output: from_fn(|at| from_fn(|point| power(point, at, OUTPUTS - 1) as f32)),
        }
    }

    /// Bᵀ·x. The rows of a number and of its opposite share even and odd parts.
    #[inline(always)]
    fn input(&self, x: [Vector; POINTS]) -> [Vector; POINTS] {
        let part = |point: usize, odd: usize| {
            let terms = (odd..POINTS).step_by(2);
            terms.fold(Vector::ZERO, |sum, i| add_product(Vector::splat(self.input[point][i]), x[i], sum))
        };
        let mut y = [part(0, 0); POINTS];
        for point in (1..POINTS - 1).step_by(2) {
            let (even, odd) = (part(point, 0), part(point, 1));
            (y[point], y[point + 1]) = (even + odd, even - odd);
        }
        y[POINTS - 1] = part(POINTS - 1, 1);
        y
    }

    /// Aᵀ·y.
    #[inline(always)]
    fn output(&self, y: [Vector; POINTS]) -> [Vector; OUTPUTS] {
        let mut out = [Vector::ZERO; OUTPUTS];
        (out[0], out[OUTPUTS - 1]) = (y[0], y[POINTS - 1]);
        for point in (1..POINTS - 1).step_by(2) {
            let parts = [y[point] + y[point + 1], y[point] - y[point + 1]];
            for (at, out) in out.iter_mut().enumerate() {
                *out = add_product(Vector::splat(self.output[at][point]), parts[at % 2], *out);
            }
        }
        out
    }
}
