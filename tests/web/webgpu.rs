//! The WebGPU engine against the CPU engine, in a worker, on whatever adapter the browser has (in CI its software
//! one). Without an adapter every test here fails.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../common/cards.rs"]
mod cards;
#[path = "../common/musicnn_golden.rs"]
mod golden;
#[path = "../common/host.rs"]
mod host;

#[path = "webgpu/reads.rs"]
mod reads;

use std::cell::RefCell;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use genrelens::audio::Source;
use genrelens::card::{Card, Structure};
use genrelens::engine::{Engine, self_test_input};
use genrelens::model::predict::logits;
use genrelens::model::registry::{ENTRIES, Entry, InputKind, entry};
use genrelens::model::weights::{self, Precision};
use genrelens::model::{Build, Dropouts, Frozen, Network, Shape, is_statistic};
use genrelens::protocol::{EngineInfo, EngineKind, Event, Payload, Request};
use genrelens::recipe::{OptimiserKind, Recipe, Schedule};
use genrelens::train::batch::Batch;
use genrelens::train::step::{Objective, loss};
use genrelens::training_job::{LabelledClip, ModelSpec, Split, TrainingJob, TrainingResult};
use genrelens::web::gpu::{self, AdapterSearch};
use host::Recorder;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// A network to compare, and the batch to compare it on.
struct Subject {
    entry: &'static Entry,
    build: Build,
    windows: usize,
}

impl Subject {
    fn new(id: &str, [bands, frames]: [usize; 2], width: f64, windows: usize) -> Self {
        let dropouts = Dropouts { convolution: Some(0.0), dense: Some(0.0) };
        let structure = Structure { width, ..Structure::default() };
        let build = Build { shape: Shape { bands, frames, classes: 10 }, structure, dropouts };
        Self { entry: entry(id).unwrap(), build, windows }
    }

    /// Small, for a software adapter is slow: a quarter of the document's channels, and only so many windows that a
    /// batch norm over one value of each still has something to tell apart. `net1` and `net2` are compared as they are
    /// shipped.
    fn small(id: &str) -> Self {
        let (sizes, width) = match (id, entry(id).unwrap().input_kind) {
            ("net1" | "net2", _) => ([128, 39], 1.0),
            (_, InputKind::Features) => ([128, 1], 1.0),
            (_, InputKind::Pictures) => ([64, 64], 0.25),
            _ => ([64, 32], 0.25),
        };
        Self::new(id, sizes, width, 4)
    }

    fn input(&self) -> Vec<f32> {
        let Shape { bands, frames, .. } = self.build.shape;
        self_test_input(self.windows, bands, frames)
    }

    fn batch(&self) -> Batch {
        let shape = self.build.shape;
        let mut targets = vec![0.0; self.windows * shape.classes];
        for window in 0..self.windows {
            // Classes 0, 3, 6 and 9.
            targets[window * shape.classes + window * 3] = 1.0;
        }
        Batch { inputs: self.input(), targets, shape }
    }
}

/// Largest difference allowed, as a share of the layer's largest value: sums of at most 1024 products of float32 in
/// another order, a few layers deep. The largest difference found on SwiftShader was 1.2e-6; ten times that leaves room
/// for another driver's order of sums, and for no wrong kernel.
const SUMS: f32 = 1e-5;

/// The same with recurrent layers: WGSL leaves drivers more room in exp and tanh than in sums, and up to 32 steps hand
/// on what they make of it.
const RECURRENT: f32 = 1e-4;

/// The same with batch norms over as few as four values, whose gradient is what is left of sums that nearly cancel: on
/// the CPU engine alone it moves by up to 2.6e-5 where every weight is moved by one unit in its last place.
const BATCH_NORM: f32 = 3e-4;

/// The same where the batch norms after it undo the scale of what a batch norm gives: the slope on that scale is what is
/// left of sums that cancel almost wholly. The largest difference found on SwiftShader was 5.1e-4, on MusiCNN's input.
const UNDONE: f32 = 3e-3;

