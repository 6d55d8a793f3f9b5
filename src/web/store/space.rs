//! The space that the site takes.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::StorageEstimate;

use super::records::field;
use super::requests::reason;
use crate::view::storage::state::Usage;
use crate::web::js;

/// Asks the browser not to delete the data by itself when space is short.
pub(crate) async fn request_persistence() {
    if let Some(Err(error)) = ask_storage_manager("persist").await {
        log::warn!("could not ask the browser for persistent storage: {}", reason(&error));
    }
}

/// How much is stored; `None` if the browser does not tell.
pub(crate) async fn usage() -> Option<Usage> {
    let estimate: StorageEstimate = ask_storage_manager("estimate").await?.ok()?.unchecked_into();
    let lasting =
        ask_storage_manager("persisted").await.and_then(Result::ok).is_some_and(|lasting| lasting.is_truthy());
    Some(Usage { used: estimate.get_usage()?, granted: estimate.get_quota()?, lasting })
}

/// The answer of the browser's storage manager; `None` if there is none, as on pages from insecure addresses.
async fn ask_storage_manager(method: &str) -> Option<Result<JsValue, JsValue>> {
    let manager = field(&web_sys::window()?.navigator(), "storage");
    manager.is_object().then_some(js::call_async(&manager, method, &[]).await)
}
