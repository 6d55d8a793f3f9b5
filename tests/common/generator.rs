//! Burn's CPU engine draws initial weights and dropout masks from one random generator for all threads of a process:
//! tests that run side by side would change each other's numbers.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static GENERATOR: RwLock<()> = RwLock::new(());

// In the browser nothing runs side by side, and a test that fails there would never release the lock.
const THREADS: bool = !cfg!(target_family = "wasm");

/// For a test whose result depends on the numbers: while it holds this, no other test draws any.
pub fn alone() -> Option<RwLockWriteGuard<'static, ()>> {
    THREADS.then(|| GENERATOR.write().unwrap_or_else(PoisonError::into_inner))
}

/// For a test that draws numbers and passes with any. Never to be taken twice by a thread: it would wait for itself.
pub fn shared() -> Option<RwLockReadGuard<'static, ()>> {
    THREADS.then(|| GENERATOR.read().unwrap_or_else(PoisonError::into_inner))
}
