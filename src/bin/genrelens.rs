//! The native command line. In a browser build there is none.

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    genrelens::cli::main()
}

#[cfg(target_family = "wasm")]
fn main() {}
