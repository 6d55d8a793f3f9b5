//! Small networks of every architecture: sizes, training, weights in and out.

use burn::tensor::{Device, Tensor};
use futures::FutureExt;
use genrelens::card::{Card, Structure};
use genrelens::dataset::labelled_set::{LabelledSet, Song, one_of};
use genrelens::dsp::{FrontEnd, Segment};
use genrelens::model::blueprint::BlueprintError;
use genrelens::model::predict::logits;
use genrelens::model::registry::{ENTRIES, Entry, InputKind, entry};
use genrelens::model::weights::{self, Precision, WeightsError};
use genrelens::model::{Blueprint, Build, Layers, Network, Shape};
use genrelens::recipe::Recipe;
use genrelens::train::fit::{FitJob, FittedNetwork, Start, fit};
use genrelens::train::observer::FitError;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::cards;
use crate::generator::{alone, shared};
use crate::record::Record;

const SMALL: Shape = Shape { bands: 12, frames: 10, classes: 3 };

/// Parameters of a network in its document's configuration, with another number of bands or classes.
fn parameters(id: &str, change: impl Fn(Shape) -> Shape) -> usize {
    let entry = entry(id).unwrap();
    let mut blueprint = entry.documented();
    blueprint.build.shape = change(blueprint.build.shape);
    blueprint.init(&Device::flex()).parameters()
}

