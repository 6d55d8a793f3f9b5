//! Frames of MP3: their headers, the search for them, and the tags that stand in place of a frame's sound.
//!
//! Source: ISO 11172-3 (1993) and 13818-3 (1998), 2.4; LAME's "MP3 Info Tag revision 1".

use crate::audio::bytes::ByteOrder;

/// The longest frame that nanomp3 decodes, of a free bit rate; those of the others have 1441 bytes at most.
pub(in crate::audio) const MAX_FREE_BYTES: usize = 2_304;
/// Frames in a row that make a beginning, in the middle of a file and at its own.
pub(in crate::audio) const FRAMES_IN_A_ROW: usize = 3;
pub(in crate::audio) const FRAMES_AT_START: usize = 2;
/// Bytes that are enough to tell whether a frame begins.
pub(in crate::audio) const SEARCHED_AHEAD: usize = FRAMES_IN_A_ROW * (MAX_FREE_BYTES + 1) + 4;
/// Frames that a decoder of layer III is late (LAME's `DECDELAY`, and one more).
const DECODER_DELAY: u64 = 529;

/// A layer III frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audio) struct Header {
    bytes: [u8; 4],
    /// In Hz.
    pub sample_rate: u32,
    /// Samples per channel.
    pub frames: u64,
    /// In kbit/s; 0 is a free bit rate, which the distance to the next frame tells.
    kilobits: usize,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        const LONG: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
        const SHORT: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
        let &[0xFF, version, rates, mode, ..] = bytes else { return None };
        // MPEG 1, 2 and 2.5: each halves the sample rates of the one before. A frame of MPEG 1 has twice as many samples.
        let (kilobits, divisor, frames) = match version & 0xFE {
            0xFA => (LONG, 1, 1_152),
            0xF2 => (SHORT, 2, 576),
            0xE2 => (SHORT, 4, 576),
            _ => return None,
        };
        let kilobits = *kilobits.get(usize::from(rates >> 4))?;
        let sample_rate = *[44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))? / divisor;
        Some(Self { bytes: [0xFF, version, rates, mode], sample_rate, frames, kilobits })
    }

    /// Bytes of the frame; `free` is the length of an unpadded frame of a free bit rate, if it is known.
    pub(super) fn length(self, free: Option<usize>) -> Option<usize> {
        let unpadded = match self.kilobits {
            0 => free?,
            kilobits => self.frames as usize * 125 * kilobits / self.sample_rate as usize,
        };
        Some(unpadded + self.padding())
    }

    fn padding(self) -> usize {
        usize::from(self.bytes[2] >> 1 & 1)
    }

    pub(super) fn is_free(self) -> bool {
        self.kilobits == 0
    }

    /// True if both are of one stream: the version, the sample rate, and whether the bit rate is free. The channels may
    /// change.
    pub(super) fn agrees(self, other: Self) -> bool {
        (self.bytes[1] ^ other.bytes[1]) & 0xFE == 0
            && (self.bytes[2] ^ other.bytes[2]) & 0x0C == 0
            && self.is_free() == other.is_free()
    }

    /// The bytes of the frame that are side information.
    fn side_information(self) -> std::ops::Range<usize> {
        let mono = self.bytes[3] >> 6 == 3;
        let length = match (self.frames, mono) {
            (1_152, false) => 32,
            (1_152, true) | (_, false) => 17,
            (_, true) => 9,
        };
        // Without protection, the bit is set. The tags' place does not count the checksum.
        4 + if self.bytes[1] & 1 == 0 { 2 } else { 0 }..4 + length
    }
}

