//! MP3 and AAC without a container: frame after frame, found by Symphonia.

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::rc::Rc;

use send_wrapper::SendWrapper;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;
use symphonia::default::formats::{AdtsReader, MpaReader};

use super::codec::Container;
use super::error::{AudioError, malformed};
use super::packets::{Demuxer, Next, Packets, Track};
use super::recording::no_audio;
use super::source::Input;
use super::watch::{Watch, Watched};

/// An MP3 file's padding and delay fill no more packets than this.
const PADDING_PACKETS: u64 = 4;

/// A stream of MPEG frames.
pub(super) struct Frames {
    reader: Box<dyn FormatReader>,
    container: Container,
    watch: Rc<Watch>,
    track: Track,
    /// True where LAME's tag says how much is delay and padding. Elsewhere the reader guesses, and would cut.
    tagged: bool,
}

/// Opens an MP3 file or an AAC file of ADTS frames.
pub(super) fn open(input: Input, container: Container) -> std::result::Result<Packets<Frames>, AudioError> {
    let bytes = input.length();
    let (watched, watch) = Watched::new(input);
    let stream =
        MediaSourceStream::new(Box::new(File { inner: SendWrapper::new(watched), length: bytes }), Default::default());
    let options = FormatOptions::default();
    let reader: Result<Box<dyn FormatReader>> = match container {
        Container::Adts => AdtsReader::try_new(stream, options).map(|reader| Box::new(reader) as _),
        _ => MpaReader::try_new(stream, options).map(|reader| Box::new(reader) as _),
    };
    let reader = reader.map_err(|error| watch.failure().unwrap_or_else(|| refused(container, &error)))?;
    let Some(track) = reader.tracks().first() else { return Err(no_audio()) };
    let Some(CodecParameters::Audio(params)) = &track.codec_params else { return Err(no_audio()) };
    let (params, frames, tagged) = (params.clone(), track.num_frames, track.delay.is_some());
    // ADTS does not tell; the reader guesses.
    let length = frames.filter(|&frames| frames > 0 && container == Container::Mp3);
    let track = Track { params, length, delay: 0, ends: false, units_per_second: None };
    Packets::new(Frames { reader, container, watch, track, tagged }, bytes)
}

impl Frames {
    fn trimmed(&self, mut packet: Packet) -> Packet {
        // Of all its frames: Symphonia does not take off what is trimmed.
        let far = PADDING_PACKETS.saturating_mul(packet.dur.get());
        let beyond = |frames: u64| u64::try_from(packet.pts.get()).is_ok_and(|pts| pts > frames.saturating_add(far));
        // One file behind another is heard too, although the first one's tag knows nothing of it.
        if !self.tagged || self.track.length.is_some_and(beyond) {
            (packet.trim_start, packet.trim_end) = (Duration::ZERO, Duration::ZERO);
        }
        packet
    }
}

impl Demuxer for Frames {
    fn container(&self) -> Container {
        self.container
    }

    fn track(&self) -> &Track {
        &self.track
    }

    fn next_packet(&mut self) -> std::result::Result<Next, AudioError> {
        match self.reader.next_packet() {
            Ok(Some(packet)) => Ok(Next::Packet(self.trimmed(packet))),
            Ok(None) => Ok(Next::End),
            Err(error) => match (self.watch.failure(), error) {
                (Some(failure), _) => Err(failure),
                (None, Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(Next::End),
                (None, error) => Ok(Next::Damage(error.to_string())),
            },
        }
    }

    fn position(&self) -> u64 {
        self.watch.position()
    }
}

fn refused(container: Container, error: &Error) -> AudioError {
    match error {
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            malformed(&format!("it begins like {}, but has no whole frame of sound", container.name()))
        }
        Error::DecodeError(found) | Error::Unsupported(found) => container.damaged(found),
        error => container.damaged(&error.to_string()),
    }
}

/// Symphonia wants sources that may move between threads. In the browser there is one thread, and its files cannot; the
/// wrapper panics only on another thread than its own, and a [`Recording`](super::Recording) cannot get there.
struct File {
    inner: SendWrapper<Watched>,
    length: u64,
}

impl Read for File {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.inner.read(bytes)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

impl MediaSource for File {
    /// Where it can seek, the reader guesses from the bit rate how long a file is.
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
