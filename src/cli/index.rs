//! The `index.csv` of a folder of labelled songs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use super::output::warn;
use super::{CliError, read};
use crate::view::train::table_text::{Record, TableText, records};

/// A line of an index.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub row: Option<usize>,
    pub song: String,
    /// The path of its audio in the folder.
    pub file: PathBuf,
    pub labels: Vec<String>,
    pub split: String,
    pub group: Option<String>,
}

impl Line {
    /// True if a line of the same name is another song: numbered tracks may have the same name in every genre, but then
    /// each has its file, or its row in a table of features.
    fn is_other(&self, other: &Self, folder: &Path) -> bool {
        let rows = self.row.zip(other.row).is_some_and(|(own, other)| own != other);
        let files = [&self.file, &other.file];
        rows || (files[0] != files[1] && files.iter().all(|file| folder.join(file).exists()))
    }
}

/// An index, or the part of it for some splits.
#[derive(Debug, Clone)]
pub(super) struct Index {
    /// The labels of the whole index, sorted.
    pub labels: Vec<String>,
    /// True if a song may have several labels.
    pub multi_label: bool,
    pub lines: Vec<Line>,
}

/// The places of the columns.
struct Columns {
    song: usize,
    label: usize,
    split: usize,
    row: Option<usize>,
    group: Option<usize>,
    multi_label: bool,
}

impl Index {
    /// Reads the index of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, CliError> {
        let path = folder.join("index.csv");
        let wrong = |message: String| CliError::content(&path, message);
        let TableText { text, is_guess } = TableText::decode(&read(&path)?);
        if is_guess {
            warn(&format!("{}: is not in UTF-8 and was read as Windows-1252", path.display()));
        }
        let (head, rows) = records(&text, |head| head.find(&["track", "file"]).is_some());
        let columns = Columns::of(&head).map_err(&wrong)?;
        let (mut labels, mut lines) = (Vec::new(), Vec::new());
        // The lines and places of the songs of every name.
        let mut known: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for Record { line, fields } in rows {
            if fields.len() != head.fields.len() {
                let (found, expected) = (fields.len(), head.fields.len());
                return Err(wrong(format!(
                    "line {line} has {found} fields, and the first line names {expected} columns"
                )));
            }
            let own = columns.line(folder, &fields).map_err(|message| wrong(format!("line {line}: {message}")))?;
            let of_name = known.entry(own.song.clone()).or_default();
            if let Some((before, _)) = of_name.iter().find(|&&(_, place)| !own.is_other(&lines[place], folder)) {
                let message =
                    format!("lines {before} and {line} both name '{}'; keep the right one of the two", own.song);
                return Err(wrong(message));
            }
            of_name.push((line, lines.len()));
            labels.extend(own.labels.iter().cloned());
            lines.push(own);
        }
        // A song is known by its name from here on.
        for &(_, place) in known.values().filter(|places| places.len() > 1).flatten() {
            let line: &mut Line = &mut lines[place];
            line.song = line.file.with_extension("").to_string_lossy().into_owned();
        }
        // Sorted: labels are found by bisection, and the order of outputs must not depend on that of the rows.
        labels.sort();
        labels.dedup();
        Ok(Self { labels, multi_label: columns.multi_label, lines })
    }
}

impl Columns {
    fn of(head: &Record) -> Result<Self, String> {
        let column = |names: &[&str]| {
            let (expected, found) = (names.join("' or '"), head.fields.join(", "));
            head.find(names).ok_or_else(|| format!("expected a column '{expected}', found {found}"))
        };
        // The column decides the kind of dataset.
        let multi_label = head.find(&["tags"]).is_some();
        Ok(Self {
            song: column(if multi_label { &["file"] } else { &["track"] })?,
            label: column(&["tags", "genre"])?,
            split: column(&["split", "filtered_split"])?,
            row: head.find(&["row"]),
            group: head.find(&["artist_group"]),
            multi_label,
        })
    }

