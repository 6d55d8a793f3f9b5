//! The settings of a training job: the model, the preset, and all fields of the recipe. The table of fields, and what each
//! says of a recipe, are in [`settings`].

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, Event, HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::field::Field;
use super::form::{self, option};
use crate::protocol::ArchitectureInfo;
use crate::recipe::Recipe;
use crate::training_job::{ModelSpec, TrainableLayers};
use crate::view::classify::networks::Catalogue;
use crate::view::classify::state::State;
use crate::view::train::model_options::{self, ModelChoices, ModelGroup, ModelOption, RecipePreset};
use crate::view::train::settings::FormField;
use crate::view::train::settings::fields::{
    self, AUGMENT, CUSTOM, FIELDSETS, FRONT_END, HIDDEN_UNITS, LAYERS, MODEL, MODEL_FIELDS, NAME, PRESET,
    VALIDATION_SPLIT, WIDTH,
};
use crate::view::train::state::{TrainingState, free_name};
use crate::view::train::words::settings as words;
use crate::web::dom::{self, DomError, by_id, disable, set_text, set_text_or_hide};

/// The layers that are trained, by their values in the select box.
const LAYER_VALUES: [(&str, TrainableLayers); 3] =
    [("output", TrainableLayers::Output), ("last", TrainableLayers::Last), ("all", TrainableLayers::All)];
/// Whether the front end is that of the paper, by its values in the select box.
const FRONT_END_VALUES: [(&str, bool); 2] = [("usual", false), ("document", true)];

/// The fields that only some models have.
const OF_GROUPS: [(FormField, ModelGroup); 4] = [
    (HIDDEN_UNITS, ModelGroup::NewHead),
    (LAYERS, ModelGroup::FineTune),
    (FRONT_END, ModelGroup::FromScratch),
    (WIDTH, ModelGroup::FromScratch),
];

/// What the form says, if all of it is valid.
pub(crate) struct TrainingSettings {
    pub model_spec: ModelSpec,
    pub recipe: Recipe,
    /// The share of clips that are for validation, 0.05 to 0.5.
    pub validation_split: f64,
}

/// What the form shows.
#[derive(Default)]
struct Shown {
    list: Option<Rc<Catalogue>>,
    architectures: Rc<Vec<ArchitectureInfo>>,
    model_options: Vec<ModelOption>,
    clips: usize,
    preset: RecipePreset,
    /// What the fields were filled with: whatever differs from it, the user has changed.
    recipe: Option<Recipe>,
}

/// The form.
pub(crate) struct Settings {
    document: Document,
    model: HtmlSelectElement,
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
    /// Builds the fields and finds the elements around them.
    pub(super) fn build(document: &Document) -> Result<Self, DomError> {
        form::fill(document, &by_id(document, "train-model-fields")?, MODEL_FIELDS.iter())?;
        let fieldsets = FIELDSETS.iter().map(|fieldset| form::fieldset(document, fieldset));
        let fieldsets: Vec<HtmlElement> = fieldsets.collect::<Result<_, _>>()?;
        dom::set_children(&by_id::<Element>(document, "train-fieldsets")?, &fieldsets);
        // Which of them a model has is known once the site's networks are.
        for (field, _) in OF_GROUPS {
            Field::find(document, field.id)?.show(false)?;
        }
        let preset: HtmlSelectElement = by_id(document, PRESET.id)?;
        let custom = preset.query_selector(&format!("option[value=\"{CUSTOM}\"]"))?;
        // It is shown once a setting was changed; nobody chooses it.
        custom.map_or(Ok(()), |custom| custom.set_attribute("hidden", ""))?;
        let model: HtmlSelectElement = by_id(document, MODEL.id)?;
        model.set_attribute("aria-describedby", "train-model-about")?;
        preset.set_attribute("aria-describedby", "train-preset-about")?;
        Ok(Self {
            document: document.clone(),
            model,
            model_about: by_id(document, "train-model-about")?,
            layers: by_id(document, LAYERS.id)?,
            front_ends: by_id(document, FRONT_END.id)?,
            preset,
            preset_about: by_id(document, "train-preset-about")?,
            name: by_id(document, NAME.id)?,
            all: by_id(document, "train-all")?,
            augment: by_id(document, AUGMENT.id)?,
            augmentation: by_id(document, "train-augmentation")?,
            augmentation_none: by_id(document, "train-augmentation-none")?,
            trouble: by_id(document, "train-settings-trouble")?,
            shown: RefCell::default(),
        })
    }

