//! The settings of a run as the fields of a form: what each says of a recipe, and what it makes of one.

use crate::recipe::{Augmentation, Keep, OptimiserKind, Recipe, Schedule};
use crate::view::train::words::settings as words;

/// One setting.
#[derive(Clone, Copy)]
pub struct Setting {
    /// Its field's id.
    pub id: &'static str,
    /// What it is called in a list.
    pub name: &'static str,
    /// The most that the page takes.
    most: f64,
    slot: fn(&mut Recipe) -> Slot<'_>,
}

/// Where a setting lies in a recipe.
enum Slot<'a> {
    Whole(&'a mut usize),
    Seed(&'a mut u64),
    Real(&'a mut f64),
    /// The network's own where nothing is said.
    Perhaps(&'a mut Option<f64>),
    Yes(&'a mut bool),
    Optimiser(&'a mut OptimiserKind),
    Schedule(&'a mut Schedule),
    Keep(&'a mut Keep),
}

/// What a ticked box says; an empty one says nothing.
pub const TICKED: &str = "yes";

const OPTIMISERS: [(&str, OptimiserKind); 5] = [
    ("adamw", OptimiserKind::AdamW),
    ("adam", OptimiserKind::Adam),
    ("rmsprop", OptimiserKind::RmsProp),
    ("sgd", OptimiserKind::Sgd),
    ("adadelta", OptimiserKind::Adadelta),
];
const SCHEDULES: [(&str, Schedule); 3] =
    [("constant", Schedule::Constant), ("cosine", Schedule::Cosine), ("plateau", Schedule::Plateau)];
const KEEPS: [(&str, Keep); 2] = [("best", Keep::Best), ("last", Keep::Last)];

const fn whole(id: &'static str, name: &'static str, most: usize, slot: fn(&mut Recipe) -> Slot<'_>) -> Setting {
    Setting { id, name, most: most as f64, slot }
}

/// No more is checked here than [`Recipe::check`] does.
const fn other(id: &'static str, name: &'static str, slot: fn(&mut Recipe) -> Slot<'_>) -> Setting {
    Setting { id, name, most: f64::INFINITY, slot }
}

/// All settings but those of [`AUGMENTATION`].
pub const SETTINGS: &[Setting] = &[
    whole("train-epochs", "epochs", 10_000, |recipe| Slot::Whole(&mut recipe.epochs)),
    whole("train-batch", "batch", 1024, |recipe| Slot::Whole(&mut recipe.batch)),
    whole("train-windows", "windows a clip", 256, |recipe| Slot::Whole(&mut recipe.windows_per_song)),
    other("train-balanced", "classes drawn alike", |recipe| Slot::Yes(&mut recipe.balanced)),
    other("train-groups", "artists drawn alike", |recipe| Slot::Real(&mut recipe.group_evenness)),
    other("train-optimiser", "optimiser", |recipe| Slot::Optimiser(&mut recipe.optimiser)),
    other("train-rate", "learning rate", |recipe| Slot::Real(&mut recipe.learning_rate)),
    other("train-schedule", "schedule", |recipe| Slot::Schedule(&mut recipe.schedule)),
    other("train-decay", "weight decay", |recipe| Slot::Real(&mut recipe.weight_decay)),
    other("train-average", "average of weights", |recipe| Slot::Real(&mut recipe.average_decay)),
    other("train-dropout-conv", "dropout after convolutions", |recipe| Slot::Perhaps(&mut recipe.dropout_convolution)),
    other("train-dropout-dense", "dropout between dense layers", |recipe| Slot::Perhaps(&mut recipe.dropout_dense)),
    other("train-smoothing", "label smoothing", |recipe| Slot::Real(&mut recipe.label_smoothing)),
    other("train-penalty", "the paper's penalty", |recipe| Slot::Yes(&mut recipe.paper_penalty)),
    whole("train-every", "epochs from one judging to the next", 1000, |recipe| Slot::Whole(&mut recipe.validate_every)),
    whole("train-patience", "early stopping", 10_000, |recipe| Slot::Whole(&mut recipe.patience)),
    other("train-keep", "the epoch that is kept", |recipe| Slot::Keep(&mut recipe.keep)),
    whole("train-seed", "seed", 1_000_000_000, |recipe| Slot::Seed(&mut recipe.seed)),
];

/// What is done to sounds, setting by setting.
pub const AUGMENTATION: &[Setting] = &[
    other("train-mixup", "mixup", |recipe| Slot::Real(&mut recipe.augmentation.mixup)),
    whole("train-time-masks", "masks over time", 50, |recipe| Slot::Whole(&mut recipe.augmentation.time_masks)),
    whole("train-time-columns", "widest mask over time", 1000, |recipe| {
        Slot::Whole(&mut recipe.augmentation.time_mask_columns)
    }),
    whole("train-band-masks", "masks over bands", 50, |recipe| Slot::Whole(&mut recipe.augmentation.band_masks)),
    whole("train-band-bands", "widest mask over bands", 256, |recipe| {
        Slot::Whole(&mut recipe.augmentation.band_mask_bands)
    }),
    other("train-noise", "noise", |recipe| Slot::Real(&mut recipe.augmentation.noise)),
    other("train-gain", "level", |recipe| Slot::Real(&mut recipe.augmentation.gain)),
    other("train-equaliser", "equaliser", |recipe| Slot::Real(&mut recipe.augmentation.equaliser)),
    whole("train-pitch", "bands up or down", 64, |recipe| Slot::Whole(&mut recipe.augmentation.band_shift)),
    other("train-stretch", "stretch of time", |recipe| Slot::Real(&mut recipe.augmentation.stretch)),
];

/// Every setting.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().chain(AUGMENTATION)
}

/// Ready-made augmentations, by their names in the choice box; others are `own`.
pub const AUGMENTATIONS: [(&str, &Augmentation); 3] =
    [("none", &Augmentation::NONE), ("light", &Augmentation::LIGHT), ("strong", &Augmentation::FEW_SONGS)];

/// The name of an augmentation in the choice box.
pub fn augmentation_name(augmentation: &Augmentation) -> &'static str {
    AUGMENTATIONS.iter().find(|(_, known)| *known == augmentation).map_or("own", |(name, _)| name)
}

/// The augmentation of a name in the choice box; `None` for one's own.
pub fn augmentation(name: &str) -> Option<&'static Augmentation> {
    AUGMENTATIONS.iter().find(|(known, _)| *known == name).map(|(_, augmentation)| *augmentation)
}

impl Setting {
    /// What its field says of a recipe.
    pub fn text(&self, recipe: &Recipe) -> String {
        let name_of = |name: Option<&str>| name.unwrap_or_default().to_owned();
        match (self.slot)(&mut recipe.clone()) {
            Slot::Whole(value) => value.to_string(),
            Slot::Seed(value) => value.to_string(),
            Slot::Real(value) => value.to_string(),
            Slot::Perhaps(value) => value.map(|value| value.to_string()).unwrap_or_default(),
            Slot::Yes(value) => (if *value { TICKED } else { "" }).to_owned(),
            Slot::Optimiser(value) => name_of(name_in(&OPTIMISERS, value)),
            Slot::Schedule(value) => name_of(name_in(&SCHEDULES, value)),
            Slot::Keep(value) => name_of(name_in(&KEEPS, value)),
        }
    }

    /// Puts what its field says into a recipe that is in order.
    ///
    /// # Errors
    ///
    /// A sentence, where it is no such value or out of its range; the recipe is then as it was.
    pub fn set(&self, recipe: &mut Recipe, text: &str) -> Result<(), String> {
        let mut changed = recipe.clone();
        let text = text.trim();
        match (self.slot)(&mut changed) {
            Slot::Whole(value) => *value = text.parse().map_err(|_| words::not_whole(text))?,
            Slot::Seed(value) => *value = text.parse().map_err(|_| words::not_whole(text))?,
            Slot::Real(value) => *value = real(text)?,
            Slot::Perhaps(value) => *value = if text.is_empty() { None } else { Some(real(text)?) },
            Slot::Yes(value) => *value = text == TICKED,
            Slot::Optimiser(value) => *value = chosen(&OPTIMISERS, text)?,
            Slot::Schedule(value) => *value = chosen(&SCHEDULES, text)?,
            Slot::Keep(value) => *value = chosen(&KEEPS, text)?,
        }
        changed.check().map_err(|error| words::refused(&error))?;
        if text.parse().is_ok_and(|value: f64| value > self.most) {
            return Err(words::too_large(self.name, text, self.most));
        }
        *recipe = changed;
        Ok(())
    }
}

/// A number as people write it: with a comma too.
fn real(text: &str) -> Result<f64, String> {
    text.replace(',', ".").parse().map_err(|_| words::not_a_number(text))
}

/// A number in a range, whatever it is for.
///
/// # Errors
///
/// A sentence, where it is none or out of the range.
pub fn within(name: &str, text: &str, [least, most]: [f64; 2]) -> Result<f64, String> {
    let value = real(text.trim())?;
    if (least..=most).contains(&value) { Ok(value) } else { Err(words::outside(name, text.trim(), [least, most])) }
}

fn name_in<Value: PartialEq>(names: &[(&'static str, Value)], value: &Value) -> Option<&'static str> {
    names.iter().find(|(_, known)| known == value).map(|(name, _)| *name)
}

fn chosen<Value: Copy>(names: &[(&str, Value)], text: &str) -> Result<Value, String> {
    let found = names.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| words::not_a_number(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(id: &str) -> &'static Setting {
        all().find(|setting| setting.id == id).unwrap()
    }

    fn strange() -> Recipe {
        Recipe {
            seed: 9,
            epochs: 7,
            batch: 5,
            windows_per_song: 3,
            balanced: true,
            group_evenness: 0.5,
            optimiser: OptimiserKind::Adadelta,
            learning_rate: 1e-7,
            schedule: Schedule::Plateau,
            weight_decay: 0.25,
            label_smoothing: 0.125,
            paper_penalty: true,
            dropout_convolution: Some(0.3),
            dropout_dense: Some(0.0),
            average_decay: 0.995,
            keep: Keep::Last,
            validate_every: 2,
            patience: 11,
            augmentation: Augmentation { band_shift: 2, stretch: 0.1, ..Augmentation::FEW_SONGS },
            member_augmentations: Vec::new(),
        }
    }

    #[test]
    fn the_form_holds_a_whole_recipe() {
        let mut copied = Recipe::default();
        for setting in all() {
            setting.set(&mut copied, &setting.text(&strange())).unwrap();
        }
        assert_eq!(copied, strange(), "a setting has no field");
        for setting in all() {
            setting.set(&mut copied, &setting.text(&Recipe::default())).unwrap();
        }
        assert_eq!(copied, Recipe::default());
        let mut ids: Vec<&str> = all().map(|setting| setting.id).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|two| two[0] != two[1]));
    }

    #[test]
    fn what_is_no_value_is_refused_and_changes_nothing() {
        let mut recipe = strange();
        let mut told = |id: &str, text: &str| setting(id).set(&mut recipe, text).unwrap_err();
        assert_eq!(told("train-epochs", "0"), "Epochs is 0; expected 1 or more.");
        assert_eq!(told("train-dropout-dense", "1"), "Dropout between dense layers is 1; expected 0 to below 1.");
        assert_eq!(told("train-rate", "-1"), "Learning rate is -1; expected 0 or more.");
        assert_eq!(told("train-rate", "1e999"), "Learning rate is inf; expected 0 or more.");
        assert_eq!(told("train-batch", "2000"), "The batch is 2000; expected 1024 or less.");
        for (id, text) in [
            ("train-epochs", "many"),
            ("train-epochs", ""),
            ("train-epochs", "1.5"),
            ("train-seed", "-1"),
            ("train-rate", ""),
            ("train-rate", "fast"),
            ("train-noise", "nan"),
            ("train-optimiser", "lbfgs"),
        ] {
            assert!(told(id, text).ends_with('.'), "{id} {text}");
        }
        assert_eq!(recipe, strange());
        setting("train-rate").set(&mut recipe, " 0,01 ").unwrap();
        assert_eq!(recipe.learning_rate, 0.01, "with a comma");
        setting("train-dropout-conv").set(&mut recipe, "").unwrap();
        assert_eq!(recipe.dropout_convolution, None, "the network's own");
    }

    #[test]
    fn augmentations_have_names() {
        for (name, known) in AUGMENTATIONS {
            assert_eq!((augmentation_name(known), augmentation(name)), (name, Some(known)));
        }
        assert_eq!((augmentation_name(&strange().augmentation), augmentation("own")), ("own", None));
    }

    #[test]
    fn a_number_lies_in_its_range() {
        assert_eq!(within("the width", " 50 ", [5.0, 200.0]), Ok(50.0));
        assert_eq!(within("the width", "1", [5.0, 200.0]).unwrap_err(), "The width is 1; expected 5 to 200.");
        assert!(within("the width", "wide", [5.0, 200.0]).is_err());
    }
}
