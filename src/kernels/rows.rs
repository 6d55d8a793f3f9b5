//! Rows of frames with zeros around them, on which the layers work: they read and write beyond the frames.

/// Mel bands of the input.
pub const BANDS: usize = 96;
/// The most frames of a window: spectra over time have room for no more.
pub const MAX_FRAMES: usize = 192;

/// Zeros before the first frame, at least half of the middle layers' kernels.
pub(super) const PAD: usize = 4;
/// Floats of a row: the frames, and what the last tile or block reads and writes beyond them. More than needed, so that
/// rows do not compete for the same lines of the cache.
pub(super) const STRIDE: usize = 232;

/// Rows of one layer, `[channels][STRIDE]`.
pub(super) struct Rows {
    values: Vec<[f32; STRIDE]>,
}

impl Rows {
    pub(super) fn new(channels: usize) -> Self {
        Self { values: vec![[0.0; STRIDE]; channels] }
    }

    /// A row; frame 0 is at [`PAD`].
    #[inline(always)]
    pub(super) fn row(&self, channel: usize) -> &[f32; STRIDE] {
        &self.values[channel]
    }

    #[inline(always)]
    pub(super) fn row_mut(&mut self, channel: usize) -> &mut [f32; STRIDE] {
        &mut self.values[channel]
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut [f32; STRIDE]> {
        self.values.iter_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[f32; STRIDE]> {
        self.values.iter()
    }
}

/// e^{2πi·n/N} for n from 0 to N − 1, as pairs of cosine and sine.
pub(super) fn turns(length: usize) -> Vec<(f64, f64)> {
    let turn = |n: usize| std::f64::consts::TAU * n as f64 / length as f64;
    (0..length).map(|n| (turn(n).cos(), turn(n).sin())).collect()
}

/// The spectrum of a kernel at frequency `k` of a circle as long as `turns`, conjugated and divided by that length: the
/// kernel's first weight is at `first`, the others follow it around the circle, `step` floats apart in `weights`.
pub(super) fn spectrum_at(k: usize, weights: &[f32], step: usize, first: usize, turns: &[(f64, f64)]) -> (f64, f64) {
    let length = turns.len();
    let (mut re, mut im, mut at) = (0.0, 0.0, k * first % length);
    for &weight in weights.iter().step_by(step) {
        let (cos, sin) = turns[at];
        re += f64::from(weight) * cos;
        im += f64::from(weight) * sin;
        at += k;
        if at >= length {
            at -= length;
        }
    }
    (re / length as f64, im / length as f64)
}
