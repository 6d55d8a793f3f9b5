//! Altered copies of recordings, so that a head does not overfit to the level, speed and timbre of single recordings.
//! Unlike the augmentation of windows ([`batch`](crate::train::batch)), this alters the audio before the front end
//! scales it.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::audio::{AudioError, Clip, resample};
use crate::dsp::{FrontEnd, MelPlan, Segment, segments};
use crate::recipe::range::{self, Range};

/// The speed of copies is rounded to multiples of this sample rate, in Hz: the resampler is fast for rates with a large
/// common divisor.
const RATE_STEP: f64 = 25.0;

/// How copies are altered. All random values are drawn independently for every copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioAugmentation {
    /// Copies per song; 0 for none.
    pub count: usize,
    /// Seed of all random values.
    pub seed: u64,
    /// The longest excerpt of a song, in seconds.
    pub seconds: f64,
    /// The shortest excerpt, as a share of the longest, 0 to 1.
    pub least_share: f64,
    /// The largest change of speed up or down, which changes the pitch too, in semitones.
    pub semitones: f64,
    /// The largest change of level up or down, in dB.
    pub gain_db: f64,
    /// Standard deviation of a random equaliser curve at its knots, in dB.
    pub curve_db: f64,
    /// Knots of the curve, equally spaced over the mel bands.
    pub curve_knots: usize,
    /// Share of the copies that get a low-pass filter, 0 to 1.
    pub low_pass_share: f64,
    /// Range of the filter's cut-off frequency, in Hz.
    pub low_pass_hz: [f64; 2],
    /// Slope of the filter above its cut-off, in dB per octave.
    pub low_pass_slope_db: f64,
}

impl Default for AudioAugmentation {
    fn default() -> Self {
        Self {
            count: 3,
            seed: 1,
            seconds: 3.0,
            least_share: 0.7,
            semitones: 1.5,
            gain_db: 6.0,
            curve_db: 3.0,
            curve_knots: 5,
            low_pass_share: 0.25,
            low_pass_hz: [3000.0, 7500.0],
            low_pass_slope_db: 24.0,
        }
    }
}

