//! The settings of a training run: everything that decides its result besides the data and the model.

pub mod range;

use serde::{Deserialize, Serialize};

use self::range::Range;

/// How gradients change the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW,
    /// Adam (Kingma and Ba 2015) with PyTorch's constants; weight decay is added to the gradient.
    Adam,
    /// RMSProp (Tieleman and Hinton 2012) with PyTorch's constants, so without momentum; weight decay is added to the
    /// gradient.
    RmsProp,
    /// Stochastic gradient descent with Nesterov momentum 0.9; weight decay is added to the gradient.
    Sgd,
    /// Adadelta (Zeiler 2012) with Keras' constants; weight decay is added to the gradient.
    Adadelta,
}

/// How the learning rate changes over the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same rate throughout.
    Constant,
    /// Linear warm-up over the first twentieth of the steps, then half a cosine down to a hundredth.
    Cosine,
    /// Raised when the loss is on a plateau, lowered when the accuracy fluctuates (GenreWiz, which gives no numbers; these
    /// are ours): times 1.5 after five epochs without a loss lower by 1 %, halved if two of the last three epochs have a
    /// lower accuracy than the epoch before; between a hundredth and ten times the initial rate.
    Plateau,
}

/// The epoch whose network a run keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The one with the best validation score, which is then slightly too good as an estimate.
    Best,
    /// The last one, whatever its validation score; if a run is stopped by hand or diverges, the best one.
    Last,
}

/// Random changes to training windows, so that no window is the same twice. A value of 0 switches a change off.
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
    /// Standard deviation of the noise added to every value. A window's values have one of about 1.
    pub noise: f64,
    /// Standard deviation of the level added to a whole window.
    pub gain: f64,
    /// Standard deviation of a smooth random equaliser curve over the bands.
    pub equaliser: f64,
    /// The largest shift up or down, in mel bands: a change of pitch.
    pub band_shift: usize,
    /// The largest change of tempo: 0.2 stretches time by 0.8 to 1.2.
    pub stretch: f64,
}

impl Augmentation {
    /// No augmentation.
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

    /// What helped most with 3 s windows of a few hundred songs (docs/results.md).
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

    /// All settings: name, value, range.
    fn settings(&self) -> [(&'static str, f64, Range); 10] {
        [
            ("mixup", self.mixup, range::MIXUP),
            ("number of masks over time", self.time_masks as f64, range::MASKS),
            ("widest mask over time", self.time_mask_columns as f64, range::TIME_MASK_COLUMNS),
            ("number of masks over bands", self.band_masks as f64, range::MASKS),
            ("widest mask over bands", self.band_mask_bands as f64, range::BAND_MASK_BANDS),
            ("noise", self.noise, range::DEVIATION),
            ("gain", self.gain, range::DEVIATION),
            ("equaliser", self.equaliser, range::DEVIATION),
            ("pitch shift", self.band_shift as f64, range::BAND_SHIFT),
            ("time stretch", self.stretch, range::PART),
        ]
    }
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
    /// Seed of all random numbers: initial weights, dropout, order of the songs, augmentation.
    pub seed: u64,
    /// Passes over the training split.
    pub epochs: usize,
    /// Windows per step.
    pub batch: usize,
    /// Windows per song and epoch.
    pub windows_per_song: usize,
    /// True to balance the classes: every class gets the same number of windows, however many songs it has. Without
    /// effect for tags.
    pub balanced: bool,
    /// Artist balancing, 0 to 1: how far the groups of a class (its artists, say) get the same number of windows, however
    /// many songs each has. 0 balances songs, 1 balances groups; in between, a song of a group of n songs has the
    /// weight n to the power of minus this. It keeps a network from learning an artist instead of the class.
    pub group_evenness: f64,
    /// How gradients change the weights.
    pub optimiser: OptimiserKind,
    /// The largest learning rate of the schedule.
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Weight decay, as the optimiser applies it.
    pub weight_decay: f64,
    /// Share of the target that is spread evenly over all classes, 0 to below 1.
    pub label_smoothing: f64,
    /// Adds the weight penalty of the network's paper to the loss.
    pub paper_penalty: bool,
    /// Dropout rate after convolutions, 0 to below 1; `None` for the paper's.
    pub dropout_convolution: Option<f64>,
    /// Dropout rate between dense layers, 0 to below 1; `None` for the paper's.
    pub dropout_dense: Option<f64>,
    /// Decay per step of the moving average of the weights (EMA), which is validated and kept; 0 for no average.
    pub average_decay: f64,
    /// The epoch that is kept.
    pub keep: Keep,
    /// Epochs from one validation to the next; the last epoch is always validated. Only validated epochs are reported and
    /// kept.
    pub validate_every: usize,
    /// Early stopping: a run ends after this many validated epochs in a row without a new best one; 0 for no early
    /// stopping.
    pub patience: usize,
    /// The augmentation of training windows.
    pub augmentation: Augmentation,
    /// The augmentation of each of an ensemble's members, in turn, instead of that one: members that are trained
    /// differently make different errors. Empty if all members use the same.
    pub member_augmentations: Vec<Augmentation>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            // A fixed seed, so that a recipe alone determines a run.
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
    expected: Range,
}

impl Recipe {
    /// The recipe of an ensemble's member, from 0: its own seed, and its own augmentation if there are several.
    pub fn of_member(&self, member: usize) -> Self {
        // In turn: a recipe may have fewer augmentations than members.
        let own = self.member_augmentations.get(member % self.member_augmentations.len().max(1));
        let augmentation = own.unwrap_or(&self.augmentation).clone();
        Self { seed: self.seed + member as u64, augmentation, ..self.clone() }
    }

