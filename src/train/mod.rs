//! Training: a labelled [`set`], [`batch`]es drawn from it, ONE optimisation [`step`](step::step), the loop around it
//! ([`fit`](fit::fit)) and the [`metrics`] that say how good the result is.
//!
//! The same code trains natively and in the browser: nothing here knows a file, a page or a clock, every draw comes
//! from one seeded generator, and the loop hands control back between steps.

pub mod adadelta;
pub mod average;
pub mod batch;
pub mod calibration;
pub mod copies;
pub mod fit;
pub mod folds;
pub mod interval;
pub mod lbfgs;
pub mod linear;
pub mod measure;
pub mod metrics;
pub mod recipe;
pub mod schedule;
pub mod set;
pub mod step;
pub mod tags;
