//! The decoders and the resampler: every format, damage, refusals, memory and rates.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod damage;
mod flac;
mod formats;
mod helpers;
mod mix;
mod mp3;
mod mp4;
mod mpeg;
mod refusals;
mod resample;
mod wav;
