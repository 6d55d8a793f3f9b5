//! The document: typed look-ups, listeners that are removed with their owner, and small changes.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use wasm_bindgen::prelude::*;
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, ResizeObserver, Window};

/// Why the document could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DomError {
    /// There is no window or no document: this runs in a worker.
    #[error("this is not a web page: it has no {0}")]
    NoPage(&'static str),
    /// There is no element with this id.
    #[error("the page has no element with the id \"{0}\"")]
    Missing(String),
    /// An element is not of the expected kind.
    #[error("the element \"{id}\" is a <{found}>, not what was expected there")]
    Kind {
        /// No element of the page has it.
        id: String,
        /// Its tag name, in lower case.
        found: String,
    },
    /// The browser refused something.
    #[error("the browser refused: {0}")]
    Refused(String),
}

impl From<JsValue> for DomError {
    fn from(value: JsValue) -> Self {
        Self::Refused(describe(&value))
    }
}

/// The message of a thrown value.
pub(crate) fn describe(value: &JsValue) -> String {
    match value.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => value.as_string().unwrap_or_else(|| format!("{value:?}")),
    }
}

/// The browser's; a worker has none.
pub fn window() -> Result<Window, DomError> {
    web_sys::window().ok_or(DomError::NoPage("window"))
}

/// The page's; a worker has none.
pub fn document() -> Result<Document, DomError> {
    window()?.document().ok_or(DomError::NoPage("document"))
}

/// The element with an id, as its kind.
pub fn by_id<Kind: JsCast>(document: &Document, id: &str) -> Result<Kind, DomError> {
    let element = document.get_element_by_id(id).ok_or_else(|| DomError::Missing(id.to_owned()))?;
    let wrong = |element: Element| DomError::Kind { id: id.to_owned(), found: element.tag_name().to_lowercase() };
    element.dyn_into::<Kind>().map_err(wrong)
}

/// Calls a handler on every event of one kind, until it is dropped.
#[derive(Debug)]
#[must_use = "a dropped listener receives no events"]
pub struct Listener {
    target: EventTarget,
    kind: &'static str,
    closure: Closure<dyn Fn(Event)>,
}

impl Listener {
    /// Adds a listener to a target; `Kind` is the event's class, which the caller knows from the event's name.
    pub fn new<Kind: JsCast>(
        target: &EventTarget,
        kind: &'static str,
        handler: impl Fn(Kind) + 'static,
    ) -> Result<Self, DomError> {
        let closure = Closure::<dyn Fn(Event)>::new(move |event: Event| handler(event.unchecked_into()));
        target.add_event_listener_with_callback(kind, closure.as_ref().unchecked_ref())?;
        Ok(Self { target: target.clone(), kind, closure })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        if let Err(error) = self.target.remove_event_listener_with_callback(self.kind, callback) {
            log::warn!("the listener for {} could not be removed: {}", self.kind, describe(&error));
        }
    }
}

/// Calls a handler whenever an element's size changes, and once at the start, until it is dropped.
#[derive(Debug)]
#[must_use = "a dropped observer receives no events"]
pub(crate) struct Resizes {
    observer: ResizeObserver,
    _closure: Closure<dyn Fn()>,
}

impl Resizes {
    pub fn new(element: &Element, handler: impl Fn() + 'static) -> Result<Self, DomError> {
        let closure = Closure::<dyn Fn()>::new(handler);
        let observer = ResizeObserver::new(closure.as_ref().unchecked_ref())?;
        observer.observe(element);
        Ok(Self { observer, _closure: closure })
    }
}

impl Drop for Resizes {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Work for the next animation frame, done once however often it is requested.
#[derive(Debug)]
pub struct Frame {
    window: Window,
    waiting: Rc<Cell<Option<i32>>>,
    closure: Closure<dyn Fn()>,
}

impl Frame {
    /// Prepares the work; nothing happens before [`Frame::request`].
    pub fn new(work: impl Fn() + 'static) -> Result<Self, DomError> {
        let waiting = Rc::new(Cell::new(None));
        let done = waiting.clone();
        let closure = Closure::<dyn Fn()>::new(move || {
            done.set(None);
            work();
        });
        Ok(Self { window: window()?, waiting, closure })
    }

