//! Predictions of a cross-validation: for every song those of a network that was not trained on it. Kept in a file, so that
//! a cross-validation goes on after a stop and ensembles are compared without training again.

use serde::{Deserialize, Serialize};

/// The predictions of the folds that are over. Songs are in the order of their set and have no names here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutOfFold {
    /// What it is of: the name of the recipe.
    pub name: String,
    /// SHA-256 of everything that the predictions depend on: recipe, folds, seed, songs.
    pub settings: String,
    /// The split of the songs, as it was asked for.
    pub split: String,
    /// The number of folds.
    pub folds: usize,
    /// The seed that drew them.
    pub seed: u64,
    /// The labels, in the order of the probabilities.
    pub labels: Vec<String>,
    /// The fold of every song, from 0.
    pub fold_of: Vec<usize>,
    /// `[songs][labels]`; empty for a song whose fold is not over.
    pub probabilities: Vec<Vec<f32>>,
}

impl OutOfFold {
    /// True if every song of a fold is predicted.
    pub fn has(&self, fold: usize) -> bool {
        let mut songs = self.fold_of.iter().zip(&self.probabilities).filter(|(own, _)| **own == fold);
        songs.all(|(_, probabilities)| probabilities.len() == self.labels.len())
    }

    /// True if every song is predicted.
    pub fn is_whole(&self) -> bool {
        self.has_rows() && self.probabilities.iter().all(|row| row.len() == self.labels.len())
    }

    /// True if there is a row for every song, empty or not.
    pub fn has_rows(&self) -> bool {
        self.fold_of.len() == self.probabilities.len()
    }
}
