//! The input as a WAV file; RIFX if its fourth byte says so.
#![no_main]

use genrelens_fuzz::{decode, with_beginning};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let beginning: &[u8] = if bytes.get(3) == Some(&b'X') { b"RIFX    WAVE" } else { b"RIFF    WAVE" };
    decode(&with_beginning(bytes, beginning), 2, usize::MAX);
});
