//! What a file is, by its first bytes and never by its name.

use super::bytes::Order;
use super::error::{AudioError, FORMATS_READ, malformed, unsupported};
use super::source::Input;

/// How many bytes are looked at.
const HEAD_BYTES: usize = 16;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// WAV, RF64 or BW64; RIFX where the order is big-endian.
    Wav(Order),
    Au,
}

/// Where the format begins, in bytes, and how. ID3v2 tags before it are passed over: MP3 files have them, and taggers put
/// them before other formats too (ID3 tag version 2.4.0, 3.1).
pub(super) fn head(input: &mut Input) -> Result<(u64, Vec<u8>), AudioError> {
    let (mut start, mut head) = (0, Vec::new());
    loop {
        input.seek_to(start)?;
        input.read_at_most(HEAD_BYTES, &mut head)?;
        let &[b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] = head.as_slice() else {
            return Ok((start, head));
        };
        let length = [a, b, c, d].into_iter().fold(0, |length, bits| length << 7 | u64::from(bits & 0x7F));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        start += 10 + length + footer;
    }
}

/// The kind of a file that begins like this.
pub(super) fn of(head: &[u8]) -> Result<Kind, AudioError> {
    if head.is_empty() {
        return Err(malformed("the file is empty"));
    }
    if let Some(kind) = known(head) {
        return Ok(kind);
    }
    match unread(head) {
        Some(name) => Err(unsupported(&format!("it is {name}, and {FORMATS_READ} are read"))),
        None if head.len() < 12 => {
            Err(malformed(&format!("expected audio, but the file has only {} bytes", head.len())))
        }
        None => Err(malformed(&format!("it begins like no audio file that is known here; {FORMATS_READ} are read"))),
    }
}

fn known(head: &[u8]) -> Option<Kind> {
    match head {
        [b'R', b'I', b'F', b'F' | b'X', _, _, _, _, b'W', b'A', b'V', b'E', ..] => {
            Some(Kind::Wav(if head[3] == b'X' { Order::Big } else { Order::Little }))
        }
        [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'B', b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Kind::Wav(Order::Little)),
        [b'.', b's', b'n', b'd', ..] => Some(Kind::Au),
        _ => None,
    }
}

fn unread(head: &[u8]) -> Option<&'static str> {
    Some(match head {
        [0x1A, 0x45, 0xDF, 0xA3, ..] => "a WebM or Matroska file",
        [b'R', b'I', b'F', b'F' | b'X', ..] if head.len() >= 12 => "a RIFF file of another kind",
        [b'r', b'i', b'f', b'f', ..] => "a Wave64 file",
        // The head of ASF's GUID.
        [0x30, 0x26, 0xB2, 0x75, ..] => "a Windows Media file",
        [b'M', b'T', b'h', b'd', ..] => "a MIDI file, which holds notes and no sound",
        [b'c', b'a', b'f', b'f', ..] => "a Core Audio file",
        [b'w', b'v', b'p', b'k', ..] => "a WavPack file",
        [b'M', b'A', b'C', b' ', ..] => "a Monkey's Audio file",
        [b'D', b'S', b'D', b' ', ..] => "a DSD file",
        [b'#', b'!', b'A', b'M', b'R', ..] => "an AMR file",
        _ => return None,
    })
}
