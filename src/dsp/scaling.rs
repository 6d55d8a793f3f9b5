//! Scales mel values for a network.

use super::stft::is_silent;
use super::{FrontEnd, Scaling, Spectrum};

/// The factor of [`Scaling::LogCompressed`].
const COMPRESSION: f32 = 10_000.0;

/// Powers below this count as this. Far below librosa's 1e-10: a soft recording, in floats, must have as much range below its
/// own maximum as a loud one, or its level would change the answer.
const FAINTEST_POWER: f32 = 1e-20;

/// Decibels of a mel value over 1, −200 at least.
fn db(spectrum: Spectrum, value: f32) -> f32 {
    let power = match spectrum {
        Spectrum::Power => value,
        Spectrum::Magnitude => value * value,
    };
    10.0 * power.max(FAINTEST_POWER).log10()
}

/// A segment's scaling, with the statistics of the segment that it needs.
pub(super) enum Scale {
    /// `(dB, no lower than lowest_db − from_db) / per_db`.
    Decibels {
        spectrum: Spectrum,
        lowest_db: f32,
        from_db: f32,
        per_db: f32,
    },
    LogCompressed,
}

impl Scale {
    /// The front end's scaling over these mel values.
    pub(super) fn over(values: &[f32], front_end: &FrontEnd) -> Self {
        let (spectrum, top_db) = (front_end.spectrum, front_end.top_db);
        if front_end.scaling == Scaling::LogCompressed {
            return Self::LogCompressed;
        }
        let (low, high) = values.iter().fold((f32::INFINITY, 0.0_f32), |(low, high), &v| (low.min(v), high.max(v)));
        let highest_db = db(spectrum, high);
        // `min`: in an empty segment, `low` is infinite. What is left in silence is no sound.
        let lowest_db = match is_silent(values) {
            true => highest_db,
            false => db(spectrum, low).max(highest_db - top_db).min(highest_db),
        };
        let (from_db, per_db) = match front_end.scaling {
            Scaling::Standardised => mean_and_deviation(values.iter().map(|&value| db(spectrum, value).max(lowest_db))),
            _ => (lowest_db, highest_db - lowest_db),
        };
        // Silence has no range, and is all 0.
        Self::Decibels { spectrum, lowest_db, from_db, per_db: per_db.max(f32::MIN_POSITIVE) }
    }

    /// Scales a mel value.
    pub(super) fn apply(&self, value: f32) -> f32 {
        match *self {
            Self::Decibels { spectrum, lowest_db, from_db, per_db } => {
                (db(spectrum, value).max(lowest_db) - from_db) / per_db
            }
            Self::LogCompressed => (1.0 + COMPRESSION * value).log10(),
        }
    }
}

/// Mean and standard deviation of the population; both 0 if it is empty.
fn mean_and_deviation(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let (count, sum) = values.clone().fold((0.0_f64, 0.0_f64), |(n, sum), value| (n + 1.0, sum + f64::from(value)));
    let mean = (sum / count.max(1.0)) as f32;
    // About the rounded mean, so that equal values deviate by nothing.
    let squares: f64 = values.map(|value| f64::from(value - mean).powi(2)).sum();
    (mean, (squares / count.max(1.0)).sqrt() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(values: &[f32], front_end: &FrontEnd) -> Vec<f32> {
        let scale = Scale::over(values, front_end);
        values.iter().map(|&value| scale.apply(value)).collect()
    }

    #[test]
    fn decibels_of_a_magnitude_count_twice() {
        let values = [1e-2, 1.0];
        let by_hand = |top_db: f32, spectrum: Spectrum| {
            let front_end = FrontEnd { top_db, spectrum, scaling: Scaling::Standardised, ..FrontEnd::GTZAN_LOGMEL };
            let Scale::Decibels { lowest_db, from_db, .. } = Scale::over(&values, &front_end) else {
                return (0.0, 0.0);
            };
            (lowest_db, from_db)
        };
        assert_eq!(by_hand(80.0, Spectrum::Power), (-20.0, -10.0));
        assert_eq!(by_hand(80.0, Spectrum::Magnitude), (-40.0, -20.0));
        assert_eq!(by_hand(30.0, Spectrum::Magnitude), (-30.0, -15.0));
    }

    /// 120 dB down, as a quiet recording in floats.
    #[test]
    fn the_level_of_a_recording_does_not_matter() {
        let values: Vec<f32> = (1..500).map(|index| 10.0_f32.powi(-index % 9) * (1.0 + index as f32)).collect();
        for scaling in [Scaling::UnitRange, Scaling::Standardised] {
            let front_end = FrontEnd { scaling, ..FrontEnd::GTZAN_LOGMEL };
            let loud = scaled(&values, &front_end);
            let soft = scaled(&values.iter().map(|value| 1e-12 * value).collect::<Vec<_>>(), &front_end);
            assert!(loud.iter().zip(&soft).all(|(a, b)| (a - b).abs() < 1e-5), "{scaling:?}");
        }
    }

    #[test]
    fn what_is_left_in_silence_is_zero() {
        let values: Vec<f32> = (1..500).map(|index| 1e-13 * index as f32 / 500.0).collect();
        assert!(scaled(&values, &FrontEnd::GTZAN_LOGMEL).iter().all(|&value| value == 0.0));
    }

    #[test]
    fn standardised_values_have_mean_zero_and_deviation_one() {
        let values: Vec<f32> = (1..500).map(|index| (index as f32 * 0.37).sin().powi(2)).collect();
        let scaled = scaled(&values, &FrontEnd { scaling: Scaling::Standardised, ..FrontEnd::GTZAN_LOGMEL });
        let (mean, deviation) = mean_and_deviation(scaled.iter().copied());
        assert!(mean.abs() < 1e-5 && (deviation - 1.0).abs() < 1e-5, "{mean} and {deviation}");
    }

    #[test]
    fn compressed_values_are_those_of_the_formula() {
        let scaled = scaled(&[0.0, 1e-4, 0.9999], &FrontEnd { scaling: Scaling::LogCompressed, ..FrontEnd::NET1 });
        assert_eq!(scaled, [0.0, 2.0_f32.log10(), 4.0]);
    }

    #[test]
    fn equal_values_are_zero_in_decibels() {
        for scaling in [Scaling::UnitRange, Scaling::Standardised] {
            for value in [0.0, 0.3] {
                let scaled = scaled(&[value; 99], &FrontEnd { scaling, ..FrontEnd::GTZAN_LOGMEL });
                assert!(scaled.iter().all(|&value| value == 0.0), "{scaling:?} of {value}");
            }
        }
    }
}
