//! The short-time Fourier transform and the mel-spectrogram on it, by realfft.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::framing::Framing;
use super::mel::{Filter, filters};
use super::{FrontEnd, Spectrum};

/// Samples that are framed at a time: few enough to stay in the processor's cache.
const PART: usize = 1 << 14;

/// The mel-spectrogram of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct MelSpectrogram {
    /// Mel values, power or magnitude, row-major `[frame, band]`, lowest band first.
    pub values: Vec<f32>,
    /// Number of time steps.
    pub frames: usize,
    /// Mel bands.
    pub bands: usize,
    /// Time from one frame to the next, in seconds. Frame f is centred on f times this, or begins there.
    pub hop_seconds: f64,
    /// What the values are.
    pub spectrum: Spectrum,
}

impl MelSpectrogram {
    /// True if no band has a value: digital silence, or a recording without samples.
    pub fn is_silent(&self) -> bool {
        is_silent(&self.values)
    }

    /// Decibels below the recording's maximum, `[frame, band]`, −`top_db` to 0. Silence is all −`top_db`.
    pub fn to_db(&self, top_db: f32) -> Vec<f32> {
        if self.is_silent() {
            return vec![-top_db; self.values.len()];
        }
        let reference = self.spectrum.db(self.values.iter().copied().fold(0.0, f32::max));
        self.values.iter().map(|&value| (self.spectrum.db(value) - reference).max(-top_db)).collect()
    }
}

/// Powers below this count as this (librosa's `amin` of `power_to_db`).
const MIN_POWER: f32 = 1e-10;

/// True if no mel value is above 1e-10: digital silence, or no value at all.
pub(super) fn is_silent(mel: &[f32]) -> bool {
    mel.iter().all(|&value| value <= MIN_POWER)
}

/// Decibels of a power over 1, −100 at least.
pub(super) fn db_from_power(power: f32) -> f32 {
    10.0 * power.max(MIN_POWER).log10()
}

/// A planned transform: the FFT, its window, the mel filters and the scratch, made once and used for every frame.
pub struct MelPlan {
    front_end: FrontEnd,
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    filters: Vec<Filter>,
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    bins: Vec<f32>,
}

impl MelPlan {
    /// A plan for this front end.
    pub fn new(front_end: &FrontEnd) -> Self {
        let n_fft = front_end.n_fft;
        let fft = RealFftPlanner::new().plan_fft_forward(n_fft);
        Self {
            window: periodic_hann(n_fft),
            filters: filters(front_end),
            // By value: a plan outlives front ends that are made on the fly.
            front_end: front_end.clone(),
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            bins: vec![0.0; n_fft / 2 + 1],
            fft,
        }
    }

    /// The mel-spectrogram of mono samples, −1..1 at the front end's rate.
    pub fn spectrogram(&mut self, samples: &[f32]) -> MelSpectrogram {
        let bands = self.filters.len();
        let mut framing = Framing::new(&self.front_end);
        let mut values = Vec::with_capacity((1 + samples.len() / self.front_end.hop_length) * bands);
        for part in samples.chunks(PART) {
            framing.push(part, |frame| self.mel(frame, &mut values));
        }
        framing.finish(|frame| self.mel(frame, &mut values));
        let frames = values.len() / bands.max(1);
        let FrontEnd { spectrum, .. } = self.front_end;
        MelSpectrogram { values, frames, bands, hop_seconds: self.front_end.hop_seconds(), spectrum }
    }

    /// Appends the mel values of one frame of `n_fft` samples.
    fn mel(&mut self, samples: &[f32], mel: &mut Vec<f32>) {
        self.transform(samples);
        mel.extend(self.filters.iter().map(|filter| filter.value(&self.bins)));
    }

