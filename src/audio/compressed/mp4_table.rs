//! A table within a file that is read bit by bit.

use crate::audio::error::AudioError;
use crate::audio::source::Input;

/// Entries that are held at a time.
const HELD: u64 = 1_024;

/// A table of entries of equal width.
pub(in crate::audio) struct Table {
    at: u64,
    left: u64,
    /// Of an entry, in bytes.
    width: usize,
    held: Vec<u8>,
    used: usize,
}

impl Table {
    /// A table that begins at a byte of a file and has so many entries, or as many as the file holds.
    pub(super) fn new(at: u64, count: u32, width: usize) -> Self {
        Self { at, left: u64::from(count), width, held: Vec::new(), used: 0 }
    }

    /// The next entry, `None` after the last.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<&[u8]>, AudioError> {
        if self.used + self.width > self.held.len() {
            let count = self.left.min(HELD);
            input.seek_to(self.at)?;
            input.read_at_most(count as usize * self.width, &mut self.held)?;
            self.at += self.held.len() as u64;
            self.left -= count;
            self.used = 0;
        }
        self.used += self.width;
        Ok(self.held.get(self.used - self.width..self.used))
    }
}
