//! Everything that decides a training run besides its data.

use serde::{Deserialize, Serialize};

/// How the weights follow the gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW,
    /// Adam (Kingma and Ba 2015); weight decay is added to the gradient.
    Adam,
    /// RMSProp (Tieleman and Hinton 2012).
    RmsProp,
    /// Gradient descent with momentum 0.9.
    Sgd,
    /// Adadelta (Zeiler 2012); weight decay is added to the gradient.
    Adadelta,
}

/// How the learning rate goes over the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same throughout.
    Constant,
    /// Up over the first twentieth, then half a cosine down to a hundredth.
    Cosine,
    /// Raised where the loss stays on a plateau, lowered where the accuracy fluctuates (GenreWiz, in words only; the
    /// numbers are ours): times 1.5 after five epochs without a loss lower by 1 %, halved after three epochs of which
    /// two fell below the one before them; never above ten times or below a hundredth of where it began.
    Plateau,
}

/// Which epoch's network a run leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The one that did best on the validation part, whose figures are flattered by that.
    Best,
    /// The last one, whatever the validation part says of it; of a run that is stopped by hand, the best one.
    Last,
}

/// What is done to training windows, so that no window is ever heard twice the same. Every value 0 is none of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Mixup (Zhang et al. 2018): parameter of the symmetric Beta distribution of the share.
    pub mixup: f64,
    /// SpecAugment (Park et al. 2019): number of masks over time.
    pub time_masks: usize,
    /// The widest mask over time, in columns.
    pub time_mask_columns: usize,
    /// SpecAugment: number of masks over mel bands.
    pub band_masks: usize,
    /// The widest mask over mel bands.
    pub band_mask_bands: usize,
    /// Deviation of the noise added to every value (a window's values have a deviation of about 1).
    pub noise: f64,
    /// Deviation of the level added to a whole window.
    pub gain: f64,
    /// Deviation of a random smooth equaliser curve over the bands.
    pub equaliser: f64,
    /// The most bands that a window is moved up or down: a change of pitch.
    pub band_shift: usize,
    /// The most that time is stretched or squeezed: 0.2 is from 0.8 to 1.2.
    pub stretch: f64,
}

impl Augmentation {
    /// None at all.
    pub const NONE: Self = Self {
        mixup: 0.0,
        time_masks: 0,
        time_mask_columns: 0,
        band_masks: 0,
        band_mask_bands: 0,
        noise: 0.0,
        gain: 0.0,
        equaliser: 0.0,
        band_shift: 0,
        stretch: 0.0,
    };

    /// A little of everything but mixup.
    pub const LIGHT: Self = Self {
        time_masks: 1,
        time_mask_columns: 6,
        band_masks: 1,
        band_mask_bands: 8,
        noise: 0.05,
        gain: 0.25,
        equaliser: 0.25,
        ..Self::NONE
    };

    /// What helped most here with windows of 3 s of a few hundred songs (docs/results.md).
    pub const FEW_SONGS: Self = Self {
        mixup: 0.4,
        time_masks: 2,
        time_mask_columns: 6,
        band_masks: 2,
        band_mask_bands: 16,
        noise: 0.1,
        gain: 0.5,
        equaliser: 0.5,
        ..Self::NONE
    };
}

impl Default for Augmentation {
    fn default() -> Self {
        Self::NONE
    }
}

/// The settings of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// Seed of every draw: initial weights, shuffles, augmentation.
    pub seed: u64,
    /// Times through the set.
    pub epochs: usize,
    /// Windows a step.
    pub batch: usize,
    /// Windows drawn from every song in an epoch.
    pub windows_per_song: usize,
    /// True where every class is drawn alike, however many songs it has: those of small classes more often. Says nothing
    /// where a song has many labels.
    pub balanced: bool,
    /// How far the groups of a class (its artists, say) are drawn alike, however many songs each has: 0 draws every song
    /// alike, 1 every group, and between them a song of a group of n as often as n to the power of minus this. A network
    /// learns the voice of an artist whom it hears often in place of the class.
    pub group_evenness: f64,
    /// The optimiser.
    pub optimiser: OptimiserKind,
    /// The largest learning rate.
    pub learning_rate: f64,
    /// Its course.
    pub schedule: Schedule,
    /// Weight decay, in the optimiser's own way.
    pub weight_decay: f64,
    /// Share of the target given to all classes alike.
    pub label_smoothing: f64,
    /// Adds the weight penalty of the network's paper to the loss.
    pub paper_penalty: bool,
    /// Dropout after convolutions; `None` is the paper's.
    pub dropout_convolution: Option<f64>,
    /// Dropout between dense layers; `None` is the paper's.
    pub dropout_dense: Option<f64>,
    /// Decay of the running average of the weights that is validated and kept; 0 keeps the weights themselves.
    pub average_decay: f64,
    /// Which epoch is kept.
    pub keep: Keep,
    /// Epochs from one validation to the next; the last is always validated. Only validated epochs are told and kept.
    pub validate_every: usize,
    /// Early stopping: a run ends after this many validated epochs without a better one than before; 0 goes on to the
    /// end.
    pub patience: usize,
    /// What is done to training windows.
    pub augmentation: Augmentation,
    /// What is done to those of an ensemble's members, in turn, in place of that: members that learned differently err
    /// differently. Empty where all learn alike.
    pub member_augmentations: Vec<Augmentation>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            seed: 1,
            epochs: 40,
            batch: 64,
            windows_per_song: 4,
            balanced: false,
            group_evenness: 0.0,
            optimiser: OptimiserKind::AdamW,
            learning_rate: 1e-3,
            schedule: Schedule::Cosine,
            weight_decay: 0.01,
            label_smoothing: 0.0,
            paper_penalty: false,
            dropout_convolution: None,
            dropout_dense: None,
            average_decay: 0.0,
            keep: Keep::Best,
            validate_every: 1,
            patience: 0,
            augmentation: Augmentation::default(),
            member_augmentations: Vec::new(),
        }
    }
}

