//! `cargo xtask post-build`: the files of a site that are made from its other files.
//!
//! Trunk runs this after every build (`Trunk.toml`). The list of networks, the names of the workers and the two manifests
//! come first, because the service worker lists them. A second run changes nothing.

use crate::engines::Engines;
use crate::policy::{Policy, blocked_tags};
use crate::precache::{CacheStore, Entry, SERVICE_WORKER, cache_store, service_worker};
use crate::workspace::Result;
use crate::{constructors, content_names, function_names, networks, sizes};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The environment variable by which the hook that Trunk runs gets the site's base path.
pub const BASE_PATH: &str = "GENRELENS_BASE_PATH";
const MANIFEST: &str = "manifest.webmanifest";
/// The manifest of a page that is a share target.
const SHARE_TARGET_MANIFEST: &str = "sharing.webmanifest";

/// Completes the site that Trunk is about to move to `dist/`, or `dist/` itself if Trunk does not run this.
pub fn command(root: &Path) -> Result {
    let site = std::env::var_os("TRUNK_STAGING_DIR").map_or_else(|| root.join("dist"), PathBuf::from);
    let base = std::env::var(BASE_PATH).unwrap_or_else(|_| "/".into());
    let engines = Engines::from_environment(std::env::var(Engines::VARIABLE).ok().as_deref())?;
    let template = read(&root.join("static/service-worker.template.js"))?;
    let manifest = read(&root.join("static").join(MANIFEST))?;
    // First: a site that fails here is not completed.
    constructors::check(&site)?;
    if std::env::var_os(function_names::KEEP).is_none() {
        // After the check, which knows functions by their names, and before anything that depends on the files' content.
        function_names::remove(&site)?;
    }
    post_build(&site, &base, engines, &template, &manifest)
}

fn post_build(site: &Path, base: &str, engines: Engines, template: &str, manifest: &str) -> Result {
    networks::write(&site.join("model-weights"))?;
    content_names::apply(site, engines)?;
    let [plain, sharing] = manifests(manifest)?;
    write(&site.join(MANIFEST), &plain)?;
    write(&site.join(SHARE_TARGET_MANIFEST), &sharing)?;
    let html = read(&site.join("index.html"))?;
    let policy = Policy::from_html(&html)?;
    for tag in blocked_tags(&html) {
        println!("WARNING: the page's Content-Security-Policy blocks <{tag}>");
    }
    let entries = entries(site)?;
    // Of a site without the GPU engine nothing is stored: the whole site would be offered as a newer version of it.
    if engines == Engines::All {
        write(&site.join(SERVICE_WORKER), &service_worker(template, &entries, &policy)?)?;
    }
    let paths = entries.iter().map(|entry| entry.path.as_str());
    write(&site.join("_headers"), &policy.headers_file(base, paths))
}

/// The manifest without and with its share target.
///
/// Without a service worker the browser would send shared files to the server, so the page switches to the second
/// manifest only when its service worker runs. The second manifest always opens a new page: the browser would bring a
/// page that is open already to the front without giving it the files.
fn manifests(manifest: &str) -> Result<[String; 2]> {
    let mut value: Value = serde_json::from_str(manifest).map_err(|error| format!("{MANIFEST}: {error}"))?;
    let mut sharing = value.clone();
    value.as_object_mut().and_then(|all| all.remove("share_target")).ok_or("the manifest has no share_target")?;
    sharing["launch_handler"] = json!({ "client_mode": ["navigate-new", "auto"] });
    Ok([value, sharing].map(|manifest| format!("{manifest:#}\n")))
}

