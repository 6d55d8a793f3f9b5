//! Files that are cut, damaged or huge: the intact parts are decoded, nothing panics, and memory stays bounded.
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use genrelens::audio::{AudioError, Recording, open};

use crate::helpers::{fmt_chunk, folder, random, sample};

/// Most memory that a file of 10 KB may take.
const MOST_BYTES: usize = 8 << 20;

/// Counts the bytes that this thread has allocated. Other threads run other tests at the same time.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that ends has no counters any more, but still frees memory.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Most bytes that `work` has allocated at a time.
fn peak_of(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    work();
    (PEAK.get() - before) as usize
}

/// The files of a folder with their names, in a fixed order.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "py"));
    paths.sort();
    paths
        .iter()
        .map(|path| (path.file_name().unwrap().to_string_lossy().into(), std::fs::read(path).unwrap()))
        .collect()
}

/// True for formats whose samples do not depend on the bytes after them.
fn is_uncompressed(name: &str) -> bool {
    [".wav", ".au", ".aiff"].iter().any(|ending| name.ends_with(ending))
}

/// All samples, or the first 2^20, with checks of every block.
fn decoded(bytes: &[u8]) -> Result<Vec<f32>, AudioError> {
    let mut recording = open(Cursor::new(bytes.to_vec()))?;
    let (mut all, mut block) = (Vec::new(), Vec::new());
    while all.len() < 1 << 20 && recording.next_block(&mut block)? {
        assert!(!block.is_empty() && block.iter().all(|sample| sample.is_finite()));
        all.extend_from_slice(&block);
    }
    assert!(!all.is_empty() && recording.warnings().iter().all(|sentence| sentence.ends_with('.')));
    Ok(all)
}

#[test]
fn the_intact_part_of_a_file_cut_anywhere_is_decoded() {
    for (name, bytes) in files(&folder()) {
        let whole = decoded(&bytes).unwrap_or_default();
        for cut in (0..bytes.len()).step_by(if bytes.len() > 2_000 { 7 } else { 1 }) {
            if let Ok(part) = decoded(&bytes[..cut]) {
                assert!(part.len() <= whole.len() + 65_536, "{name}, cut at {cut}");
                let same = !is_uncompressed(&name) || whole.starts_with(&part);
                assert!(same, "{name}, cut at {cut}: other samples");
            }
        }
    }
}

#[test]
fn damaged_bytes_never_panic_and_take_little_memory() {
    for (name, bytes) in files(&folder()) {
        let mut numbers = random(bytes.len() as u64);
        let mut random = |below: usize| numbers() as usize % below;
        for round in 0..80 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + round % 5 {
                // Every other round damages the header, which breaks more.
                let within = if round % 2 == 0 { bytes.len().min(200) } else { bytes.len() };
                damaged[random(within)] = if round % 3 == 0 { 0xFF } else { random(256) as u8 };
            }
            let mut frames = 0;
            let peak = peak_of(|| frames = decoded(&damaged).map_or(0, |samples| samples.len()));
            // `decoded` itself keeps all samples, and its vector doubles.
            let most = MOST_BYTES + 3 * 4 * frames;
            assert!(peak < most, "{name}, round {round}: {peak} bytes for {} and {frames} frames", bytes.len());
        }
    }
}

#[test]
fn inputs_that_fuzzing_found_stay_fixed() {
    for (name, bytes) in files(&folder().join("crashes")) {
        let peak = peak_of(|| drop(decoded(&bytes).map(|samples| samples.len())));
        assert!(peak < 2 * MOST_BYTES, "{name}: {peak} bytes");
    }
}

/// A file too long for the disk: some bytes at some positions, the same byte everywhere else.
struct Sparse {
    parts: Vec<(u64, Vec<u8>)>,
    fill: u8,
    length: u64,
    position: u64,
}

impl Read for Sparse {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = (self.length - self.position).min(bytes.len() as u64) as usize;
        bytes[..count].fill(self.fill);
        for (begin, part) in &self.parts {
            for (index, &byte) in part.iter().enumerate() {
                let at = (begin + index as u64).wrapping_sub(self.position);
                if at < count as u64 {
                    bytes[at as usize] = byte;
                }
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => self.position.checked_add_signed(by).unwrap(),
            SeekFrom::End(by) => self.length.checked_add_signed(by).unwrap(),
        };
        Ok(self.position)
    }
}

/// A `fmt ` chunk of 16-bit mono at 8 kHz, and the header of a data chunk.
fn format_and_data(data_bytes: u32) -> Vec<u8> {
    [fmt_chunk(1, 1, 8_000, 16, &[]), b"data".to_vec(), data_bytes.to_le_bytes().to_vec()].concat()
}

fn all_blocks(recording: &mut Recording) -> u64 {
    let (mut block, mut frames) = (Vec::new(), 0);
    while recording.next_block(&mut block).unwrap() {
        frames += block.len() as u64;
    }
    frames
}

