//! GenreLens hears a song on the visitor's own machine and names its genre.
//!
//! ```text
//! File ──► audio ──► dsp ──► model ──► (train) ──► engine ══ protocol ══► view ──► web::canvas
//! bytes    Clip      Mel     logits     epochs      worker    messages     pure     pixels
//! ```
//!
//! One direction, one type a step: [`audio::Clip`] → [`dsp::MelSpectrogram`] and its [`dsp::Segment`]s →
//! [`protocol::Prediction`] → `view::Shape`s. A step never reaches back. Nothing outside [`mod@web`] and the binaries
//! names the browser; nothing outside [`model`], [`train`] and [`engine`] names Burn. The page's binary is built
//! without the `engine` feature and stays small; two workers have it.
//!
//! # Conventions
//!
//! Mono float samples in −1..1. Hz, seconds and dB are in names or documentation. Spectrograms are row-major
//! `[frame, band]`, lowest band first; network inputs are `[batch, band, frame]`. Mel is Slaney's. Seeds are explicit.
//! Errors are one enum a module, and their texts are sentences for users.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic"))]

pub mod archive;
pub mod audio;
pub mod audio_pipeline;
pub mod card;
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
#[allow(missing_docs, reason = "the command line documents itself with --help")]
pub mod cli;
pub mod dataset;
pub mod dsp;
#[cfg(feature = "engine")]
pub mod engine;
pub mod eval;
#[cfg(feature = "engine")]
pub mod model;
pub mod protocol;
pub mod recipe;
#[cfg(feature = "engine")]
pub mod train;
pub mod training_job;
// Only the page draws it; natively it is built for its tests.
#[cfg(any(target_family = "wasm", test))]
pub mod view;
#[cfg(target_family = "wasm")]
pub mod web;
