//! The resampler: levels, images, aliases, timing and lengths.

use std::f64::consts::TAU;

use genrelens::audio::{AudioError, Clip, Resampler, resample};

use crate::helpers::{assert_close, tone};

/// Amplitude of a tone within samples, by one bin of a Fourier sum under a Hann window.
fn amplitude(samples: &[f32], hz: f64, sample_rate: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (index, &sample) in samples.iter().enumerate() {
        let window = 1.0 - (TAU * index as f64 / samples.len() as f64).cos();
        let (sin, cos) = (TAU * hz * index as f64 / f64::from(sample_rate)).sin_cos();
        re += f64::from(sample) * window * cos;
        im += f64::from(sample) * window * sin;
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

fn rates() -> [u32; 12] {
    [8_000, 11_025, 12_000, 16_000, 24_000, 32_000, 44_100, 44_101, 48_000, 96_000, 191_999, 192_000]
}

#[test]
fn resampling_keeps_tones_where_they_are() {
    for rate in rates() {
        for hz in [100.0, 1_000.0, 3_500.0] {
            let clip = resample(Clip { samples: tone(hz, rate, rate as usize), sample_rate: rate }, 22_050).unwrap();
            assert_eq!((clip.sample_rate, clip.samples.len()), (22_050, 22_050), "{rate} Hz");
            let expected = tone(hz, 22_050, 22_050);
            // Away from the ends, where the tone begins and stops: same pitch, level and time.
            let inner = 2_048..20_000;
            assert_close(&clip.samples[inner.clone()], &expected[inner], 1e-3);
        }
    }
}

#[test]
fn frequencies_above_the_lower_nyquist_are_removed() {
    for rate in rates().into_iter().filter(|&rate| rate > 24_000) {
        for hz in [11_300.0, 12_000.0, 13_000.0, 15_000.0] {
            let clip = resample(Clip { samples: tone(hz, rate, rate as usize), sample_rate: rate }, 22_050).unwrap();
            let alias = amplitude(&clip.samples[2_048..20_000], 22_050.0 - hz, 22_050);
            // Of an amplitude of 0.5: 100 dB down.
            assert!(alias < 0.5e-5, "{hz} Hz at {rate} Hz leaves {alias}");
        }
    }
}

#[test]
fn frequencies_below_the_lower_nyquist_are_kept() {
    for rate in [44_100, 48_000, 96_000] {
        let clip = resample(Clip { samples: tone(10_800.0, rate, rate as usize), sample_rate: rate }, 22_050).unwrap();
        let kept = amplitude(&clip.samples[2_048..20_000], 10_800.0, 22_050);
        assert!(kept > 0.5 * 0.98, "10800 Hz at {rate} Hz keeps {kept}");
    }
}

#[test]
fn the_length_is_the_rounded_ratio() {
    for rate in rates() {
        for len in [0_usize, 1, 7, 1_000, 4_096, 12_345] {
            let clip = resample(Clip { samples: vec![0.25; len], sample_rate: rate }, 22_050).unwrap();
            let expected = (len as f64 * 22_050.0 / f64::from(rate)).round() as usize;
            assert_eq!(clip.samples.len(), expected, "{len} samples at {rate} Hz");
        }
    }
}

#[test]
fn a_clip_of_the_same_rate_is_unchanged() {
    let clip = Clip { samples: tone(440.0, 22_050, 1_000), sample_rate: 22_050 };
    assert_eq!(resample(clip.clone(), 22_050).unwrap(), clip);
}

#[test]
fn a_rate_of_zero_is_refused() {
    let clip = |sample_rate| Clip { samples: vec![0.0; 10], sample_rate };
    assert!(matches!(resample(clip(0), 22_050), Err(AudioError::Unsupported { .. })));
    assert!(matches!(resample(clip(22_050), 0), Err(AudioError::Unsupported { .. })));
}

#[test]
fn any_cut_of_the_samples_gives_the_same_bits() {
    let samples = tone(440.0, 44_100, 50_000);
    for (rate_in, rate_out) in [(44_100, 22_050), (48_000, 16_000), (44_101, 22_050), (8_000, 16_000), (22_050, 22_050)]
    {
        let whole = resample(Clip { samples: samples.clone(), sample_rate: rate_in }, rate_out).unwrap().samples;
        for size in [1, 7, 1_000, 16_384, 49_999] {
            let mut resampler = Resampler::new(rate_in, rate_out).unwrap();
            let mut out = Vec::new();
            for block in samples.chunks(size) {
                resampler.push(block, &mut out).unwrap();
            }
            resampler.finish(&mut out).unwrap();
            assert!(out == whole, "{rate_in} to {rate_out} Hz in blocks of {size}");
        }
    }
}

/// Every pair of a usual rate and the rate of a front end.
fn pairs() -> impl Iterator<Item = (u32, u32)> {
    let rates =
        [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 48_000, 88_200, 96_000, 192_000];
    rates
        .into_iter()
        .flat_map(|rate| [(rate, 22_050), (rate, 16_000)])
        .filter(|(rate_in, rate_out)| rate_in != rate_out)
}

fn resampled(hz: f64, (rate_in, rate_out): (u32, u32)) -> Vec<f32> {
    let clip = Clip { samples: tone(hz, rate_in, rate_in as usize), sample_rate: rate_in };
    resample(clip, rate_out).unwrap().samples
}

/// The middle half of a second: away from where the tone begins and ends.
fn middle(samples: &[f32]) -> &[f32] {
    &samples[samples.len() / 4..samples.len() * 3 / 4]
}

#[test]
fn the_pass_band_is_flat_to_a_tenth_of_a_decibel() {
    for pair in pairs() {
        let nyquist = f64::from(pair.0.min(pair.1)) / 2.0;
        for part in [0.01, 0.1, 0.25, 0.5, 0.75, 0.85, 0.9] {
            let hz = (part * nyquist / 4.0).round() * 4.0;
            let decibels = 20.0 * (amplitude(middle(&resampled(hz, pair)), hz, pair.1) / 0.5).log10();
            assert!(decibels.abs() < 0.1, "{hz} Hz, {pair:?}: {decibels:.3} dB");
        }
    }
}

#[test]
fn images_are_80_decibels_down() {
    for pair in pairs().filter(|(rate_in, rate_out)| rate_in < rate_out) {
        for part in [0.1, 0.5, 0.8, 0.9] {
            let hz = (part * f64::from(pair.0) / 8.0).round() * 4.0;
            let image = f64::from(pair.0) - hz;
            let found = amplitude(middle(&resampled(hz, pair)), image, pair.1);
            assert!(found < 0.5e-4, "{hz} Hz, {pair:?}: an image of {found} at {image} Hz");
        }
    }
}

#[test]
fn aliases_are_80_decibels_down() {
    for pair in pairs().filter(|(rate_in, rate_out)| rate_in > rate_out) {
        let (nyquist_in, rate_out) = (f64::from(pair.0) / 2.0, f64::from(pair.1));
        for part in [1.02, 1.1, 1.3, 1.6, 1.9] {
            let hz = (part * rate_out / 8.0).round() * 4.0;
            if hz < 0.95 * nyquist_in {
                let found = amplitude(middle(&resampled(hz, pair)), rate_out - hz, pair.1);
                assert!(found < 0.5e-4, "{hz} Hz, {pair:?}: an alias of {found} at {} Hz", rate_out - hz);
            }
        }
    }
}

/// Streamed in blocks as from a recording, an hour of a tone ends in the right phase.
#[test]
fn nothing_drifts_in_an_hour() {
    for (rate_in, rate_out, hz) in [(44_100, 22_050, 441), (48_000, 16_000, 480), (8_000, 22_050, 400)] {
        let period = tone(f64::from(hz), rate_in, (rate_in / hz) as usize);
        let length = 3_600 * rate_in as usize;
        let mut tone_on = period.iter().copied().cycle().take(length);
        let mut resampler = Resampler::new(rate_in, rate_out).unwrap();
        let (mut block, mut out, mut frames) = (Vec::new(), Vec::new(), 0);
        let kept = rate_out as usize;
        loop {
            block.clear();
            block.extend(tone_on.by_ref().take(16_384));
            if block.is_empty() {
                break;
            }
            // The last second is kept.
            let earlier = out.len().saturating_sub(kept);
            frames += earlier;
            out.drain(..earlier);
            resampler.push(&block, &mut out).unwrap();
        }
        resampler.finish(&mut out).unwrap();
        assert_eq!(frames + out.len(), 3_600 * kept, "{rate_in} Hz");
        let inner = out.len() - kept..out.len() - kept / 4;
        for index in inner {
            let phase = (f64::from(hz) * (frames + index) as f64 / f64::from(rate_out)).fract();
            let expected = 0.5 * (TAU * phase).sin();
            assert!((f64::from(out[index]) - expected).abs() < 1e-3, "{rate_in} Hz, sample {}", frames + index);
        }
    }
}
