//! Cross-validations that are kept in a file, and ensembles of them.

use std::path::Path;

use serde_json::{Value, json};

use crate::{command, genrelens, wav};

const RECIPE: &str = "name = 'small'\nsummary = 'A test.'\narchitecture = 'lens'\nfront_end = 'gtzan-logmel'\nframes = 16\n\
                      train = 'train'\nvalid = 'train'\ndata = 'made up'\n[structure]\nwidth = 0.25\n[training]\n\
                      epochs = 1\nbatch = 4\nwindows_per_song = 1\n";

/// Twelve clips of two genres, by six artists.
fn write_set(folder: &Path) {
    let mut index = "track,genre,split,artist_group\n".to_owned();
    for clip in 0..12 {
        let genre = ["high", "low"][clip % 2];
        index += &format!("clip{clip},{genre},train,{}\n", clip / 2);
        let hz = [2000.0, 200.0][clip % 2] + 10.0 * clip as f64;
        let sample = |at: u32| ((f64::from(at) * hz * std::f64::consts::TAU / 22_050.0).sin() * 9000.0) as i16;
        std::fs::create_dir_all(folder.join(genre)).unwrap();
        std::fs::write(
            folder.join(genre).join(format!("clip{clip}.wav")),
            wav::pcm16(22_050, 1, (0..33_075).map(sample)),
        )
        .unwrap();
    }
    std::fs::write(folder.join("index.csv"), index).unwrap();
    std::fs::write(folder.join("recipe.toml"), RECIPE).unwrap();
}

#[test]
fn a_cross_validation_that_was_stopped_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (audio, recipe, out) = (path(""), path("recipe.toml"), path("small.json"));
    let arguments = ["crossval", "--recipe", &recipe, "--audio", &audio, "--folds", "3", "--out", &out];
    let whole = genrelens(&arguments);
    assert!(whole.contains("accuracy"), "{whole}");
    let kept: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(
        kept["probabilities"].as_array().unwrap().iter().filter(|row| row.as_array().unwrap().len() == 2).count(),
        12
    );
    // Neither songs nor their genres are in the file.
    assert!(!kept.to_string().contains("clip"), "{kept}");

    // As it is after the second fold; what it has of the others is not computed again.
    let mut stopped = kept.clone();
    for song in 0..12 {
        match kept["fold_of"][song].as_u64().unwrap() {
            2 => stopped["probabilities"][song] = json!([]),
            _ => stopped["probabilities"][song] = json!([0.25, 0.75]),
        }
    }
    std::fs::write(&out, stopped.to_string()).unwrap();
    let told = command::run(&["ensemble", "--audio", &audio, &out]);
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("lacks folds"), "{told}");
    genrelens(&arguments);
    let resumed: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    for song in 0..12 {
        let expected = if kept["fold_of"][song] == 2 { &kept } else { &stopped };
        assert_eq!(resumed["probabilities"][song], expected["probabilities"][song]);
    }

    // Nor does it go on with a file that lacks songs.
    let mut short = resumed.clone();
    short["probabilities"].as_array_mut().unwrap().pop();
    std::fs::write(&out, short.to_string()).unwrap();
    for command in [&arguments[..], &["ensemble", "--audio", &audio, &out]] {
        let refused = command::run(command);
        assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
    }
    std::fs::write(&out, resumed.to_string()).unwrap();

    // Another training does not go on with it.
    let other = command::run(&[&arguments[..], &["--epochs", "2"]].concat());
    let told = String::from_utf8(other.stderr).unwrap();
    assert!(!other.status.success() && told.contains("give another --out"), "{told}");
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(&out).unwrap()).unwrap(), resumed);
}

#[test]
fn ensembles_are_compared_on_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let audio = folder.path().to_str().unwrap().to_owned();
    let fold_of: Vec<usize> = (0..12).map(|song| song / 2 % 3).collect();
    // The songs are in the order of the index: high and low in turns. The first is right about the high ones alone, the
    // second about all but the first two, and less sure where it is wrong.
    let write = |name: &str, high: &dyn Fn(usize) -> f32| {
        let probabilities: Vec<[f32; 2]> = (0..12).map(|song| [high(song), 1.0 - high(song)]).collect();
        let kept = json!({ "name": name, "settings": "", "split": "", "folds": 3, "seed": 1, "labels": ["high", "low"],
            "fold_of": fold_of, "probabilities": probabilities });
        let path = folder.path().join(format!("{name}.json"));
        std::fs::write(&path, kept.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let first = write("first", &|_| 0.6);
    let second = write("second", &|song| if (song % 2 == 0) == (song > 1) { 0.9 } else { 0.1 });
    let printed = genrelens(&["ensemble", "--audio", &audio, &first, &second]);
    let line = |name: &str| {
        printed.lines().find(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{printed}")).to_owned()
    };
    assert!(line("  first").trim_start().starts_with("0.5000"), "{printed}");
    assert!(line("  second").trim_start().starts_with("0.8333"), "{printed}");
    assert!(line("first + second").trim_start().starts_with("0.8333"), "{printed}");
    let other = write("other", &|_| 0.5);
    let mut value: Value = serde_json::from_slice(&std::fs::read(&other).unwrap()).unwrap();
    value["fold_of"][0] = json!(1);
    std::fs::write(&other, value.to_string()).unwrap();
    let refused = command::run(&["ensemble", "--audio", &audio, &first, &other]);
    assert!(
        !refused.status.success()
            && String::from_utf8(refused.stderr).unwrap().contains("other.json: is of other songs")
    );
}
