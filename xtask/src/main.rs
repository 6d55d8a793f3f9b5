//! The whole set-up of GenreLens as one command: `cargo xtask serve`, `build`, `test`, `weights`, `bench`, `post-build`,
//! `train`, `evaluate`.
//!
//! `workspace` knows where things lie and how a program is started, `tools` what has to be installed, and each other
//! module is one command.

mod bench;
mod build;
mod compress;
mod networks;
mod policy;
mod post_build;
mod precache;
mod serve;
mod sizes;
mod stages;
mod static_files;
mod test;
mod tools;
mod versions;
mod weights;
mod workspace;

use std::process::ExitCode;
use workspace::{Result, Workspace};

const HELP: &str = "\
cargo xtask COMMAND

  serve [--port N] [--no-open]   build the page and serve it on this machine only
  build                          build the page into dist/ and print what it weighs
    both: [--base-path /NAME/]   for a site that lies in a folder of its host
  test [STAGE…] [--keep-going]   run the checks, cheapest first; `test --list` names the stages
  weights                        fetch MusiCNN's weights, which `serve`, `build` and `test` also try to do
  bench [PART…]                  time the front end (beside librosa and essentia.js), training (beside TensorFlow.js)
                                 and lessons: front-end, training, lessons; all of them where none is named
  post-build                     write the lists, manifests and service worker of dist/; every build does this
  train …, evaluate …            the command line's own `train` and `evaluate`

What is missing is installed first, and named before it is. Compiled files go to $CARGO_TARGET_DIR, or else to
${XDG_CACHE_HOME:-~/.cache}/genrelens/target, so that a fresh clone finds them warm.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        println!("{HELP}");
        return Ok(ExitCode::FAILURE);
    };
    match command.as_str() {
        "serve" => serve::command(&mut Workspace::find()?, rest)?,
        "build" => build::command(&mut Workspace::find()?, rest)?,
        "post-build" => {
            no_arguments("post-build", rest)?;
            post_build::command(&Workspace::find()?.root)?;
        }
        "test" => return test::command(&mut Workspace::find()?, rest),
        "weights" => {
            no_arguments("weights", rest)?;
            weights::command(&mut Workspace::find()?)?;
        }
        "bench" => return bench::command(&mut Workspace::find()?, rest),
        "train" | "evaluate" => command_line(&Workspace::find()?, arguments)?,
        "help" | "--help" | "-h" => println!("{HELP}"),
        other => return Err(format!("there is no command `{other}`\n\n{HELP}")),
    }
    Ok(ExitCode::SUCCESS)
}

fn no_arguments(command: &str, rest: &[String]) -> Result {
    match rest.first() {
        None => Ok(()),
        Some(extra) => Err(format!("`{command}` takes no arguments, and was given `{extra}`")),
    }
}

fn command_line(workspace: &Workspace, arguments: &[String]) -> Result {
    let mut cargo = workspace.command("cargo");
    cargo.args(["run", "--release", "--bin", "genrelens", "--manifest-path"]).arg(workspace.root.join("Cargo.toml"));
    cargo.arg("--").args(arguments);
    // Paths in the arguments are meant from where the user stands, not from the project's root.
    if let Ok(here) = std::env::current_dir() {
        cargo.current_dir(here);
    }
    workspace::run(&mut cargo)
}