/// The same for ResNet-50, and for Xception at full size, whose many batch norms over few values make slopes that no
/// arithmetic agrees on: on the CPU engine alone those of ResNet-50 move by up to 0.15 and those of Xception by up to
/// 0.055 where every weight is moved by one unit in its last place, and on SwiftShader ResNet-50's by 0.01 to 0.05. A
/// wrong kernel is off by more than a quarter.
const MANY_BATCH_NORMS: f32 = 0.25;

/// A layer whose gradient is nowhere above this share of the network's largest is rounding, and is not compared.
const LEAST_GRADIENT: f32 = 1e-5;

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

/// The same network with random weights on both devices, without dropout, with autodiff.
async fn twins(Subject { entry, build, .. }: &Subject) -> [Network; 2] {
    let cpu = Device::flex();
    cpu.seed(7);
    let original = (entry.init)(build, &cpu);
    let bytes = weights::to_bytes(&original, &card(entry.id, build), Precision::F32).await.unwrap();
    [cpu, webgpu().await].map(|device| {
        // Its own random weights are replaced at once.
        let mut network = (entry.init)(build, &device.autodiff());
        weights::fill(&mut network, bytes.clone(), entry.id).unwrap();
        network
    })
}

fn card(id: &str, build: &Build) -> Card {
    let Shape { bands, frames, classes } = build.shape;
    let labels = (0..classes).map(|class| class.to_string()).collect();
    Card { structure: build.structure, bands, frames, labels, ..cards::card(id) }
}

/// The loss and every trainable layer's gradient, flat, with the layer's name.
async fn gradients(network: &Network, batch: &Batch) -> (f32, Vec<(String, Vec<f32>)>) {
    let objective = Objective { paper_penalty: true, ..Objective::default() };
    let loss = loss(network, batch, objective, &network.device());
    let gradients = GradientsParams::from_grads(loss.backward(), network);
    let mut collector = Collector { gradients, tensors: Vec::new() };
    network.visit(&mut collector);
    let mut layers = Vec::new();
    for ((name, _), tensor) in network.layers().into_iter().zip(collector.tensors) {
        assert!(tensor.is_some() || is_statistic(&name), "{name} has no gradient");
        if let Some(tensor) = tensor {
            layers.push((name, tensor.into_data_async().await.unwrap().iter::<f32>().collect()));
        }
    }
    (loss.inner().into_data_async().await.unwrap().iter::<f32>().next().unwrap(), layers)
}

struct Collector {
    gradients: GradientsParams,
    tensors: Vec<Option<Tensor<1>>>,
}

