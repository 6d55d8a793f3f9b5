//! Names that change with the content, for the files that Trunk names without a hash: the workers, the start script and
//! the list of networks.
//!
//! Hosts let browsers keep every file for some minutes (GitHub Pages: ten). Under one name a visitor who comes back would
//! meet an older worker beside a newer page.

use crate::engines::Engines;
use crate::weights::sha256_hex;
use crate::workspace::Result;
use std::fs;
use std::path::Path;

/// A file, and the one that names it. The deepest come first: the hash of a file covers the names in it.
const REFERENCES: [(&str, &str); 7] = [
    ("cpu_worker_bg.wasm", "cpu_worker.js"),
    ("cpu_worker.js", "cpu_worker_loader.js"),
    ("cpu_worker_loader.js", PAGE),
    ("gpu_worker_bg.wasm", "gpu_worker.js"),
    ("gpu_worker.js", "gpu_worker_loader.js"),
    ("gpu_worker_loader.js", PAGE),
    ("start.js", PAGE),
];
const PAGE: &str = "index.html";
/// What begins the names of the GPU engine's files.
const GPU_ENGINE: &str = "gpu_worker";
/// The attribute of the page that names the GPU engine; empty while that engine is being built (src/web/build_files.rs).
const GPU_ATTRIBUTE: &str = "data-gpu-worker=\"";
/// Keeps its name, which programs may read, and is asked for by its hash.
const NETWORK_LIST: &str = "model-weights/networks.json";
/// As many as Trunk writes.
const HASH_DIGITS: usize = 16;

/// Renames the files of a site, and changes the names in its other files. A second run changes nothing. Of a site without
/// the GPU engine the page says so.
///
/// # Errors
///
/// A sentence, if a file is missing, or is not named where it should be.
pub fn apply(site: &Path, engines: Engines) -> Result {
    let is_there = |(file, _): &(&str, &str)| engines == Engines::All || !file.starts_with(GPU_ENGINE);
    if engines == Engines::OnlyCpu {
        let (page, html) = (site.join(PAGE), read(&site.join(PAGE))?);
        let named = html.split_once(GPU_ATTRIBUTE).and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
        let named = format!("{GPU_ATTRIBUTE}{}\"", named.unwrap_or_default());
        replace(&page, GPU_ATTRIBUTE, &named, &format!("{GPU_ATTRIBUTE}\""))?;
    }
    for (file, names_it) in REFERENCES.into_iter().filter(is_there) {
        let (old, naming) = (current_name(site, file)?, current_name(site, names_it)?);
        let new = with_hash(file, &hash(&site.join(&old))?);
        if new != old {
            rename(site, &old, &new)?;
        }
        replace(&site.join(naming), &old, &old, &new)?;
    }
    let list = format!("{NETWORK_LIST}?sha256={}", hash(&site.join(NETWORK_LIST))?);
    let html = read(&site.join(PAGE))?;
    let old = html.split('"').find(|text| text.split('?').next() == Some(NETWORK_LIST)).unwrap_or(NETWORK_LIST);
    replace(&site.join(PAGE), NETWORK_LIST, old, &list)
}

/// The name that a file has now, with a hash or without.
fn current_name(site: &Path, file: &str) -> Result<String> {
    let entries = fs::read_dir(site).map_err(|error| format!("{}: {error}", site.display()))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let found: Vec<String> = names.filter(|name| without_hash(name) == file).collect();
    match found.as_slice() {
        [name] => Ok(name.clone()),
        [] => Err(format!("the site has no {file}")),
        more => Err(format!("the site has {} instead of one {file}: empty it and build again", more.join(" and "))),
    }
}

fn with_hash(file: &str, hash: &str) -> String {
    let (stem, ending) = file.split_once('.').unwrap_or((file, ""));
    format!("{stem}-{hash}.{ending}")
}

fn without_hash(name: &str) -> String {
    let parts = name.split_once('.').and_then(|(stem, ending)| Some((stem.rsplit_once('-')?, ending)));
    match parts {
        Some(((stem, hash), ending))
            if hash.len() == HASH_DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) =>
        {
            format!("{stem}.{ending}")
        }
        _ => name.to_owned(),
    }
}

fn hash(file: &Path) -> Result<String> {
    let data = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(sha256_hex(&data).chars().take(HASH_DIGITS).collect())
}

fn rename(site: &Path, old: &str, new: &str) -> Result {
    fs::rename(site.join(old), site.join(new)).map_err(|error| format!("{old}: {error}"))?;
    // Of an earlier build.
    for ending in ["br", "gz"] {
        let _ = fs::remove_file(site.join(format!("{old}.{ending}")));
    }
    Ok(())
}

