//! Networks that are loaded, recordings that are refused or cancelled, thumbnails, archives.

use burn::tensor::Device;
use futures::FutureExt;
use genrelens::audio::Source;
use genrelens::card::{Backbone, BackboneOutput, Card, Structure};
use genrelens::engine::Engine;
use genrelens::model::weights::{self, Precision};
use genrelens::protocol::{Event, Payload, Prediction, Request};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::generator::shared;
use crate::host::Recorder;
use crate::{cards, file, wav};

pub fn ask(engine: &mut Engine, request: Request, payload: Payload<Box<dyn Source>>, host: &mut Recorder) {
    let _shared = shared();
    crate::ask(engine, request, payload, host);
}

pub fn card() -> Card {
    Card { name: "fresh".to_owned(), ..cards::card("net2") }
}

/// An engine with a fresh network.
pub fn engine() -> Engine {
    let mut engine = crate::engine();
    let loaded = load(&mut engine, fresh(card()));
    assert!(matches!(&loaded, Event::Loaded { model, .. } if model == "fresh"), "{loaded:?}");
    engine
}

/// Two engines with the same fresh network.
pub fn twins() -> [Engine; 2] {
    let network = fresh(card());
    [(), ()].map(|()| {
        let mut engine = crate::engine();
        let loaded = load(&mut engine, network.clone());
        assert!(matches!(loaded, Event::Loaded { .. }), "{loaded:?}");
        engine
    })
}

/// The network of a card with fresh weights, its SHA-256 on the card.
pub fn fresh(card: Card) -> (Card, Vec<u8>) {
    let _shared = shared();
    let network = card.blueprint().unwrap().init(&Device::flex());
    let bytes = weights::to_bytes(&network, &card, Precision::F16).now_or_never().unwrap().unwrap();
    (Card { sha256: weights::sha256_hex(&bytes), ..card }, bytes)
}

pub fn load(engine: &mut Engine, (card, bytes): (Card, Vec<u8>)) -> Event {
    let mut host = Recorder::default();
    ask(engine, Request::Load { card: Box::new(card) }, Payload::Bytes(bytes), &mut host);
    host.last().clone()
}

pub fn load_backbone(engine: &mut Engine, (card, bytes): (Card, Vec<u8>)) -> Event {
    let mut host = Recorder::default();
    ask(engine, Request::LoadBackbone { card: Box::new(card) }, Payload::Bytes(bytes), &mut host);
    host.last().clone()
}

/// A narrow network of four tags.
pub fn tags(name: &str) -> Card {
    let structure = Structure { width: 0.1, ..Structure::default() };
    let labels = ["guitar", "slow", "voice", "noise"].map(String::from).to_vec();
    Card { name: name.to_owned(), structure, labels, multi_label: true, ..card() }
}

/// A head on the logits of these networks.
pub fn head(backbones: &[&Card]) -> Card {
    let backbone = |card: &&Card| Backbone {
        name: card.name.clone(),
        sha256: card.sha256.clone(),
        output: BackboneOutput::Logits,
    };
    let structure = Structure { features: 4 * backbones.len(), ..Structure::default() };
    let backbones = backbones.iter().map(backbone).collect();
    Card { name: "head".to_owned(), architecture: "head".to_owned(), structure, backbones, ..card() }
}

/// The prediction for a tone.
fn classify_tone(engine: &mut Engine) -> Prediction {
    let mut host = Recorder::default();
    classify(engine, wav(9.0, 22_050), &mut host);
    let Event::Classified(prediction) = host.last() else { panic!("{:?}", host.last()) };
    prediction.clone()
}

/// A rising tone, mono.
pub fn wav(seconds: f64, sample_rate: u32) -> Vec<u8> {
    let sample = |index: usize| {
        let t = index as f64 / f64::from(sample_rate);
        let sample = (std::f64::consts::TAU * (200.0 + 300.0 * t) * t).sin();
        (sample * 16_000.0) as i16
    };
    wav::pcm16(sample_rate, 1, (0..(seconds * f64::from(sample_rate)) as usize).map(sample))
}

