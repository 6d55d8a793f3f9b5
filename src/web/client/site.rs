//! Files of the site itself.

use std::pin::pin;

use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Response;

use super::background_task::BackgroundTask;
use crate::card::Card;
use crate::view::classify::networks::Catalogue;
use crate::view::offline::words;
use crate::web::{dom, js, weights_cache};

const LIST: &str = "./model-weights/networks.json";
/// How long a transfer may stand still, or the browser's store be silent, before it is given up, in milliseconds.
const TIMEOUT_MILLISECONDS: i32 = 60_000;

/// A network as the site ships it.
pub(crate) struct NetworkFiles {
    pub card: Card,
    pub weights: Vec<u8>,
}

/// The list of the site's networks.
///
/// # Errors
///
/// A sentence, where it cannot be fetched or read.
pub(crate) async fn fetch_catalogue() -> Result<Catalogue, String> {
    let json = fetch(LIST, &mut |_| {}).await?;
    Catalogue::parse(&json).map_err(|reason| format!("{LIST} cannot be read ({reason})"))
}

/// A network's card and weights, those that are kept before those of the server; `on_bytes` hears of every piece of them,
/// in bytes. True with those of the server, which are not kept yet. They are what the card says, by their SHA-256.
///
/// # Errors
///
/// A sentence, where they cannot be fetched or read, or are damaged.
pub(crate) async fn fetch_network(name: &str, on_bytes: &mut impl FnMut(u64)) -> Result<(NetworkFiles, bool), String> {
    let name_of_card = name.to_owned();
    let mut card = BackgroundTask::spawn(async move { fetch_card(&name_of_card).await });
    if with_timeout(weights_cache::stored_names()).await.is_some_and(|kept| kept.iter().any(|kept| kept == name)) {
        let card = card.result().await?;
        if let Some(weights) = with_timeout(weights_cache::get(name, &card.sha256)).await.flatten() {
            on_bytes(weights.len() as u64);
            return Ok((NetworkFiles { card, weights }, false));
        }
    }
    let path = format!("./model-weights/{name}.safetensors");
    let first = fetch_with(&path, false, on_bytes).await;
    let card = card.result().await?;
    let whole = |bytes: &Vec<u8>| card.sha256.is_empty() || weights_cache::sha256_hex(bytes) == card.sha256;
    if let Ok(weights) = first
        && whole(&weights)
    {
        return Ok((NetworkFiles { card, weights }, true));
    }
    // Cut short or damaged on the way, perhaps in a cache between: once more, past all of them.
    let weights = fetch_with(&path, true, &mut |_| {}).await?;
    if whole(&weights) { Ok((NetworkFiles { card, weights }, true)) } else { Err(words::damaged(name)) }
}

/// A network's card alone.
///
/// # Errors
///
/// A sentence, where it cannot be fetched or read.
pub(crate) async fn fetch_card(name: &str) -> Result<Card, String> {
    let path = format!("./model-weights/{name}.json");
    let json = fetch(&path, &mut |_| {}).await?;
    serde_json::from_slice(&json).map_err(|error| format!("{path} cannot be read ({error})"))
}

/// The bytes of a file of the site.
async fn fetch(path: &str, on_bytes: &mut impl FnMut(u64)) -> Result<Vec<u8>, String> {
    fetch_with(path, false, on_bytes).await
}

/// As [`fetch`]; past every cache, where it is to be anew.
async fn fetch_with(path: &str, past_caches: bool, on_bytes: &mut impl FnMut(u64)) -> Result<Vec<u8>, String> {
    let failed = |what: &str| format!("{path} could not be fetched ({what}); check the connection");
    let window = web_sys::window().ok_or_else(|| failed("there is no window"))?;
    let asked = async {
        let options = js::plain(&[("cache", if past_caches { "reload" } else { "default" }.into())])?;
        let response = with_timeout(js::ask(&window, "fetch", &[&path.into(), &options])).await;
        response.ok_or(JsValue::NULL)??.dyn_into::<Response>()
    };
    let response = asked.await.map_err(|_| failed("no answer"))?;
    if !response.ok() {
        return Err(failed(&format!("the server answered {}", response.status())));
    }
    read(&response, on_bytes).await.map_err(|_| failed("the transfer broke off"))
}

/// What a step ends with; `None` where it takes so long that it never will.
async fn with_timeout<T>(step: impl Future<Output = T>) -> Option<T> {
    match select(pin!(step), pin!(dom::sleep(TIMEOUT_MILLISECONDS))).await {
        Either::Left((outcome, _)) => Some(outcome),
        Either::Right(_) => None,
    }
}

/// Reads a response piece by piece. Its stream is used by name: it is all that the page needs of streams.
async fn read(response: &Response, on_bytes: &mut impl FnMut(u64)) -> Result<Vec<u8>, JsValue> {
    let reader = js::call(&js::get(response, "body")?, "getReader", &[])?;
    let mut bytes = Vec::new();
    loop {
        let piece = with_timeout(js::ask(&reader, "read", &[])).await.ok_or("nothing comes any more")??;
        if js::get(&piece, "done")?.is_truthy() {
            return Ok(bytes);
        }
        let piece = js::get(&piece, "value")?.dyn_into::<Uint8Array>()?.to_vec();
        on_bytes(piece.len() as u64);
        bytes.extend(piece);
    }
}

/// True where the browser was told to save data: what nobody asked for is not fetched.
pub(crate) fn saves_data() -> bool {
    let connection = web_sys::window().and_then(|window| js::object(&window.navigator().into(), "connection"));
    connection.is_some_and(|connection| js::get(&connection, "saveData").is_ok_and(|saves| saves.is_truthy()))
}
