//! WAV files: RIFF chunks, big-endian RIFX, and RF64 or BW64 beyond 4 GB.
//!
//! Real files are looser than the specifications. Accepted are chunks in any order, odd ones with or without their pad
//! byte, a wrong byte rate, and a data chunk that is longer than the file or has no length (an interrupted download, or a
//! writer that could not seek back).
//!
//! Source: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0 (1991), Microsoft's
//! `WAVEFORMATEXTENSIBLE`, EBU Tech 3306 (RF64, 2009) and ITU-R BS.2088 (BW64, 2019).

use super::chunks::{Chunk, Chunks, chunk_at};
use super::pcm::{Pcm, Span};
use super::wave::parse;
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed};
use crate::audio::source::Input;
use crate::audio::stream::no_audio;

/// Lengths that writers claim if they cannot seek back to the header.
const STREAM_LENGTHS: std::ops::RangeInclusive<u64> = 0x7FFF_0000..=u32::MAX as u64;

/// Opens a file that begins with RIFF, RIFX, RF64 or BW64.
pub(in crate::audio) fn open(mut input: Input, order: ByteOrder) -> Result<Pcm, AudioError> {
    let (mut format, mut data, mut frames) = (None, None, None);
    let mut chunks = Chunks::new(order);
    while let Some(chunk) = chunks.next(&mut input)? {
        match &chunk.id {
            b"ds64" => chunks.long = long_lengths(&chunk.head(&mut input)?, order),
            b"fmt " => format = Some(parse(&chunk.head(&mut input)?, order)?),
            b"fact" => frames = order.u32_at(&chunk.head(&mut input)?, 0).map(u64::from),
            b"data" if data.is_none() => data = Some(span(&mut input, &chunk, order)?),
            _ => {}
        }
        // Only tags follow, perhaps gigabytes further on.
        if format.is_some() && data.is_some() {
            break;
        }
    }
    let missing = |id| malformed(&format!("expected a '{id}' chunk, but the file has none"));
    let format = format.ok_or_else(|| missing("fmt "))?;
    let span = data.ok_or_else(|| missing("data"))?;
    if format.layout.frames_in(span.length) == 0 {
        return Err(no_audio());
    }
    // The number of frames only tells more than the bytes if the last block is padded.
    let frames = frames.filter(|&frames| format.padded && frames > 0);
    Pcm::new(input, format.layout, span, frames)
}

/// The lengths of the data chunk and of other chunks, from a `ds64` chunk (EBU Tech 3306, 3.2).
fn long_lengths(body: &[u8], order: ByteOrder) -> Vec<([u8; 4], u64)> {
    let length_at = |at: usize| {
        let (first, second) = (u64::from(order.u32_at(body, at)?), u64::from(order.u32_at(body, at + 4)?));
        Some(match order {
            ByteOrder::Little => second << 32 | first,
            ByteOrder::Big => first << 32 | second,
        })
    };
    let listed = (28..body.len()).step_by(12).map_while(|at| {
        let id = body.get(at..)?.first_chunk::<4>()?;
        Some((*id, length_at(at + 4)?))
    });
    length_at(8).map(|length| (*b"data", length)).into_iter().chain(listed).collect()
}

fn span(input: &mut Input, chunk: &Chunk, order: ByteOrder) -> Result<Span, AudioError> {
    let there = input.length().saturating_sub(chunk.body);
    let declared = chunk.length;
    if declared == 0 && !ends_or_chunk_follows(input, chunk.body, order)? {
        return Ok(Span { start: chunk.body, length: there, declared: None });
    }
    let cut_short = declared > there && !STREAM_LENGTHS.contains(&declared);
    Ok(Span { start: chunk.body, length: declared.min(there), declared: cut_short.then_some(declared) })
}

/// True if the file ends here or a chunk can follow: then a length of zero is meant, and not left open by a writer.
fn ends_or_chunk_follows(input: &mut Input, at: u64, order: ByteOrder) -> Result<bool, AudioError> {
    let Some(next) = chunk_at(input, at, order)? else { return Ok(true) };
    let named = next.id.iter().all(|byte| matches!(byte, b' '..=b'~'));
    // One byte more: the pad byte of the last chunk may be missing.
    Ok(named && next.body + next.length <= input.length() + 1)
}
