//! The dataset on the page: folders, tables, exports, thumbnails; without an engine.

use genrelens::view::draw::thumbnail::Thumbnail;
use genrelens::view::train::state::TrainingEvent;
use genrelens::web::client::ClientEvent;
use genrelens::web::page::Page;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::*;
use web_sys::{Blob, Element, Event, File, HtmlElement, HtmlInputElement};

use super::page::connected;
use super::training::{stage, training};
use super::{Fixture, file, pixel, until};

/// A drop of two folders as browsers report it: entries in batches, one folder in another.
fn dropped_folders() -> Event {
    let make = js_sys::Function::new_no_args(
        r#"
        const folder = (name, ...batches) => ({
            isDirectory: true, isFile: false, name,
            createReader() {
                const left = [...batches];
                return { readEntries(done) { setTimeout(() => done(left.shift() ?? []), 0); } };
            },
        });
        const file = (name, byte) => ({
            isDirectory: false, isFile: true, name,
            file(done) { setTimeout(() => done(new File([new Uint8Array([byte, 1, 2, 3])], name)), 0); },
        });
        const lost = { isDirectory: false, isFile: true, name: "lost.wav", file(_, failed) { failed(new Error("gone")); } };
        const entries = [
            folder("music", [folder("rock", [file("a.wav", 1)], [file("b.wav", 2), lost])], [file("cover.jpg", 9)]),
            folder("jazz", [file("c.wav", 3)]),
        ];
        const event = new Event("drop", { bubbles: true, cancelable: true });
        const items = entries.map((entry) => ({ webkitGetAsEntry: () => entry }));
        Object.defineProperty(event, "dataTransfer", { value: { items, files: { length: 0 } } });
        return event;
        "#,
    );
    make.call0(&JsValue::NULL).unwrap().unchecked_into()
}

/// The names of the classes, and their lines.
fn classes(fixture: &Fixture) -> Vec<(String, String)> {
    let all = fixture.get::<Element>("train-classes").children();
    let of = |place| {
        let item = all.item(place).unwrap();
        let name = item.query_selector("input").unwrap().unwrap().unchecked_into::<HtmlInputElement>().value();
        let line = item.query_selector("summary > span").unwrap().unwrap().text_content().unwrap();
        (name, line.replace('\u{a0}', " "))
    };
    (0..all.length()).map(of).collect()
}

fn named(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, line)| ((*name).to_owned(), (*line).to_owned())).collect()
}

/// Opens a class; the lines of its clips.
pub async fn clips(fixture: &Fixture, class: &str) -> Vec<String> {
    let details = format!("details[data-class=\"{class}\"]");
    let details = fixture.root.query_selector(&details).unwrap().unwrap();
    if !details.has_attribute("open") {
        details.query_selector("summary").unwrap().unwrap().unchecked_into::<HtmlElement>().click();
    }
    until(|| details.query_selector("li").unwrap().is_some()).await;
    let all = details.get_elements_by_tag_name("li");
    let line = |place| {
        let item = all.item(place).unwrap();
        let text = |class: &str| item.query_selector(class).unwrap().unwrap().text_content().unwrap();
        format!("{} {}", text(".name"), text(".about-clip"))
    };
    (0..all.length()).map(line).collect()
}

#[wasm_bindgen_test]
async fn dropped_folders_become_classes() {
    let (fixture, _page, asked) = training();
    let event = dropped_folders();
    fixture.root.dispatch_event(&event).unwrap();
    assert!(event.default_prevented());
    until(|| fixture.text("train-count") == "3 clips in 2 classes" && stage(&fixture) == "idle").await;
    assert_eq!(classes(&fixture), named(&[("jazz", "1 clip"), ("rock", "2 clips")]));
    assert_eq!(fixture.text("train-notice"), "Left out: 1 file that is not audio (music/cover.jpg).");
    assert_eq!(asked.take(), [""; 0]);
}

/// A drop of a file, on this element.
fn drop_on(element: &Element, name: &str) {
    let make = js_sys::Function::new_with_args(
        "name",
        r#"
        const event = new Event("drop", { bubbles: true, cancelable: true });
        const files = [new File([new Uint8Array([7, 1, 2, 3])], name)];
        Object.defineProperty(event, "dataTransfer", { value: { items: [], files } });
        return event;
        "#,
    );
    let event: Event = make.call1(&JsValue::NULL, &name.into()).unwrap().unchecked_into();
    element.dispatch_event(&event).unwrap();
}

