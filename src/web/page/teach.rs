//! The page's place for teaching: what is collected, how a lesson goes, what came of it.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Date;
use wasm_bindgen::JsCast;
use web_sys::{Document, File, HtmlElement, HtmlInputElement, HtmlProgressElement, HtmlSelectElement, Url};

use super::text::show_progress;
use crate::lesson::Student;
use crate::protocol::Steering;
use crate::train::recipe::Recipe;
use crate::train::report::EpochReport;
use crate::view::collection::{Class, Collection, Doubt, Entry};
use crate::view::networks::Catalogue;
use crate::view::state::State;
use crate::view::teach::{Outcome, PUPILS, Preset, Stage, Teaching, free_name, pupils, student};
use crate::view::words::teach as words;
use crate::view::{Theme, curves};
use crate::web::canvas::Canvas;
use crate::web::dom::{self, DomError, by_id, set_text, set_text_or_hide};

/// What the lists show: rebuilding them for every event would take the focus from the keyboard.
#[derive(Default)]
struct Shown {
    pupils: Option<Rc<Catalogue>>,
    classes: Vec<Class>,
    /// True where these cannot be taught.
    forbidden: bool,
    outcome: Option<Rc<Outcome>>,
    curves: Option<Drawn>,
    /// Since when a training runs, and with which step it began: for the time left.
    began: Option<(f64, usize)>,
}

/// What the curves' picture depends on; while it is the same the picture stays.
#[derive(PartialEq)]
struct Drawn {
    epochs: usize,
    last: Option<EpochReport>,
    size: [f64; 2],
    dark: bool,
    ratio: f64,
}

/// The elements of the place.
pub struct Teach {
    document: Document,
    page: HtmlElement,
    notice: HtmlElement,
    doubts: HtmlElement,
    count: HtmlElement,
    classes: HtmlElement,
    undo: HtmlElement,
    pupil: HtmlSelectElement,
    pupil_about: HtmlElement,
    preset: HtmlSelectElement,
    name: HtmlInputElement,
    epochs: HtmlInputElement,
    rate: HtmlInputElement,
    share: HtmlInputElement,
    seed: HtmlInputElement,
    start: HtmlElement,
    running: HtmlElement,
    progress: HtmlProgressElement,
    progress_text: HtmlElement,
    hold: HtmlElement,
    finish: HtmlElement,
    error: HtmlElement,
    canvas: RefCell<Canvas>,
    taught: HtmlElement,
    sentence: HtmlElement,
    confusion: HtmlElement,
    figures: HtmlElement,
    misses: HtmlElement,
    misses_box: HtmlElement,
    player: HtmlElement,
    shown: RefCell<Shown>,
}

