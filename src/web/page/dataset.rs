//! What people do with their dataset: name classes, move, remove and play clips. How clips are added is in
//! [`dataset_import`](super::dataset_import) and [`record`](super::record), the export in
//! [`dataset_export`](super::dataset_export).

use std::rc::Weak;

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement};

use super::listen::on;
use super::{Inner, Page};
use crate::view::train::words::dataset as words;
use crate::web::dom::{DomError, Listener, by_id};
use crate::web::files::take_chosen;
use crate::web::js;

/// Attaches the listeners of the dataset section.
pub(super) fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let mut listeners = Vec::new();
    for id in ["train-files", "train-folder"] {
        let input: HtmlInputElement = by_id(document, id)?;
        let own = input.clone();
        listeners.push(on(weak, &input, "change", move |page, _: Event| page.collect(take_chosen(&own), None))?);
    }
    let of_class: HtmlInputElement = by_id(document, "class-files")?;
    let own = of_class.clone();
    listeners.push(on(weak, &of_class, "change", move |page, _: Event| {
        page.collect(take_chosen(&own), own.get_attribute("data-class"));
    })?);
    let player: HtmlElement = by_id(document, "train-player")?;
    listeners.push(on(weak, &player, "error", |page, _: Event| {
        // Browsers decode fewer formats than the engine.
        page.0.training_panel.stop_playing();
        page.show_notice(words::NOT_PLAYED);
    })?);
    let undo: HtmlElement = by_id(document, "train-undo")?;
    listeners.push(on(weak, &undo, "click", |page, _: Event| {
        page.change_training(|training| {
            training.dataset.undo();
        });
    })?);
    listeners.push(on(weak, &by_id(document, "train-export")?, "click", |page, _: Event| page.export_dataset())?);
    let tags: HtmlInputElement = by_id(document, "train-tags")?;
    let own = tags.clone();
    listeners.push(on(weak, &tags, "change", move |page, _: Event| {
        page.change_training(|training| training.dataset.want_tags(own.checked()));
    })?);
    let form: Element = by_id(document, "class-form")?;
    listeners.push(on(weak, &form, "submit", |page, event: Event| {
        // Sending the form would reload the page.
        event.prevent_default();
        page.add_class();
    })?);
    let classes: Element = by_id(document, "train-classes")?;
    for kind in ["click", "change"] {
        listeners.push(on(weak, &classes, kind, move |page, event: Event| page.act_on_class(kind, &event))?);
    }
    Ok(listeners)
}

impl Page {
    fn add_class(&self) {
        let Ok(input) = by_id::<HtmlInputElement>(&self.0.document, "class-name") else { return };
        let name = js::composed(&input.value());
        input.set_value("");
        self.change_training(|training| training.dataset.add_class(&name));
    }

    /// A button, a select box or a name in the list of classes.
    fn act_on_class(&self, kind: &str, event: &Event) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        // The browser opens the class after this event; the next frame fills its list.
        if target.closest("summary").ok().flatten().is_some() {
            return self.request_frame();
        }
        let key = |name: &str| target.get_attribute(name).unwrap_or_default();
        let (act, class, clip) = (key("data-act"), key("data-class"), key("data-clip"));
        let value = Reflect::get(&target, &"value".into()).ok().and_then(|value| value.as_string()).unwrap_or_default();
        if act == "rename" {
            // The input keeps the old name: a class with a new name gets an element of its own.
            let _ = Reflect::set(&target, &"value".into(), &class.as_str().into());
        }
        // Playing a clip changes nothing.
        if self.0.training.borrow().is_locked() && act != "play" {
            return;
        }
        match (kind, act.as_str()) {
            ("click", "remove-class") => self.change_training(|training| training.dataset.remove_class(&class)),
            ("click", "remove") => self.change_training(|training| training.dataset.remove(&class, &clip)),
            ("click", "play") => self.play(&clip),
            ("click", "record") => self.record(class),
            ("click", "choose") => self.choose_for(&class),
            ("change", "move") => self.change_training(|training| training.dataset.shift(&class, &clip, &value)),
            ("change", "rename") => {
                self.change_training(|training| training.dataset.rename(&class, &js::composed(&value)))
            }
            _ => {}
        }
    }

    /// Opens the file dialog for a class.
    fn choose_for(&self, class: &str) {
        let Ok(input) = by_id::<HtmlInputElement>(&self.0.document, "class-files") else { return };
        // The class is noted on the input, for its dialog answers later.
        if input.set_attribute("data-class", class).is_ok() {
            input.click();
        }
    }

    pub(super) fn play(&self, clip: &str) {
        let Some(file) = self.file(clip) else { return self.show_notice(words::GONE) };
        if let Err(error) = self.0.training_panel.play(&file) {
            log::warn!("{} cannot be played: {error}", file.name());
        }
    }

    fn show_notice(&self, sentence: &str) {
        self.change_training(|training| training.notice = Some(sentence.to_owned()));
    }
}
