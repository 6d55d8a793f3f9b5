//! How good predictions are: the metrics of songs with one label and of songs with tags, their confidence intervals,
//! the calibration of probabilities, and the comparison of two networks.
//!
//! Plain arithmetic on probabilities and targets, without Burn: the page, the engines and the command line share it.

pub mod calibration;
pub mod confidence;
pub mod evaluate;
pub mod evaluation;
pub mod mcnemar;
pub mod metrics;
pub mod out_of_fold;
pub mod probabilities;
pub mod report;
pub mod tags;
