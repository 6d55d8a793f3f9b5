//! The timbres: kernels of many bands by seven frames, at every position among the bands where they fit, and the largest
//! output of all positions.
//!
//! A circular convolution over the 96 bands is right wherever the kernel fits. Over the bands it is a product of spectra;
//! over time seven products are summed before the inverse transform. Two channels' kernels a and b are stored as a + i·b,
//! so that one complex inverse transform gives one channel in its real and the other in its imaginary part.

use std::array::from_fn;

use super::rows::{BANDS, MAX_FRAMES, PAD, Rows, spectrum_at, turns};
use super::vector::{Complex, LANES, Vector, add_product, load, store, sub_product, transform_4, transform_8};

/// Frames of the kernels.
pub(super) const TAPS: usize = 7;
/// Frequencies of 96 bands, 0 to 48: the input is real.
const FREQUENCIES: usize = BANDS / 2 + 1;
/// Frames of a block, whose spectra stay in the first-level cache (16 KB), and with those that a kernel reaches.
const BLOCK: usize = 32;
const REACH: usize = BLOCK + 8;
/// Frames that are summed at once, two vectors: with both halves of the spectrum eight accumulators, as many as leave room
/// for the operands in the 16 registers of x86.
const AT_ONCE: usize = 2 * LANES;
/// The most frames in front of a kernel's middle.
const BEFORE: usize = TAPS / 2;

/// One block's spectra: real and imaginary parts of [`REACH`] frames by frequency.
type BlockSpectra = [[[f32; REACH]; 2]; FREQUENCIES];
/// Three transforms of 32 that make one of 96.
type Planes = [[Complex; 32]; 3];

/// Spectra over the bands of every frame of a window, for kernels of all heights.
pub(super) struct BandSpectra {
    blocks: Vec<BlockSpectra>,
}

impl BandSpectra {
    pub(super) fn new() -> Self {
        Self { blocks: vec![[[[0.0; REACH]; 2]; FREQUENCIES]; MAX_FRAMES.div_ceil(BLOCK)] }
    }

    /// Takes those of a window of so many frames.
    #[inline(never)]
    pub(super) fn take(&mut self, window: &Rows, frames: usize) {
        for (block, spectra) in self.blocks.iter_mut().enumerate().take(frames.div_ceil(BLOCK)) {
            for four in (0..REACH).step_by(LANES) {
                let mut planes: Planes = [[Complex::ZERO; 32]; 3];
                for band in 0..BANDS {
                    let (plane, index) = place(band);
                    let from = PAD - BEFORE + block * BLOCK + four;
                    planes[plane][index].re = load(&window.row(band)[from..]);
                }
                transform_planes(&mut planes);
                for (k, [re, im]) in spectra.iter_mut().enumerate() {
                    // The inverse transform of real numbers is the conjugate of their spectrum.
                    let y = last_3(&planes, k % 32)[k % 3];
                    store(&mut re[four..], y.re);
                    store(&mut im[four..], -y.im);
                }
            }
        }
    }
}

/// Weights of a pair of channels at a frequency k: of each frame the spectrum at k, then at 96 − k, real and imaginary.
type PairWeights = [[[f32; 4]; TAPS]; FREQUENCIES];

/// Kernels that fit at `POSITIONS` places: 97 − `POSITIONS` bands high.
pub(super) struct Timbre<const POSITIONS: usize> {
    pairs: Vec<PairWeights>,
    channels: usize,
}

impl<const POSITIONS: usize> Timbre<POSITIONS> {
    /// Bands of a kernel.
    pub(super) const TALL: usize = BANDS + 1 - POSITIONS;

