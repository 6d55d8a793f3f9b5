//! What the page and its workers share, in a dedicated worker: the wire, over a real message channel, and the words
//! for adapters.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Seek, SeekFrom};

use genrelens::card::{Backbone, BackboneOutput, Card, Structure};
use genrelens::protocol::{
    Adapter, Architecture, EngineInfo, EngineKind, Event, Features, KeptClip, Message, Payload, Prediction, Progress,
    QuickLook, Request, Score, SegmentShape, SelfTest, SpectrogramInfo, TagPrediction, VERSION, WindowScores,
};
use genrelens::web::file_source::FileSource;
use genrelens::web::gpu::{adapter_of, too_low};
use genrelens::web::wire::{self, Port, WireFile};
use js_sys::{Array, Promise};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{File, MessageChannel, MessageEvent, MessagePort};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

struct End(MessagePort);

impl Port for End {
    fn post(&self, value: &JsValue, transfer: &Array) -> Result<(), JsValue> {
        self.0.post_message_with_transferable(value, transfer)
    }
}

/// Sends a message through a channel and reads it at the other end.
async fn through<Body: Serialize + DeserializeOwned, File: WireFile>(
    message: &Message<Body>,
    payload: Payload<File>,
) -> Result<(Message<Body>, Payload<File>), String> {
    let channel = MessageChannel::new().unwrap();
    let arrives = Promise::new(&mut |resolve, _| channel.port2().set_onmessage(Some(&resolve)));
    wire::send(&End(channel.port1()), message, payload).unwrap();
    let event: MessageEvent = JsFuture::from(arrives).await.unwrap().unchecked_into();
    wire::receive(&event)
}

fn events() -> Vec<(Event, Payload)> {
    let adapter = Adapter { name: "an adapter".to_owned(), software: true };
    let spectrogram = SpectrogramInfo {
        frames: 2,
        bands: 3,
        seconds_per_frame: 0.0232,
        band_hz: vec![30.0, 60.5, 90.25],
        floor_db: -80.0,
        duration_seconds: 1.5,
    };
    let prediction = Prediction {
        model: "net1".to_owned(),
        labels: vec!["a".to_owned(), "é".to_owned()],
        multi_label: true,
        genres: vec![Score { label: "é".to_owned(), probability: 0.75 }],
        windows: vec![WindowScores { start_seconds: 0.0, end_seconds: 3.0, probabilities: vec![0.25, 0.75] }],
        tags: vec![TagPrediction {
            model: "base".to_owned(),
            labels: vec!["slow".to_owned()],
            tags: vec![Score { label: "slow".to_owned(), probability: 0.5 }],
            windows: vec![vec![0.5]],
        }],
        quick_look: Some(QuickLook { heard_seconds: 60.5, duration_seconds: 600.25 }),
        milliseconds: 12.5,
    };
    let architecture = Architecture { summary: "s".to_owned(), source: "d".to_owned(), parameters: 7 };
    vec![
        (
            Event::Ready { protocol: VERSION, engine: EngineInfo { kind: EngineKind::Gpu, adapter: Some(adapter) } },
            Payload::None,
        ),
        (Event::Loaded { model: "m".to_owned(), architecture }, Payload::None),
        (Event::Progress(Progress { processed_seconds: 4.5, duration_seconds: None, fraction: 0.5 }), Payload::None),
        (Event::SoFar(prediction.clone()), Payload::None),
        (Event::Unsupported { message: "u".to_owned() }, Payload::None),
        // Floats that a detour through text might change.
        (Event::Spectrogram(spectrogram), Payload::Floats(vec![-80.0, -0.5, 0.0, f32::MIN_POSITIVE, -1.0, 1.0])),
        (Event::Classified(prediction), Payload::None),
        (
            Event::Features(Features {
                seconds: 2.5,
                windows: 2,
                segments: vec![SegmentShape { start_seconds: 0.1, columns: 2, bands: 1 }],
            }),
            Payload::Floats(vec![1e-9, -0.1]),
        ),
        (Event::KeptClips(vec![KeptClip { clip: "a".to_owned(), seconds: 2.5 }]), Payload::None),
        (
            Event::SelfTested(SelfTest { logits: vec![-1.5, 2.25], milliseconds: 3.0, step_milliseconds: Some(7.5) }),
            Payload::None,
        ),
        (Event::Warning { message: "w".to_owned() }, Payload::None),
        (Event::Failed { message: "f".to_owned() }, Payload::None),
        (Event::Diverged { message: "d".to_owned() }, Payload::None),
        (Event::Cancelled, Payload::None),
    ]
}

#[wasm_bindgen_test]
async fn every_event_arrives_as_it_was_sent() {
    for (id, (body, payload)) in (1..).zip(events()) {
        let message = Message { id, body };
        assert_eq!(through(&message, payload.clone()).await.unwrap(), (message, payload));
    }
}

