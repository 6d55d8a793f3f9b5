//! Slaney's mel scale and its triangular filters (Slaney, "Auditory Toolbox", Apple Technical Report 45, 1994; the
//! conventions of librosa 0.11 with `htk=False, norm="slaney"`).

/// Mel of the scale's break, where it turns from linear to logarithmic: 1000 Hz.
const BREAK_MEL: f64 = 15.0;
const BREAK_HZ: f64 = 1000.0;
const HZ_PER_MEL: f64 = 200.0 / 3.0;

/// Natural logarithm of the step from one mel to the next above the break: 27 of them make a factor of 6.4.
fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

/// Slaney mel of a frequency in Hz, from 0.
pub fn mel_from_hz(hz: f64) -> f64 {
    if hz < BREAK_HZ { hz / HZ_PER_MEL } else { BREAK_MEL + (hz / BREAK_HZ).ln() / log_step() }
}

/// Frequency in Hz of a Slaney mel, from 0.
pub fn hz_from_mel(mel: f64) -> f64 {
    if mel < BREAK_MEL { mel * HZ_PER_MEL } else { BREAK_HZ * ((mel - BREAK_MEL) * log_step()).exp() }
}

/// `bands + 2` frequencies in Hz, equally far apart in mel: a band's edges are its neighbours' centres.
pub(super) fn edges_hz(bands: usize, f_min: f64, f_max: f64) -> Vec<f64> {
    let (low, high) = (mel_from_hz(f_min), mel_from_hz(f_max));
    let mel = |index: usize| low + (high - low) * index as f64 / (bands + 1) as f64;
    (0..bands + 2).map(|index| hz_from_mel(mel(index))).collect()
}

/// One band's triangle: only the bins where it is not zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub first_bin: usize,
    pub weights: Vec<f32>,
}

impl Filter {
    /// The band's power in a power spectrum.
    pub fn power(&self, spectrum: &[f32]) -> f32 {
        self.weights.iter().zip(&spectrum[self.first_bin..]).map(|(weight, power)| weight * power).sum()
    }
}

/// The triangles of a mel bank, each of area 1 over Hz (Slaney's normalisation). A band between two bins is empty.
pub(super) fn filters(bands: usize, n_fft: usize, sample_rate: u32, f_min: f64, f_max: f64) -> Vec<Filter> {
    let edges = edges_hz(bands, f_min, f_max);
    edges.windows(3).map(|edges| filter([edges[0], edges[1], edges[2]], n_fft, sample_rate)).collect()
}

fn filter([low, centre, high]: [f64; 3], n_fft: usize, sample_rate: u32) -> Filter {
    let weight = |bin: usize| {
        let hz = bin as f64 * f64::from(sample_rate) / n_fft as f64;
        let slope = ((hz - low) / (centre - low)).min((high - hz) / (high - centre));
        (slope.max(0.0) * 2.0 / (high - low)) as f32
    };
    let weights: Vec<f32> = (0..=n_fft / 2).map(weight).collect();
    let first_bin = weights.iter().position(|&weight| weight > 0.0).unwrap_or(0);
    let end = weights.iter().rposition(|&weight| weight > 0.0).map_or(0, |last| last + 1);
    Filter { first_bin, weights: weights.get(first_bin..end).unwrap_or_default().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::FrontEnd;

    #[test]
    fn known_mels() {
        // librosa's documentation of hz_to_mel and mel_to_hz.
        assert!((mel_from_hz(60.0) - 0.9).abs() < 1e-12);
        assert!((mel_from_hz(440.0) - 6.6).abs() < 1e-12);
        assert!((mel_from_hz(1000.0) - 15.0).abs() < 1e-12);
        assert!((hz_from_mel(3.0) - 200.0).abs() < 1e-9);
        assert!((mel_from_hz(6400.0) - 42.0).abs() < 1e-9);
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
        let edges = edges_hz(38, 0.0, 11_025.0);
        assert_eq!(edges.len(), documented.len());
        for (edge, documented) in edges.iter().zip(documented) {
            assert!((edge - documented).abs() < 1e-3, "{edge} and {documented}");
        }
    }

    #[test]
    fn no_band_of_a_preset_is_empty() {
        for FrontEnd { name, mel_bands, n_fft, sample_rate, f_min, f_max, .. } in FrontEnd::ALL {
            let bank = filters(*mel_bands, *n_fft, *sample_rate, f64::from(*f_min), f64::from(*f_max));
            assert_eq!(bank.len(), *mel_bands);
            assert!(bank.iter().all(|filter| !filter.weights.is_empty()), "{name}");
        }
    }

    #[test]
    fn mel_and_hz_are_inverse() {
        for hz in [0.0, 20.0, 999.9, 1000.0, 1000.1, 11_025.0, 96_000.0] {
            assert!((hz_from_mel(mel_from_hz(hz)) - hz).abs() < 1e-6, "{hz}");
        }
    }

    #[test]
    fn every_triangle_has_area_one() {
        for filter in filters(40, 4096, 22_050, 0.0, 11_025.0) {
            let area: f32 = filter.weights.iter().sum::<f32>() * 22_050.0 / 4096.0;
            assert!(filter.weights.iter().all(|&weight| weight > 0.0));
            // A triangle's sum over bins is its area up to the bins that its corners fall between.
            assert!((area - 1.0).abs() < 0.05, "{area}");
        }
    }

    #[test]
    fn a_triangle_peaks_at_its_centre() {
        let edges = edges_hz(128, 0.0, 11_025.0);
        for (band, filter) in filters(128, 8192, 22_050, 0.0, 11_025.0).iter().enumerate() {
            let largest = filter.weights.iter().copied().fold(0.0, f32::max);
            let bin = filter.weights.iter().position(|&weight| weight == largest).unwrap_or(0) + filter.first_bin;
            let hz = bin as f64 * 22_050.0 / 8192.0;
            assert!((hz - edges[band + 1]).abs() <= 22_050.0 / 8192.0, "band {band}: {hz} and {}", edges[band + 1]);
        }
    }

    #[test]
    fn a_band_between_two_bins_is_empty_and_harmless() {
        let bank = filters(256, 256, 8_000, 0.0, 4_000.0);
        assert!(bank.iter().any(|filter| filter.weights.is_empty()));
        assert!(bank.iter().all(|filter| filter.power(&[1.0; 129]).is_finite()));
    }
}
