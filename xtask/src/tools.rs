//! The tools that building and testing need. A missing tool is installed after a message that says so. Trunk and
//! wasm-pack find these tools on PATH, and so download none themselves.

use crate::versions::{Action, decide, locked_version, major, version_in};
use crate::workspace::{Result, Workspace, cargo_bin, output, read_json, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";
const TRUNK: &str = "0.21.14";
const WASM_PACK: &str = "0.15.1";
const CARGO_DENY: &str = "0.20.2";
/// The lowest major version that playwright-core and `node --test` need; Debian 12 has 18.
const NODE_MAJOR: u32 = 18;

struct CargoTool {
    /// The crate on crates.io.
    name: &'static str,
    /// The program that the crate installs.
    program: &'static str,
    version: String,
    /// Whether to install with the crate's own lock file.
    locked: bool,
    /// Whether to leave out the default features, of which the project needs none.
    minimal: bool,
}

/// The profile that tools are compiled with: they run for seconds and are compiled for minutes. Trunk's own asks for
/// link-time optimization of the whole program in one unit.
const TOOL_PROFILE: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
];

fn trunk() -> CargoTool {
    // Its default features are for downloads and its own server: Trunk runs offline here.
    CargoTool { name: "trunk", program: "trunk", version: TRUNK.into(), locked: true, minimal: true }
}

/// Installs the tools that build the page.
pub fn for_page(workspace: &mut Workspace) -> Result {
    wasm_target(workspace)?;
    cargo_tool(workspace, &trunk())?;
    let wasm_bindgen = wasm_bindgen(workspace)?;
    cargo_tool(workspace, &wasm_bindgen)?;
    remove_tool_builds(workspace);
    Ok(())
}

/// Whether the tools that build the page are installed, but for those that rustup installs in seconds.
pub fn has_page_tools(workspace: &Workspace) -> Result<bool> {
    Ok([trunk(), wasm_bindgen(workspace)?]
        .iter()
        .all(|tool| is_private(workspace, tool) || on_path(workspace, tool).as_deref() == Some(&tool.version)))
}

/// Installs the tools of `cargo xtask bench front-end` and the libraries that it compares with.
pub fn for_bench(workspace: &mut Workspace) -> Result {
    wasm_target(workspace)?;
    let wasm_bindgen = wasm_bindgen(workspace)?;
    cargo_tool(workspace, &wasm_bindgen)?;
    remove_tool_builds(workspace);
    for_playwright(workspace)?;
    npm_packages(workspace, "benches/browser", "essentia.js")?;
    librosa(workspace)
}

/// Installs the libraries that `cargo xtask bench training` and `inference` compare with.
pub fn browser_peers(workspace: &Workspace) -> Result {
    let peers = ["@tensorflow/tfjs-core", "onnxruntime-web", "protobufjs"];
    peers.into_iter().try_for_each(|package| npm_packages(workspace, "benches/browser", package))
}

/// The Python interpreter of the virtual environment with librosa.
pub fn python(workspace: &Workspace) -> PathBuf {
    workspace.cache.join("tools/librosa/bin/python")
}

fn wasm_bindgen(workspace: &Workspace) -> Result<CargoTool> {
    let lock_file = workspace.root.join("Cargo.lock");
    let lock = fs::read_to_string(&lock_file).map_err(|error| format!("{}: {error}", lock_file.display()))?;
    let bindgen = locked_version(&lock, "wasm-bindgen").ok_or("Cargo.lock does not name wasm-bindgen")?;
    Ok(CargoTool {
        name: "wasm-bindgen-cli",
        program: "wasm-bindgen",
        version: bindgen.into(),
        // Its published lock file names crates that no longer compile together.
        locked: false,
        // Encrypted connections to a driver of browsers on another machine.
        minimal: true,
    })
}

/// Installs the tools that run Rust tests in a browser.
pub fn for_browser_tests(workspace: &mut Workspace) -> Result {
    cargo_tool(
        workspace,
        &CargoTool { name: "wasm-pack", program: "wasm-pack", version: WASM_PACK.into(), locked: true, minimal: false },
    )?;
    for_page(workspace)?;
    install_chromium(workspace)?;
    program_from_apt(workspace, "chromedriver", "chromium-driver").map(drop)
}

