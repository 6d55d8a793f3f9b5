//! Sentences about the model and the settings of a training job.

use crate::recipe::RecipeError;
use crate::training_job::{ModelSpec, TrainableLayers};
use crate::view::format::sentence;
use crate::view::train::model_options::{ModelGroup, ModelOption, RecipePreset, is_smallest};

/// The heading of a group of models.
pub fn group(group: ModelGroup) -> &'static str {
    match group {
        ModelGroup::NewHead => "New head",
        ModelGroup::FineTune => "Fine-tuning: starts from a pretrained network",
        ModelGroup::FromScratch => "From scratch: starts with random weights",
    }
}

/// A model in the select box.
pub fn model(option: &ModelOption) -> String {
    match option.group {
        ModelGroup::NewHead => "a new head on MusiCNN".to_owned(),
        ModelGroup::FineTune => format!("{}, fine-tuned", option.network),
        ModelGroup::FromScratch => format!("{}, from scratch", option.network),
    }
}

/// What a model is, and how many clips it needs.
pub(crate) fn about_model(option: &ModelOption) -> String {
    let summary = sentence(option.summary.clone());
    match option.group {
        ModelGroup::NewHead => {
            "MusiCNN was trained on two hundred thousand songs and stays as it is; only the classifier on \
                                its features is new. Best with few clips, and trained in seconds."
                .to_owned()
        }
        ModelGroup::FineTune => format!(
            "{summary} Training continues from its weights; if your classes are not its own, its last layer is replaced."
        ),
        // The engine's list of architectures, with their summaries, comes later than the page.
        ModelGroup::FromScratch if option.summary.is_empty() => {
            "A small network of our own. It starts with random weights and needs a hundred clips or more.".to_owned()
        }
        ModelGroup::FromScratch => {
            let clips = if is_smallest(option) { "a hundred clips or more" } else { "hundreds of clips" };
            format!("{summary} It starts with random weights and needs {clips}.")
        }
    }
}

/// The layers that are trained, in the select box.
pub fn layers(layers: TrainableLayers) -> &'static str {
    match layers {
        TrainableLayers::Output => "only the last layer",
        TrainableLayers::Last => "the last layers",
        TrainableLayers::All => "all layers",
    }
}

/// The front end of a network, in the select box.
pub fn front_ends(documented: bool) -> &'static str {
    if documented { "as in its paper" } else { "3 s at a time (gtzan-logmel)" }
}

/// What a preset means for a model, and why there is none of a paper if there is none. `None` is for custom settings.
pub(crate) fn about_preset(preset: Option<RecipePreset>, model: &ModelSpec, has_paper: bool) -> String {
    let meaning = match (preset, model) {
        (None, _) => "Custom settings: those that you changed are marked, the others are the preset’s.",
        (Some(RecipePreset::Quick), _) => "A first result soon. The fewer the clips, the more epochs.",
        (Some(RecipePreset::Thorough), model) if model.trains_on_audio() => {
            "More epochs, and augmentation against overfitting."
        }
        (Some(RecipePreset::Thorough), _) => "More epochs in smaller steps.",
        (Some(RecipePreset::Paper), ModelSpec::NewHead { .. }) => {
            "As such heads are usually trained: with AdamW, and the best epoch is kept."
        }
        (Some(RecipePreset::Paper), _) => {
            "As the paper trains this network. The paper had far more songs than you have clips."
        }
    };
    match model {
        _ if has_paper => meaning.to_owned(),
        ModelSpec::FromScratch { .. } => {
            format!("{meaning} “As in the paper” becomes available once the engine has listed its networks.")
        }
        _ => format!("{meaning} No paper says how to fine-tune this network."),
    }
}

/// A recipe that does not hold together.
pub(crate) fn refused(error: &RecipeError) -> String {
    capital(&sentence(error.to_string()))
}

/// A text that is not a whole number.
pub(crate) fn not_whole(found: &str) -> String {
    // A number input gives an empty text for whatever it cannot parse.
    match found {
        "" => "Enter a whole number like 0, 1 or 25.".to_owned(),
        found => format!("“{found}” is not a whole number; enter one like 0, 1 or 25."),
    }
}

/// A text that is not a number.
pub(crate) fn not_a_number(found: &str) -> String {
    match found {
        "" => "Enter a number like 0.01 or 3.".to_owned(),
        found => format!("“{found}” is not a number; enter one like 0.01 or 3."),
    }
}

/// A value that a select box does not have.
pub(crate) fn no_choice(found: &str) -> String {
    format!("“{found}” is not one of the choices.")
}

/// A number outside of its field's range.
pub(crate) fn out_of_range(label: &str, range: impl std::fmt::Display, found: &str) -> String {
    format!("{label} must be {range}, not {found}.")
}

/// Why training does not start.
pub(crate) const SEE_SETTINGS: &str = "A setting is not valid; see “All settings”.";

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::train::model_options::{ModelChoices, model_spec};

    #[test]
    fn a_missing_paper_is_explained() {
        let about = |id: &str, has_paper| {
            about_preset(Some(RecipePreset::Quick), &model_spec(id, &ModelChoices::default(), &[]), has_paper)
        };
        assert!(about("tuned:a", false).ends_with("No paper says how to fine-tune this network."));
        assert!(about("lens", false).contains("once the engine"));
        assert!(!about("head", true).contains("paper"));
    }

    #[test]
    fn every_preset_has_its_sentence() {
        let head = model_spec("head", &ModelChoices::default(), &[]);
        let mut said: Vec<String> = RecipePreset::ALL.map(|preset| about_preset(Some(preset), &head, true)).to_vec();
        said.push(about_preset(None, &head, true));
        said.sort();
        said.dedup();
        assert_eq!(said.len(), 4);
    }

    #[test]
    fn models_are_named_and_described() {
        let option = |group, network: &str, summary: &str| ModelOption {
            id: network.to_owned(),
            group,
            network: network.to_owned(),
            summary: summary.to_owned(),
        };
        let unknown = option(ModelGroup::FromScratch, "lens", "");
        assert_eq!(model(&unknown), "lens, from scratch");
        assert!(about_model(&unknown).starts_with("A small network of our own."));
        let tuned = option(ModelGroup::FineTune, "a", "It names genres");
        assert_eq!(model(&tuned), "a, fine-tuned");
        assert!(about_model(&tuned).starts_with("It names genres. Training continues"));
    }
}
