//! Training jobs: a few clips are embedded, a network trains on them, and its weights predict the same once they are loaded
//! from a file.

use burn::tensor::Device;
use futures::FutureExt;
use genrelens::card::{BackboneOutput, Card, Structure};
use genrelens::engine::Engine;
use genrelens::eval::metrics::argmax;
use genrelens::eval::report::Scores;
use genrelens::model::weights::{self, Precision};
use genrelens::protocol::{Event, Payload, Request};
use genrelens::recipe::Recipe;
use genrelens::training_job::{LabelledClip, ModelSpec, Split, TrainableLayers, TrainingJob, TrainingResult};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::generator::alone;
use crate::host::Recorder;
use crate::{ask, cards, engine, file, wav};

/// Two and a half seconds of a kind of sound, a little different each time, mono.
pub fn wav(kind: usize, number: usize) -> Vec<u8> {
    let mut noise = (number * 7 + 1) as u32;
    let sample = |index: u32| {
        let t = f64::from(index) / 22_050.0;
        // The generator of "Numerical Recipes": the same noise on every machine.
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
        let tone = |hz: f64| (std::f64::consts::TAU * (hz + number as f64) * t).sin();
        let sound = [tone(220.0), tone(3000.0), hiss * (1.0 - (t * 4.0).fract())][kind];
        ((sound + 0.1 * hiss) * 12_000.0) as i16
    };
    wav::pcm16(22_050, 1, (0..55_125_u32).map(sample))
}

/// Six clips of each of three kinds, the last two of each for validation.
pub fn job(model: ModelSpec, recipe: Recipe) -> TrainingJob {
    let clip = |index: usize| LabelledClip {
        id: index.to_string(),
        name: format!("clip {index}.wav"),
        group: None,
        labels: vec![index % 3],
        split: if index < 12 { Split::Train } else { Split::Valid },
    };
    let labels = ["low", "high", "noise"].map(String::from).to_vec();
    TrainingJob {
        name: "mine".to_owned(),
        labels,
        multi_label: false,
        model,
        clips: (0..18).map(clip).collect(),
        recipe,
    }
}

pub fn from_scratch() -> ModelSpec {
    ModelSpec::FromScratch {
        architecture: "lens".to_owned(),
        front_end: "gtzan-logmel".to_owned(),
        rows: None,
        frames: 16,
        width: 0.25,
    }
}

pub fn embed(engine: &mut Engine, job: &TrainingJob) {
    for (index, clip) in job.clips.iter().enumerate() {
        let event = embed_one(engine, job, index, wav(clip.labels[0], index));
        assert!(matches!(event, Event::Embedded { seconds, windows } if (seconds - 2.5).abs() < 0.01 && windows >= 1));
    }
}

fn embed_one(engine: &mut Engine, job: &TrainingJob, index: usize, bytes: Vec<u8>) -> Event {
    let mut host = Recorder::default();
    let LabelledClip { id, name, .. } = job.clips[index].clone();
    let request = Request::Embed { clip: id, file: name, sample_rate: None, model: job.model.clone(), keep: true };
    ask(engine, request, file(bytes), &mut host);
    host.last().clone()
}

pub fn train(engine: &mut Engine, job: &TrainingJob, host: &mut Recorder) {
    ask(engine, Request::Train { job: Box::new(job.clone()) }, Payload::None, host);
}

