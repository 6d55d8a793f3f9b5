//! `cargo xtask build`: the static site in `dist/`, and what it weighs.

use crate::post_build::{BASE_PATH, base_path};
use crate::workspace::{Result, Workspace, run};
use crate::{sizes, tools, weights};
use std::path::PathBuf;
use std::process::Command;

pub fn command(workspace: &mut Workspace, arguments: &[String]) -> Result {
    let base = parse(arguments)?;
    let dist = site(workspace, base.as_deref())?;
    sizes::report(&dist, &workspace.cache)
}

fn parse(arguments: &[String]) -> Result<Option<String>> {
    match arguments {
        [] => Ok(None),
        [flag, path] if flag == "--base-path" => base_path(path).map(Some),
        _ => Err(format!("`build` knows --base-path /NAME/, and was given `{}`", arguments.join(" "))),
    }
}

/// Builds `dist/` and returns where it is. Without a base path it works under any.
pub fn site(workspace: &mut Workspace, base: Option<&str>) -> Result<PathBuf> {
    tools::for_page(workspace)?;
    weights::if_possible(workspace);
    // Trunk runs offline, so that it fetches no program of its own: the crates have to be there before.
    run(workspace.command("cargo").args(["fetch", "--locked"]))?;
    run(&mut trunk(workspace, base))?;
    Ok(workspace.root.join("dist"))
}

fn trunk(workspace: &Workspace, base: Option<&str>) -> Command {
    let mut trunk = workspace.command("trunk");
    // Trunk takes NO_COLOR only as `true` or `false`, and stops at the customary 1.
    trunk.env_remove("NO_COLOR").env_remove(BASE_PATH);
    trunk.args(["build", "--release", "--offline"]);
    if let Some(base) = base {
        trunk.args(["--public-url", base]).env(BASE_PATH, base);
    }
    trunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_path_is_an_option() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parse(&words("")), Ok(None));
        assert_eq!(parse(&words("--base-path /x")), Ok(Some("/x/".into())));
        for wrong in ["--base-path", "--base-path x", "/x/", "--base-path /x/ more"] {
            assert!(parse(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
