//! An archive of clips, with or without the description of a saved dataset.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| genrelens::fuzzing::archive(bytes));