    /// The settings for this many clips. `None` if a field is not valid: the first such field is shown and focused.
    pub(crate) fn checked(&self, clips: usize) -> Option<TrainingSettings> {
        self.shown.borrow_mut().clips = clips;
        let checked = self.fill(false).and_then(|()| self.check());
        let settings = checked.map(|troubled| self.read().filter(|_| troubled.is_none()).ok_or(troubled));
        let (settings, troubled) = match settings {
            Ok(Ok(settings)) => (Some(settings), None),
            Ok(Err(troubled)) => (None, troubled),
            Err(error) => {
                log::error!("the settings cannot be read: {error}");
                (None, None)
            }
        };
        set_text_or_hide(&self.trouble, settings.is_none().then_some(words::SEE_SETTINGS));
        if let Some(field) = troubled
            && let Err(error) = self.all.set_attribute("open", "").and_then(|()| field.element.focus())
        {
            log::warn!("the focus stays: {}", dom::describe(&error));
        }
        settings
    }

    /// The name of the new network. If another network has it, a number is added and shown.
    pub(crate) fn name(&self, list: Option<&Catalogue>) -> String {
        let name = free_name(&self.name.value(), list);
        self.name.set_value(&name);
        name
    }

    pub(super) fn render(&self, state: &State, training: &TrainingState) -> Result<(), DomError> {
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

    /// Fills the select box of models. True if another one than before is selected.
    fn render_models(&self, list: &Rc<Catalogue>, architectures: &Rc<Vec<ArchitectureInfo>>) -> Result<bool, DomError> {
        // The list is rebuilt when the engine has listed its architectures; the selection has to survive that.
        let before = self.model.value();
        let model_options = model_options::model_options(list, architectures);
        let mut groups = Vec::new();
        for group in ModelGroup::ALL {
            let of = dom::element(&self.document, "optgroup", "")?;
            of.set_attribute("label", words::group(group))?;
            let own = model_options.iter().filter(|option| option.group == group);
            let options: Result<Vec<_>, DomError> =
                own.map(|own| option(&self.document, &own.id, &words::model(own))).collect();
            let options = options?;
            dom::set_children(&of, &options);
            groups.extend((!options.is_empty()).then_some(of));
        }
        dom::set_children(&self.model, &groups);
        let stays = model_options.iter().any(|option| option.id == before);
        self.model.set_value(if stays { &before } else { model_options::default(&model_options) });
        let shown = &mut *self.shown.borrow_mut();
        (shown.list, shown.architectures, shown.model_options) =
            (Some(list.clone()), architectures.clone(), model_options);
        Ok(!stays)
    }

    /// A field was changed: `kind` is the type of the event.
    pub(crate) fn changed(&self, kind: &str, event: &Event) {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let id = target.map(|target| target.id()).unwrap_or_default();
        let is = |field: FormField| kind == "change" && id == field.id;
        let done = if is(MODEL) || is(LAYERS) || is(FRONT_END) {
            self.fill(true)
        } else if is(PRESET) {
            self.shown.borrow_mut().preset = RecipePreset::of(&self.preset.value()).unwrap_or_default();
            self.fill(true)
        } else if is(AUGMENT) {
            self.fill_augmentation()
        } else {
            Ok(())
        };
        if let Err(error) = done.and_then(|()| self.check().map(drop)) {
            log::error!("the settings cannot be shown: {error}");
        }
    }

    fn choices(&self) -> ModelChoices {
        let (front_ends, layers) = (self.front_ends.value(), self.layers.value());
        ModelChoices {
            hidden: self.number(HIDDEN_UNITS).map_or(0, |units| units as usize),
            layers: LAYER_VALUES
                .iter()
                .find(|(name, _)| *name == layers)
                .map(|(_, layers)| *layers)
                .unwrap_or_default(),
            documented: FRONT_END_VALUES.iter().any(|(name, documented)| *name == front_ends && *documented),
            width: self.number(WIDTH).unwrap_or(100.0) / 100.0,
        }
    }

    fn model_spec(&self) -> ModelSpec {
        model_options::model_spec(&self.model.value(), &self.choices(), &self.shown.borrow().architectures)
    }

    /// Fills the fields with the recipe of the preset: all of them (`anew`), or those that the user has not changed.
    fn fill(&self, anew: bool) -> Result<(), DomError> {
        self.show_model_fields()?;
        let model_spec = self.model_spec();
        let shown = &mut *self.shown.borrow_mut();
        let of = |preset: RecipePreset| preset.recipe(&model_spec, shown.clips, &shown.architectures);
        let paper = of(RecipePreset::Paper);
        let recipe = of(shown.preset);
        if recipe.is_none() {
            shown.preset = RecipePreset::Quick;
        }
        let recipe = recipe.unwrap_or_else(|| model_spec.quick(shown.clips));
        for setting in fields::all() {
            let field = Field::find(&self.document, setting.field.id)?;
            let before = shown.recipe.as_ref().map(|recipe| setting.text(recipe));
            // More clips change the preset's values, but not those of the user.
            if anew || before.is_none_or(|before| before == field.value()) {
                field.set_value(&setting.text(&recipe));
            }
        }
        let model = shown.model_options.iter().find(|option| option.id == self.model.value());
        set_text(&self.model_about, &model.map(words::about_model).unwrap_or_default());
        self.augment.set_value(fields::augmentation_name(&recipe.augmentation));
        shown.recipe = Some(recipe);
        self.enable(&model_spec, paper.is_some())
    }

    /// Shows the fields that this model has, and what can be chosen in them.
    fn show_model_fields(&self) -> Result<(), DomError> {
        let id = self.model.value();
        for (field, group) in OF_GROUPS {
            Field::find(&self.document, field.id)?.show(model_options::group(&id) == group)?;
        }
        let can = model_options::layers(&id);
        let layers = LAYER_VALUES.iter().filter(|(_, layers)| can.contains(layers));
        self.offer(&self.layers, layers.map(|(name, layers)| (*name, words::layers(*layers))).collect())?;
        let can = model_options::front_ends(&id, &self.shown.borrow().architectures);
        let front_ends = FRONT_END_VALUES.iter().filter(|(_, documented)| can.contains(documented));
        self.offer(
            &self.front_ends,
            front_ends.map(|(name, documented)| (*name, words::front_ends(*documented))).collect(),
        )
    }

    /// Puts these into a select box. The selection stays if it is among them.
    fn offer(&self, select: &HtmlSelectElement, choices: Vec<(&str, &str)>) -> Result<(), DomError> {
        let before = select.value();
        let options: Result<Vec<_>, DomError> =
            choices.iter().map(|(value, text)| option(&self.document, value, text)).collect();
        dom::set_children(select, &options?);
        if choices.iter().any(|(value, _)| *value == before) {
            select.set_value(&before);
        }
        disable(select, choices.len() < 2)
    }

    /// Disables the settings that have no effect on a model.
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
        let Some(augmentation) = fields::augmentation(&self.augment.value()) else { return Ok(()) };
        let recipe = Recipe { augmentation: augmentation.clone(), ..Recipe::default() };
        for setting in fields::AUGMENTATION {
            Field::find(&self.document, setting.field.id)?.set_value(&setting.text(&recipe));
        }
        Ok(())
    }

