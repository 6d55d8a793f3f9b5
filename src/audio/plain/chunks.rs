//! The chunks of RIFF and IFF files: a name, a length, and that many bytes.

use super::pcm::Span;
use crate::audio::bytes::ByteOrder;
use crate::audio::error::AudioError;
use crate::audio::source::Input;

/// The length field of a chunk whose length is in the `ds64` chunk, or not known.
const LENGTH_ELSEWHERE: u32 = u32::MAX;
/// Most bytes that are read of a header chunk: a `fmt ` chunk with 256 pairs of ADPCM coefficients.
const MAX_HEADER_BYTES: u64 = 1_100;

/// Lengths that writers claim if they cannot seek back to the header.
const STREAM_LENGTHS: std::ops::RangeInclusive<u64> = 0x7FFF_0000..=u32::MAX as u64;

/// Recordings have some dozens of chunks, but zeros after a header look like chunks without end.
const MAX_CHUNKS: usize = 4_096;

/// A chunk's name and position, in bytes.
#[derive(Clone, Copy)]
pub(in crate::audio) struct Chunk {
    pub id: [u8; 4],
    pub body: u64,
    /// As its header says; the file may be shorter.
    pub length: u64,
}

impl Chunk {
    /// The first bytes of the body: all of it in a header chunk.
    pub(super) fn head(&self, input: &mut Input) -> Result<Vec<u8>, AudioError> {
        let mut bytes = Vec::new();
        input.seek_to(self.body)?;
        input.read_at_most(self.length.min(MAX_HEADER_BYTES) as usize, &mut bytes)?;
        Ok(bytes)
    }

    /// Where the samples are that begin `before` bytes into the body. A length of 0 is open if sound follows: its writer could
    /// not seek back.
    pub(super) fn span(&self, input: &mut Input, before: u64, order: ByteOrder) -> Result<Span, AudioError> {
        let start = self.body + before;
        let there = input.length().saturating_sub(start);
        if self.length == 0 && !ends_or_chunk_follows(input, self.body, order)? {
            return Ok(Span { start, length: there, declared: None });
        }
        let declared = self.length.saturating_sub(before);
        let cut_short = declared > there && !STREAM_LENGTHS.contains(&self.length);
        Ok(Span { start, length: declared.min(there), declared: cut_short.then_some(declared) })
    }

    /// Where the next chunk begins. Chunks should begin at even positions, but some writers forget the pad byte: it is only
    /// skipped if it cannot be the first letter of a name.
    fn after(&self, input: &mut Input) -> Result<u64, AudioError> {
        let end = self.body.saturating_add(self.length).min(input.length());
        if self.length.is_multiple_of(2) {
            return Ok(end);
        }
        let mut pad = Vec::new();
        input.seek_to(end)?;
        input.read_at_most(1, &mut pad)?;
        Ok(if matches!(pad.as_slice(), [b' '..=b'~']) { end } else { end + pad.len() as u64 })
    }
}

/// Walks over a file's chunks, which begin behind the form's name.
pub(in crate::audio) struct Chunks {
    order: ByteOrder,
    last: Option<Chunk>,
    count: usize,
    /// Lengths of chunks over 4 GB, from the `ds64` chunk.
    pub long: Vec<([u8; 4], u64)>,
}

impl Chunks {
    pub(super) fn new(order: ByteOrder) -> Self {
        Self { order, last: None, count: 0, long: Vec::new() }
    }

    /// The next chunk, `None` at the end of the file or after too many.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Chunk>, AudioError> {
        if self.count == MAX_CHUNKS {
            return Ok(None);
        }
        self.count += 1;
        let at = match self.last {
            Some(chunk) => chunk.after(input)?,
            // Behind RIFF or FORM, the file's length, and the form's name.
            None => 12,
        };
        let Some(mut chunk) = chunk_at(input, at, self.order)? else { return Ok(None) };
        let listed = self.long.iter().find(|(id, _)| *id == chunk.id);
        if let Some((_, length)) = listed.filter(|_| chunk.length == u64::from(LENGTH_ELSEWHERE)) {
            chunk.length = *length;
        }
        self.last = Some(chunk);
        Ok(Some(chunk))
    }
}

/// The chunk at a position, whatever its name; `None` if the file ends there.
fn chunk_at(input: &mut Input, at: u64, order: ByteOrder) -> Result<Option<Chunk>, AudioError> {
    let mut header = Vec::new();
    input.seek_to(at)?;
    input.read_at_most(8, &mut header)?;
    let (Some((&id, _)), Some(length)) = (header.split_first_chunk::<4>(), order.u32_at(&header, 4)) else {
        return Ok(None);
    };
    Ok(Some(Chunk { id, body: at + 8, length: u64::from(length) }))
}

/// True if the file ends here or a chunk can follow: then a length of zero is meant, and not left open by a writer.
fn ends_or_chunk_follows(input: &mut Input, at: u64, order: ByteOrder) -> Result<bool, AudioError> {
    let Some(next) = chunk_at(input, at, order)? else { return Ok(true) };
    let named = next.id.iter().all(|byte| matches!(byte, b' '..=b'~'));
    // One byte more: the pad byte of the last chunk may be missing.
    Ok(named && next.body + next.length <= input.length() + 1)
}
