//! The chunks of a RIFF WAVE file, and what other files look like.
//!
//! hound reads strictly; the files people have are looser. Walking the chunks here lets three common oddities pass:
//! chunks of odd length with their pad byte, a data chunk that claims more than the file holds (an interrupted
//! download, or a stream whose writer put 0xFFFFFFFF), and a wrong byte rate, which no reader needs.
//!
//! Source: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0 (1991), and Microsoft's
//! `WAVEFORMATEXTENSIBLE`.

use super::WavError;
use super::wav::{malformed, unsupported};

/// Integer samples.
const TAG_PCM: u16 = 1;
/// Floating-point samples.
const TAG_FLOAT: u16 = 3;
/// The true tag stands at the head of a GUID, further on.
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// What a file's `fmt ` chunk says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    /// True for floats, false for integers.
    pub float: bool,
    pub channels: u16,
    /// In Hz.
    pub sample_rate: u32,
    /// Bytes that one sample of one channel occupies.
    pub sample_bytes: u16,
    /// Bits of a sample.
    pub bits: u16,
}

impl Format {
    /// Bytes that one sample of every channel occupies together.
    pub fn frame_bytes(&self) -> usize {
        usize::from(self.channels) * usize::from(self.sample_bytes)
    }

    /// The plainest header that says the same, for `data_bytes` bytes of data.
    pub fn plain_header(&self, data_bytes: u32) -> Vec<u8> {
        let tag = if self.float { TAG_FLOAT } else { TAG_PCM };
        let frame_bytes = self.channels * self.sample_bytes;
        let byte_rate = self.sample_rate.saturating_mul(u32::from(frame_bytes));
        let mut header = b"RIFF".to_vec();
        header.extend(data_bytes.saturating_add(36).to_le_bytes());
        header.extend(b"WAVEfmt \x10\0\0\0");
        header.extend([tag, self.channels].map(u16::to_le_bytes).as_flattened());
        header.extend([self.sample_rate, byte_rate].map(u32::to_le_bytes).as_flattened());
        header.extend([frame_bytes, self.bits].map(u16::to_le_bytes).as_flattened());
        header.extend(b"data");
        header.extend(data_bytes.to_le_bytes());
        header
    }
}

/// The format and the bytes of the samples, as many as there are.
pub(super) fn format_and_data(bytes: &[u8]) -> Result<(Format, &[u8]), WavError> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(not_a_wav(bytes));
    }
    let mut format = None;
    let mut rest = &bytes[12..];
    while let Some((id, length)) = chunk_header(rest) {
        let whole = &rest[8..];
        let body = &whole[..length.min(whole.len())];
        match (id, format) {
            (b"fmt ", _) => format = Some(parse_format(body)?),
            (b"data", Some(format)) => return Ok((format, body)),
            (b"data", None) => return Err(missing("fmt", "the file's data comes first")),
            _ => {}
        }
        rest = after_padding(&whole[body.len()..], length);
    }
    Err(missing(if format.is_some() { "data" } else { "fmt " }, "the file ends before it"))
}

fn missing(id: &str, found: &str) -> WavError {
    malformed(&format!("expected a '{id}' chunk, but {found}"))
}

fn chunk_header(rest: &[u8]) -> Option<(&[u8; 4], usize)> {
    let (id, rest) = rest.split_first_chunk::<4>()?;
    let (length, _) = rest.split_first_chunk::<4>()?;
    Some((id, u32::from_le_bytes(*length) as usize))
}

/// Chunks begin at even places. Some writers forget, so the pad byte is skipped only where it is one: no name of a
/// chunk begins with zero.
fn after_padding(rest: &[u8], length: usize) -> &[u8] {
    match rest {
        [0, rest @ ..] if length % 2 == 1 => rest,
        _ => rest,
    }
}

fn parse_format(body: &[u8]) -> Result<Format, WavError> {
    let short = || malformed(&format!("expected a 'fmt' chunk of 16 bytes or more, but it has {}", body.len()));
    let word = |at: usize| body.get(at..at + 2).map(|word| u16::from_le_bytes([word[0], word[1]])).ok_or_else(short);
    let (channels, frame_bytes, bits) = (word(2)?, word(12)?, word(14)?);
    let sample_rate = u32::from(word(4)?) | u32::from(word(6)?) << 16;
    let tag = match word(0)? {
        TAG_EXTENSIBLE => word(24)?,
        tag => tag,
    };
    if !matches!(tag, TAG_PCM | TAG_FLOAT) {
        return Err(unsupported(&format!("it is a WAV file with {}, and only uncompressed ones are read", codec(tag))));
    }
    let Some(sample_bytes) = frame_bytes.checked_div(channels) else {
        return Err(malformed("expected 1 to 8 channels, but the file says it has none"));
    };
    // The valid bits of an extensible format are ignored: they are left-justified, so the whole container is right.
    Ok(Format { float: tag == TAG_FLOAT, channels, sample_rate, sample_bytes, bits })
}

/// Microsoft's registered numbers (`mmreg.h`) of what is met most.
fn codec(tag: u16) -> String {
    match tag {
        0x0002 => "ADPCM compression".to_owned(),
        0x0006 => "A-law compression".to_owned(),
        0x0007 => "µ-law compression".to_owned(),
        0x0011 => "IMA ADPCM compression".to_owned(),
        0x0055 => "MP3 inside".to_owned(),
        tag => format!("the unknown compression 0x{tag:04X}"),
    }
}

/// Names the file by its first bytes, where they are known.
fn not_a_wav(bytes: &[u8]) -> WavError {
    if bytes.is_empty() {
        return malformed("the file is empty");
    }
    match kind(bytes) {
        Some(kind) => unsupported(&format!("it is {kind}, and only WAV files are read")),
        None if bytes.len() < 12 => malformed(&format!("expected a WAV file, but it has only {} bytes", bytes.len())),
        None => malformed("it is not a WAV file: it does not begin with RIFF and WAVE"),
    }
}

fn kind(bytes: &[u8]) -> Option<&'static str> {
    let (at_four, at_eight) = (bytes.get(4..8)?, bytes.get(8..12)?);
    Some(match bytes {
        [b'I', b'D', b'3', ..] => "an MP3 file",
        // The sync word of MPEG audio (ISO 11172-3); layer bits of zero are AAC's, in ADTS frames (ISO 13818-7).
        [0xFF, second, ..] if second & 0xF6 == 0xF0 => "an AAC file",
        [0xFF, second, ..] if second & 0xE0 == 0xE0 => "an MP3 file",
        [b'f', b'L', b'a', b'C', ..] => "a FLAC file",
        [b'O', b'g', b'g', b'S', ..] => "an Ogg file",
        [b'.', b's', b'n', b'd', ..] => "a Sun AU file",
        [0x1A, 0x45, 0xDF, 0xA3, ..] => "a WebM or Matroska file",
        [b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..] => "an RF64 file",
        [b'R', b'I', b'F', b'X', ..] => "a big-endian RIFX file",
        [b'r', b'i', b'f', b'f', ..] => "a Wave64 file",
        [b'F', b'O', b'R', b'M', ..] if at_eight.starts_with(b"AIF") => "an AIFF file",
        [b'R', b'I', b'F', b'F', ..] => "a RIFF file of another kind",
        _ if at_four == b"ftyp" => "an M4A or MP4 file",
        _ => return None,
    })
}
