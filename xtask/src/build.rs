//! `cargo xtask build`: builds the static site into `dist/` and prints the sizes of its files.

use crate::engines::{Engines, page_without_gpu};
use crate::post_build::{BASE_PATH, base_path};
use crate::workspace::{self, Result, Workspace, run};
use crate::{sizes, tools, weights};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The source of the page without its GPU engine; Trunk reads it beside `index.html`, so that its links are the same.
const PAGE_WITHOUT_GPU: &str = "index.without-gpu.html";
/// Where the site without the GPU engine is built: never `dist/`, so that nobody publishes it.
const SITE_WITHOUT_GPU: &str = "target/site-without-gpu";
/// Where cargo leaves the GPU engine, in the target folder, without an ending.
const GPU_ENGINE: &str = "wasm32-unknown-unknown/web-gpu/gpu_worker";
/// What the GPU engine is compiled from besides its sources.
const SETTINGS: [&str; 4] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml"];

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
    prepare(workspace)?;
    compile(workspace, base)
}

/// Installs and fetches what the build needs.
pub fn prepare(workspace: &mut Workspace) -> Result {
    tools::for_page(workspace)?;
    weights::if_possible(workspace);
    // Trunk runs offline, so that it downloads no tools of its own; therefore the crates are fetched before.
    run(workspace.command("cargo").args(["fetch", "--locked"]))
}

/// Builds `dist/` with what [`prepare`] has installed, and returns its path.
pub fn compile(workspace: &Workspace, base: Option<&str>) -> Result<PathBuf> {
    run(&mut trunk(workspace, base, Engines::All))?;
    Ok(workspace.root.join("dist"))
}

/// Builds the site without its GPU engine into a folder of its own, and returns its path.
pub fn compile_without_gpu(workspace: &Workspace, base: Option<&str>) -> Result<PathBuf> {
    let (source, page) = (workspace.root.join("index.html"), workspace.root.join(PAGE_WITHOUT_GPU));
    let html = fs::read_to_string(&source).map_err(|error| format!("{}: {error}", source.display()))?;
    fs::write(&page, page_without_gpu(&html)?).map_err(|error| format!("{}: {error}", page.display()))?;
    let built = run(&mut trunk(workspace, base, Engines::OnlyCpu));
    let _ = fs::remove_file(page);
    built.map(|()| workspace.root.join(SITE_WITHOUT_GPU))
}

fn trunk(workspace: &Workspace, base: Option<&str>, engines: Engines) -> Command {
    let mut trunk = workspace.command("trunk");
    // Trunk accepts only `true` or `false` in NO_COLOR, and fails on the usual 1.
    trunk.env_remove("NO_COLOR").env_remove(BASE_PATH).env_remove(Engines::VARIABLE);
    trunk.args(["build", "--release", "--offline"]);
    if engines == Engines::OnlyCpu {
        trunk.args(["--dist", SITE_WITHOUT_GPU, PAGE_WITHOUT_GPU]).env(Engines::VARIABLE, Engines::ONLY_CPU);
    }
    if let Some(base) = base {
        trunk.args(["--public-url", base]).env(BASE_PATH, base);
    }
    trunk
}

/// True if the GPU engine is compiled from the sources that are there, so that the rest of a build takes seconds.
pub fn has_gpu_engine(workspace: &Workspace) -> bool {
    let file = workspace.target.join(GPU_ENGINE);
    // Without them, as after a build of another clone, cargo compiles the engine again whatever is there.
    let notes = workspace::fingerprints(&workspace.target).unwrap_or_default();
    notes.iter().any(|notes| file.parent().is_some_and(|profile| notes.starts_with(profile)))
        && is_compiled(&file, &workspace.root)
}