    /// Leaves the spectrum of one frame of `n_fft` samples in `self.bins`.
    fn transform(&mut self, samples: &[f32]) {
        for ((value, sample), weight) in self.frame.iter_mut().zip(samples).zip(&self.window) {
            *value = sample * weight;
        }
        // Fails only if a buffer has another length than the plan's own.
        let done = self.fft.process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok());
        for (bin, value) in self.bins.iter_mut().zip(&self.spectrum) {
            // A power needs no square root; a magnitude takes it below.
            *bin = value.norm_sqr();
        }
        if self.front_end.spectrum == Spectrum::Magnitude {
            self.bins.iter_mut().for_each(|bin| *bin = bin.sqrt());
        }
    }
}

/// The mel-spectrogram of a recording that comes in pieces: the same values, bit for bit, however it is cut. Buffers only
/// a few frames of samples.
pub(crate) struct MelStream {
    plan: MelPlan,
    framing: Framing,
}

impl MelStream {
    pub(crate) fn new(front_end: &FrontEnd) -> Self {
        Self { plan: MelPlan::new(front_end), framing: Framing::new(front_end) }
    }

    /// Adds mono samples, −1..1 at the front end's rate, and appends the mel values of every frame that is now complete,
    /// `[frame, band]`.
    pub(crate) fn push(&mut self, samples: &[f32], mel: &mut Vec<f32>) {
        self.framing.push(samples, |frame| self.plan.mel(frame, mel));
    }

    /// Appends the frames that reach beyond the end, `[frame, band]`, and resets the stream.
    pub(crate) fn finish(&mut self, mel: &mut Vec<f32>) {
        self.framing.finish(|frame| self.plan.mel(frame, mel));
    }
}

