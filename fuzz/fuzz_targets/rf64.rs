//! The input as an RF64 or BW64 file with its `ds64` chunk.
#![no_main]

use genrelens_fuzz::{decode, with_beginning};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let beginning: &[u8] = if bytes.first() == Some(&b'B') { b"BW64    WAVEds64" } else { b"RF64    WAVEds64" };
    decode(&with_beginning(bytes, beginning), 2, usize::MAX);
});
