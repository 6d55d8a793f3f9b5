//! The fields of the settings form: what each is called, what it means, which values it takes, and how it reads and writes
//! a [`Recipe`]. The page builds the form from them; the table of all fields is in [`fields`].

pub mod fields;
mod recipe_fields;

use std::str::FromStr;

use crate::recipe::range::Range;
use crate::recipe::{Keep, OptimiserKind, Recipe, Schedule};
use crate::view::train::words::settings as words;

/// What a ticked checkbox says; an empty one says nothing.
pub(crate) const TICKED: &str = "yes";

/// The kind of a field.
#[derive(Debug, Clone, Copy)]
pub enum Input {
    /// A whole number, in steps of 1.
    Whole(Range),
    /// A percentage, in steps of 1; fractions can be typed.
    Percent(Range),
    /// A real number, written with a point or a comma.
    Real(Range),
    /// A real number, or nothing for the network's own value.
    OptionalReal(Range),
    /// On or off.
    Checkbox,
    /// A select box: its values and what each is called. Empty if the page fills it later.
    Choice(fn() -> Vec<(&'static str, &'static str)>),
    /// A text of at most this many characters.
    Text(u32),
}

/// What the page builds an input with its label and help from.
#[derive(Debug, Clone, Copy)]
pub struct FormField {
    /// The id of its element.
    pub id: &'static str,
    /// What stands over it.
    pub label: &'static str,
    /// What the setting does, its unit and a usual value.
    pub help: &'static str,
    /// Which values it takes.
    pub input: Input,
    /// Its value at first; of a recipe's settings the preset gives it.
    pub value: &'static str,
}

impl FormField {
    /// The number in the field.
    ///
    /// # Errors
    ///
    /// A sentence if it is no number or out of its range.
    pub fn number(&self, text: &str) -> Result<f64, String> {
        match self.input {
            // Parsed as an integer first, so that 1.5 is refused and not cut off.
            Input::Whole(_) => self.whole::<u64>(text).map(|value| value as f64),
            _ => self.real(text),
        }
    }

    fn whole<Number: FromStr>(&self, text: &str) -> Result<Number, String> {
        let text = text.trim();
        let value = text.parse().map_err(|_| words::not_whole(text))?;
        self.check(text, text.parse().unwrap_or(f64::NAN)).map(|()| value)
    }

    fn real(&self, text: &str) -> Result<f64, String> {
        let text = text.trim();
        // Many keyboards for numbers have a comma only.
        let value = text.replace(',', ".").parse().map_err(|_| words::not_a_number(text))?;
        self.check(text, value).map(|()| value)
    }

    fn check(&self, text: &str, value: f64) -> Result<(), String> {
        match self.input {
            Input::Whole(range) | Input::Percent(range) | Input::Real(range) | Input::OptionalReal(range)
                if !range.contains(value) =>
            {
                Err(words::out_of_range(self.label, range, text))
            }
            _ => Ok(()),
        }
    }
}

/// A setting of a [`Recipe`].
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// How the page shows it.
    pub field: FormField,
    binding: Binding,
}

/// Where a setting lies in a recipe.
#[derive(Debug, Clone, Copy)]
enum Binding {
    Whole(fn(&mut Recipe) -> &mut usize),
    Seed(fn(&mut Recipe) -> &mut u64),
    Real(fn(&mut Recipe) -> &mut f64),
    OptionalReal(fn(&mut Recipe) -> &mut Option<f64>),
    Checkbox(fn(&mut Recipe) -> &mut bool),
    Optimiser(fn(&mut Recipe) -> &mut OptimiserKind),
    Schedule(fn(&mut Recipe) -> &mut Schedule),
    Keep(fn(&mut Recipe) -> &mut Keep),
}

const OPTIMISERS: [(&str, &str, OptimiserKind); 5] = [
    ("adamw", "AdamW", OptimiserKind::AdamW),
    ("adam", "Adam", OptimiserKind::Adam),
    ("rmsprop", "RMSProp", OptimiserKind::RmsProp),
    ("sgd", "SGD with momentum", OptimiserKind::Sgd),
    ("adadelta", "Adadelta", OptimiserKind::Adadelta),
];
const SCHEDULES: [(&str, &str, Schedule); 3] = [
    ("constant", "constant", Schedule::Constant),
    ("cosine", "cosine", Schedule::Cosine),
    ("plateau", "plateau", Schedule::Plateau),
];
const KEEPS: [(&str, &str, Keep); 2] = [("best", "the best epoch", Keep::Best), ("last", "the last epoch", Keep::Last)];

impl Setting {
    /// What it is called in a list: `epochs`, `learning rate`.
    pub fn name(&self) -> String {
        let mut letters = self.field.label.chars();
        letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
    }

    /// What its field says for a recipe.
    pub fn text(&self, recipe: &Recipe) -> String {
        // The bindings lend a place to write to; a copy serves to read from.
        let recipe = &mut recipe.clone();
        match self.binding {
            Binding::Whole(of) => of(recipe).to_string(),
            Binding::Seed(of) => of(recipe).to_string(),
            Binding::Real(of) => of(recipe).to_string(),
            Binding::OptionalReal(of) => of(recipe).map(|value| value.to_string()).unwrap_or_default(),
            Binding::Checkbox(of) => (if *of(recipe) { TICKED } else { "" }).to_owned(),
            Binding::Optimiser(of) => value_of(&OPTIMISERS, of(recipe)),
            Binding::Schedule(of) => value_of(&SCHEDULES, of(recipe)),
            Binding::Keep(of) => value_of(&KEEPS, of(recipe)),
        }
    }

    /// Writes what its field says into a valid recipe.
    ///
    /// # Errors
    ///
    /// A sentence if it is not a value of the field; the recipe then stays as it was.
    pub fn set(&self, recipe: &mut Recipe, text: &str) -> Result<(), String> {
        let mut changed = recipe.clone();
        let (field, text) = (&self.field, text.trim());
        match self.binding {
            Binding::Whole(of) => *of(&mut changed) = field.whole(text)?,
            Binding::Seed(of) => *of(&mut changed) = field.whole(text)?,
            Binding::Real(of) => *of(&mut changed) = field.real(text)?,
            // Nothing is a value here: that of the network's paper.
            Binding::OptionalReal(of) if text.is_empty() => *of(&mut changed) = None,
            Binding::OptionalReal(of) => *of(&mut changed) = Some(field.real(text)?),
            Binding::Checkbox(of) => *of(&mut changed) = text == TICKED,
            Binding::Optimiser(of) => *of(&mut changed) = chosen(&OPTIMISERS, text)?,
            Binding::Schedule(of) => *of(&mut changed) = chosen(&SCHEDULES, text)?,
            Binding::Keep(of) => *of(&mut changed) = chosen(&KEEPS, text)?,
        }
        // The ranges above are the recipe's own (a test compares them). This is for rules that a later version may add.
        changed.check().map_err(|error| words::refused(&error))?;
        *recipe = changed;
        Ok(())
    }
}

fn value_of<Value: PartialEq>(choices: &[(&str, &str, Value)], value: &Value) -> String {
    choices.iter().find(|(.., known)| known == value).map(|(name, ..)| (*name).to_owned()).unwrap_or_default()
}

fn chosen<Value: Copy>(choices: &[(&str, &str, Value)], text: &str) -> Result<Value, String> {
    let found = choices.iter().find(|(name, ..)| *name == text);
    found.map(|(.., value)| *value).ok_or_else(|| words::no_choice(text))
}
