//! From logits to probabilities: those of a window, and those of a song, which are the mean of its windows' (Yang and
//! Zhang 2019, section 4.2).

/// Probabilities from logits, both `[labels]`: softmax, or the logistic function of every logit for tags.
pub fn probabilities(logits: &[f32], multi_label: bool) -> Vec<f32> {
    if multi_label { logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect() } else { softmax(logits) }
}

/// Probabilities that sum to 1, from logits `[labels]`.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    // Without the largest logit the exponentials would overflow beyond 88.
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = exponentials.iter().sum();
    exponentials.iter().map(|exponential| exponential / sum).collect()
}

/// A song's probabilities, `[labels]`: the mean of its windows'; empty without windows.
pub fn song_probabilities<'a>(windows: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
    let (mut sums, mut count) = (Vec::new(), 0.0_f32);
    for window in windows {
        sums.resize(window.len(), 0.0);
        count += 1.0;
        for (sum, probability) in sums.iter_mut().zip(window) {
            *sum += probability;
        }
    }
    sums.iter().map(|sum: &f32| sum / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::metrics::argmax;

    #[test]
    fn softmax_sums_to_one_and_survives_large_logits() {
        let probabilities = softmax(&[1000.0, 1000.0, -1000.0]);
        assert_eq!(probabilities, [0.5, 0.5, 0.0]);
    }

    #[test]
    fn a_song_is_decided_by_the_sum_of_its_windows() {
        // Two of three windows lean to the first class, but the third is surer of the second.
        let windows: [&[f32]; 3] = [&[0.6, 0.4], &[0.6, 0.4], &[0.0, 1.0]];
        let song = song_probabilities(windows);
        assert_eq!(argmax(&song), 1);
        assert!((song[1] - 0.6).abs() < 1e-6);
    }

    #[test]
    fn tags_have_independent_probabilities() {
        assert_eq!(probabilities(&[0.0, 100.0, -100.0], true), [0.5, 1.0, 0.0]);
        assert_eq!(probabilities(&[0.0, 0.0], false), [0.5, 0.5]);
    }
}
