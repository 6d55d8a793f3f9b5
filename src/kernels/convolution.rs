//! Small convolutions with their bias, ReLU and max pool in one pass.
//!
//! Values are channels-last, so that what one kernel row spans lies in one piece: a convolution is then a product of
//! matrices whose rows overlap, and nothing is gathered. A tile of registers is [`POSITIONS`] places of a row by
//! [`CHANNELS`] channels; its weights are read as vectors, its inputs are repeated in all lanes.

use std::array::from_fn;
use std::ops::Range;

use super::vector::{LANES, Vector, add_product, load, store};

/// Vectors of channels of the registers' tile.
pub(super) const VECTORS: usize = 2;
/// Channels of the registers' tile.
pub(super) const CHANNELS: usize = VECTORS * LANES;
/// Places of the registers' tile: 6 registers accumulate, 2 hold weights, one holds an input and one a product. In V8 on
/// an Intel Xeon, 4 places take a sixth longer, 5 and 6 as long as 4, and steps that are unrolled as well.
pub(super) const POSITIONS: usize = 3;

/// Places that are computed at once, so many or more.
const PLACES: usize = 48;

/// The weights of one group of channels that one input value is multiplied by.
pub(super) type Weights = [f32; CHANNELS];
/// What the registers accumulate.
type Tile = [[Vector; VECTORS]; POSITIONS];

/// Zeros before and after the values of an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Padding {
    /// Zeros before the first value.
    pub before: usize,
    /// Zeros after the last.
    pub after: usize,
}

/// Values `[rows, columns, channels]` with zeros around them.
pub(super) struct Plane {
    pub values: Vec<f32>,
    pub rows: usize,
    pub columns: usize,
    pub channels: usize,
    padding: [Padding; 2],
}

impl Plane {
    /// Zeros. The padding is that of the convolution that reads them.
    pub fn new([rows, columns]: [usize; 2], channels: usize, padding: [Padding; 2]) -> Self {
        let [high, wide] = [(rows, padding[0]), (columns, padding[1])].map(|(of, pad)| pad.before + of + pad.after);
        Self { values: vec![0.0; high * wide * channels], rows, columns, channels, padding }
    }

    /// Rows and columns, without the zeros around them.
    pub fn size(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// Takes over values `[channels, rows, columns]`.
    pub fn fill(&mut self, values: &[f32]) {
        let (rows, columns, channels) = (self.rows, self.columns, self.channels);
        for row in 0..rows {
            let to = self.row_mut(row);
            for (channel, plane) in values.chunks_exact(rows * columns).take(channels).enumerate() {
                let from = &plane[row * columns..][..columns];
                for (&from, to) in from.iter().zip(to[channel..].iter_mut().step_by(channels)) {
                    *to = from;
                }
            }
        }
    }

    /// One row, `[columns, channels]`, without the zeros around it.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[self.start_of(row)..][..self.columns * self.channels]
    }

    fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let start = self.start_of(row);
        &mut self.values[start..][..self.columns * self.channels]
    }

    fn start_of(&self, row: usize) -> usize {
        (self.padding[0].before + row) * self.line() + self.padding[1].before * self.channels
    }

    /// Floats from one row to the next.
    pub fn line(&self) -> usize {
        (self.padding[1].before + self.columns + self.padding[1].after) * self.channels
    }
}

/// What a convolution spans and how its outputs are pooled, each over rows and columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Steps of the kernel.
    pub stride: [usize; 2],
    /// Outputs of which the largest is kept.
    pub pool: [usize; 2],
}

impl Geometry {
    /// Rows and columns after convolution and pool, of an input of this size.
    pub fn pooled(&self, size: [usize; 2], padding: [Padding; 2]) -> [usize; 2] {
        from_fn(|axis| {
            let padded = padding[axis].before + size[axis] + padding[axis].after;
            let convolved = (padded + self.stride[axis]).saturating_sub(self.kernel[axis]) / self.stride[axis];
            convolved / self.pool[axis]
        })
    }
}

/// A convolution with its bias, ReLU and max pool.
pub(super) struct Direct {
    geometry: Geometry,
    groups: Vec<Group>,
    /// Input values that one kernel row spans.
    span: usize,
}

/// Memory for what a convolution makes of a band of rows, one for every thread.
#[derive(Default)]
pub(super) struct Buffers {
    /// Where the places of a band start in its rows of the input.
    pub starts: Vec<usize>,
    /// One group's outputs of a band.
    pub band: Vec<Weights>,
    /// For [`Winograd`](super::winograd::Winograd): inputs transformed over columns, `[points, rows, tiles, channels]`, and
    /// over rows too, `[row points, points, …]`.
    pub columns: Vec<f32>,
    pub both: Vec<f32>,
    /// One group's sums of a band by point, and the same transformed back over rows.
    pub sums: Vec<Weights>,
    pub rows: Vec<Weights>,
}

/// What makes one group of channels: its weights by kernel row, kernel column and input channel, and its bias.
pub(super) struct Group {
    pub weights: Vec<Weights>,
    pub bias: [Vector; VECTORS],
}

