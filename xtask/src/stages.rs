//! The stages of `cargo xtask test`.
//!
//! Stages share compiled files. `clippy` builds everything that `unit` runs and the command line that `playwright`
//! compares the page with; `wasm-clippy` builds everything that `wasm-pack` runs. Only builds with the same environment
//! share files, so all of them start from [`linted`].

use crate::test_files::{self, TestFile};
use crate::workspace::{Result, Workspace, run};
use crate::{build, sizes, tools};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One check, or a few that belong together.
pub struct Stage {
    pub name: &'static str,
    /// `native`, `browser` or `e2e`; the command line takes it as the name of all its stages.
    pub group: &'static str,
    pub about: &'static str,
    /// The stage whose result this one tests: it cannot pass if that one failed.
    pub after: Option<&'static str>,
    pub takes: Takes,
    pub run: fn(&mut Workspace, &Request) -> Result<Outcome>,
}

/// The words that may follow the name of a stage on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// Parts of test names.
    Filters,
    /// Test files of the page, `tests/e2e/*.test.mjs`.
    PageTests,
    /// Integration tests, which are targets of the Cargo package.
    IntegrationTests,
}

/// How the command line asks for a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// True if the stage is named itself, and not only its group.
    pub is_named: bool,
    /// The words that follow the stage's name. Without any the stage runs all of its tests.
    pub words: Vec<String>,
}

/// How a stage ended, and the reason unless it passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
    NotRun,
}

const fn stage(
    name: &'static str,
    group: &'static str,
    about: &'static str,
    run: fn(&mut Workspace, &Request) -> Result<Outcome>,
) -> Stage {
    Stage { name, group, about, after: None, takes: Takes::Nothing, run }
}

/// Every stage, the cheapest first.
pub const STAGES: [Stage; 8] = [
    stage("fmt", "native", "formatting", fmt),
    stage("deny", "native", "licences, sources and advisories", deny),
    stage("clippy", "native", "lints, native; builds what unit runs", clippy),
    Stage { takes: Takes::Filters, ..stage("unit", "native", "unit, integration and documentation tests", unit) },
    stage("wasm-clippy", "browser", "lints, wasm32; builds what wasm-pack runs", wasm_clippy),
    Stage {
        takes: Takes::IntegrationTests,
        ..stage("wasm-pack", "browser", "Rust tests in headless Chromium", wasm_pack)
    },
    stage("dist", "e2e", "the built page and its size", dist),
    Stage {
        takes: Takes::PageTests,
        after: Some("dist"),
        ..stage("playwright", "e2e", "tests of the built page", playwright)
    },
];

fn fmt(workspace: &mut Workspace, _: &Request) -> Result<Outcome> {
    tools::component(workspace, "fmt", "rustfmt")?;
    run(workspace.command("cargo").args(["fmt", "--all", "--check"]))?;
    // A macro declares these modules, and cargo fmt only follows the declarations that it reads without expanding macros.
    let networks = rust_files(&workspace.root.join("src/model/networks"))?;
    run(workspace.command("rustfmt").args(["--check", "--edition", "2024"]).args(networks))?;
    Ok(Outcome::Passed)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let error = |error| format!("{}: {error}", folder.display());
    let entries = folder.read_dir().map_err(error)?;
    let paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>().map_err(error)?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect())
}

fn deny(workspace: &mut Workspace, request: &Request) -> Result<Outcome> {
    if !tools::cargo_deny(workspace, request.is_named)? {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed: `cargo xtask test deny` installs and runs it".into(),
        ));
    }
    run(workspace.command("cargo").args(["deny", "check", "bans", "licenses", "sources"]))?;
    advisories(workspace)
}

/// What cargo-deny says if it cannot fetch the advisories.
const NOT_FETCHED: &str = "failed to fetch advisory database";

/// Checks the advisories. They are in a git repository; if it cannot be fetched, the stage is skipped, not failed.
fn advisories(workspace: &Workspace) -> Result<Outcome> {
    let mut cargo = workspace.command("cargo");
    let output = cargo.args(["deny", "check", "advisories"]).output().map_err(|error| error.to_string())?;
    let messages = String::from_utf8_lossy(&output.stderr);
    println!("{messages}");
    match (output.status.success(), messages.contains(NOT_FETCHED)) {
        (true, _) => Ok(Outcome::Passed),
        (false, true) => Ok(Outcome::Skipped(
            "the advisories could not be fetched; bans, licences and sources are as they should be".into(),
        )),
        (false, false) => Err("cargo deny found an advisory".into()),
    }
}

/// A command whose cargo lints the project's crates while it compiles them.
///
/// `cargo clippy` would check every dependency once more than the tests compile it, minutes for Burn, and then the tests
/// would compile the project's crates again. clippy-driver is rustc with more lints and writes the same files. Every
/// warning is an error, and cargo stores nothing for a crate with errors: a lint that fails once fails in each later run.
fn linted(workspace: &Workspace, program: &str) -> Result<Command> {
    tools::component(workspace, "clippy", "clippy")?;
    let mut command = workspace.command(program);
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    // The arguments of clippy-driver in the form in which `cargo clippy` passes them.
    command.env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    Ok(command)
}

fn clippy(workspace: &mut Workspace, _: &Request) -> Result<Outcome> {
    let mut cargo = linted(workspace, "cargo")?;
    cargo.args(["build", "--release", "--locked", "--workspace", "--lib", "--bins", "--tests", "--examples"]);
    // `--all-targets` or `--benches` would link every program a second time, as a benchmark of itself.
    run(cargo.args(["--bench", "*"]))?;
    Ok(Outcome::Passed)
}

