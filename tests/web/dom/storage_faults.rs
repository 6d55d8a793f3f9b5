//! What goes wrong with storage: records that cannot be read, a full disk. Nothing is lost, and everything is said.

use genrelens::view::train::state::TrainingEvent;
use genrelens::web::client::ClientEvent;
use genrelens::web::store::{Change, ObjectStore, Store};
use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::*;
use web_sys::{Element, HtmlElement};

use super::dataset::{catch_downloads, caught};
use super::recording::script;
use super::storage::{click, collect, interrupted, list, own, storage, store, visit};
use super::training::stage;
use super::{Fixture, until};

pub async fn keys(store: &Store, object_store: ObjectStore) -> Vec<String> {
    store.keys(object_store).await.unwrap()
}

pub fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

/// Waits until the store has this many keys.
pub async fn holds(store: &Store, object_store: ObjectStore, count: usize) {
    for _ in 0..200 {
        // While the connection is lost it cannot be asked.
        if store.keys(object_store).await.is_ok_and(|keys| keys.len() == count) {
            return;
        }
        super::next_frame().await;
        super::next_frame().await;
    }
    panic!("{object_store:?} has {:?}, not {count}", keys(store, object_store).await);
}

pub fn error(fixture: &Fixture) -> String {
    if fixture.hidden("storage-error") { String::new() } else { fixture.text("storage-error") }
}

async fn delete_all(fixture: &Fixture) {
    until(|| !fixture.get::<Element>("storage-delete-all").has_attribute("disabled")).await;
    click(fixture, "storage-delete-all");
    until(|| !fixture.hidden("storage-ask")).await;
    click(fixture, "storage-delete-confirm");
    until(|| fixture.text("storage-notice") == "Everything has been deleted.").await;
}

#[wasm_bindgen_test]
async fn a_dataset_that_cannot_be_read_costs_no_clip() {
    let damages = [
        "({ classes: 'of a later version' })",
        "({ groups: [{ name: 'a', clips: [] }] })",
        "({ classes: [], version: 2 })",
        "({ classes: [{ name: 'a', clips: [{ sha: '1' }] }] })",
        "null",
    ];
    for (place, damage) in damages.iter().enumerate() {
        let store = store(&format!("test-unreadable-{place}")).await;
        let (fixture, page, _) = visit(&store).await;
        collect(&fixture, &page).await;
        drop((fixture, page));
        let damage = script(&format!("return {damage}"));
        store.write(&[Change::put(ObjectStore::Values, "collection", damage.clone())]).await.unwrap();

        let (fixture, page, _) = visit(&store).await;
        assert_eq!(keys(&store, ObjectStore::Clips).await.len(), 4, "{damage:?}");
        until(|| error(&fixture).contains("not readable by this version of the page: the dataset")).await;
        // It is not overwritten either.
        page.open(super::training::clips(&["c.001.wav", "c.002.wav"]));
        until(|| fixture.text("train-count") == "2 clips in 1 class" && stage(&fixture) == "idle").await;
        super::storage::storage(&fixture).await;
        let values = store.all(ObjectStore::Values).await.unwrap();
        let same = Function::new_with_args("a, b", "return JSON.stringify(a) === JSON.stringify(b)");
        assert!(same.call2(&JsValue::NULL, &values["collection"], &damage).unwrap().is_truthy());
        assert_eq!(keys(&store, ObjectStore::Clips).await.len(), 4);
        // Only the user may delete it.
        delete_all(&fixture).await;
        until(|| fixture.hidden("storage-error")).await;
        assert_eq!(keys(&store, ObjectStore::Clips).await.len(), 0);
        collect(&fixture, &page).await;
        assert_eq!(keys(&store, ObjectStore::Clips).await.len(), 4);
    }
}

