//! FLAC files: the metadata is skipped here, claxon decodes the frames.
//!
//! claxon's own file reader trusts all lengths in the metadata, also in tags that are not needed, and ends at the first
//! damaged frame.
//!
//! Source: RFC 9639 (FLAC).

use std::io::ErrorKind;

use claxon::Error;
use claxon::frame::{Block, FrameReader};

use super::flac_bytes::Bytes;
use super::flac_header::{FrameHeader, Info};
use super::warnings::{damage_skipped, damaged_after, shorter_than_declared};
use crate::audio::error::{AudioError, malformed, unsupported};
use crate::audio::mix::Mixer;
use crate::audio::source::Input;
use crate::audio::stream::{BLOCK_FRAMES, Stream, check_limits, no_audio};

/// Limit for crafted files; a recording has a handful.
const MAX_METADATA_BLOCKS: usize = 4_096;
/// After this many frames in a row with a valid header that cannot be decoded, the rest of the file is given up.
const MAX_FAILURES: usize = 1_000;
/// A FLAC frame of 65 535 samples has at least 10 bytes, so skipped bytes cannot have held more samples than this each.
const MAX_SAMPLES_PER_BYTE: u64 = 8_192;

/// A FLAC file. Frames, here and in the fields, are samples per channel; claxon's blocks are FLAC's frames.
pub(in crate::audio) struct Flac {
    bytes: Bytes,
    info: Info,
    /// Frames that were mixed.
    decoded_frames: u64,
    /// Frames of silence that must be mixed before `next_block`.
    silence: u64,
    next_block: Option<Block>,
    /// Number of the stream's first sample: not 0 if the file was cut from a longer stream.
    first_sample: Option<u64>,
    ended: bool,
    /// The warning about a damaged end.
    ending: Option<String>,
    /// Damaged places that were skipped, with their bytes and the frames of silence for them.
    damaged_places: u64,
    bytes_lost: u64,
    frames_lost: u64,
    /// Why the first damaged frame could not be decoded.
    first_error: Option<AudioError>,
    buffer: Vec<i32>,
    interleaved: Vec<f32>,
}

/// Opens a file that begins with fLaC.
pub(in crate::audio) fn open(mut input: Input) -> Result<Flac, AudioError> {
    let (info, frames_at) = read_metadata(&mut input)?;
    check_limits(info.channels, info.sample_rate)?;
    if info.bits > 24 {
        let bits = info.bits;
        return Err(unsupported(&format!(
            "it is a FLAC file with samples of {bits} bits, but only up to 24 bits are supported"
        )));
    }
    input.seek_to(frames_at)?;
    Ok(Flac {
        bytes: Bytes::new(input),
        info,
        decoded_frames: 0,
        silence: 0,
        next_block: None,
        first_sample: None,
        ended: false,
        ending: None,
        damaged_places: 0,
        bytes_lost: 0,
        frames_lost: 0,
        first_error: None,
        buffer: Vec::new(),
        interleaved: Vec::new(),
    })
}