pub fn classify(engine: &mut Engine, bytes: Vec<u8>, host: &mut Recorder) {
    ask(engine, request(None), file(bytes), host);
}

pub fn request(sample_rate: Option<u32>) -> Request {
    Request::Classify { file: "tone.wav".to_owned(), sample_rate }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_cancelled_request_is_reported_and_the_next_one_works() {
    let mut engine = engine();
    // At moments all over the job.
    for pauses in [0, 1, 10, 25] {
        let mut host = Recorder { cancel_after_pauses: Some(pauses), ..Recorder::default() };
        classify(&mut engine, wav(20.0, 22_050), &mut host);
        assert_eq!(host.last(), &Event::Cancelled, "after {pauses} pauses");
    }
    let mut host = Recorder::default();
    classify(&mut engine, wav(4.0, 22_050), &mut host);
    assert!(matches!(host.last(), Event::Classified(_)));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_recording_that_cannot_be_classified_fails_with_a_sentence() {
    let mut engine = engine();
    let mut host = Recorder::default();
    classify(&mut engine, Vec::new(), &mut host);
    let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
    assert!(message.starts_with("tone.wav: ") && message.contains("empty"), "{message}");

    let mut host = Recorder::default();
    classify(&mut engine, b"OggS, and what else an Opus file has".to_vec(), &mut host);
    let Event::Unsupported { message } = host.last() else { panic!("{:?}", host.last()) };
    assert!(message.starts_with("tone.wav: it is an Ogg file"), "{message}");

    let mut silence = wav(4.0, 22_050);
    silence[44..].fill(0); // the samples, after hound's header
    let mut host = Recorder::default();
    classify(&mut engine, silence, &mut host);
    let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
    assert!(message.contains("silent"), "{message}");

    let mut host = Recorder::default();
    classify(&mut engine, wav(0.1, 22_050), &mut host);
    let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
    assert!(message.contains("0.10 s long"), "{message}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_request_before_its_network_fails_with_a_sentence() {
    for request in [request(None), Request::SelfTest] {
        let mut host = Recorder::default();
        ask(&mut crate::engine(), request, file(wav(4.0, 22_050)), &mut host);
        let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
        assert!(message.ends_with("no network is loaded yet"), "{message}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn weights_that_do_not_fit_leave_the_network_in_place() {
    let mut engine = engine();
    let mut host = Recorder::default();
    ask(&mut engine, Request::Load { card: Box::new(card()) }, Payload::Bytes(vec![1, 2, 3]), &mut host);
    assert!(matches!(host.last(), Event::Failed { .. }));
    classify(&mut engine, wav(4.0, 22_050), &mut host);
    assert!(matches!(host.last(), Event::Classified(_)));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_head_reports_the_tags_of_its_backbones() {
    let mut engine = crate::engine();
    let backbones = [fresh(tags("msd")), fresh(tags("mtt"))];
    let head = fresh(head(&[&backbones[0].0, &backbones[1].0]));
    for backbone in backbones {
        assert!(matches!(load_backbone(&mut engine, backbone), Event::Loaded { .. }));
    }
    let Event::Loaded { model, architecture } = load(&mut engine, head) else { panic!("it does not load") };
    // Eight features to three genres, with their biases.
    assert_eq!((model.as_str(), architecture.parameters), ("head", 8 * 3 + 3));
    assert!(!architecture.summary.is_empty() && !architecture.source.is_empty());

    let prediction = classify_tone(&mut engine);
    assert_eq!((prediction.model.as_str(), prediction.multi_label, prediction.genres.len()), ("head", false, 3));
    let models: Vec<&str> = prediction.tags.iter().map(|tags| tags.model.as_str()).collect();
    assert_eq!(models, ["msd", "mtt"]);
    for tags in &prediction.tags {
        assert_eq!((tags.labels.len(), tags.tags.len()), (4, 4));
        assert!(prediction.windows.len() > 2 && tags.windows.len() == prediction.windows.len());
        for score in &tags.tags {
            let place = tags.labels.iter().position(|label| *label == score.label).unwrap();
            let mean = tags.windows.iter().map(|window| window[place]).sum::<f32>() / tags.windows.len() as f32;
            assert!((score.probability - mean).abs() < 1e-5 && (0.0..=1.0).contains(&mean));
        }
    }
    let mut host = Recorder::default();
    ask(&mut engine, Request::SelfTest, Payload::None, &mut host);
    let Event::SelfTested(result) = host.last() else { panic!("{:?}", host.last()) };
    // A head alone is never what takes long to train.
    assert_eq!((result.logits.len(), result.step_milliseconds), (8 * 3, None));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_tagger_classifies_by_itself() {
    let mut engine = crate::engine();
    load(&mut engine, fresh(tags("msd")));
    let prediction = classify_tone(&mut engine);
    assert!(prediction.multi_label && prediction.tags.is_empty() && prediction.genres.len() == 4);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_head_without_its_backbone_leaves_the_network_in_place() {
    let mut engine = engine();
    let backbone = fresh(tags("msd"));
    let head = fresh(head(&[&backbone.0]));
    let expect = |event: Event, part: &str| match event {
        Event::Failed { message } => assert!(message.contains(part), "{message}"),
        other => panic!("{other:?}"),
    };
    expect(load(&mut engine, head.clone()), "needs the backbone 'msd', which is not loaded");
    // Of the same name and other weights.
    load_backbone(&mut engine, fresh(tags("msd")));
    expect(load(&mut engine, head.clone()), "another version of 'msd'");
    assert_eq!(classify_tone(&mut engine).model, "fresh");

    load_backbone(&mut engine, backbone);
    let mut damaged = head.clone();
    // One bit is enough for another checksum.
    damaged.1[100] ^= 1;
    expect(load(&mut engine, damaged), "damaged");
    assert_eq!(classify_tone(&mut engine).model, "fresh");
    load(&mut engine, head);
    assert_eq!(classify_tone(&mut engine).model, "head");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_card_that_does_not_fit_its_input_is_refused() {
    let mut engine = engine();
    let backbone = fresh(tags("msd"));
    load_backbone(&mut engine, backbone.clone());
    let on_it = fresh(head(&[&backbone.0]));
    load_backbone(&mut engine, on_it.clone());
    let mut refused = |card: Card, part: &str| match load(&mut engine, fresh(card)) {
        Event::Failed { message } => assert!(message.contains(part), "{message}"),
        other => panic!("{other:?}"),
    };
    let fits = head(&[&backbone.0]);
    let wider = Structure { features: fits.structure.features + 1, ..fits.structure };
    refused(Card { structure: wider, ..fits.clone() }, "features, its backbones have");
    refused(Card { backbones: Vec::new(), ..fits.clone() }, "it is a head without backbones");
    refused(Card { backbones: fits.backbones.clone(), ..card() }, "it has backbones but is no head");
    let on_a_head =
        Backbone { name: on_it.0.name.clone(), sha256: on_it.0.sha256.clone(), output: BackboneOutput::Logits };
    let one = Structure { features: 3, ..fits.structure };
    refused(
        Card { backbones: vec![on_a_head], structure: one, ..fits.clone() },
        "is a head, which has backbones of its own",
    );
    refused(Card { bands: 64, ..card() }, "it expects 64 mel bands, its front end has 128");
    refused(Card { frames: 3, ..card() }, "its windows have 3 frames, it needs at least 4");
    assert_eq!(classify_tone(&mut engine).model, "fresh");
}

#[wasm_bindgen_test(unsupported = test)]
fn sizes_of_a_card_allocate_no_memory_before_the_weights_are_checked() {
    let mut engine = engine();
    let (_, bytes) = fresh(card());
    // Its first dense layer alone would take 69 GB.
    let structure = Structure { width: 4.0, ..Structure::default() };
    let architecture = "fma-cnn2d-deep".to_owned();
    let huge = Card { architecture, structure, bands: 16_384, frames: 16_384, ..card() };
    let Event::Failed { message } = load(&mut engine, (huge, bytes)) else { panic!("it loads") };
    assert!(message.contains("do not fit the network 'fma-cnn2d-deep'"), "{message}");
}

fn make_thumbnail(engine: &mut Engine, bytes: Vec<u8>, host: &mut Recorder) {
    ask(engine, Request::Thumbnail { file: "tone.wav".to_owned(), sample_rate: None }, file(bytes), host);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_thumbnail_is_a_small_picture_of_the_beginning() {
    let mut engine = crate::engine();
    let mut host = Recorder::default();
    make_thumbnail(&mut engine, wav(25.0, 22_050), &mut host);
    let (Event::Thumbnail { seconds, columns, bands }, Payload::Bytes(levels)) = host.events.last().unwrap() else {
        panic!("{:?}", host.last())
    };
    assert_eq!((*columns, *bands, levels.len()), (48, 24, 48 * 24));
    assert!((seconds - 25.0).abs() < 0.01, "{seconds}");
    assert!(levels.contains(&255) || levels.iter().any(|level| *level > 200), "the tone is to be seen");
    assert!(levels.iter().any(|level| *level < 60), "and so is what is not there");
    // A third of a second to a block at 44.1 kHz: of all the recording there would be more.
    assert!(host.pauses < 20, "{}", host.pauses);

    let mut host = Recorder { cancel_after_pauses: Some(2), ..Recorder::default() };
    make_thumbnail(&mut engine, wav(25.0, 22_050), &mut host);
    assert_eq!(host.last(), &Event::Cancelled);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_clip_that_cannot_be_decoded_has_no_thumbnail() {
    let mut engine = crate::engine();
    let mut refused = |bytes: Vec<u8>| {
        let mut host = Recorder::default();
        make_thumbnail(&mut engine, bytes, &mut host);
        let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
        message.clone()
    };
    assert!(refused(b"words and no music".to_vec()).starts_with("tone.wav: it is not a known audio file"));
    let mut silent = wav(1.0, 22_050);
    silent[44..].fill(0);
    assert!(refused(silent).contains("silent"));
}

#[wasm_bindgen_test(unsupported = test)]
fn an_archive_is_unpacked_file_by_file() {
    let mut packer = genrelens::archive::pack::Packer::default();
    let mut bytes = Vec::new();
    for (path, content) in [("a/one.wav", "1"), ("a/more.zip", "z"), ("b/two.wav", "22")] {
        bytes.extend(packer.header(path, rawzip::crc32(content.as_bytes()), content.len() as u64).unwrap());
        bytes.extend(content.as_bytes());
    }
    bytes.extend(packer.finish());
    let mut engine = crate::engine();
    let unpack = || Request::Unpack { file: "set.zip".to_owned() };
    let mut host = Recorder::default();
    ask(&mut engine, unpack(), file(bytes.clone()), &mut host);
    let told = |path: &str, content: &str| {
        (Event::Unpacking { path: path.to_owned() }, Payload::Bytes(content.as_bytes().to_vec()))
    };
    assert_eq!(host.events[..2], [told("a/one.wav", "1"), told("b/two.wav", "22")]);
    let Event::Unpacked { left_out } = host.last() else { panic!("{:?}", host.last()) };
    assert!(left_out[0].contains("a/more.zip"), "{left_out:?}");

    let mut host = Recorder { cancel_after_pauses: Some(0), ..Recorder::default() };
    ask(&mut engine, unpack(), file(bytes), &mut host);
    assert_eq!((host.events.len(), host.last()), (2, &Event::Cancelled));
    let mut host = Recorder::default();
    ask(&mut engine, unpack(), file(b"PK no archive".to_vec()), &mut host);
    let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
    assert!(message.starts_with("set.zip: it is not a .zip archive"), "{message}");
}
