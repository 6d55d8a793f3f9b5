//! The boxes of an MP4 file that tell of its tracks.
//!
//! Source: ISO/IEC 14496-12 (2015), 14496-14 (2003), and Apple's QuickTime File Format.

use crate::audio::bytes::ByteOrder;
use crate::audio::error::AudioError;
use crate::audio::source::Input;

/// Limit for crafted files; a recording has some dozens.
const MAX_BOXES: usize = 4_096;
/// Bytes that are read of a box with fields, at most.
const MAX_FIELD_BYTES: u64 = 4_096;

/// The part of a track that is to be played (`elst`).
#[derive(Default)]
pub(in crate::audio) struct Edit {
    /// Start in the track, in the track's units.
    pub begin: u64,
    /// Duration in the movie's units, if the edit list has a single one.
    pub length: Option<u64>,
}

/// The boxes of a file.
#[derive(Default)]
pub(in crate::audio) struct Movie {
    pub units_per_second: u32,
    pub tracks: Vec<Boxes>,
    /// True if there is a `moov` box, which describes the tracks.
    pub described: bool,
    /// Number of each track that fragments may go on with, and the size of its packets if they tell none, in bytes (`trex`).
    pub extended: Vec<(u32, u32)>,
    /// Position of the first fragment (`moof`).
    pub fragments: Option<u64>,
}

/// What is needed of a track's boxes. Tables are positions in the file, in bytes.
#[derive(Default)]
pub(in crate::audio) struct Boxes {
    /// True for an audio track.
    pub sound: bool,
    /// Its number, by which fragments name it.
    pub id: u32,
    pub units_per_second: u32,
    pub edit: Edit,
    /// Body of `stsd`: the codec.
    pub entries: Option<Vec<u8>>,
    /// `stts`: durations of packets.
    pub times: Option<u64>,
    /// `stsc`: packets per chunk.
    pub runs: Option<u64>,
    /// `stsz`: sizes of packets.
    pub sizes: Option<u64>,
    /// `stco` or `co64`: positions of chunks, and the bytes of each.
    pub chunks: Option<(u64, usize)>,
}

/// The boxes of all tracks.
pub(super) fn boxes(input: &mut Input) -> Result<Movie, AudioError> {
    let (mut movie, mut at) = (Movie::default(), 0);
    for _ in 0..MAX_BOXES {
        let Some((kind, body, end)) = box_at(input, at)? else { break };
        at = match &kind {
            // Containers: their boxes begin right at the body.
            b"moov" => {
                movie.described = true;
                body
            }
            b"mdia" | b"edts" | b"minf" | b"stbl" | b"mvex" => body,
            b"trak" => {
                movie.tracks.push(Boxes::default());
                body
            }
            b"trex" => {
                let bytes = fields(input, body, end)?;
                let number = |at| ByteOrder::Big.u32_at(&bytes, at).unwrap_or_default();
                movie.extended.push((number(4), number(16)));
                end
            }
            // The rest is read fragment by fragment.
            b"moof" => {
                movie.fragments = Some(at);
                break;
            }
            _ => {
                if &kind == b"mvhd" {
                    movie.units_per_second = units_per_second(&fields(input, body, end)?);
                } else if let Some(track) = movie.tracks.last_mut() {
                    store_box(input, kind, body, end, track)?;
                }
                end
            }
        };
    }
    Ok(movie)
}

/// The name of the box at `at`, and where its body begins and ends.
pub(super) fn box_at(input: &mut Input, at: u64) -> Result<Option<([u8; 4], u64, u64)>, AudioError> {
    let mut header = Vec::new();
    input.seek_to(at)?;
    input.read_at_most(16, &mut header)?;
    let kind = header.get(4..).and_then(|rest| rest.first_chunk::<4>());
    let (Some(short), Some(&kind)) = (ByteOrder::Big.u32_at(&header, 0), kind) else {
        return Ok(None);
    };
    // A size of 0 means up to the end of the file, 1 that a size of 64 bits follows (ISO 14496-12, 4.2).
    let (body, size) = match (short, header.last_chunk::<8>()) {
        (0, _) => (8, input.length() - at),
        (1, Some(&long)) if header.len() == 16 => (16, u64::from_be_bytes(long)),
        (short, _) => (8, u64::from(short)),
    };
    Ok((size >= body).then(|| (kind, at + body, at.saturating_add(size))))
}

