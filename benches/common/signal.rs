//! The signal of every benchmark; `librosa_times.py` makes the same samples by the same formula.

use std::f64::consts::TAU;

/// How long it lasts.
pub const SECONDS: usize = 30;

/// A tone that rises from 100 Hz by 200 Hz a second over noise at a tenth of its level, so that no band is empty.
pub fn chirp(sample_rate: u32) -> Vec<f32> {
    let rate = f64::from(sample_rate);
    let phase = |seconds: f64| TAU * (100.0 + 100.0 * seconds) * seconds;
    let sample = |index: u32| 0.5 * phase(f64::from(index) / rate).sin() + 0.05 * noise(index);
    (0..SECONDS as u32 * sample_rate).map(|index| sample(index) as f32).collect()
}

/// −1..1 by hashing the index (`lowbias32` of Wellons, "Prospecting for Hash Functions", 2018): no state, so that
/// numpy computes it as a vector.
fn noise(index: u32) -> f64 {
    let mut bits = index;
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x7feb_352d);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x846c_a68b);
    f64::from(bits ^ (bits >> 16)) / f64::from(1_u32 << 31) - 1.0
}
