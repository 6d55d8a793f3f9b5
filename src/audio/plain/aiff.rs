//! AIFF and AIFF-C files: big-endian chunks, and big-endian samples except for Apple's `sowt`.
//!
//! Not read by Symphonia, whose reader refuses files that are cut short and links the text encodings of its tags.
//!
//! Source: Apple, Audio Interchange File Format 1.3 (1989) and AIFF-C draft (1991).

use super::chunks::{Chunk, Chunks};
use super::pcm::{Coding, Layout, Pcm, Span};
use crate::audio::bytes::ByteOrder;
use crate::audio::error::{AudioError, malformed, unsupported};
use crate::audio::source::Input;
use crate::audio::stream::{check_limits, no_audio};

/// Opens a file that begins with FORM and AIFF or AIFC.
pub(in crate::audio) fn open(mut input: Input) -> Result<Pcm, AudioError> {
    let (mut common, mut sound) = (None, None);
    let mut chunks = Chunks::new(ByteOrder::Big);
    while let Some(chunk) = chunks.next(&mut input)? {
        match &chunk.id {
            b"COMM" => common = Some(parse(&chunk.head(&mut input)?)?),
            b"SSND" => sound = Some(span(&mut input, &chunk)?),
            _ => {}
        }
        if common.is_some() && sound.is_some() {
            break;
        }
    }
    let missing = |id| malformed(&format!("expected a '{id}' chunk, but the file has none"));
    let layout = common.ok_or_else(|| missing("COMM"))?;
    let span = sound.ok_or_else(|| missing("SSND"))?;
    if layout.frames_in(span.length) == 0 {
        return Err(no_audio());
    }
    Pcm::new(input, layout, span, None)
}

/// The samples follow an offset and a block size, both zero in most files.
fn span(input: &mut Input, chunk: &Chunk) -> Result<Span, AudioError> {
    let head = chunk.head(input)?;
    let before = 8 + u64::from(ByteOrder::Big.u32_at(&head, 0).unwrap_or_default());
    chunk.span(input, before, ByteOrder::Big)
}

/// Reads a `COMM` chunk. Its number of frames tells no more than the sound chunk's length, and some writers leave it 0.
fn parse(body: &[u8]) -> Result<Layout, AudioError> {
    let short = || malformed(&format!("expected a 'COMM' chunk of 18 bytes or more, but it has {}", body.len()));
    let word = |at: usize| ByteOrder::Big.u16_at(body, at).ok_or_else(short);
    let (channels, bits) = (word(0)?, word(6)?);
    let rate = body.get(8..18).and_then(|bytes| bytes.first_chunk()).ok_or_else(short)?;
    let sample_rate = from_extended(rate);
    check_limits(usize::from(channels), sample_rate)?;
    let compression = body.get(18..).and_then(|rest| rest.first_chunk::<4>());
    let (coding, order) = coding(compression.unwrap_or(b"NONE"), bits)?;
    Ok(Layout { coding, order, channels, sample_rate })
}

/// The coding of an AIFF-C compression type. Samples are left-justified in the bytes that they need.
fn coding(compression: &[u8; 4], bits: u16) -> Result<(Coding, ByteOrder), AudioError> {
    let order = if compression == b"sowt" { ByteOrder::Little } else { ByteOrder::Big };
    let coding = match (compression, bits) {
        (b"NONE" | b"twos" | b"sowt", 1..=8) => Coding::SignedByte,
        (b"NONE" | b"twos" | b"sowt", 9..=32) => {
            let bytes = bits.div_ceil(8);
            Coding::Integer { bytes, bits: 8 * bytes }
        }
        (b"raw ", 8) => Coding::Integer { bytes: 1, bits: 8 },
        (b"in24", _) => Coding::Integer { bytes: 3, bits: 24 },
        (b"in32", _) => Coding::Integer { bytes: 4, bits: 32 },
        (b"fl32" | b"FL32", _) => Coding::Float32,
        (b"fl64" | b"FL64", _) => Coding::Float64,
        (b"alaw" | b"ALAW", _) => Coding::ALaw,
        (b"ulaw" | b"ULAW", _) => Coding::MuLaw,
        (b"NONE" | b"twos" | b"sowt", bits) => {
            return Err(malformed(&format!("expected samples of 1 to 32 bits, but the file says {bits}")));
        }
        (other, _) => {
            let letter = |&byte: &u8| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '?' };
            let name: String = other.iter().map(letter).collect();
            let name = name.trim_end();
            let supported = "integers, floats, A-law and µ-law are supported";
            let wide = if other == b"raw " { format!(" of {bits} bits") } else { String::new() };
            let found = format!("it is an AIFF file with the compression '{name}'{wide}, but only {supported}");
            return Err(unsupported(&found));
        }
    };
    Ok((coding, order))
}

/// An 80-bit float (IEEE 754 extended), rounded to a whole rate in Hz; 0 if it cannot be a rate.
fn from_extended(bytes: &[u8; 10]) -> u32 {
    let exponent = i32::from(u16::from_be_bytes([bytes[0], bytes[1]])) - 16_383;
    let mantissa = bytes[2..].iter().fold(0_u64, |mantissa, &byte| mantissa << 8 | u64::from(byte));
    if !(0..32).contains(&exponent) {
        return 0;
    }
    // The mantissa's bit 63 is the integer bit. One bit more is kept to round.
    let rounded = (mantissa >> (62 - exponent)).wrapping_add(1) >> 1;
    u32::try_from(rounded).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_floats_are_rates() {
        assert_eq!(from_extended(b"\x40\x0E\xAC\x44\0\0\0\0\0\0"), 44_100);
        assert_eq!(from_extended(b"\x40\x0B\xFA\0\0\0\0\0\0\0"), 8_000);
        assert_eq!(from_extended(b"\x40\x0D\xAC\x44\x80\0\0\0\0\0"), 22_050);
        for none in [[0; 10], [0xFF; 10], *b"\xC0\x0E\xAC\x44\0\0\0\0\0\0"] {
            assert_eq!(from_extended(&none), 0);
        }
    }
}
