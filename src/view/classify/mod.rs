//! Classifying a recording: the state of the current file, the networks and engines to choose from, and what is said.

pub mod engine;
pub mod network_words;
pub mod networks;
pub mod state;
pub mod words;
