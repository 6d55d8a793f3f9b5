//! The networks of the registry: their sizes, their weights and how they train. What a browser can do in its time runs
//! there too, with the same bodies.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/cards.rs"]
mod cards;
#[path = "../common/generator.rs"]
mod generator;
#[path = "../common/musicnn_golden.rs"]
mod musicnn_golden;

mod musicnn;
mod networks;
mod record;

#[cfg(not(target_family = "wasm"))]
#[path = "../common/command.rs"]
mod command;
#[cfg(not(target_family = "wasm"))]
mod full_size;
#[cfg(not(target_family = "wasm"))]
mod initial_weights;
#[cfg(not(target_family = "wasm"))]
mod optimizers;
#[cfg(not(target_family = "wasm"))]
mod seeds;
#[cfg(not(target_family = "wasm"))]
mod transfer;
#[cfg(not(target_family = "wasm"))]
#[path = "../common/wav.rs"]
mod wav;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
