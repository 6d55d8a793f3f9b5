//! The command line of this build.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// Runs it to its end.
pub fn run(arguments: &[impl AsRef<OsStr>]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_genrelens")).args(arguments).output().unwrap()
}