impl Direct {
    /// `weights` are `[channels, inputs, rows, columns]`, row-major; there is one of `bias` a channel.
    pub fn new(geometry: Geometry, inputs: usize, weights: &[f32], bias: &[f32]) -> Self {
        let [rows, columns] = geometry.kernel;
        let taps = rows * columns;
        let groups = groups_of(inputs * taps, weights, bias, |weight| {
            let of_input = |tap, input| from_fn(|channel| weight(channel, input * taps + tap));
            (0..taps).flat_map(|tap| (0..inputs).map(move |input| of_input(tap, input))).collect()
        });
        Self { geometry, groups, span: columns * inputs }
    }

    /// Writes the outputs, whose size is [`Geometry::pooled`].
    #[inline(never)]
    pub fn run(&self, input: &Plane, output: &mut Plane, buffers: &mut Buffers) {
        let Geometry { stride, pool, .. } = self.geometry;
        let Buffers { starts, band, .. } = buffers;
        let columns = output.columns * pool[1];
        if columns == 0 {
            return;
        }
        let line = input.line();
        for bands in bands(output.rows, pool[0], columns, 1) {
            // What is beyond the last place, up to a whole tile, is that place once more.
            let places = bands.len() * pool[0] * columns;
            let start =
                |place: usize| (place / columns) * stride[0] * line + (place % columns) * stride[1] * input.channels;
            starts.clear();
            starts.extend((0..places.next_multiple_of(POSITIONS)).map(|place| start(place.min(places - 1))));
            band.resize(starts.len(), [0.0; CHANNELS]);
            let from = &input.values[bands.start * pool[0] * stride[0] * line..];
            for (group, Group { weights, bias }) in self.groups.iter().enumerate() {
                sum_up(from, starts, line, self.span, weights, *bias, band);
                keep_largest(band, pool, bands.clone(), group, output);
            }
        }
    }
}

/// Rows of outputs, a few at a time: of one band, with so many places a row, little more is computed than fits the tiles.
pub(super) fn bands(rows: usize, pool: usize, places: usize, multiple: usize) -> impl Iterator<Item = Range<usize>> {
    let at_once = PLACES.div_ceil((pool * places).max(1)).next_multiple_of(multiple);
    (0..rows).step_by(at_once).map(move |from| from..(from + at_once).min(rows))
}

/// Groups of channels, whose weights are made of a function of the channel and the index among `inputs` weights.
pub(super) fn groups_of(
    inputs: usize,
    weights: &[f32],
    bias: &[f32],
    make: impl Fn(&dyn Fn(usize, usize) -> f32) -> Vec<Weights>,
) -> Vec<Group> {
    let of_group = |(group, bias): (&[f32], &[f32])| {
        // Beyond the last channel there is nothing.
        let weight = |channel: usize, at: usize| group.get(channel * inputs + at).copied().unwrap_or(0.0);
        let bias = from_fn(|v| Vector::new(from_fn(|i| bias.get(v * LANES + i).copied().unwrap_or(0.0))));
        Group { weights: make(&weight), bias }
    };
    weights.chunks((CHANNELS * inputs).max(1)).zip(bias.chunks(CHANNELS)).map(of_group).collect()
}

/// The sums of places for one group of channels.
#[inline(never)]
pub(super) fn sum_up(
    input: &[f32],
    starts: &[usize],
    line: usize,
    span: usize,
    weights: &[Weights],
    bias: [Vector; VECTORS],
    sums: &mut [Weights],
) {
    let (tiles, _) = starts.as_chunks::<POSITIONS>();
    let (sums, _) = sums.as_chunks_mut::<POSITIONS>();
    for (&starts, sums) in tiles.iter().zip(sums) {
        for (to, found) in sums.iter_mut().zip(sums_of(input, starts, line, span, weights, bias)) {
            for (vector, found) in found.into_iter().enumerate() {
                store(&mut to[vector * LANES..], found);
            }
        }
    }
}

/// The sums of a tile, whose places start there in the input.
#[inline(always)]
fn sums_of(
    input: &[f32],
    starts: [usize; POSITIONS],
    line: usize,
    span: usize,
    weights: &[Weights],
    bias: [Vector; VECTORS],
) -> Tile {
    let mut sums = [bias; POSITIONS];
    for (kernel_row, weights) in weights.chunks_exact(span).enumerate() {
        // One check of bounds a kernel row, instead of one a value.
        let rows = starts.map(|start| &input[start + kernel_row * line..][..span]);
        for (at, weights) in weights.iter().enumerate() {
            let weights: [Vector; VECTORS] = from_fn(|vector| load(&weights[vector * LANES..]));
            for (sums, row) in sums.iter_mut().zip(rows) {
                let value = Vector::splat(row[at]);
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = add_product(weight, value, *sum);
                }
            }
        }
    }
    sums
}

