//! What earlier builds wrote opens in this one without loss. The files are in `tests/data/compat`, with the script that
//! made them.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "what panics in a test fails it")]

mod command_line;
mod records;
