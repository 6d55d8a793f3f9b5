//! Detects a file's format by its first bytes, never by its name.

use super::bytes::ByteOrder;
use super::compressed::mp3_frame;
use super::error::{AudioError, FORMATS_READ, malformed, unsupported};
use super::source::Input;
use super::tags;

/// How far the first MP3 frame is searched for in a file that is not recognized, in bytes.
const SEARCHED_BYTES: usize = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFormat {
    /// WAV, RF64 or BW64; RIFX if the byte order is big-endian.
    Wav(ByteOrder),
    Au,
    /// AIFF or AIFF-C.
    Aiff,
    Flac,
    /// AAC in ADTS frames.
    Adts,
    Mp3,
    Mp4,
}

/// Detects the format, and makes `input` begin after its ID3v2 and APEv2 tags: MP3 files have them, and taggers put them
/// before other formats too. It also ends before the tags at its end if the format does not tell its own end.
pub(super) fn detect(input: &mut Input) -> Result<FileFormat, AudioError> {
    let format = detect_behind_tags(input)?;
    if matches!(format, FileFormat::Mp3 | FileFormat::Adts | FileFormat::Flac) {
        tags::cut_off_end(input)?;
    }
    Ok(format)
}

fn detect_behind_tags(input: &mut Input) -> Result<FileFormat, AudioError> {
    let (mut start, mut header, mut tagged) = (0, Vec::new(), false);
    loop {
        input.seek_to(start)?;
        input.read_at_most(tags::HEADER_BYTES, &mut header)?;
        // An ID3v1 tag only stands at the end.
        let Some(length) = tags::length(&header).filter(|_| !header.starts_with(b"TAG")) else { break };
        (start, tagged) = (start + length, true);
    }
    input.seek_to(start)?;
    input.begin_here();
    match (supported_format(&header), unsupported_format(&header)) {
        (Some(format), _) => Ok(format),
        (None, None) if find_mp3_frame(input)? => Ok(FileFormat::Mp3),
        // The MP3 reader itself searches for the first frame, however far it is.
        (None, None) if tagged && !header.is_empty() => Ok(FileFormat::Mp3),
        (None, _) if tagged && header.is_empty() => Err(malformed("it is an MP3 file with nothing after its tag")),
        _ => Err(not_read(&header)),
    }
}

/// True if a file that begins so is audio of any format, read here or not.
pub fn begins_as_audio(start: &[u8]) -> bool {
    let is_tagged = tags::length(start).is_some() && !start.starts_with(b"TAG");
    supported_format(start).is_some() || unsupported_format(start).is_some() || is_tagged
}

/// Makes `input` begin at the first MP3 frame, which is not at byte 0 in files that were cut from a stream or padded.
/// Returns false if there is none.
fn find_mp3_frame(input: &mut Input) -> Result<bool, AudioError> {
    let mut bytes = Vec::new();
    input.seek_to(0)?;
    input.read_at_most(SEARCHED_BYTES, &mut bytes)?;
    let found = mp3_frame::find(&bytes, bytes.len() < SEARCHED_BYTES).map(|(at, _)| at);
    input.seek_to(found.unwrap_or_default() as u64)?;
    input.begin_here();
    Ok(found.is_some())
}

fn supported_format(header: &[u8]) -> Option<FileFormat> {
    let order = |riff: &[u8]| if riff == b"RIFX" { ByteOrder::Big } else { ByteOrder::Little };
    Some(match (header.get(..4)?, header.get(4..8), header.get(8..12)) {
        (riff @ (b"RIFF" | b"RIFX" | b"RF64" | b"BW64"), _, Some(b"WAVE")) => FileFormat::Wav(order(riff)),
        (b".snd", ..) => FileFormat::Au,
        (b"FORM", _, Some(b"AIFF" | b"AIFC")) => FileFormat::Aiff,
        (b"fLaC", ..) => FileFormat::Flac,
        // Behind the size of the first box (ISO 14496-12, 4.3).
        (_, Some(b"ftyp"), _) => FileFormat::Mp4,
        // The sync word of MPEG audio (ISO 11172-3, 2.4.2.3): layer III, or zero, which is AAC's (ISO 13818-7, 6.2).
        ([0xFF, second, ..], ..) if second & 0xF6 == 0xF0 => FileFormat::Adts,
        ([0xFF, second, ..], ..) if second & 0xE6 == 0xE2 => FileFormat::Mp3,
        _ => return None,
    })
}

fn not_read(header: &[u8]) -> AudioError {
    match unsupported_format(header) {
        Some(name) => unsupported(&format!("it is {name}, but only {FORMATS_READ} are supported")),
        None if header.is_empty() => malformed("the file is empty"),
        None if header.len() < 12 => {
            let plural = if header.len() == 1 { "" } else { "s" };
            malformed(&format!("expected audio, but the file has only {} byte{plural}", header.len()))
        }
        None => malformed(&format!("it is not a known audio file; only {FORMATS_READ} are supported")),
    }
}

fn unsupported_format(header: &[u8]) -> Option<&'static str> {
    Some(match header {
        [b'O', b'g', b'g', b'S', ..] => "an Ogg file",
        [0x1A, 0x45, 0xDF, 0xA3, ..] => "a WebM or Matroska file",
        [b'R', b'I', b'F', b'F' | b'X', ..] if header.len() >= 12 => "a RIFF file of another kind",
        [b'r', b'i', b'f', b'f', ..] => "a Wave64 file",
        // The first bytes of ASF's GUID.
        [0x30, 0x26, 0xB2, 0x75, ..] => "a Windows Media file",
        [b'M', b'T', b'h', b'd', ..] => "a MIDI file, which holds notes but no sound",
        [b'c', b'a', b'f', b'f', ..] => "a Core Audio file",
        [b'w', b'v', b'p', b'k', ..] => "a WavPack file",
        [b'M', b'A', b'C', b' ', ..] => "a Monkey's Audio file",
        [b'D', b'S', b'D', b' ', ..] => "a DSD file",
        [b'#', b'!', b'A', b'M', b'R', ..] => "an AMR file",
        [_, _, _, _, b'm', b'o', b'o', b'v', ..] | [_, _, _, _, b'm', b'd', b'a', b't', ..] => "an old QuickTime file",
        // Layer II. Layer I is left out: its two bytes are also the byte order mark of UTF-16 text, and nobody has such
        // files.
        [0xFF, second, ..] if second & 0xE6 == 0xE4 => "an MP2 file",
        _ => return None,
    })
}
