//! What the page shows, as plain data: a [`state::State`] from the engine's events, and from it words, pixels and
//! drawing instructions.
//!
//! Nothing here knows a browser, so all of it is tested natively; `web::canvas` paints the result and decides nothing.
//! Lengths are CSS pixels, y grows downwards, fractions of a plot run from 0 to 1 rightwards and upwards.

pub mod axes;
pub mod bars;
pub mod colours;
pub mod compare;
pub mod curves;
pub mod dataset;
pub mod dataset_file;
pub mod engine;
pub mod file_names;
pub mod model_options;
pub mod networks;
pub mod offline;
pub mod outcome;
pub mod reading;
pub mod recording;
mod resample;
pub mod settings;
pub mod shape;
pub mod spectrogram;
pub mod state;
pub mod storage;
pub mod strip;
pub mod table;
mod tags;
pub mod thumbnail;
pub mod training;
pub mod words;

pub use shape::{Align, Area, Colour, Shape, Theme};
