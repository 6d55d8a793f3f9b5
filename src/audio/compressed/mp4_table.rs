//! A table of an MP4 file, read in pieces: an hour of sound has 600 KB of them.

use crate::audio::error::AudioError;
use crate::audio::source::Input;

/// Entries in memory at a time.
const BUFFERED: u64 = 1_024;

/// A table of entries of equal width.
pub(in crate::audio) struct Table {
    at: u64,
    left: u64,
    /// Bytes per entry.
    width: usize,
    buffer: Vec<u8>,
    used: usize,
}

impl Table {
    /// A table of `count` entries that begins at byte `at` of the file.
    pub(super) fn new(at: u64, count: u32, width: usize) -> Self {
        Self { at, left: u64::from(count), width, buffer: Vec::new(), used: 0 }
    }

    /// The next entry; `None` after the last, or at the end of the file.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<&[u8]>, AudioError> {
        if self.used + self.width > self.buffer.len() {
            let count = self.left.min(BUFFERED);
            input.seek_to(self.at)?;
            input.read_at_most(count as usize * self.width, &mut self.buffer)?;
            self.at += self.buffer.len() as u64;
            self.left -= count;
            self.used = 0;
        }
        self.used += self.width;
        Ok(self.buffer.get(self.used - self.width..self.used))
    }
}
