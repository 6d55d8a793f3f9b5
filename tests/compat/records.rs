//! Records of an earlier build are read without loss: whatever its keys are called now, every value is still there. The
//! files are in `tests/data/compat`, with the script that made them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

// The types by what they are in the files.
use genrelens::card::Card;
use genrelens::training_job::TrainingJob;
use genrelens::view::storage::state::{SavedRun as InterruptedTraining, StoredDataset as StoredCollection};
use genrelens::view::train::dataset_file::DatasetFile;
use genrelens::view::train::results::Outcome as FinishedTraining;

const CARDS: [&str; 10] = [
    include_str!("../data/compat/cards/genre-head.json"),
    include_str!("../data/compat/cards/scratch-best.json"),
    include_str!("../data/compat/cards/first-answer.json"),
    include_str!("../data/compat/cards/net1-gtzan.json"),
    include_str!("../data/compat/cards/musicnn-msd.json"),
    include_str!("../data/compat/cards/every-key.json"),
    include_str!("../data/compat/cards/from-scratch.json"),
    include_str!("../data/compat/cards/fine-tuned.json"),
    include_str!("../data/compat/cards/head-on-musicnn.json"),
    include_str!("../data/compat/cards/tagger.json"),
];
const RUNS: [&str; 4] = [
    include_str!("../data/compat/records/run-of-from-scratch.json"),
    include_str!("../data/compat/records/run-of-fine-tuned.json"),
    include_str!("../data/compat/records/run-of-head-on-musicnn.json"),
    include_str!("../data/compat/records/run-of-tagger.json"),
];
const INTERRUPTED: &str = include_str!("../data/compat/records/running.json");
const COLLECTION: &str = include_str!("../data/compat/records/collection.json");
const DATASETS: [&str; 2] = [
    include_str!("../data/compat/records/dataset-of-classes.json"),
    include_str!("../data/compat/records/dataset-of-tags.json"),
];

/// The values of a tree. Numbers as 32-bit ones, which many of them are.
fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().flat_map(leaves).collect(),
        Value::Object(all) => all.values().flat_map(leaves).collect(),
        Value::Number(number) => vec![(number.as_f64().unwrap() as f32).to_string()],
        other => vec![other.to_string()],
    }
}

/// Asserts that one tree has every value of the other. It may have more: what was added later.
fn assert_has_leaves(found: &Value, expected: &Value) {
    let (mut found, mut lost) = (leaves(found), Vec::new());
    for leaf in leaves(expected) {
        match found.iter().position(|other| *other == leaf) {
            Some(place) => drop(found.remove(place)),
            None => lost.push(leaf),
        }
    }
    assert!(lost.is_empty(), "lost: {lost:?}");
}

fn assert_nothing_is_lost<T: Serialize + DeserializeOwned>(json: &str) {
    let record: T = serde_json::from_str(json).unwrap();
    assert_has_leaves(&serde_json::to_value(&record).unwrap(), &serde_json::from_str(json).unwrap());
}

#[test]
fn cards() {
    for card in CARDS {
        assert_nothing_is_lost::<Card>(card);
    }
}

#[test]
fn trainings_inside_cards() {
    let recipes = CARDS.map(|card| serde_json::from_str::<Card>(card).unwrap().recipe);
    let own: Vec<&String> = recipes.iter().filter(|recipe| recipe.starts_with('{')).collect();
    assert_eq!(own.len(), 4);
    own.into_iter().for_each(|recipe| assert_nothing_is_lost::<TrainingJob>(recipe));
}

#[test]
fn finished_trainings() {
    for run in RUNS {
        assert_nothing_is_lost::<FinishedTraining>(run);
    }
}

#[test]
fn interrupted_trainings() {
    assert_nothing_is_lost::<InterruptedTraining>(INTERRUPTED);
}

#[test]
fn collections() {
    assert_nothing_is_lost::<StoredCollection>(COLLECTION);
}

#[test]
fn descriptions_of_datasets() {
    for json in DATASETS {
        let dataset = DatasetFile::parse(json.as_bytes()).unwrap();
        let again: Value = serde_json::from_slice(&dataset.to_json().unwrap()).unwrap();
        assert_has_leaves(&again, &serde_json::from_str(json).unwrap());
    }
}
