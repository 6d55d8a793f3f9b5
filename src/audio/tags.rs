//! Tags that taggers put before, between and behind the frames of any format: they are no sound, and the pictures in them
//! hold bytes that look like frames.
//!
//! Source: ID3 tag version 2.4.0 (structure) and ID3v1, APE tag version 2, Lyrics3 version 2.00.

use super::bytes::ByteOrder;
use super::error::AudioError;
use super::source::Input;

/// Bytes that tell whether a tag begins, and how long it is.
pub(super) const HEADER_BYTES: usize = 16;
const ID3V1_BYTES: u64 = 128;
/// A file has one tag of each kind at its end, perhaps twice.
const MAX_TAGS_AT_END: usize = 8;

/// Length in bytes of the tag that begins here, if one does. Needs [`HEADER_BYTES`].
pub(super) fn length(header: &[u8]) -> Option<u64> {
    match header {
        &[b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] => {
            // The flag tells that a footer of 10 bytes follows (ID3v2.4.0, 3.1).
            Some(seven_bits([a, b, c, d]) + if flags & 0x10 == 0 { 10 } else { 20 })
        }
        // A tag with a header, of 32 bytes, which its length does not count.
        [b'A', b'P', b'E', b'T', b'A', b'G', b'E', b'X', rest @ ..] => {
            ByteOrder::Little.u32_at(rest, 4).map(|n| 32 + u64::from(n))
        }
        [b'T', b'A', b'G', ..] => Some(ID3V1_BYTES),
        _ => None,
    }
}

/// Makes `input` end before the tags at its end.
pub(super) fn cut_off_end(input: &mut Input) -> Result<(), AudioError> {
    let mut bytes = Vec::new();
    for _ in 0..MAX_TAGS_AT_END {
        let end = input.length();
        let begin = end.saturating_sub(ID3V1_BYTES);
        input.seek_to(begin)?;
        input.read_at_most(ID3V1_BYTES as usize, &mut bytes)?;
        let Some(length) = length_before(&bytes).filter(|&length| length <= end) else { break };
        input.end_at(end - length);
    }
    input.seek_to(0)
}

/// Length in bytes of the tag that ends here, if one does: `bytes` are the last ones before its end.
fn length_before(bytes: &[u8]) -> Option<u64> {
    if bytes.len() as u64 == ID3V1_BYTES && bytes.starts_with(b"TAG") {
        return Some(ID3V1_BYTES);
    }
    let last = |count: usize| bytes.len().checked_sub(count).map(|at| &bytes[at..]);
    // The footer counts itself; bit 31 of its flags tells of a header of 32 bytes more.
    if let Some([b'A', b'P', b'E', b'T', b'A', b'G', b'E', b'X', fields @ ..]) = last(32) {
        let header = ByteOrder::Little.u32_at(fields, 12)? >> 31;
        return Some(u64::from(ByteOrder::Little.u32_at(fields, 4)?) + 32 * u64::from(header));
    }
    // Six digits: the bytes before them.
    if let Some([digits @ .., b'L', b'Y', b'R', b'I', b'C', b'S', b'2', b'0', b'0']) = last(15) {
        return Some(std::str::from_utf8(digits).ok()?.parse::<u64>().ok()? + 15);
    }
    match last(10) {
        Some(&[b'3', b'D', b'I', _, _, _, a, b, c, d]) => Some(seven_bits([a, b, c, d]) + 20),
        _ => None,
    }
}

/// A number of four bytes of 7 bits each.
fn seven_bits(bytes: [u8; 4]) -> u64 {
    bytes.into_iter().fold(0, |number, bits| number << 7 | u64::from(bits & 0x7F))
}
