//! Whatever it is, as an AU file.
#![no_main]

use genrelens_fuzz::{decode, repaired};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decode(&repaired(bytes, b".snd"), 2, usize::MAX));
