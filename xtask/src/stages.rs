//! What each stage of `cargo xtask test` does.
//!
//! The stages share compiled files: `clippy` and `unit` take the release profile's build scripts and macros, `unit`
//! builds the command line that `playwright` compares the page with, and `wasm-clippy` compiles the very crates that
//! `wasm-pack` then links.

use crate::workspace::{Result, Workspace, run};
use crate::{build, sizes, tools};
use std::fs;
use std::path::{Path, PathBuf};

/// One check, or a few that belong together.
pub struct Stage {
    pub name: &'static str,
    /// `native`, `browser` or `e2e`: what may be chosen together.
    pub group: &'static str,
    pub about: &'static str,
    /// A stage whose result this one is about.
    pub after: Option<&'static str>,
    pub run: fn(&mut Workspace, Asked) -> Result<Outcome>,
}

/// Whether a stage was named itself on the command line, or runs as one of a group or of all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Asked(pub bool);

/// How a stage ended, with the reason where that is not success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
    NotRun,
}

/// Every stage, the cheapest first.
pub const STAGES: [Stage; 8] = [
    Stage { name: "fmt", group: "native", about: "formatting", after: None, run: fmt },
    Stage { name: "deny", group: "native", about: "licences, sources and advisories", after: None, run: deny },
    Stage { name: "clippy", group: "native", about: "lints, native", after: None, run: clippy },
    Stage { name: "unit", group: "native", about: "unit, integration and documentation tests", after: None, run: unit },
    Stage { name: "wasm-clippy", group: "browser", about: "lints, wasm32", after: None, run: wasm_clippy },
    Stage { name: "wasm-pack", group: "browser", about: "tests in headless Chromium", after: None, run: wasm_pack },
    Stage { name: "dist", group: "e2e", about: "the built page and its size", after: None, run: dist },
    Stage { name: "playwright", group: "e2e", about: "the built page, used", after: Some("dist"), run: playwright },
];

fn fmt(workspace: &mut Workspace, _: Asked) -> Result<Outcome> {
    tools::component(workspace, "fmt", "rustfmt")?;
    run(workspace.command("cargo").args(["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

fn deny(workspace: &mut Workspace, asked: Asked) -> Result<Outcome> {
    if !tools::cargo_deny(workspace, asked.0)? {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed: `cargo xtask test deny` installs and runs it".into(),
        ));
    }
    run(workspace.command("cargo").args(["deny", "check", "bans", "licenses", "sources"]))?;
    advisories(workspace)
}

/// The advisories lie in a git repository: where that cannot be fetched, nothing can be said about them.
fn advisories(workspace: &Workspace) -> Result<Outcome> {
    let mut cargo = workspace.command("cargo");
    let output = cargo.args(["deny", "check", "advisories"]).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    match (output.status.success(), said.contains("fetch")) {
        (true, _) => Ok(Outcome::Passed),
        (false, true) => {
            println!(
                "WARNING: licences and sources were checked; the advisories were NOT, they cannot be fetched here."
            );
            Ok(Outcome::Passed)
        }
        (false, false) => Err("cargo deny found an advisory".into()),
    }
}

fn clippy(workspace: &mut Workspace, _: Asked) -> Result<Outcome> {
    lint(workspace, &["--release", "--workspace", "--all-targets"])
}

/// `cargo clippy` would check every dependency once more than the next stage compiles it, minutes for Burn. This is
/// what it does inside, around a build instead of a check: only the project's crates see the wrapper, so the
/// dependencies compiled here are those of the next stage.
fn lint(workspace: &Workspace, what: &[&str]) -> Result<Outcome> {
    tools::component(workspace, "clippy", "clippy")?;
    let mut cargo = workspace.command("cargo");
    cargo.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    run(cargo.args(["build", "--locked"]).args(what))?;
    Ok(Outcome::Passed)
}

fn unit(workspace: &mut Workspace, _: Asked) -> Result<Outcome> {
    run(workspace.command("cargo").args(["test", "--release", "--locked", "--workspace"]))?;
    Ok(Outcome::Passed)
}

fn wasm_clippy(workspace: &mut Workspace, _: Asked) -> Result<Outcome> {
    tools::for_page(workspace)?;
    lint(workspace, &["--tests", "--target", "wasm32-unknown-unknown"])
}

fn wasm_pack(workspace: &mut Workspace, _: Asked) -> Result<Outcome> {
    tools::for_browser_tests(workspace)?;
    let driver = workspace.which("chromedriver").ok_or("chromedriver is not on PATH")?;
    let mut wasm_pack = workspace.command("wasm-pack");
    wasm_pack.env("CHROMEDRIVER", driver);
    if std::env::var_os("WASM_BINDGEN_TEST_TIMEOUT").is_none() {
        // Seconds for a whole test file; a software adapter compiles shaders for minutes.
        wasm_pack.env("WASM_BINDGEN_TEST_TIMEOUT", "900");
    }
    run(wasm_pack.args(["test", "--headless", "--chrome"]))?;
    Ok(Outcome::Passed)
}

fn dist(workspace: &mut Workspace, _: Asked) -> Result<Outcome> {
    let dist = build::site(workspace, None)?;
    sizes::report(&dist, &workspace.cache)?;
    Ok(Outcome::Passed)
}

fn playwright(workspace: &mut Workspace, _: Asked) -> Result<Outcome> {
    tools::for_playwright(workspace)?;
    if !workspace.root.join("dist/index.html").is_file() {
        return Err("there is no dist/: run `cargo xtask build`, or `cargo xtask test e2e`".into());
    }
    let command_line = command_line(workspace)?;
    let folder = workspace.root.join("tests/e2e");
    for file in test_files(&folder)? {
        let mut node = workspace.command("node");
        node.current_dir(&folder).args(["--test", "--test-reporter=spec"]).arg(file);
        node.env("GENRELENS_BIN", &command_line).env("CHROMIUM", tools::browser(workspace)?);
        // Makes another build out of the one that is there.
        node.env("GENRELENS_XTASK", std::env::current_exe().map_err(|error| error.to_string())?);
        run(&mut node)?;
    }
    Ok(Outcome::Passed)
}

/// Built as the native tests build it: by itself it would have other features on shared crates, and Burn would be
/// compiled once more.
fn command_line(workspace: &Workspace) -> Result<PathBuf> {
    run(workspace.command("cargo").args(["test", "--release", "--locked", "--workspace", "--no-run", "--quiet"]))?;
    let file = workspace.target.join("release/genrelens");
    if file.is_file() { Ok(file) } else { Err(format!("{} was not built", file.display())) }
}

fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = names.filter(|file| file.to_string_lossy().ends_with(".test.mjs")).collect();
    files.sort();
    if files.is_empty() { Err("tests/e2e holds no tests".into()) } else { Ok(files) }
}
