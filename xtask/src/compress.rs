//! Files compressed by brotli and gzip, as a web server sends them.
//!
//! Compressing an engine takes seconds and most builds change one file, so the results are cached between builds.

use crate::weights::sha256_hex;
use crate::workspace::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// For larger files brotli's best quality takes minutes and saves about a tenth, so they get [`LARGE_QUALITY`].
pub const LARGE_BYTES: usize = 8_000_000;
pub const LARGE_QUALITY: i32 = 9;
pub const BEST_QUALITY: i32 = 11;
/// Files below this many bytes fit into one network packet anyway.
const SMALLEST: usize = 1400;
/// The least share of the original size that a compressed file must save to be written.
const MIN_SAVING: f64 = 0.05;

/// A folder of compressed files, named after the SHA-256 of the originals.
pub struct CompressionCache {
    folder: PathBuf,
    /// The names that this build has asked for.
    used: RefCell<HashSet<String>>,
}

impl CompressionCache {
    /// `cache` is a folder that stays between builds.
    pub fn in_folder(cache: &Path) -> Self {
        Self { folder: cache.join("compressed"), used: RefCell::default() }
    }

    /// Compresses by brotli, at a quality that depends on the size.
    pub fn brotli(&self, data: &[u8]) -> Vec<u8> {
        let quality = if data.len() > LARGE_BYTES { LARGE_QUALITY } else { BEST_QUALITY };
        self.cached(data, &format!("{quality}.br"), || brotli(data, quality))
    }

    fn gzip(&self, data: &[u8]) -> Vec<u8> {
        self.cached(data, "gz", || gzip(data))
    }

    /// Returns the cached result or computes it. A cache that cannot be read or written only costs time.
    fn cached(&self, data: &[u8], kind: &str, compress: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        let name = format!("{}.{kind}", sha256_hex(data));
        let file = self.folder.join(&name);
        self.used.borrow_mut().insert(name);
        if let Ok(cached) = fs::read(&file) {
            return cached;
        }
        let compressed = compress();
        let partial = file.with_extension("part");
        let _ = fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&partial, &compressed))
            .and_then(|()| fs::rename(&partial, &file));
        compressed
    }

    /// Deletes the files that this build has not asked for.
    pub fn remove_unused(&self) {
        let used = self.used.borrow();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if !used.contains(&*entry.file_name().to_string_lossy()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Writes a file's compressed forms beside it if they save enough, and deletes those that do not.
    pub fn write_beside(&self, file: &Path, data: &[u8]) -> Result {
        for (ending, compressed) in [("br", self.brotli(data)), ("gz", self.gzip(data))] {
            let mut name = file.as_os_str().to_owned();
            name.push(format!(".{ending}"));
            if is_worthwhile(data.len(), compressed.len()) {
                fs::write(&name, compressed).map_err(|error| format!("{}: {error}", name.to_string_lossy()))?;
            } else {
                // An earlier build may have left one, of other content.
                let _ = fs::remove_file(&name);
            }
        }
        Ok(())
    }
}

fn is_worthwhile(raw: usize, compressed: usize) -> bool {
    raw >= SMALLEST && compressed as f64 <= raw as f64 * (1.0 - MIN_SAVING)
}

fn brotli(data: &[u8], quality: i32) -> Vec<u8> {
    // 2^22 bytes, 4 MB, is brotli's usual window, which every browser decodes.
    let parameters =
        brotli::enc::BrotliEncoderParams { quality, lgwin: 22, size_hint: data.len(), ..Default::default() };
    let mut compressed = Vec::new();
    // Reading a slice and writing to memory cannot fail.
    let _ = brotli::BrotliCompress(&mut &data[..], &mut compressed, &parameters);
    compressed
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(data);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn both_formats_decompress_to_the_original() {
        let data: Vec<u8> = (0..50_000_u32).map(|at| (at / 100 % 251) as u8).collect();
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut &brotli(&data, BEST_QUALITY)[..], &mut back).unwrap();
        assert_eq!(back, data);
        let (compressed, mut back) = (gzip(&data), Vec::new());
        flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, data);
        assert!(compressed.len() < data.len() / 10);
        assert!(brotli(&[7; 100_000], BEST_QUALITY).len() < 50 && brotli(b"", BEST_QUALITY).len() < 4);
    }

    #[test]
    fn small_files_and_small_savings_are_not_worthwhile() {
        assert!(is_worthwhile(10_000, 9_500) && !is_worthwhile(10_000, 9_501) && !is_worthwhile(1_000, 10));
    }

    #[test]
    fn compressed_files_are_cached_until_they_are_unused() {
        let folder = std::env::temp_dir().join(format!("xtask-compressed-{}", std::process::id()));
        let (site, data) = (folder.join("site"), [7; 5000]);
        fs::create_dir_all(&site).unwrap();
        let store = CompressionCache::in_folder(&folder);
        store.write_beside(&site.join("a.js"), &data).unwrap();
        let cached_files = || fs::read_dir(folder.join("compressed")).unwrap().count();
        assert!(site.join("a.js.br").is_file() && site.join("a.js.gz").is_file());
        assert_eq!(cached_files(), 2);
        // A cached file is used instead of being computed again.
        let name = format!("{}.11.br", sha256_hex(&data));
        fs::write(folder.join("compressed").join(&name), "cached").unwrap();
        assert_eq!(store.brotli(&data), b"cached");
        let later = CompressionCache::in_folder(&folder);
        assert_eq!(later.brotli(&data), b"cached");
        later.remove_unused();
        assert_eq!(cached_files(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
