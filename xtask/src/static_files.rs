//! Maps a request's path to a file of the served folder, and never to one outside it.

use std::path::{Path, PathBuf};

/// The file that a request target names under `folder`; none if it does not exist or lies outside the folder.
pub fn resolve(folder: &Path, target: &str) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let mut file = folder.join(relative(target)?);
    if file.is_dir() {
        file.push("index.html");
    }
    // Also resolves links, so that a link to a file outside the folder is refused.
    let file = file.canonicalize().ok()?;
    (file.starts_with(&folder) && file.is_file()).then_some(file)
}

/// The decoded path relative to the folder; none if a part of it is not a plain name.
fn relative(target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let decoded = decode(path)?;
    let parts: Vec<&str> = decoded.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let plain = |part: &&str| *part != ".." && !part.contains(['\\', '\0', ':']);
    parts.iter().all(plain).then(|| parts.iter().collect())
}

/// Decodes percent-encoding (RFC 3986, 2.1).
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The media type for a file's extension. Browsers compile wasm while it downloads only if its type is right.
pub fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn media_types_follow_the_extension() {
        for (file, expected) in [
            ("app-12_bg.wasm", "application/wasm"),
            ("cpu_worker.js", "text/javascript; charset=utf-8"),
            ("index.html", "text/html; charset=utf-8"),
            ("net1.safetensors", "application/octet-stream"),
            ("LICENSE", "application/octet-stream"),
        ] {
            assert_eq!(media_type(Path::new(file)), expected, "{file}");
        }
    }

    #[test]
    fn plain_paths_are_decoded() {
        assert_eq!(relative("/a%20b/c.js?x=1#y"), Some("a b/c.js".into()));
        assert_eq!(relative("/"), Some("".into()));
        assert_eq!(relative("//./a"), Some("a".into()));
    }

    #[test]
    fn paths_out_of_the_folder_are_refused() {
        for target in [
            "/../secret",
            "/a/../../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/%2e%2e%5csecret",
            "/C:/secret",
            "/a%00b",
            "/%zz",
            "/%",
            "/%ff",
            "secret",
            "http://elsewhere/secret",
        ] {
            assert_eq!(relative(target), None, "{target}");
        }
    }

    #[test]
    fn files_and_folders_resolve_but_links_to_the_outside_do_not() {
        let base = std::env::temp_dir().join(format!("xtask-static-{}", std::process::id()));
        let dist = base.join("dist");
        fs::create_dir_all(dist.join("sub")).unwrap();
        fs::write(dist.join("sub/index.html"), "x").unwrap();
        fs::write(base.join("secret"), "x").unwrap();
        assert_eq!(resolve(&dist, "/sub/"), dist.join("sub/index.html").canonicalize().ok());
        assert_eq!(resolve(&dist, "/"), None);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(base.join("secret"), dist.join("link")).unwrap();
            assert_eq!(resolve(&dist, "/link"), None);
        }
        fs::remove_dir_all(base).unwrap();
    }
}
