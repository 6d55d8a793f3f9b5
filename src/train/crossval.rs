//! Cross-validation of networks: a network is trained for every split of one set, and predicts only songs that it was not
//! trained on.

use burn::tensor::Device;

use super::fit::{FitJob, Start, fit};
use super::observer::{FitError, NoObserver};
use crate::dataset::folds::{random_parts, subset};
use crate::dataset::labelled_set::LabelledSet;
use crate::recipe::{Keep, Recipe};

/// A set to cross-validate on, and the training to repeat.
pub(crate) struct CrossValidation<'a> {
    pub start: Start<'a>,
    pub recipe: &'a Recipe,
    pub set: &'a LabelledSet,
    pub device: &'a Device,
}

impl CrossValidation<'_> {
    /// The songs of one fold, by their places in the set, and their probabilities by a network that was trained on the other
    /// folds. `fold_of` is the fold of every song.
    ///
    /// # Errors
    ///
    /// As [`fit`].
    pub(crate) async fn fold(&self, fold_of: &[usize], fold: usize) -> Result<Vec<(usize, Vec<f32>)>, FitError> {
        // The last epoch: choosing the best one on the songs that are predicted would flatter the result.
        let recipe = Recipe { keep: Keep::Last, ..self.recipe.clone() };
        let train = subset(self.set, |song| fold_of[song] != fold);
        let evaluated = subset(self.set, |song| fold_of[song] == fold);
        let found = self.train_and_predict(&recipe, [&train, &evaluated, &evaluated]).await?;
        let songs = (0..fold_of.len()).filter(|&song| fold_of[song] == fold);
        Ok(songs.zip(found).collect())
    }

    /// One random split into eight parts for training, one to choose the epoch and one to predict, whatever the songs'
    /// groups, as many papers split: the predicted songs and their probabilities. It is not stratified: a class may have
    /// a larger share in one part than in another.
    ///
    /// # Errors
    ///
    /// As [`fit`].
    pub(crate) async fn random_split(&self, seed: u64) -> Result<(LabelledSet, Vec<Vec<f32>>), FitError> {
        let part_of = random_parts(self.set.songs.len(), &[8.0, 1.0, 1.0], seed);
        let [train, valid, test] = [0, 1, 2].map(|part| ungrouped(subset(self.set, |song| part_of[song] == part)));
        // Also other initial weights: the spread over the splits then includes that of training.
        let recipe = Recipe { seed, ..self.recipe.clone() };
        let predictions = self.train_and_predict(&recipe, [&train, &valid, &test]).await?;
        Ok((test, predictions))
    }

    async fn train_and_predict(
        &self,
        recipe: &Recipe,
        [train, valid, evaluated]: [&LabelledSet; 3],
    ) -> Result<Vec<Vec<f32>>, FitError> {
        let job = FitJob { start: self.start.clone(), recipe, train, valid, device: self.device };
        let fitted = fit(job, &mut NoObserver).await?;
        // It keeps its best epoch, chosen on the songs that are predicted: no figure to average with the others.
        match fitted.diverged {
            Some(diverged) => Err(diverged.into()),
            None => fitted.predict(evaluated, &mut NoObserver).await,
        }
    }
}

/// This split is meant to have artists on both sides, which training otherwise refuses.
fn ungrouped(mut set: LabelledSet) -> LabelledSet {
    for song in &mut set.songs {
        song.group = None;
    }
    set
}
