//! Drawing: spectrogram, bars, strip, curves and thumbnails as pixels and shapes, with axes and colours.

pub(crate) mod axes;
pub(crate) mod bars;
pub mod colours;
pub(crate) mod curves;
pub(crate) mod reading;
mod resample;
pub mod shape;
pub(crate) mod spectrogram;
pub mod strip;
pub mod thumbnail;
pub mod words;
