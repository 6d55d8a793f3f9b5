//! FLAC files: the metadata is passed over here, claxon decodes the frames.
//!
//! claxon's own reader of files takes all metadata at its word, also the tags that nobody hears, and ends at the first
//! damaged frame.
//!
//! Source: RFC 9639 (FLAC).

use std::io::ErrorKind;

use claxon::Error;
use claxon::frame::{Block, FrameReader};

use super::flac_bytes::Bytes;
use super::flac_header::{FrameHeader, Info};
use super::warnings::{damaged_after, passed_over, shorter_than_said};
use crate::audio::error::{AudioError, malformed, unsupported};
use crate::audio::mix::Mixer;
use crate::audio::source::Input;
use crate::audio::stream::{BLOCK_FRAMES, Stream, check, no_audio};

/// The most metadata blocks that are walked; a recording has a handful.
const MOST_BLOCKS: usize = 4_096;
/// Frames in a row that look right and cannot be decoded, before the rest of a file is given up.
const MOST_FAILURES: usize = 1_000;
/// A frame of 65 535 samples has 10 bytes at least: more silence than this cannot have been in a byte.
const MOST_FRAMES_A_BYTE: u64 = 8_192;

/// A file's sound, block by block.
pub(in crate::audio) struct Flac {
    bytes: Bytes,
    info: Info,
    given: u64,
    /// Silence still to be given, in frames, and the frame that comes after it.
    silence: u64,
    waiting: Option<Block>,
    /// Where the first frame begins, counted as the frames' numbers do.
    begin: Option<u64>,
    ended: bool,
    ending: Option<String>,
    /// Of damage that was passed over.
    places: u64,
    bytes_lost: u64,
    frames_lost: u64,
    refusal: Option<AudioError>,
    buffer: Vec<i32>,
    interleaved: Vec<f32>,
}

/// Opens a file that begins with fLaC.
pub(in crate::audio) fn open(mut input: Input) -> Result<Flac, AudioError> {
    let (info, frames_at) = info(&mut input)?;
    check(info.channels, info.sample_rate)?;
    if info.bits > 24 {
        let bits = info.bits;
        return Err(unsupported(&format!("it is a FLAC file with samples of {bits} bits, and those of 24 are read")));
    }
    input.seek_to(frames_at)?;
    Ok(Flac {
        bytes: Bytes::new(input),
        info,
        given: 0,
        silence: 0,
        waiting: None,
        begin: None,
        ended: false,
        ending: None,
        places: 0,
        bytes_lost: 0,
        frames_lost: 0,
        refusal: None,
        buffer: Vec::new(),
        interleaved: Vec::new(),
    })
}

/// Walks the metadata (RFC 9639, 8.1): what STREAMINFO says, and where the first frame should be.
fn info(input: &mut Input) -> Result<(Info, u64), AudioError> {
    let (mut info, mut at, mut bytes) = (None, 4, Vec::new());
    for _ in 0..MOST_BLOCKS {
        input.seek_to(at)?;
        input.read_at_most(4, &mut bytes)?;
        // A type of 127 is forbidden, so that no block is taken for a frame: the last one's length was wrong.
        let &[kind, a, b, c] = bytes.as_slice() else { break };
        if kind & 0x7F == 127 {
            break;
        }
        if kind & 0x7F == 0 && info.is_none() {
            input.read_at_most(34, &mut bytes)?;
            info = Info::parse(&bytes);
        }
        at += 4 + u64::from(u32::from_be_bytes([0, a, b, c]));
        if kind & 0x80 != 0 {
            break;
        }
    }
    let found = if input.length() < 42 { "it ends" } else { "its stream information is missing" };
    info.map(|info| (info, at)).ok_or_else(|| damaged(found))
}

impl Flac {
    /// The next frame that can be decoded, `None` after the last.
    fn frame(&mut self) -> Result<Option<Block>, AudioError> {
        let mut lost: Option<(u64, Error)> = None;
        for _ in 0..MOST_FAILURES {
            let at = self.bytes.position();
            let header = FrameHeader::parse(self.bytes.peek(FrameHeader::LONGEST)?);
            let decoded = FrameReader::new(&mut self.bytes).read_next_or_eof(std::mem::take(&mut self.buffer));
            if let Some(failure) = self.bytes.failure.take() {
                return Err(failure);
            }
            let error = match decoded {
                Ok(Some(block)) => return Ok(self.after(lost.map(|lost| at - lost.0), header, block)),
                Ok(None) => break,
                Err(error) => error,
            };
            self.refusal.get_or_insert_with(|| refused(&error));
            let (begin, _) = lost.get_or_insert((at, error));
            let begin = *begin;
            self.bytes.go_to(at + 1)?;
            let info = self.info;
            if !self.bytes.find(|bytes| FrameHeader::parse(bytes).is_some_and(|header| header.fits(&info)))? {
                return self.end(begin, lost.map(|lost| lost.1));
            }
        }
        self.end(self.bytes.position(), lost.map(|lost| lost.1))
    }

