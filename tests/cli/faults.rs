//! Files and folders as real people have them: damaged clips, networks of any origin, names that are taken.

use std::path::{Path, PathBuf};
use std::process::Output;

use genrelens::model::weights::sha256_hex;
use serde_json::{Value, json};

use crate::{command, genrelens, wav};

/// A recipe that takes a second.
const RECIPE: &str = "name = 'small'\nsummary = 'A test.'\narchitecture = 'lens'\nfront_end = 'gtzan-logmel'\nframes = 16\n\
                      train = 'train'\nvalid = 'valid'\ndata = 'made up'\n[structure]\nwidth = 0.25\n[training]\nbatch = 4\n\
                      epochs = 1\nwindows_per_song = 1\n";

/// A folder of audio with six clips for training and three for validation, one of each damaged, and a recipe.
fn folder_with_damaged_clips() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut index = "track,genre,split\n".to_owned();
    for clip in 0..9_u32 {
        let (genre, split) = (["jazz", "rock"][clip as usize % 2], if clip < 6 { "train" } else { "valid" });
        std::fs::create_dir_all(folder.path().join(genre)).unwrap();
        let sample = move |index: u32| ((f64::from(index) * 0.02 * f64::from(clip + 1)).sin() * 9000.0) as i16;
        let sound = wav::pcm16(22_050, 1, (0..33_075).map(sample));
        let damaged = clip == 1 || clip == 8;
        let bytes = if damaged { b"<html>404 Not Found</html>".to_vec() } else { sound };
        std::fs::write(folder.path().join(format!("{genre}/clip{clip}.wav")), bytes).unwrap();
        index += &format!("clip{clip},{genre},{split}\n");
    }
    std::fs::write(folder.path().join("index.csv"), index).unwrap();
    std::fs::write(folder.path().join("recipe.toml"), RECIPE).unwrap();
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command says, in or out of order.
fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("model-weights").join(name)
}

#[test]
fn one_unreadable_clip_is_named_counted_and_left_out() {
    let folder = folder_with_damaged_clips();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (audio, recipe, out) = (path(""), path("recipe.toml"), path("small.safetensors"));
    let model = shipped("first-answer.safetensors").to_str().unwrap().to_owned();
    let evaluate = ["evaluate", "--model", &model, "--audio", &audio, "--split", "valid", "--json"];
    let train = ["train", "--recipe", &recipe, "--audio", &audio, "--out", &out];
    let crossval = ["crossval", "--recipe", &recipe, "--audio", &audio, "--folds", "2", "--json"];
    for (command, damaged, all) in
        [(&evaluate[..], &["clip8"][..], 3), (&train, &["clip1", "clip8"], 9), (&crossval, &["clip1", "clip8"], 9)]
    {
        let output = command::run(command);
        let told = text(&output.stderr);
        assert!(output.status.success(), "{command:?}: {told}");
        for name in damaged {
            assert!(
                told.contains(&format!("left out: {}", path(""))) && told.contains(&format!("{name}.wav")),
                "{told}"
            );
        }
        let counted = format!("{} of {all} recordings could not be read and are left out; --strict", damaged.len());
        assert!(told.contains(&counted), "{command:?}: {told}");
        if command.contains(&"--json") {
            let result: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!((&result["n"], &result["left_out"]), (&json!(all - damaged.len()), &json!(damaged.len())));
        }
        let strict = command::run(&[command, &["--strict"]].concat());
        assert!(!strict.status.success() && strict.stdout.is_empty(), "{}", said(&strict));
        assert!(text(&strict.stderr).contains(&format!("{}.wav", damaged[0])), "{}", said(&strict));
    }
    let card: Value = serde_json::from_slice(&std::fs::read(path("small.json")).unwrap()).unwrap();
    assert_eq!(card["figures"]["left_out"], 2.0);
    // Not one is left.
    for name in ["jazz/clip6.wav", "rock/clip7.wav"] {
        std::fs::write(path(name), "").unwrap();
    }
    let none = command::run(&evaluate);
    assert!(!none.status.success() && text(&none.stderr).contains("not one of the 3 recordings"), "{}", said(&none));
}

