//! Recordings with the browser's made-up microphone, which beeps.

use genrelens::web::page::Page;
use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::*;
use web_sys::{Event, EventTarget, HtmlElement};

use super::training::training;
use super::{Fixture, until};

/// Runs a script; what it returns.
pub fn script(text: &str) -> JsValue {
    Function::new_no_args(text).call0(&JsValue::NULL).unwrap()
}

/// The page while it records, its microphone in `globalThis.microphone`.
async fn recording() -> (Fixture, Page) {
    script(
        r#"
        const devices = navigator.mediaDevices;
        const open = MediaDevices.prototype.getUserMedia;
        devices.getUserMedia = async (wanted) => {
            const stream = await open.call(devices, wanted);
            globalThis.microphone = stream.getAudioTracks()[0];
            return stream;
        };
        "#,
    );
    let (fixture, page, _) = training();
    fixture.get::<HtmlElement>("train-record").click();
    // At least a second: a busy machine may not draw every one.
    until(|| fixture.text("record-text").contains(" of 0:30.") && !fixture.text("record-text").contains(": 0:00"))
        .await;
    (fixture, page)
}

fn is_open() -> bool {
    Reflect::get(&script("return globalThis.microphone"), &"readyState".into()).unwrap() == "live"
}

#[wasm_bindgen_test]
async fn a_microphone_that_is_unplugged_or_muted_ends_the_recording() {
    for kind in ["ended", "mute"] {
        let (fixture, _page) = recording().await;
        assert!(is_open());
        let microphone: EventTarget = script("return globalThis.microphone").unchecked_into();
        microphone.dispatch_event(&Event::new(kind).unwrap()).unwrap();
        until(|| fixture.text("train-count") == "1 clip in 1 class" && fixture.hidden("record-box")).await;
        let said = fixture.text("train-notice");
        assert!(
            said.starts_with("The microphone was disconnected or muted, so the recording ended after 0:0"),
            "{said}"
        );
        assert!(!is_open());
    }
}

#[wasm_bindgen_test]
async fn everything_cannot_be_deleted_while_a_clip_is_recorded() {
    let (fixture, _page) = recording().await;
    assert!(fixture.get::<HtmlElement>("storage-delete-all").has_attribute("disabled"));
    fixture.get::<HtmlElement>("record-stop").click();
    until(|| !fixture.get::<HtmlElement>("storage-delete-all").has_attribute("disabled")).await;
    // Asked before, the question waits until the recording is over.
    fixture.get::<HtmlElement>("storage-delete-all").click();
    until(|| !fixture.hidden("storage-ask")).await;
    fixture.get::<HtmlElement>("train-record").click();
    until(|| fixture.hidden("storage-ask")).await;
    fixture.get::<HtmlElement>("record-stop").click();
    until(|| !fixture.hidden("storage-ask")).await;
}

#[wasm_bindgen_test]
async fn a_page_that_is_left_records_no_more() {
    let (fixture, _page) = recording().await;
    web_sys::window().unwrap().dispatch_event(&Event::new("pagehide").unwrap()).unwrap();
    assert!(!is_open(), "at once: timers of a page that was left may stand still");
    until(|| fixture.hidden("record-box")).await;
}

#[wasm_bindgen_test]
async fn a_clock_that_is_set_back_does_not_lengthen_a_recording() {
    let (fixture, _page) = recording().await;
    script(
        r#"
        const [date, time] = [Date.now(), performance.now.bind(performance)];
        Date.now = () => date - 3600000;
        performance.now = () => time() + 31000;
        "#,
    );
    until(|| fixture.hidden("record-box")).await;
    script("delete performance.now; Date.now = () => new Date().getTime();");
    assert!(!is_open());
}

#[wasm_bindgen_test]
async fn a_microphone_that_is_switched_off_gives_no_clip() {
    let (fixture, _page) = recording().await;
    // What the browser recorded is silence.
    script(
        r#"
        const decode = BaseAudioContext.prototype.decodeAudioData;
        BaseAudioContext.prototype.decodeAudioData = async function (bytes) {
            BaseAudioContext.prototype.decodeAudioData = decode;
            const buffer = await decode.call(this, bytes);
            for (let channel = 0; channel < buffer.numberOfChannels; channel++) buffer.getChannelData(channel).fill(0);
            return buffer;
        };
        "#,
    );
    fixture.get::<HtmlElement>("record-stop").click();
    until(|| fixture.text("train-notice").starts_with("The microphone gave no sound.")).await;
    assert!(fixture.hidden("train-count"));
}
