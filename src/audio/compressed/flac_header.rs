//! Headers of the FLAC stream and of its frames.
//!
//! Source: RFC 9639, 8.2 and 9.1.

use crate::audio::bytes::ByteOrder;

/// The STREAMINFO block.
#[derive(Debug, Clone, Copy)]
pub(in crate::audio) struct Info {
    bytes: [u8; 34],
    /// Largest FLAC frame, in samples per channel.
    max_block_size: u16,
    /// In Hz.
    pub sample_rate: u32,
    pub channels: usize,
    pub bits: u32,
    /// Samples per channel of the whole stream, if known.
    pub frames: Option<u64>,
}

impl Info {
    /// Reads the block's 34 bytes; `None` if there are fewer.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let block = *bytes.first_chunk()?;
        let (max_block_size, packed) = (ByteOrder::Big.u16_at(bytes, 2)?, ByteOrder::Big.u32_at(bytes, 10)?);
        let frames = u64::from(packed & 0xF) << 32 | u64::from(ByteOrder::Big.u32_at(bytes, 14)?);
        Some(Self {
            bytes: block,
            max_block_size,
            sample_rate: packed >> 12,
            channels: (packed >> 9 & 7) as usize + 1,
            bits: (packed >> 4 & 31) + 1,
            frames: (frames > 0).then_some(frames),
        })
    }

    /// The block for a decoder that must not refuse a frame because the block's limits are wrong: 16 to 65 535 samples, and
    /// no checksum of the whole.
    pub(super) fn for_any_frame(&self) -> Vec<u8> {
        let mut bytes = self.bytes.to_vec();
        bytes[..10].copy_from_slice(&[0, 16, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0]);
        bytes[18..].fill(0);
        bytes
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audio) struct FrameHeader {
    /// True if `number` counts samples, because frames differ in length; false if it counts frames.
    counts_samples: bool,
    number: u64,
    /// Samples per channel.
    pub block_size: usize,
    /// In Hz; `None` if STREAMINFO has it.
    sample_rate: Option<u32>,
    channels: usize,
    /// Bits per sample; `None` if STREAMINFO has them.
    bits: Option<u32>,
}

impl FrameHeader {
    /// Most bytes of a header: the fixed part, a number of 7, a length and a rate of 2 each, and the checksum.
    pub(super) const MAX_BYTES: usize = 4 + 7 + 2 + 2 + 1;
    /// Fewest bytes of a header: the fixed part, a number of 1, and the checksum.
    pub(super) const MIN_BYTES: usize = 4 + 1 + 1;

    /// Reads a header; `None` if it is not valid or its checksum is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0xFF, sync @ (0xF8 | 0xF9), lengths, layout, ..] = bytes else { return None };
        let (number, at) = number(bytes.get(4..)?)?;
        let at = 4 + at;
        let (block_size, rate_at) = block_size(lengths >> 4, bytes, at)?;
        let (sample_rate, end) = sample_rate(lengths & 15, bytes, rate_at)?;
        let channels = match layout >> 4 {
            channels @ 0..=7 => usize::from(channels) + 1,
            // Left/side, right/side and mid/side stereo.
            8..=10 => 2,
            _ => return None,
        };
        let bits = match layout & 15 {
            0 => None,
            2 => Some(8),
            4 => Some(12),
            8 => Some(16),
            10 => Some(20),
            12 => Some(24),
            _ => return None,
        };
        let header = Self { counts_samples: sync == 0xF9, number, block_size, sample_rate, channels, bits };
        (crc8(bytes.get(..end)?) == *bytes.get(end)?).then_some(header)
    }

    /// True if the frame can belong to this stream.
    pub(super) fn fits(&self, info: &Info) -> bool {
        self.channels == info.channels
            && self.sample_rate.is_none_or(|rate| rate == info.sample_rate)
            && self.bits.is_none_or(|bits| bits == info.bits)
    }

    /// Number of the frame's first sample in the stream.
    pub(super) fn first_sample(&self, info: &Info) -> u64 {
        if self.counts_samples { self.number } else { self.number * u64::from(info.max_block_size) }
    }
}

/// A number of 1 to 7 bytes in the coding of UTF-8, and its length in bytes.
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = match first.leading_ones() as usize {
        0 => return Some((u64::from(first), 1)),
        // 0xFE begins 7 bytes, one more than in UTF-8; 10xxxxxx and 0xFF begin none.
        1 | 8 => return None,
        length => length,
    };
    let begin = u64::from(first) & (0x7F >> length);
    let number = bytes
        .get(1..length)?
        .iter()
        .try_fold(begin, |number, &byte| (byte & 0xC0 == 0x80).then_some(number << 6 | u64::from(byte & 0x3F)))?;
    Some((number, length))
}

/// The samples per channel, and the position behind them: two of the codes store them behind the number.
fn block_size(code: u8, bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    Some(match code {
        0 => return None,
        1 => (192, at),
        2..=5 => (576 << (code - 2), at),
        6 => (usize::from(*bytes.get(at)?) + 1, at + 1),
        7 => (usize::from(ByteOrder::Big.u16_at(bytes, at)?) + 1, at + 2),
        code => (256 << (code - 8), at),
    })
}

/// The rate in Hz (`None` if STREAMINFO has it), and the position behind it.
fn sample_rate(code: u8, bytes: &[u8], at: usize) -> Option<(Option<u32>, usize)> {
    const RATES: [u32; 11] = [88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
    let word = || ByteOrder::Big.u16_at(bytes, at).map(u32::from);
    Some(match code {
        0 => (None, at),
        12 => (Some(u32::from(*bytes.get(at)?) * 1_000), at + 1),
        13 => (Some(word()?), at + 2),
        14 => (Some(word()? * 10), at + 2),
        code => (Some(*RATES.get(usize::from(code) - 1)?), at),
    })
}

/// CRC-8 with the polynomial x⁸ + x² + x + 1 (RFC 9639, 9.1.8).
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 7 })
    })
}
