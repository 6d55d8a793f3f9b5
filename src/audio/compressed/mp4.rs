//! M4A, MP4 and QuickTime files: the packets of their first audio track.
//!
//! Not read by Symphonia, whose reader ignores edit lists, which say where the sound begins, keeps all tables in memory
//! and takes 38 KB of the page. Here tables are read in pieces, so that memory use does not depend on the file's length.
//!
//! Source: ISO/IEC 14496-12 (2015), 14496-14 (2003) and 14496-1 (2010, descriptors), and Apple's QuickTime File Format.

use std::num::NonZero;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::codec::Container;
use super::mp4_entry;
use super::mp4_table::Table;
use super::packet_decoder::{Demuxer, Next, PacketDecoder, Track};
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed};
use crate::audio::source::Input;

/// Limit for crafted files; a recording has some dozens.
const MAX_BOXES: usize = 4_096;
/// Bytes that are read of a box with fields, at most.
const MAX_FIELD_BYTES: u64 = 4_096;
/// No packet of a supported codec has more bytes.
const MAX_PACKET_BYTES: u32 = 1 << 20;

/// The part of a track that is to be played (`elst`).
#[derive(Default)]
struct Edit {
    /// Start in the track, in the track's units.
    begin: u64,
    /// Duration in the movie's units, if the edit list has a single one.
    length: Option<u64>,
}

/// The boxes of a file.
#[derive(Default)]
struct Movie {
    units_per_second: u32,
    tracks: Vec<Boxes>,
    /// True if the file has fragments, which hold tables of their own.
    fragmented: bool,
}

/// What is needed of a track's boxes. Tables are positions in the file, in bytes.
#[derive(Default)]
struct Boxes {
    /// True for an audio track.
    sound: bool,
    units_per_second: u32,
    edit: Edit,
    /// Body of `stsd`: the codec.
    entries: Option<Vec<u8>>,
    /// `stts`: durations of packets.
    times: Option<u64>,
    /// `stsc`: packets per chunk.
    runs: Option<u64>,
    /// `stsz`: sizes of packets.
    sizes: Option<u64>,
    /// `stco` or `co64`: positions of chunks, and the bytes of each.
    chunks: Option<(u64, usize)>,
}

/// The packets of a track.
pub(in crate::audio) struct Mp4 {
    input: Input,
    track: Track,
    /// Duration of a packet, in the track's units.
    packet_units: u64,
    /// Bytes of every packet; 0 if `sizes` has a size for each.
    common_size: u32,
    sizes: Table,
    chunks: Table,
    runs: Table,
    /// Number of the current chunk, from 1.
    chunk: u64,
    /// First chunk of the next run, and the packets in each of its chunks.
    next_run: Option<(u32, u32)>,
    per_chunk: u32,
    /// Packets left of the chunk, and of the track.
    in_chunk: u32,
    in_track: u64,
    /// Position of the next packet.
    at: u64,
}

/// Opens a file whose first box is `ftyp`.
pub(in crate::audio) fn open(mut input: Input) -> Result<PacketDecoder<Mp4>, AudioError> {
    let Movie { units_per_second, tracks, fragmented } = boxes(&mut input)?;
    let Some(boxes) = tracks.into_iter().find(|track| track.sound) else {
        return Err(Container::Mp4.unsupported_content("no sound"));
    };
    let missing = |name: &str| malformed(&format!("it is an M4A or MP4 file without its '{name}' box"));
    let params = mp4_entry::params(&boxes.entries.as_ref().ok_or_else(|| missing("stsd"))?[..])?;
    let chunks = boxes.chunks.ok_or_else(|| missing("stco"))?;
    let (count, common_size, sizes) = sizes(&mut input, boxes.sizes.ok_or_else(|| missing("stsz"))?)?;
    if count == 0 && fragmented {
        return Err(Container::Mp4.unsupported_content("fragments (as in streams)"));
    }
    let times = table(&mut input, boxes.times.ok_or_else(|| missing("stts"))?, 4, 8)?;
    let (all, packet_units) = durations(&mut input, times, count)?;
    let track = track(params, &boxes, all, units_per_second);
    let length = input.length();
    let runs = table(&mut input, boxes.runs.ok_or_else(|| missing("stsc"))?, 4, 12)?;
    let chunks = table(&mut input, chunks.0, 4, chunks.1)?;
    let mut mp4 = Mp4 {
        input,
        track,
        packet_units,
        common_size,
        sizes,
        chunks,
        runs,
        chunk: 0,
        next_run: None,
        per_chunk: 0,
        in_chunk: 0,
        in_track: count,
        at: 0,
    };
    mp4.next_run = mp4.run()?;
    PacketDecoder::new(mp4, length)
}

/// The track that is decoded. `all` is the duration of all packets, in the track's units.
fn track(params: AudioCodecParameters, boxes: &Boxes, all: Option<u64>, movie_units_per_second: u32) -> Track {
    let units_per_second = NonZero::new(boxes.units_per_second);
    // An encoder's delay is a fraction of a second: more than a minute is an edit of another kind.
    let delay = Some(boxes.edit.begin).filter(|&begin| begin <= 60 * u64::from(boxes.units_per_second));
    let delay = delay.unwrap_or_default();
    let kept = boxes.edit.length.filter(|_| movie_units_per_second > 0).map(|length| {
        let units = u128::from(length) * u128::from(boxes.units_per_second) / u128::from(movie_units_per_second.max(1));
        u64::try_from(units).unwrap_or(u64::MAX)
    });
    let all = all.map(|all| all.saturating_sub(delay));
    let length = all.into_iter().chain(kept).min().filter(|&length| length > 0 && units_per_second.is_some());
    Track { params, length, delay, units_per_second, ends: true }
}

