//! The page of `index.html`, driven by simulated updates.

use std::rc::Rc;

use genrelens::card::Card;
use genrelens::protocol::{
    Adapter, Architecture, EngineInfo, EngineKind, Event, Payload, Prediction, Progress, Score, SpectrogramInfo,
    TagPrediction, WindowScores,
};
use genrelens::view::classify::engine::{Choice, NoGpu};
use genrelens::view::classify::networks::{ActiveNetwork, Catalogue, NetworkDownload, Selection};
use genrelens::web::client::ClientEvent;
use genrelens::web::page::Page;
use wasm_bindgen_test::*;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement, KeyboardEvent, KeyboardEventInit};

use super::fake_engines::FakeEngines;
use super::{Fixture, cards, drag, file, until};

pub fn connected() -> (Fixture, Page, Rc<FakeEngines>) {
    let fixture = Fixture::page();
    let page = Page::attach(&fixture.document).unwrap();
    let asked = Rc::new(FakeEngines::default());
    page.connect(asked.clone());
    (fixture, page, asked)
}

/// Ten frames of 0.5 s and four bands; only the lowest band sounds.
fn spectrogram() -> (Event, Payload) {
    let info = SpectrogramInfo {
        frames: 10,
        bands: 4,
        seconds_per_frame: 0.5,
        band_hz: vec![100.0, 400.0, 1600.0, 6400.0],
        floor_db: -80.0,
        duration_seconds: 5.0,
    };
    (Event::Spectrogram(info), Payload::Floats([0.0, -80.0, -80.0, -80.0].repeat(10)))
}

fn prediction() -> Prediction {
    let score = |label: &str, probability| Score { label: label.to_owned(), probability };
    Prediction {
        model: "net1-gtzan".to_owned(),
        labels: ["hiphop", "jazz", "rock"].map(str::to_owned).to_vec(),
        multi_label: false,
        tags: Vec::new(),
        genres: vec![score("jazz", 0.6234), score("rock", 0.3), score("hiphop", 0.0766)],
        windows: vec![
            WindowScores { start_seconds: 0.0, end_seconds: 3.0, probabilities: vec![0.05, 0.9, 0.05] },
            WindowScores { start_seconds: 2.0, end_seconds: 5.0, probabilities: vec![0.1, 0.3, 0.6] },
        ],
        quick_look: None,
        milliseconds: 345.6,
    }
}

fn half_decoded() -> ClientEvent {
    let progress = Progress { processed_seconds: 2.4, duration_seconds: Some(5.0), fraction: 0.5 };
    ClientEvent::Classification(Event::Progress(progress), Payload::None)
}

pub fn finish(page: &Page) {
    let (event, payload) = spectrogram();
    page.receive(ClientEvent::Classification(event, payload));
    page.receive(ClientEvent::Classification(Event::Classified(prediction()), Payload::None));
    page.render().unwrap();
}

#[wasm_bindgen_test]
fn the_page_goes_from_idle_over_working_to_done() {
    let (fixture, page, asked) = connected();
    page.render().unwrap();
    assert_eq!(fixture.state(), "idle");
    for id in ["result", "progress-box", "error", "notice"] {
        assert!(fixture.hidden(id), "{id}");
    }

    page.open(vec![file("song.wav", b"")]);
    assert_eq!(asked.take(), ["classify song.wav"]);
    page.receive(half_decoded());
    page.render().unwrap();
    assert_eq!(fixture.state(), "working");
    assert!(!fixture.hidden("progress-box"));
    assert_eq!(fixture.text("progress-text"), "Analyzing: 0:02 of 0:05…");
    let progress: web_sys::HtmlProgressElement = fixture.get("progress");
    assert_eq!(progress.value(), 0.5);

    let (event, payload) = spectrogram();
    page.receive(ClientEvent::Classification(event, payload));
    page.receive(ClientEvent::Classification(Event::SoFar(prediction()), Payload::None));
    page.render().unwrap();
    assert_eq!((fixture.state().as_str(), fixture.text("verdict").as_str()), ("working", "So far, most likely jazz…"));
    assert!(!fixture.hidden("result") && !fixture.hidden("strip-box") && fixture.hidden("detail"));

    finish(&page);
    assert_eq!(fixture.state(), "done");
    assert!(fixture.hidden("progress-box") && !fixture.hidden("result") && !fixture.hidden("numbers"));
    assert_eq!(fixture.text("verdict"), "Most likely jazz (62 %)");
    assert_eq!(fixture.text("recording"), "song.wav · 0:05");
}

