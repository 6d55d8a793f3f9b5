//! The whole set-up of GenreLens as one command: `cargo xtask serve`, `build`, `test`, `weights`, `bench`, `finish`,
//! `train`, `evaluate`.
//!
//! `house` knows where things lie and how a program is started, `tools` what has to be installed, and each other
//! module is one command.

mod bench;
mod build;
mod finish;
mod house;
mod networks;
mod policy;
mod precache;
mod pressed;
mod serve;
mod sizes;
mod stages;
mod static_files;
mod test;
mod tools;
mod versions;
mod weights;

use house::{House, Result};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  serve [--port N] [--no-open]   build the page and serve it on this machine only
  build                          build the page into dist/ and print what it weighs
    both: [--base-path /NAME/]   for a site that lies in a folder of its host
  test [STAGE…] [--keep-going]   run the checks, cheapest first; `test --list` names the stages
  weights                        fetch MusiCNN's weights, which `serve`, `build` and `test` also try to do
  bench [PART…]                  time the front end (beside librosa and essentia.js), training (beside TensorFlow.js)
                                 and lessons: front-end, training, lessons; all of them where none is named
  finish                         write the lists, manifests and service worker of dist/; every build does this
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
        "serve" => serve::command(&mut House::find()?, rest)?,
        "build" => build::command(&mut House::find()?, rest)?,
        "finish" => {
            no_arguments("finish", rest)?;
            finish::command(&House::find()?.root)?;
        }
        "test" => return test::command(&mut House::find()?, rest),
        "weights" => {
            no_arguments("weights", rest)?;
            weights::command(&mut House::find()?)?;
        }
        "bench" => return bench::command(&mut House::find()?, rest),
        "train" | "evaluate" => command_line(&House::find()?, arguments)?,
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

fn command_line(house: &House, arguments: &[String]) -> Result {
    let mut cargo = house.command("cargo");
    cargo.args(["run", "--release", "--bin", "genrelens", "--manifest-path"]).arg(house.root.join("Cargo.toml"));
    cargo.arg("--").args(arguments);
    // Paths in the arguments are meant from where the user stands, not from the project's root.
    if let Ok(here) = std::env::current_dir() {
        cargo.current_dir(here);
    }
    house::run(&mut cargo)
}
