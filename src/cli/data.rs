//! Labelled sets from folders that hold an `index.csv`.
//!
//! A folder of features has `features.npy` (u8, C order, `[track, band, column]`, 255 the clip's maximum) and an index
//! with the columns `row`, `track`, `genre` and a split. A folder of audio has `<genre>/<track>.wav` and an index with
//! `track`, `genre` and a split. The split's column is called `split` or `filtered_split`.

use std::path::{Path, PathBuf};

use npyz::NpyFile;

use super::CliError;
use crate::dsp::Segment;
use crate::train::set::{LabelledSet, Song};

/// A line of an index.
struct Entry {
    row: Option<usize>,
    track: String,
    genre: String,
}

/// The index's lines of one split, and all its genres in alphabetical order.
struct Index {
    labels: Vec<String>,
    entries: Vec<Entry>,
}

fn index(folder: &Path, split: &str) -> Result<Index, CliError> {
    let path = folder.join("index.csv");
    let file = std::fs::File::open(&path).map_err(|source| CliError::File { path: path.clone(), source })?;
    let wrong = |message: String| CliError::content(&path, message);
    let mut reader = csv::Reader::from_reader(file);
    let headers = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let find = |names: &[&str]| headers.iter().position(|header| names.contains(&header));
    let column = |names: &[&str]| {
        find(names).ok_or_else(|| wrong(format!("expected a column '{}', found {headers:?}", names.join("' or '"))))
    };
    let (track, genre) = (column(&["track"])?, column(&["genre"])?);
    let (split_column, row) = (column(&["split", "filtered_split"])?, find(&["row"]));
    let (mut labels, mut splits, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let field = |column: usize| record.get(column).unwrap_or_default().to_owned();
        let row = match row {
            Some(column) => Some(field(column).parse().map_err(|_| wrong(format!("no row number: {record:?}")))?),
            None => None,
        };
        labels.push(field(genre));
        splits.push(field(split_column));
        if field(split_column) == split {
            entries.push(Entry { row, track: field(track), genre: field(genre) });
        }
    }
    labels.sort();
    labels.dedup();
    splits.sort();
    splits.dedup();
    if entries.is_empty() {
        return Err(wrong(format!("has no split '{split}'; it has {}", splits.join(", "))));
    }
    Ok(Index { labels, entries })
}

/// The songs of one split of a folder of features.
///
/// # Errors
///
/// [`CliError`] that names the file, where one is missing or not as described above.
pub fn from_features(folder: &Path, split: &str) -> Result<LabelledSet, CliError> {
    let Index { labels, entries } = index(folder, split)?;
    let path = folder.join("features.npy");
    let file = std::fs::File::open(&path).map_err(|source| CliError::File { path: path.clone(), source })?;
    let wrong = |message: String| CliError::content(&path, message);
    let npy = NpyFile::new(std::io::BufReader::new(file)).map_err(|error| wrong(error.to_string()))?;
    let &[tracks, bands, columns] = npy.shape() else {
        return Err(wrong(format!("expected [track, band, column], found shape {:?}", npy.shape())));
    };
    let (bands, columns) = (bands as usize, columns as usize);
    let values: Vec<u8> = npy.into_vec().map_err(|error| wrong(format!("expected u8 values: {error}")))?;
    let mut songs = Vec::with_capacity(entries.len());
    for Entry { row, track, genre } in entries {
        let row = row.filter(|&row| (row as u64) < tracks);
        let row = row.ok_or_else(|| wrong(format!("has no row for the track '{track}' of index.csv")))?;
        let clip = &values[row * bands * columns..(row + 1) * bands * columns];
        let segments = vec![segment(clip, bands, columns)];
        songs.push(Song { name: track, label: label_of(&labels, &genre), segments });
    }
    Ok(LabelledSet { labels, songs })
}

/// A stored clip `[band, column]` as a segment `[column, band]`.
fn segment(clip: &[u8], bands: usize, columns: usize) -> Segment {
    let at = |index: usize| f32::from(clip[(index % bands) * columns + index / bands]) / 255.0;
    Segment { start_seconds: 0.0, columns, bands, values: (0..bands * columns).map(at).collect() }
}

/// Audio files, each with the number of its label.
pub struct AudioFiles {
    /// The labels.
    pub labels: Vec<String>,
    /// Path and label of every file.
    pub files: Vec<(PathBuf, usize)>,
}

/// The audio files of one split of a folder of audio.
///
/// # Errors
///
/// [`CliError`] that names `index.csv` where it is missing or not as described above.
pub fn audio_files(folder: &Path, split: &str) -> Result<AudioFiles, CliError> {
    let Index { labels, entries } = index(folder, split)?;
    let file = |Entry { track, genre, .. }: &Entry| {
        (folder.join(genre).join(format!("{track}.wav")), label_of(&labels, genre))
    };
    let files = entries.iter().map(file).collect();
    Ok(AudioFiles { labels, files })
}

fn label_of(labels: &[String], genre: &str) -> usize {
    labels.binary_search_by(|label| label.as_str().cmp(genre)).unwrap_or(0)
}
