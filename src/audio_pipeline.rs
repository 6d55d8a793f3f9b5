//! Turns a recording into the input of a network, block by block: decodes it, resamples it to the front end's rate,
//! computes mel frames and cuts them into segments. Memory use does not grow with the recording.

use crate::audio::{AudioError, Clip, Recording, Resampler, Source, open};
use crate::dsp::{FrontEnd, MelStream, Overview, Segment, Segmenter, SpectrogramInfo};

/// Decodes a recording into segments.
pub struct AudioPipeline {
    front_end: &'static FrontEnd,
    recording: Recording,
    resampler: Resampler,
    stream: MelStream,
    /// `None` at the end of the recording.
    segmenter: Option<Segmenter>,
    overview: Overview,
    /// Samples that were decoded, at the recording's own rate.
    processed_samples: u64,
    // Reused for every block.
    samples: Vec<f32>,
    resampled: Vec<f32>,
    mel: Vec<f32>,
}

impl AudioPipeline {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read or decoded.
    pub fn open(source: impl Source + 'static, front_end: &'static FrontEnd) -> Result<Self, AudioError> {
        Self::of(open(source)?, front_end)
    }

    /// Uses samples that are already decoded.
    ///
    /// # Errors
    ///
    /// If their sample rate is not supported.
    pub fn from_clip(clip: Clip, front_end: &'static FrontEnd) -> Result<Self, AudioError> {
        Self::of(Recording::from(clip), front_end)
    }

    fn of(recording: Recording, front_end: &'static FrontEnd) -> Result<Self, AudioError> {
        Ok(Self {
            resampler: Resampler::new(recording.sample_rate(), front_end.sample_rate)?,
            stream: MelStream::new(front_end),
            segmenter: Some(Segmenter::new(front_end)),
            overview: Overview::new(front_end),
            front_end,
            recording,
            processed_samples: 0,
            samples: Vec::new(),
            resampled: Vec::new(),
            mel: Vec::new(),
        })
    }

    /// Decodes the next block and returns the segments that are complete, often none; `None` at the end.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn next_segments(&mut self) -> Result<Option<Vec<Segment>>, AudioError> {
        let Some(segmenter) = &mut self.segmenter else { return Ok(None) };
        let more = self.recording.next_block(&mut self.samples)?;
        self.resampled.clear();
        self.mel.clear();
        if more {
            self.processed_samples += self.samples.len() as u64;
            self.resampler.push(&self.samples, &mut self.resampled)?;
            self.stream.push(&self.resampled, &mut self.mel);
        } else {
            // The resampler and the last frame still hold samples.
            self.resampler.finish(&mut self.resampled)?;
            self.stream.push(&self.resampled, &mut self.mel);
            self.stream.finish(&mut self.mel);
        }
        self.overview.push(&self.mel);
        let mut segments = segmenter.push(&self.mel);
        if !more {
            segments.extend(self.segmenter.take().map(Segmenter::finish).unwrap_or_default());
        }
        Ok(Some(segments))
    }

    /// Length of the part that is decoded, in seconds.
    pub fn processed_seconds(&self) -> f64 {
        self.processed_samples as f64 / f64::from(self.recording.sample_rate())
    }

    /// The recording's length in seconds, if the file tells it or is decoded to its end.
    pub fn duration_seconds(&self) -> Option<f64> {
        if self.segmenter.is_none() {
            return Some(self.processed_seconds());
        }
        // Some headers give a shorter length than the file has.
        self.recording.duration_seconds().filter(|&seconds| seconds >= self.processed_seconds())
    }

    /// The recording's length in seconds, or what is to be expected from the share of the file's bytes that is read.
    pub(crate) fn expected_seconds(&self) -> Option<f64> {
        let expected = || self.processed_seconds() / f64::from(self.fraction());
        self.duration_seconds().or_else(|| Some(expected()).filter(|seconds| seconds.is_finite()))
    }

    /// Share of the recording that is decoded, 0 to 1.
    pub fn fraction(&self) -> f32 {
        if self.segmenter.is_none() { 1.0 } else { self.recording.fraction() }
    }

    /// Sentences for the user about problems in the file; complete at the end.
    pub fn warnings(&self) -> Vec<String> {
        self.recording.warnings()
    }

    /// True if the part that is decoded is digital silence.
    pub fn is_silent(&self) -> bool {
        self.overview.is_silent()
    }

    /// The mel-spectrogram of the part that is decoded, reduced to the size of a picture: decibels, row-major
    /// `[frame, band]`, −`top_db` to 0.
    pub fn spectrogram(&self) -> (SpectrogramInfo, Vec<f32>) {
        let info = SpectrogramInfo {
            frames: self.overview.columns(),
            bands: self.front_end.mel_bands,
            seconds_per_frame: self.front_end.hop_seconds() * self.overview.frames_per_column() as f64,
            band_hz: self.front_end.band_hz(),
            floor_db: -self.front_end.top_db,
            duration_seconds: self.duration_seconds().unwrap_or_else(|| self.processed_seconds()),
        };
        (info, self.overview.to_db(self.front_end.top_db))
    }
}
