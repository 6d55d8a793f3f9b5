//! Files that need not fit in memory.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::{AudioError, unreadable};

/// Bytes with random access: a file, a cursor over bytes in memory, or a browser's `File` read in slices. It need not be
/// `Send`.
pub trait Source: Read + Seek {}

impl<S: Read + Seek + ?Sized> Source for S {}

/// Headers are read in small pieces, but the source only gets requests of this size: each is a round trip in a browser.
const BUFFER_BYTES: usize = 1 << 16;

/// A buffered source with its length and position, both in bytes.
pub(super) struct Input {
    reader: BufReader<Box<dyn Source>>,
    position: u64,
    length: u64,
}

impl Input {
    pub(super) fn new(mut source: Box<dyn Source>) -> Result<Self, AudioError> {
        let length = source.seek(SeekFrom::End(0)).map_err(|error| unreadable(&error))?;
        source.seek(SeekFrom::Start(0)).map_err(|error| unreadable(&error))?;
        Ok(Self { reader: BufReader::with_capacity(BUFFER_BYTES, source), position: 0, length })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Seeks to a position, or to the end if it lies beyond.
    pub(super) fn seek_to(&mut self, position: u64) -> Result<(), AudioError> {
        self.seek(SeekFrom::Start(position.min(self.length))).map(|_| ()).map_err(|error| unreadable(&error))
    }

    /// Makes the current position byte 0; what comes before no longer belongs to the input.
    pub(super) fn begin_here(&mut self) {
        self.length -= self.position;
        self.position = 0;
    }

    /// Makes the input end at this position, if it is longer.
    pub(super) fn end_at(&mut self, position: u64) {
        self.length = self.length.min(position);
    }

    /// Replaces `bytes` by the next `count` bytes, or by fewer at the end of the file.
    pub(super) fn read_at_most(&mut self, count: usize, bytes: &mut Vec<u8>) -> Result<(), AudioError> {
        bytes.clear();
        // Grows with what is read: `count` may be a damaged length.
        let taken = self.by_ref().take(count as u64).read_to_end(bytes);
        taken.map(|_| ()).map_err(|error| unreadable(&error))
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        // Bytes behind the end may belong to a tag.
        let left = self.length.saturating_sub(self.position).min(bytes.len() as u64) as usize;
        let count = self.reader.read(&mut bytes[..left])?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        let target = target.ok_or(std::io::ErrorKind::InvalidInput)?;
        match i64::try_from(i128::from(target) - i128::from(self.position)) {
            // Unlike `seek`, keeps the buffer if the target lies within it.
            Ok(by) => self.reader.seek_relative(by)?,
            Err(_) => return Err(std::io::ErrorKind::InvalidInput.into()),
        }
        self.position = target;
        Ok(target)
    }
}
