//! Files that the site serves: the list of networks, their cards and their weights.

use std::pin::pin;

use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Response};

use super::background_task::BackgroundTask;
use crate::card::Card;
use crate::view::classify::networks::Catalogue;
use crate::view::classify::workers::Machine;
use crate::view::offline::words;
use crate::web::{dom, js, weights_cache};

/// How long a download may stand still, or the browser's cache take to answer, before it is given up, in milliseconds.
const TIMEOUT_MILLISECONDS: i32 = 60_000;

/// A network in memory.
pub(crate) struct NetworkFiles {
    pub card: Card,
    pub weights: Vec<u8>,
}

/// Why something of the site cannot be had; each holds a sentence, which has no full stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// There is no connection, or nothing that can be read.
    #[error("{0}")]
    Unavailable(String),
    /// The server does not have what belongs to this build. If there is a newer one, that is the reason.
    #[error("{0}")]
    OtherBuild(String),
    /// The server has a newer build.
    #[error("{0}")]
    NewerBuild(String),
}

impl From<String> for FetchError {
    fn from(sentence: String) -> Self {
        Self::Unavailable(sentence)
    }
}

impl From<FetchError> for String {
    fn from(error: FetchError) -> Self {
        error.to_string()
    }
}

/// The site's list of networks.
///
/// # Errors
///
/// A sentence, if it cannot be downloaded or read.
pub(crate) async fn fetch_catalogue() -> Result<Catalogue, String> {
    // The page loads it early, under an address that changes with its content.
    let link = dom::document().and_then(|document| dom::by_id::<Element>(&document, "networks-list"));
    let path = link.map_err(|error| error.to_string())?.get_attribute("href").unwrap_or_default();
    let json = fetch(&path, HttpCache::Use, &mut |_| {}).await?;
    Catalogue::parse(&json).map_err(|reason| format!("{path} cannot be read ({reason})"))
}

/// A network's card and weights, from the browser's cache or else from the server; `on_bytes` is told the size of every
/// piece that arrives. True if they came from the server and are not cached yet. Their SHA-256 is checked.
///
/// # Errors
///
/// Why they cannot be had; [`FetchError::OtherBuild`] if they are damaged, or the server has others by now.
pub(crate) async fn fetch_network(
    name: &str,
    on_bytes: &mut impl FnMut(u64),
) -> Result<(NetworkFiles, bool), FetchError> {
    // The card arrives while the cache is looked through.
    let name_of_card = name.to_owned();
    let mut card = BackgroundTask::spawn(async move { fetch_card(&name_of_card).await });
    if with_timeout(weights_cache::stored_names())
        .await
        .is_some_and(|stored| stored.iter().any(|stored| stored == name))
    {
        let card = card.result().await?;
        if let Some(weights) = with_timeout(weights_cache::get(name, &card.sha256)).await.flatten() {
            on_bytes(weights.len() as u64);
            return Ok((NetworkFiles { card, weights }, false));
        }
    }
    let path = format!("./model-weights/{name}.safetensors");
    let first = fetch(&path, HttpCache::Use, on_bytes).await;
    let card = card.result().await?;
    // A card without a SHA-256 cannot be checked.
    let whole = |bytes: &Vec<u8>| card.sha256.is_empty() || weights_cache::sha256_hex(bytes) == card.sha256;
    if let Ok(weights) = first
        && whole(&weights)
    {
        return Ok((NetworkFiles { card, weights }, true));
    }
    // Cut short or damaged on the way, perhaps in an HTTP cache: once more from the server itself.
    let weights = fetch(&path, HttpCache::Bypass, &mut |_| {}).await?;
    if whole(&weights) {
        Ok((NetworkFiles { card, weights }, true))
    } else {
        Err(FetchError::OtherBuild(words::damaged(name)))
    }
}

/// A network's card.
///
/// # Errors
///
/// A sentence, if it cannot be downloaded or read.
pub(crate) async fn fetch_card(name: &str) -> Result<Card, String> {
    let path = format!("./model-weights/{name}.json");
    // Hosts let browsers keep files for some minutes; the weights that arrive now need the card that is there now.
    let json = fetch(&path, HttpCache::Revalidate, &mut |_| {}).await?;
    serde_json::from_slice(&json).map_err(|error| format!("{path} cannot be read ({error})"))
}

