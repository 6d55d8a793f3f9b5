//! What an earlier build wrote opens in this one without loss, by the command line: networks, cards, recipes. The files
//! are in `tests/data/compat`, with the script that made them; what the page keeps is in `tests/e2e/compat.test.mjs`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What uses MusiCNN, which is not in the repository.
const HEAD: &str = "head-on-musicnn";
/// Of two processors; another network would be off by far more.
const TOLERANCE: f64 = 1e-3;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/compat").join(name)
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(name)).unwrap()).unwrap()
}

/// The files of a folder that end so, by name without the ending.
fn files(folder: &str, ending: &str) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(fixture(folder)).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
        Some((name, path))
    });
    let found: BTreeMap<String, PathBuf> = named.collect();
    assert!(!found.is_empty(), "{folder} has no {ending}");
    found
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genrelens"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// A folder with the networks of the earlier build, and beside them what they need.
fn networks() -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("model-weights");
    let backbones = ["musicnn-msd", "musicnn-mtt"];
    let has_musicnn = backbones.iter().all(|name| from.join(name).with_extension("safetensors").exists());
    if has_musicnn {
        for file in backbones.iter().flat_map(|name| [format!("{name}.json"), format!("{name}.safetensors")]) {
            std::fs::copy(from.join(&file), folder.path().join(&file)).unwrap();
        }
    } else {
        // Not by `eprintln!`, which the test runner swallows.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {HEAD}: run `cargo xtask weights` to have MusiCNN's weights");
    }
    let mut names = Vec::new();
    for (name, path) in files("networks", ".safetensors") {
        if name == HEAD && !has_musicnn {
            continue;
        }
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        names.push(name);
    }
    (folder, names)
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn networks_of_an_earlier_build_are_inspected() {
    let (folder, names) = networks();
    for name in names {
        let told = succeeds(folder.path(), &["inspect", &format!("{name}.safetensors")]);
        let card = fixture("cards").join(format!("{name}.json"));
        let card: Value = serde_json::from_slice(&std::fs::read(card).unwrap()).unwrap();
        for key in ["name", "summary", "architecture", "front_end", "data", "licence", "sha256"] {
            let value = card[key].as_str().unwrap();
            assert!(told.contains(value), "{name}: {key} is not {value:?}: {told}");
        }
        assert!(told.contains(&strings(&card["labels"]).join(", ")), "{name}: labels: {told}");
        for (figure, value) in card["figures"].as_object().unwrap() {
            let line = told.lines().find(|line| line.starts_with(&format!("{figure} ")));
            let found: f64 = line.unwrap_or_default()[figure.len()..].trim().parse().unwrap();
            assert_eq!(Some(found), value.as_f64(), "{name}: {figure}");
        }
    }
}

#[test]
fn networks_of_an_earlier_build_answer_as_they_did() {
    let (folder, names) = networks();
    let expected = json("expected.json");
    let probe = fixture("probe.wav");
    for name in names {
        let file = format!("{name}.safetensors");
        let told = succeeds(folder.path(), &["classify", "--json", "--model", &file, probe.to_str().unwrap()]);
        let line: Value = serde_json::from_str(told.trim()).unwrap();
        let (found, expected) =
            (line["genres"].as_object().unwrap(), expected["commandLine"][&name].as_object().unwrap());
        assert!(found.keys().eq(expected.keys()), "{name}: {found:?}");
        for (label, value) in expected {
            let off = (found[label].as_f64().unwrap() - value.as_f64().unwrap()).abs();
            assert!(off <= TOLERANCE, "{name}: {label} is off by {off}");
        }
    }
}

/// Fails for its data or the networks that it needs, and not for the recipe.
fn assert_is_read(recipe: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe.to_str().unwrap();
    let output =
        run(folder.path(), &["train", "--recipe", recipe, "--audio", "no-such-folder", "--out", "x.safetensors"]);
    let told = text(&output.stderr);
    assert!(!output.status.success());
    let about_others =
        ["no-such-folder", "musicnn-msd.safetensors", "starts from"].iter().any(|said| told.contains(said));
    assert!(about_others && !told.contains(recipe) && !told.contains("TOML"), "{recipe}: {told}");
}

#[test]
fn recipes_of_an_earlier_build_are_read() {
    files("recipes", ".toml").values().for_each(|recipe| assert_is_read(recipe));
    let folder = tempfile::tempdir().unwrap();
    // A card has the recipe inside; one that the page made has a training's settings as JSON there.
    let mut inside = 0;
    for path in files("cards", ".json").values() {
        let card: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let recipe = card["recipe"].as_str().unwrap();
        if recipe.starts_with("name =") {
            let file = folder.path().join("recipe.toml");
            std::fs::write(&file, recipe).unwrap();
            assert_is_read(&file);
            inside += 1;
        }
    }
    assert!(inside >= 4, "cards have recipes inside");
}

/// The values of a tree whatever they are called, sorted: keys may have other names now.
fn leaves(value: &toml::Value, found: &mut Vec<String>) {
    match value {
        toml::Value::Array(all) => all.iter().for_each(|one| leaves(one, found)),
        toml::Value::Table(all) => all.values().for_each(|one| leaves(one, found)),
        one => found.push(one.to_string()),
    }
}

fn write_set(folder: &Path) {
    let mut index = "track,genre,split,artist_group\n".to_owned();
    for clip in 0..8_u32 {
        let (class, split) = (["a", "b"][clip as usize % 2], if clip < 6 { "train" } else { "valid" });
        std::fs::create_dir_all(folder.join(class)).unwrap();
        std::fs::copy(fixture("probe.wav"), folder.join(class).join(format!("{clip}.wav"))).unwrap();
        index += &format!("{clip},{class},{split},{}\n", clip / 2);
    }
    std::fs::write(folder.join("index.csv"), index).unwrap();
}

#[test]
fn every_setting_of_a_recipe_counts_as_it_did() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let recipe = fixture("recipes/every-key.toml");
    succeeds(
        folder.path(),
        &["train", "--recipe", recipe.to_str().unwrap(), "--audio", ".", "--out", "made.safetensors"],
    );
    let card: Value = serde_json::from_slice(&std::fs::read(folder.path().join("made.json")).unwrap()).unwrap();
    let values = |text: &str| {
        let mut found = Vec::new();
        leaves(&toml::from_str(text).unwrap(), &mut found);
        found.sort();
        found
    };
    // Each value of the file stands in the recipe that the card has; what the file leaves out, it has besides.
    let mut all = values(card["recipe"].as_str().unwrap());
    for value in values(&std::fs::read_to_string(recipe).unwrap()) {
        let place = all.iter().position(|other| *other == value);
        assert!(place.is_some(), "{value} is lost");
        all.remove(place.unwrap());
    }
    assert!(all.iter().all(|value| ["0", "0.0", "1", "false"].contains(&value.as_str())), "defaults: {all:?}");
}
