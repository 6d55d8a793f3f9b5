//! The `fmt ` chunk of WAV files (`WAVEFORMATEX` and `WAVEFORMATEXTENSIBLE`).

use super::adpcm::{Adpcm, MICROSOFT_PAIRS};
use super::pcm::{Coding, Layout};
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed, unsupported};
use crate::audio::stream::check_limits;

/// Registered format tags (`mmreg.h`).
mod tag {
    pub(super) const PCM: u16 = 0x0001;
    pub(super) const MICROSOFT_ADPCM: u16 = 0x0002;
    pub(super) const FLOAT: u16 = 0x0003;
    pub(super) const A_LAW: u16 = 0x0006;
    pub(super) const MU_LAW: u16 = 0x0007;
    pub(super) const IMA_ADPCM: u16 = 0x0011;
    /// The real tag is at the beginning of a GUID further on.
    pub(super) const EXTENSIBLE: u16 = 0xFFFE;
}

/// Bytes of a `fmt ` chunk that is extensible.
const EXTENSIBLE_BYTES: usize = 40;

/// Parses the first bytes of a chunk's body.
pub(in crate::audio) fn parse(body: &[u8], order: ByteOrder) -> Result<Layout, AudioError> {
    let short = || malformed(&format!("expected a 'fmt ' chunk of 16 bytes or more, but it has {}", body.len()));
    let word = |at: usize| order.u16_at(body, at).ok_or_else(short);
    let (channels, block_bytes, bits) = (word(2)?, word(12)?, word(14)?);
    let number = |at: usize| order.u32_at(body, at).ok_or_else(short);
    let (sample_rate, byte_rate) = (number(4)?, number(8)?);
    let tag = match (word(0)?, order.u32_at(body, 24)) {
        // The first 16 bits of the GUID are the registered tag.
        (tag::EXTENSIBLE, Some(guid)) => guid as u16,
        // Without it: floats have 32 bits or more.
        (tag::EXTENSIBLE, None) if (8..=24).contains(&bits) => tag::PCM,
        (tag::EXTENSIBLE, None) => {
            let found = format!("but it has {}", body.len());
            return Err(malformed(&format!(
                "expected a 'fmt ' chunk of {EXTENSIBLE_BYTES} bytes, as extensible formats have, {found}"
            )));
        }
        (tag, _) => tag,
    };
    check_limits(usize::from(channels), sample_rate)?;
    let coding = match tag {
        tag::MICROSOFT_ADPCM | tag::IMA_ADPCM => adpcm(tag, body, order, block_bytes, channels)?,
        _ => samples(tag, sample_bytes(channels, block_bytes, bits, sample_rate, byte_rate), bits)?,
    };
    Ok(Layout { coding, order, channels, sample_rate })
}

/// Bytes of a sample. Some writers leave the block align wrong (0, that of another layout, or in bits), and players only
/// read the bits; but only the block align tells that samples have bytes of their own to spare, so it counts if it can be
/// true. A byte rate that agrees with it shows that the writer meant it.
fn sample_bytes(channels: u16, block_bytes: u16, bits: u16, sample_rate: u32, byte_rate: u32) -> u16 {
    let (bytes, needed) = (block_bytes / channels, bits.div_ceil(8));
    let meant = u64::from(byte_rate) == u64::from(sample_rate) * u64::from(block_bytes);
    let whole = block_bytes.is_multiple_of(channels);
    let spare = needed < bytes && bytes <= 4 && meant;
    // Bits that are no whole bytes and do not fit: either may be wrong.
    let contradicts = bytes > 0 && bytes < needed && !bits.is_multiple_of(8);
    if whole && (spare || contradicts) { bytes } else { needed }
}

/// The coding of samples that are not in blocks. The valid bits of an extensible format are ignored: they are
/// left-justified, so the full container has the right scale.
fn samples(tag: u16, bytes: u16, bits: u16) -> Result<Coding, AudioError> {
    let coding = match (tag, bytes, bits) {
        // Whatever the writer says of the bits: of a sample, or of what it becomes.
        (tag::A_LAW, ..) => Coding::ALaw,
        (tag::MU_LAW, ..) => Coding::MuLaw,
        (tag::PCM | tag::FLOAT, ..) if bits == 0 || bits > bytes.saturating_mul(8) => {
            return Err(malformed(&format!(
                "the file's header says that samples of {bits} bits are stored in {bytes} bytes"
            )));
        }
        (tag::PCM, 1, _) => Coding::Integer { bytes: 1, bits: 8 },
        (tag::PCM, 2..=4, _) => Coding::Integer { bytes, bits },
        (tag::FLOAT, 4, 32) => Coding::Float32,
        (tag::FLOAT, 8, 64) => Coding::Float64,
        (tag::PCM, ..) => {
            return Err(unsupported(&format!(
                "the file has {bits}-bit integers, but only those of 8 to 32 bits are supported"
            )));
        }
        (tag::FLOAT, ..) => {
            return Err(unsupported(&format!(
                "the file has {bits}-bit floats, but only those of 32 or 64 bits are supported"
            )));
        }
        _ => {
            let supported = "PCM, float, A-law, µ-law, IMA ADPCM and Microsoft ADPCM are supported";
            return Err(unsupported(&format!("it is a WAV file with {}, but only {supported}", codec_name(tag))));
        }
    };
    Ok(coding)
}

fn adpcm(tag: u16, body: &[u8], order: ByteOrder, block_bytes: u16, channels: u16) -> Result<Coding, AudioError> {
    let bits = order.u16_at(body, 14).unwrap_or_default();
    if bits != 4 {
        return Err(unsupported(&format!(
            "the file has ADPCM with {bits}-bit differences, but only 4-bit differences are supported"
        )));
    }
    let kind = if tag == tag::IMA_ADPCM { Adpcm::Ima } else { Adpcm::Microsoft(pairs(body, order)) };
    let capacity = kind.frames_in(usize::from(block_bytes), usize::from(channels));
    if capacity == 0 {
        let found = format!("blocks of {block_bytes} bytes are too small for {channels} channels of ADPCM");
        return Err(malformed(&found));
    }
    let declared = order.u16_at(body, 18).map_or(0, usize::from);
    let block_frames = if declared == 0 { capacity } else { declared.min(capacity) };
    Ok(Coding::Adpcm { kind, block_bytes, block_frames })
}

/// The file's pairs of predictor coefficients, or the seven of the specification if it has fewer.
fn pairs(body: &[u8], order: ByteOrder) -> Vec<(i16, i16)> {
    let count = usize::from(order.u16_at(body, 20).unwrap_or_default());
    let number = |at: usize| order.u16_at(body, at).map(u16::cast_signed);
    let pairs: Vec<_> = (0..count).map_while(|pair| number(22 + 4 * pair).zip(number(24 + 4 * pair))).collect();
    if pairs.len() < MICROSOFT_PAIRS.len() { MICROSOFT_PAIRS.to_vec() } else { pairs }
}

/// The most common formats that are not supported.
fn codec_name(tag: u16) -> String {
    match tag {
        0x0031 => "GSM 6.10 compression".to_owned(),
        0x0050 => "MPEG layer 1 or 2 inside".to_owned(),
        0x0055 => "MP3 inside".to_owned(),
        0x00FF => "AAC inside".to_owned(),
        0x0161 | 0x0162 => "Windows Media Audio inside".to_owned(),
        tag => format!("the unknown compression 0x{tag:04X}"),
    }
}
