//! The data sets beside the repository.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of data sets: `data` in the folder that `GENRELENS_DATA` names, or in `../shared` beside the repository.
/// Without it, a loud line: a test that needs it then returns.
pub fn shared_data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let data = std::env::var_os("GENRELENS_DATA").map_or_else(beside, PathBuf::from).join("data");
    if data.is_dir() {
        return Some(data);
    }
    let said = "set GENRELENS_DATA to the folder that has them in data/";
    // Not by `eprintln!`, which the test runner swallows.
    let _ = writeln!(std::io::stderr(), "SKIPPED: no data sets in {}; {said}", data.display());
    None
}
