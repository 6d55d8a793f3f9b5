//! An engine behind its protocol: requests in, events out. The same bodies run natively and in the browser.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../common/generator.rs"]
mod generator;

mod requests;
mod training;

#[cfg(not(target_family = "wasm"))]
#[path = "../common/mod.rs"]
mod common;
#[cfg(not(target_family = "wasm"))]
#[path = "../common/model_weights.rs"]
mod model_weights;
#[cfg(not(target_family = "wasm"))]
mod training_music;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
