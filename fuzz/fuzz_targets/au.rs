//! Whatever it is, as an AU file.
#![no_main]

use genrelens_fuzz::{hear, repaired};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hear(&repaired(bytes, b".snd"), 2, usize::MAX));
