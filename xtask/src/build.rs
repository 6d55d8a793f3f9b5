//! `cargo xtask build`: builds the static site into `dist/` and prints the sizes of its files.

use crate::post_build::{BASE_PATH, base_path};
use crate::workspace::{Result, Workspace, run};
use crate::{sizes, tools, weights};
use clap::Args;
use std::path::PathBuf;
use std::process::Command;

// Without a group: `serve` has these options too, and would have two groups called `Options`.
#[derive(Args, Debug, PartialEq, Eq)]
#[group(skip)]
pub struct Options {
    /// The path on the host that the site is served under, such as /NAME/; without it any path works
    #[arg(long, value_name = "PATH", value_parser = base_path)]
    pub base_path: Option<String>,
}

pub fn command(workspace: &mut Workspace, options: &Options) -> Result {
    let dist = site(workspace, options.base_path.as_deref())?;
    sizes::report(&dist, &workspace.cache)
}

/// Builds `dist/` and returns its path. Without a base path the site works under any.
pub fn site(workspace: &mut Workspace, base: Option<&str>) -> Result<PathBuf> {
    tools::for_page(workspace)?;
    weights::if_possible(workspace);
    // Trunk runs offline, so that it downloads no tools of its own; therefore the crates are fetched before.
    run(workspace.command("cargo").args(["fetch", "--locked"]))?;
    run(&mut trunk(workspace, base))?;
    Ok(workspace.root.join("dist"))
}

fn trunk(workspace: &Workspace, base: Option<&str>) -> Command {
    let mut trunk = workspace.command("trunk");
    // Trunk accepts only `true` or `false` in NO_COLOR, and fails on the usual 1.
    trunk.env_remove("NO_COLOR").env_remove(BASE_PATH);
    trunk.args(["build", "--release", "--offline"]);
    if let Some(base) = base {
        trunk.args(["--public-url", base]).env(BASE_PATH, base);
    }
    trunk
}
