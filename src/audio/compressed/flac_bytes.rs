//! A FLAC file's bytes, as claxon wants them, with a place that can be gone back to.

use std::io::{Error, ErrorKind, Result};

use claxon::input::ReadBytes;

use crate::audio::error::AudioError;
use crate::audio::source::Input;

/// Bytes that are held at a time.
const HELD: usize = 1 << 13;

/// The bytes from a place on.
pub(in crate::audio) struct Bytes {
    input: Input,
    held: Vec<u8>,
    used: usize,
    /// Set where the source failed, and not what is in it.
    pub failure: Option<AudioError>,
}

impl Bytes {
    /// From the input's place on.
    pub(super) fn new(input: Input) -> Self {
        Self { input, held: Vec::new(), used: 0, failure: None }
    }

    /// The place of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.input.position() - (self.held.len() - self.used) as u64
    }

    pub(super) fn go_to(&mut self, at: u64) -> std::result::Result<(), AudioError> {
        let begin = self.input.position() - self.held.len() as u64;
        match at.checked_sub(begin).filter(|&used| used <= self.held.len() as u64) {
            Some(used) => self.used = used as usize,
            None => {
                self.held.clear();
                self.used = 0;
                self.input.seek_to(at)?;
            }
        }
        Ok(())
    }

    /// The next bytes, up to so many; they stay the next.
    pub(super) fn peek(&mut self, count: usize) -> std::result::Result<&[u8], AudioError> {
        if self.held.len() - self.used < count {
            let mut more = Vec::new();
            self.input.read_at_most(HELD, &mut more)?;
            self.held.drain(..self.used);
            self.used = 0;
            self.held.append(&mut more);
        }
        let rest = &self.held[self.used..];
        Ok(&rest[..rest.len().min(count)])
    }

    /// Goes to the next place whose bytes are right, which begin with a byte of ones as all frames do; false where there
    /// is none.
    pub(super) fn find(&mut self, is_right: impl Fn(&[u8]) -> bool) -> std::result::Result<bool, AudioError> {
        loop {
            let window = self.peek(HELD)?;
            let places = window.iter().enumerate().filter(|&(_, &byte)| byte == 0xFF).map(|(at, _)| at);
            let found = places.into_iter().find(|&at| is_right(&window[at..]));
            let window = window.len();
            // What is right may begin within the last bytes of a window, and is looked at in the next.
            let tested = if window < HELD { window } else { window - 32 };
            if let Some(at) = found {
                self.used += at;
                return Ok(true);
            }
            self.used += tested;
            if window < HELD {
                return Ok(false);
            }
        }
    }

    /// False at the end.
    fn fill(&mut self) -> Result<bool> {
        if self.used < self.held.len() {
            return Ok(true);
        }
        self.used = 0;
        let read = self.input.read_at_most(HELD, &mut self.held);
        read.map_err(|failure| {
            self.failure = Some(failure);
            Error::from(ErrorKind::Other)
        })?;
        Ok(!self.held.is_empty())
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
        Ok(self.held.get(self.used - 1).copied())
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
