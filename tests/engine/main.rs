//! An engine behind its protocol: requests in, events out. The same bodies run natively and in the browser.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use burn::tensor::Device;
use futures::FutureExt;
use genrelens::audio::Source;
use genrelens::engine::Engine;
use genrelens::protocol::{EngineInfo, EngineKind, Payload, Request};

use host::Recorder;

#[path = "../common/cards.rs"]
mod cards;
#[path = "../common/generator.rs"]
mod generator;
#[path = "../common/host.rs"]
mod host;
#[path = "../common/wav.rs"]
mod wav;

mod classify;
mod features;
mod in_flight;
mod requests;
mod segments;
mod training;
mod training_diverges;
mod training_runs;

#[cfg(not(target_family = "wasm"))]
#[path = "../common/mod.rs"]
mod common;
#[cfg(not(target_family = "wasm"))]
#[path = "../common/model_weights.rs"]
mod model_weights;
#[cfg(not(target_family = "wasm"))]
mod training_music;
// Not in the browser: with both engines in one build the optimiser starts anew.
#[cfg(not(target_family = "wasm"))]
mod training_resume;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The CPU engine, without a network.
fn engine() -> Engine {
    Engine::new(EngineInfo { kind: EngineKind::Cpu, adapter: None }, Device::flex())
}

fn ask(engine: &mut Engine, request: Request, payload: Payload<Box<dyn Source>>, host: &mut Recorder) {
    // The CPU engine never waits, so the future is ready at once.
    engine.handle(request, payload, host).now_or_never().unwrap();
}

fn file(bytes: Vec<u8>) -> Payload<Box<dyn Source>> {
    Payload::File(Box::new(std::io::Cursor::new(bytes)))
}
