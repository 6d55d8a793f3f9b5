//! GenreLens classifies the genre of music on the visitor's own machine.
//!
//! ```text
//!          ┌──────── audio_pipeline ────────┐
//! file ──► audio ──► dsp ──────► segments ──► model ──► eval ────────► protocol ═══► view ──► web
//! bytes    samples   mel frames               logits    probabilities  messages      state    page
//!                                               ▲
//!                        dataset ──► train ─────┘ weights
//! ```
//!
//! A recording goes one way, one type a step: [`audio::Clip`] → [`dsp::MelSpectrogram`] and its [`dsp::Segment`]s →
//! logits → [`protocol::Prediction`] → [`view::Shape`]s; [`audio_pipeline`] does the first steps as a stream. A
//! [`training_job::TrainingJob`] with the settings of a [`recipe::Recipe`] goes from the page to an engine and comes
//! back as weights with a [`card::Card`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`audio`], [`archive`] | decoding of audio files; unpacking of `.zip` archives |
//! | [`dsp`] | front ends: mel-spectrograms, segments, thumbnails |
//! | `model` | the networks, their windows and weights |
//! | [`dataset`], `train`, [`eval`] | labelled songs and their splits; training; metrics |
//! | `engine` | requests in, events out; both are in [`protocol`] |
//! | [`view`] | what the page shows, as plain data |
//! | `web` | the page, its workers and the service worker's client |
//! | `cli` | the native command line |
//!
//! The feature `engine` brings Burn, and with it `model`, `train` and `engine`. The page's binary is built without it and
//! stays small; the two workers have it. Nothing outside `web` and the binaries touches the browser.
//!
//! # Conventions
//!
//! Mono float samples in −1..1. Hz, seconds and dB are in names or documentation. Spectrograms are row-major
//! `[frame, band]`, lowest band first; network inputs are `[batch, band, frame]`. Mel is Slaney's. Seeds are explicit.
//! Errors are one enum per module, and their texts are sentences for users.
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
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(feature = "cpu")]
pub mod kernels;
#[cfg(feature = "engine")]
pub mod model;
pub mod protocol;
pub mod recipe;
#[cfg(feature = "engine")]
pub mod train;
pub mod training_job;
// Natively only the command line uses a part of it, its curves.
#[cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "the page uses the rest"))]
pub mod view;
#[cfg(target_family = "wasm")]
pub mod web;
