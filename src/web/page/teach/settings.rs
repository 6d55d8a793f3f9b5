//! The second step's settings: who learns, and how.

use std::cell::Cell;

use web_sys::{Document, HtmlElement, HtmlInputElement, HtmlSelectElement};

use crate::lesson::Student;
use crate::train::recipe::Recipe;
use crate::view::networks::Catalogue;
use crate::view::state::State;
use crate::view::teach::{PUPILS, Preset, free_name, pupils, student};
use crate::web::dom::{self, DomError, by_id, set_text};

/// Its elements.
pub struct Settings {
    document: Document,
    pupil: HtmlSelectElement,
    pupil_about: HtmlElement,
    preset: HtmlSelectElement,
    name: HtmlInputElement,
    epochs: HtmlInputElement,
    rate: HtmlInputElement,
    share: HtmlInputElement,
    seed: HtmlInputElement,
    /// True once the choice box has the pupils of the site.
    shown: Cell<bool>,
}

impl Settings {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            pupil: by_id(document, "teach-pupil")?,
            pupil_about: by_id(document, "teach-pupil-about")?,
            preset: by_id(document, "teach-preset")?,
            name: by_id(document, "teach-name")?,
            epochs: by_id(document, "teach-epochs")?,
            rate: by_id(document, "teach-rate")?,
            share: by_id(document, "teach-share")?,
            seed: by_id(document, "teach-seed")?,
            shown: Cell::default(),
        })
    }

    /// Who is to learn from as many clips, and how. What is no number stays as the preset has it.
    pub fn wanted(&self, clips: usize) -> (Student, Recipe) {
        let student = student(&self.pupil.value());
        let mut recipe = Preset::of(&self.preset.value()).recipe(&student, clips);
        recipe.epochs = number(&self.epochs, 1.0, 10_000.0).map_or(recipe.epochs, |epochs| epochs as usize);
        recipe.learning_rate = number(&self.rate, 1e-7, 10.0).unwrap_or(recipe.learning_rate);
        recipe.seed = number(&self.seed, 0.0, 1e9).map_or(recipe.seed, |seed| seed as u64);
        (student, recipe)
    }

    /// The share of clips that are for validation, 0.05 to 0.5.
    pub fn share(&self) -> f64 {
        number(&self.share, 5.0, 50.0).unwrap_or(20.0) / 100.0
    }

    /// What the new network is to be called, as a name that no other has; it is shown.
    pub fn name(&self, list: Option<&Catalogue>) -> String {
        let name = free_name(&self.name.value(), list);
        self.name.set_value(&name);
        name
    }

    pub fn render(&self, state: &State) -> Result<(), DomError> {
        let Some(list) = &state.catalogue else { return Ok(()) };
        if self.shown.get() {
            return Ok(());
        }
        let option = |id: &str, name: &str| {
            let option = dom::element(&self.document, "option", name)?;
            option.set_attribute("value", id)?;
            Ok(option)
        };
        let options: Result<Vec<_>, DomError> = pupils(list).map(|pupil| option(pupil.id, pupil.name)).collect();
        dom::set_children(&self.pupil, &options?);
        self.shown.set(true);
        self.suggest(0);
        Ok(())
    }

    /// Fills the settings with those of the preset.
    pub fn suggest(&self, clips: usize) {
        let student = student(&self.pupil.value());
        let recipe = Preset::of(&self.preset.value()).recipe(&student, clips);
        self.epochs.set_value(&recipe.epochs.to_string());
        self.rate.set_value(&recipe.learning_rate.to_string());
        let about = PUPILS.iter().find(|pupil| pupil.id == self.pupil.value()).map(|pupil| pupil.about);
        set_text(&self.pupil_about, about.unwrap_or_default());
    }
}

/// The number in a field, where it is one in this range.
fn number(input: &HtmlInputElement, least: f64, most: f64) -> Option<f64> {
    input.value().trim().parse().ok().filter(|value: &f64| (least..=most).contains(value))
}
