//! A front end: every number and convention between samples and a network's input.

use super::mel::{edges_hz, filters};
use super::segments::SHORTEST_REMAINDER_SECONDS;
use super::{MelNorm, MelScale, Padding, Scaling, Spectrum};

/// Which frames of a spectrogram are columns of a network's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Columns {
    /// All of them.
    Every,
    /// Evenly spread frames: column c is frame `floor((c + 0.5) · frames_per_column)`. Clips of about 30 s, which have
    /// 1290 to 1300 frames at 22 050 Hz and a hop of 512, are spread over 387.5 columns each, however many frames.
    Spread {
        /// Frames from one column to the next.
        frames_per_column: f64,
    },
}

/// The numbers and conventions between samples and a network's input. The presets are constants of this type
/// ([`FrontEnd::ALL`]); any other combination is possible.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontEnd {
    /// Its name on cards and the command line.
    pub name: &'static str,
    /// Sample rate, in Hz.
    pub sample_rate: u32,
    /// Samples of a Fourier transform and of its periodic Hann window, at least 1.
    pub n_fft: usize,
    /// Samples from one frame to the next, at least 1.
    pub hop_length: usize,
    /// True if frame f is centred on sample `f · hop_length`, so that there are `1 + samples / hop_length` frames
    /// for an even `n_fft`, one for an empty recording. False if it begins there and frames do not reach beyond the end:
    /// there are `1 + (samples − n_fft) / hop_length`, none if there are fewer than `n_fft` samples.
    pub centred: bool,
    /// The padding of centred frames beyond both ends.
    pub padding: Padding,
    /// The value of a bin.
    pub spectrum: Spectrum,
    /// Rows of the mel filter bank.
    pub mel_bands: usize,
    /// Lower edge of the lowest band, in Hz, 0 to `f_max`.
    pub f_min: f32,
    /// Upper edge of the highest band, in Hz, to half the sample rate.
    pub f_max: f32,
    /// The scale on which bands are equally wide.
    pub mel_scale: MelScale,
    /// The normalization of a band's filter.
    pub mel_norm: MelNorm,
    /// Which frames are columns.
    pub columns: Columns,
    /// Length of a segment, which is scaled as a whole, in seconds.
    pub segment_seconds: f64,
    /// How a segment's values are scaled.
    pub scaling: Scaling,
    /// Values quieter than this below the segment's maximum are raised to it, in dB. If the scaling is not in decibels,
    /// this only concerns pictures of the spectrogram.
    pub top_db: f32,
    /// Columns of a network's input, if its source has a fixed number. A longer segment is cut into windows of that many.
    pub frames: Option<usize>,
}

impl FrontEnd {
    /// The front end of this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|front_end| front_end.name == name)
    }

    /// Time from one frame to the next, in seconds.
    pub fn hop_seconds(&self) -> f64 {
        self.hop_length as f64 / f64::from(self.sample_rate)
    }

    /// Time from one column to the next, in seconds.
    pub fn seconds_per_column(&self) -> f64 {
        match self.columns {
            Columns::Every => self.hop_seconds(),
            Columns::Spread { frames_per_column } => self.hop_seconds() * frames_per_column,
        }
    }

    /// The most columns that a segment has: those of [`segment_seconds`](Self::segment_seconds) and of a remainder that is
    /// too short for a segment of its own.
    #[cfg_attr(not(feature = "engine"), allow(dead_code, reason = "only engines cut windows"))]
    pub(crate) fn most_columns(&self) -> usize {
        ((self.segment_seconds + SHORTEST_REMAINDER_SECONDS) / self.seconds_per_column()).ceil() as usize + 1
    }

    /// Centre frequency of every band, in Hz, ascending.
    pub(crate) fn band_hz(&self) -> Vec<f32> {
        edges_hz(self)[1..=self.mel_bands].iter().map(|&hz| hz as f32).collect()
    }

    /// The mel filter bank, `[band, bin]` with `n_fft / 2 + 1` bins, as `librosa.filters.mel` gives it. A band that is
    /// narrower than the bins are apart may be empty: all 0.
    pub fn mel_bank(&self) -> Vec<f32> {
        let bins = self.n_fft / 2 + 1;
        let mut bank = vec![0.0; self.mel_bands * bins];
        for (row, filter) in bank.chunks_exact_mut(bins).zip(filters(self)) {
            row[filter.first_bin..filter.first_bin + filter.weights.len()].copy_from_slice(&filter.weights);
        }
        bank
    }
}
