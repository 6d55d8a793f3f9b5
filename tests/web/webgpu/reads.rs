//! How often a recording is read back from the adapter: once, however many batches and backbones it takes.

use burn::tensor::Device;
use genrelens::card::{Backbone, BackboneOutput, Card, Structure};
use genrelens::engine::Engine;
use genrelens::model::weights::{self, Precision};
use genrelens::protocol::{EngineInfo, EngineKind, Event, Payload, Prediction, Request};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{SUMS, ask, cards, check, webgpu};

/// Counts the reads of all WebGPU buffers from the first call on: how many there were.
fn reads() -> f64 {
    let count = "const own = GPUBuffer.prototype.mapAsync; globalThis.reads = 0; \
                 GPUBuffer.prototype.mapAsync = function (...given) { \
                     globalThis.reads += 1; return own.apply(this, given); \
                 }";
    let script = format!("if (globalThis.reads === undefined) {{ {count} }} return globalThis.reads;");
    js_sys::Function::new_no_args(&script).call0(&wasm_bindgen::JsValue::NULL).unwrap().as_f64().unwrap()
}

/// The network of a card with fresh weights, its SHA-256 on the card.
async fn fresh(card: Card) -> (Card, Vec<u8>) {
    let network = card.blueprint().unwrap().init(&Device::flex());
    let bytes = weights::to_bytes(&network, &card, Precision::F32).await.unwrap();
    (Card { sha256: weights::sha256_hex(&bytes), ..card }, bytes)
}

/// A network of four tags.
async fn tags(name: &str) -> (Card, Vec<u8>) {
    let structure = Structure { width: 0.25, ..Structure::default() };
    let labels = ["guitar", "slow", "voice", "noise"].map(String::from).to_vec();
    fresh(Card { name: name.to_owned(), structure, labels, multi_label: true, ..cards::card("lens") }).await
}

/// The prediction of an engine for 30 s, and how often it read from the adapter.
async fn heard(
    kind: EngineKind,
    device: Device,
    backbones: &[(Card, Vec<u8>)],
    head: &(Card, Vec<u8>),
) -> (Prediction, f64) {
    let mut engine = Engine::new(EngineInfo { kind, adapter: None }, device);
    let of = |(card, bytes): &(Card, Vec<u8>)| (Box::new(card.clone()), Payload::Bytes(bytes.clone()));
    for backbone in backbones {
        let (card, bytes) = of(backbone);
        ask(&mut engine, Request::LoadBackbone { card }, bytes).await;
    }
    let (card, bytes) = of(head);
    let host = ask(&mut engine, Request::Load { card }, bytes).await;
    assert!(matches!(host.last(), Event::Loaded { .. }), "{:?}", host.last());
    let samples: Vec<f32> =
        (0..30 * 22_050).map(|at| (at as f32 / 22_050.0).powi(2).mul_add(90.0, at as f32 * 0.05).sin()).collect();
    let before = reads();
    let request = Request::Classify { file: String::new(), sample_rate: Some(22_050) };
    let host = ask(&mut engine, request, Payload::Floats(samples)).await;
    let Event::Classified(prediction) = host.last() else { panic!("{:?}", host.last()) };
    (prediction.clone(), reads() - before)
}

#[wasm_bindgen_test]
async fn a_head_and_its_backbones_read_once_and_agree_with_the_cpu() {
    let backbones = [tags("one").await, tags("other").await];
    let backbone = |(card, _): &(Card, Vec<u8>)| Backbone {
        name: card.name.clone(),
        sha256: card.sha256.clone(),
        output: BackboneOutput::Both,
    };
    // Each backbone gives its 64 features and four logits.
    let structure = Structure { features: 2 * (64 + 4), ..Structure::default() };
    let uses = backbones.iter().map(backbone).collect();
    let head = fresh(Card { structure, backbones: uses, ..cards::card("head") }).await;
    let (on_cpu, none) = heard(EngineKind::Cpu, Device::flex(), &backbones, &head).await;
    let (on_gpu, once) = heard(EngineKind::Gpu, webgpu().await, &backbones, &head).await;
    assert_eq!((none, once), (0.0, 1.0));
    assert_eq!(on_cpu.windows.len(), on_gpu.windows.len());
    let probabilities = |prediction: &Prediction| -> Vec<f32> {
        prediction.windows.iter().flat_map(|window| window.probabilities.clone()).collect()
    };
    check("a head on 30 s", &probabilities(&on_cpu), &probabilities(&on_gpu), 10.0 * SUMS);
    for (cpu, gpu) in on_cpu.tags.iter().zip(&on_gpu.tags) {
        check(&cpu.model, &cpu.windows.concat(), &gpu.windows.concat(), 10.0 * SUMS);
    }
}
