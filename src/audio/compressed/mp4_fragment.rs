//! The fragments of an MP4 file: some writers describe the first second in the movie's tables, and every further piece in a
//! `moof` box of its own.
//!
//! Source: ISO/IEC 14496-12 (2015), 8.8.

use super::mp4_boxes::{box_at, fields};
use super::mp4_table::Table;
use crate::audio::bytes::ByteOrder;
use crate::audio::error::AudioError;
use crate::audio::source::Input;

/// Limit for crafted files: boxes between two packets.
const MAX_BOXES: usize = 4_096;

/// The packets of a track in the fragments. Positions are in bytes of the file.
pub(in crate::audio) struct Fragments {
    /// Number of the track (`tkhd`).
    track: u32,
    /// Bytes of packets whose size no fragment tells (`trex`).
    default_size: u32,
    next_box: u64,
    /// Where the current fragment begins.
    fragment: u64,
    /// Where the current part of the track begins, and the size of its packets; `None` in a part of another track.
    part: Option<(u64, u32)>,
    run: Run,
    /// Position of the next packet.
    at: u64,
}

/// Packets that follow each other.
struct Run {
    left: u32,
    entries: Table,
    /// Place of the size in an entry; `None` if all have that of the part.
    size_at: Option<usize>,
}

impl Fragments {
    /// The fragments from byte `at` of the file on.
    pub(super) fn new(at: u64, track: u32, default_size: u32) -> Self {
        let run = Run { left: 0, entries: Table::new(at, 0, 4), size_at: None };
        Self { track, default_size, next_box: at, fragment: at, part: None, run, at }
    }

    /// Position and size of the next packet; `None` after the last.
    pub(super) fn next(&mut self, input: &mut Input) -> Result<Option<(u64, u32)>, AudioError> {
        for _ in 0..MAX_BOXES {
            if let Some(size) = self.next_size(input)? {
                let at = self.at;
                self.at = at.saturating_add(u64::from(size));
                return Ok(Some((at, size)));
            }
            if !self.read_box(input)? {
                break;
            }
        }
        Ok(None)
    }

    /// The size of the run's next packet.
    fn next_size(&mut self, input: &mut Input) -> Result<Option<u32>, AudioError> {
        let (Some(left), Some((_, size))) = (self.run.left.checked_sub(1), self.part) else { return Ok(None) };
        self.run.left = left;
        let Some(size_at) = self.run.size_at else { return Ok(Some(size)) };
        let entry = self.run.entries.next(input)?;
        Ok(entry.and_then(|entry| ByteOrder::Big.u32_at(entry, size_at)))
    }

    /// Reads a box; false at the end of the file.
    fn read_box(&mut self, input: &mut Input) -> Result<bool, AudioError> {
        let Some((kind, body, end)) = box_at(input, self.next_box)? else { return Ok(false) };
        match &kind {
            b"moof" => (self.fragment, self.next_box) = (self.next_box, body),
            b"traf" => self.next_box = body,
            b"tfhd" => {
                self.part = self.part(&fields(input, body, end)?);
                self.at = self.part.map_or(self.at, |(base, _)| base);
                self.next_box = end;
            }
            b"trun" => {
                if let Some((base, _)) = self.part {
                    self.start_run(&fields(input, body, end)?, base, body);
                }
                self.next_box = end;
            }
            _ => self.next_box = end,
        }
        Ok(true)
    }

    /// A `tfhd` box: the position that the runs' offsets count from, and the size of packets that have none of their own.
    fn part(&self, bytes: &[u8]) -> Option<(u64, u32)> {
        let number = |at: usize| ByteOrder::Big.u32_at(bytes, at);
        let (flags, track) = (number(0)?, number(4)?);
        let mut at = 8;
        let mut field = |flag: u32, length: usize| {
            let place = (flags & flag != 0).then_some(at);
            at += if place.is_some() { length } else { 0 };
            place
        };
        let base = field(0x01, 8).and_then(|at| Some(u64::from(number(at)?) << 32 | u64::from(number(at + 4)?)));
        // The kind of the packets, and their duration.
        let _ = (field(0x02, 4), field(0x08, 4));
        let size = field(0x10, 4).and_then(number).unwrap_or(self.default_size);
        (track == self.track).then_some((base.unwrap_or(self.fragment), size))
    }

    /// A `trun` box.
    fn start_run(&mut self, bytes: &[u8], base: u64, body: u64) {
        let number = |at: usize| ByteOrder::Big.u32_at(bytes, at);
        let (Some(flags), Some(count)) = (number(0), number(4)) else { return };
        let mut at = 8;
        if flags & 0x01 != 0 {
            let offset = i64::from(number(at).unwrap_or_default().cast_signed());
            self.at = base.saturating_add_signed(offset);
            at += 4;
        }
        at += if flags & 0x04 != 0 { 4 } else { 0 };
        // Duration, size, flags, and the offset of the presentation.
        let width = 4 * (flags >> 8 & 0xF).count_ones() as usize;
        let size_at = (flags & 0x200 != 0).then_some(if flags & 0x100 != 0 { 4 } else { 0 });
        self.run = Run { left: count, entries: Table::new(body + at as u64, count, width.max(4)), size_at };
    }
}
