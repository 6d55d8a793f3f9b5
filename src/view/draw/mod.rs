//! Drawing: spectrogram, bars, strip, curves and thumbnails as pixels and shapes, with axes and colours.

pub mod axes;
pub mod bars;
pub mod colours;
pub mod curves;
pub mod reading;
mod resample;
pub mod shape;
pub mod spectrogram;
pub mod strip;
pub mod thumbnail;
pub mod words;
