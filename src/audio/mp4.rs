//! M4A, MP4 and QuickTime files: the samples of their first track with sound.
//!
//! Read here rather than by Symphonia, whose reader does not use edit lists, which say where the sound begins, holds all
//! tables in memory and takes up 38 KB of the page. Tables are read here as they are needed, so that memory stays the
//! same however long a file is.
//!
//! Source: ISO/IEC 14496-12 (2015), 14496-14 (2003) and 14496-1 (2010, descriptors), and Apple's QuickTime File Format.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::bytes::Order;
use super::codec::Container;
use super::error::{AudioError, malformed};
use super::mp4_entry;
use super::packets::{Demuxer, Next, Packets, Track};
use super::source::Input;
use super::table::Table;

/// The most boxes that are looked at; a recording has some dozens.
const MOST_BOXES: usize = 4_096;
/// The most that is looked at of a box with fields.
const MOST_BYTES: u64 = 4_096;
/// No packet of a codec that is read is longer, in bytes.
const LONGEST_PACKET: u32 = 1 << 20;

/// A track's boxes, as far as they are needed.
#[derive(Default)]
struct Boxes {
    /// True for sound.
    sound: bool,
    units_per_second: u32,
    /// Where the sound begins, in units.
    begin: u64,
    /// The bodies of `stsd`, `stts`, `stsc`, `stsz` and `stco` or `co64`.
    entries: Option<Vec<u8>>,
    times: Option<u64>,
    runs: Option<u64>,
    sizes: Option<u64>,
    chunks: Option<(u64, usize)>,
}

/// The packets of a track.
pub(super) struct Mp4 {
    input: Input,
    track: Track,
    /// Of a packet's time.
    packet_units: u64,
    /// The size of all packets where it is one.
    one_size: u32,
    sizes: Table,
    chunks: Table,
    runs: Table,
    /// Chunks before the next run, of those that are read.
    chunk: u64,
    next_run: Option<(u32, u32)>,
    per_chunk: u32,
    /// Packets left of the chunk, and of the track.
    in_chunk: u32,
    in_track: u64,
    at: u64,
}

