//! ResNet-50 and Xception: against torchvision and timm, their weights from those programs' files, learning.
//!
//! `cargo test --test model transfer -- --nocapture` prints the largest differences; `tests/data/transfer/make.py` made what
//! they are held against and states the formula of the weights.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, f16};
use futures::FutureExt;
use genrelens::card::Structure;
use genrelens::dataset::labelled_set::{LabelledSet, Song, one_of};
use genrelens::dsp::Segment;
use genrelens::eval::report::{EpochReport, Scores};
use genrelens::model::imagenet::load;
use genrelens::model::registry::entry;
use genrelens::model::weights::WeightsError;
use genrelens::model::{Blueprint, Build, Layers, Network, Part, Shape};
use genrelens::recipe::Recipe;
use genrelens::train::fit::{TrainObserver, fit, fit_part};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};

use crate::generator::alone;

/// The largest difference of a logit or a feature, relative to the largest of them: float32 sums of up to 4608 products
/// in another order, through fifty layers.
const PARITY: f32 = 1e-5;

/// A network in this project and in the program that it is held against.
struct Subject {
    id: &'static str,
    theirs: &'static str,
    side: usize,
}

const RESNET50: Subject = Subject { id: "resnet50-transfer", theirs: "resnet50", side: 224 };
const XCEPTION: Subject = Subject { id: "xception-transfer", theirs: "xception", side: 299 };

impl Subject {
    fn network(&self, classes: usize, structure: Structure, device: &Device) -> Network {
        let shape = Shape { bands: self.side, frames: self.side, classes };
        (entry(self.id).unwrap().init)(&Build { structure, ..Build::from(shape) }, device)
    }

