//! The table of all fields of the settings form, in the order in which the page shows them.

use super::recipe_fields::{OPTIMIZER, REGULARIZATION, TRAINING, VALIDATION};
use super::{FormField, Input, Setting};
use crate::recipe::Augmentation;
use crate::recipe::range::Range;
use crate::view::train::model_options::RecipePreset;

pub(crate) use super::recipe_fields::AUGMENTATION;

/// A group of fields under a heading.
#[derive(Debug, Clone, Copy)]
pub struct Fieldset {
    /// The id of its element.
    pub id: &'static str,
    /// Its heading.
    pub legend: &'static str,
    /// The id and the text of a note that is shown while its fields have no effect.
    pub note: Option<(&'static str, &'static str)>,
    /// Fields that are not of the recipe; they come first.
    pub extra: &'static [FormField],
    /// Fields of the recipe.
    pub settings: &'static [Setting],
}

/// In the order of the page.
pub const FIELDSETS: [Fieldset; 5] = [
    Fieldset { id: "train-training", legend: "Training", note: None, extra: &[], settings: TRAINING },
    Fieldset { id: "train-optimizer", legend: "Optimizer", note: None, extra: &[], settings: OPTIMIZER },
    Fieldset { id: "train-regularization", legend: "Regularization", note: None, extra: &[], settings: REGULARIZATION },
    Fieldset {
        id: "train-augmentation",
        legend: "Augmentation",
        note: Some((
            "train-augmentation-none",
            "This model trains on features that are computed once for every clip, so \
                    the sound cannot be changed.",
        )),
        // It sets all fields below it at once, so it comes first.
        extra: &[AUGMENT],
        settings: AUGMENTATION,
    },
    Fieldset {
        id: "train-validation",
        legend: "Validation and seed",
        note: None,
        extra: &[VALIDATION_SPLIT],
        settings: VALIDATION,
    },
];

/// Every setting of the recipe.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    FIELDSETS.iter().flat_map(|fieldset| fieldset.settings)
}

/// The value of a select box whose fields were changed one by one.
// The page alone selects it.
pub(crate) const CUSTOM: &str = "own";

/// Ready-made augmentations, by their values in the select box; others are [`CUSTOM`].
pub(crate) const AUGMENTATIONS: [(&str, &Augmentation); 3] =
    [("none", &Augmentation::NONE), ("light", &Augmentation::LIGHT), ("strong", &Augmentation::FEW_SONGS)];

/// The value of an augmentation in the select box.
pub(crate) fn augmentation_name(augmentation: &Augmentation) -> &'static str {
    AUGMENTATIONS.iter().find(|(_, known)| *known == augmentation).map_or(CUSTOM, |(name, _)| name)
}

/// The augmentation of a value in the select box; `None` for [`CUSTOM`].
pub fn augmentation(name: &str) -> Option<&'static Augmentation> {
    AUGMENTATIONS.iter().find(|(known, _)| *known == name).map(|(_, augmentation)| *augmentation)
}

/// The fields of the model, which the form shows first.
pub const MODEL_FIELDS: [FormField; 7] = [MODEL, PRESET, NAME, LAYERS, HIDDEN_UNITS, FRONT_END, WIDTH];

/// What is trained.
pub(crate) const MODEL: FormField = later(
    "train-model",
    "Model",
    "What is trained. A head is a small new classifier on the features of a pretrained network; fine-tuning continues the \
     training of a pretrained network; from scratch starts with random weights. The fewer clips you have, the more should \
     be pretrained.",
);

/// The ready-made recipe.
pub(crate) const PRESET: FormField = FormField {
    id: "train-preset",
    label: "Preset",
    help: "Fills in all settings below. Start with “quick”; settings that you change are marked.",
    input: Input::Choice(|| {
        let text = |preset| match preset {
            RecipePreset::Quick => "quick: a first result soon",
            RecipePreset::Thorough => "thorough: trains longer",
            RecipePreset::Paper => "as in the paper",
        };
        let presets = RecipePreset::ALL.into_iter().map(|preset| (preset.name(), text(preset)));
        presets.chain([(CUSTOM, "custom")]).collect()
    }),
    value: "",
};

/// What the network is to be called.
pub const NAME: FormField = FormField {
    id: "train-name",
    label: "Name",
    help: "What the new network is called in the list of networks. A number is added if the name is taken.",
    input: Input::Text(60),
    value: "my network",
};

/// Which layers of a pretrained network are trained.
pub(crate) const LAYERS: FormField = later(
    "train-layers",
    "Layers to train",
    "Which layers of the pretrained network change. With few clips train only the last; training all of them takes longest \
     and overfits soonest.",
);

/// Units of a head's hidden layer.
pub(crate) const HIDDEN_UNITS: FormField = FormField {
    id: "train-hidden",
    label: "Hidden units",
    help: "Units of a dense layer between the features and the output. 0 leaves it out, which is best with few clips.",
    input: Input::Whole(Range::within(0.0, 4096.0)),
    value: "0",
};

/// The front end of a network from scratch.
pub(crate) const FRONT_END: FormField = later(
    "train-front-end",
    "Front end",
    "How sound becomes the spectrogram that the network sees, and how many seconds it sees at once.",
);

/// The width of a network from scratch.
pub(crate) const WIDTH: FormField = FormField {
    id: "train-width",
    label: "Width (%)",
    help: "Share of the channels that the network has in its paper. Half the width has about a quarter of the parameters: it \
           is faster and may be less accurate. 100 is usual.",
    input: Input::Percent(Range::within(5.0, 200.0)),
    value: "100",
};

/// A ready-made augmentation.
pub(crate) const AUGMENT: FormField = FormField {
    id: "train-augment",
    label: "Strength",
    help: "Changes the sound at random each time, so that the network never sees the same window twice. It helps most with \
           few clips.",
    input: Input::Choice(|| AUGMENTATIONS.iter().map(|(name, _)| (*name, *name)).chain([(CUSTOM, "custom")]).collect()),
    value: "",
};

/// The share of clips that are for validation, in percent.
pub(crate) const VALIDATION_SPLIT: FormField = FormField {
    id: "train-share",
    label: "Validation split (%)",
    help: "Share of the clips that the network is not trained on. How well it does on them shows how good it is. 20 is \
           usual.",
    input: Input::Percent(Range::within(5.0, 50.0)),
    value: "20",
};

/// A select box that the page fills once it knows the networks.
const fn later(id: &'static str, label: &'static str, help: &'static str) -> FormField {
    FormField { id, label, help, input: Input::Choice(Vec::new), value: "" }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
