//! The page's offline section, driven by made-up events.

use std::rc::Rc;

use genrelens::view::classify::networks::Catalogue;
use genrelens::view::offline::state::{AppShell, Download, OfflineEvent, UnavailableReason, UpdateState};
use genrelens::view::train::state::TrainingEvent;
use genrelens::web::client::ClientEvent;
use genrelens::web::page::Page;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::*;
use web_sys::{Element, HtmlElement};

use super::Fixture;
use super::fake_engines::FakeEngines;
use super::page::connected;

/// The page with a small first network and a larger one.
fn page() -> (Fixture, Page, Rc<FakeEngines>) {
    let (fixture, page, asked) = connected();
    let list = br#"{"first": "small", "default": "small", "networks": [
        {"name": "small", "summary": "", "bytes": 300000}, {"name": "large", "summary": "", "bytes": 3200000}]}"#;
    page.receive(ClientEvent::Catalogue(Rc::new(Catalogue::parse(list).unwrap())));
    page.render().unwrap();
    (fixture, page, asked)
}

fn receive(page: &Page, event: OfflineEvent) {
    page.receive(ClientEvent::Offline(event));
    page.render().unwrap();
}

fn status(fixture: &Fixture) -> String {
    fixture.get::<Element>("offline").get_attribute("data-offline").unwrap()
}

fn click(fixture: &Fixture, selector: &str) {
    fixture.root.query_selector(selector).unwrap().unwrap().dyn_into::<HtmlElement>().unwrap().click();
}

#[wasm_bindgen_test]
fn it_announces_once_that_it_is_ready() {
    let (fixture, page, _asked) = page();
    assert_eq!((status(&fixture).as_str(), fixture.hidden("offline-status")), ("unknown", true));
    receive(&page, OfflineEvent::AppShell(AppShell::Installing { done: 1_000_000, total: 26_000_000 }));
    assert_eq!(fixture.text("offline-status"), "Preparing to work offline: 1.0 MB of 26.0 MB…");
    receive(&page, OfflineEvent::AppShell(AppShell::Installed { fresh: true }));
    assert_eq!((status(&fixture).as_str(), fixture.text("offline-ready").as_str()), ("installing", ""));
    receive(&page, OfflineEvent::Stored(vec!["small".to_owned()]));
    assert_eq!(status(&fixture), "ready");
    assert!(fixture.text("offline-ready").starts_with("Ready to work offline"));
}

#[wasm_bindgen_test]
fn on_a_later_visit_it_is_ready_without_an_announcement() {
    let (fixture, page, _asked) = page();
    receive(&page, OfflineEvent::Stored(vec!["small".to_owned()]));
    receive(&page, OfflineEvent::AppShell(AppShell::Installed { fresh: false }));
    assert_eq!((status(&fixture).as_str(), fixture.text("offline-ready").as_str()), ("ready", ""));
    assert_eq!(fixture.text("offline-status"), "This page works without a connection.");
}

#[wasm_bindgen_test]
fn a_deferred_or_failed_installation_has_a_button() {
    let (fixture, page, asked) = page();
    assert!(fixture.hidden("offline-enable"));
    for (shell, label) in
        [(AppShell::Deferred, "Make it work offline"), (AppShell::Unavailable(UnavailableReason::NoSpace), "Try again")]
    {
        receive(&page, OfflineEvent::AppShell(shell));
        assert_eq!((fixture.hidden("offline-enable"), fixture.text("offline-enable").as_str()), (false, label));
        click(&fixture, "#offline-enable");
        assert_eq!(asked.take(), ["offline Enable"]);
    }
    receive(&page, OfflineEvent::AppShell(AppShell::Unavailable(UnavailableReason::Blocked)));
    assert!(fixture.hidden("offline-enable"), "if the browser stores nothing, another attempt does not help");
}

#[wasm_bindgen_test]
fn a_network_is_downloaded_on_request() {
    let (fixture, page, asked) = page();
    receive(&page, OfflineEvent::Stored(vec!["small".to_owned()]));
    let row = |name: &str| fixture.root.query_selector(&format!("[data-network={name}]")).unwrap().unwrap();
    let button = |name: &str| row(name).query_selector("button").unwrap().unwrap().dyn_into::<HtmlElement>().unwrap();
    assert!(button("small").hidden() && !button("large").hidden());
    click(&fixture, "[data-download=large]");
    assert_eq!(asked.take(), [r#"offline Download("large")"#]);
    receive(
        &page,
        OfflineEvent::Downloading(Download { name: "large".to_owned(), fetched: 800_000, total: 3_200_000 }),
    );
    assert!(row("large").text_content().unwrap().contains("800\u{a0}KB of 3.2\u{a0}MB…"));
    assert!(button("large").has_attribute("disabled"));
    receive(&page, OfflineEvent::Stored(vec!["large".to_owned()]));
    receive(&page, OfflineEvent::DownloadEnded);
    assert!(row("large").text_content().unwrap().contains("stored on this device") && button("large").hidden());
}

#[wasm_bindgen_test]
async fn a_new_version_is_offered_but_never_during_training() {
    let (fixture, page, asked) = super::training::collected().await;
    assert!(fixture.hidden("update-box"));
    click(&fixture, "#train-start");
    assert!(asked.take().iter().any(|asked| asked.starts_with("train ")), "training is running");
    page.receive(ClientEvent::Training(TrainingEvent::Embedding { done: 1, total: 2 }));
    receive(&page, OfflineEvent::Update(UpdateState::Available));
    assert!(fixture.hidden("update-box"));
    page.receive(ClientEvent::Training(TrainingEvent::Cancelled));
    page.render().unwrap();
    assert!(!fixture.hidden("update-box"));
    click(&fixture, "#update-now");
    assert_eq!(asked.take(), ["offline Update"]);
    receive(&page, OfflineEvent::Update(UpdateState::Busy));
    assert!(fixture.text("update-text").contains("Another tab"));
    click(&fixture, "#update-later");
    page.render().unwrap();
    assert!(fixture.hidden("update-box"));
}

#[wasm_bindgen_test]
async fn a_run_that_ends_in_a_hidden_tab_no_longer_holds_an_update_back() {
    let (fixture, page, _asked) = super::training::collected().await;
    let busy = || fixture.get::<Element>("page").has_attribute("data-busy");
    assert!(!busy());
    click(&fixture, "#train-start");
    page.receive(ClientEvent::Training(TrainingEvent::Embedding { done: 1, total: 2 }));
    assert!(busy());
    // A hidden tab draws no frame.
    page.receive(ClientEvent::Training(TrainingEvent::Cancelled));
    assert!(!busy());
}

#[wasm_bindgen_test]
fn damage_is_reported() {
    let (fixture, page, _asked) = page();
    receive(&page, OfflineEvent::Damaged { file: "cpu_worker_bg.wasm".to_owned(), repaired: false });
    assert!(!fixture.hidden("offline-error"));
    assert!(fixture.text("offline-error").contains("(cpu_worker_bg.wasm) is damaged"));
}