/// Installs the tools that run Playwright on the built page.
pub fn for_playwright(workspace: &mut Workspace) -> Result {
    install_chromium(workspace)?;
    program_from_apt(workspace, "node", "nodejs")?;
    program_from_apt(workspace, "npm", "npm")?;
    let printed = output(workspace.command("node").arg("--version")).unwrap_or_default();
    if version_in(&printed).and_then(major).is_none_or(|found| found < NODE_MAJOR) {
        return Err(format!("node is {printed:?}, but the tests of the page need {NODE_MAJOR} or newer: install it"));
    }
    npm_packages(workspace, "tests/e2e", "playwright-core")
}

/// Installs a component of the Rust toolchain, unless its cargo subcommand (`fmt`, `clippy`) runs.
pub fn component(workspace: &Workspace, subcommand: &str, component: &str) -> Result {
    if output(workspace.command("cargo").args([subcommand, "--version"])).is_some() {
        return Ok(());
    }
    rustup(workspace, &["component", "add", component], &format!("the toolchain's component {component}"))
}

/// Returns whether cargo-deny is available. Compiling it takes minutes, so it is installed only if `install` is set.
pub fn cargo_deny(workspace: &mut Workspace, install: bool) -> Result<bool> {
    let (name, version) = ("cargo-deny", CARGO_DENY.into());
    let tool = CargoTool { name, program: name, version, locked: true, minimal: false };
    if !install
        && workspace.which("cargo-deny").is_none()
        && !private_bin(workspace, &tool).join("cargo-deny").is_file()
    {
        return Ok(false);
    }
    // Any installed version will do: all of them check the same lists.
    if workspace.which("cargo-deny").is_none() {
        cargo_tool(workspace, &tool)?;
        remove_tool_builds(workspace);
    }
    Ok(true)
}

/// Installs Python with pip.
pub fn pip(workspace: &Workspace) -> Result {
    program_from_apt(workspace, "python3", "python3")?;
    if output(workspace.command("python3").args(["-m", "pip", "--version"])).is_none() {
        apt(workspace, "python3-pip")?;
    }
    Ok(())
}

/// The browser of the tests: `$CHROMIUM`, or the one that `webdriver.json` names for wasm-pack.
pub fn browser(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROMIUM").filter(|path| !path.is_empty()) {
        return Ok(chosen.into());
    }
    let settings = read_json(&workspace.root.join("webdriver.json"))?;
    let binary = settings["goog:chromeOptions"]["binary"].as_str();
    binary.map(PathBuf::from).ok_or_else(|| "webdriver.json names no browser".into())
}

fn wasm_target(workspace: &Workspace) -> Result {
    let sysroot = output(workspace.command("rustc").args(["--print", "sysroot"]))
        .ok_or("rustc does not run: install Rust by rustup, with the toolchain that rust-toolchain.toml names")?;
    if Path::new(&sysroot).join("lib/rustlib").join(WASM_TARGET).join("lib").is_dir() {
        return Ok(());
    }
    rustup(workspace, &["target", "add", WASM_TARGET], &format!("Rust's standard library for {WASM_TARGET}"))
}

fn rustup(workspace: &Workspace, arguments: &[&str], what: &str) -> Result {
    let advice = format!("{what} is missing: run `rustup {}` where rustup may download it", arguments.join(" "));
    if workspace.which("rustup").is_none() {
        return Err(advice);
    }
    println!("Installing {what}, by rustup.");
    run(workspace.command("rustup").args(arguments)).map_err(|error| format!("{error}; {advice}"))
}

fn cargo_tool(workspace: &mut Workspace, tool: &CargoTool) -> Result {
    let private = private_bin(workspace, tool);
    if is_private(workspace, tool) {
        workspace.prepend_to_path(private);
        return Ok(());
    }
    let version = on_path(workspace, tool);
    if decide(version.as_deref(), &tool.version) == Action::Use {
        return Ok(());
    }
    let private_root = private_root(workspace, tool, version.as_deref());
    announce(tool, version.as_deref(), private_root.as_deref());
    run(&mut cargo_install(workspace, tool, private_root.as_deref())).map_err(|error| {
        let (name, version) = (tool.name, &tool.version);
        format!("{error}; the page needs {name} {version}: install it where crates can be fetched, and put it on PATH")
    })?;
    match private_root {
        Some(_) => workspace.prepend_to_path(private),
        None => cargo_bin().into_iter().for_each(|folder| workspace.prepend_to_path(folder)),
    }
    Ok(())
}

