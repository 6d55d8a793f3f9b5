//! `cargo xtask build`: the static site in `dist/`, and what it weighs.

use crate::house::{House, Result, run};
use crate::{sizes, tools, weights};
use std::path::PathBuf;
use std::process::Command;

pub fn command(house: &mut House) -> Result {
    let dist = site(house)?;
    sizes::report(&dist, &house.cache)
}

/// Builds `dist/` and returns where it is.
pub fn site(house: &mut House) -> Result<PathBuf> {
    tools::for_page(house)?;
    weights::if_possible(house);
    // Trunk runs offline, so that it fetches no program of its own: the crates have to be there before.
    run(house.command("cargo").args(["fetch", "--locked"]))?;
    run(&mut trunk(house))?;
    Ok(house.root.join("dist"))
}

fn trunk(house: &House) -> Command {
    let mut trunk = house.command("trunk");
    // Trunk takes NO_COLOR only as `true` or `false`, and stops at the customary 1.
    trunk.env_remove("NO_COLOR");
    trunk.args(["build", "--release", "--offline"]);
    trunk
}
