//! The input as an AU file.
#![no_main]

use genrelens_fuzz::{decode, with_beginning};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decode(&with_beginning(bytes, b".snd"), 2, usize::MAX));
