//! Symphonia's readers of containers, and the file as they see it.

use std::cell::{Cell, RefCell};
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

use send_wrapper::SendWrapper;
use symphonia::core::errors::Result;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::default::formats::{AdtsReader, FlacReader, IsoMp4Reader, MpaReader, OggReader};

use super::error::{AudioError, unreadable};
use super::source::Input;

/// What holds the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// AAC in ADTS frames (ISO 13818-7).
    Adts,
    Flac,
    Mp3,
    /// ISO 14496-12: M4A, MP4, MOV.
    Mp4,
    Ogg,
}

impl Container {
    /// Follows "it is".
    pub fn name(self) -> &'static str {
        match self {
            Self::Adts => "an AAC file",
            Self::Flac => "a FLAC file",
            Self::Mp3 => "an MP3 file",
            Self::Mp4 => "an M4A or MP4 file",
            Self::Ogg => "an Ogg file",
        }
    }
}

/// The reader for a container, chosen by what was seen rather than by Symphonia's probe: it would search a whole file for
/// something that it knows.
pub(super) fn reader(input: Input, container: Container, watch: Rc<Watch>) -> Result<Box<dyn FormatReader>> {
    let length = input.length();
    // Where it can seek, the reader of MP3 guesses how many frames there are and ends there.
    let seekable = container != Container::Mp3;
    let file = File { inner: SendWrapper::new((input, watch)), length, seekable };
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let options = FormatOptions::default();
    Ok(match container {
        Container::Adts => Box::new(AdtsReader::try_new(stream, options)?),
        Container::Flac => Box::new(FlacReader::try_new(stream, options)?),
        Container::Mp3 => Box::new(MpaReader::try_new(stream, options)?),
        Container::Mp4 => Box::new(IsoMp4Reader::try_new(stream, options)?),
        Container::Ogg => Box::new(OggReader::try_new(stream, options)?),
    })
}

/// What goes on in a file that Symphonia owns.
#[derive(Debug, Default)]
pub(super) struct Watch {
    position: Cell<u64>,
    failure: RefCell<Option<AudioError>>,
}

impl Watch {
    /// How far the file was read, in bytes.
    pub fn position(&self) -> u64 {
        self.position.get()
    }

    /// Set where the source failed, and not what is in it.
    pub fn failure(&self) -> Option<AudioError> {
        self.failure.borrow().clone()
    }

    fn watched<T>(&self, position: u64, result: std::io::Result<T>) -> std::io::Result<T> {
        self.position.set(position);
        result.inspect_err(|error| *self.failure.borrow_mut() = Some(unreadable(error)))
    }
}

/// Symphonia wants sources that may move between threads. In the browser there is one thread, and its files cannot; the
/// wrapper panics only on another thread than its own, and a [`Recording`](super::Recording) cannot get there.
struct File {
    inner: SendWrapper<(Input, Rc<Watch>)>,
    length: u64,
    seekable: bool,
}

impl Read for File {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let (input, watch) = &mut *self.inner;
        let result = input.read(bytes);
        watch.watched(input.position(), result)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let (input, watch) = &mut *self.inner;
        let result = input.seek(to);
        watch.watched(input.position(), result)
    }
}

impl MediaSource for File {
    fn is_seekable(&self) -> bool {
        self.seekable
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
