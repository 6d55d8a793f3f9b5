//! ResNet-50 and Xception: agreement with torchvision and timm, weights from those programs' files, training.
//!
//! `cargo test --test model transfer -- --nocapture` prints the largest differences; `tests/data/transfer/make.py`
//! made the golden values and states the formula of the weights.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use futures::FutureExt;
use genrelens::card::Structure;
use genrelens::dataset::labelled_set::{LabelledSet, Song, one_of};
use genrelens::dsp::Segment;
use genrelens::model::imagenet_weights::load;
use genrelens::model::registry::entry;
use genrelens::model::weights::WeightsError;
use genrelens::model::{Blueprint, Build, Layers, Network, Part, Shape};
use genrelens::recipe::Recipe;
use genrelens::train::fit::{FitJob, Start, fit};
use safetensors::{Dtype, SafeTensors};

use crate::generator::alone;
use crate::record::Record;
use crate::{command, wav};

mod files;
use files::{RESNET50, Stored, Subject, XCEPTION, uniform};

/// The largest difference of a logit or a feature, relative to the largest of them: float32 sums of up to 4608 products
/// in another order, through fifty layers.
const PARITY: f32 = 1e-5;

/// `make.py`'s images as the input of a network.
fn windows(count: usize, rows: usize, columns: usize, device: &Device) -> Tensor<3> {
    let picture = |picture: usize| {
        let pixel = move |index| 0.5 + uniform(1000 + picture as u32, index) / 2.0;
        (0..rows * columns).map(move |index| ((pixel(index) - 0.5) / 0.25) as f32)
    };
    let values: Vec<f32> = (0..count).flat_map(picture).collect();
    Tensor::from_data(TensorData::new(values, [count, rows, columns]), device)
}

