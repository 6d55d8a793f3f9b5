//! The input in the format that its first bytes tell, also the compressed ones, whose packets may have 65 536 frames of
//! silence in a few bytes.
#![no_main]

use genrelens_fuzz::decode;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decode(bytes, 1 << 16, 1 << 17));
