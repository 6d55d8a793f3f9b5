//! Cards of networks that a test makes up.

use genrelens::card::{Card, Structure};

/// The card of a network of three classes, without backbones and without weights; tests replace the fields that matter
/// to them.
pub fn card(architecture: &str) -> Card {
    Card {
        name: "test".to_owned(),
        summary: "A test.".to_owned(),
        architecture: architecture.to_owned(),
        structure: Structure::default(),
        backbones: Vec::new(),
        bands: 128,
        frames: 39,
        front_end: "gtzan-logmel".to_owned(),
        labels: ["a", "b", "c"].map(String::from).to_vec(),
        multi_label: false,
        data: "none".to_owned(),
        recipe: String::new(),
        figures: Default::default(),
        licence: "MIT OR Apache-2.0".to_owned(),
        sha256: String::new(),
    }
}