    /// Requests the work in the next frame.
    pub fn request(&self) {
        if self.waiting.get().is_none() {
            self.waiting.set(self.window.request_animation_frame(self.closure.as_ref().unchecked_ref()).ok());
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if let Some(handle) = self.waiting.get() {
            // Fails only if the frame has passed.
            self.window.cancel_animation_frame(handle).ok();
        }
    }
}

/// Milliseconds since some moment, by a clock that is never set back.
pub(crate) fn now() -> f64 {
    // Without it, as in no browser that has WebAssembly, nothing takes any time.
    window().ok().and_then(|window| window.performance()).map_or(0.0, |performance| performance.now())
}

/// Waits for so many milliseconds.
pub(crate) async fn sleep(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        if let Ok(window) = window() {
            // Without a timer it would wait for ever; browsers always have one.
            window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds).ok();
        }
    });
    // A promise, because the timer calls its resolver itself. It never rejects.
    wasm_bindgen_futures::JsFuture::from(promise).await.ok();
}

/// The output of something; `None` if it takes longer than so many seconds in which the page runs.
pub(crate) async fn within<T>(seconds: u32, step: impl Future<Output = T>) -> Option<T> {
    let limit = async {
        // One timer would count the time in which the computer sleeps.
        for _ in 0..seconds {
            sleep(1000).await;
        }
    };
    match select(pin!(step), pin!(limit)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Sets an element's text. The same text is not set again, so that screen readers do not repeat it.
pub fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// Shows an element with this text, or hides it if there is none.
pub fn set_text_or_hide(element: &HtmlElement, text: Option<&str>) {
    set_text(element, text.unwrap_or_default());
    element.set_hidden(text.is_none());
}

/// Sets one CSS property of an element. Unlike a style attribute it is allowed under a strict content security policy.
pub(crate) fn set_style(element: &HtmlElement, property: &str, value: &str) -> Result<(), DomError> {
    Ok(element.style().set_property(property, value)?)
}

/// A new element with a text.
pub(crate) fn element(document: &Document, tag: &str, text: &str) -> Result<HtmlElement, DomError> {
    let element = document.create_element(tag)?;
    element.set_text_content(Some(text));
    // Every tag that the page uses makes an HtmlElement.
    Ok(element.unchecked_into())
}

/// Replaces the children of an element.
pub(crate) fn set_children<'a>(element: &Element, children: impl IntoIterator<Item = &'a HtmlElement>) {
    let nodes: js_sys::Array = children.into_iter().collect();
    element.replace_children_with_node(&nodes);
}

/// As [`set_children`], but children that stay are not touched, so that they keep the focus.
pub(crate) fn keep_children(element: &Element, children: &[HtmlElement]) -> Result<(), DomError> {
    // JavaScript's set compares nodes by identity.
    let wanted: js_sys::Set<wasm_bindgen::JsValue> = js_sys::Set::new(&JsValue::UNDEFINED);
    for child in children {
        wanted.add(child);
    }
    let mut next = element.first_child();
    while let Some(node) = next {
        next = node.next_sibling();
        if !wanted.has(&node) {
            element.remove_child(&node)?;
        }
    }
    let mut place = element.first_child();
    for child in children {
        match &place {
            Some(node) if node.is_same_node(Some(child)) => place = node.next_sibling(),
            _ => drop(element.insert_before(child, place.as_ref())?),
        }
    }
    Ok(())
}

/// Disables an element, or enables it.
pub fn disable(element: &HtmlElement, disabled: bool) -> Result<(), DomError> {
    element.toggle_attribute_with_force("disabled", disabled)?;
    Ok(())
}
