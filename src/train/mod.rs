//! Training: [`batch`]es drawn from a labelled set, one optimisation [`step`](step::step), the loop around it
//! ([`fit`](fit::fit)), and heads on features that were computed once ([`linear_probe`]).
//!
//! The same code trains natively and in the browser: nothing here knows a file, a page or a clock, every random draw
//! comes from one seeded generator, and the loop hands control back between steps.

pub mod adadelta;
pub mod batch;
pub mod checkpoint;
pub mod ema;
pub mod embeddings;
pub mod fit;
pub mod linear_probe;
pub mod observer;
pub mod predict;
pub mod schedule;
pub mod step;