/// The duration of all packets, `None` if the table of times (`stts`) does not count as many of them as the table of sizes,
/// and the duration of the first, which all but the last have too. Both are in the track's units.
fn durations(input: &mut Input, mut times: Table, packets: u64) -> Result<(Option<u64>, u64), AudioError> {
    let (mut all, mut count, mut first) = (0_u64, 0_u64, None);
    while let Some(entry) = times.next(input)? {
        let number = |at| u64::from(ByteOrder::Big.u32_at(entry, at).unwrap_or_default());
        first = first.or(Some(number(4)));
        count = count.saturating_add(number(0));
        all = all.saturating_add(number(0) * number(4));
    }
    Ok(((count == packets).then_some(all), first.unwrap_or_default()))
}

/// The number of packets, their common size (0 if they differ), and the table of sizes.
fn sizes(input: &mut Input, body: u64) -> Result<(u64, u32, Table), AudioError> {
    let mut fields = Vec::new();
    input.seek_to(body)?;
    input.read_at_most(12, &mut fields)?;
    let common_size = ByteOrder::Big.u32_at(&fields, 4).unwrap_or_default();
    let count = ByteOrder::Big.u32_at(&fields, 8).unwrap_or_default();
    Ok((u64::from(count), common_size, Table::new(body + 12, count, 4)))
}

/// The table of a box; its number of entries stands `count_at` bytes into the body.
fn table(input: &mut Input, body: u64, count_at: u64, width: usize) -> Result<Table, AudioError> {
    let mut fields = Vec::new();
    input.seek_to(body + count_at)?;
    input.read_at_most(4, &mut fields)?;
    Ok(Table::new(body + count_at + 4, ByteOrder::Big.u32_at(&fields, 0).unwrap_or_default(), width))
}

impl Mp4 {
    /// The next run of chunks that have equally many packets: its first chunk, from 1, and the packets in each.
    fn run(&mut self) -> Result<Option<(u32, u32)>, AudioError> {
        let entry = self.runs.next(&mut self.input)?;
        Ok(entry.and_then(|entry| Some((ByteOrder::Big.u32_at(entry, 0)?, ByteOrder::Big.u32_at(entry, 4)?))))
    }

    /// Seeks to the next chunk; false after the last.
    fn next_chunk(&mut self) -> Result<bool, AudioError> {
        let Some(entry) = self.chunks.next(&mut self.input)? else { return Ok(false) };
        self.at = entry.iter().fold(0, |offset, &byte| offset << 8 | u64::from(byte));
        self.chunk += 1;
        while let Some((_, per_chunk)) = self.next_run.filter(|&(first, _)| u64::from(first) <= self.chunk) {
            self.per_chunk = per_chunk;
            self.next_run = self.run()?;
        }
        self.in_chunk = self.per_chunk;
        Ok(true)
    }

    fn size(&mut self) -> Result<Option<u32>, AudioError> {
        if self.common_size > 0 {
            return Ok(Some(self.common_size));
        }
        let entry = self.sizes.next(&mut self.input)?;
        Ok(entry.and_then(|entry| ByteOrder::Big.u32_at(entry, 0)))
    }
}

impl Demuxer for Mp4 {
    fn container(&self) -> Container {
        Container::Mp4
    }

    fn track(&self) -> &Track {
        &self.track
    }

    fn next_packet(&mut self) -> Result<Next, AudioError> {
        while self.in_chunk == 0 {
            if self.in_track == 0 || !self.next_chunk()? {
                return Ok(Next::End);
            }
        }
        let Some(size) = self.size()?.filter(|_| self.in_track > 0) else { return Ok(Next::End) };
        // Before memory is allocated for a damaged size.
        if size > MAX_PACKET_BYTES {
            return Ok(Next::Damage(format!("its table says that a packet has {size} bytes")));
        }
        let mut data = Vec::new();
        self.input.seek_to(self.at)?;
        self.input.read_at_most(size as usize, &mut data)?;
        if data.len() < size as usize {
            return Ok(Next::End);
        }
        (self.in_chunk, self.in_track) = (self.in_chunk - 1, self.in_track - 1);
        self.at += u64::from(size);
        Ok(Next::Packet(Packet::new(0, Timestamp::ZERO, Duration::new(self.packet_units), data)))
    }

    fn position(&self) -> u64 {
        self.at
    }
}

/// The boxes of all tracks.
fn boxes(input: &mut Input) -> Result<Movie, AudioError> {
    let (mut movie, mut at) = (Movie::default(), 0);
    for _ in 0..MAX_BOXES {
        let Some((kind, body, end)) = box_at(input, at)? else { break };
        at = match &kind {
            // Containers: their boxes begin right at the body.
            b"moov" | b"mdia" | b"edts" | b"minf" | b"stbl" => body,
            b"trak" => {
                movie.tracks.push(Boxes::default());
                body
            }
            b"mvex" | b"moof" => {
                movie.fragmented = true;
                end
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
fn box_at(input: &mut Input, at: u64) -> Result<Option<([u8; 4], u64, u64)>, AudioError> {
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
        b"mdhd" | b"hdlr" | b"elst" | b"stsd" => {
            let bytes = fields(input, body, end)?;
            match &kind {
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

fn fields(input: &mut Input, body: u64, end: u64) -> Result<Vec<u8>, AudioError> {
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
