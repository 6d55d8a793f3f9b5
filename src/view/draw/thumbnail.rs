//! The small spectrogram of a clip, as pixels.

use crate::view::draw::colours;

/// The levels of a clip's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    columns: usize,
    bands: usize,
    /// 0 to 255, row-major `[columns, bands]`, lowest band first.
    levels: Vec<u8>,
}

impl Thumbnail {
    /// From `columns` × `bands` levels; `None` if their number differs or one of them is 0.
    pub fn new(columns: usize, bands: usize, levels: Vec<u8>) -> Option<Self> {
        let fits = columns > 0 && columns.checked_mul(bands) == Some(levels.len()) && !levels.is_empty();
        fits.then_some(Self { columns, bands, levels })
    }

    /// `[width, height]` in pixels: one for every column and band.
    pub fn size(&self) -> [usize; 2] {
        [self.columns, self.bands]
    }

    /// RGBA, row-major `[height, width, 4]`, the highest band on top.
    pub fn rgba(&self) -> Vec<u8> {
        let pixel = |band: usize, column: usize| {
            let [red, green, blue] = colours::colour_map()[usize::from(self.levels[column * self.bands + band])];
            [red, green, blue, 255]
        };
        (0..self.bands).rev().flat_map(|band| (0..self.columns).flat_map(move |column| pixel(band, column))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_bands_lie_at_the_bottom_and_time_runs_rightwards() {
        let thumbnail = Thumbnail::new(2, 3, vec![0, 0, 0, 255, 0, 0]).unwrap();
        let rgba = thumbnail.rgba();
        assert_eq!(rgba.len(), 4 * 2 * 3);
        let loud: Vec<usize> = rgba
            .chunks(4)
            .enumerate()
            .filter(|(_, pixel)| pixel[..3] == colours::colour_map()[255])
            .map(|it| it.0)
            .collect();
        assert_eq!(loud, [5], "the lowest band of the second column");
    }

    #[test]
    fn levels_that_do_not_fit_are_refused() {
        assert_eq!(Thumbnail::new(2, 2, vec![0; 3]), None);
        assert_eq!(Thumbnail::new(0, 2, Vec::new()), None);
        assert_eq!(Thumbnail::new(usize::MAX, 2, vec![0; 2]), None);
    }
}
