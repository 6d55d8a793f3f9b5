//! What the browser offers that is used by its names: little of each, so that no types are needed for it, and every use
//! can fail, for where a browser lets a page store nothing the very look at such an object throws.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A property.
///
/// # Errors
///
/// What was thrown.
pub(crate) fn get(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &name.into())
}

/// A property that is text; empty where it is none.
pub(crate) fn text(object: &JsValue, name: &str) -> String {
    get(object, name).ok().and_then(|value| value.as_string()).unwrap_or_default()
}

/// A property that is a count; 0 where it is none.
pub(crate) fn count(object: &JsValue, name: &str) -> u64 {
    get(object, name).ok().and_then(|value| value.as_f64()).map_or(0, |value| value.max(0.0) as u64)
}

/// A property that is an object, or `None`.
pub(crate) fn object(object: &JsValue, name: &str) -> Option<JsValue> {
    get(object, name).ok().filter(JsValue::is_object)
}

/// What a method returns.
///
/// # Errors
///
/// What was thrown.
pub(crate) fn call(object: &JsValue, method: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let arguments: Array = arguments.iter().copied().collect();
    Reflect::apply(&get(object, method)?.dyn_into::<Function>()?, object, &arguments)
}

/// What a method returns in the end.
///
/// # Errors
///
/// What was thrown, now or later.
pub(crate) async fn ask(object: &JsValue, method: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&call(object, method, arguments)?)).await
}

/// A plain object of these properties.
///
/// # Errors
///
/// None that is known.
pub(crate) fn plain(properties: &[(&str, JsValue)]) -> Result<JsValue, JsValue> {
    let object = Object::new();
    for (name, value) in properties {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object.into())
}
