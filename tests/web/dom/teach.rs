//! The page's place for teaching, driven by made-up files and news.

use std::rc::Rc;

use genrelens::lesson::{Learned, Lesson};
use genrelens::train::report::{EpochReport, Scores};
use genrelens::view::networks::Catalogue;
use genrelens::view::teach::{News, Outcome, student};
use genrelens::web::client::Update;
use genrelens::web::page::Page;
use wasm_bindgen_test::*;
use web_sys::{Element, File, HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::page::{Asked, card, connected};
use super::{Fixture, file, until};

/// The page in its place for teaching, on a site without MusiCNN.
pub fn teaching() -> (Fixture, Page, Rc<Asked>) {
    let (fixture, page, asked) = connected();
    let list = br#"{"first": "a", "default": "a", "networks": [{"name": "a", "summary": "", "bytes": 1}]}"#;
    page.receive(Update::Networks(Rc::new(Catalogue::parse(list).unwrap())));
    fixture.get::<HtmlElement>("view-teach").click();
    (fixture, page, asked)
}

fn clips(names: &[&str]) -> Vec<File> {
    names.iter().enumerate().map(|(place, name)| file(name, &[place as u8; 4])).collect()
}

pub fn stage(fixture: &Fixture) -> String {
    fixture.get::<Element>("page").get_attribute("data-stage").unwrap()
}

/// Two clips of each of two classes are in the collection.
async fn collected() -> (Fixture, Page, Rc<Asked>) {
    let (fixture, page, asked) = teaching();
    page.open(clips(&["b.001.wav", "b.002.wav", "a.001.wav", "a.002.wav", "notes.txt"]));
    until(|| fixture.text("teach-count") == "4 clips in 2 classes" && stage(&fixture) == "idle").await;
    (fixture, page, asked)
}

#[wasm_bindgen_test]
async fn dropped_clips_go_where_their_names_say_and_nowhere_else() {
    let (fixture, _page, asked) = collected().await;
    assert_eq!(asked.take(), [""; 0], "nothing is classified meanwhile");
    assert_eq!(fixture.text("teach-notice"), "Left out: 1 file that is no sound.");
    let names = fixture.get::<Element>("teach-classes").get_elements_by_tag_name("input");
    let name = |place| names.item(place).unwrap().get_attribute("value").unwrap();
    assert_eq!([name(0), name(1)], ["a", "b"], "in the order of their names");
    assert!(fixture.text("teach-doubts").contains("“a” has only 2 clips"), "{}", fixture.text("teach-doubts"));
    fixture.get::<HtmlElement>("teach-undo").click();
    until(|| fixture.hidden("teach-count")).await;
    assert!(fixture.get::<Element>("teach-start").has_attribute("disabled"));
}

#[wasm_bindgen_test]
async fn a_lesson_is_asked_for_as_it_is_set() {
    let (fixture, page, asked) = collected().await;
    let pupil: HtmlSelectElement = fixture.get("teach-pupil");
    assert_eq!(pupil.value(), "lens", "without MusiCNN there is no head on it");
    fixture.get::<HtmlInputElement>("teach-share").set_value("50");
    fixture.get::<HtmlInputElement>("teach-name").set_value(" a ");
    fixture.get::<HtmlElement>("teach-start").click();
    assert_eq!(asked.take(), ["teach a+b 0.5 a.001.wav+a.002.wav+b.001.wav+b.002.wav"]);
    assert_eq!(fixture.get::<HtmlInputElement>("teach-name").value(), "a 2", "a name that is free");
    page.receive(Update::Lesson(News::Step { step: 3, steps: 90 }));
    until(|| fixture.text("teach-progress-text") == "Learning: step 3 of 90…").await;
    fixture.get::<HtmlElement>("teach-hold").click();
    until(|| fixture.text("teach-progress-text") == "Paused.").await;
    fixture.get::<HtmlElement>("teach-hold").click();
    fixture.get::<HtmlElement>("teach-finish").click();
    fixture.get::<HtmlElement>("teach-stop").click();
    assert_eq!(asked.take(), ["steer Hold", "steer Go", "steer Finish", "stop teaching"]);
    page.receive(Update::Lesson(News::Failed("no device".to_owned())));
    until(|| fixture.text("teach-error") == "no device.").await;
    assert_eq!(stage(&fixture), "idle");
}

fn report(epoch: usize) -> EpochReport {
    let valid = Scores::Classes { accuracy: 0.5, balanced_accuracy: 0.5 };
    EpochReport { epoch, train_loss: 1.0, step_losses: vec![1.0], valid_loss: 1.0, valid, best: epoch == 1 }
}

#[wasm_bindgen_test]
async fn what_came_of_it_is_shown_and_used() {
    let (fixture, page, asked) = collected().await;
    fixture.get::<HtmlElement>("teach-start").click();
    page.receive(Update::Lesson(News::Epoch(report(1))));
    page.receive(Update::Lesson(News::Epoch(report(2))));
    until(|| !fixture.hidden("teach-curves")).await;
    let (labels, mut clips) = {
        let mut collection = genrelens::view::collection::Collection::default();
        let entry = |id: &str| genrelens::view::collection::Entry::new(id.to_owned(), format!("{id}.wav"));
        let classes = ["a", "a", "b", "b"].iter().zip(["0", "1", "2", "3"]);
        collection.add(classes.map(|(class, id)| ((*class).to_owned(), entry(id))).collect());
        collection.lesson()
    };
    clips.iter_mut().for_each(|clip| clip.part = genrelens::lesson::Part::Valid);
    let (name, recipe) = ("mine".to_owned(), student("lens").quick(4));
    let lesson = Lesson { name, labels, many_labels: false, student: student("lens"), clips, recipe };
    let answers = vec![vec![0.9, 0.1], vec![0.2, 0.8], vec![0.1, 0.9], vec![0.3, 0.7]];
    let learned = Learned { epochs: Vec::new(), answers, parameters: 1, milliseconds: 1200.0 };
    let outcome = Outcome { card: card("mine"), lesson, learned };
    page.receive(Update::Lesson(News::Taught(Rc::new(outcome))));
    until(|| !fixture.hidden("taught")).await;
    let said = fixture.text("taught-sentence");
    assert!(said.starts_with("Of 4 clips that it never learned from, it names 3 rightly (75 %)."), "{said}");
    assert!(said.contains("between 30 % and 95 %"), "{said}");
    assert!(fixture.text("taught-misses").contains("1.wav: you call it a, it says b; 20 % for yours"));
    asked.take();
    fixture.get::<HtmlElement>("taught-use").click();
    assert_eq!(asked.take(), ["use mine"]);
    assert_eq!(fixture.get::<Element>("page").get_attribute("data-view").as_deref(), Some("listen"));
}
