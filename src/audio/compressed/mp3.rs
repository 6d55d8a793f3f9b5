//! MP3 files, split into frames here.
//!
//! Not read by Symphonia, whose reader takes every sync word for a frame, also in pictures of tags, nor by nanomp3's, whose
//! scan reads the whole file first.

use super::codec::{Codec, Container};
use super::mp3_frame::{
    FRAMES_AT_START, FRAMES_IN_A_ROW, Header, MAX_FREE_BYTES, SEARCHED_AHEAD, StreamTag, begins, find,
};
use super::packet_decoder::{Demuxer, Next, Packet, PacketDecoder, Track};
use crate::audio::error::{AudioError, malformed};
use crate::audio::source::Input;
use crate::audio::tags;

/// Bytes that are searched at a time.
const SEARCHED_BYTES: usize = 1 << 16;
/// Delay and padding, which have 12 bits each, fill no more frames than this.
const PADDING_FRAMES: u64 = 8;

pub(in crate::audio) struct Mp3 {
    input: Input,
    track: Track,
    /// The last header.
    header: Header,
    /// Bytes of an unpadded frame of a free bit rate.
    free: Option<usize>,
    /// Frames behind the tag, as it says, and those that were read.
    count: Option<u64>,
    read: u64,
    at: u64,
    bytes: Vec<u8>,
}

/// Opens an MP3 file.
pub(in crate::audio) fn open(mut input: Input) -> Result<PacketDecoder<Mp3>, AudioError> {
    let mut bytes = Vec::new();
    input.seek_to(0)?;
    input.read_at_most(SEARCHED_AHEAD, &mut bytes)?;
    // Without junk before it, less is enough.
    let at_start = begins(&bytes, bytes.len() < SEARCHED_AHEAD, FRAMES_AT_START).map(|free| (0, free));
    let found = match at_start {
        None => find_from(&mut input, 0, &mut bytes)?,
        found => found,
    };
    let Some((at, free)) = found else {
        return Err(malformed(&format!("it begins like {}, but has no complete audio frame", Container::Mp3.name())));
    };
    input.seek_to(at)?;
    input.read_at_most(4, &mut bytes)?;
    let header = Header::parse(&bytes).ok_or_else(|| Container::Mp3.damaged("its first frame"))?;
    input.seek_to(at)?;
    input.read_at_most(header.length(free).unwrap_or_default(), &mut bytes)?;
    let tag = StreamTag::parse(&bytes).unwrap_or_default();
    // A tag with 0 frames was never filled in by its writer.
    let count = tag.count.filter(|&count| count > 0);
    let (delay, padding) = tag.delay_and_padding.unwrap_or_default();
    let frames = count.map(|count| (count * header.frames).saturating_sub(delay + padding));
    let codec = Codec::Mp3 { sample_rate: header.sample_rate };
    let track = Track { codec, length: frames, delay, units_per_second: None, ends: false };
    // Without LAME's extension, the tag does not tell of padding.
    let count = count.filter(|_| tag.delay_and_padding.is_some());
    // Without a limit of bytes: one frame follows the other, so they cannot lead in circles.
    PacketDecoder::new(Mp3 { input, track, header, free, count, read: 0, at, bytes }, u64::MAX)
}

/// Position of the first frame from byte `at` of the file on, and the unpadded length of a free bit rate.
fn find_from(input: &mut Input, mut at: u64, bytes: &mut Vec<u8>) -> Result<Option<(u64, Option<usize>)>, AudioError> {
    loop {
        input.seek_to(at)?;
        input.read_at_most(SEARCHED_BYTES, bytes)?;
        let ends = bytes.len() < SEARCHED_BYTES;
        if let Some((found, free)) = find(bytes, ends) {
            return Ok(Some((at + found as u64, free)));
        }
        if ends {
            return Ok(None);
        }
        at += (SEARCHED_BYTES - SEARCHED_AHEAD) as u64;
    }
}