/// Replaces a name in a file, which must contain it.
fn replace(file: &Path, what: &str, old: &str, new: &str) -> Result {
    let text = read(file)?;
    if !text.contains(old) {
        return Err(format!("{} does not name {what}", file.display()));
    }
    fs::write(file, text.replace(old, new)).map_err(|error| format!("{}: {error}", file.display()))
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Writes the files that are named here, as Trunk does. For tests.
#[cfg(test)]
pub fn write_unnamed(site: &Path, html: &str) {
    fs::create_dir_all(site.join("model-weights")).unwrap();
    for kind in ["cpu", "gpu"] {
        fs::write(site.join(format!("{kind}_worker_bg.wasm")), format!("{kind} code")).unwrap();
        let script = format!("new URL('{kind}_worker_bg.wasm', import.meta.url)");
        fs::write(site.join(format!("{kind}_worker.js")), script).unwrap();
        let loader = format!("import init from './{kind}_worker.js';await init();");
        fs::write(site.join(format!("{kind}_worker_loader.js")), loader).unwrap();
    }
    fs::write(site.join("start.js"), "start()").unwrap();
    let script = "<script type=\"module\" src=\"./start.js\" data-cpu-worker=\"./cpu_worker_loader.js\" \
                  data-gpu-worker=\"./gpu_worker_loader.js\"></script>";
    fs::write(site.join(PAGE), html.replace("</head>", &format!("{script}</head>"))).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    fn site(name: &str) -> PathBuf {
        let site = std::env::temp_dir().join(format!("xtask-names-{name}-{}", std::process::id()));
        let html = format!("<head><link rel=\"preload\" href=\"{NETWORK_LIST}\"></head>");
        write_unnamed(&site, &html);
        fs::write(site.join(NETWORK_LIST), "[]").unwrap();
        site
    }

    fn names(site: &Path) -> BTreeSet<String> {
        fs::read_dir(site).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_worker_that_changes_has_another_name_and_so_have_those_that_name_it() {
        let site = site("chain");
        apply(&site, Engines::All).unwrap();
        let first = names(&site);
        let worker = |kind: &str| first.iter().filter(move |name| name.starts_with(&format!("{kind}_worker"))).count();
        assert_eq!((worker("cpu"), worker("gpu"), first.len()), (3, 3, 9), "{first:?}");
        let html = read(&site.join(PAGE)).unwrap();
        let loader = first.iter().find(|name| name.starts_with("cpu_worker_loader-")).unwrap();
        assert!(html.contains(&format!("data-cpu-worker=\"./{loader}\"")), "{html}");
        assert!(html.contains("networks.json?sha256="), "{html}");
        apply(&site, Engines::All).unwrap();
        assert_eq!((names(&site), read(&site.join(PAGE)).unwrap()), (first.clone(), html.clone()), "a second run");

        let code = first.iter().find(|name| name.starts_with("cpu_worker_bg-")).unwrap();
        fs::write(site.join(code), "newer code").unwrap();
        fs::write(site.join(format!("{code}.br")), "compressed").unwrap();
        fs::write(site.join(NETWORK_LIST), "[1]").unwrap();
        apply(&site, Engines::All).unwrap();
        let second = names(&site);
        let changed: BTreeSet<String> = first.difference(&second).map(|name| without_hash(name)).collect();
        assert_eq!(changed, ["cpu_worker.js", "cpu_worker_bg.wasm", "cpu_worker_loader.js"].map(String::from).into());
        assert_eq!(second.len(), first.len(), "{second:?}");
        let list = |html: &str| html.split("networks.json?sha256=").nth(1).unwrap()[..HASH_DIGITS].to_owned();
        assert_ne!(list(&read(&site.join(PAGE)).unwrap()), list(&html));
        fs::remove_dir_all(site).unwrap();
    }

    #[test]
    fn without_the_gpu_engine_the_page_names_none() {
        let site = site("cpu");
        for name in names(&site).iter().filter(|name| name.starts_with(GPU_ENGINE)) {
            fs::remove_file(site.join(name)).unwrap();
        }
        apply(&site, Engines::OnlyCpu).unwrap();
        let html = read(&site.join(PAGE)).unwrap();
        assert!(
            html.contains("data-gpu-worker=\"\"") && html.contains("data-cpu-worker=\"./cpu_worker_loader-"),
            "{html}"
        );
        let first = names(&site);
        apply(&site, Engines::OnlyCpu).unwrap();
        assert_eq!((names(&site), read(&site.join(PAGE)).unwrap()), (first, html), "a second run");
        fs::remove_dir_all(site).unwrap();
    }

    #[test]
    fn a_site_in_which_something_is_missing_is_an_error() {
        let site = site("missing");
        fs::write(site.join("gpu_worker.js"), "nothing").unwrap();
        assert!(apply(&site, Engines::All).unwrap_err().ends_with("does not name gpu_worker_bg.wasm"));
        // The first run has renamed it already.
        for name in names(&site).iter().filter(|name| name.starts_with("gpu_worker_bg-")) {
            fs::remove_file(site.join(name)).unwrap();
        }
        assert_eq!(apply(&site, Engines::All).unwrap_err(), "the site has no gpu_worker_bg.wasm");
        fs::remove_dir_all(site).unwrap();
    }
}