#[wasm_bindgen_test]
fn the_table_has_every_genre_with_its_probability() {
    let (fixture, page, _asked) = connected();
    page.open(vec![file("song.wav", b"")]);
    finish(&page);
    let rows = fixture.get::<Element>("genre-rows").children();
    let row = |i: u32| {
        let row = rows.item(i).unwrap();
        let cells = row.children();
        let text = |cell: u32| cells.item(cell).unwrap().text_content().unwrap().replace('\u{a0}', " ");
        let attribute = |name: &str| row.get_attribute(name).unwrap();
        [attribute("data-genre"), attribute("data-probability"), text(0), text(1), text(2)]
    };
    assert_eq!(rows.length(), 3);
    assert_eq!(row(0), ["jazz", "0.6234", "jazz", "62 %", "90 %"]);
    assert_eq!(row(2), ["hiphop", "0.0766", "hip-hop", "8 %", "10 %"]);
    assert_eq!(fixture.text("legend"), "jazz 50 % of the timerock 50 % of the time");
    let label = fixture.get::<Element>("bars").get_attribute("aria-label").unwrap();
    assert!(label.contains("rock"), "{label}");
}

#[wasm_bindgen_test]
fn a_second_file_replaces_the_first_and_an_error_does_not_block_the_next() {
    let (fixture, page, asked) = connected();
    page.open(vec![file("song.wav", b"")]);
    finish(&page);
    page.open(vec![file("noise.wav", b"")]);
    page.render().unwrap();
    assert_eq!((fixture.state().as_str(), fixture.hidden("result")), ("working", true));
    assert_eq!(fixture.get::<Element>("genre-rows").child_element_count(), 0);

    let message = "noise.wav is no WAV file.".to_owned();
    page.receive(ClientEvent::Classification(Event::Failed { message: message.clone() }, Payload::None));
    page.render().unwrap();
    assert_eq!((fixture.state(), fixture.text("error-text")), ("error".to_owned(), message));
    assert!(!fixture.hidden("error") && !fixture.get::<HtmlInputElement>("file").disabled());

    asked.take();
    page.open(vec![file("song.wav", b"")]);
    finish(&page);
    assert_eq!((fixture.state().as_str(), fixture.hidden("error")), ("done", true));
    assert_eq!(asked.take().len(), 1);
}

#[wasm_bindgen_test]
fn cancelling_by_button_or_key_goes_back_to_idle() {
    let (fixture, page, asked) = connected();
    let escape = KeyboardEventInit::new();
    escape.set_key("Escape");
    escape.set_bubbles(true);
    let press = || KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &escape).unwrap();
    fixture.document.dispatch_event(&press()).unwrap();
    assert!(asked.take().is_empty(), "there is nothing to cancel");

    for by_key in [false, true] {
        page.open(vec![file("song.wav", b"")]);
        asked.take();
        if by_key {
            fixture.document.dispatch_event(&press()).unwrap();
        } else {
            fixture.get::<HtmlElement>("cancel").click();
        }
        // The engine had gone on for a moment.
        page.receive(half_decoded());
        page.render().unwrap();
        assert_eq!(asked.take(), ["cancel"]);
        assert_eq!((fixture.state().as_str(), fixture.hidden("notice")), ("idle", false));
    }
}

#[wasm_bindgen_test]
fn the_engine_line_shows_the_engine_and_the_choice_is_passed_on() {
    let (fixture, page, asked) = connected();
    let adapter = Adapter { name: "NVIDIA Lovelace".to_owned(), software: false };
    let gpu = EngineInfo { kind: EngineKind::Gpu, adapter: Some(adapter) };
    page.receive(ClientEvent::EngineInUse {
        info: Some(gpu),
        choice: Choice::GpuFaster { cpu_ms: 40.0, gpu_ms: 4.0, steps: None },
    });
    page.render().unwrap();
    let line: Element = fixture.get("engine");
    assert_eq!(line.get_attribute("data-engine").as_deref(), Some("gpu"));
    assert_eq!(line.get_attribute("data-choice").as_deref(), Some("gpu-faster"));
    assert!(fixture.text("engine").contains("NVIDIA Lovelace: 10 times faster"), "{}", fixture.text("engine"));

    let select: HtmlSelectElement = fixture.get("engine-choice");
    select.set_value("cpu");
    select.dispatch_event(&web_sys::Event::new("change").unwrap()).unwrap();
    assert_eq!(asked.take(), ["prefer cpu"]);
    let cpu = EngineInfo { kind: EngineKind::Cpu, adapter: None };
    page.receive(ClientEvent::EngineInUse { info: Some(cpu), choice: Choice::OnlyCpu { reason: NoGpu::NoWebGpu } });
    page.render().unwrap();
    assert_eq!(line.get_attribute("data-engine").as_deref(), Some("cpu"));
}

fn catalogue() -> Rc<Catalogue> {
    let json = r#"{"first": "small", "default": "head", "networks": [
        {"name": "head", "summary": "A head.", "bytes": 3200000}, {"name": "small", "summary": "A small one.", "bytes": 700000}]}"#;
    Rc::new(Catalogue::parse(json.as_bytes()).unwrap())
}

