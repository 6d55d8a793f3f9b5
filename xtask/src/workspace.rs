//! The folders of the project, its compiled files and its private tools, and how other programs are started.

use serde_json::Value;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Errors are sentences that are printed to the terminal.
pub type Result<T = ()> = std::result::Result<T, String>;

/// Holds the root of the clone that built last, in a target folder.
const LAST_ROOT: &str = "genrelens-last-root";
/// The packages of the project's workspace.
const OWN_CRATES: [&str; 2] = ["genrelens", "xtask"];

/// The folders that every command works with.
pub struct Workspace {
    pub root: PathBuf,
    /// Files that outlive a clone: private tools and compressed files.
    pub cache: PathBuf,
    /// Cargo's target folder, which all commands share.
    pub target: PathBuf,
    /// Folders that are searched before the user's own PATH.
    path_prefix: Vec<PathBuf>,
}

impl Workspace {
    /// Finds the project that this program was started from.
    pub fn find() -> Result<Self> {
        // `cargo run` sets it anew: the constant of compile time is wrong after the clone was moved.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().ok_or("the project's root is not where xtask expects it")?.to_owned();
        let cache = cache_folder(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))
            .filter(|folder| is_writable(folder))
            .unwrap_or_else(|| root.join("target/xtask"));
        let target = match env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
            Some(folder) => env::current_dir().unwrap_or_default().join(folder),
            None => Some(cache.join("target")).filter(|folder| is_writable(folder)).unwrap_or(root.join("target")),
        };
        Ok(Self { root, cache, target, path_prefix: Vec::new() })
    }

    /// Has the next build compile the project's own crates anew if the last one was that of another clone.
    ///
    /// Clones share the target folder for their dependencies. Cargo tells their crates apart neither by name nor by
    /// folder, only by the times of their files, so that it would run one clone's tests in the other.
    ///
    /// # Errors
    ///
    /// A sentence, if the target folder cannot be changed.
    pub fn claim_target(&self) -> Result {
        let mark = self.target.join(LAST_ROOT);
        let root = self.root.to_string_lossy();
        if fs::read_to_string(&mark).is_ok_and(|last| last == root) {
            return Ok(());
        }
        let error = |error: io::Error| format!("{}: {error}", self.target.display());
        for folder in fingerprints(&self.target).map_err(error)? {
            fs::remove_dir_all(folder).map_err(error)?;
        }
        fs::create_dir_all(&self.target).and_then(|()| fs::write(mark, root.as_bytes())).map_err(error)
    }

    /// A command that starts in the project's root, with the shared target folder and the tools found so far.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target).env("PATH", self.path());
        command
    }

    /// Puts a folder of tools first on the PATH of every later command.
    pub fn prepend_to_path(&mut self, folder: PathBuf) {
        self.path_prefix.retain(|known| *known != folder);
        self.path_prefix.insert(0, folder);
    }

    /// The file that a command of that name would start.
    pub fn which(&self, program: &str) -> Option<PathBuf> {
        env::split_paths(&self.path()).map(|folder| folder.join(program)).find(|file| is_executable(file))
    }

    fn path(&self) -> OsString {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = self.path_prefix.iter().cloned().chain(env::split_paths(&inherited)).chain(cargo_bin());
        env::join_paths(folders).unwrap_or(inherited)
    }
}

/// Cargo's notes on what it has compiled of the project's own crates, in every profile of a target folder.
pub fn fingerprints(target: &Path) -> io::Result<Vec<PathBuf>> {
    // Profiles are folders of it, or for other platforms than this one a level deeper.
    let profiles: Vec<PathBuf> = folders_in(target)?;
    let deeper: Vec<PathBuf> =
        profiles.iter().map(|folder| folders_in(folder)).collect::<io::Result<Vec<_>>>()?.concat();
    let mut found = Vec::new();
    for profile in profiles.iter().chain(&deeper) {
        let notes = folders_in(&profile.join(".fingerprint"))?;
        found.extend(notes.into_iter().filter(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            OWN_CRATES.iter().any(|own| name.strip_prefix(own).is_some_and(|rest| rest.starts_with('-')))
        }));
    }
    Ok(found)
}

/// The folders in a folder; none if it does not exist.
fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

/// The folder of `cargo install`. It is searched last, because a fresh rustup may not be on PATH yet.
pub fn cargo_bin() -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let root = env::var_os("CARGO_INSTALL_ROOT").or_else(|| env::var_os("CARGO_HOME")).map(PathBuf::from);
    root.or_else(home).map(|root| root.join("bin"))
}

