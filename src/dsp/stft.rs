//! The short-time Fourier transform and the mel-spectrogram on it, by realfft.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::FrontEnd;
use super::mel::{Filter, filters};

/// How often progress is told, about.
const REPORTS: usize = 50;

/// The mel-spectrogram of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct MelSpectrogram {
    /// Mel power, row-major `[frame, band]`, lowest band first.
    pub power: Vec<f32>,
    /// Frames.
    pub frames: usize,
    /// Mel bands.
    pub bands: usize,
    /// Time from one frame to the next, in seconds. Frame f is centred on f times this.
    pub hop_seconds: f64,
}

impl MelSpectrogram {
    /// True where there is nothing in any band: digital silence, or a recording without samples.
    pub fn is_silent(&self) -> bool {
        self.power.iter().all(|&power| power <= LEAST_POWER)
    }

    /// Decibels below the recording's maximum, `[frame, band]`, −`top_db` to 0. Silence is all −`top_db`.
    pub fn to_db(&self, top_db: f32) -> Vec<f32> {
        decibels(&self.power, top_db)
    }
}

/// Least power that is told from nothing (librosa's `amin` of `power_to_db`).
const LEAST_POWER: f32 = 1e-10;

/// Decibels of a power over 1.
pub(super) fn db_from_power(power: f32) -> f32 {
    10.0 * power.max(LEAST_POWER).log10()
}

/// Decibels below the largest value, −`top_db` to 0; all −`top_db` where there is no more than [`LEAST_POWER`].
fn decibels(power: &[f32], top_db: f32) -> Vec<f32> {
    let largest = power.iter().copied().fold(0.0, f32::max);
    if largest <= LEAST_POWER {
        return vec![-top_db; power.len()];
    }
    let reference = db_from_power(largest);
    power.iter().map(|&power| (db_from_power(power) - reference).max(-top_db)).collect()
}

/// A planned transform: the FFT, its window, the mel filters and the scratch, made once and used for every frame.
pub struct MelPlan {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    filters: Vec<Filter>,
    hop_length: usize,
    hop_seconds: f64,
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: Vec<f32>,
}

impl MelPlan {
    /// A plan for this front end.
    pub fn new(front_end: &FrontEnd) -> Self {
        let n_fft = front_end.n_fft;
        let fft = RealFftPlanner::new().plan_fft_forward(n_fft);
        let (f_min, f_max) = (f64::from(front_end.f_min), f64::from(front_end.f_max));
        Self {
            window: periodic_hann(n_fft),
            filters: filters(front_end.mel_bands, n_fft, front_end.sample_rate, f_min, f_max),
            hop_length: front_end.hop_length,
            hop_seconds: front_end.hop_seconds(),
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; n_fft / 2 + 1],
            fft,
        }
    }

    /// The mel-spectrogram of mono samples at the front end's rate: `1 + samples / hop_length` frames, centred, zeros
    /// beyond both ends. `progress` hears about 50 times how much is done, 0 to 1, and 1 at the end.
    pub fn spectrogram(&mut self, samples: &[f32], progress: &mut dyn FnMut(f32)) -> MelSpectrogram {
        let frames = 1 + samples.len() / self.hop_length;
        let mut power = Vec::with_capacity(frames * self.filters.len());
        for frame in 0..frames {
            if frame % frames.div_ceil(REPORTS) == 0 {
                progress(frame as f32 / frames as f32);
            }
            self.transform(samples, frame);
            power.extend(self.filters.iter().map(|filter| filter.power(&self.power)));
        }
        progress(1.0);
        MelSpectrogram { power, frames, bands: self.filters.len(), hop_seconds: self.hop_seconds }
    }

    /// Leaves the power spectrum of one frame in `self.power`.
    fn transform(&mut self, samples: &[f32], frame: usize) {
        let (length, centre) = (self.frame.len(), frame * self.hop_length);
        let first = centre as isize - (length / 2) as isize;
        for (index, (value, weight)) in self.frame.iter_mut().zip(&self.window).enumerate() {
            let sample = usize::try_from(first + index as isize).ok().and_then(|position| samples.get(position));
            *value = sample.map_or(0.0, |sample| sample * weight);
        }
        // Fails only where a buffer is of another length than the plan's own.
        let done = self.fft.process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok());
        for (power, value) in self.power.iter_mut().zip(&self.spectrum) {
            *power = value.norm_sqr();
        }
    }
}