#[wasm_bindgen_test]
async fn a_clip_dropped_on_a_class_goes_into_it() {
    let (fixture, _page, _asked) = training();
    fixture.get::<HtmlInputElement>("class-name").set_value("mine");
    let add = fixture.root.query_selector("#class-form button[type=submit]").unwrap().unwrap();
    add.unchecked_into::<HtmlElement>().click();
    let summary = || fixture.root.query_selector("details[data-class=mine] summary").unwrap();
    until(|| summary().is_some()).await;
    drop_on(&summary().unwrap(), "jazz.00001.wav");
    until(|| fixture.text("train-count") == "1 clip in 1 class" && stage(&fixture) == "idle").await;
    assert_eq!(classes(&fixture), named(&[("mine", "1 clip")]));
    // Elsewhere its name says its class; while the first is added, the second is refused.
    drop_on(&fixture.root, "polka.00001.wav");
    drop_on(&fixture.root, "folk.00001.wav");
    until(|| stage(&fixture) == "idle" && fixture.text("train-notice").contains("the page is busy")).await;
}

#[wasm_bindgen_test]
async fn the_first_sound_of_a_dropped_folder_is_classified() {
    let (fixture, _page, asked) = connected();
    fixture.root.dispatch_event(&dropped_folders()).unwrap();
    let mut received = Vec::new();
    until(|| {
        received.extend(asked.take());
        !received.is_empty()
    })
    .await;
    assert_eq!(received, ["classify c.wav"]);
}

fn audio_files(names: &[&str]) -> Vec<File> {
    names.iter().enumerate().map(|(place, name)| file(name, &[place as u8; 5])).collect()
}

async fn open(fixture: &Fixture, page: &Page, files: Vec<File>, count: &str) {
    page.open(files);
    until(|| fixture.text("train-count") == count && stage(fixture) == "idle").await;
}

#[wasm_bindgen_test]
async fn a_table_adds_artists_and_tags() {
    let (fixture, page, asked) = training();
    let mut files = audio_files(&["a.001.wav", "a.002.wav", "b.001.wav", "b.002.wav"]);
    let table =
        "file,artist,tags\na.001.wav,\"Davis, M\",slow;old\nb.001,Ella,slow|old\nb.002.wav,Ella,rare\nnone.wav,x,y\n";
    files.push(file("about.csv", table.as_bytes()));
    assert!(fixture.hidden("train-tags-box"));
    open(&fixture, &page, files, "4 clips in 2 classes").await;
    let said = fixture.text("train-notice");
    assert!(
        said.starts_with("about.csv describes 3 clips. 1 row matched no clip") && said.contains("(none.wav)"),
        "{said}"
    );
    assert_eq!(clips(&fixture, "a").await, ["a.001.wav Davis, M · slow, old", "a.002.wav "]);
    fixture.get::<HtmlElement>("train-start").click();
    assert_eq!(asked.take(), ["train a+b 0.2 a.001.wav+a.002.wav+b.001.wav+b.002.wav by Davis, M+Ella+Ella"]);
    page.receive(ClientEvent::Training(TrainingEvent::Cancelled));

    assert!(!fixture.hidden("train-tags-box"));
    fixture.get::<HtmlElement>("train-tags").click();
    until(|| fixture.text("train-warnings").contains("Left out: 1 tag that only one clip has (rare)")).await;
    assert!(fixture.text("train-warnings").contains("2 clips without any of the tags that are used"));
    fixture.get::<HtmlElement>("train-start").click();
    assert_eq!(asked.take(), ["train old+slow 0.2 a.001.wav+b.001.wav by Davis, M+Ella many"]);
}

#[wasm_bindgen_test]
async fn a_table_without_files_is_refused_with_a_reason() {
    let (fixture, page, _asked) = training();
    page.open(vec![file("x.csv", b"name,artist\na,b\n")]);
    until(|| fixture.text("train-notice").contains("one of them “file” or “track”") && stage(&fixture) == "idle").await;
}

/// Catches downloads instead of letting the browser save them.
pub fn catch_downloads() {
    // Once for all tests, as they share one document.
    let patch = js_sys::Function::new_no_args(
        r#"
        if (globalThis.caught !== undefined) return;
        globalThis.caught = null;
        const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => { globalThis.caught = blob; return make.call(URL, blob); };
        HTMLAnchorElement.prototype.click = () => {};
        "#,
    );
    patch.call0(&JsValue::NULL).unwrap();
}

pub fn caught() -> Option<Blob> {
    js_sys::Reflect::get(&js_sys::global(), &"caught".into()).unwrap().dyn_into().ok()
}

