//! Storage on the device, in a real IndexedDB, driven by made-up files and events.

use std::rc::Rc;

use genrelens::card::Card;
use genrelens::training_job::{Split, TrainingResult};
use genrelens::view::classify::networks::Catalogue;
use genrelens::view::storage::state::StorageError;
use genrelens::view::train::results::Outcome;
use genrelens::view::train::state::{ResumePoint, TrainingEvent};
use genrelens::web::client::{ClientEvent, OwnNetwork};
use genrelens::web::dom;
use genrelens::web::page::Page;
use genrelens::web::store::{Change, ObjectStore, Store, from_value, to_value};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::*;
use web_sys::{Blob, Element, Event, EventInit, File, HtmlElement, HtmlInputElement};

use super::fake_engines::FakeEngines;
use super::page::card;
use super::training::{clips, report, stage, training};
use super::{Fixture, file, until};

/// An empty store.
pub async fn store(name: &str) -> Store {
    let store = Store::open_named(name).await.unwrap();
    store.clear().await.unwrap();
    store
}

/// The page in its training view, once it has restored the content of this store.
pub async fn visit(store: &Store) -> (Fixture, Page, Rc<FakeEngines>) {
    let (fixture, page, asked) = training();
    page.restore_from(store.clone()).await;
    (fixture, page, asked)
}

/// Waits until every change is in the store; the page shows that in the frame after.
pub async fn storage(fixture: &Fixture) {
    super::next_frame().await;
    until(|| fixture.get::<Element>("storage").get_attribute("data-storage").as_deref() == Some("saved")).await;
}

pub async fn collect(fixture: &Fixture, page: &Page) {
    page.open(clips(&["b.001.wav", "b.002.wav", "a.001.wav", "a.002.wav"]));
    until(|| fixture.text("train-count") == "4 clips in 2 classes" && stage(fixture) == "idle").await;
    storage(fixture).await;
}

pub fn click(fixture: &Fixture, id: &str) {
    fixture.get::<HtmlElement>(id).click();
}

#[wasm_bindgen_test]
async fn files_and_numbers_come_back_as_they_were() {
    let store = store("test-store").await;
    // A run that diverges has such losses, which JSON could not hold.
    let losses = vec![0.5, f32::NAN, f32::INFINITY];
    let changes = [
        Change::put(ObjectStore::Clips, "1", file("a song.wav", &[1, 2, 3])),
        Change::put(ObjectStore::Values, "losses", to_value(&losses).unwrap()),
        Change::put(ObjectStore::Values, "gone", "text"),
    ];
    store.write(&changes).await.unwrap();
    store
        .write(&[Change::delete(ObjectStore::Values, "gone"), Change::delete(ObjectStore::Runs, "never there")])
        .await
        .unwrap();
    assert_eq!(store.keys(ObjectStore::Clips).await.unwrap(), ["1"]);
    let clips = store.all(ObjectStore::Clips).await.unwrap();
    let clip: &File = clips["1"].dyn_ref().unwrap();
    assert_eq!((clip.name(), clip.size()), ("a song.wav".to_owned(), 3.0));
    let values = store.all(ObjectStore::Values).await.unwrap();
    assert_eq!(values.keys().collect::<Vec<_>>(), ["losses"]);
    let losses: Vec<f32> = from_value("losses", values["losses"].clone()).unwrap();
    assert!(losses[0] == 0.5 && losses[1].is_nan() && losses[2] == f32::INFINITY, "{losses:?}");
    // What cannot be cloned is refused, and nothing of that write is done.
    let refused = [
        Change::put(ObjectStore::Values, "new", 1),
        Change::put(ObjectStore::Values, "page", dom::document().unwrap()),
    ];
    assert!(matches!(store.write(&refused).await, Err(StorageError::Other(_))));
    assert_eq!(store.keys(ObjectStore::Values).await.unwrap(), ["losses"]);
    assert_eq!(from_value::<u32>("text", "text".into()), None);
}

