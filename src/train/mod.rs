//! Training: [`fit`](fit::fit) is the one door. Inside, [`batch`]es are drawn from a labelled set, and each makes one
//! optimisation [`step`](step::step); an [`observer`] watches and steers the run.
//!
//! The same code trains natively and in the browser: nothing here knows a file, a page or a clock, every random number
//! comes from seeded generators, and the loop hands control back between steps.

mod adadelta;
pub mod batch;
mod checkpoint;
// The command line alone cross-validates and trains linear probes.
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
pub(crate) mod crossval;
mod ema;
pub(crate) mod embeddings;
pub mod fit;
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
pub(crate) mod linear_probe;
pub mod observer;
mod predict;
mod run;
mod schedule;
pub mod step;