/// Walks the metadata (RFC 9639, 8.1). Returns STREAMINFO, and where the first frame should begin.
fn read_metadata(input: &mut Input) -> Result<(Info, u64), AudioError> {
    let (mut info, mut at, mut bytes) = (None, 4, Vec::new());
    for _ in 0..MAX_METADATA_BLOCKS {
        input.seek_to(at)?;
        input.read_at_most(4, &mut bytes)?;
        // Type 127 is forbidden because it looks like a frame's sync code: the length of the block before was wrong.
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
    /// The next block that can be decoded; `None` after the last.
    fn read_block(&mut self) -> Result<Option<Block>, AudioError> {
        let mut lost: Option<(u64, Error)> = None;
        for _ in 0..MAX_FAILURES {
            let at = self.bytes.position();
            let header = FrameHeader::parse(self.bytes.peek(FrameHeader::MAX_BYTES)?);
            let decoded = FrameReader::new(&mut self.bytes).read_next_or_eof(std::mem::take(&mut self.buffer));
            if let Some(failure) = self.bytes.failure.take() {
                return Err(failure);
            }
            let error = match decoded {
                Ok(Some(block)) => return Ok(self.accept(lost.map(|lost| at - lost.0), header, block)),
                Ok(None) => break,
                Err(error) => error,
            };
            self.first_error.get_or_insert_with(|| rejected(&error));
            let (begin, _) = lost.get_or_insert((at, error));
            let begin = *begin;
            // Search from the next byte: the damaged frame's own length is not known.
            self.bytes.go_to(at + 1)?;
            let info = self.info;
            if !self.bytes.find(|bytes| FrameHeader::parse(bytes).is_some_and(|header| header.fits(&info)))? {
                return self.end(begin, lost.map(|lost| lost.1));
            }
        }
        self.end(self.bytes.position(), lost.map(|lost| lost.1))
    }

    /// Accepts a block after `skipped` damaged bytes. The number in its header tells how many frames were lost; as much
    /// silence comes first, so that the sound that follows keeps its time.
    fn accept(&mut self, skipped: Option<u64>, header: Option<FrameHeader>, block: Block) -> Option<Block> {
        let sample = header.map(|header| header.first_sample(&self.info));
        let Some(skipped) = skipped else {
            // A file that was cut from a stream does not begin with sample 0.
            self.first_sample = self.first_sample.or(sample.map(|sample| sample.saturating_sub(self.decoded_frames)));
            return Some(block);
        };
        let place = sample.map(|sample| sample.saturating_sub(self.first_sample.unwrap_or_default()));
        let gap = place.and_then(|place| place.checked_sub(self.decoded_frames)).unwrap_or_default();
        // A larger gap than the skipped bytes can hold: the number itself is damaged.
        let gap = if gap > skipped.saturating_mul(MAX_SAMPLES_PER_BYTE) { 0 } else { gap };
        self.damaged_places += 1;
        self.bytes_lost += skipped;
        self.frames_lost += gap;
        self.silence = gap;
        Some(block)
    }

    /// Ends the recording at byte `at`, where `error` was met instead of a frame.
    fn end(&mut self, at: u64, error: Option<Error>) -> Result<Option<Block>, AudioError> {
        self.ended = true;
        let complete = self.info.frames.is_some_and(|frames| self.decoded_frames >= frames);
        let Some(error) = error.filter(|error| !complete && !is_cut(error)) else { return Ok(None) };
        self.bytes.go_to(at)?;
        let rest = self.bytes.peek(8)?;
        // Tags behind the last frame (ID3v1, APEv2) are no damage.
        if !(rest.starts_with(b"TAG") || rest.starts_with(b"APETAGEX")) {
            self.ending = Some(damaged_after(self.decoded_frames, self.info.sample_rate, found(&error)));
        }
        Ok(None)
    }

    fn decode_block(&mut self, block: &Block, mixer: &mut Mixer) {
        let (frames, channels) = (block.duration() as usize, block.channels() as usize);
        // So that full scale is 1.
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
        self.decoded_frames += frames as u64;
    }

    /// Mixes a part of the silence that is due.
    fn push_silence(&mut self, mixer: &mut Mixer) {
        let frames = self.silence.min(BLOCK_FRAMES as u64);
        self.interleaved.clear();
        self.interleaved.resize(frames as usize, 0.0);
        mixer.push(&self.interleaved, 1);
        self.silence -= frames;
        self.decoded_frames += frames;
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
                self.push_silence(mixer);
            } else if let Some(block) = self.next_block.take() {
                self.decode_block(&block, mixer);
                self.buffer = block.into_buffer();
            } else if self.ended {
                break;
            } else {
                self.next_block = self.read_block()?;
            }
        }
        Ok(!mixer.mono.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        let rate = self.info.sample_rate;
        let damaged = (self.damaged_places > 0)
            .then(|| damage_skipped(self.damaged_places, self.bytes_lost, self.frames_lost, rate));
        let declared = self.info.frames.filter(|_| self.ended);
        let short = || declared.and_then(|declared| shorter_than_declared(self.decoded_frames, declared, rate));
        damaged.into_iter().chain(self.ending.clone().or_else(short)).collect()
    }

    fn no_frames_error(&self) -> AudioError {
        self.first_error.clone().unwrap_or_else(no_audio)
    }
}

fn is_cut(error: &Error) -> bool {
    // A cut end needs no error: the declared length tells what is missing.
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

fn rejected(error: &Error) -> AudioError {
    match error {
        Error::Unsupported(found) => unsupported(&format!("it is a FLAC file with an unsupported feature ({found})")),
        error => damaged(found(error)),
    }
}
