//! The module's static constructors, which the GPU engine's libraries register their operations by.

use std::sync::Once;

#[allow(unsafe_code, reason = "the linker makes this function, and only a foreign declaration can name it")]
unsafe extern "C" {
    /// Runs every static constructor of the module.
    fn __wasm_call_ctors();
}

static CONSTRUCTORS: Once = Once::new();

/// Runs the static constructors of this module, if that was not done. Nobody else does: a browser's module has no start
/// that would.
///
/// That they are named here matters more than when they run. In a module that does not name them, wasm-ld puts a call of
/// all of them at the top of every export, because it takes the module for a program that is called once. JavaScript calls
/// some exports for every object that it passes, and the GPU engine has thousands of constructors.
/// The documentation of `inventory`, which makes them, recommends this call. No option of the linker does it: exporting
/// the function by one would also keep the wrappers away, but leave the call to JavaScript that wasm-bindgen writes.
#[allow(unsafe_code, reason = "calls a function that the linker makes")]
pub fn run() {
    // SAFETY: the linker defines the function, without parameters and results. Constructors are to run once: `Once` sees
    // to that.
    CONSTRUCTORS.call_once(|| unsafe { __wasm_call_ctors() });
}
