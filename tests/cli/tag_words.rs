//! MusiCNN's tags in words, on the command line.

use std::path::Path;

use serde_json::Value;

use crate::{common, genrelens, model_weights};

/// Recordings of the shared data.
fn recordings() -> Option<Vec<String>> {
    let folder = common::shared_data()?.join("gtzan-audio");
    let mut found = Vec::new();
    for genre in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let files = std::fs::read_dir(genre).unwrap().map(|entry| entry.unwrap().path());
        found.extend(
            files.filter(|file| file.extension() == Some("wav".as_ref())).map(|file| file.display().to_string()),
        );
    }
    found.sort();
    Some(found)
}

fn head() -> Option<String> {
    let backbones = ["musicnn-msd", "musicnn-mtt"].map(model_weights::with_musicnn);
    let head = Path::new(env!("CARGO_MANIFEST_DIR")).join("model-weights/genre-head.safetensors");
    backbones.iter().all(Option::is_some).then(|| head.display().to_string())
}

#[test]
fn a_head_says_what_a_recording_sounds_like() {
    let (Some(head), Some(recordings)) = (head(), recordings()) else { return };
    let song = recordings.iter().find(|song| song.contains("metal.00000")).unwrap();
    let line: Value = serde_json::from_str(&genrelens(&["classify", "--model", &head, "--json", song])).unwrap();
    let said = line["sounds_like"].as_str().unwrap();
    let genres = line["families"]["genre"].as_array().unwrap();
    println!("{said} {genres:?}");
    assert!(said.starts_with("Sounds like ") && said.contains("metal"), "{said}");
    let strengths: Vec<f64> = genres.iter().map(|word| word["strength"].as_f64().unwrap()).collect();
    assert!(strengths.is_sorted_by(|a, b| a >= b) && strengths.len() <= 3, "{strengths:?}");
    let text = genrelens(&["classify", "--model", &head, song]);
    assert!(text.contains(said) && text.contains("Instruments: "), "{text}");
}

/// Prints the table of levels that `view/classify/tag_words.rs` has: of every tag the mean and the standard deviation of its
/// log-odds.
#[test]
#[ignore = "a measurement: cargo test --release --test cli tag_levels -- --ignored --nocapture"]
fn tag_levels() {
    let (Some(head), Some(recordings)) = (head(), recordings()) else { return };
    let files: Vec<&str> = recordings.iter().map(String::as_str).collect();
    let printed = genrelens(&[["classify", "--model", head.as_str(), "--json"].as_slice(), &files].concat());
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    println!("{} recordings", lines.len());
    for (network, tags) in lines[0]["tags"].as_object().unwrap() {
        for tag in tags.as_object().unwrap().keys() {
            let log_odds = |line: &Value| {
                let probability = line["tags"][network][tag].as_f64().unwrap().clamp(1e-6, 1.0 - 1e-6);
                (probability / (1.0 - probability)).ln()
            };
            let values: Vec<f64> = lines.iter().map(log_odds).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
            println!("{network} {tag:20} {mean:.2} {:.2}", variance.sqrt());
        }
    }
}
