//! Offline use: what is stored on the device, and updates of the page.

pub mod state;
pub mod words;
