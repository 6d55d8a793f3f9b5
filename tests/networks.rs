//! The networks: sizes, learning, weights in and out. The same bodies run natively and in the browser.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use futures::FutureExt;
use genrelens::card::Card;
use genrelens::dsp::Segment;
use genrelens::model::predict::logits;
use genrelens::model::registry::{ENTRIES, entry};
use genrelens::model::weights::{self, Precision, WeightsError};
use genrelens::model::{Network, Shape};
use genrelens::train::fit::{EpochReport, FitError, Watcher, fit};
use genrelens::train::recipe::Recipe;
use genrelens::train::set::{LabelledSet, Song};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

const SMALL: Shape = Shape { bands: 12, frames: 10, classes: 3 };

fn parameters(id: &str, bands: usize) -> usize {
    let entry = entry(id).unwrap();
    entry.init(Shape { bands, ..entry.paper_shape }, &Device::flex()).num_params()
}

#[wasm_bindgen_test(unsupported = test)]
fn parameter_counts_are_the_papers() {
    // Yang and Zhang 2019, table 2; with 128 bands, ../shared/models.md's count.
    assert_eq!(parameters("net1", 256), 1_001_162);
    assert_eq!(parameters("net1", 128), 870_090);
    assert_eq!(parameters("net2", 256), 857_322);
    assert_eq!(parameters("net2", 128), 726_250);
}

