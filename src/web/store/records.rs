//! Values in the form in which they are stored.

use js_sys::Reflect;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

use crate::view::storage::state::StorageError;
use crate::web::dom;

/// The version of the records that are written, and the latest that is read.
const RECORD_VERSION: f64 = 1.0;

/// A value in the form in which it is stored. Unlike JSON it can hold NaN and infinities, as a training's losses may
/// be.
///
/// # Errors
///
/// [`StorageError::Other`], if it cannot be stored.
pub fn to_value(value: &impl Serialize) -> Result<JsValue, StorageError> {
    value.serialize(&Serializer::json_compatible()).map_err(|error| StorageError::Other(error.to_string()))
}

/// A stored value; `None`, logged, if this version cannot read it.
pub fn from_value<T: DeserializeOwned>(what: &str, value: JsValue) -> Option<T> {
    let read = serde_wasm_bindgen::from_value(value);
    read.inspect_err(|error| log::warn!("{what} is stored but cannot be read: {error}")).ok()
}

/// Marks a record, a JavaScript object, as written by this version.
///
/// # Errors
///
/// [`StorageError::Other`].
pub(crate) fn with_version(record: JsValue) -> Result<JsValue, StorageError> {
    match Reflect::set(&record, &"version".into(), &RECORD_VERSION.into()) {
        Ok(_) => Ok(record),
        Err(error) => Err(StorageError::Other(dom::describe(&error))),
    }
}

/// True if a record is of this version or an earlier one: a later one may mean something else by the same fields.
pub(crate) fn is_known_version(record: &JsValue) -> bool {
    // The first versions wrote none.
    field(record, "version").as_f64().unwrap_or(0.0) <= RECORD_VERSION
}

/// A field of a stored value.
pub(crate) fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED)
}