/// Where to install a tool for this project alone; none if where the user's own tools are is better. `found` is the
/// version on PATH, if any.
fn private_root(workspace: &Workspace, tool: &CargoTool, found: Option<&str>) -> Option<PathBuf> {
    // The user may come to need what is left out of a minimal tool.
    let is_private = tool.minimal || decide(found, &tool.version) == Action::InstallPrivately;
    private_bin(workspace, tool).parent().filter(|_| is_private).map(Path::to_owned)
}

/// Whether the tool is installed for this project alone.
fn is_private(workspace: &Workspace, tool: &CargoTool) -> bool {
    let program = private_bin(workspace, tool).join(tool.program);
    version_of(workspace, &program).as_deref() == Some(&tool.version)
}

/// The version of the tool on PATH, if any.
fn on_path(workspace: &Workspace, tool: &CargoTool) -> Option<String> {
    workspace.which(tool.program).and_then(|program| version_of(workspace, &program))
}

fn announce(tool: &CargoTool, found: Option<&str>, private_root: Option<&Path>) {
    let (name, version) = (tool.name, &tool.version);
    match (found, private_root) {
        (Some(other), Some(folder)) => println!(
            "Installing {name} {version}, by cargo, into {}: the {other} on PATH stays as it is. This takes minutes.",
            folder.display()
        ),
        (None, Some(folder)) => {
            println!("Installing {name} {version}, by cargo, into {}. This takes minutes, once.", folder.display())
        }
        (_, None) => println!("Installing {name} {version}, by cargo. This takes minutes, once."),
    }
}

fn cargo_install(workspace: &Workspace, tool: &CargoTool, root: Option<&Path>) -> Command {
    let mut cargo = workspace.command("cargo");
    // All tools share one build folder: they have crates in common, and an interrupted installation can go on.
    cargo.env("CARGO_TARGET_DIR", tool_builds(workspace)).envs(TOOL_PROFILE);
    cargo.args(["install", tool.name, "--version", &tool.version]);
    if tool.locked {
        cargo.arg("--locked");
    }
    if tool.minimal {
        cargo.arg("--no-default-features");
    }
    if let Some(root) = root {
        cargo.arg("--root").arg(root);
    }
    cargo
}

fn private_bin(workspace: &Workspace, tool: &CargoTool) -> PathBuf {
    workspace.cache.join("tools").join(format!("{}-{}", tool.name, tool.version)).join("bin")
}

fn tool_builds(workspace: &Workspace) -> PathBuf {
    workspace.cache.join("tools/build")
}

fn remove_tool_builds(workspace: &Workspace) {
    let _ = fs::remove_dir_all(tool_builds(workspace));
}

fn version_of(workspace: &Workspace, program: &Path) -> Option<String> {
    // With NO_COLOR=1 Trunk refuses even `--version`.
    let printed = output(workspace.command(program).arg("--version").env_remove("NO_COLOR"))?;
    version_in(&printed).map(str::to_owned)
}

fn install_chromium(workspace: &Workspace) -> Result {
    let browser = browser(workspace)?;
    if browser.is_file() {
        return Ok(());
    }
    apt(workspace, "chromium")?;
    let found = browser.is_file();
    let missing = || format!("{} does not exist: install Chromium, or name it in webdriver.json", browser.display());
    if found { Ok(()) } else { Err(missing()) }
}

fn program_from_apt(workspace: &Workspace, program: &str, package: &str) -> Result<PathBuf> {
    if let Some(found) = workspace.which(program) {
        return Ok(found);
    }
    apt(workspace, package)?;
    workspace.which(program).ok_or_else(|| format!("{package} is installed, but `{program}` is not on PATH"))
}

