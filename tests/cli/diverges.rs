//! A training run that becomes NaN or infinite: what the command line says, writes and refuses.

use std::path::Path;
use std::process::Output;

use safetensors::SafeTensors;

use crate::tags::write_set;
use crate::{command, genrelens};

/// Runs a command with a recipe of these settings on forty made-up clips: in `DIR` are the set and, after a training,
/// `out.safetensors`.
fn run(folder: &Path, command: &str, settings: &str) -> Output {
    write_set(folder);
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let recipe = format!(
        "name = 'out'\nsummary = 'A test.'\narchitecture = 'lens'\nfront_end = 'gtzan-logmel'\nframes = 16\n\
         train = 'train'\nvalid = 'valid'\ndata = 'made up'\n[structure]\nwidth = 0.25\n[training]\nbatch = 10\n\
         windows_per_song = 1\n{settings}"
    );
    std::fs::write(path("recipe.toml"), recipe).unwrap();
    let (recipe, audio, out) = (path("recipe.toml"), path(""), path("out.safetensors"));
    let mut arguments = vec![command, "--recipe", &recipe, "--audio", &audio];
    match command {
        "train" => arguments.extend(["--out", &out]),
        _ => arguments.extend(["--folds", "2"]),
    }
    command::run(&arguments)
}

/// Weight decay that makes the weights some eight times larger in every step.
const GROWING: &str =
    "epochs = 60\noptimiser = 'sgd'\nlearning_rate = 0.05\nweight_decay = 100.0\nschedule = 'constant'\n";

#[test]
fn a_run_that_diverges_is_stopped_and_its_last_good_weights_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), "train", GROWING);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let diverged = " became NaN or infinite in epoch ";
    let warning = said.lines().find(|line| line.contains(diverged)).unwrap_or_else(|| panic!("{said}"));
    assert!(warning.starts_with("genrelens: ") && warning.contains(" is kept; the learning rate"), "{warning}");
    assert!(!said.contains("epoch  60"), "{said}");
    let weights = std::fs::read(folder.path().join("out.safetensors")).unwrap();
    let finite = |bytes: &[u8], infinite: u32, width: usize| {
        // Half and single precision: no exponent of all ones, which NaN and infinity have.
        bytes.chunks_exact(width).all(|value| {
            let number = value.iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            number & infinite != infinite
        })
    };
    for (name, tensor) in SafeTensors::deserialize(&weights).unwrap().iter() {
        let good = match tensor.dtype() {
            safetensors::Dtype::F16 => finite(tensor.data(), 0x7c00, 2),
            _ => finite(tensor.data(), 0x7f80_0000, 4),
        };
        assert!(good, "{name}");
    }
    let [model, audio] = ["out.safetensors", ""].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let figures = genrelens(&["evaluate", "--model", &model, "--audio", &audio, "--split", "valid", "--json"]);
    assert!(!figures.contains("null"), "{figures}");
}

#[test]
fn a_run_that_diverges_at_once_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        run(folder.path(), "train", &GROWING.replace("0.05", "100.0").replace("epochs", "validate_every = 60\nepochs"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && !folder.path().join("out.json").exists(), "{said}");
    assert!(said.contains("training stopped and nothing is kept; the learning rate of 100 is too high"), "{said}");
}

#[test]
fn a_cross_validation_that_diverges_gives_no_figures() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), "crossval", GROWING);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    assert!(said.contains(" became NaN or infinite in epoch "), "{said}");
}

#[test]
fn a_recipe_file_with_a_setting_out_of_its_range_is_refused() {
    for (setting, expected) in [
        ("learning_rate = 1e30", "expected 0 to 100"),
        ("epochs = 100000000", "epochs is 100000000; expected 1 to 10000"),
        ("patience = 1000000", "early stopping is 1000000; expected 0 to 10000"),
        (
            "augmentation = { time_mask_columns = 9000000000 }",
            "widest mask over time is 9000000000; expected 0 to 1000",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = run(folder.path(), "train", setting);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{setting}: {said}");
    }
}
