//! A spectrogram as an image, for networks that classify images.

use std::ops::Range;

use super::Segment;

/// Resizes a segment to `rows` bands and `columns` columns, as an image is resized.
///
/// Bilinear; an axis that shrinks is averaged under a triangle that reaches one step to both sides, as in Pillow and
/// torchvision's `Resize`. A segment without columns becomes all 0.
pub fn picture(segment: &Segment, rows: usize, columns: usize) -> Segment {
    let (across, up) = (taps(segment.columns, columns), taps(segment.bands, rows));
    let mut values = Vec::with_capacity(rows * columns);
    let mut column = vec![0.0; segment.bands];
    for tap in &across {
        for (band, value) in column.iter_mut().enumerate() {
            *value = tap.weigh(|index| segment.values[index * segment.bands + band]);
        }
        values.extend(up.iter().map(|tap| tap.weigh(|band| column[band])));
    }
    Segment { start_seconds: segment.start_seconds, columns, bands: rows, values }
}

/// The weights of one output pixel along one axis.
struct Tap {
    from: Range<usize>,
    weights: Vec<f32>,
}

impl Tap {
    fn weigh(&self, value: impl Fn(usize) -> f32) -> f32 {
        self.from.clone().zip(&self.weights).map(|(index, weight)| weight * value(index)).sum()
    }
}

/// The taps that resize an axis from one length to another.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let step = from as f64 / to as f64;
    let reach = step.max(1.0);
    let tap = |pixel: usize| {
        let centre = (pixel as f64 + 0.5) * step;
        // Pillow's bounds: rounded half up, and clipped to the axis.
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let weight = |index: usize| (1.0 - ((index as f64 + 0.5 - centre) / reach).abs()).max(0.0);
        // Normalized, because triangles are clipped at the ends.
        let sum: f64 = (first..end).map(weight).sum();
        Tap { from: first..end, weights: (first..end).map(|index| (weight(index) / sum) as f32).collect() }
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(columns: usize, bands: usize, value: impl Fn(usize, usize) -> f32) -> Segment {
        let values = (0..columns * bands).map(|index| value(index / bands, index % bands)).collect();
        Segment { start_seconds: 0.0, columns, bands, values }
    }

    #[test]
    fn a_picture_of_the_same_size_is_the_segment() {
        let segment = segment(4, 3, |column, band| (10 * column + band) as f32 / 100.0);
        let found = picture(&segment, 3, 4);
        assert_eq!((found.bands, found.columns), (3, 4));
        for (value, expected) in found.values.iter().zip(&segment.values) {
            assert!((value - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn a_ramp_stays_a_ramp() {
        for columns in [10, 300, 1292] {
            let found = picture(&segment(columns, 3, |column, _| column as f32 / columns as f32), 1, 30).values;
            // Away from the ends, where the triangle is cut.
            for x in 5..24 {
                assert!((found[x + 1] - found[x] - 1.0 / 30.0).abs() < 1e-5, "{columns} columns, pixel {x}");
            }
        }
    }

    #[test]
    fn a_segment_without_columns_is_black() {
        assert_eq!(picture(&segment(0, 128, |_, _| 0.0), 3, 3).values, [0.0; 9]);
    }
}
