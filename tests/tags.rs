//! Many labels: networks that learn tags from a folder of audio whose index names several a song.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What may sound in a made-up clip, each for itself.
const TAGS: [&str; 3] = ["low", "high", "pulsing"];

/// Clips of 1.5 s in all eight combinations of tags, several of each; every fourth is for validation.
fn write_set(folder: &Path) {
    let mut index = "file,tags,split\n".to_owned();
    for clip in 0..40_u32 {
        let has = [0, 1, 2].map(|tag| clip >> tag & 1 == 1);
        let tags: Vec<&str> = TAGS.iter().zip(has).filter(|(_, has)| *has).map(|(tag, _)| *tag).collect();
        let split = if clip % 32 / 8 == 3 { "valid" } else { "train" };
        index += &format!("clip{clip}.wav,{},{split}\n", tags.join("; "));
        write_clip(&folder.join(format!("clip{clip}.wav")), clip, has);
    }
    std::fs::write(folder.join("index.csv"), index).unwrap();
}

fn write_clip(path: &Path, clip: u32, [low, high, pulsing]: [bool; 3]) {
    let (sample_format, bits_per_sample) = (hound::SampleFormat::Int, 16);
    let spec = hound::WavSpec { channels: 1, sample_rate: 22_050, bits_per_sample, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    let mut noise = clip.wrapping_mul(2_654_435_761) | 1;
    for index in 0..33_075_u32 {
        let t = f64::from(index) / 22_050.0;
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let tone = |on: bool, hz: f64| if on { (std::f64::consts::TAU * hz * t).sin() } else { 0.0 };
        let sound = tone(low, 150.0 + f64::from(clip)) + tone(high, 4000.0 + 20.0 * f64::from(clip));
        let loudness = if pulsing && (t * 4.0).fract() < 0.5 { 0.05 } else { 1.0 };
        let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
        writer.write_sample(((sound + 0.5 * hiss) * loudness * 9000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

fn genrelens(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_genrelens")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Trains, measures and classifies with a network, all by the command line.
fn learns_tags(architecture: &str, settings: &str) {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let recipe = format!(
        "name = 'tags'\nsummary = 'A test.'\narchitecture = '{architecture}'\nfront_end = 'gtzan-logmel'\nframes = 16\n\
         train = 'train'\nvalid = 'valid'\ndata = 'made up'\n[structure]\nwidth = 0.25\n[training]\nbatch = 10\n\
         windows_per_song = 1\n{settings}"
    );
    std::fs::write(path("recipe.toml"), recipe).unwrap();
    let (audio, model) = (path(""), path("tags.safetensors"));
    genrelens(&["train", "--recipe", &path("recipe.toml"), "--audio", &audio, "--out", &model]);
    let printed = genrelens(&["evaluate", "--model", &model, "--audio", &audio, "--split", "valid", "--json"]);
    let figures: Value = serde_json::from_str(&printed).unwrap();
    println!("{architecture}: {printed}");
    assert_eq!(figures["n"], 8);
    assert!(figures["roc_auc"].as_f64().unwrap() > 0.9, "{printed}");
    assert!(figures["pr_auc"].as_f64().unwrap() > 0.9, "{printed}");
    assert_eq!(figures["per_tag"].as_array().unwrap().len(), TAGS.len());

    let card: Value = serde_json::from_slice(&std::fs::read(path("tags.json")).unwrap()).unwrap();
    assert_eq!(
        (&card["many_labels"], &card["labels"]),
        (&Value::Bool(true), &serde_json::json!(["high", "low", "pulsing"]))
    );
    assert_eq!(card["figures"]["valid_roc_auc"], (figures["roc_auc"].as_f64().unwrap() * 1e4).round() / 1e4);

    // Clip 31 is of validation and has all tags: their probabilities do not share one whole.
    let printed = genrelens(&["classify", "--model", &model, "--json", &path("clip31.wav")]);
    let line: Value = serde_json::from_str(&printed).unwrap();
    let sum: f64 = line["genres"].as_object().unwrap().values().map(|value| value.as_f64().unwrap()).sum();
    assert!(sum > 1.5, "{printed}");
}

#[test]
fn our_own_network_learns_tags() {
    learns_tags("lens", "epochs = 25\nlearning_rate = 3e-3\nvalidate_every = 5\n");
}
