//! Front ends by name.

use super::mel::edges_hz;

/// Which frames of a spectrogram a network hears.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Columns {
    /// All of them.
    Every,
    /// One every so many: column c is frame `floor((c + 0.5) · frames_per_column)`. Clips of about 30 s, which have
    /// 1290 to 1300 frames at 22 050 Hz and a hop of 512, are spread over 387.5 columns each, however many frames.
    Spread {
        /// Frames from one column to the next.
        frames_per_column: f64,
    },
}

/// The numbers between samples and what a network hears.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontEnd {
    /// Its name on cards and the command line.
    pub name: &'static str,
    /// Sample rate, in Hz.
    pub sample_rate: u32,
    /// Samples of a Fourier transform and of its periodic Hann window.
    pub n_fft: usize,
    /// Samples from one frame to the next.
    pub hop_length: usize,
    /// Mel bands.
    pub mel_bands: usize,
    /// Lower edge of the lowest band, in Hz.
    pub f_min: f32,
    /// Upper edge of the highest band, in Hz.
    pub f_max: f32,
    /// Which frames are heard.
    pub columns: Columns,
    /// What is scaled together, in seconds.
    pub segment_seconds: f64,
    /// Everything quieter than this below the segment's maximum is raised to it, in dB.
    pub top_db: f32,
}

impl FrontEnd {
    /// The front end of the GTZAN features that the shipped networks learned from: 128 bands, a column every 77.5 ms.
    pub const GTZAN_LOGMEL: Self = Self {
        name: "gtzan-logmel",
        sample_rate: 22_050,
        n_fft: 2048,
        hop_length: 512,
        mel_bands: 128,
        f_min: 0.0,
        f_max: 11_025.0,
        columns: Columns::Spread { frames_per_column: 3.337 },
        segment_seconds: 30.0,
        top_db: 80.0,
    };

    /// The front end of Yang and Zhang 2019, section 4.2: frames of 1024 overlapping by half, 256 bands, every frame.
    /// The paper names no logarithm and no scale; ours are those of [`GTZAN_LOGMEL`](Self::GTZAN_LOGMEL), decibels
    /// below the maximum of 30 s, brought to 0..1.
    pub const NET1: Self =
        Self { name: "net1", n_fft: 1024, mel_bands: 256, columns: Columns::Every, ..Self::GTZAN_LOGMEL };

    /// All front ends.
    pub const ALL: [&'static Self; 2] = [&Self::GTZAN_LOGMEL, &Self::NET1];

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

    /// Centre frequency of every band, in Hz, ascending.
    pub fn band_hz(&self) -> Vec<f32> {
        let edges = edges_hz(self.mel_bands, f64::from(self.f_min), f64::from(self.f_max));
        edges[1..=self.mel_bands].iter().map(|&hz| hz as f32).collect()
    }
}
