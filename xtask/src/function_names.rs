//! Takes the functions' names out of a site's wasm files: a third of a megabyte as sent, most of it in the GPU engine.
//! Only profilers and stack traces show them; a panic's message names its place in the source all the same.

use crate::workspace::Result;
use base64::Engine as _;
use sha2::{Digest, Sha384};
use std::fs;
use std::path::Path;
use wasmparser::{Parser, Payload};

/// The environment variable that keeps the names, with any value.
pub const KEEP: &str = "GENRELENS_KEEP_NAMES";
/// WebAssembly 3.0, appendix A.4, "Custom Sections": the section that holds names.
const SECTION: &str = "name";
const PAGE: &str = "index.html";

/// Removes the names, and writes the new hashes into the page: the browser takes no file that differs from its hash there
/// (Subresource Integrity). A second run changes nothing.
///
/// # Errors
///
/// A sentence, if a file cannot be read or written, or is no wasm.
pub fn remove(site: &Path) -> Result {
    let page = site.join(PAGE);
    let mut html = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let entries = fs::read_dir(site).map_err(|error| format!("{}: {error}", site.display()))?;
    for file in entries.flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|ending| ending == "wasm") {
            let wasm = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let without = without_names(&wasm).map_err(|error| format!("{}: {error}", file.display()))?;
            html = html.replace(&integrity(&wasm), &integrity(&without));
            fs::write(&file, without).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    fs::write(&page, html).map_err(|error| format!("{}: {error}", page.display()))
}

/// All other sections of a module, as they are.
fn without_names(wasm: &[u8]) -> std::result::Result<Vec<u8>, wasmparser::Error> {
    let mut kept = Vec::with_capacity(wasm.len());
    let mut from = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        let position = match &payload {
            Payload::Version { range, .. } => range.end,
            other => match other.as_section() {
                Some((_, range)) => range.end,
                None => continue,
            },
        };
        let end = position as usize; // of a slice
        if !matches!(&payload, Payload::CustomSection(section) if section.name() == SECTION) {
            // From its first byte, which lies before its content.
            kept.extend_from_slice(&wasm[from..end]);
        }
        from = end;
    }
    Ok(kept)
}

/// What a page's `integrity` attribute says of a file, as Trunk writes it.
fn integrity(data: &[u8]) -> String {
    format!("sha384-{}", base64::engine::general_purpose::STANDARD.encode(Sha384::digest(data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"(module $named
        (import "a" "b" (func $imported))
        (memory 1)
        (func $first (export "f") call $imported)
        (func $second)
        (data (i32.const 0) "name")
        (@custom "kept" (before first) "name"))"#;

    #[test]
    fn only_the_names_are_missing() {
        let named = wat::parse_str(MODULE).unwrap();
        let without = without_names(&named).unwrap();
        let nameless = MODULE.replace("$named", "").replace(" $first", "").replace(" $second", "");
        let nameless = nameless.replace(" $imported))", "))").replace("$imported", "0");
        assert!(without.len() < named.len());
        assert_eq!(without, wat::parse_str(nameless).unwrap());
        assert_eq!(without_names(&without).unwrap(), without);
        assert!(without_names(&named[..named.len() - 1]).is_err());
        assert!(without_names(b"no wasm").is_err());
    }

    #[test]
    fn the_page_gets_the_hashes_of_what_is_left() {
        let site = std::env::temp_dir().join(format!("xtask-names-{}", std::process::id()));
        fs::create_dir_all(&site).unwrap();
        let wasm = wat::parse_str(MODULE).unwrap();
        let (file, page) = (site.join("app-1_bg.wasm"), site.join(PAGE));
        fs::write(&file, &wasm).unwrap();
        fs::write(site.join("worker_bg.wasm"), &wasm).unwrap();
        fs::write(&page, format!("<link integrity=\"{}\"><link integrity=\"sha384-abc\">", integrity(&wasm))).unwrap();
        for run in 0..2 {
            remove(&site).unwrap();
            let left = fs::read(&file).unwrap();
            assert_eq!(left, without_names(&wasm).unwrap(), "run {run}");
            assert_eq!(left, fs::read(site.join("worker_bg.wasm")).unwrap(), "run {run}");
            let html = fs::read_to_string(&page).unwrap();
            assert_eq!(html, format!("<link integrity=\"{}\"><link integrity=\"sha384-abc\">", integrity(&left)));
        }
        fs::remove_dir_all(site).unwrap();
    }

    #[test]
    fn hashes_are_written_as_browsers_read_them() {
        // Subresource Integrity (W3C), section 3.2, its example.
        assert_eq!(
            integrity(b"alert('Hello, world.');"),
            "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
        );
    }
}
