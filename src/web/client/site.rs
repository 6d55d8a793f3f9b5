//! Files of the site itself.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::card::Card;

const CARD: &str = "./model-weights/net1-gtzan.json";
const WEIGHTS: &str = "./model-weights/net1-gtzan.safetensors";

/// The card and the weights of the network that answers first.
///
/// # Errors
///
/// A sentence, where they cannot be fetched or read.
pub async fn fetch_weights() -> Result<(Card, Vec<u8>), String> {
    let card = fetch(CARD).await?;
    let card = serde_json::from_slice(&card).map_err(|error| format!("{CARD} cannot be read ({error})"))?;
    Ok((card, fetch(WEIGHTS).await?))
}

/// The bytes of a file of the site.
async fn fetch(path: &str) -> Result<Vec<u8>, String> {
    let failed = |what: &str| format!("{path} could not be fetched ({what}); check the connection and reload the page");
    let window = web_sys::window().ok_or_else(|| failed("there is no window"))?;
    let response: Response = JsFuture::from(window.fetch_with_str(path))
        .await
        .and_then(JsCast::dyn_into)
        .map_err(|_| failed("no answer"))?;
    if !response.ok() {
        return Err(failed(&format!("the server answered {}", response.status())));
    }
    let buffer = response.array_buffer().map_err(|_| failed("no content"))?;
    let buffer = JsFuture::from(buffer).await.map_err(|_| failed("the transfer broke off"))?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