/// Writes the largest of each pool of a band, and of zero, into some rows of one group of channels.
pub(super) fn keep_largest(band: &[Weights], pool: [usize; 2], rows: Range<usize>, group: usize, output: &mut Plane) {
    let (channels, columns) = (output.channels, output.columns * pool[1]);
    for (row, band) in rows.zip(band.chunks_exact(pool[0] * columns)) {
        let to = &mut output.row_mut(row)[group * CHANNELS..];
        for (column, to) in to.chunks_mut(channels).enumerate() {
            let mut most = [Vector::ZERO; VECTORS];
            for values in band.chunks_exact(columns).flat_map(|row| &row[column * pool[1]..][..pool[1]]) {
                for (vector, most) in most.iter_mut().enumerate() {
                    *most = most.fast_max(load(&values[vector * LANES..]));
                }
            }
            for (vector, most) in most.into_iter().enumerate() {
                store(&mut to[vector * LANES..], most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::winograd::Winograd;
    use super::*;

    fn numbers(count: usize, from: usize) -> Vec<f32> {
        (from..from + count).map(|i| (i as f32 * 1.7).sin()).collect()
    }

    /// Both kernels beside the sums that define a convolution, in double precision.
    fn check(geometry: Geometry, [inputs, channels]: [usize; 2], size: [usize; 2], padding: [Padding; 2], tiled: bool) {
        let Geometry { kernel: [rows, columns], stride, pool } = geometry;
        let values = numbers(inputs * size[0] * size[1], 5);
        let (weights, bias) = (numbers(channels * inputs * rows * columns, 900), numbers(channels, 77));
        let mut input = Plane::new(size, inputs, padding);
        input.fill(&values);
        let direct = Direct::new(geometry, inputs, &weights, &bias);
        let found_size = geometry.pooled(size, padding);
        let mut buffers = Buffers::default();
        let mut outputs = vec![Plane::new(found_size, channels, [Padding { before: 1, after: 2 }; 2])];
        direct.run(&input, &mut outputs[0], &mut buffers);
        if tiled {
            outputs.push(Plane::new(found_size, channels, [Padding::default(); 2]));
            Winograd::new(geometry, inputs, &weights, &bias).run(&input, &mut outputs[1], &mut buffers);
        }
        let value = |channel: usize, row: usize, column: usize| {
            let row = row.checked_sub(padding[0].before).filter(|&row| row < size[0]);
            let column = column.checked_sub(padding[1].before).filter(|&column| column < size[1]);
            row.zip(column).map_or(0.0, |(row, column)| f64::from(values[(channel * size[0] + row) * size[1] + column]))
        };
        let sum = |channel: usize, row: usize, column: usize| {
            let mut sum = f64::from(bias[channel]);
            for (at, &weight) in
                weights.chunks_exact(inputs * rows * columns).nth(channel).unwrap_or_default().iter().enumerate()
            {
                let (input, y, x) = (at / (rows * columns), at / columns % rows, at % columns);
                sum += f64::from(weight) * value(input, row * stride[0] + y, column * stride[1] + x);
            }
            sum
        };
        let mut largest: f64 = 0.0;
        let mut worst: f64 = 0.0;
        for row in 0..found_size[0] {
            for column in 0..found_size[1] {
                for channel in 0..channels {
                    let mut expected: f64 = 0.0;
                    for (y, x) in (0..pool[0]).flat_map(|y| (0..pool[1]).map(move |x| (y, x))) {
                        expected = expected.max(sum(channel, row * pool[0] + y, column * pool[1] + x));
                    }
                    largest = largest.max(expected);
                    for output in &outputs {
                        worst = worst.max((f64::from(output.row(row)[column * channels + channel]) - expected).abs());
                    }
                }
            }
        }
        assert!(largest > 1.0 && worst < 3e-6 * largest, "{geometry:?}, {size:?}: {worst} of {largest}");
    }

    #[test]
    fn outputs_are_the_sums_that_define_them() {
        let pad = |before, after| Padding { before, after };
        let (one, none) = ([1, 1], [pad(0, 0); 2]);
        check(Geometry { kernel: [1, 4], stride: one, pool: one }, [12, 16], [1, 39], [pad(0, 0), pad(1, 2)], true);
        check(Geometry { kernel: [1, 4], stride: one, pool: one }, [8, 8], [1, 5], none, true);
        check(Geometry { kernel: [3, 3], stride: one, pool: [2, 1] }, [8, 24], [8, 20], [pad(1, 1); 2], true);
        check(Geometry { kernel: [3, 3], stride: one, pool: [3, 7] }, [4, 16], [17, 23], [pad(1, 1); 2], true);
        check(Geometry { kernel: [3, 3], stride: one, pool: one }, [4, 8], [5, 1], [pad(1, 1); 2], true);
        check(Geometry { kernel: [7, 5], stride: [4, 2], pool: one }, [2, 8], [32, 39], [pad(3, 3), pad(2, 2)], false);
        check(Geometry { kernel: one, stride: one, pool: one }, [5, 8], [1, 10], none, false);
    }
}
