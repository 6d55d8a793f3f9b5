//! Labelled songs and how they are split: training and validation part, or the folds of a cross-validation, so that a
//! network is never evaluated on a song, or an artist, that it was trained on.

pub mod folds;
pub mod labelled_set;
mod split;