impl Teach {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            page: by_id(document, "page")?,
            notice: by_id(document, "teach-notice")?,
            doubts: by_id(document, "teach-doubts")?,
            count: by_id(document, "teach-count")?,
            classes: by_id(document, "teach-classes")?,
            undo: by_id(document, "teach-undo")?,
            pupil: by_id(document, "teach-pupil")?,
            pupil_about: by_id(document, "teach-pupil-about")?,
            preset: by_id(document, "teach-preset")?,
            name: by_id(document, "teach-name")?,
            epochs: by_id(document, "teach-epochs")?,
            rate: by_id(document, "teach-rate")?,
            share: by_id(document, "teach-share")?,
            seed: by_id(document, "teach-seed")?,
            start: by_id(document, "teach-start")?,
            running: by_id(document, "teach-running")?,
            progress: by_id(document, "teach-progress")?,
            progress_text: by_id(document, "teach-progress-text")?,
            hold: by_id(document, "teach-hold")?,
            finish: by_id(document, "teach-finish")?,
            error: by_id(document, "teach-error")?,
            canvas: RefCell::new(Canvas::new(by_id(document, "teach-curves")?)?),
            taught: by_id(document, "taught")?,
            sentence: by_id(document, "taught-sentence")?,
            confusion: by_id(document, "taught-confusion")?,
            figures: by_id(document, "taught-figures")?,
            misses: by_id(document, "taught-misses")?,
            misses_box: by_id(document, "taught-misses-box")?,
            player: by_id(document, "teach-player")?,
            shown: RefCell::default(),
        })
    }

    /// True while the page shows this place, and not the one for listening.
    pub fn is_shown(&self) -> bool {
        self.page.get_attribute("data-view").as_deref() == Some("teach")
    }

    /// Shows this place (`teach`) or the one for listening (`listen`).
    pub fn show(&self, view: &str) -> Result<(), DomError> {
        self.page.set_attribute("data-view", view)?;
        for (id, own) in [("view-teach", "teach"), ("view-listen", "listen")] {
            let pressed = if own == view { "true" } else { "false" };
            by_id::<HtmlElement>(&self.document, id)?.set_attribute("aria-pressed", pressed)?;
        }
        Ok(())
    }

    /// Who is to learn from as many clips, and how. What is no number stays as the preset has it.
    pub fn settings(&self, clips: usize) -> (Student, Recipe) {
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

    /// Plays a clip, in place of the one before.
    pub fn play(&self, file: &File) -> Result<(), DomError> {
        if let Some(before) = self.player.get_attribute("src") {
            Url::revoke_object_url(&before)?;
        }
        self.player.set_attribute("src", &Url::create_object_url_with_blob(file)?)?;
        self.player.set_hidden(false);
        Ok(())
    }

    pub fn render(&self, teaching: &Teaching, state: &State, dark: bool, ratio: f64) -> Result<(), DomError> {
        self.page.set_attribute("data-stage", teaching.stage.name())?;
        if !self.is_shown() {
            return Ok(());
        }
        self.render_pupils(state)?;
        self.render_collection(teaching)?;
        self.render_stage(teaching)?;
        self.render_curves(teaching, dark, ratio)?;
        self.render_outcome(teaching)
    }

    fn render_pupils(&self, state: &State) -> Result<(), DomError> {
        let Some(list) = &state.catalogue else { return Ok(()) };
        if self.shown.borrow().pupils.is_some() {
            return Ok(());
        }
        let option = |id: &str, name: &str| {
            let option = dom::element(&self.document, "option", name)?;
            option.set_attribute("value", id)?;
            Ok(option)
        };
        let options: Result<Vec<_>, DomError> = pupils(list).map(|pupil| option(pupil.id, pupil.name)).collect();
        dom::set_children(&self.pupil, &options?);
        self.shown.borrow_mut().pupils = Some(list.clone());
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

    fn render_collection(&self, teaching: &Teaching) -> Result<(), DomError> {
        let collection = &teaching.collection;
        set_text_or_hide(&self.notice, teaching.notice.as_deref());
        disable(&self.undo, !collection.can_undo() || teaching.is_busy())?;
        let some = !collection.is_empty();
        let count = some.then(|| words::collection(collection.clips(), collection.classes().len()));
        set_text_or_hide(&self.count, count.as_deref());
        let changed = self.shown.borrow().classes != collection.classes();
        if changed {
            let doubts = if some { collection.doubts() } else { Vec::new() };
            let item = |doubt: &Doubt| {
                let item = dom::element(&self.document, "li", &words::doubt(doubt))?;
                item.toggle_attribute_with_force("data-forbids", doubt.forbids())?;
                Ok(item)
            };
            let items: Result<Vec<_>, DomError> = doubts.iter().map(item).collect();
            dom::set_children(&self.doubts, &items?);
            self.shown.borrow_mut().forbidden = doubts.iter().any(Doubt::forbids);
            let open = self.open_classes();
            let items: Result<Vec<_>, DomError> =
                collection.classes().iter().map(|class| self.class_item(class, collection, &open)).collect();
            dom::set_children(&self.classes, &items?);
            self.shown.borrow_mut().classes = collection.classes().to_vec();
        }
        disable(&self.start, !some || self.shown.borrow().forbidden || teaching.is_busy())
    }

    /// Names of the classes whose clips are unfolded.
    fn open_classes(&self) -> Vec<String> {
        let all = self.classes.get_elements_by_tag_name("details");
        let open =
            (0..all.length()).filter_map(|place| all.item(place)).filter(|details| details.has_attribute("open"));
        open.filter_map(|details| details.get_attribute("data-class")).collect()
    }

    fn class_item(&self, class: &Class, all: &Collection, open: &[String]) -> Result<HtmlElement, DomError> {
        let item = dom::element(&self.document, "li", "")?;
        let head = dom::element(&self.document, "div", "")?;
        head.set_class_name("row");
        let name = dom::element(&self.document, "input", "")?;
        for (key, value) in [("type", "text"), ("aria-label", "Name of the class"), ("data-act", "rename")] {
            name.set_attribute(key, value)?;
        }
        name.set_attribute("data-class", &class.name)?;
        name.set_attribute("value", &class.name)?;
        let remove = self.button("Remove", &format!("Remove the class {}", class.name), "remove-class", class, "")?;
        dom::set_children(&head, [&name, &remove]);
        let details = dom::element(&self.document, "details", "")?;
        details.set_attribute("data-class", &class.name)?;
        details.toggle_attribute_with_force("open", open.contains(&class.name))?;
        let summary = dom::element(&self.document, "summary", &words::class(class))?;
        let list = dom::element(&self.document, "ul", "")?;
        let clips: Result<Vec<_>, DomError> = class.clips.iter().map(|clip| self.clip_item(clip, class, all)).collect();
        dom::set_children(&list, &clips?);
        dom::set_children(&details, [&summary, &list]);
        dom::set_children(&item, [&head, &details]);
        Ok(item)
    }

    fn clip_item(&self, clip: &Entry, class: &Class, all: &Collection) -> Result<HtmlElement, DomError> {
        let item = dom::element(&self.document, "li", "")?;
        let name = dom::element(&self.document, "span", &clip.name)?;
        let mut parts = vec![name];
        if let Some(trouble) = &clip.trouble {
            let trouble = dom::element(&self.document, "span", trouble)?;
            trouble.set_class_name("trouble");
            parts.push(trouble);
        }
        parts.push(self.button("Play", &format!("Play {}", clip.name), "play", class, &clip.id)?);
        let others: Vec<&Class> = all.classes().iter().filter(|other| other.name != class.name).collect();
        if !others.is_empty() {
            let select = dom::element(&self.document, "select", "")?;
            let label = format!("Move {} to another class", clip.name);
            let keys =
                [("data-act", "move"), ("data-class", &class.name), ("data-clip", &clip.id), ("aria-label", &label)];
            for (key, value) in keys {
                select.set_attribute(key, value)?;
            }
            let first = dom::element(&self.document, "option", "Move to…")?;
            first.set_attribute("value", "")?;
            let mut options = vec![first];
            for other in others {
                options.push(dom::element(&self.document, "option", &other.name)?);
            }
            dom::set_children(&select, &options);
            parts.push(select);
        }
        parts.push(self.button("Remove", &format!("Remove {}", clip.name), "remove", class, &clip.id)?);
        dom::set_children(&item, &parts);
        Ok(item)
    }

    fn button(&self, text: &str, label: &str, act: &str, class: &Class, clip: &str) -> Result<HtmlElement, DomError> {
        let button = dom::element(&self.document, "button", text)?;
        button.set_class_name("quiet");
        let keys = [
            ("type", "button"),
            ("aria-label", label),
            ("data-act", act),
            ("data-class", &class.name),
            ("data-clip", clip),
        ];
        for (key, value) in keys {
            button.set_attribute(key, value)?;
        }
        Ok(button)
    }

    fn render_stage(&self, teaching: &Teaching) -> Result<(), DomError> {
        self.running.set_hidden(!teaching.is_busy());
        set_text_or_hide(&self.error, teaching.error.as_deref());
        let training = match teaching.stage {
            Stage::Training { step, steps, steering } => Some((step, steps, steering)),
            _ => None,
        };
        self.hold.set_hidden(training.is_none());
        self.finish.set_hidden(training.is_none());
        let held = training.is_some_and(|(_, _, steering)| steering == Steering::Hold);
        set_text(&self.hold, words::hold(held));
        let fraction = match teaching.stage {
            Stage::Idle => None,
            Stage::Adding { done, total } | Stage::Studying { done, total } => Some(done as f64 / total.max(1) as f64),
            Stage::Preparing { fetched, total } => (fetched < total).then(|| fetched as f64 / total as f64),
            Stage::Training { step, steps, .. } => Some(step as f64 / steps.max(1) as f64),
        };
        show_progress(&self.progress, fraction);
        set_text(&self.progress_text, &words::stage(teaching.stage, self.seconds_left(training)));
        Ok(())
    }

    /// About how long the training will take, in seconds, from the time that its steps have taken so far.
    fn seconds_left(&self, training: Option<(usize, usize, Steering)>) -> Option<f64> {
        let began = &mut self.shown.borrow_mut().began;
        let Some((step, steps, Steering::Go)) = training else {
            *began = None;
            return None;
        };
        let (since, first) = *began.get_or_insert((Date::now(), step));
        let made = step.checked_sub(first).filter(|made| *made >= 5)?;
        Some((Date::now() - since) / 1000.0 / made as f64 * (steps - step) as f64)
    }

    fn render_curves(&self, teaching: &Teaching, dark: bool, ratio: f64) -> Result<(), DomError> {
        let mut canvas = self.canvas.borrow_mut();
        canvas.element().set_hidden(teaching.epochs.is_empty());
        let size = canvas.size();
        let (epochs, last) = (teaching.epochs.len(), teaching.epochs.last().cloned());
        let drawn = Drawn { epochs, last, size, dark, ratio };
        let shown = &mut self.shown.borrow_mut().curves;
        if shown.as_ref() == Some(&drawn) || size.contains(&0.0) || teaching.epochs.is_empty() {
            return Ok(());
        }
        canvas.clear(ratio)?;
        canvas.paint(&curves::shapes(&teaching.epochs, size[0], size[1], dark, Theme::of(dark)))?;
        if let (Some(first), Some(last)) = (teaching.epochs.first(), teaching.epochs.last()) {
            let told = words::curves(last.epoch, first.train_loss, last.train_loss, last.valid.first());
            canvas.element().set_attribute("aria-label", &told)?;
        }
        *shown = Some(drawn);
        Ok(())
    }

    fn render_outcome(&self, teaching: &Teaching) -> Result<(), DomError> {
        self.taught.set_hidden(teaching.outcome.is_none());
        let Some(outcome) = &teaching.outcome else {
            self.shown.borrow_mut().outcome = None;
            return Ok(());
        };
        if self.shown.borrow().outcome.as_ref().is_some_and(|shown| Rc::ptr_eq(shown, outcome)) {
            return Ok(());
        }
        set_text(&self.sentence, &words::outcome(outcome));
        let metrics = outcome.metrics();
        let mut head = vec!["".to_owned()];
        head.extend(metrics.labels.iter().cloned());
        let mut rows = vec![self.row("th", &head)?];
        for (label, counts) in metrics.labels.iter().zip(&metrics.confusion) {
            let all: usize = counts.iter().sum();
            let row = self.row("td", &counts.iter().map(usize::to_string).collect::<Vec<_>>())?;
            for (place, count) in counts.iter().enumerate() {
                let Some(cell) = row.children().item(place as u32) else { continue };
                let share = *count as f64 / all.max(1) as f64;
                dom::set_style(cell.unchecked_ref(), "--share", &format!("{share:.2}"))?;
            }
            let name = dom::element(&self.document, "th", label)?;
            name.set_attribute("scope", "row")?;
            row.prepend_with_node_1(&name)?;
            rows.push(row);
        }
        dom::set_children(&self.confusion, &rows);
        let mut rows = vec![self.row("th", &["Class", "Precision", "Recall", "F1", "Clips"].map(str::to_owned))?];
        for class in &metrics.per_class {
            rows.push(self.row("td", &words::class_figures(class))?);
        }
        dom::set_children(&self.figures, &rows);
        let misses = outcome.misses();
        self.misses_box.set_hidden(misses.is_empty());
        let item = |miss| dom::element(&self.document, "li", &words::miss(outcome, miss));
        let items: Result<Vec<_>, DomError> = misses.iter().map(item).collect();
        dom::set_children(&self.misses, &items?);
        self.shown.borrow_mut().outcome = Some(outcome.clone());
        Ok(())
    }

    fn row(&self, tag: &str, cells: &[String]) -> Result<HtmlElement, DomError> {
        let row = dom::element(&self.document, "tr", "")?;
        let cells: Result<Vec<_>, DomError> =
            cells.iter().map(|text| dom::element(&self.document, tag, text)).collect();
        dom::set_children(&row, &cells?);
        Ok(row)
    }
}

/// The number in a field, where it is one in this range.
fn number(input: &HtmlInputElement, least: f64, most: f64) -> Option<f64> {
    input.value().trim().parse().ok().filter(|value: &f64| (least..=most).contains(value))
}

pub(super) fn disable(element: &HtmlElement, disabled: bool) -> Result<(), DomError> {
    element.toggle_attribute_with_force("disabled", disabled)?;
    Ok(())
}
