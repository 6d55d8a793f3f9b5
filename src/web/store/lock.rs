//! The lock that lets one page of the site at a time write to its database: two writers would undo each other's changes.

use std::pin::pin;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::requests::reason;
use crate::web::{dom, js};

/// How often the lock is requested, and the pause between, in milliseconds: a page that is reloaded meets its
/// predecessor on its way out.
const LOCK_TRIES: usize = 10;
const LOCK_RETRY_MILLISECONDS: i32 = 200;

/// The browser's locks; `None` if it has none, or refuses the very access to them.
fn locks() -> Option<JsValue> {
    dom::window().ok().and_then(|window| js::object(window.navigator().as_ref(), "locks"))
}

/// Takes a lock of this name until the page ends; false if another page has it. If the browser has no locks, or
/// refuses them, the page counts as alone.
pub(super) async fn acquire(name: &str) -> bool {
    let Some(locks) = locks() else { return true };
    for _ in 0..LOCK_TRIES {
        match lock(&locks, name, false).await {
            Ok(true) => return true,
            Ok(false) => dom::sleep(LOCK_RETRY_MILLISECONDS).await,
            Err(error) => {
                log::warn!("cannot tell whether the page is open twice: {}", reason(&error));
                return true;
            }
        }
    }
    false
}

/// Takes the lock of this name once no other page has it. If the browser refuses locks, the page counts as alone.
pub(super) async fn wait(name: &str) {
    if let Some(locks) = locks()
        && let Err(error) = lock(&locks, name, true).await
    {
        log::warn!("cannot wait for the other page: {}", reason(&error));
    }
}

/// Takes the lock of this name: at once if it is free, or else as soon as it is if `waits`; false if it is not taken.
async fn lock(locks: &JsValue, name: &str, waits: bool) -> Result<bool, JsValue> {
    let (sender, taken) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| {
        // Fails only if nobody waits any more.
        let _ = sender.send(!lock.is_null());
        // The browser holds the lock until the promise that is returned here resolves: this one never does.
        if lock.is_null() { JsValue::NULL } else { Promise::new(&mut |_, _| {}).into() }
    });
    let options = js::plain_object(&[("ifAvailable", (!waits).into())])?;
    let name = name.into();
    let arguments = [&name, &options, &granted];
    let request = pin!(js::call_async(locks, "request", &arguments));
    match select(taken, request).await {
        Either::Left((taken, _)) => taken.map_err(|_| "the browser does not answer".into()),
        // A lock that is refused calls nobody: only the promise tells.
        Either::Right((Err(error), _)) => Err(error),
        Either::Right((Ok(_), taken)) => taken.await.map_err(|_| "the browser does not answer".into()),
    }
}
