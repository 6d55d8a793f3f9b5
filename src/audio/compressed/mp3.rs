//! MP3 files, split into frames by Symphonia, which continues at the next frame after damage.
//!
//! Source: ISO 11172-3 (1993) and 13818-3 (1998), 2.4.

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::rc::Rc;

use send_wrapper::SendWrapper;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;
use symphonia::default::formats::MpaReader;

use super::codec::Container;
use super::packet_decoder::{Demuxer, Next, PacketDecoder, Track};
use super::tracked_input::{InputStatus, TrackedInput};
use crate::audio::error::{AudioError, malformed};
use crate::audio::source::Input;
use crate::audio::stream::no_audio;

/// Padding and delay fill no more packets than this.
const PADDING_PACKETS: u64 = 4;

pub(in crate::audio) struct Mp3 {
    reader: MpaReader<'static>,
    status: Rc<InputStatus>,
    track: Track,
    /// True if LAME's tag gives the delay and the padding. Otherwise the reader guesses, and would cut sound off.
    tagged: bool,
}

/// Opens an MP3 file.
pub(in crate::audio) fn open(input: Input) -> Result<PacketDecoder<Mp3>, AudioError> {
    let length = input.length();
    let (tracked, status) = TrackedInput::new(input);
    let stream =
        MediaSourceStream::new(Box::new(MpaSource { inner: SendWrapper::new(tracked), length }), Default::default());
    let reader = MpaReader::try_new(stream, FormatOptions::default());
    let reader = reader.map_err(|error| status.failure().unwrap_or_else(|| refused(&error)))?;
    let Some(track) = reader.tracks().first() else { return Err(no_audio()) };
    let Some(CodecParameters::Audio(params)) = &track.codec_params else { return Err(no_audio()) };
    let (params, frames, tagged) = (params.clone(), track.num_frames, track.delay.is_some());
    // A tag with 0 frames was never filled in by its writer.
    let frames = frames.filter(|&frames| frames > 0);
    let track = Track { params, length: frames, delay: 0, units_per_second: None, ends: false };
    PacketDecoder::new(Mp3 { reader, status, track, tagged }, length)
}

/// Position of the first layer III frame in `bytes` that is followed by another frame of the same stream.
pub(in crate::audio) fn find_frame(bytes: &[u8]) -> Option<usize> {
    let agree = |a: &[u8], b: &[u8]| a[1] & 0xFE == b[1] & 0xFE && a[2] & 0x0C == b[2] & 0x0C;
    (0..bytes.len()).find(|&at| {
        let next = frame_length(&bytes[at..]).and_then(|length| bytes.get(at + length..));
        next.is_some_and(|next| frame_length(next).is_some() && agree(&bytes[at..], next))
    })
}

/// Length in bytes of a layer III frame, if `bytes` begin with its header (ISO 11172-3, 2.4.2.3 and 2.4.3.1). `None` for
/// free bit rates, which do not determine it.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    const LONG: [usize; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const SHORT: [usize; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let &[0xFF, version, rates, _, ..] = bytes else { return None };
    // MPEG 1, 2 and 2.5: each halves the sample rates of the one before. A frame of MPEG 1 has twice as many samples.
    let (kilobits, divisor, factor) = match version & 0xFE {
        0xFA => (LONG, 1, 144_000),
        0xF2 => (SHORT, 2, 72_000),
        0xE2 => (SHORT, 4, 72_000),
        _ => return None,
    };
    let kilobits = *kilobits.get(usize::from(rates >> 4).checked_sub(1)?)?;
    let sample_rate = *[44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))? / divisor;
    Some(factor * kilobits / sample_rate + usize::from(rates >> 1 & 1))
}

impl Mp3 {
    /// Undoes Symphonia's trimming where it is only a guess.
    fn trimmed(&self, mut packet: Packet) -> Packet {
        // `dur` counts all frames of the packet: Symphonia does not subtract the trimmed ones.
        let far = PADDING_PACKETS.saturating_mul(packet.dur.get());
        let beyond = |frames: u64| u64::try_from(packet.pts.get()).is_ok_and(|pts| pts > frames.saturating_add(far));
        // A second file appended to the first is decoded too, although the tag of the first does not count it.
        if !self.tagged || self.track.length.is_some_and(beyond) {
            (packet.trim_start, packet.trim_end) = (Duration::ZERO, Duration::ZERO);
        }
        packet
    }
}

impl Demuxer for Mp3 {
    fn container(&self) -> Container {
        Container::Mp3
    }

    fn track(&self) -> &Track {
        &self.track
    }

    fn next_packet(&mut self) -> Result<Next, AudioError> {
        match self.reader.next_packet() {
            Ok(Some(packet)) => Ok(Next::Packet(self.trimmed(packet))),
            Ok(None) => Ok(Next::End),
            Err(error) => match (self.status.failure(), error) {
                (Some(failure), _) => Err(failure),
                (None, Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(Next::End),
                (None, error) => Ok(Next::Damage(error.to_string())),
            },
        }
    }

    fn position(&self) -> u64 {
        self.status.position()
    }
}

fn refused(error: &Error) -> AudioError {
    match error {
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            malformed(&format!("it begins like {}, but has no complete audio frame", Container::Mp3.name()))
        }
        Error::DecodeError(found) | Error::Unsupported(found) => Container::Mp3.damaged(found),
        error => Container::Mp3.damaged(&error.to_string()),
    }
}

/// Symphonia needs sources that are `Send` and `Sync`, which a browser's files are not. The wrapper panics only on another
/// thread than its own, and a [`Recording`](crate::audio::Recording), which is not `Send`, cannot get there.
struct MpaSource {
    inner: SendWrapper<TrackedInput>,
    length: u64,
}

impl Read for MpaSource {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.inner.read(bytes)
    }
}

impl Seek for MpaSource {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

impl MediaSource for MpaSource {
    fn is_seekable(&self) -> bool {
        // If it could seek, the reader would guess the file's length from the bit rate.
        false
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
