//! M4A, MP4 and QuickTime files: the packets of their first audio track.
//!
//! Not read by Symphonia, whose reader ignores edit lists, which say where the sound begins, keeps all tables in memory
//! and takes 38 KB of the page. Here tables are read in pieces, so that memory use does not depend on the file's length.
//!
//! Source: ISO/IEC 14496-12 (2015), 14496-14 (2003) and 14496-1 (2010, descriptors), and Apple's QuickTime File Format.

use std::num::NonZero;

use super::codec::{Codec, Container};
use super::mp3_frame;
use super::mp4_boxes::{Boxes, Movie, boxes};
use super::mp4_entry;
use super::mp4_fragment::Fragments;
use super::mp4_table::Table;
use super::packet_decoder::{Demuxer, Next, Packet, PacketDecoder, Track};
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed};
use crate::audio::source::Input;

/// No packet of a supported codec has more bytes.
const MAX_PACKET_BYTES: u32 = 1 << 20;

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
    /// The packets behind those of the tables.
    fragments: Option<Fragments>,
}

/// Opens a file whose first box is `ftyp`.
pub(in crate::audio) fn open(mut input: Input) -> Result<PacketDecoder<Mp4>, AudioError> {
    let Movie { units_per_second, tracks, described, extended, fragments } = boxes(&mut input)?;
    if !described {
        return Err(malformed(
            "it is an M4A or MP4 file without its 'moov' box, which says where the sound is and is often written last: the \
             recording was not finished, or the file is cut",
        ));
    }
    let Some(boxes) = tracks.into_iter().find(|track| track.sound) else {
        return Err(Container::Mp4.unsupported_content("no sound"));
    };
    let missing = |name: &str| malformed(&format!("it is an M4A or MP4 file without its '{name}' box"));
    let mut codec = mp4_entry::codec(&boxes.entries.as_ref().ok_or_else(|| missing("stsd"))?[..])?;
    let chunks = boxes.chunks.ok_or_else(|| missing("stco"))?;
    let (count, common_size, sizes) = sizes(&mut input, boxes.sizes.ok_or_else(|| missing("stsz"))?)?;
    // What fragments alone hold is a stream: whether all of it is there, nothing says.
    if count == 0 && (!extended.is_empty() || fragments.is_some()) {
        return Err(Container::Mp4.unsupported_content("fragments (as in streams)"));
    }
    let times = table(&mut input, boxes.times.ok_or_else(|| missing("stts"))?, 4, 8)?;
    let (all, packet_units) = durations(&mut input, times, count)?;
    // The tables' duration does not count the fragments.
    let all = all.filter(|_| fragments.is_none());
    if let Codec::Mp3 { sample_rate } = &mut codec {
        *sample_rate = mp3_rate(&mut input, chunks)?.unwrap_or(*sample_rate);
    }
    let track = track(codec, &boxes, all, units_per_second, fragments.is_some());
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
        fragments: fragments.map(|at| {
            let extended = extended.iter().find(|(id, _)| *id == boxes.id);
            Fragments::new(at, boxes.id, extended.map_or(0, |(_, size)| *size))
        }),
    };
    mp4.next_run = mp4.run()?;
    PacketDecoder::new(mp4, length)
}

/// The track that is decoded. `all` is the duration of all packets, in the track's units.
fn track(codec: Codec, boxes: &Boxes, all: Option<u64>, movie_units_per_second: u32, fragmented: bool) -> Track {
    let units_per_second = NonZero::new(boxes.units_per_second);
    // An encoder's delay is a fraction of a second: more than a minute is an edit of another kind.
    let delay = Some(boxes.edit.begin).filter(|&begin| begin <= 60 * u64::from(boxes.units_per_second));
    let delay = delay.unwrap_or_default();
    // An edit list that was written before the fragments does not count them either.
    let kept = boxes.edit.length.filter(|_| movie_units_per_second > 0 && !fragmented).map(|length| {
        let units = u128::from(length) * u128::from(boxes.units_per_second) / u128::from(movie_units_per_second.max(1));
        u64::try_from(units).unwrap_or(u64::MAX)
    });
    let all = all.map(|all| all.saturating_sub(delay));
    let length = all.into_iter().chain(kept).min().filter(|&length| length > 0 && units_per_second.is_some());
    Track { codec, length, delay, units_per_second, ends: true }
}

/// The rate in Hz of the first MP3 frame: the sample entry's is often another.
fn mp3_rate(input: &mut Input, chunks: (u64, usize)) -> Result<Option<u32>, AudioError> {
    let mut bytes = Vec::new();
    let mut first = table(input, chunks.0, 4, chunks.1)?;
    let Some(entry) = first.next(input)? else { return Ok(None) };
    let at = number(entry);
    input.seek_to(at)?;
    input.read_at_most(4, &mut bytes)?;
    Ok(mp3_frame::Header::parse(&bytes).map(|header| header.sample_rate))
}

/// A big-endian number of any width.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
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
        self.at = number(entry);
        self.chunk += 1;
        while let Some((_, per_chunk)) = self.next_run.filter(|&(first, _)| u64::from(first) <= self.chunk) {
            self.per_chunk = per_chunk;
            self.next_run = self.run()?;
        }
        self.in_chunk = self.per_chunk;
        Ok(true)
    }

    /// Position and size of the next packet of the tables, in bytes; `None` after the last.
    fn next_in_tables(&mut self) -> Result<Option<(u64, u32)>, AudioError> {
        while self.in_chunk == 0 {
            if self.in_track == 0 || !self.next_chunk()? {
                return Ok(None);
            }
        }
        let Some(size) = self.size()?.filter(|_| self.in_track > 0) else { return Ok(None) };
        (self.in_chunk, self.in_track) = (self.in_chunk - 1, self.in_track - 1);
        Ok(Some((self.at, size)))
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
        let next = match (self.next_in_tables()?, &mut self.fragments) {
            (None, Some(fragments)) => fragments.next(&mut self.input)?,
            (next, _) => next,
        };
        let Some((at, size)) = next else { return Ok(Next::End) };
        // Before memory is allocated for a damaged size.
        if size > MAX_PACKET_BYTES {
            return Ok(Next::Damage(format!("its table says that a packet has {size} bytes")));
        }
        let mut data = Vec::new();
        self.input.seek_to(at)?;
        self.input.read_at_most(size as usize, &mut data)?;
        if data.len() < size as usize {
            return Ok(Next::End);
        }
        self.at = at + u64::from(size);
        Ok(Next::Packet(Packet { data, units: self.packet_units }))
    }

    fn position(&self) -> u64 {
        self.at
    }
}
