//! What every target asks of `genrelens::audio`.

use std::io::{Cursor, Read, Seek, SeekFrom};

use genrelens::audio::{Recording, open};

/// Blocks of a recording are about as long as this; a packet or a block of ADPCM may exceed it by as much as `LONGEST`.
const BLOCK: usize = 16_384;
const LONGEST: usize = 131_072;

/// InputKind all of a file, twice: as a whole, and from a source that gives a few bytes at a time. At most `frames_a_byte`
/// frames may come of a byte; after `most` frames the rest is left alone.
///
/// # Panics
///
/// Where an invariant does not hold: finite samples, ascending fractions, bounded blocks, frames in proportion to bytes,
/// the same from both sources.
pub fn decode(bytes: &[u8], frames_a_byte: usize, most: usize) {
    let whole = open(Cursor::new(bytes.to_vec()));
    let dribbled = open(Dribble { inner: Cursor::new(bytes.to_vec()), count: 0 });
    let (mut whole, mut dribbled) = match (whole, dribbled) {
        (Ok(whole), Ok(dribbled)) => (whole, dribbled),
        (Err(whole), Err(dribbled)) => {
            assert_eq!(whole, dribbled);
            assert!(
                whole.to_string().starts_with(|first: char| first.is_lowercase()) && !whole.to_string().ends_with('.')
            );
            return;
        }
        _ => panic!("one source is read, the other refused"),
    };
    assert!((8_000..=192_000).contains(&whole.sample_rate()));
    let (mut block, mut other) = (Vec::new(), Vec::new());
    let (mut frames, mut fraction) = (0, 0.0);
    loop {
        let more = whole.next_block(&mut block);
        assert_eq!(more, dribbled.next_block(&mut other));
        assert!(block == other, "blocks differ after {frames} frames");
        assert!(block.iter().all(|sample| sample.is_finite()));
        assert!((fraction..=1.0).contains(&whole.fraction()));
        fraction = whole.fraction();
        if !more.unwrap_or_default() {
            break;
        }
        assert!((1..=BLOCK + LONGEST).contains(&block.len()));
        frames += block.len();
        assert!(frames <= frames_a_byte * bytes.len(), "{frames} frames of {} bytes", bytes.len());
        if frames > most {
            return;
        }
    }
    assert!(block.is_empty() && fraction == 1.0 && frames > 0);
    said(&whole, &dribbled);
}

fn said(whole: &Recording, dribbled: &Recording) {
    let warnings = whole.warnings();
    assert_eq!(warnings, dribbled.warnings());
    assert!(warnings.iter().all(|sentence| sentence.ends_with('.')));
}

/// A source that gives 1 to 7 bytes at a time, as a slow one may.
struct Dribble {
    inner: Cursor<Vec<u8>>,
    count: usize,
}

impl Read for Dribble {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.count = self.count % 7 + 1;
        let count = self.count.min(bytes.len());
        self.inner.read(&mut bytes[..count])
    }
}

impl Seek for Dribble {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Writes over the beginning of a file what a reader looks for; bytes that are spaces stay.
pub fn repaired(bytes: &[u8], beginning: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (byte, &wanted) in bytes.iter_mut().zip(beginning).filter(|(_, wanted)| **wanted != b' ') {
        *byte = wanted;
    }
    bytes
}