pub fn card(name: &str) -> Card {
    Card {
        name: name.to_owned(),
        summary: format!("The {name} itself."),
        labels: vec!["jazz".to_owned(), "rock".to_owned()],
        data: "GTZAN".to_owned(),
        figures: [("valid_song_accuracy".to_owned(), 0.61)].into(),
        licence: "MIT".to_owned(),
        ..cards::card("net1")
    }
}

fn in_use(name: &str) -> ClientEvent {
    let card = card(name);
    let architecture = Architecture { summary: "Layers.".to_owned(), source: "A paper".to_owned(), parameters: 1234 };
    ClientEvent::NetworkInUse(Rc::new(ActiveNetwork { card, architecture }))
}

#[wasm_bindgen_test]
fn a_network_is_chosen_and_the_choice_returns_on_failure() {
    let (fixture, page, asked) = connected();
    page.receive(ClientEvent::Catalogue(catalogue()));
    page.receive(in_use("small"));
    page.render().unwrap();
    let select: HtmlSelectElement = fixture.get("network-choice");
    assert_eq!((select.length(), select.value().as_str(), select.disabled()), (2, "small", false));
    assert_eq!(fixture.text("network-summary"), "A small one.");
    let facts = fixture.text("network-facts");
    assert!(facts.contains("The small itself.") && facts.contains("6 in 10") && facts.contains("1 234"), "{facts}");

    select.set_value("head");
    select.dispatch_event(&web_sys::Event::new("change").unwrap()).unwrap();
    assert_eq!(asked.take(), ["use head"]);
    let download =
        NetworkDownload { name: "head".to_owned(), selection: Selection::User, fetched: 1_600_000, total: 3_200_000 };
    page.receive(ClientEvent::NetworkArriving(Some(download)));
    page.render().unwrap();
    assert_eq!((select.value().as_str(), fixture.hidden("network-progress-box")), ("head", false));
    assert_eq!(fixture.text("network-progress-text"), "Downloading head: 1.6 MB of 3.2 MB…");
    assert_eq!(select.get_attribute("data-in-use").as_deref(), Some("small"));

    page.receive(ClientEvent::NetworkArriving(None));
    page.receive(ClientEvent::NetworkRefused("head cannot be used.".to_owned()));
    page.render().unwrap();
    assert_eq!((select.value().as_str(), fixture.hidden("network-progress-box")), ("small", true));
    assert_eq!(fixture.text("network-error"), "head cannot be used.");

    select.set_value("head");
    select.dispatch_event(&web_sys::Event::new("change").unwrap()).unwrap();
    page.receive(in_use("head"));
    page.render().unwrap();
    assert_eq!((select.value().as_str(), fixture.hidden("network-error")), ("head", true));
}

#[wasm_bindgen_test]
fn a_first_result_stays_until_it_is_refined() {
    let (fixture, page, asked) = connected();
    page.open(vec![file("song.wav", b"")]);
    finish(&page);
    asked.take();
    page.receive(ClientEvent::Reclassifying { network: "head".to_owned(), selection: Selection::Refine });
    page.receive(half_decoded());
    let other = Prediction { model: "head".to_owned(), ..prediction() };
    page.receive(ClientEvent::Classification(Event::SoFar(other.clone()), Payload::None));
    page.render().unwrap();
    assert_eq!((fixture.state().as_str(), fixture.text("verdict").as_str()), ("done", "Most likely jazz (62 %)"));
    assert!(!fixture.hidden("reclassify-box") && fixture.hidden("progress-box"));
    assert!(fixture.text("reclassify-text").starts_with("Analyzing again with head to refine the result."));

    page.receive(ClientEvent::Classification(Event::Classified(other), Payload::None));
    page.render().unwrap();
    assert!(fixture.hidden("reclassify-box"));
    let detail = fixture.text("detail");
    assert!(
        detail.contains("Refined with head in 346 ms; the first result, from net1-gtzan, was jazz (62 %)."),
        "{detail}"
    );

    page.receive(ClientEvent::Reclassifying { network: "third".to_owned(), selection: Selection::User });
    page.render().unwrap();
    fixture.get::<HtmlElement>("reclassify-cancel").click();
    page.render().unwrap();
    assert_eq!((asked.take(), fixture.state().as_str()), (vec!["cancel".to_owned()], "done"));
    assert!(fixture.hidden("reclassify-box"));
}

