//! The browsers that the page needs, from the features that it uses without another way. The sentences that name them are
//! checked against this table.
//!
//! The versions are those of MDN's browser-compat-data. Edge has Chrome's. Not in the table: what the page offers only if
//! it is there (WebGPU, the service worker, storage, the microphone, files that are opened with it), and style without
//! which it only looks plainer (`:has`, `color-mix`).

use std::fs;
use std::path::Path;

/// A version, major and minor.
type Version = (u32, u32);

/// A feature, and the first version of each browser that has it.
struct Feature {
    name: &'static str,
    /// A file of the project that uses it, and what it contains therefore.
    used: (&'static str, &'static str),
    chrome: Version,
    firefox: Version,
    safari: Version,
}

const fn feature(
    name: &'static str,
    used: (&'static str, &'static str),
    chrome: u32,
    firefox: u32,
    safari: Version,
) -> Feature {
    Feature { name, used, chrome: (chrome, 0), firefox: (firefox, 0), safari }
}

/// What rustc and wasm-bindgen use for this target without being told.
const RUSTC: (&str, &str) = ("rust-toolchain.toml", "wasm32-unknown-unknown");

const FEATURES: [Feature; 20] = [
    feature("WebAssembly SIMD", (".cargo/config.toml", "+simd128"), 91, 89, (16, 4)),
    feature("WebAssembly reference types", RUSTC, 96, 79, (15, 1)),
    feature("WebAssembly bulk memory", RUSTC, 75, 79, (15, 1)),
    feature("WebAssembly multiple values", RUSTC, 86, 78, (13, 1)),
    feature("WebAssembly saturating conversions", RUSTC, 75, 64, (15, 1)),
    feature("WebAssembly 64-bit integers as BigInt", RUSTC, 85, 78, (14, 1)),
    feature("WebAssembly under a strict policy", ("index.html", "'wasm-unsafe-eval'"), 97, 102, (16, 0)),
    feature("module workers", ("src/web/worker_handle.rs", "WorkerType::Module"), 80, 114, (15, 0)),
    feature("modules", ("Trunk.toml", "type=\"module\""), 61, 60, (10, 1)),
    feature("dynamic import", ("static/start.js", "await import("), 63, 67, (11, 1)),
    feature("await in modules", ("static/start.js", "await init("), 89, 89, (15, 0)),
    feature("roundRect of a canvas", ("src/web/canvas.rs", "round_rect_with_f64"), 99, 112, (16, 0)),
    feature("ResizeObserver", ("src/web/dom.rs", "ResizeObserver::new"), 64, 69, (13, 1)),
    feature("replaceChildren", ("src/web/dom.rs", "replace_children_with_node"), 86, 78, (14, 0)),
    feature("toggleAttribute", ("src/web/dom.rs", "toggle_attribute_with_force"), 69, 63, (12, 0)),
    feature("streams of downloads", ("src/web/client/site.rs", "getReader"), 43, 65, (10, 1)),
    feature("cache modes of downloads", ("src/web/client/site.rs", "\"reload\""), 64, 48, (11, 1)),
    feature("Blob.arrayBuffer", ("src/web/client/own_networks.rs", "array_buffer"), 76, 69, (14, 0)),
    feature(":is() in style", ("static/style.css", "#train :is("), 88, 78, (14, 0)),
    feature("clamp() in style", ("static/style.css", "clamp("), 79, 75, (13, 1)),
];

/// The features that `static/start.js` looks for, in the words of that file.
const CHECKED: [(&str, &str); 3] = [
    ("WebAssembly SIMD", "WebAssembly.validate("),
    ("module workers", "new Worker("),
    ("roundRect of a canvas", "\"roundRect\" in"),
];

/// The first versions that have all of some features, as the page names them.
fn sentence<'a>(features: impl Iterator<Item = &'a Feature> + Clone) -> String {
    let last = |version: fn(&Feature) -> Version| features.clone().map(version).max().unwrap_or_default();
    let text = |(major, minor): Version| if minor == 0 { major.to_string() } else { format!("{major}.{minor}") };
    let [chrome, firefox, safari] = [last(|all| all.chrome), last(|all| all.firefox), last(|all| all.safari)].map(text);
    format!("Chrome or Edge {chrome}, Firefox {firefox}, Safari {safari}, or anything newer")
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A text with single spaces, however its lines are broken.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_names_the_browsers_that_its_features_need() {
    let needed = sentence(FEATURES.iter());
    for file in ["index.html", "README.md"] {
        assert!(words(&read(file)).contains(&needed), "{file} does not say: {needed}");
    }
}

#[test]
fn every_feature_of_the_table_is_used() {
    for Feature { name, used: (file, text), .. } in &FEATURES {
        assert!(read(file).contains(text), "{name}: {file} does not contain {text}");
    }
}

#[test]
fn what_the_start_script_looks_for_decides_the_versions() {
    let script = read("static/start.js");
    let checked = FEATURES.iter().filter(|feature| CHECKED.iter().any(|(name, _)| *name == feature.name));
    assert_eq!(checked.clone().count(), CHECKED.len());
    for (name, text) in CHECKED {
        assert!(script.contains(text), "static/start.js does not look for {name}");
    }
    assert_eq!(sentence(checked), sentence(FEATURES.iter()));
}