fn unit(workspace: &mut Workspace, request: &Request) -> Result<Outcome> {
    let mut cargo = linted(workspace, "cargo")?;
    cargo.args(["test", "--release", "--locked", "--workspace"]);
    if !request.words.is_empty() {
        cargo.arg("--").args(&request.words);
    }
    run(&mut cargo)?;
    Ok(Outcome::Passed)
}

fn wasm_clippy(workspace: &mut Workspace, _: &Request) -> Result<Outcome> {
    tools::for_page(workspace)?;
    run(linted(workspace, "cargo")?.args(["build", "--locked", "--tests", "--target", tools::WASM_TARGET]))?;
    Ok(Outcome::Passed)
}

fn wasm_pack(workspace: &mut Workspace, request: &Request) -> Result<Outcome> {
    tools::for_browser_tests(workspace)?;
    let mut command = if request.words.is_empty() {
        let mut wasm_pack = linted(workspace, "wasm-pack")?;
        wasm_pack.args(["test", "--headless", "--chrome"]);
        wasm_pack
    } else {
        let runner = workspace.which("wasm-bindgen-test-runner").ok_or("wasm-bindgen-test-runner is not on PATH")?;
        let known = test_files::integration_tests(workspace)?;
        browser_tests(workspace, &runner, &test_files::find_all(&request.words, &known)?)?
    };
    command.env("CHROMEDRIVER", workspace.which("chromedriver").ok_or("chromedriver is not on PATH")?);
    if std::env::var_os("WASM_BINDGEN_TEST_TIMEOUT").is_none() {
        // Seconds for a whole test file; a software adapter compiles shaders for minutes.
        command.env("WASM_BINDGEN_TEST_TIMEOUT", "900");
    }
    run(&mut command)?;
    Ok(Outcome::Passed)
}

/// Runs single test files as wasm-pack does. wasm-pack itself would first compile all of them: it adds `--tests` to the
/// options that name files.
fn browser_tests(workspace: &Workspace, runner: &Path, files: &[&TestFile]) -> Result<Command> {
    let mut cargo = linted(workspace, "cargo")?;
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner).env("WASM_BINDGEN_TEST_ONLY_WEB", "1");
    cargo.args(["test", "--locked", "--target", tools::WASM_TARGET]);
    for file in files {
        cargo.args(["--test", &file.name]);
    }
    Ok(cargo)
}

fn dist(workspace: &mut Workspace, _: &Request) -> Result<Outcome> {
    let dist = build::site(workspace, None)?;
    sizes::report(&dist, &workspace.cache)?;
    Ok(Outcome::Passed)
}

fn playwright(workspace: &mut Workspace, request: &Request) -> Result<Outcome> {
    tools::for_playwright(workspace)?;
    if !workspace.root.join("dist/index.html").is_file() {
        return Err("there is no dist/: run `cargo xtask build`, or `cargo xtask test e2e`".into());
    }
    let known = test_files::page_tests(workspace)?;
    let files = match request.words.as_slice() {
        [] => known.iter().collect(),
        words => test_files::find_all(words, &known)?,
    };
    let genrelens = genrelens_binary(workspace)?;
    for file in files {
        let mut node = workspace.command("node");
        node.current_dir(workspace.root.join("tests/e2e")).args(["--test", "--test-reporter=spec"]).arg(&file.path);
        node.env("GENRELENS_BIN", &genrelens).env("CHROMIUM", tools::browser(workspace)?);
        // The tests of updates make a second build out of dist/ with it.
        node.env("GENRELENS_XTASK", std::env::current_exe().map_err(|error| error.to_string())?);
        run(&mut node)?;
    }
    Ok(Outcome::Passed)
}

/// A native test that compiles to almost nothing: it is for the browser only.
const SMALLEST_TEST: &str = "dom";

/// Builds GenreLens's command line, and returns its file.
fn genrelens_binary(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = linted(workspace, "cargo")?;
    cargo.args(["build", "--release", "--locked", "--workspace", "--quiet", "--bin", "genrelens"]);
    // With a test among the targets, dependencies get the features that they have in the native tests. Otherwise cargo
    // would compile Burn once more.
    run(cargo.args(["--test", SMALLEST_TEST]))?;
    let file = workspace.target.join("release/genrelens");
    if file.is_file() { Ok(file) } else { Err(format!("{} was not built", file.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn every_build_of_the_tests_is_the_linted_one() {
        let workspace = Workspace::find().unwrap();
        let file = TestFile { name: "dom".into(), path: "tests/web/dom.rs".into() };
        let environment = |command: &Command, name: &str| {
            let found = command.get_envs().find(|(key, _)| *key == OsStr::new(name));
            found.and_then(|(_, value)| value).map(OsStr::to_owned)
        };
        let cargo = linted(&workspace, "cargo").unwrap();
        assert_eq!(environment(&cargo, "RUSTC_WORKSPACE_WRAPPER"), Some("clippy-driver".into()));
        assert_eq!(environment(&cargo, "CLIPPY_ARGS"), Some("-Dwarnings__CLIPPY_HACKERY__".into()));
        let single = browser_tests(&workspace, Path::new("/runner"), &[&file]).unwrap();
        for name in ["RUSTC_WORKSPACE_WRAPPER", "CLIPPY_ARGS", "CARGO_TARGET_DIR"] {
            assert_eq!(environment(&single, name), environment(&cargo, name), "{name}");
        }
        assert_eq!(environment(&single, "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER"), Some("/runner".into()));
        assert!(single.get_args().collect::<Vec<_>>().ends_with(&[OsStr::new("--test"), OsStr::new("dom")]));
    }

    #[test]
    fn the_smallest_test_exists() {
        let workspace = Workspace::find().unwrap();
        let known = test_files::integration_tests(&workspace).unwrap();
        assert!(known.iter().any(|file| file.name == SMALLEST_TEST));
    }
}
