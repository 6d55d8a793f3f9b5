//! The command line, as a process of its own, on the weights in `model-weights/` and on networks that it trains.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/command.rs"]
mod command;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/model_weights.rs"]
mod model_weights;
#[path = "../common/wav.rs"]
mod wav;

mod crossval;
mod diverges;
mod faults;
mod shipped;
mod tag_words;
mod tags;

/// What the command line prints when it succeeds, which it has to.
fn genrelens(arguments: &[&str]) -> String {
    let output = command::run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
