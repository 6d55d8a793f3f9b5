//! Confidence intervals of scores: the percentile bootstrap over songs (Efron 1979) and, for shares of a handful of songs,
//! whose bootstrap samples may all be alike, the score interval (Wilson 1927).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Bootstrap samples: enough that the second decimal of an interval does not depend on the seed.
const DRAWS: usize = 2000;

/// A 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The bootstrap interval of a score of these songs: its 2.5th and 97.5th percentiles over sets drawn from the songs with
/// replacement. The seed is fixed, so the same songs always have the same interval.
pub fn bootstrap<Song: Clone>(songs: &[Song], figure: impl Fn(&[Song]) -> f64) -> Interval {
    if songs.is_empty() {
        return Interval { low: 0.0, high: 0.0 };
    }
    // The same interval whenever a card is made again.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut drawn = songs.to_vec();
    let mut figures: Vec<f64> = (0..DRAWS)
        .map(|_| {
            for place in &mut drawn {
                place.clone_from(&songs[rng.random_range(0..songs.len())]);
            }
            figure(&drawn)
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    // Nearest rank: with 2000 draws interpolation changes nothing that is shown.
    let at = |share: f64| figures[(share * (DRAWS - 1) as f64).round() as usize];
    Interval { low: at(0.025), high: at(0.975) }
}

/// Wilson's score interval of the share `right` / `count`, 0 to 1.
pub fn wilson(right: usize, count: usize) -> Interval {
    if count == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    // z of a two-sided 95 % interval: the 97.5th percentile of the normal distribution.
    let (n, z) = (count as f64, 1.959_964_f64);
    let share = right as f64 / n;
    let middle = share + z * z / (2.0 * n);
    let reach = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + z * z / n;
    Interval { low: ((middle - reach) / whole).max(0.0), high: ((middle + reach) / whole).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_share_is_about_two_standard_errors() {
        let songs: Vec<bool> = (0..400).map(|song| song % 4 == 0).collect();
        let found = bootstrap(&songs, |songs| songs.iter().filter(|song| **song).count() as f64 / songs.len() as f64);
        let error = (0.25 * 0.75 / 400.0_f64).sqrt();
        assert!((found.low - (0.25 - 1.96 * error)).abs() < 0.006, "{found:?}");
        assert!((found.high - (0.25 + 1.96 * error)).abs() < 0.006, "{found:?}");
    }

    #[test]
    fn nothing_has_an_interval_of_nothing() {
        assert_eq!(bootstrap(&[] as &[bool], |_| 1.0), Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn a_share_of_a_handful_is_never_certain() {
        // Wilson's intervals as statistics programs give them.
        for (right, count, low, high) in [(6, 6, 0.6097, 1.0), (5, 6, 0.4365, 0.9699), (0, 10, 0.0, 0.2775)] {
            let found = wilson(right, count);
            assert!((found.low - low).abs() < 1e-4 && (found.high - high).abs() < 1e-4, "{found:?}");
        }
        assert_eq!(wilson(0, 0), Interval { low: 0.0, high: 1.0 });
    }
}