    /// Checks the ranges of all settings.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] names the first setting that is out of its range.
    pub fn check(&self) -> Result<(), RecipeError> {
        let settings = [
            ("seed", self.seed as f64, range::SEED),
            ("epochs", self.epochs as f64, range::EPOCHS),
            ("batch size", self.batch as f64, range::BATCH),
            ("windows per song", self.windows_per_song as f64, range::WINDOWS_PER_SONG),
            ("artist balancing", self.group_evenness, range::SHARE),
            ("learning rate", self.learning_rate, range::LEARNING_RATE),
            ("weight decay", self.weight_decay, range::WEIGHT_DECAY),
            ("label smoothing", self.label_smoothing, range::PART),
            ("dropout after convolutions", self.dropout_convolution.unwrap_or(0.0), range::PART),
            ("dropout between dense layers", self.dropout_dense.unwrap_or(0.0), range::PART),
            ("EMA decay", self.average_decay, range::PART),
            ("validation interval", self.validate_every as f64, range::VALIDATE_EVERY),
            ("early stopping", self.patience as f64, range::PATIENCE),
            ("number of members' augmentations", self.member_augmentations.len() as f64, range::MEMBERS),
        ];
        // Every member's own augmentation must be in range, too.
        let augmentations = self.member_augmentations.iter().chain([&self.augmentation]);
        check_ranges(settings.into_iter().chain(augmentations.flat_map(Augmentation::settings)))
    }
}

/// The first setting that is out of its range, as an error.
pub(crate) fn check_ranges(settings: impl IntoIterator<Item = (&'static str, f64, Range)>) -> Result<(), RecipeError> {
    match settings.into_iter().find(|&(_, found, range)| !range.contains(found)) {
        Some((setting, found, range)) => Err(RecipeError { setting, found, expected: range }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        assert_eq!(Recipe::default().check(), Ok(()));
        let bad = [
            Recipe { epochs: 0, ..Recipe::default() },
            Recipe { dropout_dense: Some(1.0), ..Recipe::default() },
            Recipe { learning_rate: f64::NAN, ..Recipe::default() },
            Recipe { augmentation: Augmentation { stretch: 1.5, ..Augmentation::default() }, ..Recipe::default() },
            Recipe { group_evenness: 1.5, ..Recipe::default() },
        ];
        let messages = bad.map(|recipe| recipe.check().unwrap_err().to_string());
        assert_eq!(messages[0], "epochs is 0; expected 1 to 10000");
        assert_eq!(messages[1], "dropout between dense layers is 1; expected 0 to below 1");
        assert_eq!(messages[2], "learning rate is NaN; expected 0 to 100");
        assert_eq!(messages[3], "time stretch is 1.5; expected 0 to below 1");
        assert_eq!(messages[4], "artist balancing is 1.5; expected 0 to 1");
    }

    /// A recipe with one of its numbers replaced, by the way to it; `None` if the number does not fit its type.
    fn with(path: &[String], number: &Value) -> Option<Recipe> {
        let mut recipe = serde_json::to_value(full()).unwrap();
        let place = path.iter().fold(&mut recipe, |place, name| match name.parse::<usize>() {
            Ok(index) => &mut place[index],
            Err(_) => &mut place[name.as_str()],
        });
        *place = number.clone();
        serde_json::from_value(recipe).ok()
    }

    /// A recipe in which nothing is left out.
    fn full() -> Recipe {
        Recipe {
            dropout_convolution: Some(0.1),
            dropout_dense: Some(0.1),
            member_augmentations: vec![Augmentation::FEW_SONGS],
            ..Recipe::default()
        }
    }

    /// The ways to all numbers of a value.
    fn numbers(value: &Value) -> Vec<Vec<String>> {
        let under = |name: String, value: &Value| -> Vec<Vec<String>> {
            numbers(value).into_iter().map(|rest| [vec![name.clone()], rest].concat()).collect()
        };
        match value {
            Value::Number(_) => vec![Vec::new()],
            Value::Object(fields) => fields.iter().flat_map(|(name, value)| under(name.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().flat_map(|(i, v)| under(i.to_string(), v)).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_number_of_a_recipe_is_bounded() {
        assert_eq!(full().check(), Ok(()));
        let paths = numbers(&serde_json::to_value(full()).unwrap());
        assert_eq!(paths.len(), 13 + 2 * 10, "{paths:?}");
        for path in paths {
            for number in [Value::from(-1), Value::from(u64::MAX), Value::from(-1e300), Value::from(1e300)] {
                let refused = with(&path, &number).is_none_or(|recipe| recipe.check().is_err());
                assert!(refused, "{path:?} may be {number}");
            }
        }
        let members = Recipe { member_augmentations: vec![Augmentation::NONE; 65], ..Recipe::default() };
        assert!(members.check().is_err());
    }
}
