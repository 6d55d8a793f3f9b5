//! Labelled sets from folders that hold an `index.csv`.
//!
//! A folder of features has `features.npy` (u8, C order, `[track, band, column]`, 255 the clip's maximum) and an index
//! with the columns `row`, `track`, `genre` and a split. A folder of audio has `<genre>/<track>.wav` and an index with
//! `track`, `genre` and a split. The split's column is called `split` or `filtered_split`. An optional column
//! `artist_group` names groups of songs that must stay in one split.
//!
//! For songs with tags, the index of a folder of audio has the columns `file` and `tags` (separated by semicolons)
//! instead of `track` and `genre`.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use clap::Args;
use npyz::NpyFile;

use super::index::{Index, Line};
use super::left_out::LeftOut;
use super::parallel::in_order;
use super::{CliError, open};
use crate::audio::Source;
use crate::dataset::labelled_set::{LabelledSet, Song, one_of};
use crate::dsp::Segment;
use crate::engine::classify::input_segments;
use crate::model::windows::InputSpec;

/// A folder of labelled songs.
#[derive(Args, Debug, Clone)]
#[group(required = true, multiple = false)]
pub(super) struct Folder {
    /// Folder with features.npy and index.csv
    #[arg(long)]
    features: Option<PathBuf>,
    /// Folder with index.csv and <genre>/<track>.wav, or with the files that its index names
    #[arg(long)]
    audio: Option<PathBuf>,
    /// Read once.
    #[arg(skip)]
    index: OnceCell<Index>,
}

impl Folder {
    fn path(&self) -> &Path {
        self.features.as_deref().or(self.audio.as_deref()).unwrap_or(Path::new("."))
    }

    /// The labels of the whole index, sorted, and whether a song may have several, without reading any audio.
    pub(super) fn labels(&self) -> Result<(Vec<String>, bool), CliError> {
        let index = self.index()?;
        Ok((index.labels.clone(), index.multi_label))
    }

    fn index(&self) -> Result<&Index, CliError> {
        match self.index.get() {
            Some(index) => Ok(index),
            None => {
                let read = Index::read(self.path())?;
                Ok(self.index.get_or_init(|| read))
            }
        }
    }

    /// The bands and columns of features; `None` for audio.
    pub(super) fn feature_shape(&self) -> Result<Option<(usize, usize)>, CliError> {
        let Some(folder) = &self.features else { return Ok(None) };
        let (_, [_, bands, columns]) = npy(folder)?;
        Ok(Some((bands, columns)))
    }

    /// The songs of a split, or of several whose names are joined by a plus; an empty name means all but `excluded`.
    /// Recordings that cannot be read are left out.
    pub(super) fn songs(
        &self,
        split: &str,
        input_spec: &InputSpec,
        left_out: &mut LeftOut,
    ) -> Result<LabelledSet, CliError> {
        let Index { labels, multi_label, lines } = self.lines_of_split(split)?;
        let segments = match (&self.features, &self.audio) {
            (Some(folder), _) => from_features(folder, &lines, input_spec)?,
            (None, audio) => from_audio(audio.as_deref().unwrap_or(Path::new(".")), &lines, input_spec, left_out)?,
        };
        let song = |(line, segments)| Some(Song { segments: segments?, ..song(line, &labels, multi_label) });
        let songs = lines.into_iter().zip(segments).filter_map(song).collect();
        Ok(LabelledSet { labels, multi_label, songs })
    }

    /// The songs of a split without their segments: nothing is read but the index.
    pub(super) fn listed(&self, split: &str) -> Result<LabelledSet, CliError> {
        let Index { labels, multi_label, lines } = self.lines_of_split(split)?;
        let songs = lines.into_iter().map(|line| song(line, &labels, multi_label)).collect();
        Ok(LabelledSet { labels, multi_label, songs })
    }

    /// The songs of a split of a folder of audio, without their segments, and their files in the same order.
    pub(super) fn audio_files(&self, split: &str) -> Result<(LabelledSet, Vec<PathBuf>), CliError> {
        let Some(folder) = &self.audio else {
            return Err(CliError::Usage("a head on other networks needs audio; give --audio".to_owned()));
        };
        let Index { labels, multi_label, lines } = self.lines_of_split(split)?;
        let files = lines.iter().map(|line| folder.join(&line.file)).collect();
        let songs = lines.into_iter().map(|line| song(line, &labels, multi_label)).collect();
        Ok((LabelledSet { labels, multi_label, songs }, files))
    }