#[wasm_bindgen_test]
fn tags_are_shown_beside_genres_or_instead_of_them() {
    let (fixture, page, _asked) = connected();
    page.open(vec![file("song.wav", b"")]);
    finish(&page);
    assert!(fixture.hidden("tags"));
    let labels: Vec<String> = (0..50).map(|index| format!("tag {index}")).collect();
    let score = |label: &String| Score { label: label.clone(), probability: 0.5 };
    let tags: Vec<Score> = labels.iter().map(score).collect();
    let windows = vec![vec![0.25; 50], vec![0.75; 50]];
    let of_backbone =
        TagPrediction { model: "musicnn-msd".to_owned(), labels: labels.clone(), tags: tags.clone(), windows };
    let beside = Prediction { tags: vec![of_backbone], ..prediction() };
    page.receive(ClientEvent::Classification(Event::Classified(beside), Payload::None));
    page.render().unwrap();
    assert!(!fixture.hidden("tags"));
    let groups = fixture.text("tag-groups");
    assert!(groups.contains("tag 750 %") && !groups.contains("tag 8"), "the first eight: {groups}");
    // The backbone's heading, and a row a tag: its name, of the whole recording, at its most typical.
    let tables = fixture.text("tag-tables");
    assert_eq!(tables.matches("50 %75 %").count(), 50, "{tables}");

    let alone = Prediction { genres: tags, labels, multi_label: true, windows: Vec::new(), ..prediction() };
    page.receive(ClientEvent::Classification(Event::Classified(alone), Payload::None));
    page.render().unwrap();
    assert!(fixture.hidden("tags"));
    assert_eq!(fixture.text("verdict"), "Most fitting tags: tag 0 (50 %), tag 1 (50 %), tag 2 (50 %)");
    assert_eq!(
        (fixture.text("label-heading").as_str(), fixture.get::<Element>("genre-rows").child_element_count()),
        ("Tag", 50)
    );
}

#[wasm_bindgen_test]
fn known_tags_are_a_sentence_and_families() {
    let (fixture, page, _asked) = connected();
    page.open(vec![file("song.wav", b"")]);
    // The harp is rare, so that a tenth is much; of the guitar it is less than usual.
    let tags = [("harp", 0.1), ("guitar", 0.1), ("slow", 0.5), ("female voice", 0.4)];
    let score = |(label, probability): (&str, f32)| Score { label: label.to_owned(), probability };
    let labels: Vec<String> = tags.iter().map(|tag| tag.0.to_owned()).collect();
    let windows = vec![vec![0.25; 4]];
    let of_backbone =
        TagPrediction { model: "musicnn-mtt".to_owned(), labels, tags: tags.map(score).to_vec(), windows };
    let beside = Prediction { tags: vec![of_backbone], ..prediction() };
    page.receive(ClientEvent::Classification(Event::Classified(beside), Payload::None));
    page.render().unwrap();
    assert_eq!(fixture.text("sounds-like"), "Sounds with harp and a female voice; slow.");
    let groups = fixture.text("tag-groups");
    assert!(groups.contains("Instrumentsharp> 99 %"), "{groups}");
    assert!(groups.contains("Voicefemale voice") && !groups.contains("guitar"), "{groups}");
}

#[wasm_bindgen_test]
fn a_broken_engine_is_reported_and_takes_no_files() {
    let (fixture, page, asked) = connected();
    page.receive(ClientEvent::Fatal("The weights are damaged.".to_owned()));
    page.open(vec![file("song.wav", b"")]);
    page.render().unwrap();
    assert_eq!((fixture.state().as_str(), fixture.text("error-text").as_str()), ("error", "The weights are damaged."));
    assert!(asked.take().is_empty());
}

#[wasm_bindgen_test]
async fn a_dropped_file_reaches_the_engine_and_the_later_of_two_wins() {
    let (fixture, page, asked) = connected();
    let zone: Element = fixture.get("drop-zone");
    zone.dispatch_event(&drag("drop", &[file("first.wav", b"1")])).unwrap();
    zone.dispatch_event(&drag("drop", &[file("second.wav", b"2"), file("third.wav", b"3")])).unwrap();
    assert_eq!(asked.take(), ["classify first.wav", "classify second.wav"]);
    page.render().unwrap();
    assert_eq!(
        fixture.text("warnings"),
        "Only one file is analyzed at a time: second.wav. third.wav was not opened.",
        "two files at once"
    );

    zone.dispatch_event(&drag("drop", &[])).unwrap();
    until(|| !fixture.hidden("notice")).await;
}

#[wasm_bindgen_test]
fn a_dropped_page_receives_no_more_events() {
    let (fixture, page, asked) = connected();
    drop(page);
    assert_eq!(Rc::strong_count(&asked), 1, "nothing holds the page");
    let select: HtmlSelectElement = fixture.get("engine-choice");
    select.dispatch_event(&web_sys::Event::new("change").unwrap()).unwrap();
    fixture.get::<Element>("drop-zone").dispatch_event(&drag("drop", &[file("late.wav", b"1")])).unwrap();
    assert!(asked.take().is_empty());
}
