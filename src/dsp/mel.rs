//! Mel scales and the triangular filters on them: Slaney's (Slaney, "Auditory Toolbox", Apple Technical Report 45, 1994)
//! and that of the Hidden Markov Model Toolkit, in the conventions of librosa 0.11.

use super::{FrontEnd, MelNorm, MelScale};

/// Mel of the break of Slaney's scale, where it turns from linear to logarithmic: 1000 Hz.
const BREAK_MEL: f64 = 15.0;
const BREAK_HZ: f64 = 1000.0;
const HZ_PER_MEL: f64 = 200.0 / 3.0;

/// Natural logarithm of the step from one Slaney mel to the next above the break: 27 of them make a factor of 6.4.
fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

impl MelScale {
    /// Mel of a frequency in Hz, from 0.
    pub(super) fn mel_from_hz(self, hz: f64) -> f64 {
        match self {
            Self::Slaney if hz < BREAK_HZ => hz / HZ_PER_MEL,
            Self::Slaney => BREAK_MEL + (hz / BREAK_HZ).ln() / log_step(),
            Self::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
        }
    }

    /// Frequency in Hz of a mel, from 0.
    pub(super) fn hz_from_mel(self, mel: f64) -> f64 {
        match self {
            Self::Slaney if mel < BREAK_MEL => mel * HZ_PER_MEL,
            Self::Slaney => BREAK_HZ * ((mel - BREAK_MEL) * log_step()).exp(),
            Self::Htk => 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0),
        }
    }
}

/// `mel_bands + 2` frequencies in Hz, equally far apart in mel: a band's edges are its neighbours' centres.
pub(super) fn edges_hz(front_end: &FrontEnd) -> Vec<f64> {
    let FrontEnd { mel_bands, mel_scale: scale, .. } = *front_end;
    let (low, high) = (scale.mel_from_hz(front_end.f_min.into()), scale.mel_from_hz(front_end.f_max.into()));
    let mel = |index: usize| low + (high - low) * index as f64 / (mel_bands + 1) as f64;
    (0..mel_bands + 2).map(|index| scale.hz_from_mel(mel(index))).collect()
}

/// One band's triangle: only the bins where it is not zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub first_bin: usize,
    pub weights: Vec<f32>,
}

impl Filter {
    /// The band's value in a spectrum.
    pub(super) fn value(&self, spectrum: &[f32]) -> f32 {
        self.weights.iter().zip(&spectrum[self.first_bin..]).map(|(weight, bin)| weight * bin).sum()
    }
}

/// The triangles of the front end's mel bank. A band between two bins is empty.
pub(super) fn filters(front_end: &FrontEnd) -> Vec<Filter> {
    edges_hz(front_end).windows(3).map(|edges| filter([edges[0], edges[1], edges[2]], front_end)).collect()
}

