//! Training: a labelled [`set`], [`batch`]es drawn from it, ONE optimisation [`step`](step::step), the loop around it
//! ([`fit`](fit::fit)) and the [`metrics`] that say how good the result is.
//!
//! What names no Burn is there in every build: the page counts, splits and draws with it.
//!
//! The same code trains natively and in the browser: nothing here knows a file, a page or a clock, every draw comes
//! from one seeded generator, and the loop hands control back between steps.

#[cfg(feature = "engine")]
pub mod adadelta;
#[cfg(feature = "engine")]
pub mod audio_augmentation;
#[cfg(feature = "engine")]
pub mod batch;
#[cfg(feature = "engine")]
pub mod calibration;
#[cfg(feature = "engine")]
pub mod checkpoint;
pub mod confidence;
#[cfg(feature = "engine")]
pub mod ema;
#[cfg(feature = "engine")]
pub mod embeddings;
pub mod evaluate;
pub mod evaluation;
#[cfg(feature = "engine")]
pub mod fit;
pub mod folds;
#[cfg(feature = "engine")]
pub mod lbfgs;
#[cfg(feature = "engine")]
pub mod linear_probe;
pub mod mcnemar;
pub mod metrics;
#[cfg(feature = "engine")]
pub mod predict;
pub mod recipe;
pub mod report;
#[cfg(feature = "engine")]
pub mod schedule;
pub mod set;
#[cfg(feature = "engine")]
pub mod step;
pub mod tags;
