//! The second step's settings: who learns, and how. What each field says of a recipe is in
//! [`settings`].

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, Event, HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::disable;
use super::field::Field;
use crate::protocol::ArchitectureInfo;
use crate::recipe::Recipe;
use crate::training_job::{ModelSpec, TrainableLayers};
use crate::view::classify::networks::Catalogue;
use crate::view::classify::state::State;
use crate::view::train::model_options::{self, Build, Group, ModelOption, Preset};
use crate::view::train::settings;
use crate::view::train::state::{TrainingState, free_name};
use crate::view::train::words::settings as words;
use crate::web::dom::{self, DomError, by_id, set_text, set_text_or_hide};

/// Settings beside the recipe's: their fields, what they are called, and their ranges.
const HIDDEN: (&str, &str, [f64; 2]) = ("train-hidden", "the hidden layer", [0.0, 4096.0]);
const WIDTH: (&str, &str, [f64; 2]) = ("train-width", "the width", [5.0, 200.0]);
const SHARE: (&str, &str, [f64; 2]) = ("train-share", "the share for judging", [5.0, 50.0]);
/// Which layers learn, by their names in the choice box.
const LAYERS: [(&str, TrainableLayers); 3] =
    [("output", TrainableLayers::Output), ("last", TrainableLayers::Last), ("all", TrainableLayers::All)];
/// How a network hears, by its names in the choice box.
const FRONT_ENDS: [(&str, bool); 2] = [("usual", false), ("document", true)];

/// The fields that only some students have.
const OF_GROUPS: [(&str, Group); 4] = [
    ("train-hidden", Group::Head),
    ("train-layers", Group::Tuned),
    ("train-front-end", Group::Fresh),
    ("train-width", Group::Fresh),
];

/// What the user wants.
pub struct Wanted {
    /// Who learns.
    pub model_spec: ModelSpec,
    /// How.
    pub recipe: Recipe,
    /// The share of clips that are for validation, 0.05 to 0.5.
    pub share: f64,
}

/// What the fields show.
#[derive(Default)]
struct Shown {
    list: Option<Rc<Catalogue>>,
    architectures: Rc<Vec<ArchitectureInfo>>,
    model_options: Vec<ModelOption>,
    clips: usize,
    preset: Preset,
    /// What the fields were filled with: whatever differs from it, the user has changed.
    recipe: Option<Recipe>,
}

/// Its elements.
pub struct Settings {
    document: Document,
    option: HtmlSelectElement,
    model_about: HtmlElement,
    layers: HtmlSelectElement,
    front_ends: HtmlSelectElement,
    preset: HtmlSelectElement,
    preset_about: HtmlElement,
    name: HtmlInputElement,
    all: HtmlElement,
    augment: HtmlSelectElement,
    augmentation: HtmlElement,
    augmentation_none: HtmlElement,
    trouble: HtmlElement,
    shown: RefCell<Shown>,
}

