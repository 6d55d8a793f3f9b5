//! A model file that a user opens: its header and its card.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| genrelens::fuzzing::model(bytes));