/// The HTML of the page as the server has it now.
///
/// # Errors
///
/// A sentence, if it cannot be downloaded or read.
pub(crate) async fn fetch_page() -> Result<String, String> {
    let html = fetch("./", HttpCache::Bypass, &mut |_| {}).await?;
    String::from_utf8(html).map_err(|error| error.to_string())
}

/// How a download uses the browser's HTTP cache.
#[derive(Clone, Copy)]
enum HttpCache {
    Use,
    /// The server is asked whether it has something newer.
    Revalidate,
    Bypass,
}

/// The bytes of a file of the site; `on_bytes` is told the size of every piece that arrives.
async fn fetch(path: &str, cache: HttpCache, on_bytes: &mut impl FnMut(u64)) -> Result<Vec<u8>, FetchError> {
    let failed = |what: &str| format!("{path} could not be fetched ({what}); check the connection");
    let window = web_sys::window().ok_or_else(|| failed("there is no window"))?;
    let asked = async {
        let mode = match cache {
            HttpCache::Use => "default",
            HttpCache::Revalidate => "no-cache",
            HttpCache::Bypass => "reload",
        };
        let options = js::plain_object(&[("cache", mode.into())])?;
        let response = with_timeout(js::call_async(&window, "fetch", &[&path.into(), &options])).await;
        response.ok_or(JsValue::NULL)??.dyn_into::<Response>()
    };
    let response = asked.await.map_err(|_| failed("no answer"))?;
    if !response.ok() {
        return Err(FetchError::OtherBuild(failed(&format!("the server answered {}", response.status()))));
    }
    Ok(read(&response, on_bytes).await.map_err(|_| failed("the transfer broke off"))?)
}

/// The output of a step; `None` if it takes longer than [`TIMEOUT_MILLISECONDS`].
async fn with_timeout<T>(step: impl Future<Output = T>) -> Option<T> {
    match select(pin!(step), pin!(dom::sleep(TIMEOUT_MILLISECONDS))).await {
        Either::Left((outcome, _)) => Some(outcome),
        Either::Right(_) => None,
    }
}

/// Reads a response piece by piece. The stream is used through reflection: web-sys's types for streams would be larger.
async fn read(response: &Response, on_bytes: &mut impl FnMut(u64)) -> Result<Vec<u8>, JsValue> {
    let reader = js::call(&js::get(response, "body")?, "getReader", &[])?;
    let mut bytes = Vec::new();
    loop {
        let piece = with_timeout(js::call_async(&reader, "read", &[])).await.ok_or("nothing comes any more")??;
        if js::get(&piece, "done")?.is_truthy() {
            return Ok(bytes);
        }
        let piece = js::get(&piece, "value")?.dyn_into::<Uint8Array>()?.to_vec();
        on_bytes(piece.len() as u64);
        bytes.extend(piece);
    }
}

/// What the browser tells of the computer that it runs on.
pub(crate) fn machine() -> Machine {
    let navigator = web_sys::window().map(|window| window.navigator());
    let number = |name: &str| navigator.as_ref().and_then(|navigator| js::get(navigator, name).ok()?.as_f64());
    let coarse = web_sys::window().and_then(|window| window.match_media("(pointer: coarse)").ok().flatten());
    Machine {
        cores: number("hardwareConcurrency").map_or(1, |cores| cores as usize),
        memory_gib: number("deviceMemory"),
        is_handheld: coarse.is_some_and(|query| query.matches()),
        saves_data: saves_data(),
    }
}

/// True if the browser's data saver is on: then nothing is downloaded that the user did not ask for.
pub(crate) fn saves_data() -> bool {
    let connection = web_sys::window().and_then(|window| js::object(&window.navigator().into(), "connection"));
    connection.is_some_and(|connection| js::get(&connection, "saveData").is_ok_and(|saves| saves.is_truthy()))
}