fn cache_folder(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let base = xdg.map(PathBuf::from).filter(absolute);
    let base = base.or_else(|| home.map(|home| PathBuf::from(home).join(".cache")).filter(absolute));
    base.map(|base| base.join("genrelens"))
}

fn is_writable(folder: &Path) -> bool {
    let probe = folder.join(format!(".xtask-{}", std::process::id()));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&probe, b"")).is_ok();
    let _ = fs::remove_file(probe);
    written
}

fn is_executable(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        file.is_file()
    }
}

/// The JSON value in a file.
pub fn read_json(file: &Path) -> Result<Value> {
    let error = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|cause| error(&cause))?;
    serde_json::from_str(&text).map_err(|cause| error(&cause))
}

/// Prints and runs a command; an error if it does not succeed.
pub fn run(command: &mut Command) -> Result {
    let text = command_line(command);
    println!("$ {text}");
    // Without input: a command that asks a question would wait for ever in a script.
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("`{text}` did not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{text}` failed ({status})")) }
}

/// Prints and runs a command, and returns its standard output; its standard error goes to the terminal.
pub fn capture(command: &mut Command) -> Result<String> {
    let text = command_line(command);
    println!("$ {text}");
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("`{text}` did not start: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(printed) } else { Err(format!("`{text}` failed ({})\n{printed}", output.status)) }
}

/// The trimmed standard output of a command; none if it does not start or succeed.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_follows_xdg_then_home() {
        let folder = |xdg: Option<&str>, home: Option<&str>| cache_folder(xdg.map(Into::into), home.map(Into::into));
        assert_eq!(folder(Some("/x"), Some("/home/a")), Some("/x/genrelens".into()));
        assert_eq!(folder(None, Some("/home/a")), Some("/home/a/.cache/genrelens".into()));
        // The XDG specification says that a relative path is to be ignored.
        assert_eq!(folder(Some("x"), Some("/home/a")), Some("/home/a/.cache/genrelens".into()));
        assert_eq!(folder(None, None), None);
    }

    #[test]
    fn a_test_of_another_clone_is_not_run_in_this_one() {
        let target = env::temp_dir().join(format!("xtask-target-{}", std::process::id()));
        let workspace = |root: &str| Workspace {
            root: root.into(),
            cache: "/c".into(),
            target: target.clone(),
            path_prefix: Vec::new(),
        };
        let notes = |name: &str| target.join(name);
        let own = ["debug/.fingerprint/xtask-1a2b", "wasm32-unknown-unknown/web/.fingerprint/genrelens-3c4d"];
        let others =
            ["debug/.fingerprint/burn-5e6f", "debug/.fingerprint/genrelensdata-7a8b", "debug/deps/genrelens-3c4d"];
        let build = || own.iter().chain(&others).for_each(|folder| fs::create_dir_all(notes(folder)).unwrap());
        let remaining = |folders: &[&str]| folders.iter().filter(|folder| notes(folder).exists()).count();
        // Before this was written down any clone may have built last.
        for (root, remain) in [("/a", 0), ("/a", 2), ("/b", 0), ("/b", 2), ("/a", 0)] {
            build();
            workspace(root).claim_target().unwrap();
            assert_eq!((remaining(&own), remaining(&others)), (remain, 3), "{root}");
        }
        fs::remove_dir_all(&target).unwrap();
        workspace("/a").claim_target().unwrap();
        assert!(target.join(LAST_ROOT).is_file(), "a target folder that is not there yet");
        fs::remove_dir_all(target).unwrap();
    }

    #[test]
    fn the_own_crates_are_those_of_the_workspace() {
        let root = Workspace::find().unwrap().root;
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        for (file, name) in ["Cargo.toml", "xtask/Cargo.toml"].iter().zip(OWN_CRATES) {
            let text = fs::read_to_string(root.join(file)).unwrap();
            assert!(text.contains(&format!("name = \"{name}\"")), "{file}");
        }
        assert!(manifest.contains("members = [\"xtask\"]"), "another crate of the workspace has notes too");
    }

    #[test]
    fn prepended_folders_are_searched_first_and_once() {
        let mut workspace =
            Workspace { root: "/r".into(), cache: "/c".into(), target: "/t".into(), path_prefix: Vec::new() };
        for folder in ["/a", "/b", "/a"] {
            workspace.prepend_to_path(folder.into());
        }
        assert_eq!(workspace.path_prefix, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert!(workspace.path().to_string_lossy().starts_with("/a"));
    }

    #[test]
    fn a_command_is_printed_as_it_would_be_typed() {
        assert_eq!(command_line(Command::new("cargo").args(["fmt", "--check"])), "cargo fmt --check");
    }
}
