//! The connection to the storage: lost, in use by another tab, of a later version, or refused by the browser.

use genrelens::view::storage::state::StorageError;
use genrelens::view::train::state::TrainingEvent;
use genrelens::web::client::{ClientEvent, OwnNetwork};
use genrelens::web::page::Page;
use genrelens::web::store::{ObjectStore, Store};
use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::*;
use web_sys::{Blob, Element, File};

use super::recording::script;
use super::storage::{click, collect, list, outcome, own, storage, store, visit};
use super::storage_faults::{error, field, holds, keys};
use super::training::{stage, training};
use super::{Fixture, until};

/// Remembers the connections to this database in `globalThis.connections`.
fn note_connections(database: &str) {
    let note = Function::new_with_args(
        "database",
        r#"
        const open = IDBFactory.prototype.open;
        globalThis.connections = [];
        IDBFactory.prototype.open = function (name, version) {
            const request = open.call(this, name, version);
            const note = () => globalThis.connections.push(request.result);
            if (name === database) request.addEventListener("success", note);
            return request;
        };
        "#,
    );
    note.call1(&JsValue::NULL, &database.into()).unwrap();
}

#[wasm_bindgen_test]
async fn what_the_page_has_is_stored_again_after_the_site_data_was_cleared() {
    let name = "test-cleared";
    let store = store(name).await;
    let (fixture, page, asked) = visit(&store).await;
    collect(&fixture, &page).await;
    asked.1.borrow_mut().push(own("one"));
    list(&page, &asked);
    storage(&fixture).await;
    // As the browser's tools do; a page that does not let go would block it for ever.
    let cleared = script(
        r#"
        return new Promise((done, failed) => {
            const request = indexedDB.deleteDatabase("test-cleared");
            request.onsuccess = done;
            setTimeout(() => failed(new Error("the page holds the database")), 5000);
        });
        "#,
    );
    JsFuture::from(cleared.unchecked_into::<js_sys::Promise>()).await.unwrap();
    holds(&store, ObjectStore::Clips, 4).await;
    holds(&store, ObjectStore::Networks, 1).await;
    holds(&store, ObjectStore::Values, 1).await;
    storage(&fixture).await;
    assert!(fixture.hidden("storage-error"));
}

#[wasm_bindgen_test]
async fn a_lost_connection_is_opened_again() {
    let name = "test-lost-connection";
    note_connections(name);
    let store = store(name).await;
    let (fixture, page, _) = visit(&store).await;
    collect(&fixture, &page).await;
    for event in [true, false] {
        // Some browsers tell with an event, others only when the connection is used.
        script("globalThis.connections.at(-1).close()");
        if event {
            script("globalThis.connections.at(-1).dispatchEvent(new Event('close'))");
        }
        let class = if event { "c" } else { "d" };
        page.open(vec![super::file(&format!("{class}.001.wav"), class.as_bytes())]);
        until(|| stage(&fixture) == "idle").await;
        holds(&store, ObjectStore::Clips, if event { 5 } else { 6 }).await;
        storage(&fixture).await;
        assert!(fixture.hidden("storage-error"), "{}", fixture.text("storage-error"));
    }
}

#[wasm_bindgen_test]
async fn a_store_of_a_later_version_is_named_and_left_alone() {
    let later = script(
        r#"
        return new Promise((done, failed) => {
            const request = indexedDB.open("test-later", 9);
            request.onsuccess = () => done(request.result.close());
            request.onerror = () => failed(request.error);
        });
        "#,
    );
    JsFuture::from(later.unchecked_into::<js_sys::Promise>()).await.unwrap();
    let (fixture, page, _) = training();
    page.persist_in("test-later".to_owned(), None);
    until(|| error(&fixture).starts_with("A later version of this page has stored")).await;
    assert_eq!(fixture.get::<Element>("storage").get_attribute("data-storage").as_deref(), Some("off"));
}

#[wasm_bindgen_test]
async fn a_connection_that_opens_too_late_is_closed() {
    let wait = |steps: &str| JsFuture::from(script(steps).unchecked_into::<js_sys::Promise>());
    // What is asked for after a deletion waits for it, and the deletion waits for the connection.
    let first = r#"
        return new Promise((done) => {
            const request = indexedDB.open("test-late", 1);
            request.onsuccess = () => {
                globalThis.first = request.result;
                indexedDB.deleteDatabase("test-late");
                done();
            };
        });
    "#;
    wait(first).await.unwrap();
    let refused = Store::open_named("test-late").await.map(drop).unwrap_err();
    assert_eq!(refused, StorageError::Unavailable("the browser does not answer".to_owned()));
    script("globalThis.first.close()");
    let names = r#"
        return new Promise((done, failed) => {
            const request = indexedDB.open("test-late", 2);
            request.onsuccess = () => done([...request.result.objectStoreNames].join());
            setTimeout(() => failed(new Error("the page holds the database")), 5000);
        });
    "#;
    let names = wait(names).await.unwrap();
    assert_eq!(names.as_string().as_deref(), Some("clips,networks,runs,values"), "they are there for the next visit");
}

