//! Listeners that call the page without keeping it alive: the page owns its listeners, so they refer to it weakly.

use std::rc::Weak;

use wasm_bindgen::JsCast;
use web_sys::EventTarget;

use super::{Inner, Page};
use crate::web::dom::{DomError, Listener};

pub(super) fn with(weak: &Weak<Inner>, act: impl FnOnce(&Page)) {
    if let Some(inner) = weak.upgrade() {
        act(&Page(inner));
    }
}

pub(super) fn on<Kind: JsCast>(
    weak: &Weak<Inner>,
    target: &EventTarget,
    kind: &'static str,
    act: impl Fn(&Page, Kind) + 'static,
) -> Result<Listener, DomError> {
    let weak = weak.clone();
    Listener::new(target, kind, move |event| with(&weak, |page| act(page, event)))
}
