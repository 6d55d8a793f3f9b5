//! The description of a saved dataset, as JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| genrelens::fuzzing::dataset_file(bytes));
