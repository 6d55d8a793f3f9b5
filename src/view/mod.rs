//! What the page shows, as plain data: a state for every feature, made from the engine's events, and from it sentences,
//! pixels and drawing instructions. The folders mirror those of `web/page`.
//!
//! Nothing here knows a browser, so all of it is tested natively; `web::canvas` paints the result and decides nothing.
//! Lengths are CSS pixels, y grows downwards, fractions of a plot run from 0 to 1 to the right and upwards.

pub mod classify;
pub mod draw;
pub mod format;
pub mod offline;
pub mod storage;
pub mod train;

pub use draw::shape::{Align, Area, Colour, Shape, Theme};
