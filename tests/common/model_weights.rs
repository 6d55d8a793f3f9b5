//! The weights in `model-weights/`, part of which `cargo xtask weights` fetches.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A file of `model-weights/`, or a loud line if the weights that `cargo xtask weights` fetches are missing.
pub fn with_musicnn(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("model-weights");
    if ["musicnn-msd", "musicnn-mtt"]
        .iter()
        .all(|backbone| folder.join(backbone).with_extension("safetensors").exists())
    {
        return Some(folder.join(name));
    }
    let said = "SKIPPED: MusiCNN's weights are not in model-weights/; run `cargo xtask weights`";
    // Not by `eprintln!`, which the test runner swallows.
    let _ = writeln!(std::io::stderr(), "{said}");
    None
}
