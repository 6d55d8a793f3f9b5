//! Classification of a recording: the state of the current file, the choice of network and engine, and the sentences.

pub mod engine;
pub mod network_words;
pub mod networks;
pub(crate) mod state;
pub(crate) mod tag_words;
pub(crate) mod watchdog;
pub mod words;
pub(crate) mod workers;
