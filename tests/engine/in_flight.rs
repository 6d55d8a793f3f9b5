//! The GPU engine's way of predicting, without waiting between batches: it gives what the CPU engine's way gives. On the
//! CPU's device, so that every machine can run it.

use burn::tensor::Device;
use genrelens::engine::Engine;
use genrelens::protocol::{EngineInfo, EngineKind, Event, Payload, Prediction, Request};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::host::Recorder;
use crate::requests::{ask, card, classify, fresh, head, load, load_backbone, tags, wav};

/// An engine of each kind, with the same network.
fn engines(load_network: impl Fn(&mut Engine)) -> [Engine; 2] {
    [EngineKind::Cpu, EngineKind::Gpu].map(|kind| {
        let mut engine = Engine::new(EngineInfo { kind, adapter: None }, Device::flex());
        load_network(&mut engine);
        engine
    })
}

fn prediction(engine: &mut Engine, bytes: Vec<u8>, host: &mut Recorder) -> Prediction {
    classify(engine, bytes, host);
    let Event::Classified(prediction) = host.last() else { panic!("{:?}", host.last()) };
    prediction.clone()
}

/// How far two lists of numbers are apart.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |largest, (a, b)| largest.max((a - b).abs()))
}

/// Every window, every tag and every genre, for recordings of such lengths in seconds.
fn predict_alike(mut engines: [Engine; 2], lengths: &[f64]) {
    for &seconds in lengths {
        let [cpu, gpu] =
            engines.each_mut().map(|engine| prediction(engine, wav(seconds, 22_050), &mut Recorder::default()));
        assert_eq!(cpu.windows.len(), gpu.windows.len(), "{seconds} s");
        for (cpu, gpu) in cpu.windows.iter().zip(&gpu.windows) {
            assert_eq!((cpu.start_seconds, cpu.end_seconds), (gpu.start_seconds, gpu.end_seconds), "{seconds} s");
            assert!(difference(&cpu.probabilities, &gpu.probabilities) < 1e-6, "{seconds} s: {cpu:?} {gpu:?}");
        }
        assert_eq!(cpu.tags.len(), gpu.tags.len());
        for (cpu, gpu) in cpu.tags.iter().zip(&gpu.tags) {
            assert_eq!((&cpu.model, &cpu.labels, cpu.windows.len()), (&gpu.model, &gpu.labels, gpu.windows.len()));
            assert!(difference(&cpu.windows.concat(), &gpu.windows.concat()) < 1e-6, "{seconds} s, {}", cpu.model);
        }
        for score in &cpu.genres {
            let found = gpu.genres.iter().find(|found| found.label == score.label).unwrap();
            assert!((found.probability - score.probability).abs() < 1e-6, "{seconds} s: {score:?} {found:?}");
        }
    }
}

/// Shorter than a window, less than a batch, exactly one segment, a segment with a remainder that belongs to it, several.
const LENGTHS: [f64; 5] = [1.0, 7.0, 30.0, 30.9, 100.0];

#[wasm_bindgen_test(unsupported = test)]
fn a_network_predicts_alike_in_flight() {
    let network = fresh(card());
    predict_alike(engines(|engine| assert!(matches!(load(engine, network.clone()), Event::Loaded { .. }))), &LENGTHS);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_head_and_its_backbones_predict_alike_in_flight() {
    let backbones = [fresh(tags("msd")), fresh(tags("mtt"))];
    let head = fresh(head(&[&backbones[0].0, &backbones[1].0]));
    let load_all = |engine: &mut Engine| {
        for backbone in backbones.clone() {
            assert!(matches!(load_backbone(engine, backbone), Event::Loaded { .. }));
        }
        assert!(matches!(load(engine, head.clone()), Event::Loaded { .. }));
    };
    predict_alike(engines(load_all), &[7.0, 40.0]);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_network_of_many_short_windows_predicts_alike_in_flight() {
    let network = fresh(genrelens::card::Card { frames: 12, ..card() });
    predict_alike(
        engines(|engine| assert!(matches!(load(engine, network.clone()), Event::Loaded { .. }))),
        &[20.0, 64.0],
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn the_self_test_gives_the_same_logits_in_flight() {
    let network = fresh(card());
    let logits =
        engines(|engine| assert!(matches!(load(engine, network.clone()), Event::Loaded { .. }))).map(|mut engine| {
            let mut host = Recorder::default();
            ask(&mut engine, Request::SelfTest, Payload::None, &mut host);
            let Event::SelfTested(result) = host.last() else { panic!("{:?}", host.last()) };
            result.logits.clone()
        });
    assert!(difference(&logits[0], &logits[1]) < 1e-5, "{logits:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_long_recording_in_flight_shows_intermediate_results_and_can_be_cancelled() {
    let network = fresh(card());
    let [_, mut engine] = engines(|engine| assert!(matches!(load(engine, network.clone()), Event::Loaded { .. })));
    let mut host = Recorder { milliseconds_per_pause: 400.0, ..Recorder::default() };
    let last = prediction(&mut engine, wav(130.0, 22_050), &mut host);
    let counts: Vec<usize> = host
        .events
        .iter()
        .filter_map(|(event, _)| match event {
            Event::SoFar(prediction) => Some(prediction.windows.len()),
            _ => None,
        })
        .collect();
    assert!(counts.len() >= 2 && counts.is_sorted() && counts[0] < last.windows.len() / 2, "{counts:?}");

    let mut host = Recorder { cancel_after_pauses: Some(host.pauses / 2), ..Recorder::default() };
    classify(&mut engine, wav(130.0, 22_050), &mut host);
    assert_eq!(*host.last(), Event::Cancelled);
    // Nothing of it is left over for the next one.
    let again = prediction(&mut engine, wav(130.0, 22_050), &mut Recorder::default());
    assert_eq!(again.genres, last.genres);
}
