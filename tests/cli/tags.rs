//! Multi-label training on a folder of audio whose index names several tags a song.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{genrelens, model_weights, wav};

/// What may sound in a made-up clip, in any combination.
const TAGS: [&str; 3] = ["low", "high", "pulsing"];

/// Clips of 1.5 s in all eight combinations of tags, several of each; every fourth is for validation.
pub fn write_set(folder: &Path) {
    let mut index = "file,tags,split\n".to_owned();
    for clip in 0..40_u32 {
        // The bits of the clip's number: every combination is equally frequent.
        let has = [0, 1, 2].map(|tag| clip >> tag & 1 == 1);
        let tags: Vec<&str> = TAGS.iter().zip(has).filter(|(_, has)| *has).map(|(tag, _)| *tag).collect();
        let split = if clip % 32 / 8 == 3 { "valid" } else { "train" };
        index += &format!("clip{clip}.wav,{},{split}\n", tags.join("; "));
        write_clip(&folder.join(format!("clip{clip}.wav")), clip, has);
    }
    std::fs::write(folder.join("index.csv"), index).unwrap();
}

fn write_clip(path: &Path, clip: u32, [low, high, pulsing]: [bool; 3]) {
    // Knuth's multiplicative hash, for seeds far apart.
    let mut noise = clip.wrapping_mul(2_654_435_761) | 1;
    let sample = |index: u32| {
        let t = f64::from(index) / 22_050.0;
        // The generator of "Numerical Recipes": the same noise on every machine.
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let tone = |on: bool, hz: f64| if on { (std::f64::consts::TAU * hz * t).sin() } else { 0.0 };
        let sound = tone(low, 150.0 + f64::from(clip)) + tone(high, 4000.0 + 20.0 * f64::from(clip));
        let loudness = if pulsing && (t * 4.0).fract() < 0.5 { 0.05 } else { 1.0 };
        let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
        ((sound + 0.5 * hiss) * loudness * 9000.0) as i16
    };
    std::fs::write(path, wav::pcm16(22_050, 1, (0..33_075_u32).map(sample))).unwrap();
}

/// Trains, evaluates and classifies with a network, all by the command line. Its folder: the set, and the network as
/// `tags`.
fn train_tagger(architecture: &str, settings: &str) -> tempfile::TempDir {
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
    let figures = evaluate_tagger(&model, &audio);
    let card: Value = serde_json::from_slice(&std::fs::read(path("tags.json")).unwrap()).unwrap();
    assert_eq!(
        (&card["multi_label"], &card["labels"]),
        (&Value::Bool(true), &serde_json::json!(["high", "low", "pulsing"]))
    );
    assert_eq!(card["figures"]["valid_roc_auc"], (figures["roc_auc"].as_f64().unwrap() * 1e4).round() / 1e4);

    // Clip 31 is of validation and has all tags: their probabilities do not share one whole.
    let printed = genrelens(&["classify", "--model", &model, "--json", &path("clip31.wav")]);
    let line: Value = serde_json::from_str(&printed).unwrap();
    let sum: f64 = line["genres"].as_object().unwrap().values().map(|value| value.as_f64().unwrap()).sum();
    assert!(sum > 1.5, "{printed}");
    folder
}

/// Evaluates a network on the set's validation part.
fn evaluate_tagger(model: &str, audio: &str) -> Value {
    let printed = genrelens(&["evaluate", "--model", model, "--audio", audio, "--split", "valid", "--json"]);
    println!("{model}: {printed}");
    let figures: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(figures["n"], 8);
    assert!(figures["roc_auc"].as_f64().unwrap() > 0.9, "{printed}");
    assert!(figures["pr_auc"].as_f64().unwrap() > 0.9, "{printed}");
    assert_eq!(figures["per_tag"].as_array().unwrap().len(), TAGS.len());
    figures
}

#[test]
fn our_own_network_and_a_head_on_it_predict_tags() {
    let folder = train_tagger("lens", "epochs = 25\nlearning_rate = 3e-3\nvalidate_every = 5\n");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let recipe = "name = 'head'\nsummary = 'A test.'\narchitecture = 'head'\nfront_end = 'gtzan-logmel'\nframes = 16\n\
                  train = 'train'\ndata = 'made up'\nf32 = true\n[[backbones]]\nname = 'tags'\ntakes = 'features'\n[head]\n\
                  folds = 4\nfold_seeds = [1]\n";
    std::fs::write(path("head.toml"), recipe).unwrap();
    let (audio, head) = (path(""), path("head.safetensors"));
    genrelens(&["train", "--recipe", &path("head.toml"), "--audio", &audio, "--backbones", &audio, "--out", &head]);
    evaluate_tagger(&head, &audio);
}