impl ModuleVisitor for Collector {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.tensors.push(self.gradients.get::<D>(param.id).map(|gradient| gradient.flatten(0, D - 1)));
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

fn check(what: &str, expected: &[f32], found: &[f32], tolerance: f32) {
    let difference = difference(expected, found);
    web_sys::console::log_1(&format!("{what}: relative difference {difference:.2e}").into());
    assert!(difference <= tolerance, "{what}: {difference:e} is over {tolerance:e}");
}

/// What both answer, with the running statistics of their batch norms.
async fn answers_agree(what: &str, [cpu, gpu]: &[Network; 2], subject: &Subject, tolerance: f32) {
    let Shape { bands, frames, .. } = subject.build.shape;
    let expected = logits(&cpu.valid(), subject.input(), bands, frames).await.unwrap();
    let found = logits(&gpu.valid(), subject.input(), bands, frames).await.unwrap();
    check(what, &expected, &found, tolerance);
    let found = frozen_logits(gpu, subject).await;
    check(&format!("{what}, frozen"), &expected, &found, tolerance);
}

/// What it answers when it is computed as one that is not trained, row-major `[windows, classes]`.
async fn frozen_logits(network: &Network, subject: &Subject) -> Vec<f32> {
    let Shape { bands, frames, .. } = subject.build.shape;
    let frozen = Frozen::new(network.valid(), [bands, frames]);
    let outputs = frozen.outputs(subject.input(), bands, frames).await.unwrap();
    outputs.into_iter().flat_map(|output| output.logits).collect()
}

/// A network on both engines: its answers, its loss and every gradient of a step, with the batch's own statistics in
/// its batch norms, and its answers with what the batch norms then remember.
async fn agrees(subject: Subject, tolerance: f32) {
    let (id, twins, batch) = (subject.entry.id, twins(&subject).await, subject.batch());
    // What is loose is the slopes of a few networks, not what they answer.
    let of_answers = tolerance.min(BATCH_NORM);
    answers_agree(&format!("{id} logits"), &twins, &subject, of_answers).await;
    let (expected_loss, expected) = gradients(&twins[0], &batch).await;
    let (found_loss, found) = gradients(&twins[1], &batch).await;
    check(&format!("{id} loss"), &[expected_loss], &[found_loss], of_answers);
    // What a batch norm takes away again (MusiCNN's last shift before its pooling) has no gradient but rounding.
    let least = LEAST_GRADIENT * expected.iter().map(|(_, gradient)| largest(gradient)).fold(0.0, f32::max);
    for ((name, expected), (_, found)) in expected.iter().zip(&found) {
        if largest(expected).max(largest(found)) > least {
            check(&format!("{id} gradient of {name}"), expected, found, tolerance);
        }
    }
    answers_agree(&format!("{id} logits after a step's forward pass"), &twins, &subject, of_answers).await;
}

/// A test for each network, named after it, and the list of all of them.
macro_rules! networks {
    ($($test:ident: $id:literal within $tolerance:ident),+ $(,)?) => {
        const COMPARED: &[&str] = &[$($id),+];

        $(
            #[wasm_bindgen_test]
            async fn $test() {
                agrees(Subject::small($id), $tolerance).await;
            }
        )+
    };
}

networks! {
    net1: "net1" within SUMS,
    net2: "net2" within SUMS,
    fma_cnn1d_shallow: "fma-cnn1d-shallow" within BATCH_NORM,
    fma_cnn1d_deep: "fma-cnn1d-deep" within BATCH_NORM,
    fma_cnn2d_shallow: "fma-cnn2d-shallow" within BATCH_NORM,
    fma_cnn2d_deep: "fma-cnn2d-deep" within BATCH_NORM,
    fma_rnn: "fma-rnn" within RECURRENT,
    fma_crnn: "fma-crnn" within BATCH_NORM,
    fma_crnn_stacked: "fma-crnn-stacked" within BATCH_NORM,
    gtzan_cnn: "gtzan-cnn" within SUMS,
    resnet50: "resnet50-transfer" within MANY_BATCH_NORMS,
    xception: "xception-transfer" within BATCH_NORM,
    deep_music_genre: "deep-music-genre" within SUMS,
    fcn_tagger: "fcn-tagger" within BATCH_NORM,
    parallel_cnn_rnn: "parallel-cnn-rnn" within RECURRENT,
    parallel_cnn_rnn_torch: "parallel-cnn-rnn-torch" within RECURRENT,
    lens: "lens" within BATCH_NORM,
    panorama: "panorama" within BATCH_NORM,
    musicnn_msd: "musicnn-msd" within UNDONE,
    musicnn_mtt: "musicnn-mtt" within UNDONE,
    head: "head" within SUMS,
}

#[wasm_bindgen_test]
fn every_network_is_compared() {
    let known: Vec<&str> = ENTRIES.iter().map(|entry| entry.id).collect();
    assert_eq!(COMPARED, known);
}

/// At a quarter of their channels some convolutions are left to Burn.
#[wasm_bindgen_test]
async fn frozen_networks_answer_alike_at_full_width() {
    for id in ["lens", "panorama", "fcn-tagger", "fma-cnn1d-shallow", "parallel-cnn-rnn"] {
        for frames in [32, 33] {
            let subject = Subject::new(id, [64, frames], 1.0, 3);
            let [cpu, gpu] = twins(&subject).await;
            let expected = logits(&cpu.valid(), subject.input(), 64, frames).await.unwrap();
            let what = format!("{id} at full width, {frames} frames, frozen");
            check(&what, &expected, &frozen_logits(&gpu, &subject).await, RECURRENT);
        }
    }
}

#[wasm_bindgen_test]
#[ignore = "minutes on a software adapter"]
async fn resnet50_at_full_size() {
    agrees(Subject::new("resnet50-transfer", [224, 224], 1.0, 2), MANY_BATCH_NORMS).await;
}

#[wasm_bindgen_test]
#[ignore = "minutes on a software adapter"]
async fn xception_at_full_size() {
    agrees(Subject::new("xception-transfer", [299, 299], 1.0, 2), MANY_BATCH_NORMS).await;
}

#[wasm_bindgen_test]
async fn the_adapter_is_known_before_it_is_opened() {
    let AdapterSearch::Found(adapter) = gpu::find_adapter().await else { panic!("these tests need a WebGPU adapter") };
    assert!(!adapter.name.is_empty());
}

async fn ask(engine: &mut Engine, request: Request, payload: Payload<Box<dyn Source>>) -> Recorder {
    // So late at every pause that a checkpoint is always wanted.
    let mut host = Recorder { milliseconds_per_pause: 10_000.0, ..Recorder::default() };
    engine.handle(request, payload, &mut host).await;
    host
}

/// A second of one of two tones, at 22 050 Hz.
fn tone(kind: usize, number: usize) -> Vec<f32> {
    let hz = [200.0, 3000.0][kind] + 10.0 * number as f32;
    (0..22_050).map(|index| (std::f32::consts::TAU * hz * index as f32 / 22_050.0).sin()).collect()
}

/// A job on eight clips of two kinds, which are embedded.
async fn embedded(engine: &mut Engine, model: &ModelSpec, recipe: Recipe) -> TrainingJob {
    let clip = |index: usize| LabelledClip {
        id: index.to_string(),
        name: format!("{index}.wav"),
        group: None,
        labels: vec![index % 2],
        split: if index < 6 { Split::Train } else { Split::Valid },
    };
    let clips: Vec<LabelledClip> = (0..8).map(clip).collect();
    for (index, LabelledClip { id, name, labels, .. }) in clips.iter().enumerate() {
        let (clip, file, model) = (id.clone(), name.clone(), model.clone());
        let request = Request::Embed { clip, file, sample_rate: Some(22_050), model, keep: true };
        let host = ask(engine, request, Payload::Floats(tone(labels[0], index))).await;
        assert!(matches!(host.last(), Event::Embedded { .. }), "{:?}", host.last());
    }
    let labels = ["low", "high"].map(String::from).to_vec();
    TrainingJob { name: "mine".into(), labels, multi_label: false, model: model.clone(), clips, recipe }
}

/// Trains, also from a checkpoint: card, result, weights file.
async fn trained(engine: &mut Engine, model: &ModelSpec, recipe: Recipe) -> (Card, TrainingResult, Vec<u8>) {
    let job = embedded(engine, model, recipe).await;
    let request = || Request::Train { job: Box::new(job.clone()) };
    let host = ask(engine, request(), Payload::None).await;
    let checkpoint = host.events.iter().find_map(|(event, payload)| match (event, payload) {
        (Event::Checkpoint { .. }, Payload::Bytes(bytes)) => Some(bytes.clone()),
        _ => None,
    });
    let (_, again, _) = ask(engine, request(), Payload::Bytes(checkpoint.unwrap())).await.trained();
    let (card, result, bytes) = host.trained();
    assert_eq!(again.epochs.len(), result.epochs.len(), "it goes on from its checkpoint");
    (card, result, bytes)
}

/// Largest difference allowed between the losses of a step on the two engines, as a share of the first loss. Adam makes
/// steps of the same length of the smallest slopes, so what sums in another order differ by grows from step to step.
const CURVES: f64 = 2e-2;

#[wasm_bindgen_test]
async fn the_same_seed_gives_the_same_curves_on_both_engines() {
    let (architecture, front_end) = ("net1".to_owned(), "gtzan-logmel".to_owned());
    let model = ModelSpec::FromScratch { architecture, front_end, rows: None, frames: 8, width: 0.125 };
    // With the dropout of its document.
    let recipe = || Recipe { epochs: 5, ..model.quick(6) };
    let mut gpu = Engine::new(EngineInfo { kind: EngineKind::Gpu, adapter: None }, webgpu().await);
    let mut cpu = Engine::new(EngineInfo { kind: EngineKind::Cpu, adapter: None }, Device::flex());
    let (_, on_gpu, _) = trained(&mut gpu, &model, recipe()).await;
    let (_, on_cpu, _) = trained(&mut cpu, &model, recipe()).await;
    let losses = |result: &TrainingResult| -> Vec<f64> {
        result.epochs.iter().flat_map(|epoch| &epoch.step_losses).map(|loss| f64::from(*loss)).collect()
    };
    let (on_gpu, on_cpu) = (losses(&on_gpu), losses(&on_cpu));
    assert_eq!(on_gpu.len(), on_cpu.len());
    let differences = on_gpu.iter().zip(&on_cpu).map(|(a, b)| (a - b).abs() / on_cpu[0]);
    let largest = differences.fold(0.0, f64::max);
    let first = (on_gpu[0] - on_cpu[0]).abs();
    web_sys::console::log_1(&format!("curves of both engines: {largest:.1e} apart, first steps {first:.1e}").into());
    assert!(largest < CURVES, "{on_gpu:?} {on_cpu:?}");
    assert!(first < 1e-5, "the same weights and masks: {} {}", on_gpu[0], on_cpu[0]);
}

#[wasm_bindgen_test]
async fn a_network_trained_on_the_gpu_predicts_the_same_on_the_cpu() {
    let (architecture, front_end) = ("lens".to_owned(), "gtzan-logmel".to_owned());
    let model = ModelSpec::FromScratch { architecture, front_end, rows: None, frames: 8, width: 0.25 };
    let recipe = Recipe { epochs: 4, learning_rate: 5e-3, ..model.quick(6) };
    let mut gpu = Engine::new(EngineInfo { kind: EngineKind::Gpu, adapter: None }, webgpu().await);
    let (card, result, bytes) = trained(&mut gpu, &model, recipe).await;
    let losses: Vec<f32> = result.epochs.iter().flat_map(|epoch| epoch.step_losses.clone()).collect();
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    assert_eq!(losses.len(), 16);
    assert!(mean(&losses[12..]) < 0.8 * mean(&losses[..4]), "{losses:?}");
    let mut cpu = Engine::new(EngineInfo { kind: EngineKind::Cpu, adapter: None }, Device::flex());
    let host = ask(&mut cpu, Request::Load { card: Box::new(card) }, Payload::Bytes(bytes)).await;
    assert!(matches!(host.last(), Event::Loaded { .. }), "{:?}", host.last());
    for (index, expected) in result.answers.iter().enumerate() {
        let request = Request::Classify { file: String::new(), sample_rate: Some(22_050) };
        let host = ask(&mut cpu, request, Payload::Floats(tone(index % 2, index))).await;
        let Event::Classified(prediction) = host.last() else { panic!("{:?}", host.last()) };
        let label = |label: &str| prediction.genres.iter().find(|score| score.label == label).unwrap().probability;
        check(&format!("the answer to clip {index}"), expected, &[label("low"), label("high")], SUMS);
    }
}

#[wasm_bindgen_test]
async fn a_run_that_diverges_keeps_its_last_good_weights() {
    let (architecture, front_end) = ("lens".to_owned(), "gtzan-logmel".to_owned());
    let model = ModelSpec::FromScratch { architecture, front_end, rows: None, frames: 16, width: 0.25 };
    // The weight decay makes the weights some forty times larger in every step.
    let growing = Recipe { optimiser: OptimiserKind::Sgd, learning_rate: 0.2, weight_decay: 100.0, ..model.quick(6) };
    let recipe = Recipe { epochs: 20, schedule: Schedule::Constant, average_decay: 0.0, ..growing };
    let mut gpu = Engine::new(EngineInfo { kind: EngineKind::Gpu, adapter: None }, webgpu().await);
    let job = embedded(&mut gpu, &model, recipe).await;
    let (_, result, _) = ask(&mut gpu, Request::Train { job: Box::new(job) }, Payload::None).await.trained();
    assert!(result.warning.is_some_and(|warning| warning.contains(" became NaN or infinite in epoch ")));
    assert!(result.answers.iter().flatten().all(|probability| probability.is_finite()));
}

#[wasm_bindgen_test]
async fn musicnn_agrees_with_the_original() {
    for which in ["msd", "mtt"] {
        let Some(bytes) = golden::bytes(which).await else { return };
        golden::check(which, bytes, &webgpu().await, |line| web_sys::console::log_1(&line.into())).await;
    }
}
