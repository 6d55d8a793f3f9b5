//! What an Ogg file has lost (RFC 3533). The browser decodes such files, and says nothing of pages that it cannot use.

use super::bytes::ByteOrder::Little;

/// Every page begins with it.
const CAPTURE: &[u8; 4] = b"OggS";
/// Bytes of a page's header before its list of segments.
const HEADER_BYTES: usize = 27;
/// Where in the header the CRC is. It is computed with zeros there.
const CRC: std::ops::Range<usize> = 22..26;
/// The flag of a stream's first page, and that of its last one.
const BEGIN: u8 = 2;
const END: u8 = 4;
/// With more damaged places than this the rest of a file is not read: each costs the time of a page.
const MOST_DAMAGED: u32 = 1000;
/// The position of a page on which no packet ends.
const NO_POSITION: u64 = u64::MAX;

/// What is missing of the sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OggLoss {
    /// Pages that are damaged or missing.
    pub pages: u64,
    /// About how long their sound was, in seconds.
    pub seconds: f64,
    /// True if the last page is missing: how much, nobody knows.
    pub breaks_off: bool,
}

/// Reads the pages of a file. Its memory does not grow with the file: no page is larger than 65 307 bytes.
#[derive(Debug, Default)]
pub(crate) struct OggPages {
    /// What was not read yet.
    rest: Vec<u8>,
    damaged: u32,
    sound: Option<Sound>,
    pages: u64,
    seconds: f64,
}

/// The stream of the sound, up to its latest page that is not damaged.
#[derive(Debug)]
struct Sound {
    serial: u32,
    /// Positions per second.
    rate: u32,
    number: u32,
    position: u64,
    has_ended: bool,
}

impl OggPages {
    /// Reads the next part of the file.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.damaged < MOST_DAMAGED {
            self.rest.extend_from_slice(bytes);
        }
        let mut at = 0;
        while self.damaged < MOST_DAMAGED {
            let left = &self.rest[at..];
            if !left.starts_with(CAPTURE) {
                match left.windows(CAPTURE.len()).position(|window| window == CAPTURE) {
                    Some(found) => at += found,
                    None => {
                        // The capture pattern may have been cut in two.
                        at += left.len().saturating_sub(CAPTURE.len() - 1);
                        break;
                    }
                }
                continue;
            }
            let Some(length) = page_length(left).filter(|&length| length <= left.len()) else { break };
            let page = &left[..length];
            if Little.u32_at(page, CRC.start) == Some(crc(page)) {
                let page = page.to_vec();
                self.take(&page);
                at += length;
            } else {
                // Its length may be what is damaged.
                at += CAPTURE.len();
                self.damaged += 1;
            }
        }
        self.rest.drain(..at);
    }

    /// What is missing, after the whole file was read; `None` if that is nothing, or the file has no Opus or Vorbis.
    pub(crate) fn finish(self) -> Option<OggLoss> {
        let breaks_off = !self.sound?.has_ended;
        let loss = OggLoss { pages: self.pages, seconds: self.seconds, breaks_off };
        (loss.pages > 0 || breaks_off).then_some(loss)
    }

    fn take(&mut self, page: &[u8]) {
        let (flags, segments) = (page[5], usize::from(page[HEADER_BYTES - 1]));
        let field = |at| Little.u32_at(page, at).unwrap_or_default();
        let (serial, number) = (field(14), field(18));
        let position = u64::from(field(10)) << 32 | u64::from(field(6));
        if flags & BEGIN != 0 {
            // A file may have several streams, one after the other; each begins at a position of its own.
            if let Some(rate) = positions_per_second(&page[HEADER_BYTES + segments..]) {
                self.sound = Some(Sound { serial, rate, number, position: 0, has_ended: flags & END != 0 });
            }
            return;
        }
        let Some(sound) = self.sound.as_mut().filter(|sound| sound.serial == serial) else { return };
        let missing = number.wrapping_sub(sound.number).wrapping_sub(1);
        // A number that goes back is a page that was written twice, or a counter that began again.
        let missing = if missing > u32::MAX / 2 { 0 } else { missing };
        if position != NO_POSITION && position >= sound.position {
            let positions = (position - sound.position) as f64;
            self.seconds += positions / f64::from(sound.rate) * f64::from(missing) / (f64::from(missing) + 1.0);
            sound.position = position;
        }
        self.pages += u64::from(missing);
        sound.number = number;
        sound.has_ended |= flags & END != 0;
    }
}

/// The length of the page that begins here, in bytes; `None` if its header is not complete.
fn page_length(bytes: &[u8]) -> Option<usize> {
    let segments = usize::from(*bytes.get(HEADER_BYTES - 1)?);
    let lengths = bytes.get(HEADER_BYTES..HEADER_BYTES + segments)?;
    Some(HEADER_BYTES + segments + lengths.iter().map(|&length| usize::from(length)).sum::<usize>())
}