pub fn short(epochs: usize) -> Recipe {
    Recipe { epochs, ..from_scratch().quick(12) }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_network_trains_from_scratch_on_a_few_clips() {
    let _alone = alone();
    let (mut engine, job, mut host) = (engine(), job(from_scratch(), short(12)), Recorder::default());
    embed(&mut engine, &job);
    train(&mut engine, &job, &mut host);
    let (card, result, weights) = host.trained();
    assert_eq!((result.epochs.len(), host.epochs()), (12, 12));
    let losses: Vec<f32> = result.epochs.iter().flat_map(|epoch| epoch.step_losses.clone()).collect();
    // Twelve clips of four windows in batches of twelve: four steps an epoch.
    assert_eq!(losses.len(), 12 * 4);
    assert!(losses[47] < losses[0], "{losses:?}");
    assert!(host.events.iter().any(|(event, _)| matches!(event, Event::Step { steps: 48, .. })));
    assert_eq!(result.answers.len(), 18);
    for (clip, answer) in job.clips.iter().zip(&result.answers) {
        assert!((answer.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(argmax(answer), clip.labels[0], "{}: {answer:?}", clip.name);
    }
    assert_eq!(card.figures["valid_song_accuracy"], 1.0);
    assert!(!card.recipe.contains("clip 3") && card.data.contains("12 training clips, 6 validation clips"), "{card:?}");
    predicts_the_same(&mut engine, card, weights, &result);
}

/// Loaded like any other network, it predicts for a clip what the result of its training says.
pub fn predicts_the_same(engine: &mut Engine, card: Card, weights: Vec<u8>, result: &TrainingResult) {
    let mut host = Recorder::default();
    ask(engine, Request::Load { card: Box::new(card) }, Payload::Bytes(weights), &mut host);
    let request = Request::Classify { file: "clip 13.wav".to_owned(), sample_rate: None };
    ask(engine, request, file(wav(1, 13)), &mut host);
    let Event::Classified(prediction) = host.last() else { panic!("{:?}", host.last()) };
    assert_eq!(prediction.model, "mine");
    for (label, expected) in prediction.labels.iter().zip(&result.answers[13]) {
        let found = prediction.genres.iter().find(|score| score.label == *label).unwrap().probability;
        assert!((found - expected).abs() < 1e-5, "{label}: {found}, in the result {expected}");
    }
}

/// A narrow tagger of four labels, with random weights.
fn backbone(name: &str) -> (Card, Vec<u8>) {
    backbone_of(name, "lens", "gtzan-logmel", 128, 1)
}

/// A tagger of four labels, with random weights.
fn backbone_of(name: &str, architecture: &str, front_end: &str, bands: usize, members: usize) -> (Card, Vec<u8>) {
    let card = Card {
        name: name.to_owned(),
        structure: Structure { width: 0.5, members, ..Structure::default() },
        bands,
        frames: 16,
        front_end: front_end.to_owned(),
        labels: ["guitar", "slow", "voice", "noise"].map(String::from).to_vec(),
        multi_label: true,
        ..cards::card(architecture)
    };
    let device = Device::flex();
    // The same weights in every run, whatever was drawn before.
    device.seed(1);
    let network = card.blueprint().unwrap().init(&device);
    let bytes = weights::to_bytes(&network, &card, Precision::F32).now_or_never().unwrap().unwrap();
    (Card { sha256: weights::sha256_hex(&bytes), ..card }, bytes)
}

pub fn with_backbone() -> Engine {
    with(backbone("tags"))
}

fn with((card, bytes): (Card, Vec<u8>)) -> Engine {
    let mut engine = engine();
    let mut host = Recorder::default();
    ask(&mut engine, Request::LoadBackbone { card: Box::new(card) }, Payload::Bytes(bytes), &mut host);
    engine
}

pub fn head(hidden: usize) -> ModelSpec {
    ModelSpec::NewHead { backbones: vec![("tags".to_owned(), BackboneOutput::Both)], hidden }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_head_trains_on_the_features_of_a_backbone() {
    let _alone = alone();
    for hidden in [0, 8] {
        let mut engine = with_backbone();
        let job = job(head(hidden), Recipe { weight_decay: 0.01, ..head(hidden).quick(12) });
        let mut host = Recorder::default();
        embed(&mut engine, &job);
        train(&mut engine, &job, &mut host);
        let (card, result, weights) = host.trained();
        assert_eq!((card.architecture.as_str(), card.structure.hidden), ("head", hidden));
        assert_eq!(card.backbones[0].name, "tags");
        let right = job.clips.iter().zip(&result.answers).filter(|(clip, answer)| argmax(answer) == clip.labels[0]);
        assert_eq!(right.count(), 18);
        predicts_the_same(&mut engine, card, weights, &result);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn the_windows_of_a_long_clip_are_spread_over_all_of_it() {
    let _alone = alone();
    let mut engine = with_backbone();
    let job = job(head(0), short(1));
    // A hundred seconds: forty of these.
    let short = wav(1, 0);
    let mut long = short.clone();
    for _ in 1..40 {
        long.extend_from_slice(&short[44..]);
    }
    // RIFF: byte 4 has the size of the rest of the file, byte 40 that of the samples.
    let bytes = (long.len() - 8) as u32;
    long[4..8].copy_from_slice(&bytes.to_le_bytes());
    long[40..44].copy_from_slice(&(bytes - 36).to_le_bytes());
    let Event::Embedded { seconds, windows } = embed_one(&mut engine, &job, 0, long) else { panic!() };
    assert!((seconds - 100.0).abs() < 0.1 && (20..=24).contains(&windows), "{windows} windows of {seconds} s");
}

pub fn tuned(layers: TrainableLayers) -> ModelSpec {
    ModelSpec::FineTune { network: "tags".to_owned(), layers }
}

#[wasm_bindgen_test(unsupported = test)]
fn features_of_a_network_are_not_used_for_another_of_its_name() {
    let _alone = alone();
    let (mut engine, job) = (with_backbone(), job(tuned(TrainableLayers::Output), short(2)));
    embed(&mut engine, &job);
    let (card, bytes) = backbone_of("tags", "lens", "gtzan-logmel", 128, 2);
    let mut host = Recorder::default();
    ask(&mut engine, Request::LoadBackbone { card: Box::new(card) }, Payload::Bytes(bytes), &mut host);
    train(&mut engine, &job, &mut host);
    let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
    assert!(message.contains("has no features yet for this model"), "{message}");
}

/// The tensors of a weights file by name.
pub fn tensors(bytes: &[u8]) -> std::collections::BTreeMap<String, Vec<u8>> {
    let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
    file.iter().map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec())).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn fine_tuning_changes_the_trainable_layers_only() {
    let _alone = alone();
    let of_musicnn = || backbone_of("tags", "musicnn-msd", "musicnn", 96, 1);
    let of_two = || backbone_of("tags", "lens", "gtzan-logmel", 128, 2);
    for (backbone, layers, new_layers) in [
        (backbone("tags"), TrainableLayers::Output, vec!["output"]),
        (of_two(), TrainableLayers::Output, vec!["members.0.output", "members.1.output"]),
        (of_musicnn(), TrainableLayers::Output, vec!["output"]),
        (of_musicnn(), TrainableLayers::Last, vec!["pooled_norm", "dense", "dense_norm", "output"]),
        (backbone("tags"), TrainableLayers::All, vec![""]),
    ] {
        let before = tensors(&backbone.1);
        let architecture = backbone.0.architecture.clone();
        let mut engine = with(backbone);
        let recipe = Recipe { weight_decay: 0.01, learning_rate: 3e-3, ..tuned(layers).quick(12) };
        let (job, mut host) = (job(tuned(layers), recipe), Recorder::default());
        embed(&mut engine, &job);
        train(&mut engine, &job, &mut host);
        let (card, result, weights) = host.trained();
        assert_eq!((card.architecture.as_str(), card.labels.len()), (architecture.as_str(), 3));
        let right = job.clips.iter().zip(&result.answers).filter(|(clip, answer)| argmax(answer) == clip.labels[0]);
        let right = right.count();
        // The taggers are random, so that single clips stay ambiguous.
        assert!(right >= 15, "{architecture}, {layers:?}: {right} of 18");
        let changed: Vec<String> = tensors(&weights)
            .into_iter()
            .filter(|(name, value)| before[name] != *value)
            .map(|(name, _)| name.rsplit_once('.').unwrap().0.to_owned())
            .collect();
        if layers == TrainableLayers::All {
            assert!(changed.len() > before.len() / 2, "{changed:?}");
        } else {
            assert!(changed.iter().all(|name| new_layers.contains(&name.as_str())), "{architecture}: {changed:?}");
            assert!(new_layers.iter().all(|name| changed.iter().any(|other| other == name)), "{changed:?}");
        }
        predicts_the_same(&mut engine, card, weights, &result);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn fine_tuning_on_the_same_labels_starts_from_the_same_predictions() {
    let _alone = alone();
    let (mut engine, mut host) = (engine(), Recorder::default());
    let first = job(from_scratch(), short(12));
    embed(&mut engine, &first);
    train(&mut engine, &first, &mut host);
    let (card, result, weights) = host.trained();
    let mut host = Recorder::default();
    ask(&mut engine, Request::Load { card: Box::new(card) }, Payload::Bytes(weights), &mut host);
    let model = ModelSpec::FineTune { network: "mine".to_owned(), layers: TrainableLayers::Output };
    let recipe = Recipe { epochs: 1, learning_rate: 1e-6, ..model.quick(12) };
    let again = job(model, recipe);
    embed(&mut engine, &again);
    let mut host = Recorder::default();
    train(&mut engine, &again, &mut host);
    for (before, after) in result.answers.iter().zip(&host.trained().1.answers) {
        let most = before.iter().zip(after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-3, "{before:?} {after:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_head_cannot_be_fine_tuned() {
    let _alone = alone();
    let mut engine = with_backbone();
    let job = job(head(0), head(0).quick(12));
    let mut host = Recorder::default();
    embed(&mut engine, &job);
    train(&mut engine, &job, &mut host);
    let (card, _, weights) = host.trained();
    ask(&mut engine, Request::Load { card: Box::new(card) }, Payload::Bytes(weights), &mut Recorder::default());
    let model = ModelSpec::FineTune { network: "mine".to_owned(), layers: TrainableLayers::All };
    let event = embed_one(&mut engine, &TrainingJob { model, ..job }, 0, wav(0, 0));
    assert!(matches!(&event, Event::Failed { message } if message.contains("train a new head")), "{event:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn the_registry_lists_what_can_be_trained_from_scratch() {
    let (mut engine, mut host) = (engine(), Recorder::default());
    ask(&mut engine, Request::Registry, Payload::None, &mut host);
    let Event::Registry(known) = host.last() else { panic!("{:?}", host.last()) };
    let find = |id: &str| known.iter().find(|known| known.id == id).unwrap();
    assert_eq!((find("net1").frames, find("net1").front_end.as_str()), (128, "net1"));
    assert_eq!(find("resnet50-transfer").rows, Some(224));
    assert!(known.iter().all(|known| known.id != "head" && known.recipe.check().is_ok()));
}

#[wasm_bindgen_test(unsupported = test)]
fn tags_are_trained_independently() {
    let _alone = alone();
    let (mut engine, mut host) = (engine(), Recorder::default());
    let mut job = TrainingJob { multi_label: true, ..job(from_scratch(), short(12)) };
    embed(&mut engine, &job);
    // Every second clip of the last kind is both.
    job.clips.iter_mut().filter(|clip| clip.labels == [2]).for_each(|clip| clip.labels = vec![0, 2]);
    train(&mut engine, &job, &mut host);
    let (card, result, _) = host.trained();
    assert!(card.multi_label);
    assert!(
        matches!(result.epochs[11].valid, Scores::Tags { roc_auc, .. } if roc_auc > 0.9),
        "{:?}",
        result.epochs[11]
    );
    assert!(result.answers[17][0] > 0.5 && result.answers[17][2] > 0.5, "{:?}", result.answers[17]);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_job_that_cannot_run_fails_with_a_sentence() {
    let _alone = alone();
    let (mut engine, job) = (with_backbone(), job(from_scratch(), short(2)));
    let failed = |engine: &mut Engine, job: &TrainingJob| {
        let mut host = Recorder::default();
        train(engine, job, &mut host);
        let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
        message.clone()
    };
    assert!(failed(&mut engine, &job).starts_with("clip 0.wav has no features yet"), "not embedded");
    embed(&mut engine, &job);
    let only = |part| TrainingJob {
        clips: job.clips.iter().map(|clip| LabelledClip { split: part, ..clip.clone() }).collect(),
        ..job.clone()
    };
    assert!(failed(&mut engine, &only(Split::Train)).starts_with("the validation split has no songs"));
    assert!(failed(&mut engine, &only(Split::Valid)).starts_with("the training split has no songs"));
    // Features for one model are of no use to another.
    let other = TrainingJob { model: head(0), ..job.clone() };
    assert!(failed(&mut engine, &other).contains("has no features yet for this model"));
    let unknown = ModelSpec::NewHead { backbones: vec![("nobody".to_owned(), BackboneOutput::Features)], hidden: 0 };
    let event = embed_one(&mut engine, &TrainingJob { model: unknown, ..job.clone() }, 0, wav(0, 0));
    assert!(matches!(&event, Event::Failed { message } if message.contains("'nobody'")), "{event:?}");
    let event = embed_one(&mut engine, &job, 0, b"words".repeat(100));
    assert!(matches!(&event, Event::Failed { message } if message.starts_with("clip 0.wav: ")), "{event:?}");
    let many = ModelSpec::FromScratch {
        architecture: "lens".to_owned(),
        front_end: "gtzan-logmel".to_owned(),
        rows: None,
        frames: usize::MAX,
        width: 0.25,
    };
    let event = embed_one(&mut engine, &TrainingJob { model: many, ..job.clone() }, 0, wav(0, 0));
    assert!(matches!(&event, Event::Failed { message } if message.contains("frames")), "{event:?}");
}
