//! The precache list of a built site, and the service worker that caches its files.
//!
//! The list is made from the files of the build, never by hand. Its version is a hash of every listed file, so that the
//! same build has the same version on every machine.

use crate::policy::Policy;
use crate::static_files::media_type;
use crate::weights::sha256_hex;
use serde_json::{Value, json};
use std::path::Path;

/// The word in the template that the list replaces.
const PLACEHOLDER: &str = "\"BUILD\"";
/// The file name of the service worker.
pub const SERVICE_WORKER: &str = "service-worker.js";
/// Hexadecimal digits of a version: 64 bits are enough to tell builds apart.
const VERSION_DIGITS: usize = 16;

/// A file of a built site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the site's folder, with `/` between folders.
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
}

impl Entry {
    pub fn new(path: &str, data: &[u8]) -> Self {
        Self { path: path.to_owned(), sha256: sha256_hex(data), bytes: data.len() as u64 }
    }
}

/// Which of the browser's caches a file goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheStore {
    /// The service worker's cache of one version: all of its files are replaced together.
    Precache,
    /// The page's cache of network weights, which stays valid across versions.
    Weights,
    /// No cache: the file is for the server or for people.
    Uncached,
}

pub fn cache_store(path: &str) -> CacheStore {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        _ if [SERVICE_WORKER, "_headers"].contains(&path) || name.ends_with(".d.ts") => CacheStore::Uncached,
        "map" | "br" | "gz" => CacheStore::Uncached,
        "safetensors" => CacheStore::Weights,
        _ => CacheStore::Precache,
    }
}

/// Fills the template of the service worker with the site's files, which may come in any order.
///
/// # Errors
///
/// Returns an error if the template does not contain the placeholder exactly once, or the site has no `index.html`.
pub fn service_worker(template: &str, entries: &[Entry], policy: &Policy) -> Result<String, String> {
    if template.matches(PLACEHOLDER).count() != 1 {
        return Err(format!("the template of the service worker must contain {PLACEHOLDER} exactly once"));
    }
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let stored_in = |store: CacheStore| entries.iter().filter(move |entry| cache_store(&entry.path) == store);
    if !stored_in(CacheStore::Precache).any(|entry| entry.path == "index.html") {
        return Err("the site has no index.html".into());
    }
    let file = |entry: &&Entry| {
        let Entry { path, sha256, bytes } = entry;
        json!({ "bytes": bytes, "path": path, "sha256": sha256, "type": media_type(Path::new(path)) })
    };
    let files: Vec<Value> = stored_in(CacheStore::Precache).map(file).collect();
    // The page uses the same addresses as keys of its cache.
    let weights: Vec<String> =
        stored_in(CacheStore::Weights).map(|entry| format!("{}?sha256={}", entry.path, entry.sha256)).collect();
    let build = json!({ "files": files, "headers": policy.headers(), "weights": weights });
    let version = sha256_hex(format!("{template}{build}").as_bytes());
    let mut build = build;
    build["version"] = json!(version.get(..VERSION_DIGITS));
    Ok(template.replace(PLACEHOLDER, &format!("{build:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "const BUILD = \"BUILD\";\ngo(BUILD);\n";

    fn policy() -> Policy {
        Policy::from_html("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'\">").unwrap()
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
            (SERVICE_WORKER, "itself"),
        ]
        .map(|(path, data)| Entry::new(path, data.as_bytes()))
        .to_vec()
    }

    /// The JSON value that the service worker is given.
    fn build(entries: &[Entry]) -> Value {
        let text = service_worker(TEMPLATE, entries, &policy()).unwrap();
        let json = text.strip_prefix("const BUILD = ").unwrap().strip_suffix(";\ngo(BUILD);\n").unwrap();
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_precache_list_is_exact() {
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
    fn the_version_depends_on_the_content_alone() {
        let version = |entries: &[Entry]| build(entries)["version"].as_str().unwrap().to_owned();
        let (first, mut other) = (version(&site()), site());
        assert_eq!(first.len(), VERSION_DIGITS);
        other.reverse();
        assert_eq!(version(&other), first, "the order does not matter");
        // Uncached files do not change the version; the service worker of an earlier run is one of them.
        other.retain(|entry| cache_store(&entry.path) != CacheStore::Uncached);
        assert_eq!(version(&other), first);
        for changed in 0..other.len() {
            let mut changes = other.clone();
            changes[changed].sha256 = sha256_hex(b"changed");
            assert_ne!(version(&changes), first, "{}", other[changed].path);
        }
        other.retain(|entry| entry.path != "snippets/x/inline0.js");
        assert_ne!(version(&other), first);
        let text = service_worker(&TEMPLATE.replace("go", "run"), &site(), &policy()).unwrap();
        assert!(!text.contains(&first), "another template is another version");
    }

    #[test]
    fn a_bad_template_or_a_missing_page_is_an_error() {
        assert!(service_worker("nothing", &site(), &policy()).is_err());
        assert!(service_worker(&format!("{PLACEHOLDER}{PLACEHOLDER}"), &site(), &policy()).is_err());
        let mut without_page = site();
        without_page.retain(|entry| entry.path != "index.html");
        assert!(service_worker(TEMPLATE, &without_page, &policy()).unwrap_err().contains("index.html"));
    }

    #[test]
    fn the_real_template_contains_the_placeholder() {
        let template = include_str!("../../static/service-worker.template.js");
        assert!(service_worker(template, &site(), &policy()).is_ok());
    }
}