#[wasm_bindgen_test(unsupported = test)]
fn every_network_gives_a_logit_a_class_for_any_length() {
    for entry in ENTRIES {
        let network = entry.init(SMALL, &Device::flex());
        for frames in [entry.min_frames, 10, 17] {
            let output = network.forward(Tensor::ones([2, SMALL.bands, frames], &Device::flex()));
            assert_eq!(output.dims(), [2, SMALL.classes], "{} with {frames} frames", entry.id);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_unknown_network_is_told_with_the_known_ones() {
    let message = entry("net9").unwrap_err().to_string();
    assert!(message.contains("'net9'") && message.contains("net1"), "{message}");
}

/// Three classes, each loud in bands of its own.
fn set(songs: usize) -> LabelledSet {
    let song = |index: usize| {
        let label = index % SMALL.classes;
        let value = |position: usize| {
            let (column, band) = (position / SMALL.bands, position % SMALL.bands);
            let wobble = 0.1 * ((index * 31 + column * 7 + band * 3) as f32).sin();
            wobble + if band % SMALL.classes == label { 0.8 } else { 0.3 }
        };
        let values = (0..20 * SMALL.bands).map(value).collect();
        let segments = vec![Segment { start_seconds: 0.0, columns: 20, bands: SMALL.bands, values }];
        Song { name: index.to_string(), label, segments }
    };
    LabelledSet { labels: ["a", "b", "c"].map(String::from).to_vec(), songs: (0..songs).map(song).collect() }
}

#[derive(Default)]
struct Record {
    epochs: Vec<EpochReport>,
    steps: usize,
    stop_after: Option<usize>,
}

impl Watcher for Record {
    fn step(&mut self, step: usize, _steps: usize) {
        self.steps = step;
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.epochs.push(report.clone());
    }

    fn stop(&self) -> bool {
        self.stop_after.is_some_and(|steps| self.steps >= steps)
    }
}

fn recipe() -> Recipe {
    Recipe { epochs: 6, batch: 6, average_decay: 0.9, ..Recipe::default() }
}

fn train(id: &str, recipe: &Recipe, watcher: &mut Record) -> Result<Network, FitError> {
    let (train, valid, device) = (set(12), set(6), Device::flex());
    let run = fit(entry(id).unwrap(), SMALL, recipe, &train, &valid, &device, watcher);
    // The CPU engine never waits, so the future is ready at once, in the browser too.
    run.now_or_never().unwrap().map(|outcome| outcome.network)
}

#[wasm_bindgen_test(unsupported = test)]
fn every_network_learns() {
    for entry in ENTRIES {
        let mut record = Record::default();
        train(entry.id, &recipe(), &mut record).unwrap();
        let (first, last) = (&record.epochs[0], record.epochs.last().unwrap());
        assert!(last.train_loss < 0.5 * first.train_loss, "{}: {first:?} to {last:?}", entry.id);
        assert!(record.epochs.iter().any(|epoch| epoch.valid_accuracy == 1.0), "{}: {:?}", entry.id, record.epochs);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_can_be_stopped_and_keeps_its_best() {
    let mut record = Record { stop_after: Some(3), ..Record::default() };
    train("net2", &Recipe { epochs: 50, ..recipe() }, &mut record).unwrap();
    assert_eq!((record.steps, record.epochs.len()), (3, 1));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_set_without_songs_is_refused() {
    let (empty, valid) = (set(0), set(3));
    let entry = entry("net1").unwrap();
    let run = fit(entry, SMALL, &recipe(), &empty, &valid, &Device::flex(), &mut Record::default()).now_or_never();
    assert!(run.unwrap().unwrap_err().to_string().contains("training part has no songs"));
}

#[wasm_bindgen_test(unsupported = test)]
fn settings_that_no_run_could_use_are_refused_before_it() {
    let mut record = Record::default();
    let dropout = train("net1", &Recipe { dropout_convolution: Some(1.5), ..recipe() }, &mut record).unwrap_err();
    assert!(dropout.to_string().contains("dropout after convolutions is 1.5"), "{dropout}");
    let (set, device, short) = (set(3), Device::flex(), Shape { frames: 3, ..SMALL });
    let run = fit(entry("net2").unwrap(), short, &recipe(), &set, &set, &device, &mut record).now_or_never();
    assert!(matches!(run.unwrap().unwrap_err(), FitError::Frames { expected: 4, found: 3 }));
    assert_eq!(record.steps, 0);
}

fn card(architecture: &str) -> Card {
    Card {
        name: "test".to_owned(),
        summary: "A test.".to_owned(),
        architecture: architecture.to_owned(),
        bands: SMALL.bands,
        frames: SMALL.frames,
        front_end: "gtzan-logmel".to_owned(),
        labels: ["a", "b", "c"].map(String::from).to_vec(),
        data: "none".to_owned(),
        recipe: String::new(),
        figures: Default::default(),
        licence: "MIT OR Apache-2.0".to_owned(),
        sha256: String::new(),
    }
}

fn answers(network: &Network) -> Vec<f32> {
    let input: Vec<f32> = (0..2 * SMALL.bands * SMALL.frames).map(|index| (index as f32 * 0.7).sin()).collect();
    logits(network, input, SMALL.bands, SMALL.frames).now_or_never().unwrap().unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_come_back_as_they_were_saved() {
    for entry in ENTRIES {
        let network = entry.init(SMALL, &Device::flex());
        let expected = answers(&network);
        for (precision, tolerance) in [(Precision::F32, 0.0), (Precision::F16, 5e-3)] {
            let bytes = weights::to_bytes(&network, &card(entry.id), precision).unwrap();
            let found = weights::embedded_card(&bytes).unwrap();
            assert_eq!(Card { sha256: String::new(), ..found.clone() }, card(entry.id));
            let loaded = weights::from_bytes(bytes, &found, &Device::flex()).unwrap();
            for (a, b) in expected.iter().zip(answers(&loaded)) {
                assert!((a - b).abs() <= tolerance, "{} {precision:?}: {a} and {b}", entry.id);
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_that_do_not_fit_are_refused_with_the_reason() {
    let network = entry("net1").unwrap().init(SMALL, &Device::flex());
    let bytes = weights::to_bytes(&network, &card("net1"), Precision::F16).unwrap();
    let load = |bytes: &[u8], card: &Card| weights::from_bytes(bytes.to_vec(), card, &Device::flex()).unwrap_err();

    let more_bands = load(&bytes, &Card { bands: 13, ..card("net1") });
    assert!(more_bands.to_string().contains("'c1.weight' should have shape [256, 13, 4]"), "{more_bands}");
    let other_network = load(&bytes, &card("net2"));
    assert!(matches!(other_network, WeightsError::Unfit { .. }), "{other_network}");
    let unknown = load(&bytes, &card("net9"));
    assert!(matches!(unknown, WeightsError::Unknown(_)), "{unknown}");
    let other_bytes = load(&bytes, &Card { sha256: "00".repeat(32), ..card("net1") });
    assert!(matches!(other_bytes, WeightsError::Checksum { .. }), "{other_bytes}");
    for cut in [0, 1, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        let cut_short = load(&bytes[..cut], &card("net1"));
        assert!(matches!(cut_short, WeightsError::Malformed(_)), "{cut}: {cut_short}");
    }
}