    /// Marks the fields that differ from the preset and those that are not valid; returns the first of these.
    fn check(&self) -> Result<Option<Field>, DomError> {
        let model_spec = self.model_spec();
        let shown = self.shown.borrow();
        let Some(preset) = &shown.recipe else { return Ok(None) };
        let (mut recipe, mut troubled) = (preset.clone(), None);
        let mut own = false;
        for setting in fields::all() {
            let field = Field::find(&self.document, setting.field.id)?;
            let refused = setting.set(&mut recipe, &field.value()).err();
            // Compared as text: 0,01 and 0.01 are the same setting.
            let changed = refused.is_some() || setting.text(&recipe) != setting.text(preset);
            own |= changed;
            field.mark(changed, refused.as_deref())?;
            troubled = troubled.or(refused.map(|_| field));
        }
        for extra in [HIDDEN_UNITS, WIDTH, VALIDATION_SPLIT] {
            let field = Field::find(&self.document, extra.id)?;
            let refused = self.number(extra).err();
            field.mark(false, refused.as_deref())?;
            troubled = troubled.or(refused.map(|_| field));
        }
        self.augment.set_value(fields::augmentation_name(&recipe.augmentation));
        let name = if own { CUSTOM } else { shown.preset.name() };
        self.preset.set_value(name);
        // The sentence about the preset explains why “as in the paper” is disabled.
        let has_paper = RecipePreset::Paper.recipe(&model_spec, shown.clips, &shown.architectures).is_some();
        set_text(&self.preset_about, &words::about_preset(RecipePreset::of(name), &model_spec, has_paper));
        if troubled.is_none() {
            set_text_or_hide(&self.trouble, None);
        }
        Ok(troubled)
    }

    /// What all fields say; `None` if one of them is not valid.
    fn read(&self) -> Option<TrainingSettings> {
        let mut recipe = self.shown.borrow().recipe.clone()?;
        for setting in fields::all() {
            setting.set(&mut recipe, &Field::find(&self.document, setting.field.id).ok()?.value()).ok()?;
        }
        let validation_split = self.number(VALIDATION_SPLIT).ok()? / 100.0;
        Some(TrainingSettings { model_spec: self.model_spec(), recipe, validation_split })
    }

    /// The number in a field that is not of the recipe; a sentence if it is not valid.
    fn number(&self, field: FormField) -> Result<f64, String> {
        let own = Field::find(&self.document, field.id).map_err(|error| error.to_string())?;
        // Nobody can correct a field that is not shown, and the model does not use it.
        let text = if own.is_out_of_use() { field.value.to_owned() } else { own.value() };
        field.number(&text)
    }
}
