//! Resampling of a row of cells to a coarser or finer one.

/// The neighbouring input cells that make up one output cell, with weights that sum to 1. Empty if the output cell lies
/// beyond the input.
#[derive(Debug, Clone, PartialEq)]
pub struct Tap {
    /// The first input cell.
    pub first: usize,
    /// The weights of it and of the cells after it.
    pub weights: Vec<f32>,
}

/// The taps of every output cell, each `scale` input cells wide. Shrinking takes the mean of all input cells, so that
/// nothing is skipped or aliased; stretching interpolates between cell centres.
pub fn taps(inputs: usize, outputs: usize, scale: f64) -> Vec<Tap> {
    let tap = if scale >= 1.0 { mean_over } else { between_centres };
    (0..outputs).map(|output| tap(inputs, output as f64 * scale, (output + 1) as f64 * scale)).collect()
}

fn mean_over(inputs: usize, start: f64, end: f64) -> Tap {
    let first = (start.floor() as usize).min(inputs);
    let last = (end.ceil() as usize).min(inputs);
    let covered = |cell: usize| ((cell + 1) as f64).min(end) - (cell as f64).max(start);
    let total: f64 = (first..last).map(covered).sum();
    // An overlap below a millionth of a cell is a rounding error.
    let weights =
        if total > 1e-6 { (first..last).map(|cell| (covered(cell) / total) as f32).collect() } else { vec![] };
    Tap { first, weights }
}

fn between_centres(inputs: usize, start: f64, end: f64) -> Tap {
    let middle = (start + end) / 2.0;
    if middle >= inputs as f64 {
        return Tap { first: inputs, weights: vec![] };
    }
    let position = (middle - 0.5).clamp(0.0, (inputs - 1) as f64);
    let first = position as usize;
    let fraction = (position - first as f64) as f32;
    let weights = if first + 1 < inputs { vec![1.0 - fraction, fraction] } else { vec![1.0] };
    Tap { first, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(values: &[f32], taps: &[Tap]) -> Vec<Option<f32>> {
        let sum = |tap: &Tap| tap.weights.iter().zip(&values[tap.first..]).map(|(w, v)| w * v).sum();
        taps.iter().map(|tap| (!tap.weights.is_empty()).then(|| sum(tap))).collect()
    }

    #[test]
    fn shrinking_takes_means() {
        assert_eq!(apply(&[1.0, 3.0, 5.0, 7.0], &taps(4, 2, 2.0)), [Some(2.0), Some(6.0)]);
        assert_eq!(apply(&[0.0, 3.0, 6.0], &taps(3, 2, 1.5)), [Some(1.0), Some(5.0)]);
    }

    #[test]
    fn the_same_size_changes_nothing() {
        assert_eq!(apply(&[4.0, 2.0], &taps(2, 2, 1.0)), [Some(4.0), Some(2.0)]);
    }

    #[test]
    fn stretching_interpolates() {
        let stretched = apply(&[0.0, 4.0], &taps(2, 4, 0.5));
        assert_eq!(stretched, [Some(0.0), Some(1.0), Some(3.0), Some(4.0)]);
    }

    #[test]
    fn cells_beyond_the_input_are_empty() {
        assert_eq!(apply(&[1.0, 1.0], &taps(2, 4, 1.0)), [Some(1.0), Some(1.0), None, None]);
        assert_eq!(apply(&[1.0], &taps(1, 4, 0.5)), [Some(1.0), Some(1.0), None, None]);
        assert_eq!(apply(&[], &taps(0, 2, 0.5)), [None, None]);
    }

    #[test]
    fn weights_always_sum_to_one_and_stay_inside() {
        for inputs in [1_usize, 2, 7, 128, 1000] {
            for outputs in [1_usize, 3, 64, 999] {
                for tap in taps(inputs, outputs, inputs as f64 / outputs as f64) {
                    let sum: f32 = tap.weights.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-4, "{inputs} to {outputs}: {tap:?}");
                    assert!(tap.first + tap.weights.len() <= inputs, "{inputs} to {outputs}: {tap:?}");
                }
            }
        }
    }
}