/// EBU Tech 3306: the lengths of 4 GB and more stand in `ds64`.
#[test]
fn sound_beyond_4_gb_of_an_rf64_file_is_decoded() {
    let junk = 5_000_000_000_u64;
    let tail = format_and_data(u32::MAX);
    let sound = 80_000_u64;
    let data_at = 12 + 8 + 40 + 8 + junk;
    let mut head = b"RF64\xFF\xFF\xFF\xFFWAVEds64\x28\0\0\0".to_vec();
    head.extend([data_at + tail.len() as u64 + sound - 8, sound, sound / 2].map(u64::to_le_bytes).concat());
    head.extend([b"\x01\0\0\0junk".as_slice(), &junk.to_le_bytes(), b"junk\xFF\xFF\xFF\xFF"].concat());
    let length = data_at + tail.len() as u64 + sound + 100;
    let sparse = Sparse { parts: vec![(0, head), (data_at, tail)], fill: 1, length, position: 0 };
    let mut recording = open(sparse).unwrap();
    assert_eq!(recording.duration_seconds(), Some(5.0));
    assert_eq!(all_blocks(&mut recording), 40_000);
    assert_eq!((recording.fraction(), recording.warnings()), (1.0, Vec::new()));
}

/// A data chunk beyond 4 GB whose length is only in `ds64`: 78 hours.
#[test]
fn an_rf64_file_has_the_length_of_its_ds64_chunk() {
    let sound = 4_500_000_000_u64;
    let mut head = b"RF64\xFF\xFF\xFF\xFFWAVEds64\x1C\0\0\0".to_vec();
    head.extend([sound + 72, sound, sound / 2].map(u64::to_le_bytes).concat());
    head.extend([&[0; 4], format_and_data(u32::MAX).as_slice()].concat());
    let length = head.len() as u64 + sound;
    let mut recording = open(Sparse { parts: vec![(0, head)], fill: 0, length, position: 0 }).unwrap();
    assert_eq!(recording.duration_seconds(), Some(281_250.0));
    let mut block = Vec::new();
    assert!(recording.next_block(&mut block).unwrap());
    assert!(block.len() == 16_384 && recording.fraction() < 1e-4);
}

/// 600 MB of ADPCM in blocks of 65 532 bytes, each of which claims to hold one frame.
#[test]
fn long_blocks_of_few_frames_take_little_memory() {
    let format = b"RIFF\0\0\0\0WAVEfmt \x14\0\0\0\x11\0\x01\0\x40\x1F\0\0\0\0\0\0\xFC\xFF\x04\0\x02\0\x01\0data";
    let blocks = 9_000;
    let head = [format.as_slice(), &(blocks * 65_532_u32 + 3).to_le_bytes()].concat();
    let length = head.len() as u64 + u64::from(blocks) * 65_532 + 3;
    let peak = peak_of(|| {
        let mut recording = open(Sparse { parts: vec![(0, head)], fill: 0, length, position: 0 }).unwrap();
        let mut block = Vec::new();
        assert_eq!(recording.duration_seconds(), Some(f64::from(blocks) / 8_000.0));
        for _ in 0..3 {
            assert!(recording.next_block(&mut block).unwrap() && block.len() == 16);
        }
        // The bytes after the last whole block are no half frame.
        assert_eq!(recording.warnings(), Vec::<String>::new());
    });
    assert!(peak < MOST_BYTES, "{peak} bytes");
}

/// A comment block that claims 80 MB of comments, with nothing behind.
#[test]
fn tags_claim_no_memory() {
    let mut bytes = sample("flac.flac")[..42].to_vec();
    bytes.extend(b"\x84\xFF\xFF\xFF\0\0\0\0\x40\x4B\x4C\0");
    let peak = peak_of(|| assert!(decoded(&bytes).is_err()));
    assert!(peak < 1 << 20, "{peak} bytes");
}

/// Zeros are chunks without a name or a length; a file of them ends soon.
#[test]
fn zeros_after_a_header_are_not_walked_to_their_end() {
    for head in [b"RIFF\0\0\0\0WAVE".as_slice(), b"FORM\0\0\0\0AIFF"] {
        let parts = vec![(0, head.to_vec())];
        let started = std::time::Instant::now();
        let opened = open(Sparse { parts, fill: 0, length: 100_000_000_000, position: 0 });
        assert!(matches!(opened, Err(AudioError::Malformed(_))));
        assert!(started.elapsed().as_secs() < 5);
    }
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let peak = |sound: u32| {
        let head = [b"RIFF\0\0\0\0WAVE".as_slice(), &format_and_data(sound)].concat();
        let length = head.len() as u64 + u64::from(sound);
        let source = Sparse { parts: vec![(0, head)], fill: 7, length, position: 0 };
        peak_of(|| assert_eq!(all_blocks(&mut open(source).unwrap()), u64::from(sound / 2)))
    };
    assert_eq!(peak(1_000_000), peak(40_000_000));
    assert!(peak(1_000_000) < 1_000_000);
}
