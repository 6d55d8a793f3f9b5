//! Compares the installed version of a tool with the wanted one: pure functions on text.

/// How to get a tool in the wanted version.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// The installed version is the wanted one.
    Use,
    /// None is installed: install it where the user's own tools are.
    Install,
    /// The user may need the other version that is installed: install the wanted one into a private folder.
    InstallPrivately,
}

/// `found` is the version on PATH, if any.
pub fn decide(found: Option<&str>, wanted: &str) -> Action {
    match found {
        Some(version) if version == wanted => Action::Use,
        Some(_) => Action::InstallPrivately,
        None => Action::Install,
    }
}

/// The version in what `tool --version` prints: `trunk 0.21.14`, `v20.20.2`, `wasm-opt version 132 (version_132)`.
pub fn version_in(printed: &str) -> Option<&str> {
    let mut words = printed.lines().next()?.split_whitespace().map(|word| word.strip_prefix('v').unwrap_or(word));
    words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

/// The leading number of a version: 20 of `20.20.2`.
pub fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// The version of a package in the text of a `Cargo.lock`.
pub fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_tools_print() {
        for (printed, version) in [
            ("trunk 0.21.14", Some("0.21.14")),
            ("wasm-bindgen 0.2.130 (1a2b3c4d5)", Some("0.2.130")),
            ("wasm-opt version 132 (version_132)", Some("132")),
            ("v20.20.2\n", Some("20.20.2")),
            ("rustfmt 1.8.0-stable (59807616e1 2026-04-14)", Some("1.8.0-stable")),
            ("version unknown", None),
            ("", None),
        ] {
            assert_eq!(version_in(printed), version, "{printed:?}");
        }
    }

    #[test]
    fn another_version_is_not_replaced() {
        assert_eq!(decide(Some("0.21.14"), "0.21.14"), Action::Use);
        assert_eq!(decide(Some("0.21.1"), "0.21.14"), Action::InstallPrivately);
        assert_eq!(decide(None, "0.21.14"), Action::Install);
    }

    #[test]
    fn versions_are_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }

    #[test]
    fn the_major_version_is_the_leading_number() {
        assert_eq!(major("20.20.2"), Some(20));
        assert_eq!(major("stable"), None);
    }
}
