//! WAV files and their longer kin: the chunks of RIFF, big-endian RIFX, and RF64 or BW64 beyond 4 GB.
//!
//! The files people have are looser than the specifications. Passed over: chunks in any order, odd ones with or without
//! their pad byte, a wrong byte rate, and a data chunk that is longer than the file or has no length (an interrupted
//! download, or a writer that could not go back).
//!
//! Source: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0 (1991), Microsoft's
//! `WAVEFORMATEXTENSIBLE`, EBU Tech 3306 (RF64, 2009) and ITU-R BS.2088 (BW64, 2019).

use super::bytes::Order;
use super::error::{AudioError, malformed};
use super::pcm::{Pcm, Span};
use super::recording::no_audio;
use super::source::Input;
use super::wave::{Format, parse};

/// Where the length of a chunk stands in the `ds64` chunk, or is not known.
const ELSEWHERE: u32 = u32::MAX;
/// Writers that cannot go back claim about this much, or more.
const CLAIMED_BY_STREAMS: u64 = 0x7FFF_0000;
/// The most that is looked at of a chunk: a format with 256 pairs of coefficients.
const MOST_BYTES: u64 = 1_100;

/// A chunk's place; `length` is what its header says.
#[derive(Clone, Copy)]
struct Chunk {
    id: [u8; 4],
    body: u64,
    length: u64,
}

#[derive(Default)]
struct Found {
    format: Option<Format>,
    data: Option<Span>,
    frames: Option<u64>,
    /// Lengths of chunks over 4 GB.
    long: Vec<([u8; 4], u64)>,
}

/// Opens the file that begins at `start` with RIFF, RIFX, RF64 or BW64.
pub(super) fn open(mut input: Input, start: u64, order: Order) -> Result<Pcm, AudioError> {
    let mut found = Found::default();
    let mut at = start + 12;
    while let Some(chunk) = chunk_at(&mut input, at, order, &found.long)? {
        visit(&mut input, &chunk, order, &mut found)?;
        if found.format.is_some() && found.data.is_some() {
            break;
        }
        at = after(&mut input, &chunk)?;
    }
    let (format, span) = match (found.format, found.data) {
        (Some(format), Some(span)) => (format, span),
        (None, Some(_)) => return Err(missing("fmt ")),
        (Some(_), None) => return Err(missing("data")),
        (None, None) => return Err(malformed("expected the chunks 'fmt ' and 'data', but the file has neither")),
    };
    if format.layout.frames_in(span.length) == 0 {
        return Err(no_audio());
    }
    // Only where blocks are padded does the number of frames say more than the bytes do.
    let frames = found.frames.filter(|&frames| format.padded && frames > 0);
    Pcm::new(input, format.layout, span, frames)
}

fn missing(id: &str) -> AudioError {
    malformed(&format!("expected a '{id}' chunk, but the file has none"))
}

fn chunk_at(input: &mut Input, at: u64, order: Order, long: &[([u8; 4], u64)]) -> Result<Option<Chunk>, AudioError> {
    let mut header = Vec::new();
    input.seek_to(at)?;
    input.read_at_most(8, &mut header)?;
    let (Some((&id, _)), Some(length)) = (header.split_first_chunk::<4>(), order.u32_at(&header, 4)) else {
        return Ok(None);
    };
    let in_table = long.iter().find(|(long, _)| length == ELSEWHERE && *long == id);
    Ok(Some(Chunk { id, body: at + 8, length: in_table.map_or(u64::from(length), |(_, length)| *length) }))
}

fn visit(input: &mut Input, chunk: &Chunk, order: Order, found: &mut Found) -> Result<(), AudioError> {
    match &chunk.id {
        b"fmt " => found.format = Some(parse(&body(input, chunk)?, order)?),
        b"data" if found.data.is_none() => found.data = Some(data(input, chunk)?),
        b"fact" => found.frames = order.u32_at(&body(input, chunk)?, 0).map(u64::from),
        b"ds64" => found.long = long_lengths(&body(input, chunk)?, order),
        _ => {}
    }
    Ok(())
}

fn body(input: &mut Input, chunk: &Chunk) -> Result<Vec<u8>, AudioError> {
    let mut bytes = Vec::new();
    input.read_at_most(chunk.length.min(MOST_BYTES) as usize, &mut bytes)?;
    Ok(bytes)
}

/// The lengths of the data chunk and of others, from a `ds64` chunk (EBU Tech 3306, 3.2).
fn long_lengths(body: &[u8], order: Order) -> Vec<([u8; 4], u64)> {
    let length_at = |at: usize| {
        let (first, second) = (u64::from(order.u32_at(body, at)?), u64::from(order.u32_at(body, at + 4)?));
        Some(match order {
            Order::Little => second << 32 | first,
            Order::Big => first << 32 | second,
        })
    };
    let entry = |entry: &[u8]| entry.first_chunk::<4>().copied();
    let others = body.get(28..).unwrap_or_default().chunks_exact(12).enumerate();
    let others = others.filter_map(|(index, bytes)| Some((entry(bytes)?, length_at(28 + 12 * index + 4)?)));
    length_at(8).map(|length| (*b"data", length)).into_iter().chain(others).collect()
}

fn data(input: &mut Input, chunk: &Chunk) -> Result<Span, AudioError> {
    let there = input.length().saturating_sub(chunk.body);
    let declared = chunk.length;
    let never_filled_in = declared == 0 && !ends_or_goes_on(input, chunk.body)?;
    if never_filled_in {
        return Ok(Span { start: chunk.body, length: there, declared: None });
    }
    let cut_short = declared > there && (declared < CLAIMED_BY_STREAMS || declared > u64::from(ELSEWHERE));
    Ok(Span { start: chunk.body, length: declared.min(there), declared: cut_short.then_some(declared) })
}

/// True where a file ends, or where something stands that can be a chunk.
fn ends_or_goes_on(input: &mut Input, at: u64) -> Result<bool, AudioError> {
    let next = chunk_at(input, at, Order::Little, &[])?;
    let plausible = |chunk: Chunk| is_name(chunk.id) && chunk.body + chunk.length <= input.length() + 1;
    Ok(next.is_none_or(plausible))
}

fn is_name(id: [u8; 4]) -> bool {
    id.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Where the next chunk begins. Chunks begin at even places, but some writers forget: the pad byte is skipped only where
/// no name begins with it.
fn after(input: &mut Input, chunk: &Chunk) -> Result<u64, AudioError> {
    let end = chunk.body.saturating_add(chunk.length).min(input.length());
    if chunk.length.is_multiple_of(2) {
        return Ok(end);
    }
    let mut pad = Vec::new();
    input.seek_to(end)?;
    input.read_at_most(1, &mut pad)?;
    Ok(if matches!(pad.as_slice(), [b' '..=b'~']) { end } else { end + pad.len() as u64 })
}
