//! Files from the user: chosen, dropped or pasted.

use std::rc::Rc;

use web_sys::{ClipboardEvent, Document, DragEvent, Element, Event, File, FileList, HtmlInputElement};

use super::dom::{DomError, Listener, describe};

/// Set on the drop zone while a file is held over the page.
const HELD_OVER: &str = "data-over";

/// Hands over files in whatever way they come, for as long as it lives.
#[derive(Debug)]
#[must_use = "a picker that is dropped hands over nothing"]
pub struct Picker {
    _listeners: Vec<Listener>,
}

impl Picker {
    /// Watches a file input, and the whole document for drops and pastes; `zone` shows that a file may be dropped.
    /// What was dropped without being a file arrives as an empty list.
    pub fn new(
        document: &Document,
        input: &HtmlInputElement,
        zone: &Element,
        pick: impl Fn(Vec<File>) + 'static,
    ) -> Result<Self, DomError> {
        let pick: Rc<dyn Fn(Vec<File>)> = Rc::new(pick);
        let mut listeners = vec![chosen(input, pick.clone())?, pasted(document, pick.clone())?];
        listeners.extend(dropped(document, zone, pick)?);
        Ok(Self { _listeners: listeners })
    }
}

/// Takes the files out of an input, so that the same one can be chosen again.
pub fn take_chosen(input: &HtmlInputElement) -> Vec<File> {
    let files = list(input.files());
    input.set_value("");
    files
}

fn chosen(input: &HtmlInputElement, pick: Rc<dyn Fn(Vec<File>)>) -> Result<Listener, DomError> {
    let own = input.clone();
    Listener::new(input, "change", move |_: Event| {
        let files = take_chosen(&own);
        // An empty choice is a closed dialogue, not a mistake.
        if !files.is_empty() {
            pick(files);
        }
    })
}

fn pasted(document: &Document, pick: Rc<dyn Fn(Vec<File>)>) -> Result<Listener, DomError> {
    Listener::new(document, "paste", move |event: ClipboardEvent| {
        let files = list(event.clipboard_data().and_then(|data| data.files()));
        if !files.is_empty() {
            pick(files);
        }
    })
}

/// Without these on the whole document a file that misses the zone would replace the page.
fn dropped(document: &Document, zone: &Element, pick: Rc<dyn Fn(Vec<File>)>) -> Result<[Listener; 3], DomError> {
    let (entered, left, over) = (zone.clone(), zone.clone(), zone.clone());
    let enter = Listener::new(document, "dragover", move |event: DragEvent| {
        event.prevent_default();
        if let Some(data) = event.data_transfer() {
            data.set_drop_effect("copy");
        }
        mark(&entered, true);
    })?;
    let leave = Listener::new(document, "dragleave", move |event: DragEvent| {
        // Between two elements of the page there is a related one; there is none where the pointer leaves it.
        if event.related_target().is_none() {
            mark(&left, false);
        }
    })?;
    let drop = Listener::new(document, "drop", move |event: DragEvent| {
        event.prevent_default();
        mark(&over, false);
        pick(list(event.data_transfer().and_then(|data| data.files())));
    })?;
    Ok([enter, leave, drop])
}

fn mark(zone: &Element, held_over: bool) {
    if let Err(error) = zone.toggle_attribute_with_force(HELD_OVER, held_over) {
        log::warn!("the drop zone stays as it is: {}", describe(&error));
    }
}

fn list(files: Option<FileList>) -> Vec<File> {
    files.map(|files| (0..files.length()).filter_map(|i| files.get(i)).collect()).unwrap_or_default()
}
