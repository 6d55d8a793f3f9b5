//! The command line, as a process of its own, on the weights in `model-weights/` and on networks that it trains.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/model_weights.rs"]
mod model_weights;

mod shipped;
mod tags;