/// The rate of a stream's positions, from its first packet: of Opus (RFC 7845, 4) or Vorbis (Vorbis I, 4.2.2).
fn positions_per_second(packet: &[u8]) -> Option<u32> {
    if packet.starts_with(b"OpusHead") {
        Some(48_000)
    } else if packet.starts_with(b"\x01vorbis") {
        Little.u32_at(packet, 12).filter(|&rate| rate > 0)
    } else {
        None
    }
}

/// The CRC-32 of a page: the polynomial 0x04C11DB7, the highest bit first, without a start or end value.
fn crc(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0, |crc, (at, &byte)| {
        let byte = if CRC.contains(&at) { 0 } else { byte };
        TABLE[usize::from((crc >> 24) as u8 ^ byte)] ^ crc << 8
    })
}

/// The CRC of every byte.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04C1_1DB7 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of a stream with one packet, whose position is the end of its sound.
    fn page(number: u32, flags: u8, position: u64, packet: &[u8]) -> Vec<u8> {
        let mut page = [CAPTURE.as_slice(), &[0, flags], &position.to_le_bytes(), &7_u32.to_le_bytes()].concat();
        page.extend(number.to_le_bytes());
        page.extend([0; 4]);
        page.extend([1, packet.len() as u8]);
        page.extend(packet);
        let crc = crc(&page).to_le_bytes();
        page[CRC].copy_from_slice(&crc);
        page
    }

    /// An Opus file of twenty pages of a tenth of a second each, after its two headers.
    fn pages() -> Vec<Vec<u8>> {
        let sound = (1..=20_u32).map(|index| {
            let flags = if index == 20 { END } else { 0 };
            page(index + 1, flags, 4_800 * u64::from(index), &[index as u8; 200])
        });
        [page(0, BEGIN, 0, b"OpusHead\x01\x01"), page(1, 0, 0, b"OpusTags")].into_iter().chain(sound).collect()
    }

    /// What is lost of a file that comes in parts of so many bytes.
    fn loss(file: &[u8], part: usize) -> Option<OggLoss> {
        let mut pages = OggPages::default();
        file.chunks(part).for_each(|part| pages.push(part));
        pages.finish()
    }

    #[test]
    fn the_crc_is_that_of_real_files() {
        // The first page of a file that ffmpeg made.
        let page = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0C^\xC1\xA1\x01\x13OpusHead\x01\x018\x01\xC0]\0\0\0\0\0";
        assert_eq!(Little.u32_at(page, CRC.start), Some(crc(page)));
    }

    #[test]
    fn a_whole_file_has_lost_nothing() {
        let file = pages().concat();
        for part in [1, 3, 1000, file.len()] {
            assert_eq!(loss(&file, part), None, "in parts of {part}");
        }
    }

    #[test]
    fn what_a_damaged_opus_file_lost_is_found() {
        let mut damaged = pages();
        // In the sound of one page, in the length of another, and one that is not there at all.
        damaged[5][100] ^= 1;
        damaged[9][HEADER_BYTES] = 255;
        damaged.remove(14);
        let file = damaged.concat();
        for part in [1, 50, file.len()] {
            let lost = loss(&file, part).unwrap();
            assert_eq!((lost.pages, lost.breaks_off), (3, false), "in parts of {part}");
            assert!((lost.seconds - 0.3).abs() < 1e-9, "{lost:?}");
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_told_from_one_that_ends() {
        let file = pages().concat();
        for length in [file.len() - 1, file.len() / 2, 60] {
            let lost = loss(&file[..length], 1000).unwrap();
            assert_eq!((lost.pages, lost.breaks_off), (0, true), "of {length} bytes");
        }
        let twice = [pages().concat(), pages().concat()].concat();
        assert_eq!(loss(&twice, 1000), None, "one stream after another");
    }

    #[test]
    fn other_files_say_nothing() {
        let other = [page(0, BEGIN, 0, b"\x7FFLAC\x01"), b"OggSOggSOggS".to_vec()].concat();
        for file in [other.as_slice(), b"", b"Ogg", &[b'O'; 3000], &pages().concat()[30..]] {
            assert_eq!(loss(file, 7), None);
        }
    }

    #[test]
    fn a_file_of_page_beginnings_costs_no_more_time_than_it_has_pages() {
        let file = [page(0, BEGIN, 0, b"OpusHead\x01\x01"), b"OggS".repeat(4 << 20)].concat();
        assert!(loss(&file, 1 << 20).is_some_and(|lost| lost.breaks_off));
    }

    #[test]
    fn positions_and_numbers_at_their_limits_are_no_harm() {
        let far = [
            page(0, BEGIN, 0, b"OpusHead\x01\x01"),
            page(u32::MAX, 0, NO_POSITION, b"a"),
            page(0, 0, NO_POSITION - 1, b"b"),
            page(0x7FFF_FFFF, END, 5, b"c"),
        ];
        assert!(loss(&far.concat(), 64).is_none_or(|lost| lost.seconds.is_finite()));
    }
}