/// Stores what the track needs of a box.
fn store_box(input: &mut Input, kind: [u8; 4], body: u64, end: u64, track: &mut Boxes) -> Result<(), AudioError> {
    match &kind {
        b"stts" => track.times = Some(body),
        b"stsc" => track.runs = Some(body),
        b"stsz" => track.sizes = Some(body),
        b"stco" => track.chunks = Some((body, 4)),
        b"co64" => track.chunks = Some((body, 8)),
        b"tkhd" | b"mdhd" | b"hdlr" | b"elst" | b"stsd" => {
            let bytes = fields(input, body, end)?;
            match &kind {
                b"tkhd" => {
                    track.id = ByteOrder::Big.u32_at(&bytes, if is_long(&bytes) { 20 } else { 12 }).unwrap_or_default()
                }
                b"mdhd" => track.units_per_second = units_per_second(&bytes),
                // A QuickTime file has two of them, the second about where the data is.
                b"hdlr" => track.sound |= bytes.get(8..12) == Some(b"soun"),
                b"elst" => track.edit = edit(&bytes),
                _ => track.entries = Some(bytes),
            }
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn fields(input: &mut Input, body: u64, end: u64) -> Result<Vec<u8>, AudioError> {
    let mut bytes = Vec::new();
    input.seek_to(body)?;
    input.read_at_most((end - body).min(MAX_FIELD_BYTES) as usize, &mut bytes)?;
    Ok(bytes)
}

/// True if the box is of version 1, whose times have 64 bits.
fn is_long(fields: &[u8]) -> bool {
    fields.first() == Some(&1)
}

/// The time scale of an `mvhd` or `mdhd` box, in units per second.
fn units_per_second(fields: &[u8]) -> u32 {
    ByteOrder::Big.u32_at(fields, if is_long(fields) { 20 } else { 12 }).unwrap_or_default()
}

/// The start of the first edit with sound, and its duration if it is the only one: several edits are not described by one
/// duration. Empty edits, which insert silence, have a start of −1 and are skipped.
fn edit(fields: &[u8]) -> Edit {
    let number = |at: usize| u64::from(ByteOrder::Big.u32_at(fields, at).unwrap_or_default());
    let long = |at: usize| number(at) << 32 | number(at + 4);
    let entry = |index: usize| match is_long(fields) {
        false => (number(8 + 12 * index), number(12 + 12 * index)),
        true => (long(8 + 20 * index), long(16 + 20 * index)),
    };
    let empty = if is_long(fields) { u64::MAX } else { u64::from(u32::MAX) };
    // A damaged count must not exceed the entries that were read.
    let entries = (number(4) as usize).min(MAX_FIELD_BYTES as usize / 12);
    let mut edits = (0..entries).map(entry).filter(|&(_, begin)| begin != empty);
    let Some((length, begin)) = edits.next() else { return Edit::default() };
    Edit { begin, length: Some(length).filter(|&length| length > 0 && edits.next().is_none()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(version: u8, entries: &[(u64, u64)]) -> (u64, Option<u64>) {
        let mut fields = vec![version, 0, 0, 0, 0, 0, 0, entries.len() as u8];
        for &(length, begin) in entries {
            match version {
                0 => fields.extend([length as u32, begin as u32, 1 << 16].map(u32::to_be_bytes).as_flattened()),
                _ => fields.extend([length, begin, 1 << 48].map(u64::to_be_bytes).as_flattened().iter().take(20)),
            }
        }
        let edit = edit(&fields);
        (edit.begin, edit.length)
    }

    #[test]
    fn the_only_edit_with_sound_tells_the_length() {
        let empty = u64::MAX;
        for version in [0, 1] {
            assert_eq!(parsed(version, &[]), (0, None));
            assert_eq!(parsed(version, &[(200, 1_024)]), (1_024, Some(200)));
            assert_eq!(parsed(version, &[(50, empty), (200, 1_024)]), (1_024, Some(200)));
            assert_eq!(parsed(version, &[(0, 1_024)]), (1_024, None));
            assert_eq!(parsed(version, &[(200, 1_024), (100, 20_000)]), (1_024, None));
        }
    }
}