    /// `weights` are `[channels, TALL, TAPS]`, row-major.
    pub(super) fn new(weights: &[f32]) -> Self {
        let turns = turns(BANDS);
        let pair = |two: &[f32]| {
            let mut kernels = two.chunks_exact(Self::TALL * TAPS);
            // With an odd number of channels the last pair is one and nothing.
            let kernels: [&[f32]; 2] = from_fn(|_| kernels.next().unwrap_or(&[]));
            from_fn(|k| {
                from_fn(|tap| {
                    let [a, b] =
                        kernels.map(|kernel| spectrum_at(k, kernel.get(tap..).unwrap_or(&[]), TAPS, 0, &turns));
                    // At 96 − k the spectra of real numbers are the conjugates of those at k.
                    [a.0 - b.1, a.1 + b.0, a.0 + b.1, b.0 - a.1].map(|value| value as f32)
                })
            })
        };
        let channels = weights.len() / (Self::TALL * TAPS);
        Self { pairs: weights.chunks(2 * Self::TALL * TAPS).map(pair).collect(), channels }
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Writes the largest output of every frame into the rows from `first` on.
    #[inline(never)]
    pub(super) fn run(&self, spectra: &BandSpectra, frames: usize, outputs: &mut Rows, first: usize) {
        for (block, spectra) in spectra.blocks.iter().enumerate().take(frames.div_ceil(BLOCK)) {
            for (pair, weights) in self.pairs.iter().enumerate() {
                let channel = first + 2 * pair;
                for at in (0..BLOCK).step_by(AT_ONCE) {
                    let mut sums = [[[Complex::ZERO; 32]; 3]; 2];
                    accumulate(spectra, at, weights, &mut sums);
                    for (half, sums) in sums.iter_mut().enumerate() {
                        let most = largest::<POSITIONS>(sums);
                        let to = PAD + block * BLOCK + at + LANES * half;
                        store(&mut outputs.row_mut(channel)[to..], most.re);
                        if 2 * pair + 1 < self.channels {
                            store(&mut outputs.row_mut(channel + 1)[to..], most.im);
                        }
                    }
                }
            }
        }
    }
}

/// For every frequency seven frames of the spectra times those of the kernels, for eight frames at once.
#[inline(always)]
fn accumulate(spectra: &BlockSpectra, at: usize, weights: &PairWeights, sums: &mut [Planes; 2]) {
    for (k, ([re, im], weights)) in spectra.iter().zip(weights).enumerate() {
        // One check of bounds a row, instead of one a vector.
        let [re, im]: [&[f32; 16]; 2] = [re, im].map(|row| sixteen(row, at));
        let (mut up, mut down) = ([Complex::ZERO; 2], [Complex::ZERO; 2]);
        for (tap, weights) in weights.iter().enumerate() {
            let [ar, ai, br, bi] = weights.map(Vector::splat);
            for half in 0..2 {
                let (re, im) = (load(&re[tap + LANES * half..]), load(&im[tap + LANES * half..]));
                let (u, d) = (&mut up[half], &mut down[half]);
                u.re = sub_product(ai, im, add_product(ar, re, u.re));
                u.im = add_product(ai, re, add_product(ar, im, u.im));
                d.re = add_product(bi, im, add_product(br, re, d.re));
                d.im = sub_product(br, im, add_product(bi, re, d.im));
            }
        }
        let ((plane, index), (mirrored, at)) = (place(k), place(BANDS - k));
        for half in 0..2 {
            sums[half][plane][index] = up[half];
            if k > 0 {
                sums[half][mirrored][at] = down[half];
            }
        }
    }
}

/// Sixteen frames of a row, from a frame that leaves room for them.
#[inline(always)]
fn sixteen(row: &[f32; REACH], at: usize) -> &[f32; 16] {
    row[at..].first_chunk().unwrap_or(&[0.0; 16])
}

/// Where frequency k (mod 96) goes: plane and index of three transforms of 32, which are followed by 32 of three, with no
/// factors between (I. J. Good, 1958; L. H. Thomas, 1963: 96 = 3 · 32).
#[inline(always)]
const fn place(k: usize) -> (usize, usize) {
    (2 * k % 3, 11 * k % 32)
}

/// cos(2πn/32), for the factors within the transforms of 32.
#[rustfmt::skip]
const COSINES: [f32; 32] = [
    1.0, 0.980_785_25, 0.923_879_5, 0.831_469_6, 0.707_106_77, 0.555_570_24, 0.382_683_43, 0.195_090_32,
    0.0, -0.195_090_32, -0.382_683_43, -0.555_570_24, -0.707_106_77, -0.831_469_6, -0.923_879_5, -0.980_785_25,
    -1.0, -0.980_785_25, -0.923_879_5, -0.831_469_6, -0.707_106_77, -0.555_570_24, -0.382_683_43, -0.195_090_32,
    -0.0, 0.195_090_32, 0.382_683_43, 0.555_570_24, 0.707_106_77, 0.831_469_6, 0.923_879_5, 0.980_785_25,
];

/// An inverse transform of 32 in place, as 4 × 8; output n is then at 8·(n mod 4) + n / 4.
#[inline(always)]
fn transform_32(z: &mut [Complex; 32]) {
    for k in 0..8 {
        let y = transform_4([0, 8, 16, 24].map(|i| z[k + i]));
        z[k] = y[0];
        for n in 1..4 {
            let (re, im) = (Vector::splat(COSINES[k * n]), Vector::splat(COSINES[(k * n + 24) % 32]));
            z[k + 8 * n] = if k == 0 { y[n] } else { y[n].times(re, im) };
        }
    }
    for eight in z.as_chunks_mut::<8>().0 {
        *eight = transform_8(*eight);
    }
}

/// The three transforms of 32. A loop instead of `for_each`, whose body is not inlined.
#[inline(always)]
fn transform_planes(planes: &mut Planes) {
    for plane in planes {
        transform_32(plane);
    }
}

/// Outputs n, n + 32 and n + 64 of the transform of 96, n below 32: the one that leaves 0 when divided by 3, the one that
/// leaves 1, the one that leaves 2.
#[inline(always)]
fn last_3(planes: &Planes, n: usize) -> [Complex; 3] {
    let [a, b, c] = [0, 1, 2].map(|plane| planes[plane][(8 * (n % 4) + n / 4) % 32]);
    let (sum, difference) = (b.add(c), b.sub(c));
    let (half, sine) = (Vector::splat(0.5), Vector::splat(0.866_025_4)); // sin(2π/3)
    let middle = Complex::new(sub_product(half, sum.re, a.re), sub_product(half, sum.im, a.im));
    let turned = |sign: f32| {
        let sine = sine * Vector::splat(sign);
        let re = sub_product(sine, difference.im, middle.re);
        Complex::new(re, add_product(sine, difference.re, middle.im))
    };
    [a.add(sum), turned(1.0), turned(-1.0)]
}

/// The largest of outputs 0 to `POSITIONS` − 1 of the transform of 96, real and imaginary parts apart.
#[inline(always)]
fn largest<const POSITIONS: usize>(planes: &mut Planes) -> Complex {
    transform_planes(planes);
    let mut most = Complex::LOWEST;
    for n in 0..POSITIONS.min(32) {
        let y = last_3(planes, n);
        most = most.larger(y[n % 3]);
        if n + 32 < POSITIONS {
            most = most.larger(y[(n + 32) % 3]);
        }
    }
    most
}