/// Every file of a site that a browser caches.
fn entries(site: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (path, file) in sizes::files_under(site)? {
        if cache_store(&path) != CacheStore::Uncached {
            let data = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            entries.push(Entry::new(&path, &data));
        }
    }
    Ok(entries)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, text: &str) -> Result {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Parses a base path and normalises it to `/` or `/a/b/`.
pub fn base_path(text: &str) -> Result<String> {
    let plain = |part: &str| {
        let letters = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.~".contains(&letter);
        !part.is_empty() && part.bytes().all(letters) && !part.bytes().all(|letter| letter == b'.')
    };
    let parts: Vec<&str> = text.trim_matches('/').split('/').collect();
    match (text.starts_with('/'), parts.as_slice()) {
        (true, [""]) => Ok("/".into()),
        (true, parts) if parts.iter().all(|part| plain(part)) => Ok(format!("/{}/", parts.join("/"))),
        _ => Err(format!("`{text}` is not a base path: expected a path like /name/ of letters, digits and - _ . ~")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../static/service-worker.template.js");
    const MANIFEST_FILE: &str = include_str!("../../static/manifest.webmanifest");

    fn site(name: &str) -> PathBuf {
        let site = std::env::temp_dir().join(format!("xtask-post-build-{name}-{}", std::process::id()));
        content_names::write_unnamed(&site, include_str!("../../index.html"));
        let card = r#"{"name": "a", "summary": "One.", "sha256": "00"}"#;
        fs::write(site.join("model-weights/a.json"), card).unwrap();
        fs::write(site.join("model-weights/a.safetensors"), [0; 7]).unwrap();
        site
    }

    #[test]
    fn a_second_run_changes_nothing_and_another_file_does() {
        let site = site("twice");
        let worker = || fs::read_to_string(site.join(SERVICE_WORKER)).unwrap();
        post_build(&site, "/x/", Engines::All, TEMPLATE, MANIFEST_FILE).unwrap();
        let first = worker();
        for name in ["networks.json", "a.json"] {
            assert!(first.contains(&format!("\"path\": \"model-weights/{name}\"")), "{name}");
        }
        assert!(first.contains("model-weights/a.safetensors?sha256="));
        fs::write(site.join("index.html.br"), "compressed").unwrap();
        post_build(&site, "/x/", Engines::All, TEMPLATE, MANIFEST_FILE).unwrap();
        assert_eq!(worker(), first);
        let script = fs::read_dir(&site).unwrap().map(|entry| entry.unwrap().path());
        let script = script.into_iter().find(|file| file.to_string_lossy().contains("/start-")).unwrap();
        fs::write(script, "// another").unwrap();
        post_build(&site, "/x/", Engines::All, TEMPLATE, MANIFEST_FILE).unwrap();
        assert_ne!(worker(), first);
        assert!(fs::read_to_string(site.join("_headers")).unwrap().starts_with("/x/*\n  content-security-policy: "));
        fs::remove_dir_all(site).unwrap();
    }

    #[test]
    fn a_site_that_was_first_built_without_its_gpu_engine_becomes_the_same_as_at_once() {
        let files = |site: &Path| -> Vec<(String, Vec<u8>)> {
            let found = sizes::files_under(site).unwrap();
            found.into_iter().map(|(name, file)| (name, fs::read(file).unwrap())).collect()
        };
        let (at_once, first) = (site("at-once"), site("first"));
        post_build(&at_once, "/", Engines::All, TEMPLATE, MANIFEST_FILE).unwrap();
        for (name, file) in sizes::files_under(&first).unwrap() {
            if name.starts_with("gpu_worker") {
                fs::remove_file(file).unwrap();
            }
        }
        post_build(&first, "/", Engines::OnlyCpu, TEMPLATE, MANIFEST_FILE).unwrap();
        // Every file of the first site but the page itself is one of the whole site, so that a page that was loaded
        // before finds what it asks for afterwards.
        let (whole, partial) = (files(&at_once), files(&first));
        let changed: Vec<&str> =
            partial.iter().filter(|file| !whole.contains(file)).map(|(name, _)| name.as_str()).collect();
        assert_eq!(changed, ["_headers", "index.html"]);
        let names: Vec<&str> = partial.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.contains(&SERVICE_WORKER), "{names:?}");
        // Trunk builds the whole site into an empty folder, whatever was built before.
        let afterwards = site("afterwards");
        post_build(&afterwards, "/", Engines::All, TEMPLATE, MANIFEST_FILE).unwrap();
        assert_eq!(files(&afterwards), whole);
        [at_once, first, afterwards].into_iter().for_each(|site| fs::remove_dir_all(site).unwrap());
    }

    #[test]
    fn only_the_second_manifest_is_a_share_target() {
        let [plain, sharing] = manifests(MANIFEST_FILE).unwrap();
        assert!(!plain.contains("share_target") && plain.contains("file_handlers"));
        assert!(sharing.contains("\"action\": \"./share\""));
        assert!(plain.contains("focus-existing") && !plain.contains("navigate-new"));
        assert!(!sharing.contains("focus-existing") && sharing.contains("navigate-new"));
        assert!(manifests("{}").is_err() && manifests("no").is_err());
    }

    #[test]
    fn the_manifest_is_relative_and_its_icons_are_there() {
        let manifest: Value = serde_json::from_str(MANIFEST_FILE).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for value in [&manifest["start_url"], &manifest["scope"], &manifest["share_target"]["action"]] {
            assert!(text(value).starts_with("./"), "{value}");
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static");
        let icons = manifest["icons"].as_array().unwrap();
        let sizes: Vec<String> = icons.iter().map(|icon| text(&icon["sizes"])).collect();
        assert_eq!(sizes, ["192x192", "512x512", "512x512"]);
        for icon in icons {
            let png = fs::read(folder.join(text(&icon["src"]))).unwrap();
            // The width lies at byte 16 of every PNG file.
            let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
            assert_eq!(format!("{width}x{width}"), text(&icon["sizes"]), "{icon}");
        }
        assert!(icons.iter().any(|icon| icon["purpose"] == "maskable"));
    }

    #[test]
    fn base_paths_are_normalised() {
        for (given, read) in [("/", "/"), ("/x", "/x/"), ("/x/", "/x/"), ("/a-b/c.d/", "/a-b/c.d/"), ("//", "/")] {
            assert_eq!(base_path(given).as_deref(), Ok(read), "{given}");
        }
        for wrong in ["", "x", "x/", "/../", "/a/../b", "/a b/", "/a//b/", "/a?b/", "https://a/", "/a\"/"] {
            assert!(base_path(wrong).is_err(), "{wrong}");
        }
    }
}
