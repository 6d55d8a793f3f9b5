//! The exact list of what a built site is made of, and the service worker that keeps it.
//!
//! The list is of the files that are there, never written by hand. Its version is a hash of all that it names, so that
//! the same build has the same version wherever it is made.

use crate::policy::Policy;
use crate::static_files::media_type;
use crate::weights::sha256_hex;
use serde_json::{Value, json};
use std::path::Path;

/// The word in the template that the list takes the place of.
const PLACE: &str = "\"BUILD\"";
/// What the worker's own file is called.
pub const WORKER: &str = "service-worker.js";
/// Digits of a version: enough to tell builds apart.
const VERSION_DIGITS: usize = 16;

/// A file of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Below the site's folder, with `/` between folders.
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
}

impl Entry {
    pub fn of(path: &str, data: &[u8]) -> Self {
        Self { path: path.to_owned(), sha256: sha256_hex(data), bytes: data.len() as u64 }
    }
}

/// Who keeps a file on the visitor's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The service worker: the page with all that it is made of, which moves from version to version as one.
    Worker,
    /// The page: weights, which outlive versions.
    Page,
    /// Nobody: it is for the server or for people.
    Nobody,
}

/// Who keeps the file of that path.
pub fn keeper(path: &str) -> Keeper {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        _ if [WORKER, "_headers"].contains(&path) || name.ends_with(".d.ts") => Keeper::Nobody,
        "map" | "br" | "gz" => Keeper::Nobody,
        "safetensors" => Keeper::Page,
        _ => Keeper::Worker,
    }
}

/// The service worker of a site of these files, in any order, from its template.
///
/// # Errors
///
/// A sentence, where the template has no single place for the list, or the site has no page.
pub fn worker(template: &str, entries: &[Entry], policy: &Policy) -> Result<String, String> {
    if template.matches(PLACE).count() != 1 {
        return Err(format!("the template of the service worker should hold {PLACE} once"));
    }
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let kept_by = |wanted: Keeper| entries.iter().filter(move |entry| keeper(&entry.path) == wanted);
    if !kept_by(Keeper::Worker).any(|entry| entry.path == "index.html") {
        return Err("the site has no index.html".into());
    }
    let file = |entry: &&Entry| {
        let Entry { path, sha256, bytes } = entry;
        json!({ "bytes": bytes, "path": path, "sha256": sha256, "type": media_type(Path::new(path)) })
    };
    let files: Vec<Value> = kept_by(Keeper::Worker).map(file).collect();
    // As the page names them in its cache.
    let weights: Vec<String> =
        kept_by(Keeper::Page).map(|entry| format!("{}?sha256={}", entry.path, entry.sha256)).collect();
    let build = json!({ "files": files, "headers": policy.headers(), "weights": weights });
    let version = sha256_hex(format!("{template}{build}").as_bytes());
    let mut build = build;
    build["version"] = json!(version.get(..VERSION_DIGITS));
    Ok(template.replace(PLACE, &format!("{build:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "const BUILD = \"BUILD\";\ngo(BUILD);\n";

    fn policy() -> Policy {
        Policy::of("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'\">").unwrap()
    }

    fn site() -> Vec<Entry> {
        [
            ("index.html", "page"),
            ("app-1a_bg.wasm", "wasm"),
            ("gpu_worker_loader.js", "loader"),
            ("model-weights/a.json", "card"),
            ("model-weights/a.safetensors", "weights"),
            ("snippets/x/inline0.js", "snippet"),
            ("app.d.ts", "types"),
            ("app-1a_bg.wasm.br", "compressed"),
            ("_headers", "for the server"),
            (WORKER, "itself"),
        ]
        .map(|(path, data)| Entry::of(path, data.as_bytes()))
        .to_vec()
    }

    /// What the worker is given.
    fn build(entries: &[Entry]) -> Value {
        let text = worker(TEMPLATE, entries, &policy()).unwrap();
        let json = text.strip_prefix("const BUILD = ").unwrap().strip_suffix(";\ngo(BUILD);\n").unwrap();
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_list_is_exact() {
        let build = build(&site());
        let paths: Vec<&str> =
            build["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
        let expected =
            ["app-1a_bg.wasm", "gpu_worker_loader.js", "index.html", "model-weights/a.json", "snippets/x/inline0.js"];
        assert_eq!(paths, expected);
        let wasm = json!({
            "path": "app-1a_bg.wasm", "sha256": sha256_hex(b"wasm"), "bytes": 4, "type": "application/wasm"
        });
        assert_eq!(build["files"][0], wasm);
        let weights = format!("model-weights/a.safetensors?sha256={}", sha256_hex(b"weights"));
        assert_eq!(build["weights"], json!([weights]));
        assert_eq!(build["headers"]["content-security-policy"], "default-src 'self'; frame-ancestors 'none'");
    }

    #[test]
    fn the_version_is_that_of_the_content() {
        let version = |entries: &[Entry]| build(entries)["version"].as_str().unwrap().to_owned();
        let (first, mut other) = (version(&site()), site());
        assert_eq!(first.len(), VERSION_DIGITS);
        other.reverse();
        assert_eq!(version(&other), first, "whatever the order");
        // What nobody keeps makes no new version: not even the worker that was made before.
        other.retain(|entry| keeper(&entry.path) != Keeper::Nobody);
        assert_eq!(version(&other), first);
        for changed in 0..other.len() {
            let mut changes = other.clone();
            changes[changed].sha256 = sha256_hex(b"changed");
            assert_ne!(version(&changes), first, "{}", other[changed].path);
        }
        other.retain(|entry| entry.path != "snippets/x/inline0.js");
        assert_ne!(version(&other), first);
        let text = worker(&TEMPLATE.replace("go", "run"), &site(), &policy()).unwrap();
        assert!(!text.contains(&first), "another worker is another version");
    }

    #[test]
    fn what_makes_no_worker_is_said() {
        assert!(worker("nothing", &site(), &policy()).is_err());
        assert!(worker(&format!("{PLACE}{PLACE}"), &site(), &policy()).is_err());
        let mut headless = site();
        headless.retain(|entry| entry.path != "index.html");
        assert!(worker(TEMPLATE, &headless, &policy()).unwrap_err().contains("index.html"));
    }

    #[test]
    fn the_real_template_has_its_place() {
        let template = include_str!("../../static/service-worker.template.js");
        assert!(worker(template, &site(), &policy()).is_ok());
    }
}
