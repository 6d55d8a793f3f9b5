//! Mel-frequency cepstral coefficients (Davis and Mermelstein 1980; the conventions of librosa 0.11's `feature.mfcc`).

use std::f64::consts::PI;

use super::MelSpectrogram;

/// Everything quieter than this below the recording's maximum is raised to it, in dB (librosa's `power_to_db`).
const TOP_DB: f32 = 80.0;

/// The first `n_mfcc` mel-frequency cepstral coefficients of every frame, row-major `[frame, coefficient]`, lowest
/// first: the orthonormal cosine transform (DCT-II) over the bands' decibels. The decibels are over 1, not over the
/// recording's maximum, and no lower than 80 below it. There are no more coefficients than bands.
///
/// `lifter` L, above 0, weighs coefficient n, counted from 0, by `1 + L / 2 · sin(π (n + 1) / L)`, so that the higher
/// ones count as much as the lower; librosa's default is none.
pub fn mfcc(mel: &MelSpectrogram, n_mfcc: usize, lifter: Option<f32>) -> Vec<f32> {
    let count = n_mfcc.min(mel.bands);
    let loudest = mel.values.iter().copied().fold(0.0, f32::max);
    // Over the whole recording and before the transform, as librosa does.
    let floor = mel.spectrum.db(loudest) - TOP_DB;
    let db: Vec<f32> = mel.values.iter().map(|&value| mel.spectrum.db(value).max(floor)).collect();
    let basis = basis(mel.bands, count, lifter);
    let mut coefficients = Vec::with_capacity(mel.frames * count);
    for frame in db.chunks_exact(mel.bands.max(1)) {
        let along = |row: &[f32]| row.iter().zip(frame).map(|(weight, db)| weight * db).sum::<f32>();
        coefficients.extend(basis.chunks_exact(mel.bands.max(1)).map(along));
    }
    coefficients
}

/// The lowest rows of the orthonormal DCT-II, `[coefficient, band]`, liftered.
fn basis(bands: usize, count: usize, lifter: Option<f32>) -> Vec<f32> {
    let n = bands as f64;
    let weight = |row: usize| {
        // Row 0 is constant, so its squares sum to n; those of a cosine sum to n / 2.
        let orthonormal = if row == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
        let lift = lifter.map(f64::from).map_or(1.0, |l| 1.0 + l / 2.0 * (PI * (row + 1) as f64 / l).sin());
        orthonormal * lift
    };
    let value = |row: usize, band: usize| weight(row) * (PI * row as f64 * (band as f64 + 0.5) / n).cos();
    (0..count).flat_map(|row| (0..bands).map(move |band| value(row, band) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::Spectrum;

    fn mel(values: Vec<f32>, bands: usize) -> MelSpectrogram {
        MelSpectrogram { frames: values.len() / bands, values, bands, hop_seconds: 0.01, spectrum: Spectrum::Power }
    }

    #[test]
    fn the_transform_is_orthonormal() {
        let basis = basis(40, 40, None);
        for (i, a) in basis.chunks(40).enumerate() {
            for (j, b) in basis.chunks(40).enumerate() {
                let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((product - f32::from(u8::from(i == j))).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_flat_spectrum_has_one_coefficient() {
        let found = mfcc(&mel(vec![0.1; 64], 32), 13, None);
        assert_eq!(found.len(), 2 * 13);
        assert!((found[0] + 10.0 * 32.0_f32.sqrt()).abs() < 1e-4, "{}", found[0]);
        assert!(found[1..13].iter().all(|value| value.abs() < 1e-4));
    }

    #[test]
    fn there_are_no_more_coefficients_than_bands() {
        assert_eq!(mfcc(&mel(vec![1.0; 12], 4), 20, Some(22.0)).len(), 12);
        assert!(mfcc(&mel(Vec::new(), 4), 20, None).is_empty());
    }
}