#[wasm_bindgen_test]
async fn a_second_tab_takes_over_when_the_first_is_closed() {
    let name = "test-second-tab";
    let store = store(name).await;
    let (first, page, asked) = visit(&store).await;
    collect(&first, &page).await;
    asked.1.borrow_mut().push(own("one"));
    list(&page, &asked);
    storage(&first).await;
    drop((first, page));
    script(
        r#"navigator.locks.request("test-second-tab", () => new Promise((done) => (globalThis.closeFirst = done)));"#,
    );
    let (fixture, page, asked) = training();
    page.persist_in(name.to_owned(), None);
    until(|| error(&fixture).starts_with("This page is open in another tab")).await;
    page.open(vec![super::file("c.001.wav", b"c")]);
    until(|| fixture.text("train-count") == "1 clip in 1 class" && stage(&fixture) == "idle").await;
    let weights: Blob = super::file("weights", &[2; 300]).unchecked_into();
    asked.1.borrow_mut().push(OwnNetwork { card: super::page::card("one"), weights });
    list(&page, &asked);
    script("globalThis.closeFirst()");
    until(|| fixture.text("train-count") == "5 clips in 3 classes").await;
    list(&page, &asked);
    holds(&store, ObjectStore::Networks, 2).await;
    storage(&fixture).await;
    assert!(fixture.hidden("storage-error"), "{}", fixture.text("storage-error"));
    let networks = store.all(ObjectStore::Networks).await.unwrap();
    let size = |key: &str| field(&networks[key], "weights").unchecked_into::<Blob>().size();
    assert_eq!([size("one"), size("one 2")], [300.0, 5000.0], "both networks of that name");
    assert_eq!(keys(&store, ObjectStore::Clips).await.len(), 5);
}

#[wasm_bindgen_test]
async fn a_file_that_is_changed_on_the_disk_is_read_from_its_stored_copy() {
    let store = store("test-changed-file").await;
    let (fixture, page, asked) = visit(&store).await;
    let files = super::training::clips(&["b.001.wav", "b.002.wav", "a.001.wav", "a.002.wav"]);
    page.open(files.clone());
    until(|| fixture.text("train-count") == "4 clips in 2 classes" && stage(&fixture) == "idle").await;
    storage(&fixture).await;
    for file in &files {
        let gone = Function::new_no_args("return Promise.reject(new DOMException('changed', 'NotReadableError'))");
        Reflect::set(file, &"arrayBuffer".into(), &gone).unwrap();
    }
    click(&fixture, "train-start");
    let trained: Vec<File> = asked.3.take();
    assert_eq!(trained.len(), 4);
    for file in trained {
        let bytes = JsFuture::from(file.array_buffer()).await;
        assert!(bytes.is_ok(), "{} is read from the disk", file.name());
    }
}

/// A page whose browser refuses something, with the interfaces as they were afterwards.
async fn refused(refuse: &str, restore: &str, database: &str) -> (Fixture, Page) {
    script(refuse);
    let (fixture, page, asked) = training();
    page.persist_in(database.to_owned(), None);
    until(|| fixture.get::<Element>("storage").get_attribute("data-storage").as_deref() != Some("loading")).await;
    page.open(super::training::clips(&["b.001.wav", "b.002.wav", "a.001.wav", "a.002.wav"]));
    until(|| fixture.text("train-count") == "4 clips in 2 classes" && stage(&fixture) == "idle").await;
    until(|| !fixture.get::<Element>("train-start").has_attribute("disabled")).await;
    click(&fixture, "train-start");
    page.receive(ClientEvent::Training(TrainingEvent::Trained(outcome(&asked))));
    until(|| !fixture.hidden("results")).await;
    script(restore);
    (fixture, page)
}

#[wasm_bindgen_test]
async fn a_browser_that_throws_at_the_touch_of_its_storage_still_trains() {
    let (fixture, _page) = refused(
        r#"
        const get = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
        globalThis.kept = ["indexedDB", "caches"].map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
        for (const [name] of kept) Object.defineProperty(globalThis, name, { configurable: true, get });
        for (const name of ["storage", "locks", "serviceWorker"]) {
            Object.defineProperty(navigator, name, { configurable: true, get });
        }
        "#,
        r#"
        for (const [name, own] of kept) own ? Object.defineProperty(globalThis, name, own) : delete globalThis[name];
        for (const name of ["storage", "locks", "serviceWorker"]) delete navigator[name];
        "#,
        "test-touch",
    )
    .await;
    let said = error(&fixture);
    assert!(
        said.starts_with("Your browser does not let this page store anything (The operation is insecure)."),
        "{said}"
    );
}

#[wasm_bindgen_test]
async fn a_browser_that_refuses_locks_stores_all_the_same() {
    let (fixture, _page) = refused(
        r#"
        const request = () => Promise.reject(new DOMException("The operation is insecure.", "SecurityError"));
        Object.defineProperty(navigator, "locks", { configurable: true, value: { request } });
        "#,
        "delete navigator.locks",
        "test-refused-locks",
    )
    .await;
    storage(&fixture).await;
    assert!(fixture.hidden("storage-error"));
}