#[wasm_bindgen_test]
async fn an_interrupted_run_that_cannot_be_read_keeps_its_clips() {
    let store = store("test-unreadable-run").await;
    interrupted(&store).await;
    let damages = ["running", "collection"].map(|key| match key {
        "running" => Change::put(ObjectStore::Values, key, script("return { running: 'of a later version' }")),
        _ => Change::put(ObjectStore::Values, key, script("return { classes: [] }")),
    });
    store.write(&damages).await.unwrap();
    let (fixture, _page, _) = visit(&store).await;
    until(|| error(&fixture).contains("an interrupted training run")).await;
    assert_eq!(keys(&store, ObjectStore::Clips).await.len(), 4);
    assert_eq!(keys(&store, ObjectStore::Values).await, ["collection", "running"]);
}

#[wasm_bindgen_test]
async fn one_network_that_cannot_be_read_is_left_alone_among_others() {
    let store = store("test-unreadable-network").await;
    let (fixture, page, asked) = visit(&store).await;
    asked.1.borrow_mut().extend([own("one"), own("two")]);
    list(&page, &asked);
    storage(&fixture).await;
    drop((fixture, page));
    store.write(&[Change::put(ObjectStore::Networks, "one", script("return { card: 1, version: 2 }"))]).await.unwrap();

    let (fixture, page, asked) = visit(&store).await;
    until(|| error(&fixture).contains("not readable by this version of the page: 1 network.")).await;
    assert_eq!(asked.take(), ["restore two"]);
    // A new network may have its name, but not its place.
    asked.1.borrow_mut().push(own("one"));
    list(&page, &asked);
    holds(&store, ObjectStore::Networks, 3).await;
    let networks = store.all(ObjectStore::Networks).await.unwrap();
    assert_eq!(field(&networks["one"], "card"), 1);
    drop((fixture, page));
    store.write(&[Change::delete(ObjectStore::Networks, "one")]).await.unwrap();
    let (fixture, page, asked) = visit(&store).await;
    let mut restored = asked.take();
    restored.sort();
    assert_eq!(restored, ["restore one", "restore two"]);
    list(&page, &asked);
    storage(&fixture).await;
    assert_eq!(keys(&store, ObjectStore::Networks).await, ["one", "two"]);
}

#[wasm_bindgen_test]
async fn one_clip_that_the_browser_cannot_read_hides_no_other() {
    let store = store("test-unreadable-clip").await;
    let (fixture, page, _) = visit(&store).await;
    collect(&fixture, &page).await;
    drop((fixture, page));
    let first = keys(&store, ObjectStore::Clips).await.remove(0);
    let refuse = Function::new_with_args(
        "first",
        r#"
        const { get, getAll } = IDBObjectStore.prototype;
        const of = (store) => store.name === "clips" && store.transaction.db.name === "test-unreadable-clip";
        const failed = () => new DOMException("Failed to read large IndexedDB value", "DataError");
        IDBObjectStore.prototype.getAll = function () {
            if (of(this)) throw failed();
            return getAll.call(this);
        };
        IDBObjectStore.prototype.get = function (key) {
            if (of(this) && key === first) throw failed();
            return get.call(this, key);
        };
        "#,
    );
    refuse.call1(&JsValue::NULL, &first.into()).unwrap();
    let (fixture, _page, _) = visit(&store).await;
    until(|| fixture.text("train-count") == "3 clips in 2 classes").await;
    until(|| error(&fixture).contains("the dataset, or a part of it")).await;
    assert_eq!(keys(&store, ObjectStore::Clips).await.len(), 4);
}

/// Lets every write of a network to this database fail until `globalThis.full` is false.
fn fill_disk(database: &str, how: &str) {
    let fill = Function::new_with_args(
        "database, how",
        r#"
        const put = IDBObjectStore.prototype.put;
        globalThis.full = true;
        IDBObjectStore.prototype.put = function (...all) {
            const fails = globalThis.full && this.name === "networks" && this.transaction.db.name === database;
            if (fails && how === "throw") throw new DOMException("no room", "QuotaExceededError");
            const request = put.apply(this, all);
            if (fails) this.transaction.abort();
            return request;
        };
        "#,
    );
    fill.call2(&JsValue::NULL, &database.into(), &how.into()).unwrap();
}

