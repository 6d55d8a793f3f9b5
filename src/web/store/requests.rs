//! The browser's requests and transactions as futures, and its errors.

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomException, IdbRequest, IdbTransaction};

use crate::view::storage::state::StorageError;
use crate::web::dom;

/// The result of a request; its error if it fails, or does not answer within `timeout` milliseconds. The handlers are
/// set at once and not only when the future is awaited, because the request may answer before that.
pub(super) fn result_of(
    request: &IdbRequest,
    timeout: Option<i32>,
) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
    let settled = JsFuture::from(Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
        if let (Some(window), Some(timeout)) = (web_sys::window(), timeout) {
            // Without a timer it waits as long as it takes.
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&reject, timeout);
        }
    }));
    let request = request.clone();
    async move {
        match (settled.await, request.error()) {
            (Ok(_), _) => request.result(),
            (Err(_), Ok(Some(error))) => Err(error.into()),
            (Err(_), _) => Err("the browser does not answer".into()),
        }
    }
}

/// Waits until a transaction is complete: only then its data is on the disk.
pub(super) async fn finished(transaction: &IdbTransaction) -> Result<(), StorageError> {
    let settled = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(settled).await {
        Ok(_) => Ok(()),
        Err(_) => Err(transaction
            .error()
            .map_or_else(|| StorageError::Other("the transaction was aborted".to_owned()), |e| storage_error(&e))),
    }
}

pub(super) fn storage_error(error: &JsValue) -> StorageError {
    let is_full = error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "QuotaExceededError");
    if is_full { StorageError::Full } else { StorageError::Other(reason(error)) }
}

/// The browser's message for an error.
pub(super) fn reason(error: &JsValue) -> String {
    match error.dyn_ref::<DomException>() {
        Some(error) if error.message().is_empty() => error.name(),
        Some(error) => error.message(),
        None => dom::describe(error),
    }
}
