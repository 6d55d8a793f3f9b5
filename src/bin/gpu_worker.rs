//! The worker of the GPU engine.

#[cfg(target_family = "wasm")]
fn main() {
    genrelens::web::start_gpu_worker();
}

#[cfg(not(target_family = "wasm"))]
fn main() {}
