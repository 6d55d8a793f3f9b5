//! Messages between the page and its workers, as lines of JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| genrelens::fuzzing::messages(bytes));
