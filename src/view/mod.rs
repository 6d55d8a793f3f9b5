//! What the page shows, as plain data: the state of every feature, updated by the engine's events, and the sentences,
//! pixels and drawing instructions made from it. The folders mirror those of `web/page`.
//!
//! Nothing here uses the browser, so all of it is tested natively; `web::canvas` only paints the result.
//! Lengths are CSS pixels, y grows downwards, fractions of a plot run from 0 to 1 to the right and upwards.

pub mod classify;
pub mod draw;
pub mod format;
pub mod offline;
pub mod storage;
pub mod train;

pub use draw::shape::{Align, Area, Colour, Shape, Theme};
