//! The frames of a FLAC stream: where one ends, which only its checksum tells, and its samples.
//!
//! Source: RFC 9639, 9.

use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::codecs::FlacDecoder;

use super::flac_header::{FrameHeader, Info};

/// Bytes that are enough for what follows a frame: the next one's header.
const NEXT_BYTES: usize = FrameHeader::MAX_BYTES;
/// Checksums that fit by chance, one in 65 536 bytes, that are tried.
const MAX_TRIED: usize = 64;

/// Why a frame could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audio) enum Failure {
    Damaged(&'static str),
    Unsupported(&'static str),
    /// The file ends within the frame.
    Cut,
}

pub(in crate::audio) struct Decoder {
    symphonia: FlacDecoder,
    info: Info,
}

impl Decoder {
    pub(super) fn new(info: Info) -> Result<Self> {
        let mut params = AudioCodecParameters::new();
        params.for_codec(CODEC_ID_FLAC).with_extra_data(info.for_any_frame().into());
        Ok(Self { symphonia: FlacDecoder::try_new(&params, &AudioDecoderOptions::default())?, info })
    }

    /// Bytes from a frame's beginning on that [`decode`](Self::decode) needs: encoders fall back to plain samples, so no
    /// frame is longer.
    pub(super) fn needed(&self, header: &FrameHeader) -> usize {
        // The side channel has a bit more than the others.
        let plain = self.info.channels * (header.block_size * (self.info.bits as usize + 1)).div_ceil(8);
        FrameHeader::MAX_BYTES + plain + 8 * self.info.channels + 2 + NEXT_BYTES
    }

    /// Replaces `samples` by those of the frame that `bytes` begin with, channels interleaved. Returns its length in bytes.
    /// `bytes` may only be shorter than [`needed`](Self::needed) at the end of the file.
    pub(super) fn decode(
        &mut self,
        bytes: &[u8],
        header: &FrameHeader,
        samples: &mut Vec<f32>,
    ) -> std::result::Result<usize, Failure> {
        let ends = bytes.len() < self.needed(header);
        let mut crc = 0;
        let mut by_chance = Vec::new();
        for (at, &byte) in bytes.iter().enumerate() {
            crc = crc16(crc, byte);
            // Over the whole frame with its checksum, the remainder is 0.
            if crc != 0 || at < FrameHeader::MIN_BYTES {
                continue;
            }
            let next = &bytes[at + 1..];
            if next.is_empty() && ends || FrameHeader::parse(next).is_some_and(|next| next.fits(&self.info)) {
                return self.samples(&bytes[..=at], samples).map(|()| at + 1);
            }
            if by_chance.len() < MAX_TRIED {
                by_chance.push(at + 1);
            }
        }
        // Something else follows the frame. A checksum that fits within it leaves too few bits.
        for &end in by_chance.iter() {
            if self.samples(&bytes[..end], samples).is_ok() {
                return Ok(end);
            }
        }
        match self.samples(bytes, samples) {
            Err(Failure::Cut) if ends => Err(Failure::Cut),
            Err(Failure::Unsupported(found)) => Err(Failure::Unsupported(found)),
            _ => Err(Failure::Damaged("frame CRC mismatch")),
        }
    }

    fn samples(&mut self, frame: &[u8], samples: &mut Vec<f32>) -> std::result::Result<(), Failure> {
        let packet = Packet::new(0, Timestamp::ZERO, Duration::ZERO, frame);
        match self.symphonia.decode(&packet) {
            Ok(sound) => {
                sound.copy_to_vec_interleaved(samples);
                Ok(())
            }
            Err(Error::DecodeError(found)) => Err(Failure::Damaged(found)),
            Err(Error::Unsupported(found)) => Err(Failure::Unsupported(found)),
            // Memory has no other error than its end.
            Err(_) => Err(Failure::Cut),
        }
    }
}

/// CRC-16 with the polynomial x¹⁶ + x¹⁵ + x² + 1 (RFC 9639, 9.3).
fn crc16(crc: u16, byte: u8) -> u16 {
    const TABLE: [u16; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut crc = (index as u16) << 8;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 };
                bit += 1;
            }
            table[index] = crc;
            index += 1;
        }
        table
    };
    crc << 8 ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)]
}
