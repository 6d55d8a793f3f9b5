//! The WebGPU engine against the CPU engine, in a worker, on whatever adapter the browser has (in CI its software
//! one). Without an adapter every test here fails.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::cell::RefCell;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use genrelens::card::{Card, Structure};
use genrelens::engine::self_test_input;
use genrelens::model::predict::logits;
use genrelens::model::registry::entry;
use genrelens::model::weights::{self, Precision};
use genrelens::model::{Build, Dropouts, Network, Shape};
use genrelens::train::batch::Batch;
use genrelens::train::step::{Objective, loss};
use genrelens::web::gpu::{self, Found};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The size of the shipped networks; two windows, for a software adapter is slow.
const SHAPE: Shape = Shape { bands: 128, frames: 39, classes: 10 };
const WINDOWS: usize = 2;

/// Sums of at most 1024 products of float32 in another order, five layers deep. The largest difference found on
/// SwiftShader is 1.2e-6; ten times that leaves room for another driver's order of sums, and for no wrong kernel.
const TOLERANCE: f32 = 1e-5;

thread_local! {
    static DEVICE: RefCell<Option<Device>> = const { RefCell::new(None) };
}

/// Burn's WebGPU device; opened once, for a second initialisation is an error.
async fn webgpu() -> Device {
    if let Some(device) = DEVICE.with_borrow(Clone::clone) {
        return device;
    }
    let trouble = |message: String| panic!("WebGPU: {message}");
    let (device, adapter) = gpu::open(trouble).await.expect("these tests need a WebGPU adapter");
    web_sys::console::log_1(&format!("adapter: {adapter:?}").into());
    DEVICE.set(Some(device.clone()));
    device
}

/// The same fresh network on both devices, without dropout, ready to learn.
async fn twins(id: &str) -> [Network; 2] {
    let entry = entry(id).unwrap();
    let none = Dropouts { convolution: Some(0.0), dense: Some(0.0) };
    let build = Build { dropouts: none, ..Build::from(SHAPE) };
    let cpu = Device::flex();
    cpu.seed(7);
    let original = (entry.init)(&build, &cpu);
    let bytes = weights::to_bytes(&original, &card(id), Precision::F32).unwrap();
    [cpu, webgpu().await].map(|device| {
        let mut network = (entry.init)(&build, &device.autodiff());
        weights::fill(&mut network, bytes.clone(), id).unwrap();
        network
    })
}

fn card(id: &str) -> Card {
    Card {
        name: id.to_owned(),
        summary: String::new(),
        architecture: id.to_owned(),
        structure: Structure::default(),
        bases: Vec::new(),
        bands: SHAPE.bands,
        frames: SHAPE.frames,
        front_end: "gtzan-logmel".to_owned(),
        labels: (0..SHAPE.classes).map(|class| class.to_string()).collect(),
        many_labels: false,
        data: String::new(),
        recipe: String::new(),
        figures: Default::default(),
        licence: String::new(),
        sha256: String::new(),
    }
}

fn batch() -> Batch {
    let mut targets = vec![0.0; WINDOWS * SHAPE.classes];
    for window in 0..WINDOWS {
        targets[window * SHAPE.classes + window * 3] = 1.0;
    }
    Batch { inputs: self_test_input(WINDOWS, SHAPE.bands, SHAPE.frames), targets, shape: SHAPE }
}

/// The loss and every layer's gradient, flat, with the layer's name.
async fn learn(network: &Network) -> (f32, Vec<(String, Vec<f32>)>) {
    let loss = loss(network, &batch(), Objective { paper_penalty: true, ..Objective::default() }, &network.device());
    let gradients = GradientsParams::from_grads(loss.backward(), network);
    let mut collector = Collector { gradients, tensors: Vec::new() };
    network.visit(&mut collector);
    let mut layers = Vec::new();
    for ((name, _), tensor) in network.layers().into_iter().zip(collector.tensors) {
        layers.push((name, tensor.into_data_async().await.unwrap().iter::<f32>().collect()));
    }
    (loss.inner().into_data_async().await.unwrap().iter::<f32>().next().unwrap(), layers)
}

struct Collector {
    gradients: GradientsParams,
    tensors: Vec<Tensor<1>>,
}

impl ModuleVisitor for Collector {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id).expect("every layer has a gradient");
        self.tensors.push(gradient.flatten(0, D - 1));
    }
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Largest difference, as a share of the largest value expected.
fn difference(expected: &[f32], found: &[f32]) -> f32 {
    assert_eq!(expected.len(), found.len());
    let differences: Vec<f32> = expected.iter().zip(found).map(|(a, b)| a - b).collect();
    assert!(largest(expected) > 0.0, "nothing to compare");
    assert!(differences.iter().all(|difference| difference.is_finite()));
    largest(&differences) / largest(expected)
}

fn check(what: &str, expected: &[f32], found: &[f32]) {
    let difference = difference(expected, found);
    web_sys::console::log_1(&format!("{what}: relative difference {difference:.2e}").into());
    assert!(difference <= TOLERANCE, "{what}: {difference:e} is over {TOLERANCE:e}");
}

async fn forward_agrees(id: &str) {
    let [cpu, gpu] = twins(id).await;
    let input = self_test_input(WINDOWS, SHAPE.bands, SHAPE.frames);
    let expected = logits(&cpu.valid(), input.clone(), SHAPE.bands, SHAPE.frames).await.unwrap();
    let found = logits(&gpu.valid(), input, SHAPE.bands, SHAPE.frames).await.unwrap();
    check(&format!("{id} logits"), &expected, &found);
}

async fn learning_agrees(id: &str) {
    let [cpu, gpu] = twins(id).await;
    let (expected_loss, expected) = learn(&cpu).await;
    let (found_loss, found) = learn(&gpu).await;
    check(&format!("{id} loss"), &[expected_loss], &[found_loss]);
    for ((name, expected), (_, found)) in expected.iter().zip(&found) {
        check(&format!("{id} gradient of {name}"), expected, found);
    }
}

#[wasm_bindgen_test]
async fn the_browser_tells_of_the_adapter_before_it_is_opened() {
    let Found::Adapter(adapter) = gpu::find().await else { panic!("these tests need a WebGPU adapter") };
    assert!(!adapter.name.is_empty());
}

#[wasm_bindgen_test]
async fn net1_forward() {
    forward_agrees("net1").await;
}

#[wasm_bindgen_test]
async fn net2_forward() {
    forward_agrees("net2").await;
}

#[wasm_bindgen_test]
async fn net1_loss_and_gradients() {
    learning_agrees("net1").await;
}

#[wasm_bindgen_test]
async fn net2_loss_and_gradients() {
    learning_agrees("net2").await;
}