#[test]
fn a_genre_that_the_network_does_not_know_is_told_before_anything_is_heard() {
    let folder = folder_with_damaged_clips();
    let index = std::fs::read_to_string(folder.path().join("index.csv")).unwrap().replace("rock", "polka");
    std::fs::write(folder.path().join("index.csv"), index).unwrap();
    let audio = folder.path().to_str().unwrap();
    let model = shipped("first-answer.safetensors");
    let output = command::run(&["evaluate", "--model", model.to_str().unwrap(), "--audio", audio, "--split", "valid"]);
    let told = text(&output.stderr);
    assert!(told.contains("the set has the label 'polka'") && !told.contains("clip"), "{told}");
}

#[test]
fn train_checks_first_and_overwrites_no_file_that_is_not_its_own() {
    let folder = folder_with_damaged_clips();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let train = |out: &str, curves: &[&str]| {
        let (recipe, audio, out) = (path("recipe.toml"), path(""), path(out));
        let command = ["train", "--recipe", &recipe, "--audio", &audio, "--out", &out];
        command::run(&[command.as_slice(), curves].concat())
    };
    std::fs::write(path("small.part"), "a neighbour's").unwrap();
    std::fs::write(path("settings.json"), "{\"mine\": 1}").unwrap();
    std::fs::create_dir(path("curves")).unwrap();
    std::fs::write(path("curves/small.csv"), "mine").unwrap();
    let curves = path("curves");
    for (out, curves, reason) in [
        ("settings.safetensors", &[][..], "settings.json: is there already and is not the card of a network"),
        ("index.csv", &[], "index.csv: is there already and is not a weights file"),
        ("small.json", &[], "let it end in .safetensors"),
        ("no/such/small.safetensors", &[], "No such file"),
        ("small.safetensors", &["--curves", &curves], "small.csv: is there already and is not a table of curves"),
    ] {
        let refused = train(out, curves);
        let told = text(&refused.stderr);
        assert!(!refused.status.success() && told.contains(reason), "{out}: {told}");
        assert!(!told.contains("left out"), "{out}: recordings were read before: {told}");
    }
    let trained = train("small.safetensors", &[]);
    assert!(trained.status.success(), "{}", said(&trained));
    assert_eq!(std::fs::read_to_string(path("small.part")).unwrap(), "a neighbour's");
    assert_eq!(std::fs::read_to_string(path("settings.json")).unwrap(), "{\"mine\": 1}");
    // Once more over its own files.
    assert!(train("small.safetensors", &[]).status.success());
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = ["curves", "index.csv", "jazz", "recipe.toml", "rock", "settings.json", "small.json", "small.part"];
    assert_eq!(names, [expected.as_slice(), &["small.safetensors"]].concat(), "no temporary file is left");
    genrelens(&["inspect", &path("small.safetensors")]);
}

#[test]
fn features_overwrite_no_file_that_is_not_their_own() {
    let folder = folder_with_damaged_clips();
    let (song, taken) = (folder.path().join("jazz/clip0.wav"), folder.path().join("index.csv"));
    let before = std::fs::read(&taken).unwrap();
    let features = |out: &Path| command::run(&[Path::new("features"), &song, Path::new("--out"), out]);
    let refused = features(&taken);
    assert!(text(&refused.stderr).contains("is not a NumPy file"), "{}", said(&refused));
    assert_eq!(std::fs::read(&taken).unwrap(), before);
    for _ in 0..2 {
        assert!(features(&folder.path().join("song.npy")).status.success());
    }
}