fn filter([low, centre, high]: [f64; 3], front_end: &FrontEnd) -> Filter {
    let FrontEnd { n_fft, sample_rate, mel_norm, .. } = *front_end;
    // In float64 and rounded once at the end; librosa rounds twice (tests/dsp/parity.rs allows for it).
    let weight = |bin: usize| {
        let hz = bin as f64 * f64::from(sample_rate) / n_fft as f64;
        // The lower of both sides, which is negative outside the triangle.
        let slope = ((hz - low) / (centre - low)).min((high - hz) / (high - centre)).max(0.0);
        match mel_norm {
            MelNorm::Slaney => (slope * 2.0 / (high - low)) as f32,
            MelNorm::None => slope as f32,
        }
    };
    let weights: Vec<f32> = (0..=n_fft / 2).map(weight).collect();
    // Only the bins inside the triangle: most of a bank is 0.
    let first_bin = weights.iter().position(|&weight| weight > 0.0).unwrap_or(0);
    let end = weights.iter().rposition(|&weight| weight > 0.0).map_or(0, |last| last + 1);
    Filter { first_bin, weights: weights.get(first_bin..end).unwrap_or_default().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bank(mel_bands: usize, n_fft: usize) -> FrontEnd {
        FrontEnd { mel_bands, n_fft, ..FrontEnd::GTZAN_LOGMEL }
    }

    #[test]
    fn known_mels() {
        // librosa's documentation of hz_to_mel and mel_to_hz.
        let (slaney, htk) = (MelScale::Slaney, MelScale::Htk);
        assert!((slaney.mel_from_hz(60.0) - 0.9).abs() < 1e-12);
        assert!((slaney.mel_from_hz(440.0) - 6.6).abs() < 1e-12);
        assert!((slaney.mel_from_hz(1000.0) - 15.0).abs() < 1e-12);
        assert!((slaney.hz_from_mel(3.0) - 200.0).abs() < 1e-9);
        assert!((slaney.mel_from_hz(6400.0) - 42.0).abs() < 1e-9);
        // The two scales' definitions: 1000 Hz are about 1000 mel of the toolkit.
        assert!((htk.mel_from_hz(1000.0) - 999.985_537).abs() < 1e-5);
        assert!((htk.hz_from_mel(2595.0) - 6300.0).abs() < 1e-9);
    }

    /// `librosa.mel_frequencies(n_mels=40)`, 0 to 11 025 Hz, as librosa's documentation prints it.
    #[test]
    fn forty_mel_frequencies_are_those_of_librosa() {
        #[rustfmt::skip]
        let documented = [
            0.0, 85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855, 853.173, 938.49,
            1024.856, 1119.114, 1222.042, 1334.436, 1457.167, 1591.187, 1737.532, 1897.337, 2071.84, 2262.393,
            2470.47, 2697.686, 2945.799, 3216.731, 3512.582, 3835.643, 4188.417, 4573.636, 4994.285, 5453.621,
            5955.205, 6502.92, 7101.009, 7754.107, 8467.272, 9246.028, 10096.408, 11025.0,
        ];
        let edges = edges_hz(&bank(38, 2048));
        assert_eq!(edges.len(), documented.len());
        for (edge, documented) in edges.iter().zip(documented) {
            assert!((edge - documented).abs() < 1e-3, "{edge} and {documented}");
        }
    }

    #[test]
    fn no_band_of_a_preset_is_empty() {
        for front_end in FrontEnd::ALL {
            let bank = filters(front_end);
            assert_eq!(bank.len(), front_end.mel_bands);
            assert!(bank.iter().all(|filter| !filter.weights.is_empty()), "{}", front_end.name);
        }
    }

    #[test]
    fn mel_and_hz_are_inverse() {
        for hz in [0.0, 20.0, 999.9, 1000.0, 1000.1, 11_025.0, 96_000.0] {
            for scale in [MelScale::Slaney, MelScale::Htk] {
                assert!((scale.hz_from_mel(scale.mel_from_hz(hz)) - hz).abs() < 1e-6, "{hz} on {scale:?}");
            }
        }
    }

    #[test]
    fn every_triangle_has_area_one() {
        for filter in filters(&bank(40, 4096)) {
            let area: f32 = filter.weights.iter().sum::<f32>() * 22_050.0 / 4096.0;
            assert!(filter.weights.iter().all(|&weight| weight > 0.0));
            // A triangle's sum over bins is its area up to the bins that its corners fall between.
            assert!((area - 1.0).abs() < 0.05, "{area}");
        }
    }

    #[test]
    fn without_normalisation_no_triangle_is_higher_than_one() {
        for filter in filters(&FrontEnd { mel_norm: MelNorm::None, ..bank(40, 4096) }) {
            let highest = filter.weights.iter().copied().fold(0.0, f32::max);
            assert!((0.9..=1.0).contains(&highest), "{highest}");
        }
    }

    #[test]
    fn a_triangle_peaks_at_its_centre() {
        let edges = edges_hz(&bank(128, 8192));
        for (band, filter) in filters(&bank(128, 8192)).iter().enumerate() {
            let largest = filter.weights.iter().copied().fold(0.0, f32::max);
            let bin = filter.weights.iter().position(|&weight| weight == largest).unwrap_or(0) + filter.first_bin;
            let hz = bin as f64 * 22_050.0 / 8192.0;
            assert!((hz - edges[band + 1]).abs() <= 22_050.0 / 8192.0, "band {band}: {hz} and {}", edges[band + 1]);
        }
    }

    #[test]
    fn a_band_between_two_bins_is_empty_and_harmless() {
        let bank = filters(&bank(256, 256));
        assert!(bank.iter().any(|filter| filter.weights.is_empty()));
        assert!(bank.iter().all(|filter| filter.value(&[1.0; 129]).is_finite()));
    }
}