/// Opens a file whose first box is `ftyp`.
pub(super) fn open(mut input: Input) -> Result<Packets<Mp4>, AudioError> {
    let (tracks, fragmented) = boxes(&mut input)?;
    let Some(boxes) = tracks.into_iter().find(|track| track.sound) else {
        return Err(Container::Mp4.inside("no sound"));
    };
    let missing = |name: &str| malformed(&format!("it is an M4A or MP4 file without its '{name}' box"));
    let params = mp4_entry::params(&boxes.entries.as_ref().ok_or_else(|| missing("stsd"))?[..])?;
    let chunks = boxes.chunks.ok_or_else(|| missing("stco"))?;
    let (count, one_size, sizes) = sizes(&mut input, boxes.sizes.ok_or_else(|| missing("stsz"))?)?;
    if count == 0 && fragmented {
        return Err(Container::Mp4.inside("fragments, as streams have them,"));
    }
    let times = table(&mut input, boxes.times.ok_or_else(|| missing("stts"))?, 4, 8)?;
    let (track, packet_units) = track(&mut input, params, &boxes, times)?;
    let length = input.length();
    let runs = table(&mut input, boxes.runs.ok_or_else(|| missing("stsc"))?, 4, 12)?;
    let chunks = table(&mut input, chunks.0, 4, chunks.1)?;
    let mut mp4 = Mp4 {
        input,
        track,
        packet_units,
        one_size,
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
    Packets::new(mp4, length)
}

/// Adds up how long all packets are. Also gives the units of the first, which are those of all but the last.
fn track(
    input: &mut Input,
    params: AudioCodecParameters,
    boxes: &Boxes,
    mut times: Table,
) -> Result<(Track, u64), AudioError> {
    let (mut all, mut first) = (0_u64, None);
    while let Some(entry) = times.next(input)? {
        let number = |at| u64::from(Order::Big.u32_at(entry, at).unwrap_or_default());
        first = first.or(Some(number(4)));
        all = all.saturating_add(number(0) * number(4));
    }
    // More than a minute is an edit of another kind.
    let delay = if boxes.begin > 60 * u64::from(boxes.units_per_second) { 0 } else { boxes.begin };
    let length = Some(all.saturating_sub(delay)).filter(|&length| length > 0);
    let units_per_second = Some(boxes.units_per_second).filter(|&units| units > 0);
    Ok((Track { params, length, delay, ends: true, units_per_second }, first.unwrap_or_default()))
}

/// The number of packets, their size where it is one, and the table of sizes.
fn sizes(input: &mut Input, body: u64) -> Result<(u64, u32, Table), AudioError> {
    let mut fields = Vec::new();
    input.seek_to(body)?;
    input.read_at_most(12, &mut fields)?;
    let one_size = Order::Big.u32_at(&fields, 4).unwrap_or_default();
    let count = Order::Big.u32_at(&fields, 8).unwrap_or_default();
    Ok((u64::from(count), one_size, Table::new(body + 12, count, 4)))
}

/// The table of a box whose count stands so many bytes into its body.
fn table(input: &mut Input, body: u64, count_at: u64, width: usize) -> Result<Table, AudioError> {
    let mut fields = Vec::new();
    input.seek_to(body + count_at)?;
    input.read_at_most(4, &mut fields)?;
    Ok(Table::new(body + count_at + 4, Order::Big.u32_at(&fields, 0).unwrap_or_default(), width))
}

impl Mp4 {
    /// The next run of chunks with equally many packets: its first chunk, from 1, and the packets of each.
    fn run(&mut self) -> Result<Option<(u32, u32)>, AudioError> {
        let entry = self.runs.next(&mut self.input)?;
        Ok(entry.and_then(|entry| Some((Order::Big.u32_at(entry, 0)?, Order::Big.u32_at(entry, 4)?))))
    }

    /// Goes to the next chunk; false after the last.
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
        if self.one_size > 0 {
            return Ok(Some(self.one_size));
        }
        let entry = self.sizes.next(&mut self.input)?;
        Ok(entry.and_then(|entry| Order::Big.u32_at(entry, 0)))
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
        if size > LONGEST_PACKET {
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

/// The boxes of all tracks, and whether more of them come in fragments.
fn boxes(input: &mut Input) -> Result<(Vec<Boxes>, bool), AudioError> {
    let (mut tracks, mut fragmented, mut at) = (Vec::<Boxes>::new(), false, 0);
    for _ in 0..MOST_BOXES {
        let Some((kind, body, end)) = box_at(input, at)? else { break };
        at = match &kind {
            // Their boxes follow inside.
            b"moov" | b"mdia" | b"edts" | b"minf" | b"stbl" => body,
            b"trak" => {
                tracks.push(Boxes::default());
                body
            }
            b"mvex" | b"moof" => {
                fragmented = true;
                end
            }
            _ => {
                if let Some(track) = tracks.last_mut() {
                    note(input, kind, body, end, track)?;
                }
                end
            }
        };
    }
    Ok((tracks, fragmented))
}

/// The name of the box that begins at `at`, and where its body begins and ends.
fn box_at(input: &mut Input, at: u64) -> Result<Option<([u8; 4], u64, u64)>, AudioError> {
    let mut header = Vec::new();
    input.seek_to(at)?;
    input.read_at_most(16, &mut header)?;
    let kind = header.get(4..).and_then(|rest| rest.first_chunk::<4>());
    let (Some(short), Some(&kind)) = (Order::Big.u32_at(&header, 0), kind) else {
        return Ok(None);
    };
    let (body, size) = match (short, header.last_chunk::<8>()) {
        (0, _) => (8, input.length() - at),
        (1, Some(&long)) if header.len() == 16 => (16, u64::from_be_bytes(long)),
        (short, _) => (8, u64::from(short)),
    };
    Ok((size >= body).then(|| (kind, at + body, at.saturating_add(size))))
}

fn note(input: &mut Input, kind: [u8; 4], body: u64, end: u64, track: &mut Boxes) -> Result<(), AudioError> {
    match &kind {
        b"stts" => track.times = Some(body),
        b"stsc" => track.runs = Some(body),
        b"stsz" => track.sizes = Some(body),
        b"stco" => track.chunks = Some((body, 4)),
        b"co64" => track.chunks = Some((body, 8)),
        b"mdhd" | b"hdlr" | b"elst" | b"stsd" => {
            let mut bytes = Vec::new();
            input.seek_to(body)?;
            input.read_at_most((end - body).min(MOST_BYTES) as usize, &mut bytes)?;
            let long = bytes.first().is_some_and(|&version| version == 1);
            let field = |at: usize| Order::Big.u32_at(&bytes, at).unwrap_or_default();
            match &kind {
                b"mdhd" => track.units_per_second = field(if long { 20 } else { 12 }),
                // A QuickTime file has two of them, the second about where the data is.
                b"hdlr" => track.sound |= bytes.get(8..12) == Some(b"soun"),
                b"elst" => track.begin = first_edit(field, long),
                _ => track.entries = Some(bytes),
            }
        }
        _ => {}
    }
    Ok(())
}

/// Where the first edit that has sound begins in the media. Empty edits say −1; they put silence before it.
fn first_edit(field: impl Fn(usize) -> u32, long: bool) -> u64 {
    let begin = |entry: usize| match long {
        false => u64::from(field(8 + 12 * entry + 4)),
        true => u64::from(field(8 + 20 * entry + 8)) << 32 | u64::from(field(8 + 20 * entry + 12)),
    };
    let empty = if long { u64::MAX } else { u64::from(u32::MAX) };
    (0..(field(4) as usize).min(4)).map(begin).find(|&begin| begin != empty).unwrap_or_default()
}
