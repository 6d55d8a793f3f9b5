//! The worker of the CPU engine.

#[cfg(target_family = "wasm")]
fn main() {
    genrelens::web::start_cpu_worker();
}

#[cfg(not(target_family = "wasm"))]
fn main() {}
