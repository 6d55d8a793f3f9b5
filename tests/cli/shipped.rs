//! The weights in `model-weights/`: every file fits its card, and the figures on the cards are true.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use burn::tensor::Device;
use genrelens::card::Card;
use genrelens::dsp::FrontEnd;
use genrelens::model::weights;
use serde_json::Value;

use crate::{command, common, genrelens, model_weights, wav};

fn weights_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("model-weights");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "safetensors")).collect()
}

fn card(path: &Path) -> Card {
    serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap()
}

#[test]
fn every_file_fits_its_card() {
    let files = weights_files();
    assert!(!files.is_empty());
    for path in files {
        let (bytes, card) = (std::fs::read(&path).unwrap(), card(&path));
        assert_eq!(weights::embedded_card(&bytes).unwrap(), card, "{}", path.display());
        let front_end = FrontEnd::by_name(&card.front_end).unwrap();
        assert_eq!(front_end.mel_bands, card.bands, "{}", path.display());
        weights::from_bytes(bytes, &card, &Device::flex()).unwrap();
    }
}

#[test]
fn shipped_networks_keep_the_figures_of_their_cards() {
    let Some(data) = crate::common::shared_data() else { return };
    let folder = data.join("gtzan-logmel");
    let measured = |path: &PathBuf| card(path).figures.get("valid_song_accuracy").map(|&stated| (path.clone(), stated));
    let mut names = Vec::new();
    for (path, stated) in weights_files().iter().filter_map(measured) {
        let (features, model) = (folder.to_str().unwrap(), path.to_str().unwrap());
        let printed = genrelens(&["evaluate", "--model", model, "--features", features, "--split", "valid", "--json"]);
        let figures: Value = serde_json::from_str(&printed).unwrap();
        let accuracy = figures["accuracy"].as_f64().unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        println!("{name} on the 197 validation songs: accuracy {accuracy:.4}, its card says {stated:.4}");
        // The validation songs of GTZAN's fault-filtered split.
        assert_eq!(figures["n"], 197);
        // A card's figure was measured on the weights in float32; two songs may fall otherwise in float16.
        assert!((accuracy - stated).abs() < 0.011, "{name}: {accuracy}, and its card says {stated}");
        for key in ["balanced_accuracy", "macro_f1", "labels", "confusion", "per_class", "accuracy_interval"] {
            assert!(!figures[key].is_null(), "{key} is missing");
        }
        names.push(name);
    }
    for shipped in ["first-answer", "scratch-best", "net1-gtzan"] {
        assert!(names.iter().any(|name| name == shipped), "{shipped} is not among {names:?}");
    }
}

#[test]
fn all_shipped_weights_fit_into_twelve_megabytes() {
    let bytes: u64 = weights_files().iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    println!("all weights together: {bytes} bytes");
    // Every clone of the repository and every visitor of the page pays for them.
    assert!(bytes < 12_000_000, "{bytes}");
    for path in weights_files() {
        let card = card(&path);
        assert_eq!(card.sha256.len(), 64, "{}", path.display());
        // What others trained is fetched, by its own checksum.
        assert!(!card.recipe.is_empty() || card.name.starts_with("musicnn-"), "{} has no recipe", card.name);
    }
}

#[test]
fn the_genre_head_names_a_recording_and_its_tags() {
    let Some(model) = model_weights::with_musicnn("genre-head.safetensors") else { return };
    let folder = tempfile::tempdir().unwrap();
    let tone = folder.path().join("tone.wav");
    write_tone(&tone);
    let printed = genrelens(&["classify", "--json", "--model", model.to_str().unwrap(), tone.to_str().unwrap()]);
    let line: Value = serde_json::from_str(printed.trim()).unwrap();
    let genres = line["genres"].as_object().unwrap();
    let sum: f64 = genres.values().map(|probability| probability.as_f64().unwrap()).sum();
    assert_eq!(genres.len(), 10);
    assert!((sum - 1.0).abs() < 1e-4);
    let card = card(&model);
    let names: Vec<&str> = card.backbones.iter().map(|backbone| backbone.name.as_str()).collect();
    assert_eq!(names, ["musicnn-msd", "musicnn-mtt"]);
    assert!(card.labels.is_sorted());
}

