//! The rhythms: kernels of one band by up to 128 frames at every band, and the largest output of all bands.
//!
//! A convolution over time is a product of spectra over time, of transforms of 256: what wraps around the circle falls on
//! outputs that are not wanted. Two channels share one complex inverse transform, as the [timbres](super::timbre)' do.

use std::array::from_fn;

use super::rows::{BANDS, MAX_FRAMES, PAD, Rows, spectrum_at, turns};
use super::vector::{Complex, LANES, Vector, largest, transform_16};

/// Length of the transforms. With kernels of 128 frames, 64 of them after the middle, no more than 192 frames fit.
const LENGTH: usize = 256;
const SIDE: usize = 16;
const _: () = assert!(SIDE * SIDE == LENGTH && MAX_FRAMES + LONGEST / 2 <= LENGTH);
/// The most frames of a kernel.
pub(super) const LONGEST: usize = 128;
/// Bands in groups of a vector's lanes.
const GROUPS: usize = BANDS / LANES;

/// Spectra over time of every band of a window; more frequencies than the half that is needed.
pub(super) struct TimeSpectra {
    groups: Vec<[Complex; MAX_FRAMES]>,
}

/// Kernels of several lengths.
pub(super) struct Rhythm {
    /// By pair of channels and frequency, real and imaginary parts.
    pairs: Vec<[[f32; 2]; LENGTH]>,
    /// Between the two steps of the transforms.
    factors: [[[f32; 2]; SIDE]; SIDE],
    channels: usize,
}

impl TimeSpectra {
    pub(super) fn new() -> Self {
        Self { groups: vec![[Complex::ZERO; MAX_FRAMES]; GROUPS] }
    }
}

impl Rhythm {
    /// One kernel a channel, each of at most [`LONGEST`] frames.
    pub(super) fn new(kernels: &[&[f32]]) -> Self {
        let turns = turns(LENGTH);
        let pair = |two: &[&[f32]]| {
            from_fn(|k| {
                let [a, b] = [0, 1].map(|channel| {
                    let kernel: &[f32] = two.get(channel).copied().unwrap_or(&[]);
                    // The output's own frame is at 0; the kernel's first frame is before it, around the circle.
                    let before = kernel.len().saturating_sub(1) / 2;
                    spectrum_at(k, kernel, 1, LENGTH - before, &turns)
                });
                [(a.0 - b.1) as f32, (a.1 + b.0) as f32]
            })
        };
        let factor = |(cos, sin): (f64, f64)| [cos as f32, sin as f32];
        let factors = from_fn(|k| from_fn(|n| factor(turns[k * n])));
        Self { pairs: kernels.chunks(2).map(pair).collect(), factors, channels: kernels.len() }
    }

    /// Writes the largest output of every frame into the rows from `first` on.
    #[inline(never)]
    pub(super) fn run(
        &self,
        window: &Rows,
        frames: usize,
        spectra: &mut TimeSpectra,
        outputs: &mut Rows,
        first: usize,
    ) {
        for (group, spectra) in spectra.groups.iter_mut().enumerate() {
            let rows: [_; LANES] = from_fn(|lane| window.row(LANES * group + lane));
            let at = |t: usize| {
                let value = if t < frames { Vector::new(rows.map(|row| row[PAD + t])) } else { Vector::ZERO };
                Complex::new(value, Vector::ZERO)
            };
            // The inverse transform of real numbers is the conjugate of their spectrum.
            self.transform(at, |k, y| spectra[k] = Complex::new(y.re, -y.im));
        }
        for (pair, weights) in self.pairs.iter().enumerate() {
            let mut most = [Complex::LOWEST; MAX_FRAMES];
            for spectra in &spectra.groups {
                let product = |k: usize| {
                    let [re, im] = weights[k].map(Vector::splat);
                    if k < LENGTH / 2 { spectra[k].times(re, im) } else { spectra[LENGTH - k].conjugate_times(re, im) }
                };
                self.transform(product, |t, y| most[t] = most[t].larger(y));
            }
            let channels = (self.channels - 2 * pair).min(2);
            for (t, most) in most.into_iter().take(frames).enumerate() {
                for (channel, of_lanes) in [most.re, most.im].into_iter().enumerate().take(channels) {
                    outputs.row_mut(first + 2 * pair + channel)[PAD + t] = largest(&of_lanes.to_array());
                }
            }
        }
    }

    /// The inverse transform of 256 as 16 × 16; `give` gets the first [`MAX_FRAMES`] outputs, in some order.
    #[inline(always)]
    fn transform(&self, input: impl Fn(usize) -> Complex, mut give: impl FnMut(usize, Complex)) {
        let mut columns = [[Complex::ZERO; SIDE]; SIDE];
        for (k, factors) in self.factors.iter().enumerate() {
            let y = transform_16(from_fn(|i| input(SIDE * i + k)));
            for n in 0..SIDE {
                let [re, im] = factors[n].map(Vector::splat);
                columns[n][k] = y[n].times(re, im);
            }
        }
        for (n, column) in columns.into_iter().enumerate() {
            transform_16(column)
                .into_iter()
                .take(MAX_FRAMES / SIDE)
                .enumerate()
                .for_each(|(i, y)| give(SIDE * i + n, y));
        }
    }
}
