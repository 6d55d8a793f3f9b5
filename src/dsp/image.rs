//! A spectrogram as an image, for networks that learned to see on ImageNet.

use std::ops::Range;

use super::Segment;

/// Mean and deviation of ImageNet's red, green and blue, of values 0..1, as torchvision's networks expect them.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// A segment of values 0..1 as `size` × `size` pixels for a network that learned on ImageNet, `[3, size, size]`: time
/// to the right, the lowest band at the bottom, three equal channels less ImageNet's mean and divided by its
/// deviation. Sizes in use are 224 (ResNet) and 299 (Xception).
///
/// Resized bilinearly, an axis that shrinks being averaged under a triangle as wide as its step on both sides: what
/// Pillow and so torchvision's `Resize` do. A segment without columns is black.
pub fn image(segment: &Segment, size: usize) -> Vec<f32> {
    let (columns, bands) = (segment.columns, segment.bands);
    let (across, up) = (taps(columns, size), taps(bands, size));
    // Along time first, `[band, x]`, highest band first.
    let mut narrowed = Vec::with_capacity(bands * size);
    for band in (0..bands).rev() {
        let row: Vec<f32> = (0..columns).map(|column| segment.values[column * bands + band]).collect();
        narrowed.extend(across.iter().map(|tap| tap.weigh(|column| row[column])));
    }
    let mut grey = Vec::with_capacity(size * size);
    for tap in &up {
        grey.extend((0..size).map(|x| tap.weigh(|band| narrowed[band * size + x])));
    }
    let channel = |(mean, deviation)| grey.iter().map(move |value| (value - mean) / deviation);
    MEAN.into_iter().zip(DEVIATION).flat_map(channel).collect()
}

/// What one pixel is made of along one axis.
struct Tap {
    from: Range<usize>,
    weights: Vec<f32>,
}

impl Tap {
    fn weigh(&self, value: impl Fn(usize) -> f32) -> f32 {
        self.from.clone().zip(&self.weights).map(|(index, weight)| weight * value(index)).sum()
    }
}

/// The taps that bring an axis from one length to another.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let step = from as f64 / to as f64;
    let reach = step.max(1.0);
    let tap = |pixel: usize| {
        let centre = (pixel as f64 + 0.5) * step;
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let weight = |index: usize| (1.0 - ((index as f64 + 0.5 - centre) / reach).abs()).max(0.0);
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

    fn red(image: &[f32], size: usize) -> Vec<f32> {
        image[..size * size].iter().map(|value| value * 0.229 + 0.485).collect()
    }

    #[test]
    fn an_image_of_the_same_size_is_turned_only() {
        let found = red(&image(&segment(4, 4, |column, band| (10 * column + band) as f32 / 100.0), 4), 4);
        for (pixel, value) in found.iter().enumerate() {
            let (row, column) = (pixel / 4, pixel % 4);
            assert!((value - (10 * column + 3 - row) as f32 / 100.0).abs() < 1e-6);
        }
    }

    #[test]
    fn channels_differ_by_mean_and_deviation_only() {
        let found = image(&segment(50, 20, |_, _| 0.5), 7);
        assert_eq!(found.len(), 3 * 49);
        for (channel, values) in found.chunks(49).enumerate() {
            let expected = (0.5 - MEAN[channel]) / DEVIATION[channel];
            assert!(values.iter().all(|value| (value - expected).abs() < 1e-6));
        }
    }

    #[test]
    fn a_ramp_stays_a_ramp() {
        for columns in [10, 300, 1292] {
            let found = red(&image(&segment(columns, 3, |column, _| column as f32 / columns as f32), 30), 30);
            // Away from the ends, where the triangle is cut.
            for x in 5..24 {
                assert!((found[x + 1] - found[x] - 1.0 / 30.0).abs() < 1e-5, "{columns} columns, pixel {x}");
            }
        }
    }

    #[test]
    fn a_segment_without_columns_is_black() {
        let found = image(&segment(0, 128, |_, _| 0.0), 3);
        assert_eq!(red(&found, 3), [0.0; 9]);
    }
}