fn periodic_hann(length: usize) -> Vec<f32> {
    let phase = |index: usize| std::f64::consts::TAU * index as f64 / length as f64;
    (0..length).map(|index| (0.5 - 0.5 * phase(index).cos()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT_END: FrontEnd = FrontEnd::GTZAN_LOGMEL;

    fn tone(hz: f64, length: usize) -> Vec<f32> {
        (0..length).map(|index| (std::f64::consts::TAU * hz * index as f64 / 22_050.0).sin() as f32).collect()
    }

    fn noise(length: usize) -> Vec<f32> {
        // Knuth's linear congruential generator (MMIX).
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        };
        (0..length).map(|_| next()).collect()
    }

    fn spectrogram(samples: &[f32]) -> MelSpectrogram {
        MelPlan::new(&FRONT_END).spectrogram(samples, &mut |_| ())
    }

    #[test]
    fn the_transform_keeps_energy() {
        // Parseval: the sum over all n_fft bins is n_fft times the windowed frame's energy.
        let samples = noise(8192);
        let mut plan = MelPlan::new(&FRONT_END);
        plan.transform(&samples, 8);
        let bins: f64 = plan.power.iter().map(|&power| f64::from(power)).sum();
        let both_sides = 2.0 * bins - f64::from(plan.power[0]) - f64::from(plan.power[1024]);
        let first = 8 * 512 - 1024;
        let windowed = |index: usize| f64::from(samples[first + index] * plan.window[index]);
        let energy: f64 = (0..2048).map(|index| windowed(index).powi(2)).sum();
        assert!((both_sides / (2048.0 * energy) - 1.0).abs() < 1e-5);
    }

    /// The obvious slow transform, with its zeros written out, at both ends and between.
    #[test]
    fn the_fast_transform_is_the_slow_one() {
        let samples = noise(3_000);
        let mut plan = MelPlan::new(&FRONT_END);
        for frame in [0, 1, 3, 5] {
            plan.transform(&samples, frame);
            let sample = |index: usize| (frame * 512 + index).checked_sub(1024).and_then(|at| samples.get(at));
            let windowed: Vec<f32> = (0..2048).map(|i| sample(i).unwrap_or(&0.0) * plan.window[i]).collect();
            for bin in (0..=1024).step_by(64) {
                let angle = |index: usize| -std::f64::consts::TAU * (bin * index % 2048) as f64 / 2048.0;
                let terms = windowed.iter().enumerate().map(|(i, &v)| Complex::from_polar(f64::from(v), angle(i)));
                let slow = terms.sum::<Complex<f64>>().norm_sqr();
                assert!((f64::from(plan.power[bin]) - slow).abs() < 1e-3 * (1.0 + slow), "frame {frame}, bin {bin}");
            }
        }
    }

    #[test]
    fn progress_ascends_to_one_in_few_steps() {
        let mut told = Vec::new();
        MelPlan::new(&FRONT_END).spectrogram(&[0.0; 661_794], &mut |fraction| told.push(fraction));
        assert!(told.windows(2).all(|pair| pair[0] < pair[1]) && told.last() == Some(&1.0), "{told:?}");
        assert!((20..=REPORTS + 1).contains(&told.len()), "{} reports", told.len());
    }

    #[test]
    fn twice_the_level_is_four_times_the_power() {
        let samples = noise(10_000);
        let (once, twice) = (spectrogram(&samples), spectrogram(&samples.iter().map(|s| 2.0 * s).collect::<Vec<_>>()));
        for (a, b) in once.power.iter().zip(&twice.power) {
            assert!((4.0 * a - b).abs() <= 1e-5 * b.abs());
        }
    }

    #[test]
    fn a_delay_of_one_hop_moves_the_spectrogram_by_one_frame() {
        let samples = noise(20_000);
        let delayed: Vec<f32> = std::iter::repeat_n(0.0, 512).chain(samples.iter().copied()).collect();
        let (a, b) = (spectrogram(&samples), spectrogram(&delayed));
        let bands = a.bands;
        assert_eq!(a.power[4 * bands..30 * bands], b.power[5 * bands..31 * bands]);
    }

    #[test]
    fn a_tone_is_loudest_in_its_band() {
        let centres = FRONT_END.band_hz();
        for band in [20, 60, 100, 120] {
            let mel = spectrogram(&tone(f64::from(centres[band]), 22_050));
            let frame = &mel.power[20 * mel.bands..21 * mel.bands];
            let loudest = (0..mel.bands).max_by(|&a, &b| frame[a].total_cmp(&frame[b]));
            assert_eq!(loudest, Some(band));
        }
    }

    #[test]
    fn silence_and_nothing_are_harmless() {
        let silence = spectrogram(&[0.0; 4096]);
        assert!(silence.is_silent() && !spectrogram(&[1e-3; 4096]).is_silent());
        assert_eq!(silence.frames, 9);
        assert!(silence.to_db(80.0).iter().all(|&db| db == -80.0));
        assert_eq!(spectrogram(&[]).frames, 1);
    }

    #[test]
    fn power_is_never_negative_and_decibels_stay_in_range() {
        let mel = spectrogram(&noise(30_000));
        assert!(mel.power.iter().all(|&power| power >= 0.0));
        let db = mel.to_db(60.0);
        assert!(db.iter().all(|db| (-60.0..=0.0).contains(db)) && db.contains(&0.0));
    }

    #[test]
    fn a_plan_used_twice_gives_the_same_twice() {
        let (samples, mut plan) = (noise(9_000), MelPlan::new(&FRONT_END));
        let first = plan.spectrogram(&samples, &mut |_| ());
        plan.spectrogram(&noise(3_000), &mut |_| ());
        assert_eq!(first, plan.spectrogram(&samples, &mut |_| ()));
    }
}
