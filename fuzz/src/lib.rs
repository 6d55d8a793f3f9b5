//! The checks of all fuzz targets.

use std::io::{Cursor, Read, Seek, SeekFrom};

use genrelens::audio::{Recording, open};

/// Usual length of a recording's block, in frames; a packet or a block of ADPCM may exceed it by `MAX_EXCESS`.
const BLOCK: usize = 16_384;
const MAX_EXCESS: usize = 131_072;

/// Decodes a file twice: from memory, and from a source that returns a few bytes at a time. There may be at most
/// `max_frames_per_byte` frames per byte; decoding ends after `max_frames`.
///
/// # Panics
///
/// If an invariant does not hold: finite samples, increasing fractions, bounded blocks, no more frames than the bytes can
/// hold, the same result from both sources.
pub fn decode(bytes: &[u8], max_frames_per_byte: usize, max_frames: usize) {
    // The size of reads must not matter: a browser's file comes in slices.
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
        _ => panic!("one source is decoded, the other refused"),
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
        assert!((1..=BLOCK + MAX_EXCESS).contains(&block.len()));
        frames += block.len();
        assert!(frames <= max_frames_per_byte * bytes.len(), "{frames} frames of {} bytes", bytes.len());
        // Long silence in few bytes would slow the fuzzer down without telling more.
        if frames > max_frames {
            return;
        }
    }
    assert!(block.is_empty() && fraction == 1.0 && frames > 0);
    check_warnings(&whole, &dribbled);
}

fn check_warnings(whole: &Recording, dribbled: &Recording) {
    let warnings = whole.warnings();
    assert_eq!(warnings, dribbled.warnings());
    assert!(warnings.iter().all(|sentence| sentence.ends_with('.')));
}

/// A source that returns 1 to 7 bytes at a time, as a slow one may.
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

/// Overwrites the beginning of a file with `beginning`, so that more inputs get past the detection of the format. Spaces in
/// `beginning` leave the byte as it is.
pub fn with_beginning(bytes: &[u8], beginning: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (byte, &wanted) in bytes.iter_mut().zip(beginning).filter(|(_, wanted)| **wanted != b' ') {
        *byte = wanted;
    }
    bytes
}
