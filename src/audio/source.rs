//! Bytes of a file that need not fit in memory.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::{AudioError, unreadable};

/// Bytes that can be read at any place: a file, a cursor over bytes in memory, or a browser's `File` read in slices. It
/// need not be `Send`.
pub trait Source: Read + Seek {}

impl<S: Read + Seek + ?Sized> Source for S {}

/// Headers are read in small pieces; the source sees requests of this size.
const BUFFER_BYTES: usize = 1 << 16;

/// A source with its length and place, both in bytes.
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

    /// Goes to a place, at most the end.
    pub(super) fn seek_to(&mut self, position: u64) -> Result<(), AudioError> {
        self.seek(SeekFrom::Start(position.min(self.length))).map(|_| ()).map_err(|error| unreadable(&error))
    }

    /// Makes the present place the first: what is before it is no part of the input any more.
    pub(super) fn begin_here(&mut self) {
        self.length -= self.position;
        self.position = 0;
    }

    /// Replaces `bytes` by the next `count`, or by as many as there are.
    pub(super) fn read_at_most(&mut self, count: usize, bytes: &mut Vec<u8>) -> Result<(), AudioError> {
        bytes.clear();
        let taken = self.by_ref().take(count as u64).read_to_end(bytes);
        taken.map(|_| ()).map_err(|error| unreadable(&error))
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(bytes)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Input {
    /// Keeps what is buffered where the place is near.
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        let target = target.ok_or(std::io::ErrorKind::InvalidInput)?;
        match i64::try_from(i128::from(target) - i128::from(self.position)) {
            Ok(by) => self.reader.seek_relative(by)?,
            Err(_) => return Err(std::io::ErrorKind::InvalidInput.into()),
        }
        self.position = target;
        Ok(target)
    }
}
