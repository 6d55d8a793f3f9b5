//! The chunks of RIFF and IFF files: a name, a length, and as many bytes.

use crate::audio::bytes::ByteOrder;
use crate::audio::error::AudioError;
use crate::audio::source::Input;

/// Where the length of a chunk over 4 GB stands in a `ds64` chunk, or is not known.
const ELSEWHERE: u32 = u32::MAX;
/// The most that is looked at of a chunk: a format with 256 pairs of coefficients.
const MOST_BYTES: u64 = 1_100;

/// The most chunks that are walked. Recordings have some dozens; zeros after a header look like chunks without end.
const MOST_CHUNKS: usize = 4_096;

/// A chunk's place, in bytes.
#[derive(Clone, Copy)]
pub(in crate::audio) struct Chunk {
    pub id: [u8; 4],
    pub body: u64,
    /// What its header says.
    pub length: u64,
}

impl Chunk {
    /// The beginning of the body, all of it where it is short.
    pub(super) fn head(&self, input: &mut Input) -> Result<Vec<u8>, AudioError> {
        let mut bytes = Vec::new();
        input.seek_to(self.body)?;
        input.read_at_most(self.length.min(MOST_BYTES) as usize, &mut bytes)?;
        Ok(bytes)
    }

    /// Where the next chunk begins. Chunks begin at even places, but some writers forget: the pad byte is skipped only
    /// where no name begins with it.
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

/// A walk over a file's chunks, which follow its form's name.
pub(in crate::audio) struct Chunks {
    order: ByteOrder,
    last: Option<Chunk>,
    walked: usize,
    /// Lengths of chunks over 4 GB.
    pub long: Vec<([u8; 4], u64)>,
}

impl Chunks {
    pub(super) fn new(order: ByteOrder) -> Self {
        Self { order, last: None, walked: 0, long: Vec::new() }
    }

    /// The next chunk, `None` at the end of the file or after too many.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<Chunk>, AudioError> {
        if self.walked == MOST_CHUNKS {
            return Ok(None);
        }
        self.walked += 1;
        let at = match self.last {
            Some(chunk) => chunk.after(input)?,
            None => 12,
        };
        let Some(mut chunk) = chunk_at(input, at, self.order)? else { return Ok(None) };
        let listed = self.long.iter().find(|(id, _)| *id == chunk.id);
        if let Some((_, length)) = listed.filter(|_| chunk.length == u64::from(ELSEWHERE)) {
            chunk.length = *length;
        }
        self.last = Some(chunk);
        Ok(Some(chunk))
    }
}

/// The chunk that begins at a place, whatever its name.
pub(in crate::audio) fn chunk_at(input: &mut Input, at: u64, order: ByteOrder) -> Result<Option<Chunk>, AudioError> {
    let mut header = Vec::new();
    input.seek_to(at)?;
    input.read_at_most(8, &mut header)?;
    let (Some((&id, _)), Some(length)) = (header.split_first_chunk::<4>(), order.u32_at(&header, 4)) else {
        return Ok(None);
    };
    Ok(Some(Chunk { id, body: at + 8, length: u64::from(length) }))
}