#[wasm_bindgen_test]
async fn requests_arrive_with_their_bytes() {
    // A prime period: no two blocks are alike.
    let bytes: Vec<u8> = (0..100_000_u32).map(|index| (index % 251) as u8).collect();
    let classify = Request::Classify { file: "ä b.wav".to_owned(), sample_rate: Some(22_050) };
    let load = Request::Load { card: Box::new(head()) };
    let load_backbone = Request::LoadBackbone { card: Box::new(head()) };
    for body in [load, load_backbone, classify, Request::SelfTest, Request::Cancel { request: 7 }] {
        let message = Message { id: 3, body };
        let payload = Payload::<File>::Bytes(bytes.clone());
        assert_eq!(through(&message, payload.clone()).await.unwrap(), (message, payload));
    }
}

/// The card of a head, with every field that others leave out.
fn head() -> Card {
    Card {
        name: "head".to_owned(),
        summary: "s".to_owned(),
        architecture: "head".to_owned(),
        structure: Structure { features: 400, ..Structure::default() },
        backbones: vec![Backbone { name: "base".to_owned(), sha256: "00".repeat(32), output: BackboneOutput::Both }],
        bands: 96,
        frames: 187,
        front_end: "musicnn".to_owned(),
        labels: vec!["a".to_owned()],
        multi_label: true,
        data: "d".to_owned(),
        recipe: String::new(),
        figures: [("valid_song_accuracy".to_owned(), 0.625)].into(),
        licence: "l".to_owned(),
        sha256: "11".repeat(32),
    }
}

fn file(bytes: &[u8]) -> File {
    let parts = Array::of1(&js_sys::Uint8Array::from(bytes));
    File::new_with_u8_array_sequence(&parts, "a.wav").unwrap()
}

/// More than two of the slices that it is read in.
#[wasm_bindgen_test]
async fn a_file_arrives_and_is_read_from_anywhere() {
    let bytes: Vec<u8> = (0..700_000_u32).map(|index| (index % 251) as u8).collect();
    let body = Request::Classify { file: "a.wav".to_owned(), sample_rate: None };
    let (_, payload) = through(&Message { id: 3, body }, Payload::File(file(&bytes))).await.unwrap();
    let Payload::File(arrived) = payload else { panic!("{payload:?}") };
    let mut source = FileSource::new(arrived.into());
    let mut read = Vec::new();
    source.read_to_end(&mut read).unwrap();
    assert!(read == bytes);
    // Also on both sides of the border between two slices of 256 KiB.
    for place in [0, 262_143, 262_144, 600_000, 699_999] {
        source.seek(SeekFrom::Start(place)).unwrap();
        let mut byte = [0];
        source.read_exact(&mut byte).unwrap();
        assert_eq!(byte[0], bytes[place as usize], "at {place}");
    }
    assert_eq!(source.seek(SeekFrom::End(-1)).unwrap(), 699_999);
    assert_eq!(source.seek(SeekFrom::Current(10)).unwrap(), 700_009);
    assert_eq!(source.read(&mut [0; 4]).unwrap(), 0, "there is nothing beyond the end");
    assert!(source.seek(SeekFrom::Current(-800_000)).is_err());
}

#[derive(Serialize)]
struct Stranger {
    id: u32,
    body: &'static str,
}

#[wasm_bindgen_test]
async fn a_message_of_another_version_is_a_sentence() {
    let channel = MessageChannel::new().unwrap();
    let arrives = Promise::new(&mut |resolve, _| channel.port2().set_onmessage(Some(&resolve)));
    let head = serde_wasm_bindgen::to_value(&Stranger { id: 1, body: "Telepathy" }).unwrap();
    let value = js_sys::Object::new();
    js_sys::Reflect::set(&value, &"head".into(), &head).unwrap();
    channel.port1().post_message(&value).unwrap();
    let event: MessageEvent = JsFuture::from(arrives).await.unwrap().unchecked_into();
    let message = wire::receive::<Event, ()>(&event).unwrap_err();
    assert!(message.contains("this version does not know"), "{message}");
}

#[wasm_bindgen_test]
fn emulated_adapters_are_known_by_their_names() {
    assert!(adapter_of("google", "swiftshader", "", false).software);
    assert!(adapter_of("", "", "llvmpipe (LLVM 15.0.6, 256 bits)", false).software);
    assert!(adapter_of("intel", "gen-12lp", "", true).software);
    let real = adapter_of("nvidia", "lovelace", "", false);
    assert_eq!((real.name.as_str(), real.software), ("nvidia lovelace", false));
    assert_eq!(adapter_of("", "", "", false).name, "an unnamed adapter");
}

#[wasm_bindgen_test]
fn an_adapter_that_has_too_little_is_known() {
    // Browsers state every limit; what is not stated cannot be checked.
    assert_eq!(too_low(|_| Some(f64::from(1 << 30))), None);
    assert_eq!(too_low(|_| None), None);
    let of_compatibility = |name: &str| (name == "maxComputeInvocationsPerWorkgroup").then_some(128.0);
    assert_eq!(
        too_low(of_compatibility).as_deref(),
        Some("maxComputeInvocationsPerWorkgroup is 128, and 256 is needed")
    );
}
