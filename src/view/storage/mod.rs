//! What the page stores on the device from one visit to the next.

pub mod state;
pub mod words;
