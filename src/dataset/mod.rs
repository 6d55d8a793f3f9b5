//! Labelled songs and their splits: training and validation, or the folds of a cross-validation. A network is never
//! evaluated on a song, or an artist, that it was trained on.

pub mod folds;
pub mod labelled_set;