    fn line(&self, folder: &Path, fields: &[String]) -> Result<Line, String> {
        let raw = |column: usize| fields.get(column).map(|field| field.trim()).unwrap_or_default();
        // Composed: macOS writes the accents of names as characters of their own.
        let field = |column: usize| raw(column).nfc().collect::<String>();
        let row = self.row.map(|column| raw(column).parse().map_err(|_| format!("'{}' is no row number", raw(column))));
        let labels = match self.multi_label {
            true => {
                field(self.label).split(';').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
            }
            false => vec![field(self.label)],
        };
        let file = match self.multi_label {
            true => raw(self.song).to_owned(),
            false => format!("{}/{}.wav", raw(self.label), raw(self.song)),
        };
        let group = self.group.map(field).filter(|group| !group.is_empty());
        let (song, split) = (field(self.song), field(self.split));
        Ok(Line { row: row.transpose()?, song, file: file_in(folder, &file), labels, split, group })
    }
}

/// The path as the folder has it: with slashes, and its accents composed or not.
fn file_in(folder: &Path, path: &str) -> PathBuf {
    let slashes = path.replace('\\', "/");
    let written = [path.to_owned(), slashes.clone(), slashes.nfc().collect(), slashes.nfd().collect()];
    let there = written.iter().find(|path| folder.join(path).exists());
    PathBuf::from(there.map_or(path, String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The index of a folder with these files.
    fn index(bytes: &[u8], files: &[&str]) -> (tempfile::TempDir, Result<Index, String>) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        std::fs::write(folder.path().join("index.csv"), bytes).unwrap();
        let read = Index::read(folder.path()).map_err(|error| error.to_string());
        (folder, read)
    }

    fn lines(bytes: &[u8], files: &[&str]) -> Vec<String> {
        let (_folder, index) = index(bytes, files);
        let line = |line: &Line| format!("{} {} {}", line.file.display(), line.labels.join("+"), line.split);
        index.unwrap().lines.iter().map(line).collect()
    }

    #[test]
    fn an_index_as_spreadsheets_write_it_is_read() {
        let expected = ["jazz/j1.wav jazz valid", "Café/j2.wav Café train"];
        let table = "track;genre;split\r\nj1;jazz;valid\r\nj2;Café;train\r\n";
        let utf16: Vec<u8> = format!("\u{feff}{table}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let windows: Vec<u8> = table.chars().map(|letter| letter as u8).collect();
        let decomposed = table.replace('é', "e\u{301}");
        for bytes in [
            table.as_bytes(),
            &utf16,
            &windows,
            decomposed.as_bytes(),
            format!("sep=;\r\n{table}").as_bytes(),
            format!("\u{feff}{table}").replace(';', "\t").as_bytes(),
            table.replace(';', " , ").replace("track , genre", "Track,GENRE").as_bytes(),
        ] {
            assert_eq!(lines(bytes, &["jazz/j1.wav", "Café/j2.wav"]), expected, "{}", String::from_utf8_lossy(bytes));
        }
        // The folder's own name counts, and the label is composed.
        let found = lines(table.as_bytes(), &["Cafe\u{301}/j2.wav"]);
        assert_eq!(found[1], "Cafe\u{301}/j2.wav Café train");
        let tags = lines(b"file,tags,split\nsongs\\one.wav,slow;old,train\n", &["songs/one.wav"]);
        assert_eq!(tags, ["songs/one.wav slow+old train"]);
    }

    #[test]
    fn rows_that_contradict_each_other_are_refused_with_their_lines() {
        let refused = |rows: &str, files: &[&str]| {
            let (_folder, index) = index(format!("track,genre,split\n{rows}").as_bytes(), files);
            index.err().unwrap_or_default()
        };
        for rows in [
            "j1,jazz,train\nj2,jazz,train\nj1,jazz,valid",
            "j1,jazz,train\n\nj1,rock,train",
            "j1,jazz,train\n\nj1,jazz,train",
        ] {
            let said = refused(rows, &["jazz/j1.wav"]);
            assert!(said.ends_with("lines 2 and 4 both name 'j1'; keep the right one of the two"), "{said}");
        }
        assert_eq!(refused("1,jazz,train\n1,rock,train", &["jazz/1.wav", "rock/1.wav"]), "", "each has its file");
        assert!(refused("j1,jazz", &[]).ends_with("line 2 has 2 fields, and the first line names 3 columns"));
    }
}
