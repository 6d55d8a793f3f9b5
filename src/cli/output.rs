//! What commands write: files, whole or not at all, and lines on the terminal.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::{Builder, NamedTempFile};

use super::CliError;
use crate::card::Card;
use crate::model::Network;
use crate::model::weights::{self, Precision};

/// So many bytes of a file that is there already are read to know what it is.
const READ_OF_EXISTING: u64 = 16 << 20;

/// A file that a command is going to write.
pub(super) struct Output {
    path: PathBuf,
}

/// The bytes of a file, safely on the disk, but not yet in their place.
struct Staged<'a> {
    file: NamedTempFile,
    output: &'a Output,
}

impl Output {
    /// Finds out before the work, not after it, that the file can be written. A file that is there is replaced only if
    /// `is_own` knows its bytes as of the kind that is written, which `kind` names, or if it is empty.
    pub(super) fn plan(path: &Path, kind: &str, is_own: impl Fn(&[u8]) -> bool) -> Result<Self, CliError> {
        // Through a link, so that the link stays.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let output = Self { path };
        match existing(&output.path) {
            Ok(Some(bytes)) if bytes.is_empty() || is_own(&bytes) => {}
            Ok(Some(_)) => {
                let message = format!("is there already and is not {kind}; choose another name, or move it");
                return Err(CliError::content(&output.path, message));
            }
            Ok(None) => {}
            Err(source) => return Err(output.failed(source)),
        }
        // A file of its own name beside the result, which removes itself: the same folder and rights.
        output.temporary().map(drop)?;
        Ok(output)
    }

    /// Writes the file, replacing one that is there in one step.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), CliError> {
        self.stage(bytes)?.put()
    }

    fn stage(&self, bytes: &[u8]) -> Result<Staged<'_>, CliError> {
        let mut file = self.temporary()?;
        let written = file.write_all(bytes).and_then(|()| file.as_file().sync_all());
        written.map_err(|source| self.failed(source))?;
        Ok(Staged { file, output: self })
    }

    fn temporary(&self) -> Result<NamedTempFile, CliError> {
        let mut builder = Builder::new();
        builder.prefix(".genrelens-").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(self.folder()).map_err(|source| self.failed(source))
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
    }

    fn failed(&self, source: std::io::Error) -> CliError {
        CliError::File { path: self.path.clone(), source }
    }
}

impl Staged<'_> {
    fn put(self) -> Result<(), CliError> {
        let Self { file, output } = self;
        file.persist(&output.path).map_err(|error| output.failed(error.error))?;
        // The name, too; some file systems cannot, and lose it only with the power.
        #[cfg(unix)]
        drop(File::open(output.folder()).and_then(|folder| folder.sync_all()));
        Ok(())
    }
}

