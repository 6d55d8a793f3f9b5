//! Holds `docs/architecture.md` by reading the sources: which module of the library may import which, which modules
//! may name Burn, and which the browser. A reading of tokens, not a compiler: code in `#[cfg(test)]` does not count.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src`, from the bottom to the top, each with the modules that it may import.
const MAY_IMPORT: [(&str, &str); 19] = [
    ("audio", ""),
    ("dsp", ""),
    ("recipe", ""),
    ("card", ""),
    ("archive", "audio"),
    ("audio_pipeline", "audio dsp"),
    ("dataset", "dsp"),
    ("eval", "dataset"),
    ("kernels", ""),
    ("model", "card dsp eval kernels recipe"),
    ("training_job", "card dataset eval recipe"),
    ("train", "audio card dataset dsp eval model recipe"),
    ("protocol", "card dsp eval recipe training_job"),
    ("engine", "archive audio audio_pipeline card dataset dsp eval model protocol recipe train training_job"),
    ("view", "card eval protocol recipe training_job"),
    ("web", "archive audio card engine eval protocol recipe training_job view"),
    ("cli", "audio audio_pipeline card dataset dsp engine eval model protocol recipe train view"),
    ("fuzzing", "archive card protocol training_job view"),
    ("bin", "cli engine web"),
];

/// Modules, or single files, that may name Burn's crates.
const BURN: [&str; 5] = ["cli", "engine", "model", "train", "web/gpu.rs"];
const BURN_CRATES: [&str; 2] = ["burn", "burn_wgpu"];

/// Modules that may name the browser.
const BROWSER: [&str; 2] = ["bin", "web"];
const BROWSER_CRATES: [&str; 4] = ["js_sys", "serde_wasm_bindgen", "wasm_bindgen", "web_sys"];

/// A source file below `src`.
struct Source {
    /// Relative to `src`, with `/`.
    path: String,
    /// The first folder or file name: `audio` for `audio/mp3.rs`, `recipe` for `recipe.rs`.
    module: String,
    /// Without comments and tests.
    code: String,
}

fn sources(src: &Path) -> Vec<Source> {
    let mut folders = vec![src.to_owned()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { folders.push(entry) } else { files.push(entry) }
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    files.iter().map(|file| source(src, file)).collect()
}

fn source(src: &Path, file: &Path) -> Source {
    let path = file.strip_prefix(src).unwrap().to_string_lossy().replace('\\', "/");
    let module = path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    let text = fs::read_to_string(file).unwrap();
    Source { path, module, code: code(&text) }
}

/// Without comments, and without the items and modules under `#[cfg(test)]`: these end with the first line that is
/// indented as they are and ends in a semicolon or a closing brace, because rustfmt has formatted the sources.
fn code(text: &str) -> String {
    let mut lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut code = String::new();
    let indent = |line: &str| line.len() - line.trim_start().len();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            code.push_str(line);
            code.push('\n');
            continue;
        }
        let is_end = |next: &str| indent(next) == indent(line) && next.trim_end().ends_with([';', '}']);
        lines.by_ref().find(|next| is_end(next));
    }
    code
}

/// The names that follow `prefix` in some code: `crate::` gives the modules that it names.
fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let name = |rest: &str| rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let grouped = |rest: &str| {
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
        inside.split(',').map(|item| name(item.trim())).collect::<Vec<String>>()
    };
    let found = code.match_indices(prefix).flat_map(|(at, _)| {
        let rest = &code[at + prefix.len()..];
        [vec![name(rest)], grouped(rest)].concat()
    });
    found.filter(|name| !name.is_empty()).collect()
}

/// True if some code uses a crate by a path.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        !before.is_alphanumeric() && before != '_' && before != ':'
    })
}

fn may_name(source: &Source, allowed: &[&str]) -> bool {
    allowed.iter().any(|place| source.module == *place || source.path == *place)
}

#[test]
fn code_is_read_without_comments_and_tests() {
    let text = "#[cfg(test)]\nmod tests;\nuse crate::dsp; // use crate::web;\n    #[cfg(test)]\n    fn f() {\n        \
                crate::view::g();\n    }\n    crate::audio::h();\n#[cfg(test)]\nmod more {\n    use crate::cli;\n\n}\n\
                use crate::model;\n";
    assert_eq!(names_after(&code(text), "crate::"), BTreeSet::from(["audio", "dsp", "model"].map(str::to_owned)));
}

#[test]
fn modules_import_only_what_the_architecture_allows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    for source in sources(&src).iter().filter(|source| source.path != "lib.rs") {
        let (_, allowed) = MAY_IMPORT.iter().find(|(module, _)| *module == source.module).unwrap_or_else(|| {
            panic!("src/{} is in no module of docs/architecture.md: add it there and here", source.path)
        });
        for prefix in ["crate::", "genrelens::"] {
            for name in names_after(&source.code, prefix) {
                let is_module = MAY_IMPORT.iter().any(|(module, _)| *module == name);
                let fits = name == source.module || allowed.split(' ').any(|module| module == name);
                assert!(!is_module || fits, "src/{} imports `{name}`, which `{}` may not", source.path, source.module);
            }
        }
    }
}

#[test]
fn burn_and_the_browser_stay_in_their_modules() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    for source in sources(&src) {
        for (crates, allowed) in [(&BURN_CRATES[..], &BURN[..]), (&BROWSER_CRATES[..], &BROWSER[..])] {
            let named = crates.iter().find(|name| names_crate(&source.code, name));
            assert!(named.is_none() || may_name(&source, allowed), "src/{} names {named:?}", source.path);
        }
    }
}

#[test]
fn the_document_has_the_same_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
    let document = fs::read_to_string(file).unwrap();
    for (module, allowed) in MAY_IMPORT {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{module}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/architecture.md has no row for `{module}`"));
        let named: BTreeSet<&str> = row.rsplit('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2).collect();
        let expected: BTreeSet<&str> = allowed.split(' ').filter(|name| !name.is_empty()).collect();
        assert_eq!(named, expected, "`{module}` in docs/architecture.md");
    }
}

#[test]
fn names_are_found_in_paths_and_groups() {
    let found = names_after("use crate::{audio, dsp::Segment};\nlet x = crate::eval::tags::roc();", "crate::");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["audio", "dsp", "eval"]);
    assert!(names_crate("use burn::tensor::Tensor;", "burn") && !names_crate("super::burn::x; sunburn::y", "burn"));
}
