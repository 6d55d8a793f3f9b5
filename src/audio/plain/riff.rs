//! WAV files: RIFF chunks, big-endian RIFX, and RF64 or BW64 beyond 4 GB.
//!
//! Real files are looser than the specifications. Accepted are chunks in any order, odd ones with or without their pad
//! byte, a wrong byte rate or block align, samples at either end of their bytes, and a data chunk that is longer than the
//! file or has no length (an interrupted download, or a writer that could not seek back).
//!
//! Source: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0 (1991), Microsoft's
//! `WAVEFORMATEXTENSIBLE`, EBU Tech 3306 (RF64, 2009) and ITU-R BS.2088 (BW64, 2019).

use super::chunks::Chunks;
use super::pcm::Pcm;
use super::wave::parse;
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed};
use crate::audio::source::Input;
use crate::audio::stream::no_audio;

/// Opens a file that begins with RIFF, RIFX, RF64 or BW64.
pub(in crate::audio) fn open(mut input: Input, order: ByteOrder) -> Result<Pcm, AudioError> {
    let (mut format, mut data, mut frames) = (None, None, None);
    let mut chunks = Chunks::new(order);
    while let Some(chunk) = chunks.next(&mut input)? {
        match &chunk.id {
            b"ds64" => chunks.long = long_lengths(&chunk.head(&mut input)?, order),
            b"fmt " => format = Some(parse(&chunk.head(&mut input)?, order)?),
            // It only tells more than the bytes if the last block is padded.
            b"fact" => frames = order.u32_at(&chunk.head(&mut input)?, 0).map(u64::from),
            b"data" if data.is_none() => data = Some(chunk.span(&mut input, 0, order)?),
            _ => {}
        }
        // Only tags follow, perhaps gigabytes further on.
        if format.is_some() && data.is_some() {
            break;
        }
    }
    let missing = |id| malformed(&format!("expected a '{id}' chunk, but the file has none"));
    let mut layout = format.ok_or_else(|| missing("fmt "))?;
    let span = data.ok_or_else(|| missing("data"))?;
    if layout.frames_in(span.length) == 0 {
        return Err(no_audio());
    }
    layout.find_justification(&mut input, span)?;
    Pcm::new(input, layout, span, frames)
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
