//! The page's place for what is kept on the device, driven by made-up news.

use std::rc::Rc;

use genrelens::view::classify::networks::Catalogue;
use genrelens::view::offline::state::{Absence, Coming, OfflineEvent, Renewal, Shell};
use genrelens::view::train::state::TrainingEvent;
use genrelens::web::client::Update;
use genrelens::web::page::Page;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::*;
use web_sys::{Element, HtmlElement};

use super::Fixture;
use super::page::{Asked, connected};

/// The page with a small first network and a larger one.
fn page() -> (Fixture, Page, Rc<Asked>) {
    let (fixture, page, asked) = connected();
    let list = br#"{"first": "small", "default": "small", "networks": [
        {"name": "small", "summary": "", "bytes": 300000}, {"name": "large", "summary": "", "bytes": 3200000}]}"#;
    page.receive(Update::Networks(Rc::new(Catalogue::parse(list).unwrap())));
    page.render().unwrap();
    (fixture, page, asked)
}

fn receive(page: &Page, news: OfflineEvent) {
    page.receive(Update::Offline(news));
    page.render().unwrap();
}

fn standing(fixture: &Fixture) -> String {
    fixture.get::<Element>("offline").get_attribute("data-offline").unwrap()
}

fn click(fixture: &Fixture, selector: &str) {
    fixture.root.query_selector(selector).unwrap().unwrap().dyn_into::<HtmlElement>().unwrap().click();
}

#[wasm_bindgen_test]
fn it_is_ready_once_and_says_so() {
    let (fixture, page, _asked) = page();
    assert_eq!((standing(&fixture).as_str(), fixture.hidden("offline-standing")), ("unknown", true));
    receive(&page, OfflineEvent::Shell(Shell::Coming { done: 1_000_000, total: 26_000_000 }));
    assert_eq!(fixture.text("offline-standing"), "Being made ready to work offline: 1.0 MB of 26.0 MB…");
    receive(&page, OfflineEvent::Shell(Shell::There { fresh: true }));
    assert_eq!((standing(&fixture).as_str(), fixture.text("offline-said").as_str()), ("coming", ""));
    receive(&page, OfflineEvent::Kept(vec!["small".to_owned()]));
    assert_eq!(standing(&fixture), "ready");
    assert!(fixture.text("offline-said").starts_with("Ready to work offline"));
}

#[wasm_bindgen_test]
fn on_a_later_visit_it_is_ready_without_a_word() {
    let (fixture, page, _asked) = page();
    receive(&page, OfflineEvent::Kept(vec!["small".to_owned()]));
    receive(&page, OfflineEvent::Shell(Shell::There { fresh: false }));
    assert_eq!((standing(&fixture).as_str(), fixture.text("offline-said").as_str()), ("ready", ""));
    assert_eq!(fixture.text("offline-standing"), "This page works without a connection.");
}

#[wasm_bindgen_test]
fn what_saves_data_or_failed_is_begun_by_a_button() {
    let (fixture, page, asked) = page();
    assert!(fixture.hidden("offline-begin"));
    for (shell, label) in [(Shell::Waits, "Make it work offline"), (Shell::Absent(Absence::Room), "Try again")] {
        receive(&page, OfflineEvent::Shell(shell));
        assert_eq!((fixture.hidden("offline-begin"), fixture.text("offline-begin").as_str()), (false, label));
        click(&fixture, "#offline-begin");
        assert_eq!(asked.take(), ["offline Begin"]);
    }
    receive(&page, OfflineEvent::Shell(Shell::Absent(Absence::Blocked)));
    assert!(fixture.hidden("offline-begin"), "where the browser keeps nothing, trying does not help");
}

#[wasm_bindgen_test]
fn a_network_is_kept_on_request() {
    let (fixture, page, asked) = page();
    receive(&page, OfflineEvent::Kept(vec!["small".to_owned()]));
    let row = |name: &str| fixture.root.query_selector(&format!("[data-network={name}]")).unwrap().unwrap();
    let button = |name: &str| row(name).query_selector("button").unwrap().unwrap().dyn_into::<HtmlElement>().unwrap();
    assert!(button("small").hidden() && !button("large").hidden());
    click(&fixture, "[data-keep=large]");
    assert_eq!(asked.take(), [r#"offline Keep("large")"#]);
    receive(&page, OfflineEvent::Coming(Coming { name: "large".to_owned(), fetched: 800_000, total: 3_200_000 }));
    assert!(row("large").text_content().unwrap().contains("800\u{a0}KB of 3.2\u{a0}MB…"));
    assert!(button("large").has_attribute("disabled"));
    receive(&page, OfflineEvent::Kept(vec!["large".to_owned()]));
    receive(&page, OfflineEvent::Arrived);
    assert!(row("large").text_content().unwrap().contains("kept on this device") && button("large").hidden());
}

#[wasm_bindgen_test]
async fn a_new_version_is_offered_and_never_during_a_lesson() {
    let (fixture, page, asked) = super::training::collected().await;
    assert!(fixture.hidden("renewal-box"));
    click(&fixture, "#train-start");
    assert!(asked.take().iter().any(|asked| asked.starts_with("train ")), "training is running");
    page.receive(Update::Training(TrainingEvent::Embedding { done: 1, total: 2 }));
    receive(&page, OfflineEvent::Renewal(Renewal::Offered));
    assert!(fixture.hidden("renewal-box"));
    page.receive(Update::Training(TrainingEvent::Cancelled));
    page.render().unwrap();
    assert!(!fixture.hidden("renewal-box"));
    click(&fixture, "#renew");
    assert_eq!(asked.take(), ["offline Renew"]);
    receive(&page, OfflineEvent::Renewal(Renewal::Busy));
    assert!(fixture.text("renewal").contains("Another tab"));
    click(&fixture, "#renew-later");
    page.render().unwrap();
    assert!(fixture.hidden("renewal-box"));
}

#[wasm_bindgen_test]
fn damage_is_said() {
    let (fixture, page, _asked) = page();
    receive(&page, OfflineEvent::Damaged { file: "cpu_worker_bg.wasm".to_owned(), repaired: false });
    assert!(!fixture.hidden("offline-trouble"));
    assert!(fixture.text("offline-trouble").contains("(cpu_worker_bg.wasm) is damaged"));
}
