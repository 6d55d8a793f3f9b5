//! FLAC files: the metadata is skipped here, Symphonia decodes the frames.
//!
//! Not read by Symphonia's own reader, whose tags take 50 KB of the page and which ends at damage.
//!
//! Source: RFC 9639 (FLAC).

use super::flac_bytes::Bytes;
use super::flac_frame::{Decoder, Failure};
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

/// A FLAC file. Frames, here and in the fields, are samples per channel; blocks are FLAC's frames.
pub(in crate::audio) struct Flac {
    bytes: Bytes,
    info: Info,
    decoder: Decoder,
    /// Frames that were mixed.
    decoded_frames: u64,
    /// Frames of silence that must be mixed before `block`.
    silence: u64,
    /// Samples of a block that must be mixed, channels interleaved.
    block: Vec<f32>,
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
    let decoder = Decoder::new(info).map_err(|_| damaged("its stream information"))?;
    Ok(Flac {
        bytes: Bytes::new(input),
        info,
        decoder,
        decoded_frames: 0,
        silence: 0,
        block: Vec::new(),
        first_sample: None,
        ended: false,
        ending: None,
        damaged_places: 0,
        bytes_lost: 0,
        frames_lost: 0,
        first_error: None,
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
    /// Decodes the next block that can be; false after the last.
    fn read_block(&mut self) -> Result<bool, AudioError> {
        let mut lost: Option<(u64, Failure)> = None;
        for _ in 0..MAX_FAILURES {
            let at = self.bytes.position();
            let begin = self.bytes.peek(FrameHeader::MAX_BYTES)?;
            if begin.is_empty() {
                break;
            }
            let info = self.info;
            let failure = match FrameHeader::parse(begin).filter(|header| header.fits(&info)) {
                Some(header) => {
                    let bytes = self.bytes.peek(self.decoder.needed(&header))?;
                    match self.decoder.decode(bytes, &header, &mut self.block) {
                        Ok(length) => {
                            self.bytes.go_to(at + length as u64)?;
                            self.accept(lost.map(|lost| at - lost.0), &header);
                            return Ok(true);
                        }
                        Err(failure) => failure,
                    }
                }
                None => Failure::Damaged("frame header missing"),
            };
            self.block.clear();
            self.first_error.get_or_insert_with(|| rejected(failure));
            lost.get_or_insert((at, failure));
            // Search from the next byte: the damaged frame's own length is not known.
            self.bytes.go_to(at + 1)?;
            if !self.bytes.find(|bytes| FrameHeader::parse(bytes).is_some_and(|header| header.fits(&info)))? {
                return Ok(self.end(lost.map(|lost| lost.1)));
            }
        }
        Ok(self.end(lost.map(|lost| lost.1)))
    }

    /// Accepts a block after `skipped` damaged bytes. The number in its header tells how many frames were lost; as much
    /// silence comes first, so that the sound that follows keeps its time.
    fn accept(&mut self, skipped: Option<u64>, header: &FrameHeader) {
        let sample = header.first_sample(&self.info);
        let Some(skipped) = skipped else {
            // A file that was cut from a stream does not begin with sample 0.
            self.first_sample.get_or_insert(sample.saturating_sub(self.decoded_frames));
            return;
        };
        let place = sample.saturating_sub(self.first_sample.unwrap_or_default());
        let gap = place.saturating_sub(self.decoded_frames);
        // A larger gap than the skipped bytes can hold: the number itself is damaged.
        let gap = if gap > skipped.saturating_mul(MAX_SAMPLES_PER_BYTE) { 0 } else { gap };
        self.damaged_places += 1;
        self.bytes_lost += skipped;
        self.frames_lost += gap;
        self.silence = gap;
    }

    /// Ends the recording where this was met instead of a frame. Returns false.
    fn end(&mut self, failure: Option<Failure>) -> bool {
        self.ended = true;
        let complete = self.info.frames.is_some_and(|frames| self.decoded_frames >= frames);
        // A cut end needs no error: the declared length tells what is missing.
        let Some(failure) = failure.filter(|&failure| !complete && failure != Failure::Cut) else { return false };
        self.ending = Some(damaged_after(self.decoded_frames, self.info.sample_rate, found(failure)));
        false
    }

    /// Mixes the block that was decoded.
    fn push_block(&mut self, mixer: &mut Mixer) {
        let channels = self.info.channels;
        mixer.push(&self.block, channels);
        self.decoded_frames += (self.block.len() / channels) as u64;
        self.block.clear();
    }

    /// Mixes a part of the silence that is due.
    fn push_silence(&mut self, mixer: &mut Mixer) {
        let frames = self.silence.min(BLOCK_FRAMES as u64);
        mixer.push(&vec![0.0; frames as usize], 1);
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
            } else if !self.block.is_empty() {
                self.push_block(mixer);
            } else if self.ended || !self.read_block()? {
                break;
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

fn found(failure: Failure) -> &'static str {
    match failure {
        Failure::Damaged(found) | Failure::Unsupported(found) => found,
        Failure::Cut => "it ends",
    }
}

fn damaged(found: &str) -> AudioError {
    malformed(&format!("it is a FLAC file with a damaged beginning ({found})"))
}

fn rejected(failure: Failure) -> AudioError {
    match failure {
        Failure::Unsupported(found) => unsupported(&format!("it is a FLAC file with an unsupported feature ({found})")),
        failure => damaged(found(failure)),
    }
}
