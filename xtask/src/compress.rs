//! Files as a web server sends them: brotli and gzip, kept between builds, for pressing an engine takes seconds and most
//! builds change one file.

use crate::weights::sha256_hex;
use crate::workspace::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Beyond this size the best quality of brotli takes minutes and gains about a tenth: such files are compressed a little
/// less.
pub const LARGE: usize = 8_000_000;
pub const LARGE_QUALITY: i32 = 9;
pub const BEST_QUALITY: i32 = 11;
/// Smaller files are sent in one packet either way, in bytes.
const SMALL: usize = 1400;
/// What a compressed file must save to be worth a place beside the other, as a share of it.
const WORTH: f64 = 0.05;

/// The store of compressed files.
pub struct Compressed {
    folder: PathBuf,
    used: RefCell<HashSet<String>>,
}

impl Compressed {
    /// The store in a folder that is kept between builds.
    pub fn in_cache(cache: &Path) -> Self {
        Self { folder: cache.join("compressed"), used: RefCell::default() }
    }

    /// Some bytes as brotli.
    pub fn brotli(&self, data: &[u8]) -> Vec<u8> {
        let quality = if data.len() > LARGE { LARGE_QUALITY } else { BEST_QUALITY };
        self.kept(data, &format!("{quality}.br"), || brotli(data, quality))
    }

    fn gzip(&self, data: &[u8]) -> Vec<u8> {
        self.kept(data, "gz", || gzip(data))
    }

    /// A store that cannot be read or written costs seconds, and nothing else.
    fn kept(&self, data: &[u8], kind: &str, press: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        let name = format!("{}.{kind}", sha256_hex(data));
        let file = self.folder.join(&name);
        self.used.borrow_mut().insert(name);
        if let Ok(known) = fs::read(&file) {
            return known;
        }
        let compressed = press();
        let half = file.with_extension("part");
        let _ = fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&half, &compressed))
            .and_then(|()| fs::rename(&half, &file));
        compressed
    }

    /// Forgets what this build had no use for.
    pub fn tidy(&self) {
        let used = self.used.borrow();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if !used.contains(&*entry.file_name().to_string_lossy()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Writes a file's compressed forms beside it, where they are worth it, and takes away those that are not.
    pub fn write_beside(&self, file: &Path, data: &[u8]) -> Result {
        for (ending, compressed) in [("br", self.brotli(data)), ("gz", self.gzip(data))] {
            let mut name = file.as_os_str().to_owned();
            name.push(format!(".{ending}"));
            if is_worth(data.len(), compressed.len()) {
                fs::write(&name, compressed).map_err(|error| format!("{}: {error}", name.to_string_lossy()))?;
            } else {
                // It is there only where an earlier build thought otherwise.
                let _ = fs::remove_file(&name);
            }
        }
        Ok(())
    }
}

fn is_worth(raw: usize, compressed: usize) -> bool {
    raw >= SMALL && compressed as f64 <= raw as f64 * (1.0 - WORTH)
}

fn brotli(data: &[u8], quality: i32) -> Vec<u8> {
    // 22 is the window that every browser takes.
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
    fn both_forms_are_the_file_again() {
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
    fn what_saves_nothing_is_not_written() {
        assert!(is_worth(10_000, 9_500) && !is_worth(10_000, 9_501) && !is_worth(1_000, 10));
    }

    #[test]
    fn pressed_files_are_kept_until_they_are_of_no_use() {
        let folder = std::env::temp_dir().join(format!("xtask-compressed-{}", std::process::id()));
        let (site, data) = (folder.join("site"), [7; 5000]);
        fs::create_dir_all(&site).unwrap();
        let store = Compressed::in_cache(&folder);
        store.write_beside(&site.join("a.js"), &data).unwrap();
        let kept = || fs::read_dir(folder.join("compressed")).unwrap().count();
        assert!(site.join("a.js.br").is_file() && site.join("a.js.gz").is_file());
        assert_eq!(kept(), 2);
        // What is kept is used, and not made anew.
        let name = format!("{}.11.br", sha256_hex(&data));
        fs::write(folder.join("compressed").join(&name), "known").unwrap();
        assert_eq!(store.brotli(&data), b"known");
        let later = Compressed::in_cache(&folder);
        assert_eq!(later.brotli(&data), b"known");
        later.tidy();
        assert_eq!(kept(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
