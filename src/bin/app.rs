//! The page. It never reaches an engine, so it stays small; the engines are workers.

#[cfg(target_family = "wasm")]
fn main() {
    genrelens::web::start_page();
}

#[cfg(not(target_family = "wasm"))]
fn main() {}