#[wasm_bindgen_test(unsupported = test)]
fn parameter_counts_are_the_papers() {
    let _shared = shared();
    let bands = |bands| move |shape| Shape { bands, ..shape };
    // Yang and Zhang 2019, table 2; with 128 bands, ../shared/models.md's count.
    assert_eq!(parameters("net1", bands(256)), 1_001_162);
    assert_eq!(parameters("net1", bands(128)), 870_090);
    assert_eq!(parameters("net2", bands(256)), 857_322);
    assert_eq!(parameters("net2", bands(128)), 726_250);
    // Ours.
    assert_eq!(parameters("lens", bands(128)), 141_082);
    assert_eq!(parameters("panorama", bands(128)), 273_258);
    // The checkpoints of the package musicnn 0.1.0 hold 792 079 values, 4920 of them statistics of batch norms.
    for id in ["musicnn-msd", "musicnn-mtt"] {
        let network = entry(id).unwrap().documented().init(&Device::flex());
        let stored: usize = network.layers().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        assert_eq!((stored, network.parameters()), (792_079, 787_159));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn parameter_counts_are_those_of_the_table_of_genrewiz() {
    let _shared = shared();
    let classes = |classes| move |shape| Shape { classes, ..shape };
    assert_eq!(parameters("parallel-cnn-rnn", classes(8)), 85_160);
    assert_eq!(parameters("parallel-cnn-rnn", classes(10)), 85_930);
    assert_eq!(parameters("parallel-cnn-rnn-torch", classes(10)), 38_716);
    let network = entry("parallel-cnn-rnn").unwrap().documented().init(&Device::flex());
    let mut counts = [0; 7];
    for (name, shape) in network.layers() {
        let layer = ["layers.0", "layers.1", "layers.2", "layers.3", "layers.4", "recurrent", "dense"];
        let index = layer.iter().position(|part| name.contains(part)).unwrap();
        counts[index] += shape.iter().product::<usize>();
    }
    assert_eq!(counts, [64, 1568, 6208, 12_352, 12_352, 49_536, 3080]);
}

#[wasm_bindgen_test(unsupported = test)]
fn parameter_counts_that_the_sources_do_not_give_are_as_documented() {
    let _shared = shared();
    let documented = |id| parameters(id, |shape| shape);
    assert_eq!(documented("fma-cnn1d-shallow"), 275_912);
    assert_eq!(documented("fma-cnn1d-deep"), 789_320);
    assert_eq!(documented("fma-cnn2d-shallow"), 233_144);
    assert_eq!(documented("fma-cnn2d-deep"), 456_560);
    assert_eq!(documented("fma-rnn"), 50_184);
    assert_eq!(documented("fma-crnn"), 305_352);
    assert_eq!(documented("fma-crnn-stacked"), 542_056);
    assert_eq!(documented("gtzan-cnn"), 187_146);
    assert_eq!(documented("deep-music-genre"), 2_775_818);
    assert_eq!(documented("fcn-tagger"), 283_394);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_recipes_of_all_documents_are_valid() {
    let _shared = shared();
    for entry in ENTRIES {
        let preset = (entry.preset)();
        assert_eq!(preset.recipe.check(), Ok(()), "{}", entry.id);
        let penalty = small(entry).penalty().is_some();
        assert!(penalty || !preset.recipe.paper_penalty, "{} asks for a penalty that it does not have", entry.id);
        let bands_of_sound = !matches!(entry.input_kind, InputKind::Features | InputKind::Pictures);
        assert!(!bands_of_sound || preset.front_end.mel_bands == entry.paper_shape.bands, "{}", entry.id);
    }
}

/// A small network of an architecture.
fn small(entry: &Entry) -> Network {
    (entry.init)(&build_of(entry), &Device::flex())
}

/// The small sizes that an architecture can have, and the few channels that a test needs of one of fifty layers.
fn build_of(entry: &Entry) -> Build {
    Build { structure: structure_of(entry), ..Build::from(shape_of(entry)) }
}

fn structure_of(entry: &Entry) -> Structure {
    let width = if ["resnet50-transfer", "xception-transfer"].contains(&entry.id) { 0.125 } else { 1.0 };
    let features = if entry.input_kind == InputKind::Features { SMALL.bands } else { 0 };
    Structure { width, features, ..Structure::default() }
}

/// The small sizes that an architecture can have.
fn shape_of(entry: &Entry) -> Shape {
    match entry.input_kind {
        InputKind::Features => Shape { frames: 1, ..SMALL },
        _ => SMALL,
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn every_network_gives_one_logit_a_class_for_every_length_that_it_takes() {
    let _shared = shared();
    for entry in ENTRIES {
        let (network, shape) = (small(entry), shape_of(entry));
        let lengths = match entry.input_kind {
            InputKind::Windows { .. } => vec![entry.min_frames, 10, 17],
            _ => vec![shape.frames],
        };
        for frames in lengths {
            let output = network.forward(Tensor::ones([2, shape.bands, frames], &Device::flex()));
            assert_eq!(output.dims(), [2, shape.classes], "{} with {frames} frames", entry.id);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_unknown_network_is_refused_with_the_known_names() {
    let message = entry("net9").unwrap_err().to_string();
    assert!(message.contains("'net9'") && message.contains("net1"), "{message}");
}

/// Three classes, each loud in bands of its own.
fn set(part: &str, songs: usize) -> LabelledSet {
    let song = |index: usize| {
        let label = index % SMALL.classes;
        let value = |position: usize| {
            let (column, band) = (position / SMALL.bands, position % SMALL.bands);
            let wobble = 0.1 * ((index * 31 + column * 7 + band * 3) as f32).sin();
            wobble + if band % SMALL.classes == label { 0.8 } else { 0.3 }
        };
        let values = (0..20 * SMALL.bands).map(value).collect();
        let segments = vec![Segment { start_seconds: 0.0, columns: 20, bands: SMALL.bands, values }];
        Song { name: format!("{part} {index}"), group: None, target: one_of(label, 3), segments }
    };
    let labels = ["a", "b", "c"].map(String::from).to_vec();
    LabelledSet { labels, multi_label: false, songs: (0..songs).map(song).collect() }
}

fn recipe() -> Recipe {
    Recipe { epochs: 6, batch: 6, average_decay: 0.9, ..Recipe::default() }
}

fn blueprint(id: &str, shape: Shape) -> Blueprint {
    let documented = entry(id).unwrap().documented();
    let build = build_of(documented.entry);
    // At most half as wide as documented, for a browser's sake.
    let structure = Structure { width: build.structure.width.min(0.5), ..build.structure };
    let build = Build { shape, structure, ..build };
    Blueprint { build, front_end: &FrontEnd::GTZAN_LOGMEL, ..documented }
}

/// Trains fresh weights on the CPU, whose engine never waits, so the future is ready at once, in the browser too.
fn fit_fresh(
    blueprint: &Blueprint,
    recipe: &Recipe,
    [train, valid]: [&LabelledSet; 2],
    observer: &mut Record,
) -> Result<FittedNetwork, FitError> {
    let job = FitJob { start: Start::Fresh(blueprint), recipe, train, valid, device: &Device::flex() };
    fit(job, observer).now_or_never().unwrap()
}

fn train(id: &str, recipe: &Recipe, observer: &mut Record) -> Result<Network, FitError> {
    let (train, valid) = (set("train", 12), set("valid", 6));
    let blueprint = blueprint(id, shape_of(entry(id).unwrap()));
    fit_fresh(&blueprint, recipe, [&train, &valid], observer).map(|outcome| outcome.network)
}

#[wasm_bindgen_test(unsupported = test)]
fn every_network_trains() {
    let _alone = alone();
    // Fast enough for the smallest GRU. Batch norms over the few values of so small a batch make the loss jump, so the
    // lowest one counts.
    let recipe = Recipe { epochs: 10, learning_rate: 5e-3, ..recipe() };
    for entry in ENTRIES {
        let mut record = Record::default();
        let recipe = match entry.id {
            // A window of a head is one column, and a head has few weights to move.
            "head" => Recipe { epochs: 20, learning_rate: 0.03, ..recipe.clone() },
            // Fifty layers leave one pixel of so small a picture, and batch norms see only a batch of those.
            "resnet50-transfer" | "xception-transfer" => Recipe { epochs: 30, batch: 12, ..recipe.clone() },
            _ => recipe.clone(),
        };
        train(entry.id, &recipe, &mut record).unwrap();
        let lowest = record.epochs.iter().map(|epoch| epoch.train_loss).fold(f64::INFINITY, f64::min);
        assert!(lowest < 0.5 * record.epochs[0].train_loss, "{}: {:?}", entry.id, record.epochs);
        assert!(record.reached_full_accuracy(), "{}: {:?}", entry.id, record.epochs);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_can_be_stopped_and_keeps_its_best() {
    let _shared = shared();
    let mut record = Record { stop_after: Some(3), ..Record::default() };
    train("net2", &Recipe { epochs: 50, ..recipe() }, &mut record).unwrap();
    assert_eq!((record.steps, record.epochs.len()), (3, 1));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_set_without_songs_is_refused() {
    let _shared = shared();
    let (empty, valid, blueprint) = (set("train", 0), set("valid", 3), blueprint("net1", SMALL));
    let run = fit_fresh(&blueprint, &recipe(), [&empty, &valid], &mut Record::default());
    assert!(run.unwrap_err().to_string().contains("training split has no songs"));
}

#[wasm_bindgen_test(unsupported = test)]
fn settings_that_no_run_could_use_are_refused_before_it() {
    let _shared = shared();
    let mut record = Record::default();
    let dropout = train("net1", &Recipe { dropout_convolution: Some(1.5), ..recipe() }, &mut record).unwrap_err();
    assert!(dropout.to_string().contains("dropout after convolutions is 1.5"), "{dropout}");
    let (set, short) = (set("train", 3), blueprint("net2", Shape { frames: 3, ..SMALL }));
    let run = fit_fresh(&short, &recipe(), [&set, &set], &mut record);
    assert!(matches!(run.unwrap_err(), FitError::Frames { expected: 4, found: 3 }));
    let same = fit_fresh(&blueprint("net2", SMALL), &recipe(), [&set, &set], &mut record);
    assert!(same.unwrap_err().to_string().contains("'train 0' is in the training split and in the validation"));
    assert_eq!(record.steps, 0);
}

fn card(architecture: &str) -> Card {
    let structure = entry(architecture).map(structure_of).unwrap_or_default();
    Card { structure, bands: SMALL.bands, frames: SMALL.frames, ..cards::card(architecture) }
}

fn answers(network: &Network, Shape { bands, frames, .. }: Shape) -> Vec<f32> {
    let input: Vec<f32> = (0..2 * bands * frames).map(|index| (index as f32 * 0.7).sin()).collect();
    logits(network, input, bands, frames).now_or_never().unwrap().unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_come_back_as_they_were_saved() {
    let _shared = shared();
    for entry in ENTRIES {
        let network = small(entry);
        let expected = answers(&network, shape_of(entry));
        for (precision, tolerance) in [(Precision::F32, 0.0), (Precision::F16, 5e-3)] {
            let bytes = weights::to_bytes(&network, &card(entry.id), precision).now_or_never().unwrap().unwrap();
            let found = weights::embedded_card(&bytes).unwrap();
            assert_eq!(Card { sha256: String::new(), ..found.clone() }, card(entry.id));
            let loaded = weights::from_bytes(bytes, &found, &Device::flex()).unwrap();
            for (a, b) in expected.iter().zip(answers(&loaded, shape_of(entry))) {
                assert!((a - b).abs() <= tolerance, "{} {precision:?}: {a} and {b}", entry.id);
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_ensemble_is_trained_member_by_member_and_saved_whole() {
    let _shared = shared();
    let mut blueprint = blueprint("lens", SMALL);
    blueprint.build.structure = Structure { members: 2, width: 0.25, ..Structure::default() };
    let (train, valid, mut record) = (set("train", 12), set("valid", 6), Record::default());
    let ensemble = fit_fresh(&blueprint, &recipe(), [&train, &valid], &mut record).unwrap().network;
    assert_eq!(record.epochs.len(), 12, "six epochs a member");
    let card = Card { structure: blueprint.build.structure, ..card("lens") };
    let bytes = weights::to_bytes(&ensemble, &card, Precision::F32).now_or_never().unwrap().unwrap();
    let loaded = weights::from_bytes(bytes, &card, &Device::flex()).unwrap();
    assert_eq!(answers(&loaded, SMALL), answers(&ensemble, SMALL));
    let names: Vec<String> = loaded.layers().into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"members.1.output.weight".to_owned()), "{names:?}");
    assert_eq!(loaded.parameters(), 2 * (blueprint.entry.init)(&blueprint.build, &Device::flex()).parameters());
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_that_do_not_fit_are_refused_with_the_reason() {
    let _shared = shared();
    let network = small(entry("net1").unwrap());
    let bytes = weights::to_bytes(&network, &card("net1"), Precision::F16).now_or_never().unwrap().unwrap();
    let load = |bytes: &[u8], card: &Card| weights::from_bytes(bytes.to_vec(), card, &Device::flex()).unwrap_err();

    let more_bands = load(&bytes, &Card { bands: 13, ..card("net1") });
    assert!(more_bands.to_string().contains("'c1.weight' should have shape [256, 13, 4]"), "{more_bands}");
    let other_network = load(&bytes, &card("net2"));
    assert!(matches!(other_network, WeightsError::Unfit { .. }), "{other_network}");
    let unknown = load(&bytes, &card("net9"));
    assert!(matches!(unknown, WeightsError::Blueprint(BlueprintError::Network(_))), "{unknown}");
    let huge = load(&bytes, &Card { bands: usize::MAX, ..card("net1") });
    assert!(matches!(huge, WeightsError::Blueprint(BlueprintError::Size { .. })), "{huge}");
    let other_bytes = load(&bytes, &Card { sha256: "00".repeat(32), ..card("net1") });
    assert!(matches!(other_bytes, WeightsError::Checksum { .. }), "{other_bytes}");
    for cut in [0, 1, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        let cut_short = load(&bytes[..cut], &card("net1"));
        assert!(matches!(cut_short, WeightsError::Malformed(_)), "{cut}: {cut_short}");
    }
}

/// A float32 file of net1 with this value in the middle of its weights.
fn with_weight(value: f32) -> Vec<u8> {
    let network = small(entry("net1").unwrap());
    let mut bytes = weights::to_bytes(&network, &card("net1"), Precision::F32).now_or_never().unwrap().unwrap();
    // The tensors end the file, and four bytes are one value.
    let place = bytes.len() - 4 * 1000;
    bytes[place..place + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_that_are_no_numbers_are_refused_with_the_tensor() {
    let _shared = shared();
    let load = |bytes| weights::from_bytes(bytes, &card("net1"), &Device::flex());
    assert!(load(with_weight(f32::MAX)).is_ok());
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = load(with_weight(value)).unwrap_err();
        let WeightsError::NotFinite { tensor } = &error else { panic!("{error}") };
        let names: Vec<String> = small(entry("net1").unwrap()).layers().into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(tensor) && error.to_string().contains(tensor), "{error}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn equal_labels_in_one_network_are_refused() {
    let _shared = shared();
    let mut twice = card("net1");
    twice.labels = vec!["jazz\u{1b}".to_owned(); twice.labels.len()];
    let bytes =
        weights::to_bytes(&small(entry("net1").unwrap()), &twice, Precision::F16).now_or_never().unwrap().unwrap();
    let error = weights::from_bytes(bytes, &twice, &Device::flex()).unwrap_err();
    assert!(matches!(error, WeightsError::SameLabels { .. }), "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error}");
}
