//! Working without a connection: what is kept on the device, and newer versions of the page.

pub mod state;
pub mod words;