/// The head was evaluated out of fold, and its figures are at least as good as these.
#[test]
fn the_genre_heads_card_has_figures_out_of_fold() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("model-weights/genre-head.safetensors");
    let figures = card(&path).figures;
    assert!(figures["folds_song_accuracy"] >= 0.75 && figures["folds_song_balanced_accuracy"] >= 0.73, "{figures:?}");
    assert!(figures["folds_ece"] < 0.06 && figures["folds_nll"] < figures["folds_nll_uncalibrated"], "{figures:?}");
}

#[test]
#[ignore = "minutes: cargo test --release --test cli shipped -- --ignored --nocapture"]
fn the_genre_head_is_as_good_as_its_card_says() {
    let (Some(model), Some(data)) = (model_weights::with_musicnn("genre-head.safetensors"), common::shared_data())
    else {
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (recipe, backbones) = (root.join("recipes/genre-head.toml"), root.join("model-weights"));
    let audio = data.join("gtzan-audio");
    let [recipe, backbones, audio] = [&recipe, &backbones, &audio].map(|path| path.to_str().unwrap());
    let arguments =
        ["--recipe", recipe, "--backbones", backbones, "--audio", audio, "--folds", "5", "--fold-seed", "1,2,3"];
    let printed = genrelens(&[&["crossval", "--json"], arguments.as_slice()].concat());
    let found: Value = serde_json::from_str(&printed).unwrap();
    let mean =
        |name: &str| found["rounds"].as_array().unwrap().iter().map(|r| r[name].as_f64().unwrap()).sum::<f64>() / 3.0;
    let (accuracy, balanced) = (mean("accuracy"), mean("balanced_accuracy"));
    println!("genre-head out of fold: accuracy {accuracy:.4}, balanced {balanced:.4}");
    assert!(accuracy >= 0.74 && balanced >= 0.72);
    assert!((accuracy - card(&model).figures["folds_song_accuracy"]).abs() < 0.02);
}

#[test]
fn inspect_prints_the_papers_parameter_counts() {
    let printed = genrelens(&["inspect", "--all"]);
    // Net1 and Net2 in table 2 of Yang and Zhang 2019.
    assert!(printed.contains("1 001 162") && printed.contains("857 322"), "{printed}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    let mut inspect = Command::new(env!("CARGO_BIN_EXE_genrelens"));
    let mut running = inspect.args(["inspect", "--all"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // As `genrelens inspect --all | head -1` does.
    drop(running.stdout.take());
    let output = running.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn classify_prints_a_json_object_a_file_and_reports_the_bad_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.wav"), folder.path().join("bad.wav"));
    write_tone(&good);
    std::fs::write(&bad, "no audio").unwrap();
    let output = command::run(&[Path::new("classify"), Path::new("--json"), &bad, &good]);
    assert!(!output.status.success());
    let (lines, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(errors.contains("bad.wav") && errors.contains("1 of 2 files"), "{errors}");
    let line: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(line["file"], good.to_str().unwrap());
    assert!(line["windows"].as_u64().unwrap() >= 1);
    let genres = line["genres"].as_object().unwrap();
    let sum: f64 = genres.values().map(|probability| probability.as_f64().unwrap()).sum();
    assert_eq!(genres.len(), 10);
    assert!((sum - 1.0).abs() < 1e-4);
}

#[test]
fn a_quick_look_hears_a_minute_of_a_long_recording_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let [long, short] = [("long.wav", 180), ("short.wav", 40)].map(|(name, seconds)| {
        let sample = |index: i32| ((f64::from(index) * 0.02).sin() * 12_000.0) as i16;
        let path = folder.path().join(name);
        std::fs::write(&path, wav::pcm16(22_050, 1, (0..seconds * 22_050).map(sample))).unwrap();
        path
    });
    let [long, short] = [long.to_str().unwrap(), short.to_str().unwrap()];
    let arguments = ["classify", "--model", "model-weights/first-answer.safetensors", "--json", long, short];
    let lines =
        |output: String| -> Vec<Value> { output.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let (whole, look) = (lines(genrelens(&arguments)), lines(genrelens(&[&arguments[..], &["--quick-look"]].concat())));
    let heard = look[0]["heard_seconds"].as_f64().unwrap();
    assert!((60.0..68.0).contains(&heard), "{heard}");
    let windows = |line: &Value| line["windows"].as_u64().unwrap();
    assert!(2 * windows(&look[0]) < windows(&whole[0]), "{} of {}", look[0], whole[0]);
    // A short recording is heard whole, and is not said to be otherwise.
    assert_eq!(look[1], whole[1]);
    assert!(whole.iter().all(|line| line["heard_seconds"].is_null()));
    let told = genrelens(&["classify", "--quick-look", long]);
    assert!(told.contains("quick look at 66 of 180 s"), "{told}");
}

/// They are classified side by side, and the long ones are done last.
#[test]
fn many_files_are_classified_in_their_order_as_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |number: i32| folder.path().join(format!("{number}.wav"));
    for number in 0..9 {
        let sample = |index: i32| ((f64::from(index) * 0.02 * f64::from(number + 1)).sin() * 12_000.0) as i16;
        let seconds = if number % 3 == 0 { 70 } else { 4 };
        std::fs::write(path(number), wav::pcm16(22_050, 1, (0..seconds * 22_050).map(sample))).unwrap();
    }
    for bad in [2, 7] {
        std::fs::write(path(bad), "no audio").unwrap();
    }
    let classify = |numbers: &[i32]| {
        let files = numbers.iter().map(|&number| path(number).into_os_string());
        let command = ["classify", "--json", "--model", "model-weights/first-answer.safetensors"].map(Into::into);
        let output = command::run(&command.into_iter().chain(files).collect::<Vec<_>>());
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (lines, errors) = classify(&[8, 0, 1, 2, 3, 4, 5, 6, 7, 0]);
    let alone = [8, 0, 1, 3, 4, 5, 6, 0].map(|number| classify(&[number]).0);
    assert_eq!(lines, alone.concat());
    let told: Vec<&str> = errors.lines().collect();
    assert!(told[0].contains("2.wav") && told[1].contains("7.wav") && told[2].contains("2 of 10 files"), "{errors}");
}

#[test]
fn features_are_written_for_numpy() {
    let folder = tempfile::tempdir().unwrap();
    let (tone, out) = (folder.path().join("tone.wav"), folder.path().join("tone.npy"));
    write_tone(&tone);
    // 5 s are 216 frames of 512 samples at 22 050 Hz; the networks' input has a column for every 3.337th of them.
    for (what, shape) in [("input", [65, 128]), ("mel", [216, 128]), ("db", [216, 128]), ("mfcc", [216, 13])] {
        let arguments = ["features", tone.to_str().unwrap(), "--out", out.to_str().unwrap(), "--what", what];
        let printed = genrelens(&[arguments.as_slice(), &["--coefficients", "13"]].concat());
        assert!(printed.contains(&format!("[{}, {}]", shape[0], shape[1])), "{printed}");
        let npy = npyz::NpyFile::new(std::fs::File::open(&out).unwrap()).unwrap();
        assert_eq!(npy.shape(), shape);
        assert!(npy.into_vec::<f32>().unwrap().iter().all(|value| value.is_finite()));
    }
}

fn write_tone(path: &Path) {
    let sample = |index: i32| ((f64::from(index) * 0.05).sin() * 12_000.0) as i16;
    let both = (0..5 * 44_100).map(sample).flat_map(|sample| [sample, -sample / 2]);
    std::fs::write(path, wav::pcm16(44_100, 2, both)).unwrap();
}