#[wasm_bindgen_test]
async fn a_network_that_met_a_full_disk_is_stored_once_there_is_room() {
    for (how, sentence) in [("throw", "There is not enough free space"), ("abort", "Something could not be stored")] {
        catch_downloads();
        let name = format!("test-full-{how}");
        let store = store(&name).await;
        let (fixture, page, asked) = visit(&store).await;
        collect(&fixture, &page).await;
        fill_disk(&name, how);
        asked.1.borrow_mut().push(own("one"));
        list(&page, &asked);
        until(|| error(&fixture).starts_with(sentence)).await;
        until(|| fixture.get::<Element>("storage").get_attribute("data-storage").as_deref() == Some("failed")).await;
        // It can be had as a file.
        until(|| fixture.text("storage-unsaved") == "Save “one” as a file").await;
        let offer = fixture.get::<Element>("storage-unsaved").first_element_child().unwrap();
        offer.unchecked_into::<HtmlElement>().click();
        assert!(caught().is_some_and(|file| file.size() == 5000.0));
        // As the sentence advises.
        script("globalThis.full = false");
        let remove = fixture.document.query_selector(r#"[data-act="remove-class"]"#).unwrap().unwrap();
        remove.unchecked_into::<HtmlElement>().click();
        holds(&store, ObjectStore::Networks, 1).await;
        until(|| fixture.hidden("storage-error") && fixture.hidden("storage-unsaved")).await;
        if how == "throw" {
            holds(&store, ObjectStore::Clips, 2).await;
            // Their files are gone.
            until(|| fixture.get::<Element>("train-undo").has_attribute("disabled")).await;
        }
    }
}

#[wasm_bindgen_test]
async fn a_deleted_network_makes_room_for_one_that_did_not_fit() {
    let store = store("test-full-delete").await;
    let (fixture, page, asked) = visit(&store).await;
    asked.1.borrow_mut().push(own("one"));
    list(&page, &asked);
    storage(&fixture).await;
    fill_disk("test-full-delete", "throw");
    asked.1.borrow_mut().push(own("two"));
    list(&page, &asked);
    until(|| error(&fixture).starts_with("There is not enough free space")).await;
    // The deletion comes first: in one transaction with the other network it would fail too.
    asked.1.borrow_mut().remove(0);
    list(&page, &asked);
    holds(&store, ObjectStore::Networks, 0).await;
    script("globalThis.full = false");
    asked.1.borrow_mut().push(own("three"));
    list(&page, &asked);
    holds(&store, ObjectStore::Networks, 2).await;
}

#[wasm_bindgen_test]
async fn a_run_that_is_given_up_while_its_checkpoint_is_read_does_not_run() {
    let store = store("test-give-up").await;
    interrupted(&store).await;
    let (fixture, page, asked) = visit(&store).await;
    until(|| !fixture.hidden("resume")).await;
    script(
        r#"
        const read = Blob.prototype.arrayBuffer;
        Blob.prototype.arrayBuffer = async function () {
            Blob.prototype.arrayBuffer = read;
            await new Promise((done) => (globalThis.letRead = done));
            return read.call(this);
        };
        "#,
    );
    click(&fixture, "resume-go");
    until(|| stage(&fixture) == "preparing").await;
    click(&fixture, "train-stop");
    page.receive(ClientEvent::Training(TrainingEvent::Cancelled));
    assert_eq!(asked.take(), ["cancel training"]);
    script("globalThis.letRead()");
    until(|| !fixture.hidden("resume")).await;
    for _ in 0..20 {
        super::next_frame().await;
    }
    assert_eq!(asked.take(), [""; 0], "nobody could see or stop it");
}
