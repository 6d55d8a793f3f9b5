//! A recording as a network hears it, piece by piece: decoded, brought to the front end's rate, turned to mel frames,
//! cut into segments. Memory does not grow with the recording.

use crate::audio::{AudioError, Clip, Recording, Resampler, Source, open};
use crate::dsp::{FrontEnd, MelStream, Overview, Segment, Segmenter, SpectrogramInfo};

/// The way from a recording to its segments.
pub struct AudioPipeline {
    front_end: &'static FrontEnd,
    recording: Recording,
    resampler: Resampler,
    stream: MelStream,
    /// `None` once everything is cut.
    segmenter: Option<Segmenter>,
    overview: Overview,
    /// Samples at the recording's own rate.
    processed_samples: u64,
    samples: Vec<f32>,
    resampled: Vec<f32>,
    mel: Vec<f32>,
}

impl AudioPipeline {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Where it cannot be read or is no recording.
    pub fn open(source: impl Source + 'static, front_end: &'static FrontEnd) -> Result<Self, AudioError> {
        Self::of(open(source)?, front_end)
    }

    /// Takes samples that are decoded already.
    ///
    /// # Errors
    ///
    /// Where their rate is none that is read.
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

    /// Decodes the next block. The segments that are certain now, often none; `None` once all were given.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read on.
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

    /// How much is heard, in seconds.
    pub fn processed_seconds(&self) -> f64 {
        self.processed_samples as f64 / f64::from(self.recording.sample_rate())
    }

    /// The recording's length in seconds, where the file tells it or its end was heard.
    pub fn duration_seconds(&self) -> Option<f64> {
        if self.segmenter.is_none() {
            return Some(self.processed_seconds());
        }
        // Some headers tell less than there is.
        self.recording.duration_seconds().filter(|&seconds| seconds >= self.processed_seconds())
    }

    /// How much is heard, 0 to 1.
    pub fn fraction(&self) -> f32 {
        if self.segmenter.is_none() { 1.0 } else { self.recording.fraction() }
    }

    /// What the user should know of the file: sentences, complete at the end.
    pub fn warnings(&self) -> Vec<String> {
        self.recording.warnings()
    }

    /// True where nothing but silence was heard.
    pub fn is_silent(&self) -> bool {
        self.overview.is_silent()
    }

    /// The spectrogram of what is heard, as a picture needs it.
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