    /// Names and shapes of a weights file of the other program.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let lines =
            include_str!("../data/transfer/tensors.txt").lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let own = lines.filter(|words| words[0] == self.theirs);
        let tensor = |words: Vec<&str>| {
            (words[1].to_owned(), words[2..].iter().map(|size| size.parse().unwrap()).collect::<Vec<usize>>())
        };
        own.map(tensor).collect()
    }

    /// The weights of the formula as a file of the other program.
    fn file(&self) -> Vec<u8> {
        self.file_with(|_, tensor| Some(tensor))
    }

    /// The same with a tensor more, as a deeper network of the kind has.
    fn deeper_file(&self, more: &str) -> Vec<u8> {
        self.tensors_to_file(|_, tensor| Some(tensor), Some(more))
    }

    /// The same with some tensors changed or left out.
    fn file_with(&self, change: impl Fn(&str, Stored) -> Option<Stored>) -> Vec<u8> {
        self.tensors_to_file(change, None)
    }

    fn tensors_to_file(&self, change: impl Fn(&str, Stored) -> Option<Stored>, more: Option<&str>) -> Vec<u8> {
        let stored = |(name, shape): (String, Vec<usize>)| {
            let tensor = match name.ends_with("num_batches_tracked") {
                true => Stored { dtype: Dtype::I64, shape, bytes: vec![0; 8] },
                false => Stored::f32(&formula(&name, &shape), shape),
            };
            change(&name, tensor).map(|tensor| (name, tensor))
        };
        let more = more.map(|name| (name.to_owned(), vec![1, 1, 1, 1]));
        let stored: Vec<(String, Stored)> = self.tensors().into_iter().chain(more).filter_map(stored).collect();
        let views = stored.iter().map(|(name, Stored { dtype, shape, bytes })| {
            (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        serialize(views, None).unwrap()
    }
}

struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Stored {
    fn f32(values: &[f32], shape: Vec<usize>) -> Self {
        Self { dtype: Dtype::F32, shape, bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect() }
    }

    /// The same in two bytes a value.
    fn halved(self) -> Self {
        if self.dtype != Dtype::F32 {
            return self;
        }
        let half = |four: &[u8; 4]| f16::from_f32(f32::from_le_bytes(*four)).to_le_bytes();
        let bytes = self.bytes.as_chunks().0.iter().flat_map(half).collect();
        Self { dtype: Dtype::F16, bytes, ..self }
    }
}

fn splitmix64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// -1 to below 1.
fn uniform(stream: u32, index: usize) -> f64 {
    (splitmix64((u64::from(stream) << 32) + index as u64) >> 40) as f64 / f64::from(1 << 23) - 1.0
}

fn fnv1a(name: &str) -> u32 {
    name.bytes().fold(0x811C_9DC5, |state: u32, byte| (state ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A tensor's values by `make.py`'s formula.
fn formula(name: &str, shape: &[usize]) -> Vec<f32> {
    let is_weight = name.ends_with("weight");
    let fan_in = shape.iter().skip(1).product::<usize>() as f64;
    let depthwise_or_dense = shape.len() == 2 || shape.get(1) == Some(&1);
    let scale = ((if depthwise_or_dense { 3.0 } else { 6.0 }) / fan_in).sqrt();
    let value = |u: f64| match shape.len() {
        _ if name.ends_with("running_var") => 1.0 + u / 2.0,
        2.. if is_weight => u * scale,
        _ if is_weight => 0.8 + u / 5.0,
        _ => u / 5.0,
    };
    let stream = fnv1a(name);
    (0..shape.iter().product()).map(|index| value(uniform(stream, index)) as f32).collect()
}

/// `make.py`'s pictures as a network hears them.
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
fn resnet50_answers_as_torchvision_does() {
    let _alone = alone();
    check_parity(&RESNET50, "small", [2, 64, 48]);
    check_parity(&RESNET50, "full", [1, 224, 224]);
}

#[test]
fn xception_answers_as_timm_does() {
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

/// The head's answer to fixed features: it tells whether the head is still the same.
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
fn a_new_head_stays_when_a_trunk_is_loaded() {
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
        let trunk_alone = subject.file_with(|name, tensor| (!name.starts_with("fc.")).then_some(tensor));
        assert!(load(subject.network(10, Structure::DOCUMENTED, &device), &trunk_alone).is_ok());
    }
}

#[test]
fn files_that_are_no_trunk_are_refused_with_the_first_difference() {
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
    for cut in [0, 1, 8, 100, whole.len() / 2, whole.len() - 1] {
        let network = RESNET50.network(10, Structure::DOCUMENTED, &Device::flex());
        assert!(matches!(load(network, &whole[..cut]).unwrap_err(), WeightsError::Malformed(_)), "{cut}");
    }
    let other = (entry("net1").unwrap().init)(&Build::from(Shape { bands: 8, frames: 8, classes: 2 }), &Device::flex());
    assert!(matches!(load(other, &whole).unwrap_err(), WeightsError::Trunk { .. }));
}

/// Songs whose pictures show one bar each, at a height that is their class's.
fn set(part: &str, songs: usize, side: usize) -> LabelledSet {
    let song = |index: usize| {
        let label = index % 2;
        let value = |at: usize| {
            let (column, band) = (at / side, at % side);
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

#[derive(Default)]
struct Record(Vec<EpochReport>);

impl TrainObserver for Record {
    fn step(&mut self, _step: usize, _steps: usize) {}

    fn epoch(&mut self, report: &EpochReport) {
        self.0.push(report.clone());
    }
}

impl Record {
    /// The loss of the first and the last epoch.
    fn losses(&self) -> (f64, f64) {
        (self.0[0].train_loss, self.0[self.0.len() - 1].train_loss)
    }

    fn names_all(&self) -> bool {
        self.0.iter().any(|epoch| matches!(epoch.valid, Scores::Classes { accuracy: 1.0, .. }))
    }
}

fn blueprint(subject: &Subject, side: usize, structure: Structure) -> Blueprint {
    let build = Build { structure, ..Build::from(Shape { bands: side, frames: side, classes: 2 }) };
    Blueprint { build, ..entry(subject.id).unwrap().documented() }
}

fn learn(blueprint: &Blueprint, recipe: &Recipe, train: &LabelledSet, valid: &LabelledSet, record: &mut Record) {
    let device = Device::flex();
    // The CPU engine never waits, so the future is ready at once.
    fit(blueprint, recipe, train, valid, &device, record).now_or_never().unwrap().unwrap();
}

#[test]
fn narrow_ones_learn_a_handful_of_pictures() {
    let _alone = alone();
    for subject in [RESNET50, XCEPTION] {
        for hidden in [0, 64] {
            let structure = Structure { width: 0.125, hidden, ..Structure::DOCUMENTED };
            let (train, valid, mut record) = (set("train", 8, 32), set("valid", 4, 32), Record::default());
            let recipe = (entry(subject.id).unwrap().preset)().recipe;
            let recipe = Recipe { epochs: 30, batch: 8, learning_rate: 3e-3, ..recipe };
            learn(&blueprint(&subject, 32, structure), &recipe, &train, &valid, &mut record);
            let (first, last) = record.losses();
            println!("{} with {hidden} hidden: loss {first:.4} to {last:.4}", subject.id);
            assert!(last < 0.2 * first && record.names_all(), "{}: {first} to {last}", subject.id);
        }
    }
}

#[test]
fn a_head_learns_on_a_trunk_that_stays_as_it_is() {
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
        let run = fit_part(network, Part::Head, &windowing, &recipe, &train, &valid, &mut record);
        let trained = run.now_or_never().unwrap().unwrap().network;
        assert_eq!(features(&trained), before, "{}", subject.id);
        let (first, last) = record.losses();
        assert!(last < 0.5 * first && record.names_all(), "{}: {first} to {last}", subject.id);
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
        let (sample_format, bits_per_sample) = (hound::SampleFormat::Int, 16);
        let spec = hound::WavSpec { channels: 1, sample_rate: 22_050, bits_per_sample, sample_format };
        let mut writer = hound::WavWriter::create(folder.join(genre).join(format!("clip{clip}.wav")), spec).unwrap();
        for at in 0..33_075 {
            let turns = (hz + f64::from(clip) * 10.0) * f64::from(at) / 22_050.0;
            let sound = (std::f64::consts::TAU * turns).sin() + 0.2 * uniform(clip, at as usize);
            writer.write_sample((sound * 9000.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
    }
    std::fs::write(folder.join("index.csv"), index).unwrap();
}

/// Whether the command succeeded, and what it said.
fn genrelens(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_genrelens")).args(arguments).output().unwrap();
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
    let (done, said) = train(&["--trunk", &theirs, "--freeze", "--out", &head]);
    assert!(done, "{said}");
    let card: serde_json::Value = serde_json::from_slice(&std::fs::read(path("head.json")).unwrap()).unwrap();
    let noted = card["recipe"].as_str().unwrap();
    assert!(noted.contains("file = \"theirs.safetensors\"") && noted.contains("freeze = true"), "{noted}");
    // All layers from where the head was left; a whole file of this program is known by its card.
    let (done, said) = train(&["--trunk", &head, "--out", &whole]);
    assert!(done, "{said}");
    let (done, said) = genrelens(&["evaluate", "--model", &whole, "--audio", &audio, "--split", "valid"]);
    assert!(done, "{said}");

    // The recipe on the first card asks for the file that it began with.
    std::fs::write(&recipe, noted).unwrap();
    let (done, said) = train(&["--out", &whole]);
    assert!(!done && said.contains("this recipe begins with 'theirs.safetensors'"), "{said}");
    let (done, said) = train(&["--trunk", &head, "--out", &whole]);
    assert!(!done && said.contains("the recipe begins with"), "{said}");
    std::fs::write(&recipe, settings.replace("resnet50-transfer", "net1")).unwrap();
    let (done, said) = train(&["--trunk", &theirs, "--out", &whole]);
    assert!(!done && said.contains("this network has no trunk from ImageNet"), "{said}");
}

/// Steps at full size: `cargo test --test model transfer -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes: every step goes forth and back through all of ResNet-50 and Xception"]
fn they_learn_at_full_size() {
    let _alone = alone();
    for subject in [RESNET50, XCEPTION] {
        let side = subject.side;
        let (train, valid, mut record) = (set("train", 4, side), set("valid", 2, side), Record::default());
        let recipe =
            Recipe { epochs: 5, batch: 4, learning_rate: 1e-4, ..(entry(subject.id).unwrap().preset)().recipe };
        let blueprint = blueprint(&subject, side, Structure::DOCUMENTED);
        let started = Instant::now();
        learn(&blueprint, &recipe, &train, &valid, &mut record);
        let (first, last) = record.losses();
        let seconds = started.elapsed().as_secs_f64() / recipe.epochs as f64;
        println!("{}: loss {first:.4} to {last:.4}; {seconds:.1} s an epoch of one step of 4 pictures", subject.id);
        assert!(last < 0.5 * first, "{}: {first} to {last}", subject.id);
    }
}
