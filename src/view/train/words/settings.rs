//! The sentences about who learns and how.

use crate::recipe::RecipeError;
use crate::training_job::{ModelSpec, TrainableLayers};
use crate::view::format::sentence;
use crate::view::train::model_options::{Group, Preset};

/// The head's name in the choice box.
pub const HEAD: &str = "a new head on MusiCNN";

/// What it is good for.
pub const ABOUT_HEAD: &str = "MusiCNN has heard two hundred thousand songs and stays as it is; only what decides from it is \
                              new. Best with few clips, and done in seconds.";

/// The smallest network from fresh weights, until the engine has told what it is.
pub const FIRST: &str = "A small network of our own";

/// The heading of a group of pupils.
pub fn group(group: Group) -> &'static str {
    match group {
        Group::Head => "A new head",
        Group::Tuned => "Fine-tuned: it has learned already",
        Group::Fresh => "From scratch: it knows nothing yet",
    }
}

/// A network that has learned already, in the choice box.
pub fn tuned(name: &str) -> String {
    format!("{name}, fine-tuned")
}

/// What fine-tuning it is good for.
pub fn about_tuned(summary: &str) -> String {
    format!(
        "{} It goes on learning from what it knows; for labels that are new to it, it gets a new last layer.",
        sentence(summary.to_owned())
    )
}

/// A network from fresh weights, in the choice box.
pub fn fresh(id: &str) -> String {
    format!("{id}, from scratch")
}

/// What it is good for.
pub fn about_fresh(summary: &str, small: bool) -> String {
    let wants = if small { "a hundred clips or more" } else { "hundreds of clips" };
    format!("{} From fresh weights: it wants {wants}.", sentence(summary.to_owned()))
}

/// Which layers learn, in the choice box.
pub fn layers(layers: TrainableLayers) -> &'static str {
    match layers {
        TrainableLayers::Output => "only the last layer",
        TrainableLayers::Last => "the last layers",
        TrainableLayers::All => "all layers",
    }
}

/// How a network hears, in the choice box.
pub fn front_ends(documented: bool) -> &'static str {
    if documented { "as in its document" } else { "3 s at a time (gtzan-logmel)" }
}

/// What a preset means for a student; why there is none, where there is none.
pub fn about_preset(preset: Option<Preset>, model: &ModelSpec, has_paper: bool) -> String {
    let meaning = match (preset, model) {
        (None, _) => "Your own settings: what you changed is marked, the rest is the preset's.",
        (Some(Preset::Quick), _) => "For a first result soon. The fewer the clips, the oftener it goes through them.",
        (Some(Preset::Thorough), model) if model.trains_on_audio() => {
            "More epochs, and sounds altered each time, so that it learns fewer of them by heart."
        }
        (Some(Preset::Thorough), _) => "More epochs in smaller steps.",
        (Some(Preset::Paper), ModelSpec::NewHead { .. }) => {
            "As such heads are usually trained: plainly, by Adam, and the best epoch is kept."
        }
        (Some(Preset::Paper), _) => {
            "As the document trains it that the network comes from, on far more songs than yours."
        }
    };
    match model {
        _ if has_paper => meaning.to_owned(),
        ModelSpec::FromScratch { .. } => {
            format!("{meaning} “As in the paper” is there once the engine has told of its networks.")
        }
        _ => format!("{meaning} No paper says how this network should go on learning."),
    }
}

/// A setting out of its range.
pub fn refused(error: &RecipeError) -> String {
    capital(&sentence(error.to_string()))
}

/// No whole number.
pub fn not_whole(found: &str) -> String {
    // What a browser finds to be no number, it keeps to itself.
    match found {
        "" => "Expected a whole number like 0, 1 or 25.".to_owned(),
        found => format!("“{found}” is no whole number; expected one like 0, 1 or 25."),
    }
}

/// No number at all.
pub fn not_a_number(found: &str) -> String {
    match found {
        "" => "Expected a number like 0.01 or 3.".to_owned(),
        found => format!("“{found}” is no number; expected one like 0.01 or 3."),
    }
}

/// More than the page takes.
pub fn too_large(name: &str, found: &str, most: f64) -> String {
    format!("The {name} is {found}; expected {most} or less.")
}

/// Outside of its range.
pub fn outside(name: &str, found: &str, [least, most]: [f64; 2]) -> String {
    capital(&format!("{name} is {found}; expected {least} to {most}."))
}

/// Why nothing begins.
pub const SEE_SETTINGS: &str = "A setting is not right; see “All settings”.";

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::train::model_options::{Build, model_spec};

    #[test]
    fn why_there_is_no_paper_is_said() {
        let about =
            |id: &str, has_paper| about_preset(Some(Preset::Quick), &model_spec(id, &Build::default(), &[]), has_paper);
        assert!(about("tuned:a", false).ends_with("No paper says how this network should go on learning."));
        assert!(about("lens", false).contains("once the engine"));
        assert!(!about("head", true).contains("paper"));
    }

    #[test]
    fn every_preset_has_its_sentence() {
        let head = model_spec("head", &Build::default(), &[]);
        let own = about_preset(None, &head, true);
        let mut said: Vec<String> = Preset::ALL.map(|preset| about_preset(Some(preset), &head, true)).to_vec();
        said.push(own);
        said.sort();
        said.dedup();
        assert_eq!(said.len(), 4);
    }
}
