//! A table of artists, tags and genres beside a dataset.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| genrelens::fuzzing::table(bytes));
