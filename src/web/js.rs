//! Browser interfaces used through reflection: the page needs little of each, and every access may throw, because a
//! browser that lets the page store nothing throws at the very access to its storage.

use js_sys::{Array, Function, JsString, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A property of an object.
///
/// # Errors
///
/// What the browser throws.
pub(crate) fn get(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &name.into())
}

/// A text property; empty if there is none.
pub(crate) fn text(object: &JsValue, name: &str) -> String {
    get(object, name).ok().and_then(|value| value.as_string()).unwrap_or_default()
}

/// A numeric property as a count; 0 if there is none.
pub(crate) fn count(object: &JsValue, name: &str) -> u64 {
    get(object, name).ok().and_then(|value| value.as_f64()).map_or(0, |value| value.max(0.0) as u64)
}

/// A property that is an object.
pub(crate) fn object(object: &JsValue, name: &str) -> Option<JsValue> {
    get(object, name).ok().filter(JsValue::is_object)
}

/// Text with its accents composed (Unicode's form C): macOS writes `é` as two characters into names of files, and other
/// systems as one. The browser has the tables for it, which are 120 KB.
pub(crate) fn composed(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { JsString::from(text).normalize("NFC").into() }
}

/// Calls a method.
///
/// # Errors
///
/// What the browser throws.
pub(crate) fn call(object: &JsValue, method: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let arguments: Array = arguments.iter().copied().collect();
    Reflect::apply(&get(object, method)?.dyn_into::<Function>()?, object, &arguments)
}

/// Calls a method and awaits its promise.
///
/// # Errors
///
/// What the browser throws, or the promise's rejection.
pub(crate) async fn call_async(object: &JsValue, method: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    // `resolve` also takes a value that is no promise.
    JsFuture::from(Promise::resolve(&call(object, method, arguments)?)).await
}

/// A plain object with these properties.
///
/// # Errors
///
/// What the browser throws.
pub(crate) fn plain_object(properties: &[(&str, JsValue)]) -> Result<JsValue, JsValue> {
    let object = Object::new();
    for (name, value) in properties {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object.into())
}
