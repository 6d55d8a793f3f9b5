//! The page's inputs: files, buttons, keys, pointers, and changes of the window.

use std::rc::{Rc, Weak};

use web_sys::{Element, Event, HtmlInputElement, KeyboardEvent, PointerEvent};

use super::listen::{on, with};
use super::{Cursor, Inner, Page};
use crate::view::draw::reading::Position;
use crate::web::dom::{self, DomError, Listener, Resizes, by_id};
use crate::web::files::{self, Picker};

/// The media query for dark surroundings.
pub const DARK: &str = "(prefers-color-scheme: dark)";

/// How far an arrow key moves the cursor, as a fraction of the plot; with Shift ten times as far.
const KEY_STEP: f64 = 0.01;

/// All listeners of the page; dropping it removes them.
pub struct Inputs {
    _picker: Picker,
    _listeners: Vec<Listener>,
    _resizes: Resizes,
}

impl Inputs {
    pub fn listen(page: &Page) -> Result<Self, DomError> {
        let document = &page.0.document;
        // Weak: the page owns the listeners, and a strong reference would keep it alive for ever.
        let weak = Rc::downgrade(&page.0);
        let opening = weak.clone();
        let pick = move |files, into| with(&opening, |page| page.open_into(files, into));
        let picker = Picker::new(document, &by_id(document, "file")?, &by_id::<Element>(document, "drop-zone")?, pick)?;
        let resized = weak.clone();
        let resizes = Resizes::new(&by_id(document, "page")?, move || with(&resized, |page| page.request_frame()))?;
        let mut listeners = buttons(page, &weak)?;
        listeners.extend(surroundings(&weak)?);
        listeners.extend(pointers(page, &weak)?);
        listeners.extend(super::dataset::listen(page, &weak)?);
        listeners.extend(super::record::listen(page, &weak)?);
        listeners.extend(super::training::listen(page, &weak)?);
        listeners.extend(super::offline::listen(page, &weak)?);
        listeners.extend(super::persistence::listen(page, &weak)?);
        Ok(Self { _picker: picker, _listeners: listeners, _resizes: resizes })
    }
}

fn buttons(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let escape = |page: &Page, event: KeyboardEvent| {
        if event.key() == "Escape" {
            page.cancel();
        }
    };
    Ok(vec![
        on(weak, &by_id(document, "cancel")?, "click", |page, _: Event| page.cancel())?,
        on(weak, document, "keydown", escape)?,
        on(weak, &by_id(document, "engine-choice")?, "change", |page, _: Event| {
            page.prefer(page.0.texts.preference());
        })?,
        on(weak, &by_id(document, "reclassify-cancel")?, "click", |page, _: Event| page.cancel())?,
        on(weak, &by_id(document, "network-choice")?, "change", |page, _: Event| {
            page.use_network(&page.0.network_card.chosen());
        })?,
    ])
}

/// Listeners for the window's size and zoom, and for the colour scheme.
fn surroundings(weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let window = dom::window()?;
    let mut listeners = vec![on(weak, &window, "resize", |page, _: Event| page.request_frame())?];
    if let Some(scheme) = window.match_media(DARK)? {
        listeners.push(on(weak, &scheme, "change", |page, _: Event| page.request_frame())?);
    }
    Ok(listeners)
}

fn pointers(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let mut listeners = Vec::new();
    for (id, on_spectrogram) in [("spectrogram", true), ("strip", false)] {
        let canvas: Element = by_id(document, id)?;
        for kind in ["pointerdown", "pointermove"] {
            listeners.push(on(weak, &canvas, kind, move |page, event| page.point(&event, on_spectrogram))?);
        }
        listeners.push(on(weak, &canvas, "pointerleave", |page, event: PointerEvent| {
            // After a touch the reading stays until the next one.
            if event.pointer_type() == "mouse" {
                page.point_at(None);
            }
        })?);
    }
    let spectrogram: Element = by_id(document, "spectrogram")?;
    listeners.push(on(weak, &spectrogram, "keydown", |page, event| page.step(&event))?);
    listeners.push(on(weak, &spectrogram, "blur", |page, _: Event| page.point_at(None))?);
    Ok(listeners)
}

impl Page {
    /// Opens files that were chosen before the page had started.
    pub(super) fn open_chosen_early(&self) {
        let input = by_id::<HtmlInputElement>(&self.0.document, "file");
        let files = input.map(|input| files::take_chosen(&input)).unwrap_or_default();
        if !files.is_empty() {
            self.open(files);
        }
    }

    fn point(&self, event: &PointerEvent, on_spectrogram: bool) {
        let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
        let position = self.0.figures.borrow().position_of(&self.0.state.borrow(), x, y);
        self.point_at(position.map(|position| Cursor { position, on_spectrogram }));
    }

    fn step(&self, event: &KeyboardEvent) {
        let step = if event.shift_key() { 10.0 * KEY_STEP } else { KEY_STEP };
        let (time, height) = match event.key().as_str() {
            "ArrowLeft" => (-step, 0.0),
            "ArrowRight" => (step, 0.0),
            "ArrowDown" => (0.0, -step),
            "ArrowUp" => (0.0, step),
            "Home" => (-1.0, 0.0),
            "End" => (1.0, 0.0),
            _ => return,
        };
        // Otherwise the arrow keys scroll the page.
        event.prevent_default();
        let start = Position { time: 0.5, height: 0.5 };
        let from = self.0.cursor.get().map_or(start, |cursor| cursor.position);
        self.point_at(Some(Cursor { position: from.moved(time, height), on_spectrogram: true }));
    }
}
