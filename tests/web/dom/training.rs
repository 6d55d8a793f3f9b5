//! The training view, driven by made-up files and events.

use std::rc::Rc;

use genrelens::eval::report::{EpochReport, Scores};
use genrelens::protocol::ArchitectureInfo;
use genrelens::recipe::{OptimiserKind, Recipe};
use genrelens::training_job::{LabelledClip, Split, TrainingJob, TrainingResult};
use genrelens::view::classify::networks::Catalogue;
use genrelens::view::train::model_options::{ModelChoices, model_spec};
use genrelens::view::train::results::Outcome;
use genrelens::view::train::settings::fields::{FIELDSETS, MODEL_FIELDS, all};
use genrelens::view::train::state::TrainingEvent;
use genrelens::web::client::ClientEvent;
use genrelens::web::page::Page;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::*;
use web_sys::{Element, Event, EventInit, File, HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::fake_engines::FakeEngines;
use super::page::{card, connected};
use super::{Fixture, file, until};

/// The page in its training view, on a site without MusiCNN.
pub fn training() -> (Fixture, Page, Rc<FakeEngines>) {
    let (fixture, page, asked) = connected();
    let list = br#"{"first": "a", "default": "a", "networks": [{"name": "a", "summary": "", "bytes": 1}]}"#;
    page.receive(ClientEvent::Catalogue(Rc::new(Catalogue::parse(list).unwrap())));
    // The registry is needed once however often the view is opened.
    for _ in 0..2 {
        fixture.get::<HtmlElement>("view-train").click();
    }
    assert_eq!(asked.take(), ["registry"], "asked once");
    (fixture, page, asked)
}

/// Dispatches an event as a browser does when a user chooses or types.
fn dispatch(fixture: &Fixture, id: &str, kind: &str) {
    let init = EventInit::new();
    init.set_bubbles(true);
    let event = Event::new_with_event_init_dict(kind, &init).unwrap();
    fixture.get::<Element>(id).dispatch_event(&event).unwrap();
}

fn choose(fixture: &Fixture, id: &str, value: &str) {
    fixture.get::<HtmlSelectElement>(id).set_value(value);
    dispatch(fixture, id, "change");
}

fn write(fixture: &Fixture, id: &str, value: &str) {
    fixture.get::<HtmlInputElement>(id).set_value(value);
    dispatch(fixture, id, "input");
}

fn value(fixture: &Fixture, id: &str) -> String {
    match fixture.get::<Element>(id).dyn_into::<HtmlSelectElement>() {
        Ok(select) => select.value(),
        Err(input) => input.unchecked_into::<HtmlInputElement>().value(),
    }
}

/// True where the field of this id is marked as changed.
fn is_changed(fixture: &Fixture, id: &str) -> bool {
    fixture.get::<Element>(id).closest(".field[data-changed]").unwrap().is_some()
}

pub fn clips(names: &[&str]) -> Vec<File> {
    // Different bytes, for equal files are one clip.
    names.iter().enumerate().map(|(place, name)| file(name, &[place as u8; 4])).collect()
}

pub fn stage(fixture: &Fixture) -> String {
    fixture.get::<Element>("page").get_attribute("data-stage").unwrap()
}

/// The page with two clips of each of two classes.
pub async fn collected() -> (Fixture, Page, Rc<FakeEngines>) {
    let (fixture, page, asked) = training();
    page.open(clips(&["b.001.wav", "b.002.wav", "a.001.wav", "a.002.wav", "notes.txt"]));
    until(|| fixture.text("train-count") == "4 clips in 2 classes" && stage(&fixture) == "idle").await;
    (fixture, page, asked)
}

#[wasm_bindgen_test]
async fn clips_are_added_to_the_classes_that_their_names_say() {
    let (fixture, _page, asked) = collected().await;
    assert_eq!(asked.take(), [""; 0], "nothing is classified meanwhile");
    assert_eq!(fixture.text("train-notice"), "Left out: 1 file that is not audio (notes.txt).");
    let names = fixture.get::<Element>("train-classes").get_elements_by_tag_name("input");
    let name = |place| names.item(place).unwrap().get_attribute("value").unwrap();
    assert_eq!([name(0), name(1)], ["a", "b"], "in the order of their names");
    assert!(fixture.text("train-warnings").contains("“a” has only 2 clips"), "{}", fixture.text("train-warnings"));
    fixture.get::<HtmlElement>("train-undo").click();
    until(|| fixture.hidden("train-count")).await;
    assert!(fixture.get::<Element>("train-start").has_attribute("disabled"));
}

#[wasm_bindgen_test]
async fn a_training_job_is_started_as_it_is_set() {
    let (fixture, page, asked) = collected().await;
    let option: HtmlSelectElement = fixture.get("train-model");
    assert_eq!(option.value(), "lens", "without MusiCNN there is no head on it");
    fixture.get::<HtmlInputElement>("train-share").set_value("50");
    fixture.get::<HtmlInputElement>("train-name").set_value(" a ");
    fixture.get::<HtmlElement>("train-start").click();
    assert_eq!(asked.take(), ["train a+b 0.5 a.001.wav+a.002.wav+b.001.wav+b.002.wav"]);
    assert_eq!(fixture.get::<HtmlInputElement>("train-name").value(), "a 2", "a name that is free");
    page.receive(ClientEvent::Training(TrainingEvent::Step { step: 3, steps: 90 }));
    until(|| fixture.text("train-progress-text") == "Training: step 3 of 90…").await;
    fixture.get::<HtmlElement>("train-pause").click();
    until(|| fixture.text("train-progress-text") == "Paused.").await;
    fixture.get::<HtmlElement>("train-pause").click();
    fixture.get::<HtmlElement>("train-stop-keep-best").click();
    fixture.get::<HtmlElement>("train-stop").click();
    assert_eq!(asked.take(), ["control Pause", "control Run", "control Stop", "cancel training"]);
    page.receive(ClientEvent::Training(TrainingEvent::Failed("no device".to_owned())));
    until(|| fixture.text("train-error") == "no device.").await;
    assert_eq!(stage(&fixture), "idle");
}

pub fn report(epoch: usize) -> EpochReport {
    let valid = Scores::Classes { accuracy: 0.5, balanced_accuracy: 0.5 };
    EpochReport { epoch, train_loss: 1.0, step_losses: vec![1.0], valid_loss: 1.0, valid, best: epoch == 1 }
}

/// Four validation clips, of a, a, b and b; the second is classified wrongly.
fn outcome(multi_label: bool) -> Outcome {
    let clip = |(place, label): (usize, usize)| LabelledClip {
        id: place.to_string(),
        name: format!("{place}.wav"),
        group: None,
        labels: vec![label],
        split: Split::Valid,
    };
    let model = model_spec("lens", &ModelChoices::default(), &[]);
    let job = TrainingJob {
        name: "mine".to_owned(),
        labels: vec!["a".to_owned(), "b".to_owned()],
        multi_label,
        recipe: model.quick(4),
        model,
        clips: [0, 0, 1, 1].into_iter().enumerate().map(clip).collect(),
    };
    let answers = vec![vec![0.9, 0.1], vec![0.2, 0.8], vec![0.1, 0.9], vec![0.3, 0.7]];
    let result = TrainingResult { epochs: Vec::new(), warning: None, answers, parameters: 1, milliseconds: 1200.0 };
    Outcome { card: card("mine"), job, result }
}

fn architecture() -> ArchitectureInfo {
    ArchitectureInfo {
        id: "net1".to_owned(),
        summary: "A network of a paper".to_owned(),
        source: "A paper".to_owned(),
        front_end: "net1".to_owned(),
        rows: None,
        frames: 128,
        min_frames: 4,
        recipe: Recipe { epochs: 77, optimiser: OptimiserKind::Sgd, ..Recipe::default() },
    }
}

#[wasm_bindgen_test]
async fn the_preset_fills_the_fields_and_a_change_is_marked() {
    let (fixture, page, _asked) = collected().await;
    assert_eq!((value(&fixture, "train-epochs").as_str(), value(&fixture, "train-batch").as_str()), ("60", "4"));
    choose(&fixture, "train-preset", "thorough");
    assert_eq!(
        (value(&fixture, "train-epochs").as_str(), value(&fixture, "train-augment").as_str()),
        ("200", "strong")
    );
    write(&fixture, "train-epochs", "12");
    assert!(is_changed(&fixture, "train-epochs") && !is_changed(&fixture, "train-rate"));
    assert_eq!(value(&fixture, "train-preset"), "own");
    choose(&fixture, "train-augment", "light");
    assert_eq!((value(&fixture, "train-mixup").as_str(), is_changed(&fixture, "train-mixup")), ("0", true));
    write(&fixture, "train-mixup", "0.2");
    assert_eq!(value(&fixture, "train-augment"), "own");
    // More clips change the recipe of the preset, but no setting that the user has changed.
    page.open(clips(&["c.001.wav", "c.002.wav", "c.003.wav", "c.004.wav", "c.005.wav"]));
    until(|| value(&fixture, "train-batch") == "9").await;
    assert_eq!(value(&fixture, "train-epochs"), "12");
    choose(&fixture, "train-preset", "quick");
    assert_eq!((value(&fixture, "train-preset").as_str(), value(&fixture, "train-epochs").as_str()), ("quick", "60"));
    assert!(!is_changed(&fixture, "train-epochs"));
}

#[wasm_bindgen_test]
async fn a_value_out_of_range_is_refused_at_its_field() {
    let (fixture, _page, asked) = collected().await;
    write(&fixture, "train-dropout-dense", "1");
    let said = fixture.text("train-dropout-dense-trouble");
    assert_eq!(said, "Dropout (dense layers) must be 0 to below 1, not 1.");
    fixture.get::<HtmlElement>("train-start").click();
    assert_eq!(asked.take(), [""; 0], "nothing begins");
    assert!(fixture.get::<Element>("train-all").has_attribute("open") && !fixture.hidden("train-settings-trouble"));
    write(&fixture, "train-dropout-dense", "");
    assert!(fixture.document.get_element_by_id("train-dropout-dense-trouble").is_none());
    write(&fixture, "train-share", "80");
    assert_eq!(fixture.text("train-share-trouble"), "Validation split (%) must be 5 to 50, not 80.");
    write(&fixture, "train-share", "50");
    fixture.get::<HtmlElement>("train-start").click();
    assert_eq!(asked.take().len(), 1);
    assert!(fixture.hidden("train-settings-trouble"));
}

#[wasm_bindgen_test]
async fn architectures_are_offered_once_the_engine_has_listed_them() {
    let (fixture, page, _asked) = collected().await;
    let groups = || fixture.get::<Element>("train-model").get_elements_by_tag_name("optgroup").length();
    assert_eq!(groups(), 2, "pretrained networks, and one from scratch");
    let paper = || {
        let option = fixture.get::<Element>("train-preset").query_selector("option[value=paper]").unwrap().unwrap();
        !option.has_attribute("disabled")
    };
    choose(&fixture, "train-model", "tuned:a");
    assert!(!paper() && fixture.text("train-preset-about").contains("No paper"));
    assert!(fixture.get::<Element>("train-augmentation").has_attribute("disabled"), "its features are computed once");
    choose(&fixture, "train-layers", "all");
    assert!(!fixture.get::<Element>("train-augmentation").has_attribute("disabled"));
    page.receive(ClientEvent::Architectures(Rc::new(vec![architecture()])));
    until(|| fixture.text("train-model").contains("net1, from scratch")).await;
    assert_eq!(value(&fixture, "train-model"), "tuned:a", "the selection stays");
    choose(&fixture, "train-model", "net1");
    assert!(fixture.text("train-model-about").starts_with("A network of a paper."));
    assert!(paper() && value(&fixture, "train-front-end") == "usual");
    choose(&fixture, "train-preset", "paper");
    assert_eq!((value(&fixture, "train-epochs").as_str(), value(&fixture, "train-optimiser").as_str()), ("77", "sgd"));
}

#[wasm_bindgen_test]
async fn a_cell_of_the_matrix_lists_its_clips() {
    let (fixture, page, _asked) = collected().await;
    fixture.get::<HtmlElement>("train-start").click();
    page.receive(ClientEvent::Training(TrainingEvent::Trained(Rc::new(outcome(false)))));
    until(|| !fixture.hidden("results")).await;
    let table = fixture.get::<Element>("results-confusion");
    assert_eq!(table.get_elements_by_tag_name("button").length(), 3, "one of the four cells is empty");
    let wrong = table.query_selector("[data-truth='0'][data-answer='1']").unwrap().unwrap();
    assert_eq!(wrong.get_attribute("aria-label").unwrap().replace('\u{a0}', " "), "1 clip of a classified as b");
    wrong.unchecked_into::<HtmlElement>().click();
    assert!(!fixture.hidden("results-cell"));
    assert_eq!(fixture.text("results-cell-heading"), "1 clip of a classified as b:");
    assert!(
        fixture.text("results-cell-clips").starts_with("1.wav: b 80 %, a 20 %"),
        "{}",
        fixture.text("results-cell-clips")
    );
    let play = fixture.get::<Element>("results-cell-clips").query_selector("[data-act=play]").unwrap().unwrap();
    assert_eq!(play.get_attribute("data-clip").as_deref(), Some("1"));
    assert!(fixture.text("results-figures").contains("macro average"));
}

#[wasm_bindgen_test]
async fn tags_have_areas_instead_of_a_matrix() {
    let (fixture, page, _asked) = collected().await;
    fixture.get::<HtmlElement>("train-start").click();
    page.receive(ClientEvent::Training(TrainingEvent::Trained(Rc::new(outcome(true)))));
    until(|| !fixture.hidden("results")).await;
    assert!(fixture.hidden("results-matrix-box"));
    assert!(fixture.text("results-sentence").contains("mean ROC-AUC 0.75"), "{}", fixture.text("results-sentence"));
    assert!(fixture.text("results-figures").contains("PR-AUC"));
    assert!(
        fixture.text("results-misses").contains("a: 1.wav has this tag, predicted 20 %"),
        "{}",
        fixture.text("results-misses")
    );
}

#[wasm_bindgen_test]
async fn the_most_confused_of_three_hundred_classes_are_listed() {
    let (fixture, page, _asked) = collected().await;
    let mut large = outcome(false);
    large.job.labels = (0..300).map(|label| format!("class {label}")).collect();
    large.result.answers.iter_mut().for_each(|answer| answer.resize(300, 0.0));
    fixture.get::<HtmlElement>("train-start").click();
    page.receive(ClientEvent::Training(TrainingEvent::Trained(Rc::new(large))));
    until(|| !fixture.hidden("results")).await;
    assert!(fixture.hidden("results-confusion-scroll") && !fixture.hidden("results-many"));
    assert_eq!(fixture.text("results-pairs"), "1 clip of class 0 classified as class 1");
    assert_eq!(fixture.get::<Element>("results-confusion").child_element_count(), 0);
}

#[wasm_bindgen_test]
fn every_field_has_a_label_and_help() {
    let (fixture, _page, _asked) = training();
    let settings = fixture.get::<Element>("train-settings");
    let elements = |tag: &str| {
        let found = settings.get_elements_by_tag_name(tag);
        (0..found.length()).map(move |place| found.item(place).unwrap()).collect::<Vec<_>>()
    };
    let labels: Vec<String> = elements("label").iter().filter_map(|label| label.get_attribute("for")).collect();
    let controls: Vec<Element> = elements("input").into_iter().chain(elements("select")).collect();
    for control in &controls {
        assert!(labels.contains(&control.id()), "{} has no label", control.id());
    }
    // The form is built from the table: every setting has a place with a label, its help and its control.
    let settings_of = all().map(|setting| setting.field).chain(MODEL_FIELDS);
    let fields: Vec<_> = settings_of.chain(FIELDSETS.iter().flat_map(|fieldset| fieldset.extra).copied()).collect();
    assert_eq!(controls.len(), fields.len());
    for field in &fields {
        let place = fixture.get::<Element>(field.id).closest(".field").unwrap().unwrap();
        let text = |selector: &str| place.query_selector(selector).unwrap().unwrap().text_content().unwrap();
        assert_eq!((text("label").as_str(), text(".why p").as_str()), (field.label, field.help));
    }
    assert_eq!(elements("fieldset").len(), FIELDSETS.len());
    let help = settings.get_elements_by_class_name("why");
    assert_eq!(help.length() as usize, fields.len());
    for place in 0..help.length() {
        let help = help.item(place).unwrap();
        let summary = help.query_selector("summary[aria-label]").unwrap().unwrap();
        let text = help.query_selector("p").unwrap().unwrap().text_content().unwrap();
        assert!(text.len() > 20, "{:?}", summary.get_attribute("aria-label"));
    }
}

#[wasm_bindgen_test]
async fn results_are_shown_and_used() {
    let (fixture, page, asked) = collected().await;
    fixture.get::<HtmlElement>("train-start").click();
    page.receive(ClientEvent::Training(TrainingEvent::Epoch(report(1))));
    page.receive(ClientEvent::Training(TrainingEvent::Epoch(report(2))));
    until(|| !fixture.hidden("train-curves")).await;
    assert!(
        fixture.text("train-epochs-text").starts_with("Epoch 2: training loss 1.00"),
        "{}",
        fixture.text("train-epochs-text")
    );
    assert!(fixture.text("train-epochs-text").contains("Best so far: epoch 1, accuracy 50 %"));
    let outcome = outcome(false);
    page.receive(ClientEvent::Training(TrainingEvent::Trained(Rc::new(outcome))));
    until(|| !fixture.hidden("results")).await;
    let said = fixture.text("results-sentence");
    assert!(
        said.starts_with("Of 4 clips in the validation split, it classifies 3 correctly: an accuracy of 75 %."),
        "{said}"
    );
    assert!(said.contains("between 30 % and 95 %"), "{said}");
    assert!(fixture.text("results-misses").contains("1.wav: labelled a, classified as b; 20 % for the label"));
    asked.take();
    fixture.get::<HtmlElement>("results-use").click();
    assert_eq!(asked.take(), ["use mine"]);
    assert_eq!(fixture.get::<Element>("page").get_attribute("data-view").as_deref(), Some("classify"));
}