#[test]
fn the_documents_tagger_predicts_tags() {
    train_tagger("fcn-tagger", "epochs = 25\nlearning_rate = 3e-3\nvalidate_every = 5\n");
}

/// Excerpts a genre that are tagged by MusiCNN, and those of them that are for validation.
const EXCERPTS: usize = 8;
const FOR_VALIDATION: usize = 3;
/// From this probability on a tag counts.
const LEAST: f64 = 0.1;

#[test]
fn the_documents_tagger_imitates_musicnn_on_real_music() {
    let Some(data) = crate::common::shared_data() else { return };
    let Some(musicnn) = model_weights::with_musicnn("musicnn-msd.safetensors") else { return };
    let audio = data.join("gtzan-audio");
    let mut songs = Vec::new();
    for genre in ["classical", "hiphop", "jazz", "metal", "pop", "reggae"] {
        let files = std::fs::read_dir(audio.join(genre)).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|kind| kind == "wav")).collect();
        // The order of a folder is the file system's.
        files.sort();
        // From the middle: the first ones are longer than the others.
        songs.extend(files.into_iter().skip(15).take(EXCERPTS));
    }
    let paths: Vec<&str> = songs.iter().map(|path| path.to_str().unwrap()).collect();
    let command = ["classify", "--json", "--model", musicnn.to_str().unwrap()];
    let printed = genrelens(&[command.as_slice(), &paths].concat());
    let answers: Vec<BTreeMap<String, f64>> = printed.lines().map(tags_of).collect();
    // The tags that tell these songs apart.
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for tag in answers.iter().flat_map(|answer| answer.iter().filter(|(_, p)| **p >= LEAST)).map(|(tag, _)| tag) {
        *counts.entry(tag).or_default() += 1;
    }
    counts.retain(|_, count| *count >= EXCERPTS);
    let folder = tempfile::tempdir().unwrap();
    let mut index = "file,tags,split\n".to_owned();
    for (number, (path, answer)) in songs.iter().zip(&answers).enumerate() {
        let tags: Vec<&str> = counts.keys().copied().filter(|tag| answer[*tag] >= LEAST).collect();
        let split = if number % EXCERPTS < FOR_VALIDATION { "valid" } else { "train" };
        index += &format!("{},{},{split}\n", path.display(), tags.join(";"));
    }
    std::fs::write(folder.path().join("index.csv"), index).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let recipe = "name = 'tags'\nsummary = 'A test.'\narchitecture = 'fcn-tagger'\nfront_end = 'gtzan-logmel'\n\
                  frames = 26\ntrain = 'train'\nvalid = 'valid'\ndata = 'the tags that MusiCNN gives to GTZAN'\n[structure]\n\
                  width = 0.5\n[training]\nbatch = 10\nepochs = 30\nlearning_rate = 3e-3\nvalidate_every = 10\n\
                  windows_per_song = 1\naverage_decay = 0.95\nkeep = 'last'\n";
    std::fs::write(path("recipe.toml"), recipe).unwrap();
    let model = path("tags.safetensors");
    genrelens(&["train", "--recipe", &path("recipe.toml"), "--audio", &path(""), "--out", &model]);
    let printed = genrelens(&["evaluate", "--model", &model, "--audio", &path(""), "--split", "valid", "--json"]);
    println!("{} tags: {printed}", counts.len());
    let figures: Value = serde_json::from_str(&printed).unwrap();
    assert!(counts.len() >= 3, "{counts:?}");
    // Chance is 0.5.
    assert!(figures["roc_auc"].as_f64().unwrap() > 0.65, "{printed}");
}

/// The tags of a line of `classify --json`.
fn tags_of(line: &str) -> BTreeMap<String, f64> {
    let line: Value = serde_json::from_str(line).unwrap();
    serde_json::from_value(line["genres"].clone()).unwrap()
}