    /// Takes a frame, after so many bytes that were passed over: where the numbers of the frames tell how much sound was
    /// in them, silence comes first.
    fn after(&mut self, skipped: Option<u64>, header: Option<FrameHeader>, block: Block) -> Option<Block> {
        let begin = header.map(|header| header.begin(&self.info));
        let Some(skipped) = skipped else {
            // A recording of a stream begins somewhere within.
            self.begin = self.begin.or(begin.map(|begin| begin.saturating_sub(self.given)));
            return Some(block);
        };
        let place = begin.map(|begin| begin.saturating_sub(self.begin.unwrap_or_default()));
        let gap = place.and_then(|place| place.checked_sub(self.given)).unwrap_or_default();
        let gap = if gap > skipped.saturating_mul(MOST_FRAMES_A_BYTE) { 0 } else { gap };
        self.places += 1;
        self.bytes_lost += skipped;
        self.frames_lost += gap;
        self.silence = gap;
        Some(block)
    }

    /// Ends the recording, after whose last frame something at a place was no frame.
    fn end(&mut self, at: u64, error: Option<Error>) -> Result<Option<Block>, AudioError> {
        self.ended = true;
        let complete = self.info.frames.is_some_and(|frames| self.given >= frames);
        let Some(error) = error.filter(|error| !complete && !is_cut(error)) else { return Ok(None) };
        self.bytes.go_to(at)?;
        let rest = self.bytes.peek(8)?;
        if !(rest.starts_with(b"TAG") || rest.starts_with(b"APETAGEX")) {
            self.ending = Some(damaged_after(self.given, self.info.sample_rate, found(&error)));
        }
        Ok(None)
    }

    fn decode_block(&mut self, block: &Block, mixer: &mut Mixer) {
        let (frames, channels) = (block.duration() as usize, block.channels() as usize);
        let scale = 2.0_f32.powi(1 - self.info.bits as i32);
        self.interleaved.clear();
        self.interleaved.resize(frames * channels, 0.0);
        for channel in 0..channels {
            let samples = block.channel(channel as u32).iter();
            for (out, &sample) in self.interleaved[channel..].iter_mut().step_by(channels).zip(samples) {
                *out = sample as f32 * scale;
            }
        }
        mixer.push(&self.interleaved, channels);
        self.given += frames as u64;
    }

    /// Gives a part of the silence that is due.
    fn rest(&mut self, mixer: &mut Mixer) {
        let frames = self.silence.min(BLOCK_FRAMES as u64);
        self.interleaved.clear();
        self.interleaved.resize(frames as usize, 0.0);
        mixer.push(&self.interleaved, 1);
        self.silence -= frames;
        self.given += frames;
    }
}

impl Stream for Flac {
    fn sample_rate(&self) -> u32 {
        self.info.sample_rate
    }

    fn frames(&self) -> Option<u64> {
        self.info.frames
    }

    fn position(&self) -> u64 {
        self.bytes.position()
    }

    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError> {
        while mixer.mono.len() < BLOCK_FRAMES {
            if self.silence > 0 {
                self.rest(mixer);
            } else if let Some(block) = self.waiting.take() {
                self.decode_block(&block, mixer);
                self.buffer = block.into_buffer();
            } else if self.ended {
                break;
            } else {
                self.waiting = self.frame()?;
            }
        }
        Ok(!mixer.mono.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        let rate = self.info.sample_rate;
        let passed = (self.places > 0).then(|| passed_over(self.places, self.bytes_lost, self.frames_lost, rate));
        let said = self.info.frames.filter(|_| self.ended);
        let short = || said.and_then(|said| shorter_than_said(self.given, said, rate));
        passed.into_iter().chain(self.ending.clone().or_else(short)).collect()
    }

    fn refusal(&self) -> AudioError {
        self.refusal.clone().unwrap_or_else(no_audio)
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

fn damaged(found: &str) -> AudioError {
    malformed(&format!("it is a FLAC file with a damaged beginning ({found})"))
}

fn refused(error: &Error) -> AudioError {
    match error {
        Error::Unsupported(found) => unsupported(&format!("it is a FLAC file of an unusual kind ({found})")),
        error => damaged(found(error)),
    }
}