/// True if `file.wasm` or the whole site is newer than what `file.d` lists, cargo's own note of a program's sources, and
/// than the settings of the project. The note of another clone, which shares the target folder, does not count.
///
/// If it is wrong about that, the build is only done in one step instead of two, or the other way round.
fn is_compiled(file: &Path, root: &Path) -> bool {
    let changed = |file: &Path| fs::metadata(file).and_then(|data| data.modified()).ok();
    let Some(compiled) = changed(&file.with_extension("wasm")) else { return false };
    // Cargo leaves the engine as it is if settings have changed that do not concern it.
    let compiled = changed(&root.join("dist/index.html")).map_or(compiled, |built| built.max(compiled));
    let note = fs::read_to_string(file.with_extension("d")).unwrap_or_default();
    // Makefile syntax: spaces in names are escaped.
    let sources: Vec<PathBuf> = note
        .lines()
        .next()
        .and_then(|line| line.split_once(": "))
        .map(|(_, sources)| sources.replace("\\ ", "\0"))
        .unwrap_or_default()
        .split_whitespace()
        .map(|source| PathBuf::from(source.replace('\0', " ")))
        .collect();
    let is_older = |source: &Path| changed(source).is_some_and(|time: SystemTime| time <= compiled);
    !sources.is_empty()
        && sources.iter().all(|source| source.starts_with(root) && is_older(source))
        && SETTINGS.iter().all(|name| is_older(&root.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::time::Duration;

    #[test]
    fn the_gpu_engine_is_compiled_if_nothing_it_is_made_of_is_newer() {
        let folder = std::env::temp_dir().join(format!("xtask-compiled {}", std::process::id()));
        let root = folder.join("clone");
        fs::create_dir_all(root.join(".cargo")).unwrap();
        let (engine, source) = (folder.join("gpu_worker"), root.join("lib.rs"));
        let now = SystemTime::now();
        let write = |file: &Path, text: &str, age: u64| {
            fs::write(file, text).unwrap();
            fs::File::options().write(true).open(file).unwrap().set_modified(now - Duration::from_secs(age)).unwrap();
        };
        let escaped = |file: &Path| file.to_string_lossy().replace(' ', "\\ ");
        let note = format!("{}: {}\n", escaped(&engine), escaped(&source));
        let all_is_old = || {
            SETTINGS.iter().for_each(|name| write(&root.join(name), "", 20));
            write(&source, "", 20);
            write(&engine.with_extension("wasm"), "", 10);
            write(&engine.with_extension("d"), &note, 10);
        };
        all_is_old();
        assert!(is_compiled(&engine, &root));
        write(&root.join("Cargo.toml"), "", 5);
        fs::create_dir_all(root.join("dist")).unwrap();
        write(&root.join("dist/index.html"), "", 3);
        assert!(is_compiled(&engine, &root), "the site was built after that change");
        fs::remove_dir_all(root.join("dist")).unwrap();
        assert!(!is_compiled(&engine, &folder.join("other-clone")));
        for changed in [&source, &root.join("Cargo.lock"), &root.join(".cargo/config.toml")] {
            all_is_old();
            write(changed, "", 5);
            assert!(!is_compiled(&engine, &root), "{}", changed.display());
        }
        for missing in [&source, &engine.with_extension("wasm"), &engine.with_extension("d")] {
            all_is_old();
            fs::remove_file(missing).unwrap();
            assert!(!is_compiled(&engine, &root), "{}", missing.display());
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_the_site_without_the_gpu_engine_is_built_elsewhere() {
        let workspace = Workspace::find().unwrap();
        let environment = |command: &Command| {
            let found = command.get_envs().find(|(name, _)| *name == OsStr::new(Engines::VARIABLE));
            found.and_then(|(_, value)| value).map(OsStr::to_owned)
        };
        let (all, cpu) =
            (trunk(&workspace, Some("/x/"), Engines::All), trunk(&workspace, Some("/x/"), Engines::OnlyCpu));
        assert_eq!((environment(&all), environment(&cpu)), (None, Some("cpu".into())));
        let names = |command: &Command| command.get_args().any(|argument| argument == SITE_WITHOUT_GPU);
        assert!(!names(&all) && names(&cpu));
        let ignored = fs::read_to_string(workspace.root.join(".gitignore")).unwrap();
        assert!(ignored.lines().any(|line| line == format!("/{PAGE_WITHOUT_GPU}")) && ignored.contains("/target\n"));
    }
}
