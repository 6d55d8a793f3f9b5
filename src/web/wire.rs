//! Messages over `postMessage`: the head through serde, the bulk data as a typed array in the transfer list.
//!
//! On the wire a message is `{ head, payload }`: `head` a plain object, `payload` a `Uint8Array`, a `Float32Array`, a
//! `File` (which is passed by reference, whatever its size) or undefined. A worker's first message has a `module` instead:
//! its compiled WebAssembly module.

use js_sys::WebAssembly::Module;
use js_sys::{Array, Float32Array, Object, Reflect, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, File, MessageEvent, Worker};

use crate::protocol::{Message, Payload};

/// The property of a compiled module beside a message.
const MODULE: &str = "module";

/// Either end of a worker's message channel.
pub trait Port {
    /// Posts a value, giving up the buffers in `transfer`.
    ///
    /// # Errors
    ///
    /// What the browser throws, if the value cannot be cloned.
    fn post(&self, value: &JsValue, transfer: &Array) -> Result<(), JsValue>;
}

impl Port for Worker {
    fn post(&self, value: &JsValue, transfer: &Array) -> Result<(), JsValue> {
        self.post_message_with_transfer(value, transfer)
    }
}

impl Port for DedicatedWorkerGlobalScope {
    fn post(&self, value: &JsValue, transfer: &Array) -> Result<(), JsValue> {
        self.post_message_with_transfer(value, transfer)
    }
}

/// The type of a file on the wire: the browser's `File` in requests, nothing in events.
pub trait WireFile: Sized {
    /// The value that the browser clones.
    fn into_value(self) -> JsValue;
    /// The file in a received value, if it is one.
    fn from_value(value: &JsValue) -> Option<Self>;
}

impl WireFile for File {
    fn into_value(self) -> JsValue {
        self.into()
    }

    fn from_value(value: &JsValue) -> Option<Self> {
        value.dyn_ref().cloned()
    }
}

impl WireFile for () {
    fn into_value(self) -> JsValue {
        JsValue::UNDEFINED
    }

    fn from_value(_value: &JsValue) -> Option<Self> {
        None
    }
}

/// Sends a message.
///
/// # Errors
///
/// What the browser throws.
pub fn send<Body: Serialize>(
    port: &impl Port,
    message: &Message<Body>,
    payload: Payload<impl WireFile>,
) -> Result<(), JsValue> {
    let head = message.serialize(&Serializer::json_compatible()).map_err(JsValue::from)?;
    // Buffers in this list are moved to the other side, not copied.
    let transfer = Array::new();
    let payload: JsValue = match payload {
        Payload::None => JsValue::UNDEFINED,
        Payload::Bytes(bytes) => {
            let array = Uint8Array::from(bytes.as_slice());
            transfer.push(&array.buffer());
            array.into()
        }
        Payload::Floats(floats) => {
            let array = Float32Array::from(floats.as_slice());
            transfer.push(&array.buffer());
            array.into()
        }
        Payload::File(file) => file.into_value(),
    };
    let value = Object::new();
    Reflect::set(&value, &"head".into(), &head)?;
    Reflect::set(&value, &"payload".into(), &payload)?;
    port.post(&value, &transfer)
}

/// Sends a message without a payload and beside it the compiled module that this worker runs, from which the other side
/// starts further workers. The browser shares the module's code.
///
/// # Errors
///
/// What the browser throws.
pub fn send_with_module<Body: Serialize>(
    port: &impl Port,
    message: &Message<Body>,
    module: &JsValue,
) -> Result<(), JsValue> {
    let head = message.serialize(&Serializer::json_compatible()).map_err(JsValue::from)?;
    let value = Object::new();
    Reflect::set(&value, &"head".into(), &head)?;
    Reflect::set(&value, &MODULE.into(), module)?;
    port.post(&value, &Array::new())
}

/// The compiled module beside a message, if there is one.
pub fn module(event: &MessageEvent) -> Option<Module> {
    Reflect::get(&event.data(), &MODULE.into()).ok()?.dyn_into().ok()
}

/// Reads a message.
///
/// # Errors
///
/// A sentence, if the message is not ours or of another version.
pub fn receive<Body: DeserializeOwned, File: WireFile>(
    event: &MessageEvent,
) -> Result<(Message<Body>, Payload<File>), String> {
    let value = event.data();
    let field = |name: &str| Reflect::get(&value, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let message = serde_wasm_bindgen::from_value(field("head"))
        .map_err(|error| format!("a message that this version does not know ({error})"))?;
    let payload = field("payload");
    let payload = if let Some(bytes) = payload.dyn_ref::<Uint8Array>() {
        Payload::Bytes(bytes.to_vec())
    } else if let Some(floats) = payload.dyn_ref::<Float32Array>() {
        Payload::Floats(floats.to_vec())
    } else {
        File::from_value(&payload).map_or(Payload::None, Payload::File)
    };
    Ok((message, payload))
}
