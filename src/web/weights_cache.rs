//! Weights on the visitor's device, by their SHA-256, in the browser's cache of responses. An update of the page does
//! not touch them; the service worker deletes what is no longer used (`static/service-worker.template.js`, which knows
//! the names used here).

use js_sys::{Array, Function, Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Url;

use super::{dom, js};
use crate::view::offline::state::UnavailableReason;

/// SHA-256 of some bytes, in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The names of the networks whose weights are stored; empty if the browser stores nothing.
pub(crate) async fn stored_names() -> Vec<String> {
    entries().await.unwrap_or_default().into_iter().map(|(name, _)| name).collect()
}

/// Stored weights; `None` if they are not there, or damaged: then they are deleted.
pub(crate) async fn get(name: &str, sha256: &str) -> Option<Vec<u8>> {
    let key = key(name, sha256).ok()?;
    let store = store().await.ok()?;
    let response = js::call_async(&store, "match", &[&key]).await.ok().filter(JsValue::is_object)?;
    let bytes = js::call_async(&response, "arrayBuffer", &[]).await.map(|buffer| Uint8Array::new(&buffer).to_vec());
    let whole = bytes.ok().filter(|bytes| sha256_hex(bytes) == sha256);
    if whole.is_none() {
        log::warn!("the stored weights of {name} are damaged and will be downloaded again");
        // If that fails they are found damaged again next time.
        let _ = js::call_async(&store, "delete", &[&key]).await;
    }
    whole
}

/// Stores weights, in place of others with that name.
///
/// # Errors
///
/// Why they are not stored.
pub(crate) async fn put(name: &str, sha256: &str, bytes: &[u8]) -> Result<(), UnavailableReason> {
    let put = async {
        let entries = entries().await?.into_iter();
        let before: Vec<String> = entries.filter(|(other, _)| other == name).map(|(_, sha256)| sha256).collect();
        let constructor = js::get(dom::window().map_err(|_| JsValue::NULL)?.as_ref(), "Response")?;
        let response = Reflect::construct(&constructor.dyn_into::<Function>()?, &Array::of1(&Uint8Array::from(bytes)))?;
        let store = store().await?;
        js::call_async(&store, "put", &[&key(name, sha256)?, &response]).await?;
        // Only if these are new: the weights of a newer version lie beside those in use until it takes over.
        if !before.iter().any(|other| other == sha256) {
            for other in before {
                js::call_async(&store, "delete", &[&key(name, &other)?]).await?;
            }
        }
        Ok(())
    };
    put.await.map_err(|error| {
        log::warn!("the weights of {name} could not be stored: {}", dom::describe(&error));
        if js::text(&error, "name") == "QuotaExceededError" {
            UnavailableReason::NoSpace
        } else {
            UnavailableReason::Blocked
        }
    })
}

/// Name and SHA-256 of all stored weights.
async fn entries() -> Result<Vec<(String, String)>, JsValue> {
    let requests: Array = js::call_async(&store().await?, "keys", &[]).await?.dyn_into()?;
    let entry = |request: JsValue| {
        let url = js::text(&request, "url");
        let (path, sha256) = url.split_once(".safetensors?sha256=")?;
        Some((path.rsplit('/').next()?.to_owned(), sha256.to_owned()))
    };
    Ok(requests.iter().filter_map(entry).collect())
}

async fn store() -> Result<JsValue, JsValue> {
    open("weights-1").await
}

/// One of the page's caches, by its kind and version.
///
/// # Errors
///
/// What the browser throws, if it lets the page store nothing.
pub(crate) async fn open(kind: &str) -> Result<JsValue, JsValue> {
    let caches = js::get(dom::window().map_err(|_| JsValue::NULL)?.as_ref(), "caches")?;
    js::call_async(&caches, "open", &[&site_scoped_name(kind)?.into()]).await
}

/// The name of one of the page's caches or databases. All pages of a site share its storage, so that the path is part
/// of it.
///
/// # Errors
///
/// What the browser throws, if the page has no address.
pub(crate) fn site_scoped_name(kind: &str) -> Result<String, JsValue> {
    Ok(format!("genrelens-{kind} {}", address("./")?.pathname()))
}

fn key(name: &str, sha256: &str) -> Result<JsValue, JsValue> {
    Ok(address(&format!("model-weights/{name}.safetensors?sha256={sha256}"))?.href().into())
}

fn address(path: &str) -> Result<Url, JsValue> {
    let document = dom::document().map_err(|_| JsValue::NULL)?;
    Url::new_with_base(path, &document.base_uri()?.unwrap_or_default())
}