#[wasm_bindgen_test]
async fn an_exported_dataset_opens_as_it_was() {
    catch_downloads();
    let (fixture, page, _asked) = training();
    let mut files = audio_files(&["drum & bass.001.wav", "drum & bass.002.wav", "b.001.wav"]);
    files.push(file("about.csv", "track,artist,tags\nb.001,Ella,slow".as_bytes()));
    open(&fixture, &page, files, "3 clips in 2 classes").await;
    fixture.get::<HtmlInputElement>("class-name").set_value("nothing: yet");
    let form: Element = fixture.get("class-form");
    let init = web_sys::EventInit::new();
    init.set_cancelable(true);
    form.dispatch_event(&Event::new_with_event_init_dict("submit", &init).unwrap()).unwrap();
    until(|| fixture.text("train-count") == "3 clips in 3 classes").await;
    fixture.get::<HtmlElement>("train-export").click();
    until(|| fixture.text("train-notice").starts_with("Exported 3 clips to genrelens-set.zip.")).await;
    let blob = caught().unwrap();
    let before = classes(&fixture);
    drop((fixture, page));

    let parts = js_sys::Array::of1(&blob);
    let saved = File::new_with_blob_sequence(&parts, "genrelens-set (1).zip").unwrap();
    let (fixture, page, _asked) = training();
    open(&fixture, &page, vec![saved.clone()], "3 clips in 3 classes").await;
    assert_eq!(classes(&fixture), before);
    assert_eq!(before[2], ("nothing: yet".to_owned(), "0 clips".to_owned()));
    assert_eq!(clips(&fixture, "b").await, ["b.001.wav Ella · slow"]);
    assert!(fixture.hidden("train-notice"), "{}", fixture.text("train-notice"));
    page.open(vec![saved]);
    until(|| fixture.text("train-notice") == "Left out: 3 clips that the dataset already has.").await;
}

#[wasm_bindgen_test]
async fn thumbnails_and_lengths_leave_the_keyboard_focus_alone() {
    let (fixture, page, _asked) = training();
    open(&fixture, &page, audio_files(&["a.001.wav", "a.002.wav", "b.001.wav"]), "3 clips in 2 classes").await;
    let name: HtmlInputElement =
        fixture.root.query_selector("input[data-act=\"rename\"][data-class=\"a\"]").unwrap().unwrap().unchecked_into();
    name.focus().unwrap();
    name.set_value("half a na");
    let play = fixture.root.query_selector("details[data-class=\"a\"]").unwrap().unwrap();
    clips(&fixture, "a").await;
    let clip = play.query_selector("[data-act=\"play\"]").unwrap().unwrap().get_attribute("data-clip").unwrap();
    page.receive(ClientEvent::Training(TrainingEvent::Embedded { clip: clip.clone(), outcome: Ok(75.0) }));
    let thumbnail = Thumbnail::new(2, 1, vec![255, 0]).unwrap();
    page.receive(ClientEvent::Training(TrainingEvent::Thumbnail { clip, thumbnail }));
    let canvases = fixture.root.get_elements_by_class_name("thumb");
    let drawn = |place| canvases.item(place).is_some_and(|canvas| canvas.has_attribute("data-drawn"));
    // In the header of the class, and in its list.
    until(|| (0..canvases.length()).filter(|place| drawn(*place)).count() == 2).await;
    assert_eq!(clips(&fixture, "a").await[0], "a.001.wav 1:15");
    assert_eq!(classes(&fixture)[0].1, "2 clips, 1:15");
    assert_eq!(name.value(), "half a na");
    assert!(fixture.document.active_element().is_some_and(|own| own.is_same_node(Some(&name))));
    let canvas = fixture.root.query_selector("canvas[data-drawn]").unwrap().unwrap().unchecked_into();
    assert_ne!(pixel(&canvas, 0, 0), pixel(&canvas, 1, 0));
}

#[wasm_bindgen_test]
async fn many_warnings_and_many_classes_are_shortened() {
    let (fixture, page, _asked) = training();
    let names: Vec<String> = (0..120).map(|place| format!("class {}.{}.wav", place / 2, place)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    open(&fixture, &page, audio_files(&names), "120 clips in 60 classes").await;
    assert_eq!(classes(&fixture).len(), 60);
    assert_eq!(fixture.get::<Element>("train-warnings").child_element_count(), 9);
    assert!(fixture.text("train-warnings").ends_with("And 52 more like these."));
    assert!(fixture.root.query_selector("#train-classes ul li").unwrap().is_none(), "closed lists are empty");
}

#[wasm_bindgen_test]
async fn composed_and_decomposed_accents_are_one_class() {
    let (fixture, page, _asked) = training();
    // As macOS names files, and as others do.
    let mut files = audio_files(&["Cafe\u{301}.001.wav", "Caf\u{e9}.002.wav"]);
    files.push(file("artists.csv", "file,artist\nCafe\u{301}.002.wav,O\u{308}dland\n".as_bytes()));
    open(&fixture, &page, files, "2 clips in 1 class").await;
    assert_eq!(clips(&fixture, "Caf\u{e9}").await, ["Caf\u{e9}.001.wav ", "Caf\u{e9}.002.wav \u{d6}dland"]);
}

#[wasm_bindgen_test]
async fn a_sound_is_known_without_an_ending_and_what_is_left_out_is_named() {
    let (fixture, page, _asked) = training();
    let files = vec![
        file("three", b"RIFF\0\0\0\0WAVEfmt "),
        file("four.m4b", b"\0\0\0\x20ftypM4B "),
        file(".38 Special.wav", b"5"),
        file("notes", b"1. Three"),
        file("._three.wav", b"\0\x05\x16\x07"),
    ];
    open(&fixture, &page, files, "3 clips in 1 class").await;
    assert_eq!(fixture.text("train-notice"), "Left out: 2 files that are not audio (._three.wav, notes).");
}