fn apt(workspace: &Workspace, package: &str) -> Result {
    let advice = format!("{package} is missing: install it by your system's package manager");
    if workspace.which("apt-get").is_none() {
        return Err(advice);
    }
    let root = output(workspace.command("id").arg("-u")).as_deref() == Some("0");
    if !root && workspace.which("sudo").is_none() {
        return Err(format!("{advice} (as root: apt-get install {package})"));
    }
    println!("Installing {package}, by apt-get.");
    let apt_get = |arguments: &[&str]| {
        let mut command = workspace.command(if root { "apt-get" } else { "sudo" });
        if !root {
            // Without a password prompt: nobody may be there to answer it.
            command.args(["-n", "apt-get"]);
        }
        run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    // Old lists name files that the mirrors no longer have. If the update fails, the present lists may still work.
    let _ = apt_get(&["update"]);
    apt_get(&["install", "--yes", "--no-install-recommends", package]).map_err(|error| format!("{error}; {advice}"))
}

/// Installs the packages of a folder's lock file, unless the named one is there in the wanted version.
fn npm_packages(workspace: &Workspace, folder: &str, package: &str) -> Result {
    let folder = workspace.root.join(folder);
    let wanted = wanted_npm_version(&folder, package)?;
    // A package that is not installed yet is no error.
    let installed = read_json(&folder.join("node_modules").join(package).join("package.json")).unwrap_or_default();
    if installed["version"] == *wanted {
        return Ok(());
    }
    println!("Installing {package} {wanted}, by npm, into {}.", folder.display());
    run(workspace.command("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))
        .map_err(|error| format!("{error}; {package} has to come from the npm registry"))
}

/// The version of a package that a folder's `package.json` asks for.
fn wanted_npm_version(folder: &Path, package: &str) -> Result<String> {
    let file = folder.join("package.json");
    let version = read_json(&file)?["devDependencies"][package].as_str().map(str::to_owned);
    version.ok_or_else(|| format!("{} does not name {package}", file.display()))
}

fn librosa(workspace: &mut Workspace) -> Result {
    let (folder, requirements) =
        (workspace.cache.join("tools/librosa"), workspace.root.join("benches/requirements.txt"));
    // The copy marks a complete installation: it is made last, so that an interrupted one starts again.
    let installed = folder.join("requirements.txt");
    let wanted = fs::read(&requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    program_from_apt(workspace, "python3", "python3")?;
    // Debian has this part of the standard library in a package of its own.
    if output(workspace.command("python3").args(["-c", "import ensurepip"])).is_none() {
        apt(workspace, "python3-venv")?;
    }
    println!("Installing librosa, by pip, into {}.", folder.display());
    run(workspace.command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(workspace
        .command(python(workspace))
        .args(["-m", "pip", "install", "--quiet", "--requirement"])
        .arg(&requirements))?;
    fs::copy(&requirements, &installed).map(drop).map_err(|error| format!("{}: {error}", installed.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_own_json_files_name_what_is_installed() {
        let root = Workspace::find().unwrap().root;
        let version = |folder: &str, package: &str| wanted_npm_version(&root.join(folder), package);
        for (folder, package) in [
            ("tests/e2e", "playwright-core"),
            ("benches/browser", "essentia.js"),
            ("benches/browser", "@tensorflow/tfjs-core"),
            ("benches/browser", "onnxruntime-web"),
            ("benches/browser", "protobufjs"),
        ] {
            assert!(version_in(&version(folder, package).unwrap()).is_some(), "{package}");
        }
        assert!(version("tests/e2e", "essentia.js").unwrap_err().contains("does not name essentia.js"));
        assert!(version("tests", "playwright-core").is_err());
    }

    #[test]
    fn a_tool_without_its_default_features_is_the_projects_own() {
        let mut workspace = Workspace::find().unwrap();
        workspace.cache = std::env::temp_dir().join("xtask-no-tools");
        let tool = CargoTool { minimal: true, ..trunk() };
        let install = cargo_install(&workspace, &tool, private_root(&workspace, &tool, None).as_deref());
        let arguments: Vec<_> = install.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert!(
            arguments.contains(&"--no-default-features".into()) && arguments.contains(&"--root".into()),
            "{arguments:?}"
        );
        let lto = install.get_envs().find(|(name, _)| *name == "CARGO_PROFILE_RELEASE_LTO");
        assert_eq!(lto.and_then(|(_, value)| value), Some("off".as_ref()));
        let whole = CargoTool { minimal: false, ..trunk() };
        assert_eq!(private_root(&workspace, &whole, None), None, "where the user's own tools are");
        assert!(private_root(&workspace, &whole, Some("0.1.0")).is_some_and(|root| root.starts_with(&workspace.cache)));
    }
}