    fn lines_of_split(&self, split: &str) -> Result<Index, CliError> {
        let Index { labels, multi_label, lines } = self.index()?.clone();
        let wanted = |line: &Line| match split {
            "" => line.split != "excluded",
            names => names.split('+').any(|name| name == line.split),
        };
        let (found, others): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(wanted);
        if found.is_empty() {
            let mut splits: Vec<String> = others.into_iter().map(|line| line.split).collect();
            splits.sort();
            splits.dedup();
            let path = self.path().join("index.csv");
            return Err(CliError::content(&path, format!("has no split '{split}'; it has {}", splits.join(", "))));
        }
        Ok(Index { labels, multi_label, lines: found })
    }
}

fn song(line: Line, labels: &[String], multi_label: bool) -> Song {
    let numbers = line.labels.iter().map(|label| number_of(labels, label));
    let target = match multi_label {
        false => one_of(numbers.max().unwrap_or(0), labels.len()),
        true => numbers.fold(vec![0.0; labels.len()], |mut target, label| {
            target[label] = 1.0;
            target
        }),
    };
    Song { name: line.song, group: line.group, target, segments: Vec::new() }
}

fn npy(folder: &Path) -> Result<(NpyFile<std::io::BufReader<std::fs::File>>, [usize; 3]), CliError> {
    let path = folder.join("features.npy");
    let npy = NpyFile::new(std::io::BufReader::new(open(&path)?)).map_err(|error| CliError::content(&path, error))?;
    let &[tracks, bands, columns] = npy.shape() else {
        let message = format!("expected [track, band, column], found shape {:?}", npy.shape());
        return Err(CliError::content(&path, message));
    };
    let shape = [tracks, bands, columns].map(|size| size as usize);
    Ok((npy, shape))
}

/// The segments of songs; `None` for a song that is left out.
type SegmentsOfSongs = Vec<Option<Vec<Segment>>>;

fn from_features(folder: &Path, lines: &[Line], input_spec: &InputSpec) -> Result<SegmentsOfSongs, CliError> {
    let (npy, [tracks, bands, columns]) = npy(folder)?;
    let wrong = |message: String| CliError::content(&folder.join("features.npy"), message);
    if bands != input_spec.front_end.mel_bands {
        let (name, expected) = (input_spec.front_end.name, input_spec.front_end.mel_bands);
        return Err(wrong(format!("the front end '{name}' has {expected} mel bands, found {bands}")));
    }
    let values: Vec<u8> = npy.into_vec().map_err(|error| wrong(format!("expected u8 values: {error}")))?;
    let of_line = |line: &Line| {
        let row = line.row.filter(|&row| row < tracks);
        let row = row.ok_or_else(|| wrong(format!("has no row for the track '{}' of index.csv", line.song)))?;
        let clip = &values[row * bands * columns..(row + 1) * bands * columns];
        Ok(Some(vec![input_spec.windowing.prepare(segment(clip, bands, columns))]))
    };
    lines.iter().map(of_line).collect()
}

/// A stored clip `[band, column]` as a segment `[column, band]`.
fn segment(clip: &[u8], bands: usize, columns: usize) -> Segment {
    // Transposed: files store bands first, segments columns first.
    let at = |index: usize| f32::from(clip[(index % bands) * columns + index / bands]) / 255.0;
    Segment { start_seconds: 0.0, columns, bands, values: (0..bands * columns).map(at).collect() }
}

fn from_audio(
    folder: &Path,
    lines: &[Line],
    input_spec: &InputSpec,
    left_out: &mut LeftOut,
) -> Result<SegmentsOfSongs, CliError> {
    let mut songs = Vec::with_capacity(lines.len());
    in_order(
        lines.iter(),
        |line| segments_of(&folder.join(&line.file), input_spec),
        |segments| {
            songs.push(left_out.take(segments)?);
            Ok(())
        },
    )?;
    Ok(songs)
}

/// The segments of an audio file, prepared for a network.
pub(super) fn segments_of(path: &Path, input_spec: &InputSpec) -> Result<Vec<Segment>, CliError> {
    let file: Box<dyn Source> = Box::new(open(path)?);
    input_segments(file, input_spec).map_err(|error| CliError::content(path, error))
}

fn number_of(labels: &[String], label: &str) -> usize {
    labels.binary_search_by(|known| known.as_str().cmp(label)).unwrap_or(0)
}