fn golden(name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(include_bytes!("../data/transfer/golden.safetensors")).unwrap();
    let tensor = file.tensor(name).unwrap();
    tensor.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

/// The largest difference from the golden values, relative to the largest of those.
fn difference(found: &Tensor<2>, golden: &[f32]) -> f32 {
    let found: Vec<f32> = found.to_data().iter().collect();
    assert_eq!(found.len(), golden.len());
    let largest = golden.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    // `f32::max` would swallow a NaN.
    let worse = |a: f32, b: f32| if a >= b { a } else { b };
    found.iter().zip(golden).map(|(a, b)| (a - b).abs()).fold(0.0, worse) / largest
}

fn check_parity(subject: &Subject, case: &str, [count, rows, columns]: [usize; 3]) {
    let device = Device::flex();
    let network = load(subject.network(1000, Structure::DOCUMENTED, &device), &subject.file()).unwrap();
    let started = Instant::now();
    let features = network.features(windows(count, rows, columns, &device));
    let logits = network.classify(features.clone());
    let of = |what: &str, found| difference(found, &golden(&format!("{}.{case}.{what}", subject.theirs)));
    let found = [of("logits", &logits), of("features", &features)];
    let seconds = started.elapsed().as_secs_f64();
    println!("{} {case}: logits, features off by {found:?} of the largest; forward in {seconds:.2} s", subject.id);
    assert!(found.into_iter().all(|difference| difference < PARITY), "{} {case}: {found:?}", subject.id);
}

#[test]
fn resnet50_agrees_with_torchvision() {
    let _alone = alone();
    check_parity(&RESNET50, "small", [2, 64, 48]);
    check_parity(&RESNET50, "full", [1, 224, 224]);
}

#[test]
fn xception_agrees_with_timm() {
    let _alone = alone();
    check_parity(&XCEPTION, "small", [2, 64, 48]);
    check_parity(&XCEPTION, "full", [1, 299, 299]);
}

#[test]
fn with_a_thousand_classes_they_have_the_documented_parameters() {
    let _alone = alone();
    let count = |subject: &Subject| subject.network(1000, Structure::DOCUMENTED, &Device::flex()).parameters();
    assert_eq!(count(&RESNET50), 25_557_032);
    assert_eq!(count(&XCEPTION), 22_855_952);
}

/// The head's logits for fixed features: they show whether the head is still the same.
fn head(network: &Network, features: usize) -> Vec<f32> {
    let values = (0..features).map(|index| uniform(7, index) as f32).collect::<Vec<_>>();
    let features = Tensor::from_data(TensorData::new(values, [1, features]), &network.device());
    network.classify(features).to_data().iter().collect()
}

#[test]
fn half_precision_loads_too() {
    let _alone = alone();
    let device = Device::flex();
    for subject in [RESNET50, XCEPTION] {
        let bytes = subject.file_with(|_, tensor| Some(tensor.halved()));
        let network = load(subject.network(1000, Structure::DOCUMENTED, &device), &bytes).unwrap();
        let logits = network.forward(windows(2, 64, 48, &device));
        let found = difference(&logits, &golden(&format!("{}.small.logits", subject.theirs)));
        println!("{} in half precision: logits off by {found} of the largest", subject.id);
        // float16 keeps 11 bits of every weight.
        assert!(found < 3e-3, "{}: {found}", subject.id);
    }
}

#[test]
fn a_new_head_stays_when_pretrained_weights_are_loaded() {
    let _alone = alone();
    let device = Device::flex();
    for subject in [RESNET50, XCEPTION] {
        let (bytes, golden) = (subject.file(), golden(&format!("{}.small.features", subject.theirs)));
        for hidden in [0, 16] {
            let fresh = subject.network(10, Structure { hidden, ..Structure::DOCUMENTED }, &device);
            let before = head(&fresh, 2048);
            let network = load(fresh, &bytes).unwrap();
            let features = network.features(windows(2, 64, 48, &device));
            assert!(difference(&features, &golden) < PARITY, "{}", subject.id);
            assert_eq!(head(&network, 2048), before, "{}", subject.id);
        }
        let without_head = subject.file_with(|name, tensor| (!name.starts_with("fc.")).then_some(tensor));
        assert!(load(subject.network(10, Structure::DOCUMENTED, &device), &without_head).is_ok());
    }
}

#[test]
fn files_without_the_pretrained_layers_are_refused_with_the_first_difference() {
    let _alone = alone();
    let refused = |subject: &Subject, bytes: &[u8]| {
        load(subject.network(10, Structure::DOCUMENTED, &Device::flex()), bytes).unwrap_err().to_string()
    };
    let missing = RESNET50.file_with(|name, tensor| (name != "layer2.0.downsample.1.bias").then_some(tensor));
    let message = refused(&RESNET50, &missing);
    assert!(
        message.contains("'resnet50'") && message.contains("'layer2.0.downsample.1.bias' of shape [512] is missing")
    );
    let misshaped = |name: &str, tensor: Stored| match name {
        "block3.rep.4.conv1.weight" => Some(Stored { shape: vec![728, 3, 3, 1], ..tensor }),
        _ => Some(tensor),
    };
    let message = refused(&XCEPTION, &XCEPTION.file_with(misshaped));
    assert!(message.contains("'block3.rep.4.conv1.weight' should have shape [728, 1, 3, 3], found [728, 3, 3, 1]"));
    let integers = |name: &str, tensor: Stored| match name {
        "bn4.running_var" => Some(Stored { dtype: Dtype::I32, ..tensor }),
        _ => Some(tensor),
    };
    let message = refused(&XCEPTION, &XCEPTION.file_with(integers));
    assert!(message.contains("'bn4.running_var' should hold floats of 16 or 32 bits, found I32"), "{message}");
    let deeper = refused(&RESNET50, &RESNET50.deeper_file("layer3.6.conv1.weight"));
    assert!(deeper.contains("'layer3.6.conv1.weight' is not a layer of it"), "{deeper}");
    let message = refused(&XCEPTION, &RESNET50.file());
    assert!(message.contains("'conv1.weight' should have shape [32, 3, 3, 3], found [64, 3, 7, 7]"), "{message}");

    let whole = RESNET50.file();
    // Cut inside the header's length, the header and the tensors.
    for cut in [0, 1, 8, 100, whole.len() / 2, whole.len() - 1] {
        let network = RESNET50.network(10, Structure::DOCUMENTED, &Device::flex());
        assert!(matches!(load(network, &whole[..cut]).unwrap_err(), WeightsError::Malformed(_)), "{cut}");
    }
    let other = (entry("net1").unwrap().init)(&Build::from(Shape { bands: 8, frames: 8, classes: 2 }), &Device::flex());
    assert!(matches!(load(other, &whole).unwrap_err(), WeightsError::Pretrained { .. }));
}

/// Songs whose images show one bar each, at the height of their class.
fn set(part: &str, songs: usize, side: usize) -> LabelledSet {
    let song = |index: usize| {
        let label = index % 2;
        let value = |at: usize| {
            let (column, band) = (at / side, at % side);
            // Noise that differs between songs: they are no copies of each other.
            let wobble = 0.1 * uniform(index as u32, at) as f32;
            let bar = band * 8 / side == 2 + 3 * label && column > index % 4;
            wobble + if bar { 0.8 } else { 0.2 }
        };
        let values = (0..side * side).map(value).collect();
        let segments = vec![Segment { start_seconds: 0.0, columns: side, bands: side, values }];
        Song { name: format!("{part} {index}"), group: None, target: one_of(label, 2), segments }
    };
    let labels = ["low", "high"].map(String::from).to_vec();
    LabelledSet { labels, multi_label: false, songs: (0..songs).map(song).collect() }
}

/// The training losses of the first and the last epoch.
fn losses(record: &Record) -> (f64, f64) {
    (record.epochs[0].train_loss, record.epochs[record.epochs.len() - 1].train_loss)
}

fn blueprint(subject: &Subject, side: usize, structure: Structure) -> Blueprint {
    let build = Build { structure, ..Build::from(Shape { bands: side, frames: side, classes: 2 }) };
    Blueprint { build, ..entry(subject.id).unwrap().documented() }
}

fn run_training(blueprint: &Blueprint, recipe: &Recipe, train: &LabelledSet, valid: &LabelledSet, record: &mut Record) {
    let device = Device::flex();
    // The CPU engine never waits, so the future is ready at once.
    let job = FitJob { start: Start::Fresh(blueprint), recipe, train, valid, device: &device };
    fit(job, record).now_or_never().unwrap().unwrap();
}

#[test]
fn narrow_networks_overfit_a_handful_of_images() {
    let _alone = alone();
    for subject in [RESNET50, XCEPTION] {
        for hidden in [0, 64] {
            let structure = Structure { width: 0.125, hidden, ..Structure::DOCUMENTED };
            let (train, valid, mut record) = (set("train", 8, 32), set("valid", 4, 32), Record::default());
            let recipe = (entry(subject.id).unwrap().preset)().recipe;
            let recipe = Recipe { epochs: 30, batch: 8, learning_rate: 3e-3, ..recipe };
            run_training(&blueprint(&subject, 32, structure), &recipe, &train, &valid, &mut record);
            let (first, last) = losses(&record);
            println!("{} with {hidden} hidden: loss {first:.4} to {last:.4}", subject.id);
            assert!(last < 0.2 * first && record.reached_full_accuracy(), "{}: {first} to {last}", subject.id);
        }
    }
}

#[test]
fn a_head_trains_on_frozen_layers() {
    let _alone = alone();
    for subject in [RESNET50, XCEPTION] {
        let (train, valid, mut record) = (set("train", 8, 64), set("valid", 4, 64), Record::default());
        let blueprint = blueprint(&subject, 64, Structure::DOCUMENTED);
        let network = load(blueprint.init(&Device::flex().autodiff()), &subject.file()).unwrap();
        let features = |network: &Network| {
            let windows = windows(1, 64, 48, &network.device());
            network.features(windows).to_data().iter().collect::<Vec<f32>>()
        };
        let before = features(&network.valid());
        let recipe = (entry(subject.id).unwrap().preset)().recipe;
        let recipe = Recipe { epochs: 20, batch: 4, learning_rate: 1e-3, ..recipe };
        let windowing = blueprint.windowing();
        let start = Start::LastLayers { network: Box::new(network), part: Part::Head, windowing };
        let job = FitJob { start, recipe: &recipe, train: &train, valid: &valid, device: &Device::flex() };
        let run = fit(job, &mut record);
        let trained = run.now_or_never().unwrap().unwrap().network;
        assert_eq!(features(&trained), before, "{}", subject.id);
        let (first, last) = losses(&record);
        assert!(last < 0.5 * first && record.reached_full_accuracy(), "{}: {first} to {last}", subject.id);
    }
}

/// Clips of 1.5 s in two genres, a low and a high tone, every fourth for validation.
fn write_audio(folder: &Path) {
    let mut index = "track,genre,split\n".to_owned();
    for clip in 0..8_u32 {
        let (genre, hz) = [("low", 200.0), ("high", 4000.0)][clip as usize % 2];
        let split = if clip < 6 { "train" } else { "valid" };
        index += &format!("clip{clip},{genre},{split}\n");
        std::fs::create_dir_all(folder.join(genre)).unwrap();
        let sample = |at: u32| {
            let turns = (hz + f64::from(clip) * 10.0) * f64::from(at) / 22_050.0;
            let sound = (std::f64::consts::TAU * turns).sin() + 0.2 * uniform(clip, at as usize);
            (sound * 9000.0) as i16
        };
        let bytes = wav::pcm16(22_050, 1, (0..33_075).map(sample));
        std::fs::write(folder.join(genre).join(format!("clip{clip}.wav")), bytes).unwrap();
    }
    std::fs::write(folder.join("index.csv"), index).unwrap();
}

/// Whether the command succeeded, and what it said.
fn genrelens(arguments: &[&str]) -> (bool, String) {
    let output = command::run(arguments);
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_command_line_trains_a_head_and_then_all_layers() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    write_audio(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (audio, recipe, theirs, head, whole) = (
        path(""),
        path("recipe.toml"),
        path("theirs.safetensors"),
        path("head.safetensors"),
        path("whole.safetensors"),
    );
    let settings = "name = 'test'\nsummary = 'A test.'\narchitecture = 'resnet50-transfer'\nfront_end = 'image'\nrows = 64\n\
                    frames = 64\ntrain = 'train'\nvalid = 'valid'\ndata = 'made up'\n[training]\nepochs = 2\nbatch = 3\n\
                    windows_per_song = 1\n";
    std::fs::write(&recipe, settings).unwrap();
    std::fs::write(&theirs, RESNET50.file()).unwrap();

    let begin = ["train", "--recipe", &recipe, "--audio", &audio];
    let train = |more: &[&str]| genrelens(&[&begin[..], more].concat());
    let (done, said) = train(&["--pretrained", &theirs, "--freeze", "--out", &head]);
    assert!(done, "{said}");
    let card: serde_json::Value = serde_json::from_slice(&std::fs::read(path("head.json")).unwrap()).unwrap();
    let noted = card["recipe"].as_str().unwrap();
    assert!(noted.contains("file = \"theirs.safetensors\"") && noted.contains("freeze = true"), "{noted}");
    // All layers from where the head was left; a whole file of this program is known by its card.
    let (done, said) = train(&["--pretrained", &head, "--out", &whole]);
    assert!(done, "{said}");
    let (done, said) = genrelens(&["evaluate", "--model", &whole, "--audio", &audio, "--split", "valid"]);
    assert!(done, "{said}");

    // The recipe on the first card asks for the file that it began with.
    std::fs::write(&recipe, noted).unwrap();
    let (done, said) = train(&["--out", &whole]);
    assert!(!done && said.contains("this recipe starts from 'theirs.safetensors'"), "{said}");
    let (done, said) = train(&["--pretrained", &head, "--out", &whole]);
    assert!(!done && said.contains("the recipe starts from"), "{said}");
    std::fs::write(&recipe, settings.replace("resnet50-transfer", "net1")).unwrap();
    let (done, said) = train(&["--pretrained", &theirs, "--out", &whole]);
    assert!(!done && said.contains("there are no ImageNet weights for this network"), "{said}");
}

/// Steps at full size: `cargo test --test model transfer -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes: every step goes forth and back through all of ResNet-50 and Xception"]
fn they_train_at_full_size() {
    let _alone = alone();
    for subject in [RESNET50, XCEPTION] {
        let side = subject.side;
        let (train, valid, mut record) = (set("train", 4, side), set("valid", 2, side), Record::default());
        let recipe =
            Recipe { epochs: 5, batch: 4, learning_rate: 1e-4, ..(entry(subject.id).unwrap().preset)().recipe };
        let blueprint = blueprint(&subject, side, Structure::DOCUMENTED);
        let started = Instant::now();
        run_training(&blueprint, &recipe, &train, &valid, &mut record);
        let (first, last) = losses(&record);
        let seconds = started.elapsed().as_secs_f64() / recipe.epochs as f64;
        println!("{}: loss {first:.4} to {last:.4}; {seconds:.1} s an epoch of one step of 4 pictures", subject.id);
        assert!(last < 0.5 * first, "{}: {first} to {last}", subject.id);
    }
}