/// A setting out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{setting} is {found}; expected {expected}")]
pub struct RecipeError {
    setting: &'static str,
    found: f64,
    expected: &'static str,
}

impl Recipe {
    /// The recipe of an ensemble's member: its own seed, and its own augmentation where there are several.
    pub fn of_member(&self, member: usize) -> Self {
        let own = self.member_augmentations.get(member % self.member_augmentations.len().max(1));
        let augmentation = own.unwrap_or(&self.augmentation).clone();
        Self { seed: self.seed + member as u64, augmentation, ..self.clone() }
    }

    /// Checks every setting that a run depends on.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] for the first setting that is out of its range.
    pub fn check(&self) -> Result<(), RecipeError> {
        let (share, part, whole, size) = ("0 to below 1", "0 to 1", "1 or more", "0 or more");
        let settings = [
            ("epochs", self.epochs as f64, whole),
            ("batch", self.batch as f64, whole),
            ("windows a song", self.windows_per_song as f64, whole),
            ("epochs between validations", self.validate_every as f64, whole),
            ("how evenly artists are drawn", self.group_evenness, part),
            ("the learning rate", self.learning_rate, size),
            ("the weight decay", self.weight_decay, size),
            ("the label smoothing", self.label_smoothing, share),
            ("the dropout after convolutions", self.dropout_convolution.unwrap_or(0.0), share),
            ("the dropout between dense layers", self.dropout_dense.unwrap_or(0.0), share),
            ("the average's decay", self.average_decay, share),
        ];
        let of_windows = |augmentation: &Augmentation| {
            let Augmentation { mixup, noise, gain, equaliser, stretch, .. } = *augmentation;
            [
                ("the stretch", stretch, share),
                ("mixup", mixup, size),
                ("the noise", noise, size),
                ("the gain", gain, size),
                ("the equaliser", equaliser, size),
            ]
        };
        let augmentations = self.member_augmentations.iter().chain([&self.augmentation]);
        let settings = settings.into_iter().chain(augmentations.flat_map(of_windows));
        let allowed = |found: f64, expected| match expected {
            _ if expected == share => (0.0..1.0).contains(&found),
            _ if expected == part => (0.0..=1.0).contains(&found),
            _ if expected == whole => found >= 1.0,
            _ => found >= 0.0 && found.is_finite(),
        };
        let mut settings = settings;
        match settings.find(|&(_, found, expected)| !allowed(found, expected)) {
            Some((setting, found, expected)) => Err(RecipeError { setting, found, expected }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_told() {
        assert_eq!(Recipe::default().check(), Ok(()));
        let bad = [
            Recipe { epochs: 0, ..Recipe::default() },
            Recipe { dropout_dense: Some(1.0), ..Recipe::default() },
            Recipe { learning_rate: f64::NAN, ..Recipe::default() },
            Recipe { augmentation: Augmentation { stretch: 1.5, ..Augmentation::default() }, ..Recipe::default() },
            Recipe { group_evenness: 1.5, ..Recipe::default() },
        ];
        let told = bad.map(|recipe| recipe.check().unwrap_err().to_string());
        assert_eq!(told[0], "epochs is 0; expected 1 or more");
        assert_eq!(told[1], "the dropout between dense layers is 1; expected 0 to below 1");
        assert_eq!(told[2], "the learning rate is NaN; expected 0 or more");
        assert_eq!(told[3], "the stretch is 1.5; expected 0 to below 1");
        assert_eq!(told[4], "how evenly artists are drawn is 1.5; expected 0 to 1");
    }
}