impl AudioAugmentation {
    /// All settings: name, value, range.
    pub(super) fn settings(&self) -> [(&'static str, f64, Range); 12] {
        let [lowest_hz, highest_hz] = self.low_pass_hz;
        let hz = Range::within(1.0, 200_000.0);
        [
            ("number of copies", self.count as f64, Range::within(0.0, 1000.0)),
            ("seed of the copies", self.seed as f64, range::SEED),
            ("seconds of a copy", self.seconds, Range::within(0.0, 3600.0)),
            ("shortest share of a copy", self.least_share, range::SHARE),
            ("semitones", self.semitones, Range::within(0.0, 48.0)),
            ("gain in dB", self.gain_db, Range::within(0.0, 100.0)),
            ("equaliser curve in dB", self.curve_db, Range::within(0.0, 100.0)),
            ("knots of the equaliser curve", self.curve_knots as f64, Range::within(0.0, 1000.0)),
            ("share of low-passed copies", self.low_pass_share, range::SHARE),
            ("lowest cut-off frequency in Hz", lowest_hz, hz),
            ("highest cut-off frequency in Hz", highest_hz, Range::within(lowest_hz, hz.max)),
            ("slope of the low-pass filter in dB", self.low_pass_slope_db, Range::within(0.0, 1000.0)),
        ]
    }
}

/// An altered copy of a recording after the front end: one segment, or `None` for a recording without samples.
pub(super) fn augment(
    clip: &Clip,
    front_end: &FrontEnd,
    augmentation: &AudioAugmentation,
    rng: &mut impl Rng,
) -> Result<Option<Segment>, AudioError> {
    // One resampling does both: to the front end's rate, and the change of speed.
    let piece = resample(excerpt(clip, augmentation, rng), front_end.sample_rate)?;
    let mut mel = MelPlan::new(front_end).spectrogram(&piece.samples);
    let factors = factors(&front_end.band_hz(), augmentation, rng);
    for frame in mel.values.chunks_exact_mut(mel.bands) {
        frame.iter_mut().zip(&factors).for_each(|(value, factor)| *value *= factor);
    }
    Ok(segments(&mel, front_end).into_iter().next())
}

/// An excerpt of a recording that claims another sample rate than it has: resampled, it plays faster or slower.
fn excerpt(clip: &Clip, augmentation: &AudioAugmentation, rng: &mut impl Rng) -> Clip {
    let most = (augmentation.seconds * f64::from(clip.sample_rate)).min(clip.samples.len() as f64);
    let length = (most * between(augmentation.least_share, 1.0, rng)) as usize;
    let start = rng.random_range(0..=clip.samples.len() - length);
    let speed = (between(-augmentation.semitones, augmentation.semitones, rng) / 12.0).exp2();
    let sample_rate = RATE_STEP * (f64::from(clip.sample_rate) * speed / RATE_STEP).round().max(1.0);
    Clip { samples: clip.samples[start..start + length].to_vec(), sample_rate: sample_rate as u32 }
}

/// The factor of every band's power: gain, equaliser curve and, for some copies, the low-pass filter.
fn factors(band_hz: &[f32], augmentation: &AudioAugmentation, rng: &mut impl Rng) -> Vec<f32> {
    let gain = between(-augmentation.gain_db, augmentation.gain_db, rng);
    let knots: Vec<f64> = (0..augmentation.curve_knots.max(2)).map(|_| augmentation.curve_db * normal(rng)).collect();
    let cut_hz = between(augmentation.low_pass_hz[0], augmentation.low_pass_hz[1], rng);
    let has_low_pass = rng.random_range(0.0..1.0) < augmentation.low_pass_share;
    let decibels = |(band, &hz): (usize, &f32)| {
        let place = band as f64 / (band_hz.len() - 1).max(1) as f64 * (knots.len() - 1) as f64;
        let knot = (place as usize).min(knots.len() - 2);
        let share = place - knot as f64;
        let curve = knots[knot] * (1.0 - share) + knots[knot + 1] * share;
        let octaves = (f64::from(hz.max(1.0)) / cut_hz).log2().max(0.0);
        gain + curve - if has_low_pass { augmentation.low_pass_slope_db * octaves } else { 0.0 }
    };
    // Of power, hence tenths and not twentieths.
    band_hz.iter().enumerate().map(decibels).map(|db| 10_f64.powf(db / 10.0) as f32).collect()
}

/// A random number in a range, which may be empty.
fn between(low: f64, high: f64, rng: &mut impl Rng) -> f64 {
    low + (high - low) * rng.random_range(0.0..1.0)
}

fn normal(rng: &mut impl Rng) -> f64 {
    StandardNormal.sample(rng)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Settings that alter nothing.
    const NONE: AudioAugmentation = AudioAugmentation {
        count: 1,
        seed: 1,
        seconds: 60.0,
        least_share: 1.0,
        semitones: 0.0,
        gain_db: 0.0,
        curve_db: 0.0,
        curve_knots: 5,
        low_pass_share: 0.0,
        low_pass_hz: [3000.0, 7500.0],
        low_pass_slope_db: 24.0,
    };
    const FRONT_END: &FrontEnd = &FrontEnd::MUSICNN;

    fn clip(seconds: usize) -> Clip {
        let sample = |index: usize| (index as f32 * 0.2).sin() * 0.3 + (index as f32 * 1.7).sin() * 0.1;
        Clip { samples: (0..seconds * 22_050).map(sample).collect(), sample_rate: 22_050 }
    }

    fn augmented(clip: &Clip, augmentation: &AudioAugmentation, seed: u64) -> Segment {
        augment(clip, FRONT_END, augmentation, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap().unwrap()
    }

    #[test]
    fn a_copy_without_alterations_is_the_recording() {
        let clip = clip(2);
        let mel = MelPlan::new(FRONT_END).spectrogram(&resample(clip.clone(), 16_000).unwrap().samples);
        assert_eq!(augmented(&clip, &NONE, 1), segments(&mel, FRONT_END)[0]);
    }

    #[test]
    fn copies_differ_by_their_seed_alone() {
        let (clip, augmentation) = (clip(5), AudioAugmentation::default());
        assert_eq!(augmented(&clip, &augmentation, 1), augmented(&clip, &augmentation, 1));
        assert_ne!(augmented(&clip, &augmentation, 1).values, augmented(&clip, &augmentation, 2).values);
        // 3 s at most, 0.7 of it at least, played up to 1.5 semitones (9 %) faster or slower.
        for columns in (0..20).map(|seed| augmented(&clip, &augmentation, seed).columns) {
            assert!((120..=206).contains(&columns), "{columns} columns");
        }
    }

    #[test]
    fn a_copy_played_an_octave_higher_is_half_as_long() {
        let (clip, mut rng) = (clip(4), ChaCha8Rng::seed_from_u64(5));
        let rates: Vec<u32> = (0..200)
            .map(|_| excerpt(&clip, &AudioAugmentation { semitones: 12.0, ..NONE }, &mut rng).sample_rate)
            .collect();
        let (slowest, fastest) = (rates.iter().min().unwrap(), rates.iter().max().unwrap());
        assert!((11_000..12_000).contains(slowest) && (42_000..=44_100).contains(fastest), "{slowest} to {fastest}");
    }

    #[test]
    fn gain_and_low_pass_are_in_decibels() {
        let hz = FRONT_END.band_hz();
        let dull = AudioAugmentation { low_pass_share: 1.0, low_pass_hz: [2000.0, 2000.0], ..NONE };
        let factors = factors(&hz, &dull, &mut ChaCha8Rng::seed_from_u64(1));
        for (hz, factor) in hz.iter().zip(factors) {
            let expected = if *hz > 2000.0 { -24.0 * (hz / 2000.0).log2() } else { 0.0 };
            assert!((10.0 * factor.log10() - expected).abs() < 1e-3, "{hz} Hz");
        }
    }
}
