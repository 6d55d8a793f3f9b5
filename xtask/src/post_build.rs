//! `cargo xtask post-build`: what a site needs besides what Trunk puts into it.
//!
//! Trunk runs it after every build (`Trunk.toml`): the list of the networks that are there, the two manifests, the
//! headers file, and last the service worker, whose list is of all the others. A second run changes nothing.

use crate::policy::{Policy, stopped};
use crate::precache::{Entry, Keeper, WORKER, keeper, worker};
use crate::workspace::Result;
use crate::{networks, sizes};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The path that the site will be served under, for the hook that Trunk runs.
pub const BASE_PATH: &str = "GENRELENS_BASE_PATH";
const MANIFEST: &str = "manifest.webmanifest";
/// The manifest of a page that can take what is shared with it.
const SHARING_MANIFEST: &str = "sharing.webmanifest";

/// Finishes the site that Trunk is about to put in place, or `dist/`.
pub fn command(root: &Path) -> Result {
    let site = std::env::var_os("TRUNK_STAGING_DIR").map_or_else(|| root.join("dist"), PathBuf::from);
    let base = std::env::var(BASE_PATH).unwrap_or_else(|_| "/".into());
    let template = read(&root.join("static/service-worker.template.js"))?;
    let manifest = read(&root.join("static").join(MANIFEST))?;
    post_build(&site, &base, &template, &manifest)
}

fn post_build(site: &Path, base: &str, template: &str, manifest: &str) -> Result {
    networks::write(&site.join("model-weights"))?;
    let [plain, sharing] = manifests(manifest)?;
    write(&site.join(MANIFEST), &plain)?;
    write(&site.join(SHARING_MANIFEST), &sharing)?;
    let html = read(&site.join("index.html"))?;
    let policy = Policy::of(&html)?;
    for tag in stopped(&html) {
        println!("WARNING: the page's policy will stop <{tag}>");
    }
    let entries = entries(site)?;
    write(&site.join(WORKER), &worker(template, &entries, &policy)?)?;
    let paths = entries.iter().map(|entry| entry.path.as_str());
    write(&site.join("_headers"), &policy.headers_file(base, paths))
}

/// The manifest without a share target, and with it. Where no service worker runs, what is shared would be sent to the
/// server: only a page that has one names the second. What is shared comes with a page of its own: one that is open already
/// would be shown, and never told of it.
fn manifests(manifest: &str) -> Result<[String; 2]> {
    let mut value: Value = serde_json::from_str(manifest).map_err(|error| format!("{MANIFEST}: {error}"))?;
    let mut sharing = value.clone();
    value.as_object_mut().and_then(|all| all.remove("share_target")).ok_or("the manifest has no share_target")?;
    sharing["launch_handler"] = json!({ "client_mode": ["navigate-new", "auto"] });
    Ok([value, sharing].map(|manifest| format!("{manifest:#}\n")))
}

/// Every file of a site that is kept on the visitor's device.
fn entries(site: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (path, file) in sizes::files_under(site)? {
        if keeper(&path) != Keeper::Nobody {
            let data = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            entries.push(Entry::of(&path, &data));
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

/// Reads a path to serve a site under: `/`, or folders between slashes.
pub fn base_path(text: &str) -> Result<String> {
    let plain = |part: &str| {
        let letters = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.~".contains(&letter);
        !part.is_empty() && part.bytes().all(letters) && !part.bytes().all(|letter| letter == b'.')
    };
    let parts: Vec<&str> = text.trim_matches('/').split('/').collect();
    match (text.starts_with('/'), parts.as_slice()) {
        (true, [""]) => Ok("/".into()),
        (true, parts) if parts.iter().all(|part| plain(part)) => Ok(format!("/{}/", parts.join("/"))),
        _ => Err(format!("`{text}` is no base path: a path like /name/ is expected, of letters, digits and - _ . ~")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../static/service-worker.template.js");
    const MANIFEST_FILE: &str = include_str!("../../static/manifest.webmanifest");

    fn site() -> PathBuf {
        let site = std::env::temp_dir().join(format!("xtask-finish-{}", std::process::id()));
        fs::create_dir_all(site.join("model-weights")).unwrap();
        fs::write(site.join("index.html"), include_str!("../../index.html")).unwrap();
        let card = r#"{"name": "a", "summary": "One.", "sha256": "00"}"#;
        fs::write(site.join("model-weights/a.json"), card).unwrap();
        fs::write(site.join("model-weights/a.safetensors"), [0; 7]).unwrap();
        site
    }

    #[test]
    fn a_second_run_changes_nothing_and_another_file_does() {
        let site = site();
        let worker = || fs::read_to_string(site.join(WORKER)).unwrap();
        post_build(&site, "/x/", TEMPLATE, MANIFEST_FILE).unwrap();
        let first = worker();
        for name in ["networks.json", "a.json"] {
            assert!(first.contains(&format!("\"path\": \"model-weights/{name}\"")), "{name}");
        }
        assert!(first.contains("model-weights/a.safetensors?sha256="));
        fs::write(site.join("index.html.br"), "compressed").unwrap();
        post_build(&site, "/x/", TEMPLATE, MANIFEST_FILE).unwrap();
        assert_eq!(worker(), first);
        fs::write(site.join("start.js"), "// another").unwrap();
        post_build(&site, "/x/", TEMPLATE, MANIFEST_FILE).unwrap();
        assert_ne!(worker(), first);
        assert!(fs::read_to_string(site.join("_headers")).unwrap().starts_with("/x/*\n  content-security-policy: "));
        fs::remove_dir_all(site).unwrap();
    }

    #[test]
    fn only_the_second_manifest_takes_what_is_shared() {
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
    fn base_paths_are_read() {
        for (given, read) in [("/", "/"), ("/x", "/x/"), ("/x/", "/x/"), ("/a-b/c.d/", "/a-b/c.d/"), ("//", "/")] {
            assert_eq!(base_path(given).as_deref(), Ok(read), "{given}");
        }
        for wrong in ["", "x", "x/", "/../", "/a/../b", "/a b/", "/a//b/", "/a?b/", "https://a/", "/a\"/"] {
            assert!(base_path(wrong).is_err(), "{wrong}");
        }
    }
}