impl Mp3 {
    /// The header at the current position, if the stream goes on there; another stream needs more frames in a row.
    fn current_header(&mut self) -> Result<Option<Header>, AudioError> {
        self.input.seek_to(self.at)?;
        self.input.read_at_most(tags::HEADER_BYTES, &mut self.bytes)?;
        let header = Header::parse(&self.bytes);
        if header.is_none_or(|header| header.agrees(self.header)) {
            return Ok(header);
        }
        self.input.seek_to(self.at)?;
        self.input.read_at_most(SEARCHED_AHEAD, &mut self.bytes)?;
        let free = begins(&self.bytes, self.bytes.len() < SEARCHED_AHEAD, FRAMES_IN_A_ROW);
        self.free = free.unwrap_or(self.free);
        Ok(header.filter(|_| free.is_some()))
    }

    /// Skips to the next frame and tells what is lost: tags are no loss, and neither is what follows the last frame.
    fn resume(&mut self) -> Result<Next, AudioError> {
        let mut tagged = false;
        while let Some(length) = tags::length(&self.bytes) {
            (self.at, tagged) = (self.at.saturating_add(length), true);
            self.input.seek_to(self.at)?;
            self.input.read_at_most(tags::HEADER_BYTES, &mut self.bytes)?;
        }
        if tagged && Header::parse(&self.bytes).is_some() {
            return Ok(Next::Lost(0));
        }
        let from = if tagged { self.at } else { self.at + 1 };
        let Some((at, free)) = find_from(&mut self.input, from, &mut self.bytes)? else { return Ok(Next::End) };
        let lost = if tagged { 0 } else { self.header.frames };
        (self.at, self.free) = (at, free);
        self.input.seek_to(at)?;
        self.input.read_at_most(4, &mut self.bytes)?;
        self.header = Header::parse(&self.bytes).unwrap_or(self.header);
        Ok(Next::Lost(lost))
    }

    /// True if as many frames follow as the tag says. Then the last of them hold padding, which must not be heard; if more
    /// follow, the tag is wrong, or another file was appended.
    fn ends_as_declared(&mut self, frames: u64) -> Result<bool, AudioError> {
        let mut at = self.at;
        for left in (0..=frames).rev() {
            self.input.seek_to(at)?;
            self.input.read_at_most(4, &mut self.bytes)?;
            let header = Header::parse(&self.bytes).filter(|header| header.agrees(self.header));
            let Some(length) = header.and_then(|header| header.length(self.free)) else {
                return Ok(left == 0 && at + 4 > self.input.length());
            };
            at += length as u64;
        }
        Ok(false)
    }
}

impl Demuxer for Mp3 {
    fn container(&self) -> Container {
        Container::Mp3
    }

    fn track(&self) -> &Track {
        &self.track
    }

    fn next_packet(&mut self) -> Result<Next, AudioError> {
        let Some(header) = self.current_header()? else { return self.resume() };
        let Some(length) = header.length(self.free) else { return self.resume() };
        self.header = header;
        self.input.seek_to(self.at)?;
        // The decoder only believes in a free bit rate if it sees the frames that follow.
        let ahead = if header.is_free() { 2 * (MAX_FREE_BYTES + 1) + 4 } else { 0 };
        let mut data = Vec::new();
        self.input.read_at_most(length + ahead, &mut data)?;
        if data.len() < length {
            return Ok(Next::End);
        }
        // Also in the middle, where files were joined.
        if StreamTag::parse(&data[..length]).is_some() {
            self.at += length as u64;
            return Ok(Next::Lost(0));
        }
        let left = self.count.map(|count| count.saturating_sub(self.read));
        if let Some(left) = left.filter(|left| (1..=PADDING_FRAMES).contains(left)) {
            self.track.ends = self.ends_as_declared(left)?;
            self.count = None;
        }
        self.at += length as u64;
        self.read += 1;
        Ok(Next::Packet(Packet { data, units: header.frames }))
    }

    fn position(&self) -> u64 {
        self.at
    }
}
