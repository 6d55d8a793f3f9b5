//! A spectrogram reduced to a thumbnail beside a clip's name.

/// Reduces a spectrogram in dB to at most `most` `[columns, bands]`. A value is the loudest of those that it replaces, so
/// that a single tone stays visible: 0 (`floor_db` and below) to 255 (0 dB).
///
/// `db` is row-major `[column, band]`, lowest band first. Returns the size `[columns, bands]` and the values in the same
/// order; an empty spectrogram stays empty.
pub fn thumbnail(db: &[f32], bands: usize, floor_db: f32, most: [usize; 2]) -> ([usize; 2], Vec<u8>) {
    let columns = db.len().checked_div(bands).unwrap_or(0);
    let size = [columns.min(most[0]), bands.min(most[1])];
    let from = |place: usize, small: usize, large: usize| place * large / small..(place + 1) * large / small;
    let mut levels = Vec::with_capacity(size[0] * size[1]);
    for column in 0..size[0] {
        let own = from(column, size[0], columns);
        for band in 0..size[1] {
            let bands_of = from(band, size[1], bands);
            let values = own.clone().flat_map(|column| &db[column * bands..][bands_of.clone()]);
            // `f32::max` ignores NaN, so that NaN counts as silence.
            let loudest = values.copied().fold(f32::NEG_INFINITY, f32::max);
            // `floor_db` is negative: 1 at 0 dB, 0 at the floor.
            levels.push(((1.0 - loudest / floor_db).clamp(0.0, 1.0) * 255.0).round() as u8);
        }
    }
    (size, levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_neighbours_the_loudest_stays() {
        // Three columns of four bands into two of two.
        let db = [0.0, 0.0, -80.0, -80.0, -40.0, -40.0, -40.0, -40.0, 0.0, -80.0, -200.0, -80.0];
        let ([columns, bands], levels) = thumbnail(&db, 4, -80.0, [2, 2]);
        assert_eq!([columns, bands], [2, 2]);
        assert_eq!(levels, [255, 0, 255, 128]);
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        let (size, levels) = thumbnail(&[0.0, -80.0, f32::NAN], 1, -80.0, [48, 24]);
        assert_eq!((size, levels), ([3, 1], vec![255, 0, 0]));
        assert_eq!(thumbnail(&[], 4, -80.0, [48, 24]), ([0, 4], Vec::new()));
        assert_eq!(thumbnail(&[], 0, -80.0, [48, 24]), ([0, 0], Vec::new()));
    }

    #[test]
    fn every_value_has_its_place() {
        for columns in 1..200 {
            let db = vec![-20.0; columns * 128];
            let ([found, bands], levels) = thumbnail(&db, 128, -80.0, [48, 24]);
            assert_eq!((found, bands), (columns.min(48), 24));
            assert!(levels.iter().all(|level| *level == 191), "{columns}");
        }
    }
}
