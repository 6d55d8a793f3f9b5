//! A spectrogram to look at: of bounded size, however long the recording is.

use serde::{Deserialize, Serialize};

use super::stft::is_silent;
use super::{FrontEnd, Spectrum};

/// Shape, scale and units of a spectrogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectrogramInfo {
    /// Number of time frames; each may stand for several of the front end's, so that a long recording has no more
    /// than a picture needs.
    pub frames: usize,
    /// Number of mel bands.
    pub bands: usize,
    /// Time from one frame to the next, in seconds.
    pub seconds_per_frame: f64,
    /// Centre frequency of every band, in Hz, ascending.
    pub band_hz: Vec<f32>,
    /// The lowest value, in dB; the highest is 0.
    pub floor_db: f32,
    /// Length of the recording, in seconds; of the part decoded so far, if the file does not tell.
    pub duration_seconds: f64,
}

/// More columns than a screen has pixels; a minute and a half at a hop of 23 ms.
const MOST_COLUMNS: usize = 4096;

/// The mel-spectrogram of all frames so far. If they become too many, neighbouring columns are merged in pairs: a column
/// is the mean in decibels of its frames.
pub(crate) struct Overview {
    spectrum: Spectrum,
    bands: usize,
    frames_per_column: usize,
    most_columns: usize,
    /// dB, row-major `[column, band]`. The last column may still lack frames of its mean.
    columns: Vec<f32>,
    /// Frames in the last column, 0 if it is complete.
    started: usize,
    loudest_db: f32,
    silent: bool,
}

impl Overview {
    pub(crate) fn new(front_end: &FrontEnd) -> Self {
        Self::with_most_columns(front_end.spectrum, front_end.mel_bands, MOST_COLUMNS)
    }

    fn with_most_columns(spectrum: Spectrum, bands: usize, most_columns: usize) -> Self {
        Self {
            spectrum,
            bands,
            frames_per_column: 1,
            most_columns,
            columns: Vec::new(),
            started: 0,
            loudest_db: f32::NEG_INFINITY,
            silent: true,
        }
    }

    /// Adds frames of mel values, row-major `[frame, band]`.
    pub(crate) fn push(&mut self, mel: &[f32]) {
        self.silent &= is_silent(mel);
        for frame in mel.chunks_exact(self.bands) {
            self.push_frame(frame);
        }
    }

    fn push_frame(&mut self, frame: &[f32]) {
        if self.started == 0 && self.columns() == self.most_columns {
            self.halve();
        }
        if self.started == 0 {
            self.columns.resize(self.columns.len() + self.bands, 0.0);
        }
        let last = self.columns.len() - self.bands;
        for (sum, &value) in self.columns[last..].iter_mut().zip(frame) {
            let db = self.spectrum.db(value);
            // Of frames, not of columns: means become lower as columns are merged.
            self.loudest_db = self.loudest_db.max(db);
            *sum += db / self.frames_per_column as f32;
        }
        self.started = (self.started + 1) % self.frames_per_column;
    }

    /// Merges neighbouring columns.
    fn halve(&mut self) {
        let bands = self.bands;
        for column in 0..self.columns() / 2 {
            for band in 0..bands {
                let (a, b) = (2 * column * bands + band, (2 * column + 1) * bands + band);
                self.columns[column * bands + band] = (self.columns[a] + self.columns[b]) / 2.0;
            }
        }
        // `most_columns` is even, so no column is left over.
        self.columns.truncate(self.columns() / 2 * bands);
        self.frames_per_column *= 2;
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns.len() / self.bands
    }

    pub(crate) fn frames_per_column(&self) -> usize {
        self.frames_per_column
    }

    /// True if all frames so far are digital silence.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Decibels below the loudest frame, `[column, band]`, −`top_db` to 0; silence is all −`top_db`.
    pub(crate) fn to_db(&self, top_db: f32) -> Vec<f32> {
        if self.is_silent() {
            return vec![-top_db; self.columns.len()];
        }
        let last = self.columns.len() - self.bands;
        // The last column is only a share of its mean: each frame added a part of it.
        let frames = if self.started == 0 { self.frames_per_column } else { self.started };
        let whole = self.frames_per_column as f32 / frames as f32;
        let mean = |(index, &db): (usize, &f32)| if index >= last { db * whole } else { db };
        let below = |db: f32| (db - self.loudest_db).max(-top_db);
        self.columns.iter().enumerate().map(mean).map(below).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of two bands whose level rises by 1 dB a frame from 0 dB.
    fn rising(frames: usize) -> Vec<f32> {
        (0..frames).flat_map(|frame| [10.0_f32.powf(frame as f32 / 10.0), 1.0]).collect()
    }

    fn overview(most_columns: usize, power: &[f32]) -> Overview {
        let mut overview = Overview::with_most_columns(Spectrum::Power, 2, most_columns);
        overview.push(power);
        overview
    }

    #[test]
    fn few_frames_stay_as_they_are() {
        let overview = overview(8, &rising(5));
        assert_eq!((overview.columns(), overview.frames_per_column()), (5, 1));
        let db = overview.to_db(80.0);
        for (frame, pair) in db.chunks(2).enumerate() {
            assert!((pair[0] - (frame as f32 - 4.0)).abs() < 1e-4 && (pair[1] + 4.0).abs() < 1e-4, "{db:?}");
        }
    }

    #[test]
    fn many_frames_become_means_and_the_last_column_too() {
        // 4 columns hold 32 frames of 8; 29 frames leave the last one with 5.
        let overview = overview(4, &rising(29));
        assert_eq!((overview.columns(), overview.frames_per_column()), (4, 8));
        let db: Vec<f32> = overview.to_db(80.0).chunks(2).map(|pair| pair[0] + 28.0).collect();
        for (found, mean) in db.iter().zip([3.5, 11.5, 19.5, 26.0]) {
            assert!((found - mean).abs() < 1e-3, "{db:?}");
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same() {
        let power = rising(50);
        let whole = overview(8, &power);
        let mut pieces = Overview::with_most_columns(Spectrum::Power, 2, 8);
        for piece in power.chunks(6) {
            pieces.push(piece);
        }
        assert_eq!(whole.to_db(60.0), pieces.to_db(60.0));
    }

    #[test]
    fn the_size_is_bounded() {
        let mut overview = Overview::with_most_columns(Spectrum::Power, 2, 16);
        for _ in 0..1000 {
            overview.push(&rising(7));
            assert!(overview.columns() <= 16);
        }
        assert!(overview.to_db(80.0).iter().all(|db| (-80.0..=1e-3).contains(db)));
    }

    #[test]
    fn silence_and_nothing_are_silent() {
        assert!(overview(8, &[]).is_silent() && overview(8, &[0.0; 20]).is_silent());
        assert_eq!(overview(8, &[0.0; 4]).to_db(80.0), [-80.0; 4]);
        assert!(overview(8, &[]).to_db(80.0).is_empty());
        assert!(!overview(8, &[1e-3; 4]).is_silent());
    }
}
