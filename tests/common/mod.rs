//! The data sets beside the repository.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of data sets: the one that `GENRELENS_DATA` names or its `data`, or `../shared/data` beside the
/// repository. Without it, a loud line: a test that needs it then returns.
pub fn shared_data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = std::env::var_os("GENRELENS_DATA").map_or_else(beside, PathBuf::from);
    let folders = [named.join("data"), named];
    let found = folders.iter().find(|folder| folder.join("gtzan-audio").is_dir());
    if found.is_none() {
        // Not by `eprintln!`, which the test runner swallows.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: no data sets in {}; set GENRELENS_DATA to the folder that has them",
            folders[0].display()
        );
    }
    found.cloned()
}