/// Position of the first frame in `bytes` that begins a stream, and the length of its unpadded frames if its bit rate is
/// free: three frames in a row agree, or they reach the end of the file. Unless the file ends with `bytes`, the last
/// [`SEARCHED_AHEAD`] are left for the next search.
pub(in crate::audio) fn find(bytes: &[u8], ends: bool) -> Option<(usize, Option<usize>)> {
    let last = if ends { bytes.len() } else { bytes.len().saturating_sub(SEARCHED_AHEAD) };
    (0..last).find_map(|at| begins(&bytes[at..], ends, FRAMES_IN_A_ROW).map(|free| (at, free)))
}

/// The unpadded length if the bit rate is free; `None` if not so many frames of one stream follow each other here.
pub(super) fn begins(bytes: &[u8], ends: bool, count: usize) -> Option<Option<usize>> {
    let first = Header::parse(bytes)?;
    if !first.is_free() {
        return follow(bytes, first, None, ends, count).then_some(None);
    }
    // The distance to the next frame. Shorter ones have no room for their side information.
    let distances = first.side_information().end..(MAX_FREE_BYTES + 2).min(bytes.len());
    distances
        .filter(|&next| Header::parse(&bytes[next..]).is_some_and(|header| header.agrees(first)))
        .map(|next| next - first.padding())
        .find(|&free| follow(bytes, first, Some(free), false, FRAMES_IN_A_ROW))
        .map(Some)
}

/// True if so many frames of one stream follow each other from here.
fn follow(bytes: &[u8], first: Header, free: Option<usize>, ends: bool, count: usize) -> bool {
    let mut at = 0;
    for index in 0..count {
        let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= 4) else {
            // The last frame may be cut, but not the only one.
            return ends && (index > 1 || at == bytes.len());
        };
        let Some(header) = Header::parse(rest).filter(|&header| header.agrees(first)) else { return false };
        let Some(length) = header.length(free) else { return false };
        at += length;
    }
    true
}

/// What a tag in place of the first frame says of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::audio) struct StreamTag {
    /// MPEG frames behind the tag, if it tells.
    pub count: Option<u64>,
    /// Samples per channel before and behind the sound, if LAME or Lavc wrote the tag.
    pub delay_and_padding: Option<(u64, u64)>,
}

impl StreamTag {
    /// Reads the Xing, Info or VBRI tag of a whole frame; `None` if it has none.
    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let side = Header::parse(frame)?.side_information();
        let empty = |range: std::ops::Range<usize>| frame.get(range).is_some_and(|bytes| bytes.iter().all(|&b| b == 0));
        let number = |at: usize| ByteOrder::Big.u32_at(frame, at).map(u64::from);
        let xing = side.end;
        // Fraunhofer's tag has a fixed place.
        if frame.get(36..40) == Some(b"VBRI") && empty(side.start..36) {
            return Some(Self { count: number(36 + 14), delay_and_padding: None });
        }
        if !matches!(frame.get(xing..xing + 4), Some(b"Xing" | b"Info")) || !empty(side) {
            return None;
        }
        let flags = number(xing + 4)?;
        let count = if flags & 1 == 0 { None } else { number(xing + 8) };
        // The number of frames, of bytes, a table, and the quality.
        let fields = [(1, 4), (2, 4), (4, 100), (8, 4)];
        let lame = fields.iter().filter(|(flag, _)| flags & flag != 0).fold(xing + 8, |at, (_, length)| at + length);
        Some(Self { count, delay_and_padding: delay_and_padding(frame.get(lame..).unwrap_or_default()) })
    }
}

/// LAME's extension: 21 bytes behind the encoder's name, 12 bits each for the delay and the padding.
fn delay_and_padding(lame: &[u8]) -> Option<(u64, u64)> {
    let known = [b"LAME", b"Lavf", b"Lavc"].iter().any(|name| lame.starts_with(*name));
    let &[a, b, c] = lame.get(21..24).filter(|_| known)? else { return None };
    let (delay, padding) = (u64::from(a) << 4 | u64::from(b >> 4), u64::from(b & 15) << 8 | u64::from(c));
    Some((delay + DECODER_DELAY, padding.saturating_sub(DECODER_DELAY)))
}