/// A copy of a shipped network whose card is changed, in a folder of its own.
fn with_card(folder: &Path, name: &str, change: impl Fn(&mut Value)) -> PathBuf {
    let bytes = std::fs::read(shipped("first-answer.safetensors")).unwrap();
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let (header, body) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    let card = &mut header["__metadata__"]["genrelens"];
    let mut changed: Value = serde_json::from_str(card.as_str().unwrap()).unwrap();
    change(&mut changed);
    *card = Value::String(changed.to_string());
    let mut header = serde_json::to_vec(&header).unwrap();
    header.resize(header.len().next_multiple_of(8), b' ');
    let path = folder.join(format!("{name}.safetensors"));
    std::fs::write(&path, [(header.len() as u64).to_le_bytes().as_slice(), &header, body].concat()).unwrap();
    path
}

#[test]
fn cards_that_name_each_other_as_backbones_have_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let backbone = |name: &str| json!([{ "name": name, "sha256": "00".repeat(32), "output": "features" }]);
    let song = folder.path().join("song.wav");
    for (name, of) in [("itself", "itself"), ("one", "other"), ("other", "one")] {
        let model = with_card(folder.path(), name, |card| card["backbones"] = backbone(of));
        if name != "one" {
            for (command, last) in [("classify", song.as_path()), ("inspect", Path::new(""))] {
                let arguments: Vec<&Path> = match command {
                    "inspect" => vec![Path::new(command), &model],
                    _ => vec![Path::new(command), Path::new("--model"), &model, last],
                };
                let output = command::run(&arguments);
                // A signal, of the stack's end, would have no code.
                assert!(output.status.code().is_some(), "{name}: {}", said(&output));
                let told = text(&output.stderr);
                let refused = format!("its backbone '{of}' is a head, which has backbones of its own");
                assert!(command == "inspect" || told.contains(&refused), "{name}: {told}");
            }
        }
    }
}

#[test]
fn labels_of_any_characters_stay_apart_and_never_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    let sample = |index: u32| ((f64::from(index) * 0.05).sin() * 9000.0) as i16;
    std::fs::write(&song, wav::pcm16(22_050, 1, (0..66_150).map(sample))).unwrap();
    let evil = with_card(folder.path(), "evil", |card| {
        card["labels"][0] = json!("\u{1b}]0;owned\u{7}\u{9b}31m\nfake line");
        card["name"] = json!("\u{1b}[2Jname");
        card["recipe"] = json!("a = 1\n\u{1b}[2J");
    });
    let classify = [Path::new("classify"), &song, Path::new("--model"), &evil];
    let json = [classify.as_slice(), &[Path::new("--json")]].concat();
    for arguments in [&classify[..], &[Path::new("inspect"), &evil], &json] {
        let output = command::run(arguments);
        assert!(output.status.success(), "{}", said(&output));
        let steers = |letter: char| letter.is_control() && letter != '\n';
        assert!(!said(&output).contains(steers) && !said(&output).contains("\nfake"), "{}", said(&output));
    }
    let same = with_card(folder.path(), "same", |card| card["labels"][0] = card["labels"][1].clone());
    let output = command::run(&[Path::new("classify"), &song, Path::new("--model"), &same]);
    assert!(!output.status.success() && text(&output.stderr).contains("twice"), "{}", said(&output));
}

#[test]
fn weights_that_are_no_numbers_are_refused_with_their_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_card(folder.path(), "nan", |_| ());
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes.len() - 100;
    // The NaN of 16 bits.
    bytes[place..place + 2].copy_from_slice(&0x7e00_u16.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(path.with_extension("json"), json_card(&path, &bytes)).unwrap();
    let output = command::run(&[Path::new("inspect"), &path]);
    let told = text(&output.stderr);
    assert!(!output.status.success() && told.contains("not all of them are finite numbers"), "{told}");
}

/// The card in a weights file, with its checksum.
fn json_card(path: &Path, bytes: &[u8]) -> String {
    let card = genrelens::model::weights::embedded_card(bytes).unwrap();
    assert_eq!(card.sha256, sha256_hex(bytes), "{}", path.display());
    serde_json::to_string(&card).unwrap()
}