#[wasm_bindgen_test]
async fn a_collection_is_there_on_the_next_visit() {
    let store = store("test-collection").await;
    let (fixture, page, _) = visit(&store).await;
    collect(&fixture, &page).await;
    assert_eq!(store.keys(ObjectStore::Clips).await.unwrap().len(), 4);
    // One is removed, which could be taken back: its file is still there.
    super::dataset::clips(&fixture, "b").await;
    let remove = fixture.document.query_selector(r#"[data-act="remove"][data-class="b"]"#).unwrap().unwrap();
    remove.unchecked_into::<HtmlElement>().click();
    until(|| fixture.text("train-count") == "3 clips in 2 classes").await;
    storage(&fixture).await;
    assert_eq!(store.keys(ObjectStore::Clips).await.unwrap().len(), 4);
    drop((fixture, page));

    let (fixture, _page, _) = visit(&store).await;
    until(|| fixture.text("train-count") == "3 clips in 2 classes").await;
    assert_eq!(store.keys(ObjectStore::Clips).await.unwrap().len(), 3, "nothing can be taken back any more");
    assert!(fixture.text("storage-what").starts_with("3 clips"), "{}", fixture.text("storage-what"));
    let left = super::dataset::clips(&fixture, "b").await;
    assert!(left.len() == 1 && left[0].starts_with("b.002.wav"), "{left:?}");
}

#[wasm_bindgen_test]
async fn clips_without_files_are_left_out_and_named() {
    let store = store("test-lost").await;
    let (fixture, page, _) = visit(&store).await;
    collect(&fixture, &page).await;
    drop((fixture, page));
    let first = store.keys(ObjectStore::Clips).await.unwrap().remove(0);
    store.write(&[Change::delete(ObjectStore::Clips, &first)]).await.unwrap();
    let (fixture, _page, _) = visit(&store).await;
    until(|| fixture.text("train-count") == "3 clips in 2 classes").await;
    assert!(fixture.text("train-notice").contains("left out: 1 clip ("), "{}", fixture.text("train-notice"));
}

/// A training run is left behind after a checkpoint at its second epoch.
pub async fn interrupted(store: &Store) {
    let (fixture, page, asked) = visit(store).await;
    collect(&fixture, &page).await;
    click(&fixture, "train-start");
    let job = asked.2.take().unwrap();
    page.receive(ClientEvent::Training(TrainingEvent::Step { step: 1, steps: 9 }));
    page.receive(ClientEvent::Training(TrainingEvent::Epoch(report(1))));
    page.receive(ClientEvent::Training(TrainingEvent::Epoch(report(2))));
    let checkpoint = ResumePoint { job, epoch: 2, bytes: vec![7, 8, 9] };
    page.receive(ClientEvent::Training(TrainingEvent::Checkpoint(Rc::new(checkpoint))));
    page.receive(ClientEvent::Training(TrainingEvent::Epoch(report(3))));
    storage(&fixture).await;
}

#[wasm_bindgen_test]
async fn an_interrupted_run_is_resumed_from_its_checkpoint() {
    let store = store("test-resume").await;
    interrupted(&store).await;
    let (fixture, page, asked) = visit(&store).await;
    until(|| !fixture.hidden("resume")).await;
    let said = fixture.text("resume-text");
    assert!(said.starts_with("Training of “my network” was interrupted at epoch 2 of "), "{said}");
    click(&fixture, "resume-go");
    until(|| fixture.hidden("resume") && !fixture.hidden("train-curves")).await;
    let curves = fixture.get::<Element>("train-curves").get_attribute("aria-label").unwrap().replace('\u{a0}', " ");
    assert!(curves.starts_with("Curves over 2 epochs"), "those before the checkpoint, at once: {curves}");
    // The files are read before the job is asked for.
    let mut told = Vec::new();
    until(|| {
        told.extend(asked.take());
        !told.is_empty()
    })
    .await;
    assert_eq!(told, ["resume my network 2 [7, 8, 9] a.001.wav+a.002.wav+b.001.wav+b.002.wav"]);
    // Given up, it is not offered any more.
    page.receive(ClientEvent::Training(TrainingEvent::Cancelled));
    storage(&fixture).await;
    drop((fixture, page));
    let (fixture, _page, _) = visit(&store).await;
    super::next_frame().await;
    assert!(fixture.hidden("resume"));
}

#[wasm_bindgen_test]
async fn an_interrupted_run_can_be_discarded() {
    let store = store("test-drop").await;
    interrupted(&store).await;
    let (fixture, _page, _) = visit(&store).await;
    until(|| !fixture.hidden("resume")).await;
    click(&fixture, "resume-drop");
    until(|| fixture.hidden("resume")).await;
    storage(&fixture).await;
    assert_eq!(store.keys(ObjectStore::Values).await.unwrap(), ["collection"]);
}

#[wasm_bindgen_test]
async fn a_run_that_failed_after_a_checkpoint_is_offered_again() {
    let store = store("test-failed").await;
    let (fixture, page, asked) = visit(&store).await;
    collect(&fixture, &page).await;
    click(&fixture, "train-start");
    let checkpoint = ResumePoint { job: asked.2.take().unwrap(), epoch: 5, bytes: vec![1] };
    page.receive(ClientEvent::Training(TrainingEvent::Checkpoint(Rc::new(checkpoint))));
    page.receive(ClientEvent::Training(TrainingEvent::Failed("no device".to_owned())));
    until(|| !fixture.hidden("resume")).await;
    assert!(fixture.text("resume-text").contains("epoch 5 of"));
}

/// The outcome of the training job that the page asked for.
pub fn outcome(asked: &FakeEngines) -> Rc<Outcome> {
    let mut job = asked.2.take().unwrap();
    job.clips.iter_mut().for_each(|clip| clip.split = Split::Valid);
    let answers = job.clips.iter().map(|_| vec![0.9, 0.1]).collect();
    let result = TrainingResult { epochs: Vec::new(), warning: None, answers, parameters: 1, milliseconds: 1200.0 };
    Rc::new(Outcome { card: card("my network"), job, result })
}

#[wasm_bindgen_test]
async fn finished_runs_are_there_on_the_next_visit() {
    let store = store("test-runs").await;
    let (fixture, page, asked) = visit(&store).await;
    collect(&fixture, &page).await;
    for _ in 0..2 {
        click(&fixture, "train-start");
        page.receive(ClientEvent::Training(TrainingEvent::Trained(outcome(&asked))));
        until(|| !fixture.hidden("results")).await;
        storage(&fixture).await;
    }
    drop((fixture, page));
    let (fixture, _page, _) = visit(&store).await;
    until(|| !fixture.hidden("results")).await;
    assert!(fixture.text("results-sentence").starts_with("Of 4 clips"), "{}", fixture.text("results-sentence"));
    assert_eq!(fixture.text("storage-what"), "4 clips and 2 training runs.");
}

pub fn own(name: &str) -> OwnNetwork {
    let weights: Blob = file("weights", &[1; 5000]).unchecked_into();
    OwnNetwork { card: Card { sha256: format!("of {name}"), ..card(name) }, weights }
}

/// The list of networks that a client with these would tell.
pub fn list(page: &Page, asked: &FakeEngines) {
    let own = asked.1.borrow().iter().map(|own| own.card.name.clone()).collect::<Vec<_>>();
    let own = own.iter().map(|name| format!(r#", {{"name": "{name}", "summary": "", "bytes": 5000, "own": true}}"#));
    let own: String = own.collect();
    let json =
        format!(r#"{{"first": "a", "default": "a", "networks": [{{"name": "a", "summary": "", "bytes": 1}}{own}]}}"#);
    page.receive(ClientEvent::Catalogue(Rc::new(Catalogue::parse(json.as_bytes()).unwrap())));
}

#[wasm_bindgen_test]
async fn own_networks_are_kept_renamed_and_deleted() {
    let store = store("test-networks").await;
    let (fixture, page, asked) = visit(&store).await;
    asked.1.borrow_mut().extend([own("one"), own("two")]);
    list(&page, &asked);
    storage(&fixture).await;
    assert_eq!(store.keys(ObjectStore::Networks).await.unwrap(), ["one", "two"]);
    let get = |selector: &str| fixture.document.query_selector(selector).unwrap().unwrap();
    until(|| fixture.get::<Element>("storage-networks").child_element_count() == 2).await;
    let name: HtmlInputElement = get(r#"#storage-networks [data-act="rename"][data-network="one"]"#).unchecked_into();
    let init = EventInit::new();
    init.set_bubbles(true);
    name.set_value(" three ");
    name.dispatch_event(&Event::new_with_event_init_dict("change", &init).unwrap()).unwrap();
    assert_eq!(asked.take(), ["rename one to  three "]);
    let delete: HtmlElement = get(r#"#storage-networks [data-act="delete"][data-network="two"]"#).unchecked_into();
    delete.click();
    until(|| fixture.text("storage-deleted") == "“two” has been deleted.").await;
    list(&page, &asked);
    storage(&fixture).await;
    assert_eq!(store.keys(ObjectStore::Networks).await.unwrap(), ["one"]);
    click(&fixture, "storage-undo");
    assert_eq!(asked.take(), ["delete two", "restore two"]);
    assert_eq!(asked.1.borrow()[1].weights.size(), 5000.0);
    list(&page, &asked);
    storage(&fixture).await;
    drop((fixture, page));
    let (_fixture, _page, asked) = visit(&store).await;
    assert_eq!(asked.take(), ["restore one", "restore two"]);
    assert_eq!(asked.1.borrow()[0].card, own("one").card);
}

#[wasm_bindgen_test]
async fn everything_is_deleted_after_a_question() {
    let store = store("test-delete").await;
    let (fixture, page, asked) = visit(&store).await;
    collect(&fixture, &page).await;
    asked.1.borrow_mut().push(own("one"));
    list(&page, &asked);
    storage(&fixture).await;
    click(&fixture, "storage-delete-all");
    until(|| !fixture.hidden("storage-ask")).await;
    click(&fixture, "storage-delete-cancel");
    until(|| fixture.hidden("storage-ask")).await;
    assert_eq!(asked.take(), [""; 0]);
    click(&fixture, "storage-delete-all");
    until(|| !fixture.hidden("storage-ask")).await;
    click(&fixture, "storage-delete-confirm");
    until(|| fixture.text("storage-notice") == "Everything has been deleted.").await;
    assert_eq!(asked.take(), ["delete one"]);
    assert!(fixture.hidden("train-count"));
    drop((fixture, page));
    let (fixture, _page, asked) = visit(&store).await;
    super::next_frame().await;
    assert!(fixture.hidden("train-count") && asked.take().is_empty());
}

#[wasm_bindgen_test]
async fn weights_are_imported_in_either_place() {
    let (fixture, page, asked) = training();
    page.open(vec![file("a.safetensors", b""), file("a.001.wav", b"x")]);
    until(|| fixture.text("train-count") == "1 clip in 1 class").await;
    assert_eq!(asked.take(), ["import a.safetensors"]);
    let refused = "b.safetensors was not imported: it is no safetensors file.".to_owned();
    page.receive(ClientEvent::OwnNetworkRefused(refused.clone()));
    until(|| fixture.text("storage-notice") == refused).await;
    click(&fixture, "view-classify");
    page.open(vec![file("a.safetensors", b"")]);
    let (file, name) = ("a.safetensors".to_owned(), "mine".to_owned());
    page.receive(ClientEvent::OwnNetworkAdded { file, on_card: name.clone(), name });
    assert_eq!(asked.take(), ["import a.safetensors", "use mine"], "and nothing is classified");
    page.receive(ClientEvent::OwnNetworkRefused(refused.clone()));
    until(|| fixture.text("network-error") == refused).await;
}

#[wasm_bindgen_test]
async fn the_page_asks_before_it_closes_only_while_a_run_is_unfinished() {
    let (fixture, page, _) = training();
    let asks = || {
        let init = EventInit::new();
        init.set_cancelable(true);
        let event = Event::new_with_event_init_dict("beforeunload", &init).unwrap();
        dom::window().unwrap().dispatch_event(&event).unwrap();
        event.default_prevented()
    };
    page.open(clips(&["b.001.wav", "b.002.wav", "a.001.wav", "a.002.wav"]));
    until(|| fixture.text("train-count") == "4 clips in 2 classes" && stage(&fixture) == "idle").await;
    assert!(!asks());
    click(&fixture, "train-start");
    page.receive(ClientEvent::Training(TrainingEvent::Embedding { done: 1, total: 4 }));
    assert!(asks());
    page.receive(ClientEvent::Training(TrainingEvent::Step { step: 1, steps: 9 }));
    assert!(asks());
    page.receive(ClientEvent::Training(TrainingEvent::Cancelled));
    assert!(!asks());
}
