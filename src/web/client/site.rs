//! Files of the site itself.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::Response;

use crate::card::Card;
use crate::view::networks::Catalogue;

const LIST: &str = "./model-weights/networks.json";

/// A network as the site ships it.
pub struct Shipped {
    pub card: Card,
    pub bytes: Vec<u8>,
}

/// The list of the site's networks.
///
/// # Errors
///
/// A sentence, where it cannot be fetched or read.
pub async fn fetch_catalogue() -> Result<Catalogue, String> {
    let json = fetch(LIST, &mut |_| {}).await?;
    Catalogue::parse(&json).map_err(|reason| format!("{LIST} cannot be read ({reason})"))
}

/// A network's card and weights; `arrived` hears of every piece of them, in bytes.
///
/// # Errors
///
/// A sentence, where they cannot be fetched or read.
pub async fn fetch_network(name: &str, arrived: &mut impl FnMut(u64)) -> Result<Shipped, String> {
    let name_of_card = name.to_owned();
    let card = Eager::start(async move { fetch_card(&name_of_card).await });
    let bytes = fetch(&format!("./model-weights/{name}.safetensors"), arrived).await?;
    Ok(Shipped { card: card.outcome().await?, bytes })
}

/// A network's card alone.
///
/// # Errors
///
/// A sentence, where it cannot be fetched or read.
pub async fn fetch_card(name: &str) -> Result<Card, String> {
    let path = format!("./model-weights/{name}.json");
    let json = fetch(&path, &mut |_| {}).await?;
    serde_json::from_slice(&json).map_err(|error| format!("{path} cannot be read ({error})"))
}

/// Work that goes on whether or not somebody waits for it.
pub struct Eager<T> {
    done: Promise,
    outcome: Rc<RefCell<Result<T, String>>>,
}

impl<T: Clone + 'static> Eager<T> {
    /// Begins it.
    pub fn start(work: impl Future<Output = Result<T, String>> + 'static) -> Self {
        let outcome = Rc::new(RefCell::new(Err(String::new())));
        let kept = outcome.clone();
        let done = future_to_promise(async move {
            let found = work.await;
            *kept.borrow_mut() = found;
            Ok(JsValue::UNDEFINED)
        });
        Self { done, outcome }
    }

    /// Waits for what comes of it.
    pub async fn outcome(&self) -> Result<T, String> {
        // Resolves only; the outcome says how.
        let _ = JsFuture::from(self.done.clone()).await;
        self.outcome.borrow().clone()
    }
}

/// The bytes of a file of the site.
async fn fetch(path: &str, arrived: &mut impl FnMut(u64)) -> Result<Vec<u8>, String> {
    let failed = |what: &str| format!("{path} could not be fetched ({what}); check the connection");
    let window = web_sys::window().ok_or_else(|| failed("there is no window"))?;
    let response: Response = JsFuture::from(window.fetch_with_str(path))
        .await
        .and_then(JsCast::dyn_into)
        .map_err(|_| failed("no answer"))?;
    if !response.ok() {
        return Err(failed(&format!("the server answered {}", response.status())));
    }
    read(&response, arrived).await.map_err(|_| failed("the transfer broke off"))
}

/// Reads a response piece by piece. Its stream is used by name: it is all that the page needs of streams.
async fn read(response: &Response, arrived: &mut impl FnMut(u64)) -> Result<Vec<u8>, JsValue> {
    let reader = call(&Reflect::get(response, &"body".into())?, "getReader")?;
    let mut bytes = Vec::new();
    loop {
        let piece = JsFuture::from(call(&reader, "read")?.dyn_into::<Promise>()?).await?;
        if Reflect::get(&piece, &"done".into())?.is_truthy() {
            return Ok(bytes);
        }
        let piece = Reflect::get(&piece, &"value".into())?.dyn_into::<Uint8Array>()?.to_vec();
        arrived(piece.len() as u64);
        bytes.extend(piece);
    }
}

fn call(object: &JsValue, method: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &method.into())?.dyn_into::<Function>()?.call0(object)
}

/// True where the browser was told to save data: what nobody asked for is not fetched.
pub fn saves_data() -> bool {
    let get = |object: JsValue, name: &str| Reflect::get(&object, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let connection = web_sys::window().map(|window| get(window.navigator().into(), "connection"));
    connection.filter(JsValue::is_object).is_some_and(|connection| get(connection, "saveData").is_truthy())
}
