use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::recipe::{Keep, OptimiserKind, Recipe, Schedule};
use crate::view::train::settings::Binding;

fn setting(id: &str) -> &'static Setting {
    all().find(|setting| setting.field.id == id).unwrap()
}

/// A recipe of which no value is the usual one.
fn unusual() -> Recipe {
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

/// The values of a recipe by their paths: `epochs`, `augmentation.noise`.
fn values(recipe: &Recipe) -> Vec<(String, Value)> {
    let Value::Object(fields) = serde_json::to_value(recipe).unwrap() else { panic!("a recipe is an object") };
    let mut values = Vec::new();
    for (name, value) in fields {
        match value {
            Value::Object(inner) => {
                values.extend(inner.into_iter().map(|(own, value)| (format!("{name}.{own}"), value)))
            }
            // Only ensembles have it, and the page trains none.
            _ if name == "member_augmentations" => {}
            value => values.push((name, value)),
        }
    }
    values
}

#[test]
fn every_field_of_a_recipe_has_exactly_one_setting() {
    let before = values(&Recipe::default());
    let mut set = Vec::new();
    for setting in all() {
        let mut recipe = Recipe::default();
        setting.set(&mut recipe, &setting.text(&unusual())).unwrap();
        let changed = before.iter().zip(values(&recipe)).filter(|((_, old), (_, new))| old != new);
        let changed: Vec<String> = changed.map(|(_, (name, _))| name).collect();
        assert_eq!(changed.len(), 1, "{} changes {changed:?}", setting.field.id);
        set.extend(changed);
    }
    set.sort();
    let mut expected: Vec<String> = before.into_iter().map(|(name, _)| name).collect();
    expected.sort();
    assert_eq!(set, expected);
}

#[test]
fn the_form_holds_a_whole_recipe() {
    for recipe in [unusual(), Recipe::default()] {
        let mut copied = if recipe == unusual() { Recipe::default() } else { unusual() };
        all().for_each(|setting| setting.set(&mut copied, &setting.text(&recipe)).unwrap());
        assert_eq!(copied, recipe);
    }
}

#[test]
fn fields_are_told_apart_and_explained() {
    let extra = FIELDSETS.iter().flat_map(|fieldset| fieldset.extra);
    let fields: Vec<FormField> =
        MODEL_FIELDS.iter().chain(extra).copied().chain(all().map(|setting| setting.field)).collect();
    let ids: BTreeSet<&str> = fields.iter().map(|field| field.id).collect();
    let labels: BTreeSet<&str> = fields.iter().map(|field| field.label).collect();
    assert_eq!((ids.len(), labels.len()), (fields.len(), fields.len()));
    for field in fields {
        assert!(field.help.len() > 40 && field.help.ends_with('.'), "{}", field.id);
    }
}

#[test]
fn ranges_are_those_of_the_recipe() {
    // What the recipe says of a number, whatever the form thinks of it.
    let allows = |setting: &Setting, value: f64| {
        let mut recipe = Recipe::default();
        match setting.binding {
            Binding::Whole(of) => *of(&mut recipe) = value as usize,
            Binding::Seed(of) => *of(&mut recipe) = value as u64,
            Binding::Real(of) => *of(&mut recipe) = value,
            Binding::OptionalReal(of) => *of(&mut recipe) = Some(value),
            _ => {}
        }
        recipe.check().is_ok()
    };
    for setting in all() {
        let id = setting.field.id;
        match setting.field.input {
            Input::Whole(range) => {
                assert!(allows(setting, range.min) && allows(setting, range.max), "{id}");
                assert!(range.min == 0.0 || !allows(setting, range.min - 1.0), "{id}");
                assert!(!allows(setting, range.max + 1.0), "{id}");
            }
            Input::Real(range) | Input::OptionalReal(range) => {
                assert!(allows(setting, range.min) && !allows(setting, range.min - 0.001), "{id}");
                assert!(!allows(setting, f64::NAN) && !allows(setting, f64::INFINITY), "{id}");
                for value in [range.max - 0.001, range.max, range.max + 0.001] {
                    assert_eq!(allows(setting, value), range.contains(value), "{id} {value}");
                }
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_no_value_is_refused_and_changes_nothing() {
    let mut recipe = unusual();
    let mut refused = |id: &str, text: &str| setting(id).set(&mut recipe, text).unwrap_err();
    assert_eq!(refused("train-epochs", "0"), "Epochs must be 1 to 10000, not 0.");
    assert_eq!(refused("train-dropout-dense", "1"), "Dropout (dense layers) must be 0 to below 1, not 1.");
    assert_eq!(refused("train-rate", "-1"), "Learning rate must be 0 to 100, not -1.");
    assert_eq!(refused("train-rate", "1e999"), "Learning rate must be 0 to 100, not 1e999.");
    assert_eq!(refused("train-batch", "2000"), "Batch size must be 1 to 1024, not 2000.");
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
        assert!(refused(id, text).ends_with('.'), "{id} {text}");
    }
    assert_eq!(recipe, unusual());
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
    assert_eq!((augmentation_name(&unusual().augmentation), augmentation(CUSTOM)), (CUSTOM, None));
}

#[test]
fn settings_beside_the_recipe_have_ranges_too() {
    assert_eq!((WIDTH.number(" 50 "), WIDTH.number("62,5")), (Ok(50.0), Ok(62.5)));
    assert_eq!(WIDTH.number("1").unwrap_err(), "Width (%) must be 5 to 200, not 1.");
    assert!(WIDTH.number("wide").is_err() && HIDDEN_UNITS.number("1.5").is_err());
    assert_eq!(HIDDEN_UNITS.number("64"), Ok(64.0));
}
