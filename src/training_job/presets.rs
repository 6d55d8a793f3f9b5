//! Training settings for the models of a training job, by the number of clips.

use super::{ModelSpec, TrainableLayers};
use crate::recipe::{Augmentation, Keep, Recipe};

impl ModelSpec {
    /// Settings for a quick first result with this many clips. Few clips need more epochs, because an epoch is only a step
    /// or two, and more weight decay, because a head with hundreds of features overfits to them.
    pub fn quick(&self, clips: usize) -> Recipe {
        let batch = clips.clamp(1, 32);
        // A batch larger than the set would repeat clips within one step.
        let common = Recipe { batch, balanced: true, windows_per_song: 1, ..Recipe::default() };
        let weight_decay = |most: f64| most * (100.0 / clips.max(100) as f64).max(0.1);
        match self {
            Self::NewHead { .. } => Recipe {
                epochs: epochs(6000, clips, [20, 60]),
                learning_rate: 1e-2,
                weight_decay: weight_decay(1.0),
                // The best of many epochs on a few validation clips would be mostly chance.
                keep: Keep::Last,
                ..common
            },
            Self::FineTune { layers: layers @ (TrainableLayers::Output | TrainableLayers::Last), .. } => Recipe {
                epochs: epochs(6000, clips, [20, 60]),
                // Layers before the output have useful weights, which a high rate would destroy.
                learning_rate: if *layers == TrainableLayers::Output { 1e-2 } else { 1e-3 },
                weight_decay: weight_decay(0.3),
                keep: Keep::Last,
                ..common
            },
            Self::FineTune { layers: TrainableLayers::All, .. } => Recipe {
                epochs: epochs(1500, clips, [5, 40]),
                windows_per_song: 2,
                // All layers are trained, most of which are good already.
                learning_rate: 3e-4,
                weight_decay: 0.1,
                ..common
            },
            Self::FromScratch { .. } => Recipe {
                epochs: epochs(3000, clips, [10, 60]),
                windows_per_song: 4,
                group_evenness: 0.5,
                learning_rate: 2e-3,
                weight_decay: 0.1,
                label_smoothing: 0.1,
                average_decay: 0.99,
                ..common
            },
        }
    }

    /// Settings for a better result: as [`quick`](Self::quick), for more epochs and, if the model trains on audio, with
    /// augmentation. Such a run stops after a third of its epochs without a new best one.
    pub fn thorough(&self, clips: usize) -> Recipe {
        let quick = self.quick(clips);
        let patient = |epochs: usize, quick: Recipe| Recipe {
            epochs,
            patience: epochs / 3,
            augmentation: Augmentation::FEW_SONGS,
            ..quick
        };
        match self {
            Self::NewHead { .. } => Recipe { epochs: epochs(20_000, clips, [60, 200]), learning_rate: 3e-3, ..quick },
            Self::FineTune { layers: TrainableLayers::All, .. } => patient(epochs(4000, clips, [15, 80]), quick),
            Self::FineTune { .. } => {
                let learning_rate = quick.learning_rate / 3.0;
                Recipe { epochs: epochs(20_000, clips, [60, 200]), learning_rate, ..quick }
            }
            Self::FromScratch { .. } => {
                Recipe { average_decay: 0.995, ..patient(epochs(10_000, clips, [30, 200]), quick) }
            }
        }
    }

    /// True if the model trains on windows of audio, which can be augmented, and not on features that are computed once.
    pub fn trains_on_audio(&self) -> bool {
        matches!(self, Self::FromScratch { .. } | Self::FineTune { layers: TrainableLayers::All, .. })
    }
}

/// The number of epochs in which `passes` clips are trained on, within limits.
fn epochs(passes: usize, clips: usize, [least, most]: [usize; 2]) -> usize {
    (passes / clips.max(1)).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> [ModelSpec; 5] {
        let fine_tune = |layers| ModelSpec::FineTune { network: "musicnn-msd".to_owned(), layers };
        let (architecture, front_end) = ("lens".to_owned(), "gtzan-logmel".to_owned());
        [
            ModelSpec::NewHead { backbones: Vec::new(), hidden: 0 },
            fine_tune(TrainableLayers::Output),
            fine_tune(TrainableLayers::Last),
            fine_tune(TrainableLayers::All),
            ModelSpec::FromScratch { architecture, front_end, rows: None, frames: 39, width: 1.0 },
        ]
    }

    #[test]
    fn ten_clips_and_a_thousand_both_have_settings_that_fit() {
        let steps =
            |recipe: &Recipe, clips: usize| recipe.epochs * (clips * recipe.windows_per_song).div_ceil(recipe.batch);
        for model in models() {
            for clips in [0, 1, 10, 30, 100, 1000, 100_000] {
                for recipe in [model.quick(clips), model.thorough(clips)] {
                    assert_eq!(recipe.check(), Ok(()), "{model:?} {clips}");
                    assert!(recipe.batch <= clips.max(1), "no batch is larger than the set");
                }
            }
            let [few, many] = [10, 1000].map(|clips| model.quick(clips));
            assert!((40..=400).contains(&steps(&few, 10)), "{model:?}: {}", steps(&few, 10));
            assert!((300..=1300).contains(&steps(&many, 1000)), "{model:?}: {}", steps(&many, 1000));
            assert!(many.epochs < few.epochs && many.weight_decay <= few.weight_decay);
            for clips in [10, 1000] {
                let [quick, thorough] = [model.quick(clips), model.thorough(clips)];
                assert!(thorough.epochs >= 2 * quick.epochs, "{model:?} {clips}");
                assert_eq!(thorough.augmentation != Augmentation::NONE, model.trains_on_audio());
            }
        }
    }
}
