//! A FLAC file's bytes for claxon, with seeking back to a damaged frame and searching for the next.

use std::io::{Error, ErrorKind, Result};

use claxon::input::ReadBytes;

use crate::audio::error::AudioError;
use crate::audio::source::Input;

const BUFFER_BYTES: usize = 1 << 13;

pub(in crate::audio) struct Bytes {
    input: Input,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were read.
    used: usize,
    /// The source's error, as distinct from damage in the file.
    pub failure: Option<AudioError>,
}

impl Bytes {
    /// The bytes from the input's position on.
    pub(super) fn new(input: Input) -> Self {
        Self { input, buffer: Vec::new(), used: 0, failure: None }
    }

    /// Position of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.input.position() - (self.buffer.len() - self.used) as u64
    }

    pub(super) fn go_to(&mut self, at: u64) -> std::result::Result<(), AudioError> {
        let begin = self.input.position() - self.buffer.len() as u64;
        match at.checked_sub(begin).filter(|&used| used <= self.buffer.len() as u64) {
            Some(used) => self.used = used as usize,
            // Before or behind the buffer.
            None => {
                self.buffer.clear();
                self.used = 0;
                self.input.seek_to(at)?;
            }
        }
        Ok(())
    }

    /// The next bytes, at most `count`, without reading them.
    pub(super) fn peek(&mut self, count: usize) -> std::result::Result<&[u8], AudioError> {
        if self.buffer.len() - self.used < count {
            let mut more = Vec::new();
            self.input.read_at_most(BUFFER_BYTES, &mut more)?;
            self.buffer.drain(..self.used);
            self.used = 0;
            self.buffer.append(&mut more);
        }
        let rest = &self.buffer[self.used..];
        Ok(&rest[..rest.len().min(count)])
    }

    /// Seeks to the next position whose bytes `matches` accepts. Only positions with a byte of 0xFF, with which every frame
    /// begins, are tried. Returns false if there is none.
    pub(super) fn find(&mut self, matches: impl Fn(&[u8]) -> bool) -> std::result::Result<bool, AudioError> {
        loop {
            let window = self.peek(BUFFER_BYTES)?;
            let places = window.iter().enumerate().filter(|&(_, &byte)| byte == 0xFF).map(|(at, _)| at);
            let found = places.into_iter().find(|&at| matches(&window[at..]));
            let window = window.len();
            // A header may be cut by the window's end: its last 32 bytes belong to the next window too.
            let tested = if window < BUFFER_BYTES { window } else { window - 32 };
            if let Some(at) = found {
                self.used += at;
                return Ok(true);
            }
            self.used += tested;
            if window < BUFFER_BYTES {
                return Ok(false);
            }
        }
    }

    /// Fills the buffer; false at the end of the file.
    fn fill(&mut self) -> Result<bool> {
        if self.used < self.buffer.len() {
            return Ok(true);
        }
        self.used = 0;
        let read = self.input.read_at_most(BUFFER_BYTES, &mut self.buffer);
        read.map_err(|failure| {
            // claxon passes on `io::Error` only, so the real error is kept beside it.
            self.failure = Some(failure);
            Error::from(ErrorKind::Other)
        })?;
        Ok(!self.buffer.is_empty())
    }
}

impl ReadBytes for Bytes {
    fn read_u8(&mut self) -> Result<u8> {
        self.read_u8_or_eof()?.ok_or(ErrorKind::UnexpectedEof.into())
    }

    fn read_u8_or_eof(&mut self) -> Result<Option<u8>> {
        if !self.fill()? {
            return Ok(None);
        }
        self.used += 1;
        Ok(self.buffer.get(self.used - 1).copied())
    }

    fn read_into(&mut self, bytes: &mut [u8]) -> Result<()> {
        for byte in bytes {
            *byte = self.read_u8()?;
        }
        Ok(())
    }

    fn skip(&mut self, count: u32) -> Result<()> {
        for _ in 0..count {
            self.read_u8()?;
        }
        Ok(())
    }
}
