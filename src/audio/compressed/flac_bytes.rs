//! A FLAC file's bytes, with seeking back to a damaged frame and searching for the next.

use crate::audio::error::AudioError;
use crate::audio::source::Input;

const BUFFER_BYTES: usize = 1 << 13;

pub(in crate::audio) struct Bytes {
    input: Input,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were read.
    used: usize,
}

impl Bytes {
    /// The bytes from the input's position on.
    pub(super) fn new(input: Input) -> Self {
        Self { input, buffer: Vec::new(), used: 0 }
    }

    /// Position of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.input.position() - (self.buffer.len() - self.used) as u64
    }

    pub(super) fn go_to(&mut self, at: u64) -> Result<(), AudioError> {
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
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], AudioError> {
        if self.buffer.len() - self.used < count {
            let mut more = Vec::new();
            self.input.read_at_most(count.max(BUFFER_BYTES), &mut more)?;
            self.buffer.drain(..self.used);
            self.used = 0;
            self.buffer.append(&mut more);
        }
        let rest = &self.buffer[self.used..];
        Ok(&rest[..rest.len().min(count)])
    }

    /// Seeks to the next position whose bytes `matches` accepts. Only positions with a byte of 0xFF, with which every frame
    /// begins, are tried. Returns false if there is none.
    pub(super) fn find(&mut self, matches: impl Fn(&[u8]) -> bool) -> Result<bool, AudioError> {
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
}
