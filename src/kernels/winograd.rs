//! Convolutions with steps of one by Winograd's minimal filtering (Winograd, "Arithmetic complexity of computations", 1980;
//! Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016): values at a few points are multiplied,
//! in place of every input by every weight.

use std::array::from_fn;

use super::convolution::{
    Buffers, CHANNELS, Geometry, Group, POSITIONS, Plane, VECTORS, Weights, bands, groups_of, keep_largest, sum_up,
};
use super::vector::{LANES, Vector, add_product, load, store};

/// Points of [`Winograd`] over columns: 0, ±1, ±2 and infinity.
const POINTS: usize = 6;
/// Points over rows, for kernels of three rows: 0, ±1 and infinity.
const ROW_POINTS: usize = 4;

/// A convolution with steps of one, by Winograd's minimal filtering: F(4, 3) or F(3, 4) over columns, for kernels of three
/// or four, and F(2, 3) over rows, for kernels of three or one. It takes a half of the products, or a third of them where
/// there are three rows. Inputs are channels by the four.
pub(super) struct Winograd {
    geometry: Geometry,
    /// The weights of one point lie together, those over columns of one row point beside each other.
    groups: Vec<Group>,
    inputs: usize,
}

impl Winograd {
    /// As of [`Direct::new`](super::convolution::Direct::new).
    pub fn new(geometry: Geometry, inputs: usize, weights: &[f32], bias: &[f32]) -> Self {
        let [rows, columns] = geometry.kernel;
        let groups = groups_of(inputs * rows * columns, weights, bias, |weight| {
            let row_points = if rows == 3 { ROW_POINTS } else { 1 };
            let mut found = vec![[0.0; CHANNELS]; row_points * POINTS * inputs];
            for (input, channel) in (0..inputs).flat_map(|input| (0..CHANNELS).map(move |channel| (input, channel))) {
                let tap = |row, column| f64::from(weight(channel, (input * rows + row) * columns + column));
                let of_row = |row| {
                    let at = |point: f64| (0..columns).rev().fold(0.0, |sum, column| sum * point + tap(row, column));
                    let last = tap(row, columns - 1);
                    [at(0.0) / 4.0, at(1.0) / -6.0, at(-1.0) / -6.0, at(2.0) / 24.0, at(-2.0) / 24.0, last]
                };
                let mut set = |row_point: usize, values: [f64; POINTS]| {
                    for (point, value) in values.into_iter().enumerate() {
                        found[(row_point * POINTS + point) * inputs + input][channel] = value as f32;
                    }
                };
                if rows == 3 {
                    let [a, b, c] = from_fn(of_row);
                    set(0, a);
                    set(1, from_fn(|i| (a[i] + b[i] + c[i]) / 2.0));
                    set(2, from_fn(|i| (a[i] - b[i] + c[i]) / 2.0));
                    set(3, c);
                } else {
                    set(0, of_row(0));
                }
            }
            found
        });
        Self { geometry, groups, inputs }
    }

    /// Writes the outputs, whose size is [`Geometry::pooled`].
    #[inline(never)]
    pub fn run(&self, input: &Plane, output: &mut Plane, buffers: &mut Buffers) {
        let Geometry { kernel, pool, .. } = self.geometry;
        let Buffers { starts, band, columns: by_column, both, sums, rows: back } = buffers;
        let columns = output.columns * pool[1];
        if columns == 0 {
            return;
        }
        // Columns and rows of outputs that one tile makes, and tiles of a row.
        let made = POINTS + 1 - kernel[1];
        let made_rows = if kernel[0] == 3 { 2 } else { 1 };
        let tiles = columns.div_ceil(made);
        let line = tiles * self.inputs;
        for bands in bands(output.rows, pool[0], tiles.div_ceil(made_rows), made_rows) {
            let band_rows = bands.len() * pool[0];
            let tile_rows = band_rows.div_ceil(made_rows);
            let places = tile_rows * tiles;
            let rows = tile_rows * made_rows + kernel[0] - 1;
            by_column.resize(POINTS * rows * line, 0.0);
            transform(input, bands.start * pool[0], made, tiles, by_column);
            let transformed: &[f32] = if made_rows == 2 {
                both.resize(ROW_POINTS * POINTS * places * self.inputs, 0.0);
                transform_rows(by_column, rows, line, tile_rows, both);
                both
            } else {
                by_column
            };
            starts.clear();
            starts.extend((0..places.next_multiple_of(POSITIONS)).map(|p| p.min(places - 1) * self.inputs));
            let padded = starts.len();
            let points = self.groups.first().map_or(0, |group| group.weights.len() / self.inputs);
            sums.resize(points * padded, [0.0; CHANNELS]);
            back.resize(POINTS * tile_rows * made_rows * tiles, [0.0; CHANNELS]);
            band.resize(band_rows * columns, [0.0; CHANNELS]);
            for (group, Group { weights, bias }) in self.groups.iter().enumerate() {
                let of_points = transformed.chunks_exact(tile_rows * line).zip(sums.chunks_exact_mut(padded));
                for ((from, sums), weights) in of_points.zip(weights.chunks_exact(self.inputs)) {
                    sum_up(from, starts, line, self.inputs, weights, [Vector::ZERO; VECTORS], sums);
                }
                if made_rows == 2 {
                    transform_rows_back(sums, padded, tiles, back);
                    transform_back(back, tiles, *bias, made, columns, band);
                } else {
                    transform_back(sums, tiles, *bias, made, columns, band);
                }
                keep_largest(band, pool, bands.clone(), group, output);
            }
        }
    }
}

