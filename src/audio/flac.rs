//! FLAC files, decoded by claxon.

use std::io::ErrorKind;
use std::rc::Rc;

use claxon::frame::Block;
use claxon::{Error, FlacReader, FlacReaderOptions};

use super::error::{AudioError, malformed, unsupported};
use super::mix::Mixer;
use super::recording::{BLOCK_FRAMES, Stream, check};
use super::sentences::{damaged_after, shorter_than_said};
use super::source::Input;
use super::watch::{Watch, Watched};

/// A file's sound, block by block.
pub(super) struct Flac {
    reader: FlacReader<Watched>,
    watch: Rc<Watch>,
    /// In Hz.
    sample_rate: u32,
    /// Of a sample as claxon gives it, so that full scale is 1.
    scale: f32,
    frames: Option<u64>,
    given: u64,
    ended: bool,
    ending: Option<String>,
    buffer: Vec<i32>,
    interleaved: Vec<f32>,
}

/// Opens a file that begins with fLaC.
pub(super) fn open(input: Input) -> Result<Flac, AudioError> {
    let (watched, watch) = Watched::new(input);
    let options = FlacReaderOptions { metadata_only: false, read_vorbis_comment: false };
    let reader = FlacReader::new_ext(watched, options);
    let reader = reader.map_err(|error| watch.failure().unwrap_or_else(|| refused(&error)))?;
    let info = reader.streaminfo();
    check(info.channels as usize, info.sample_rate)?;
    Ok(Flac {
        reader,
        watch,
        sample_rate: info.sample_rate,
        scale: 2.0_f32.powi(1 - info.bits_per_sample as i32),
        frames: info.samples,
        given: 0,
        ended: false,
        ending: None,
        buffer: Vec::new(),
        interleaved: Vec::new(),
    })
}

impl Flac {
    fn hear(&mut self, block: &Block, mixer: &mut Mixer) {
        let (frames, channels) = (block.duration() as usize, block.channels() as usize);
        self.interleaved.clear();
        self.interleaved.resize(frames * channels, 0.0);
        for channel in 0..channels {
            let samples = block.channel(channel as u32).iter();
            for (out, &sample) in self.interleaved[channel..].iter_mut().step_by(channels).zip(samples) {
                *out = sample as f32 * self.scale;
            }
        }
        mixer.push(&self.interleaved, channels);
        self.given += frames as u64;
    }
}

impl Stream for Flac {
    fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    fn frames(&self) -> Option<u64> {
        self.frames
    }

    fn position(&self) -> u64 {
        self.watch.position()
    }

    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError> {
        while !self.ended && mixer.mono.len() < BLOCK_FRAMES {
            match self.reader.blocks().read_next_or_eof(std::mem::take(&mut self.buffer)) {
                Ok(Some(block)) => {
                    self.hear(&block, mixer);
                    self.buffer = block.into_buffer();
                }
                Ok(None) => self.ended = true,
                Err(error) => {
                    if let Some(failure) = self.watch.failure() {
                        return Err(failure);
                    }
                    self.ended = true;
                    self.ending = (!is_cut(&error)).then(|| damaged_after(self.given, self.sample_rate, found(&error)));
                }
            }
        }
        Ok(!mixer.mono.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        let said = self.frames.filter(|_| self.ended);
        let short = || said.and_then(|said| shorter_than_said(self.given, said, self.sample_rate));
        self.ending.clone().or_else(short).into_iter().collect()
    }
}

fn is_cut(error: &Error) -> bool {
    matches!(error, Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof)
}

fn found(error: &Error) -> &'static str {
    match error {
        Error::FormatError(found) | Error::Unsupported(found) => found,
        Error::IoError(_) => "it ends",
    }
}

fn refused(error: &Error) -> AudioError {
    match error {
        Error::Unsupported(found) => unsupported(&format!("it is a FLAC file of an unusual kind ({found})")),
        error => malformed(&format!("it is a FLAC file with a damaged beginning ({})", found(error))),
    }
}