fn periodic_hann(length: usize) -> Vec<f32> {
    // Over the length, not the length less one: periodic, as scipy's `fftbins=True`.
    let phase = |index: usize| std::f64::consts::TAU * index as f64 / length as f64;
    (0..length).map(|index| (0.5 - 0.5 * phase(index).cos()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT_END: FrontEnd = FrontEnd::GTZAN_LOGMEL;

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
        MelPlan::new(&FRONT_END).spectrogram(samples)
    }

    #[test]
    fn the_transform_keeps_energy() {
        // Parseval: the sum over all n_fft bins is n_fft times the windowed frame's energy.
        let samples = noise(2048);
        let mut plan = MelPlan::new(&FRONT_END);
        plan.transform(&samples);
        let bins: f64 = plan.bins.iter().map(|&power| f64::from(power)).sum();
        let both_sides = 2.0 * bins - f64::from(plan.bins[0]) - f64::from(plan.bins[1024]);
        let windowed = |index: usize| f64::from(samples[index] * plan.window[index]);
        let energy: f64 = (0..2048).map(|index| windowed(index).powi(2)).sum();
        assert!((both_sides / (2048.0 * energy) - 1.0).abs() < 1e-5);
    }

    /// The obvious slow transform.
    #[test]
    fn the_fast_transform_is_the_slow_one() {
        let samples = noise(2048);
        let mut plan = MelPlan::new(&FRONT_END);
        plan.transform(&samples);
        for bin in (0..=1024).step_by(64) {
            let angle = |index: usize| -std::f64::consts::TAU * (bin * index % 2048) as f64 / 2048.0;
            let windowed = samples.iter().zip(&plan.window).map(|(sample, weight)| f64::from(sample * weight));
            let terms = windowed.enumerate().map(|(index, value)| Complex::from_polar(value, angle(index)));
            let slow = terms.sum::<Complex<f64>>().norm_sqr();
            assert!((f64::from(plan.bins[bin]) - slow).abs() < 1e-3 * (1.0 + slow), "bin {bin}");
        }
    }

    /// Frame f of the whole is the transform of its own samples, zeros beyond both ends.
    #[test]
    fn frames_are_centred_on_their_hop() {
        let (samples, mut plan) = (noise(3_000), MelPlan::new(&FRONT_END));
        let mel = plan.spectrogram(&samples);
        assert_eq!(mel.frames, 6);
        let padded: Vec<f32> = [vec![0.0; 1024], samples, vec![0.0; 1024]].concat();
        for (frame, values) in mel.values.chunks(mel.bands).enumerate() {
            let mut alone = Vec::new();
            plan.mel(&padded[frame * 512..frame * 512 + 2048], &mut alone);
            assert_eq!(values, alone, "frame {frame}");
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_values_of_the_whole() {
        let samples = noise(70_001);
        let far = FrontEnd { n_fft: 256, hop_length: 700, ..FRONT_END };
        for front_end in [&FRONT_END, &FrontEnd::NET1, &far] {
            let whole = MelPlan::new(front_end).spectrogram(&samples).values;
            let mut stream = MelStream::new(front_end);
            for size in [1, 511, 2049, 40_000, samples.len()] {
                let mut mel = Vec::new();
                for part in samples.chunks(size) {
                    stream.push(&[], &mut mel);
                    stream.push(part, &mut mel);
                }
                stream.finish(&mut mel);
                assert!(mel == whole, "{} in pieces of {size}", front_end.name);
            }
        }
    }

    #[test]
    fn a_stream_tells_what_it_knows_and_keeps_little() {
        let (mut stream, mut mel) = (MelStream::new(&FRONT_END), Vec::new());
        for second in 1..=60 {
            stream.push(&noise(22_050), &mut mel);
            assert!(mel.len() / 128 >= (second * 22_050 - 1024) / 512);
        }
        assert!(stream.framing.len() < 4 * 2048);
    }

    #[test]
    fn twice_the_level_is_four_times_the_power_and_twice_the_magnitude() {
        let samples = noise(10_000);
        let louder: Vec<f32> = samples.iter().map(|sample| 2.0 * sample).collect();
        for (spectrum, factor) in [(Spectrum::Power, 4.0), (Spectrum::Magnitude, 2.0)] {
            let mut plan = MelPlan::new(&FrontEnd { spectrum, ..FRONT_END });
            let (once, twice) = (plan.spectrogram(&samples), plan.spectrogram(&louder));
            assert!(once.values.iter().zip(&twice.values).all(|(a, b)| (factor * a - b).abs() <= 1e-5 * b));
        }
    }

    #[test]
    fn a_delay_of_one_hop_moves_the_spectrogram_by_one_frame() {
        let samples = noise(20_000);
        let delayed: Vec<f32> = std::iter::repeat_n(0.0, 512).chain(samples.iter().copied()).collect();
        let (a, b) = (spectrogram(&samples), spectrogram(&delayed));
        let bands = a.bands;
        assert_eq!(a.values[4 * bands..30 * bands], b.values[5 * bands..31 * bands]);
    }

    #[test]
    fn a_tone_is_loudest_in_its_band() {
        for front_end in FrontEnd::ALL {
            let (centres, rate) = (front_end.band_hz(), f64::from(front_end.sample_rate));
            // From a sixth upward, where bands are wider than a tone's lobe.
            for band in (1..6).map(|sixth| sixth * front_end.mel_bands / 6) {
                let phase = |index: usize| std::f64::consts::TAU * f64::from(centres[band]) * index as f64 / rate;
                let tone: Vec<f32> = (0..front_end.sample_rate as usize).map(|i| phase(i).sin() as f32).collect();
                let mel = MelPlan::new(front_end).spectrogram(&tone);
                let frame = &mel.values[20 * mel.bands..21 * mel.bands];
                let loudest = (0..mel.bands).max_by(|&a, &b| frame[a].total_cmp(&frame[b]));
                assert_eq!(loudest, Some(band), "{}", front_end.name);
            }
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
        assert!(mel.values.iter().all(|&power| power >= 0.0));
        let db = mel.to_db(60.0);
        assert!(db.iter().all(|db| (-60.0..=0.0).contains(db)) && db.contains(&0.0));
    }

    #[test]
    fn a_plan_used_twice_gives_the_same_twice() {
        let (samples, mut plan) = (noise(9_000), MelPlan::new(&FRONT_END));
        let first = plan.spectrogram(&samples);
        plan.spectrogram(&noise(3_000));
        assert_eq!(first, plan.spectrogram(&samples));
    }
}