/// Four rows, two apart from tile to tile, into their values at the row points.
#[inline(never)]
fn transform_rows(from: &[f32], rows: usize, line: usize, tile_rows: usize, to: &mut [f32]) {
    let of_row_point = POINTS * tile_rows * line;
    for (point, from) in from.chunks_exact(rows * line).enumerate() {
        for tile_row in 0..tile_rows {
            let at = (point * tile_rows + tile_row) * line;
            let [a, b, c, d] = from_fn(|i| &from[(2 * tile_row + i) * line..][..line]);
            for i in (0..line).step_by(LANES) {
                let [a, b, c, d] = [a, b, c, d].map(|row| load(&row[i..]));
                for (row_point, value) in [a - c, b + c, c - b, b - d].into_iter().enumerate() {
                    store(&mut to[row_point * of_row_point + at + i..], value);
                }
            }
        }
    }
}

/// Sums by row point and point into sums by point of twice as many rows.
#[inline(never)]
fn transform_rows_back(sums: &[Weights], places: usize, tiles: usize, to: &mut [Weights]) {
    let of_point = to.len() / POINTS;
    for (point, to) in to.chunks_exact_mut(of_point).enumerate() {
        let [a, b, c, d] = from_fn(|row_point| &sums[(row_point * POINTS + point) * places..][..places]);
        for (tile_row, to) in to.chunks_exact_mut(2 * tiles).enumerate() {
            let (upper, lower) = to.split_at_mut(tiles);
            for (tile, (upper, lower)) in upper.iter_mut().zip(lower).enumerate() {
                let at = tile_row * tiles + tile;
                for from in (0..CHANNELS).step_by(LANES) {
                    let [a, b, c, d] = [a, b, c, d].map(|sums| load(&sums[at][from..]));
                    store(&mut upper[from..], a + b + c);
                    store(&mut lower[from..], b - c - d);
                }
            }
        }
    }
}

/// Six columns, `made` apart from tile to tile, into their values at the points, from that row on.
#[inline(never)]
fn transform(input: &Plane, first: usize, made: usize, tiles: usize, to: &mut [f32]) {
    let channels = input.channels;
    let [two, four, five] = [2.0, 4.0, 5.0].map(Vector::splat);
    let of_point = to.len() / POINTS;
    for row in 0..of_point / (tiles * channels) {
        // Beyond the last row, and beyond a row, are zeros.
        let from = input.values.chunks_exact(input.line()).nth(first + row).unwrap_or_default();
        for tile in 0..tiles {
            let from = from.get(tile * made * channels..).unwrap_or_default();
            let at = (row * tiles + tile) * channels;
            for channel in (0..channels).step_by(LANES) {
                let x: [Vector; POINTS] = from_fn(|i| {
                    from.get(i * channels + channel..).filter(|x| x.len() >= LANES).map_or(Vector::ZERO, load)
                });
                let (even, odd) = (x[4] - four * x[2], x[3] - four * x[1]);
                let (even_2, odd_2) = (x[4] - x[2], two * (x[3] - x[1]));
                let points = [
                    four * x[0] - five * x[2] + x[4],
                    even + odd,
                    even - odd,
                    even_2 + odd_2,
                    even_2 - odd_2,
                    four * x[1] - five * x[3] + x[5],
                ];
                for (point, value) in points.into_iter().enumerate() {
                    store(&mut to[point * of_point + at + channel..], value);
                }
            }
        }
    }
}

/// Sums by point into outputs, of which each tile makes `made`.
#[inline(never)]
fn transform_back(
    sums: &[Weights],
    tiles: usize,
    bias: [Vector; VECTORS],
    made: usize,
    columns: usize,
    band: &mut [Weights],
) {
    let places = sums.len() / POINTS;
    for (row, band) in band.chunks_exact_mut(columns.max(1)).enumerate() {
        for (tile, band) in band.chunks_mut(made).enumerate() {
            for (vector, &bias) in bias.iter().enumerate() {
                let [zero, one, minus, two, minus_two, last]: [Vector; POINTS] =
                    from_fn(|point| load(&sums[point * places + row * tiles + tile][vector * LANES..]));
                let (even, odd) = (one + minus, one - minus);
                let (even_2, odd_2) = (two + minus_two, two - minus_two);
                let [two, four, eight] = [2.0, 4.0, 8.0].map(Vector::splat);
                let mut outputs = [
                    bias + zero + even + even_2,
                    add_product(odd_2, two, bias + odd),
                    add_product(even_2, four, bias + even),
                    add_product(odd_2, eight, bias + odd),
                ];
                outputs[made - 1] += last;
                for (to, output) in band.iter_mut().zip(outputs) {
                    store(&mut to[vector * LANES..], output);
                }
            }
        }
    }
}
