//! A `File` of the page, read in slices inside a worker: memory holds one slice, however long the file is.

use std::io::{self, Read, Seek, SeekFrom};

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{Blob, FileReaderSync};

use super::dom::describe;

/// Size of a slice. Every read is a round trip to the browser's process; larger slices are not faster.
const SLICE_BYTES: u64 = 1 << 18;

/// A file as a [`Read`] and [`Seek`].
pub struct FileSource {
    blob: Blob,
    length: u64,
    position: u64,
    slice: Vec<u8>,
    slice_start: u64,
}

impl FileSource {
    /// A source at the file's beginning. Reading fails outside a worker, because only there the browser reads files
    /// synchronously.
    pub fn new(blob: Blob) -> Self {
        let length = blob.size() as u64;
        Self { blob, length, position: 0, slice: Vec::new(), slice_start: 0 }
    }

    /// Reads the slice at the position, unless it is in memory.
    fn fetch(&mut self) -> io::Result<()> {
        let end = self.slice_start + self.slice.len() as u64;
        if (self.slice_start..end).contains(&self.position) {
            return Ok(());
        }
        let (start, end) = (self.position, self.length.min(self.position + SLICE_BYTES));
        let failed = |error: JsValue| io::Error::other(describe(&error));
        let part = self.blob.slice_with_f64_and_f64(start as f64, end as f64).map_err(failed)?;
        let buffer = FileReaderSync::new().and_then(|reader| reader.read_as_array_buffer(&part)).map_err(failed)?;
        let array = Uint8Array::new(&buffer);
        self.slice.resize(array.length() as usize, 0);
        array.copy_to(&mut self.slice);
        self.slice_start = start;
        Ok(())
    }
}

impl Read for FileSource {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length || into.is_empty() {
            return Ok(0);
        }
        self.fetch()?;
        let available = &self.slice[(self.position - self.slice_start) as usize..];
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for FileSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        // A position beyond the end is allowed, as with any file: reading there returns nothing.
        self.position = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