impl Settings {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            option: by_id(document, "train-model")?,
            model_about: by_id(document, "train-model-about")?,
            layers: by_id(document, "train-layers")?,
            front_ends: by_id(document, "train-front-end")?,
            preset: by_id(document, "train-preset")?,
            preset_about: by_id(document, "train-preset-about")?,
            name: by_id(document, "train-name")?,
            all: by_id(document, "train-all")?,
            augment: by_id(document, "train-augment")?,
            augmentation: by_id(document, "train-augmentation")?,
            augmentation_none: by_id(document, "train-augmentation-none")?,
            trouble: by_id(document, "train-settings-trouble")?,
            shown: RefCell::default(),
        })
    }

    /// Who is to learn from this many clips, and how. `None` where a field is not right: it says so, and is shown.
    pub fn wanted(&self, clips: usize) -> Option<Wanted> {
        self.shown.borrow_mut().clips = clips;
        let all_right = self.fill(false).and_then(|()| self.check());
        let wanted = all_right.map(|troubled| self.read().filter(|_| troubled.is_none()).ok_or(troubled));
        let (wanted, troubled) = match wanted {
            Ok(Ok(wanted)) => (Some(wanted), None),
            Ok(Err(troubled)) => (None, troubled),
            Err(error) => {
                log::error!("the settings cannot be read: {error}");
                (None, None)
            }
        };
        set_text_or_hide(&self.trouble, wanted.is_none().then_some(words::SEE_SETTINGS));
        if let Some(field) = troubled
            && let Err(error) = self.all.set_attribute("open", "").and_then(|()| field.element.focus())
        {
            log::warn!("the focus stays: {}", dom::describe(&error));
        }
        wanted
    }

    /// What the new network is to be called, as a name that no other has; it is shown.
    pub fn name(&self, list: Option<&Catalogue>) -> String {
        let name = free_name(&self.name.value(), list);
        self.name.set_value(&name);
        name
    }

    pub fn render(&self, state: &State, training: &TrainingState) -> Result<(), DomError> {
        let Some(list) = &state.catalogue else { return Ok(()) };
        let shown = self.shown.borrow();
        let same_list = shown.list.as_ref().is_some_and(|shown| Rc::ptr_eq(shown, list));
        let same_options = same_list && Rc::ptr_eq(&shown.architectures, &training.architectures);
        let clips = training.dataset.clips();
        let same_clips = shown.clips == clips;
        drop(shown);
        if same_options && same_clips {
            return Ok(());
        }
        self.shown.borrow_mut().clips = clips;
        let changed = !same_options && self.render_models(list, &training.architectures)?;
        self.fill(changed)?;
        self.check().map(drop)
    }

    /// Fills the choice box with who can learn. True where another one than before is chosen.
    fn render_models(&self, list: &Rc<Catalogue>, architectures: &Rc<Vec<ArchitectureInfo>>) -> Result<bool, DomError> {
        let before = self.option.value();
        let model_options = model_options::model_options(list, architectures);
        let mut groups = Vec::new();
        for group in Group::ALL {
            let of = dom::element(&self.document, "optgroup", "")?;
            of.set_attribute("label", words::group(group))?;
            let own = model_options.iter().filter(|option| option.group == group);
            let options: Result<Vec<_>, DomError> = own.map(|option| self.option(&option.id, &option.name)).collect();
            let options = options?;
            dom::set_children(&of, &options);
            groups.extend((!options.is_empty()).then_some(of));
        }
        dom::set_children(&self.option, &groups);
        let stays = model_options.iter().any(|option| option.id == before);
        self.option.set_value(if stays { &before } else { model_options::default(&model_options) });
        let shown = &mut *self.shown.borrow_mut();
        (shown.list, shown.architectures, shown.model_options) =
            (Some(list.clone()), architectures.clone(), model_options);
        Ok(!stays)
    }

    fn option(&self, value: &str, text: &str) -> Result<HtmlElement, DomError> {
        let option = dom::element(&self.document, "option", text)?;
        option.set_attribute("value", value)?;
        Ok(option)
    }

    /// Something was chosen or written.
    pub fn changed(&self, kind: &str, event: &Event) {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let id = target.map(|target| target.id()).unwrap_or_default();
        let done = match (kind, id.as_str()) {
            ("change", "train-model" | "train-layers" | "train-front-end") => self.fill(true),
            ("change", "train-preset") => {
                self.shown.borrow_mut().preset = Preset::of(&self.preset.value()).unwrap_or_default();
                self.fill(true)
            }
            ("change", "train-augment") => self.fill_augmentation(),
            _ => Ok(()),
        };
        if let Err(error) = done.and_then(|()| self.check().map(drop)) {
            log::error!("the settings cannot be shown: {error}");
        }
    }

    fn build(&self) -> Build {
        let (front_ends, layers) = (self.front_ends.value(), self.layers.value());
        Build {
            hidden: self.extra(HIDDEN).map_or(0, |units| units as usize),
            layers: LAYERS.iter().find(|(name, _)| *name == layers).map(|(_, layers)| *layers).unwrap_or_default(),
            documented: FRONT_ENDS.iter().any(|(name, documented)| *name == front_ends && *documented),
            width: self.extra(WIDTH).unwrap_or(100.0) / 100.0,
        }
    }

    fn model_spec(&self) -> ModelSpec {
        model_options::model_spec(&self.option.value(), &self.build(), &self.shown.borrow().architectures)
    }

    /// Fills the fields with the preset's settings: all of them (`anew`), or those that the user has not changed.
    fn fill(&self, anew: bool) -> Result<(), DomError> {
        self.show_parts()?;
        let model_spec = self.model_spec();
        let shown = &mut *self.shown.borrow_mut();
        let of = |preset: Preset| preset.recipe(&model_spec, shown.clips, &shown.architectures);
        let paper = of(Preset::Paper);
        let recipe = of(shown.preset);
        if recipe.is_none() {
            shown.preset = Preset::Quick;
        }
        let recipe = recipe.unwrap_or_else(|| model_spec.quick(shown.clips));
        for setting in settings::all() {
            let field = Field::find(&self.document, setting.id)?;
            let before = shown.recipe.as_ref().map(|recipe| setting.text(recipe));
            if anew || before.is_none_or(|before| before == field.value()) {
                field.set_value(&setting.text(&recipe));
            }
        }
        let about = shown
            .model_options
            .iter()
            .find(|option| option.id == self.option.value())
            .map(|option| option.about.as_str());
        set_text(&self.model_about, about.unwrap_or_default());
        self.augment.set_value(settings::augmentation_name(&recipe.augmentation));
        shown.recipe = Some(recipe);
        self.enable(&model_spec, paper.is_some())
    }

    /// Shows the fields that this pupil has, and what can be chosen in them.
    fn show_parts(&self) -> Result<(), DomError> {
        let id = self.option.value();
        for (field, group) in OF_GROUPS {
            Field::find(&self.document, field)?.show(model_options::group(&id) == group)?;
        }
        let can = model_options::layers(&id);
        let layers = LAYERS.iter().filter(|(_, layers)| can.contains(layers));
        self.entry(&self.layers, layers.map(|(name, layers)| (*name, words::layers(*layers))).collect())?;
        let can = model_options::front_ends(&id, &self.shown.borrow().architectures);
        let front_ends = FRONT_ENDS.iter().filter(|(_, documented)| can.contains(documented));
        self.entry(
            &self.front_ends,
            front_ends.map(|(name, documented)| (*name, words::front_ends(*documented))).collect(),
        )
    }

    /// Offers these in a choice box; what was chosen stays so where it is among them.
    fn entry(&self, select: &HtmlSelectElement, choices: Vec<(&str, &str)>) -> Result<(), DomError> {
        let before = select.value();
        let options: Result<Vec<_>, DomError> = choices.iter().map(|(value, text)| self.option(value, text)).collect();
        dom::set_children(select, &options?);
        if choices.iter().any(|(value, _)| *value == before) {
            select.set_value(&before);
        }
        disable(select, choices.len() < 2)
    }

    /// Settings that say nothing for a student are not to be set.
    fn enable(&self, model_spec: &ModelSpec, has_paper: bool) -> Result<(), DomError> {
        disable(&self.augmentation, !model_spec.trains_on_audio())?;
        self.augmentation_none.set_hidden(model_spec.trains_on_audio());
        let is_head = matches!(model_spec, ModelSpec::NewHead { .. });
        disable(&Field::find(&self.document, "train-dropout-conv")?.element, is_head)?;
        disable(&Field::find(&self.document, "train-penalty")?.element, is_head)?;
        let paper = self.preset.query_selector("option[value=\"paper\"]")?;
        paper.map_or(Ok(()), |option| disable(option.unchecked_ref(), !has_paper))
    }

    fn fill_augmentation(&self) -> Result<(), DomError> {
        let Some(augmentation) = settings::augmentation(&self.augment.value()) else { return Ok(()) };
        let recipe = Recipe { augmentation: augmentation.clone(), ..Recipe::default() };
        for setting in settings::AUGMENTATION {
            Field::find(&self.document, setting.id)?.set_value(&setting.text(&recipe));
        }
        Ok(())
    }

    /// Marks what differs from the preset and what is not right; the first field that is not.
    fn check(&self) -> Result<Option<Field>, DomError> {
        let model_spec = self.model_spec();
        let shown = self.shown.borrow();
        let Some(preset) = &shown.recipe else { return Ok(None) };
        let (mut recipe, mut troubled) = (preset.clone(), None);
        let mut own = false;
        for setting in settings::all() {
            let field = Field::find(&self.document, setting.id)?;
            let refused = setting.set(&mut recipe, &field.value()).err();
            let changed = refused.is_some() || setting.text(&recipe) != setting.text(preset);
            own |= changed;
            field.mark(changed, refused.as_deref())?;
            troubled = troubled.or(refused.map(|_| field));
        }
        for extra in [HIDDEN, WIDTH, SHARE] {
            let field = Field::find(&self.document, extra.0)?;
            let refused = self.extra(extra).err();
            field.mark(false, refused.as_deref())?;
            troubled = troubled.or(refused.map(|_| field));
        }
        self.augment.set_value(settings::augmentation_name(&recipe.augmentation));
        let name = if own { "own" } else { shown.preset.name() };
        self.preset.set_value(name);
        let has_paper = Preset::Paper.recipe(&model_spec, shown.clips, &shown.architectures).is_some();
        set_text(&self.preset_about, &words::about_preset(Preset::of(name), &model_spec, has_paper));
        if troubled.is_none() {
            set_text_or_hide(&self.trouble, None);
        }
        Ok(troubled)
    }

    /// What all fields say together, where each of them is right.
    fn read(&self) -> Option<Wanted> {
        let mut recipe = self.shown.borrow().recipe.clone()?;
        for setting in settings::all() {
            setting.set(&mut recipe, &Field::find(&self.document, setting.id).ok()?.value()).ok()?;
        }
        Some(Wanted { model_spec: self.model_spec(), recipe, share: self.extra(SHARE).ok()? / 100.0 })
    }

    /// The number in a field beside the recipe's; a sentence where it is none or out of its range.
    fn extra(&self, (id, name, range): (&str, &str, [f64; 2])) -> Result<f64, String> {
        let field = Field::find(&self.document, id).map_err(|error| error.to_string())?;
        if field.is_out_of_use() {
            return Ok(range[0]);
        }
        let value = settings::within(name, &field.value(), range)?;
        let is_whole = id != HIDDEN.0 || value.fract() == 0.0;
        if is_whole { Ok(value) } else { Err(words::not_whole(&field.value())) }
    }
}