/// The bytes of the file at a path; `None` if there is none. An error if it is no file or may not be written.
fn existing(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is a folder or a device, not a file"));
    }
    if metadata.permissions().readonly() {
        return Err(std::io::Error::other("it is there already and may not be written"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(READ_OF_EXISTING).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The weights file and the card of a network that is going to be trained.
pub(super) struct NetworkOutput {
    weights: Output,
    card: Output,
}

impl NetworkOutput {
    /// As [`Output::plan`], for weights and the card beside them.
    pub(super) fn plan(out: &Path) -> Result<Self, CliError> {
        let beside = out.with_extension("json");
        if beside == out {
            let message = "ends in .json, as the card beside the weights does; let it end in .safetensors";
            return Err(CliError::content(out, message));
        }
        // A header in braces after its length.
        let weights = Output::plan(out, "a weights file", |bytes| bytes.get(8) == Some(&b'{'))?;
        let is_card = |bytes: &[u8]| serde_json::from_slice::<Card>(bytes).is_ok();
        Ok(Self { weights, card: Output::plan(&beside, "the card of a network", is_card)? })
    }

    /// Writes a network's weights, and its card beside them.
    pub(super) fn save(&self, card: &Card, network: &Network, precision: Precision) -> Result<(), CliError> {
        let out = &self.weights.path;
        let wrong = |error: &dyn std::fmt::Display| CliError::content(out, error);
        let bytes = pollster::block_on(weights::to_bytes(network, card, precision)).map_err(|error| wrong(&error))?;
        let card = Card { sha256: weights::sha256_hex(&bytes), ..card.clone() };
        let json = serde_json::to_string_pretty(&card).map_err(|error| wrong(&error))?;
        let weights = self.weights.stage(&bytes)?;
        // The weights carry the card, too; the one beside them adds the checksum, which a file cannot hold of itself.
        let card = self.card.stage(format!("{json}\n").as_bytes())?;
        // Without a card beside it a file's own counts: at no moment weights lie beside the card of others.
        match fs::remove_file(&self.card.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(self.card.failed(error)),
            _ => {}
        }
        weights.put()?;
        card.put()?;
        eprintln!("wrote {} ({} bytes) and its card", out.display(), bytes.len());
        Ok(())
    }
}

/// A line for people, on the terminal's error output.
pub(super) fn warn(message: &str) {
    eprintln!("genrelens: {}", printable(message));
}

/// A value as JSON in one line. Control characters are escapes in it, also those that JSON itself would allow.
pub(super) fn json_line(value: &impl Serialize) -> Result<String, CliError> {
    let json = serde_json::to_string(value).map_err(|error| CliError::Usage(error.to_string()))?;
    // They stand in strings alone. All are below 0x10000, which is one escape.
    let escaped = |letter: char| match letter {
        letter if steers(letter) => format!("\\u{:04x}", u32::from(letter)),
        letter => letter.to_string(),
    };
    Ok(json.chars().map(escaped).collect())
}

/// True for characters that a terminal obeys: control characters, and those that turn the direction of writing.
fn steers(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text for the terminal. Names and labels come from files of any origin: control characters in them are
/// shown as escapes and not obeyed. Line breaks stay.
pub(super) fn printable(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' => "\n".to_owned(),
        letter if steers(letter) => letter.escape_default().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

/// As [`printable`], in one line.
pub(super) fn shown(name: &str) -> String {
    printable(name).replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(path: &Path) -> Result<Output, String> {
        Output::plan(path, "a table", |bytes| bytes.starts_with(b"epoch")).map_err(|error| error.to_string())
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_planned_file_touches_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let (path, neighbour) = (folder.path().join("x.csv"), folder.path().join("x.part"));
        fs::write(&neighbour, "a neighbour's").unwrap();
        let output = plan(&path).unwrap();
        assert_eq!(names(folder.path()), ["x.part"]);
        output.write(b"epoch,1").unwrap();
        plan(&path).unwrap().write(b"epoch,2").unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(folder.path()).len()), (b"epoch,2".to_vec(), 2));
        assert_eq!(fs::read(&neighbour).unwrap(), b"a neighbour's");
    }

    #[test]
    fn an_unrelated_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        fs::write(&path, "track,genre").unwrap();
        let refused = plan(&path).err().unwrap_or_default();
        assert!(
            refused.ends_with("x.csv: is there already and is not a table; choose another name, or move it"),
            "{refused}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"track,genre");
        fs::write(&path, "").unwrap();
        assert!(plan(&path).is_ok(), "an empty file has nothing to lose");
        assert!(plan(folder.path()).is_err_and(|error| error.contains("not a file")));
        assert!(plan(&folder.path().join("no/such.csv")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_and_rights_stay_as_they_are() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("x.csv"), folder.path().join("link.csv"));
        plan(&path).unwrap().write(b"epoch,1").unwrap();
        // As any file that a program writes here.
        fs::write(folder.path().join("other"), "").unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("x.csv"), mode("other"));
        symlink(&path, &link).unwrap();
        plan(&link).unwrap().write(b"epoch,2").unwrap();
        assert!(link.is_symlink() && fs::read(&path).unwrap() == b"epoch,2");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(plan(&path).is_err(), "it is protected");
    }

    #[test]
    fn a_card_is_never_written_over_its_weights_or_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let plan = |name: &str| NetworkOutput::plan(&folder.path().join(name)).err().map(|error| error.to_string());
        assert!(plan("net.json").is_some_and(|error| error.contains("let it end in .safetensors")));
        fs::write(folder.path().join("settings.json"), "{\"mine\": 1}").unwrap();
        let refused = plan("settings.safetensors").unwrap_or_default();
        assert!(refused.contains("settings.json: is there already and is not the card of a network"), "{refused}");
        fs::write(folder.path().join("song.wav"), "RIFF1234WAVE").unwrap();
        assert!(plan("song.wav").is_some_and(|error| error.contains("is not a weights file")));
        assert_eq!(plan("new.safetensors"), None);
    }

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(printable("a\u{1b}[31m\u{7}\r\u{9b}\u{202e}b\nc"), "a\\u{1b}[31m\\u{7}\\r\\u{9b}\\u{202e}b\nc");
        assert_eq!(shown("a\nb"), "a\\nb");
        let line = json_line(&["a\u{1b}\u{9b}\u{202e}é"]).unwrap();
        assert_eq!(line, r#"["a\u001b\u009b\u202eé"]"#);
    }
}
