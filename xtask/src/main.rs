//! The whole set-up of GenreLens as one command: `cargo xtask serve`, `build`, `test`, `weights`, `bench`, `post-build`,
//! `train`, `evaluate`.
//!
//! `cli` defines the arguments, `workspace` knows the project's folders and starts programs, and `tools` installs what
//! is missing. Most other modules are one command or a part of one.

#[cfg(test)]
mod architecture;
mod bench;
#[cfg(test)]
mod browsers;
mod build;
mod build_times;
mod cli;
mod compress;
mod constructors;
mod content_names;
mod engines;
mod function_names;
mod networks;
mod policy;
mod post_build;
mod precache;
mod selection;
mod serve;
mod site_server;
mod sizes;
mod stages;
mod static_files;
mod test;
mod test_files;
mod tools;
mod versions;
mod weights;
mod workspace;

use clap::Parser as _;
use cli::{Cli, Command};
use std::ffi::OsString;
use std::process::ExitCode;
use workspace::{Result, Workspace};

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    let mut workspace = Workspace::find()?;
    workspace.claim_target()?;
    match command {
        Command::Serve(options) => serve::command(&mut workspace, &options)?,
        Command::Build(options) => build::command(&mut workspace, &options)?,
        Command::Test(options) => return test::command(&mut workspace, &options),
        Command::Weights => weights::command(&mut workspace)?,
        Command::Bench(options) => return bench::command(&mut workspace, &options),
        Command::PostBuild => post_build::command(&workspace.root)?,
        Command::Train(rest) => genrelens(&workspace, "train", &rest.arguments)?,
        Command::Evaluate(rest) => genrelens(&workspace, "evaluate", &rest.arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs GenreLens's own command line.
fn genrelens(workspace: &Workspace, subcommand: &str, arguments: &[OsString]) -> Result {
    let mut cargo = workspace.command("cargo");
    cargo.args(["run", "--release", "--bin", "genrelens", "--manifest-path"]).arg(workspace.root.join("Cargo.toml"));
    cargo.arg("--").arg(subcommand).args(arguments);
    // Paths in the arguments are relative to the user's folder, not to the project's root.
    if let Ok(here) = std::env::current_dir() {
        cargo.current_dir(here);
    }
    workspace::run(&mut cargo)
}
