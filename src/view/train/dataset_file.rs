//! The exported dataset: the description that stands beside the clips in their `.zip` archive.

use std::collections::HashSet;
use std::iter;

use serde::{Deserialize, Serialize};

use crate::training_job::ClipId;
use crate::view::train::class::{Class, DatasetClip};
use crate::view::train::dataset::Dataset;

/// The name of the description in the archive.
pub const NAME: &str = "genrelens-set.json";
/// The largest description that is read, in bytes.
pub const MOST_BYTES: usize = 64 << 20;
/// The version that is written, and the latest that is read.
const VERSION: u32 = 1;
/// A longer name of a file or a folder is cut, in characters.
const LONGEST: usize = 80;
/// The most classes that are read: every one has elements on the page.
const MOST_CLASSES: usize = 10_000;
/// The longest name that is read, in characters: more than a file system or a field of the page allows, and enough for a
/// list of artists.
const LONGEST_NAME: usize = 1_000;

/// The description of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetFile {
    version: u32,
    /// True if training is about tags, not classes.
    #[serde(default, alias = "many_labels")]
    multi_label: bool,
    classes: Vec<ClassEntry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ClassEntry {
    name: String,
    #[serde(default)]
    clips: Vec<ClipEntry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ClipEntry {
    /// Its path in the archive.
    file: String,
    /// The name of its file before the export.
    name: String,
    /// SHA-256 of its file, hexadecimal.
    id: ClipId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artist: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

impl DatasetFile {
    /// Describes a dataset.
    pub fn of(dataset: &Dataset) -> Self {
        let mut taken = HashSet::new();
        let class = |class: &Class| {
            let folder = safe(&class.name, "class");
            let clip = |clip: &DatasetClip| ClipEntry {
                file: free(&folder, &safe(&clip.name, "clip"), &mut taken),
                name: clip.name.clone(),
                id: clip.id.clone(),
                artist: clip.group.clone(),
                tags: clip.tags.clone(),
                seconds: clip.seconds,
            };
            ClassEntry { name: class.name.clone(), clips: class.clips.iter().map(clip).collect() }
        };
        let classes = dataset.classes().iter().map(class).collect();
        Self { version: VERSION, multi_label: dataset.wants_tags(), classes }
    }

    /// Every clip with its path in the archive, in order.
    pub fn files(&self) -> impl Iterator<Item = (&ClipId, &str)> {
        self.classes.iter().flat_map(|class| &class.clips).map(|clip| (&clip.id, clip.file.as_str()))
    }

    /// The description as JSON.
    ///
    /// # Errors
    ///
    /// None for a dataset: all its numbers are finite.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    /// Parses a description.
    ///
    /// # Errors
    ///
    /// A part of a sentence: why it is invalid, or that it is of a later version.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let file: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        // A later version may mean something else by the same fields.
        if file.version > VERSION {
            return Err(format!(
                "it is of version {} and this page reads versions up to {VERSION}; reload the page",
                file.version
            ));
        }
        if file.classes.len() > MOST_CLASSES {
            return Err(format!(
                "it has {} classes, more than the {MOST_CLASSES} that this page takes; divide it",
                file.classes.len()
            ));
        }
        // The description may come from anywhere; the page shows all of these names.
        let long = file.names().find(|name| name.chars().nth(LONGEST_NAME).is_some());
        if let Some(long) = long {
            let start: String = long.chars().take(40).collect();
            return Err(format!(
                "the name that begins with “{start}” is longer than {LONGEST_NAME} characters; shorten it"
            ));
        }
        Ok(file)
    }

    /// All names of classes, clips, artists and tags.
    fn names(&self) -> impl Iterator<Item = &String> {
        let classes = self.classes.iter().map(|class| &class.name);
        let clips = self.classes.iter().flat_map(|class| &class.clips);
        let of_clips = clips.flat_map(|clip| iter::once(&clip.name).chain(&clip.artist).chain(&clip.tags));
        classes.chain(of_clips)
    }

    /// True if training is about tags, not classes.
    pub fn multi_label(&self) -> bool {
        self.multi_label
    }

    /// The classes that it describes, and the names of clips that are missing. `found` gives the hash of the file at a path
    /// in the archive, or `None` if there is none. The hashes in the description are not trusted.
    pub fn classes(&self, found: impl Fn(&str) -> Option<ClipId>) -> (Vec<Class>, Vec<String>) {
        let mut missing = Vec::new();
        let mut clip = |clip: &ClipEntry| {
            let Some(id) = found(&clip.file) else {
                missing.push(clip.name.clone());
                return None;
            };
            // Only a hint until the clip is decoded, but it is added up and shown.
            let seconds = clip.seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
            Some(DatasetClip {
                id,
                name: clip.name.clone(),
                seconds,
                trouble: None,
                group: clip.artist.clone(),
                tags: clip.tags.clone(),
            })
        };
        let named = self.classes.iter().filter(|class| !class.name.trim().is_empty());
        let classes = named.map(|class| Class {
            name: class.name.trim().to_owned(),
            clips: class.clips.iter().filter_map(&mut clip).collect(),
        });
        let classes = classes.collect();
        (classes, missing)
    }
}

/// A name that every operating system allows for a file or folder, and that is not hidden; `fallback` if nothing is left.
fn safe(name: &str, fallback: &str) -> String {
    // Windows forbids these characters.
    let allowed = |letter: char| if letter.is_control() || r#"/\:*?"<>|"#.contains(letter) { '_' } else { letter };
    let name: String = name.chars().map(allowed).collect();
    // A leading dot hides a file; Windows cuts dots and spaces at the end.
    let name = name.trim_start_matches('.').trim_matches(' ').trim_end_matches(['.', ' ']);
    let name = if name.is_empty() { fallback } else { name };
    let (stem, ending) = match name.rsplit_once('.').filter(|(stem, ending)| !stem.is_empty() && ending.len() <= 8) {
        Some((stem, ending)) => (stem, format!(".{ending}")),
        None => (name, String::new()),
    };
    let stem: String = stem.chars().take(LONGEST).collect();
    // Windows reserves these names for devices, with any extension.
    let first = stem.split('.').next().unwrap_or_default().to_uppercase();
    let numbered =
        |name: &str| first.len() == 4 && first.starts_with(name) && first.ends_with(|last: char| last.is_ascii_digit());
    let device = ["CON", "PRN", "AUX", "NUL"].contains(&first.as_str()) || numbered("COM") || numbered("LPT");
    format!("{}{}{ending}", if device { "_" } else { "" }, stem.trim_end())
}

/// A path that is unique even if upper and lower case are the same.
fn free(folder: &str, name: &str, taken: &mut HashSet<String>) -> String {
    let (stem, ending) = name.rsplit_once('.').map_or((name, ""), |(stem, _)| (stem, &name[stem.len()..]));
    let numbered = (1_u64..).map(|number| match number {
        1 => format!("{folder}/{name}"),
        _ => format!("{folder}/{stem} ({number}){ending}"),
    });
    // Some file systems ignore case, and unpacking would overwrite one of two such files.
    let mut free = numbered.skip_while(|path| !taken.insert(path.to_lowercase()));
    free.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, name: &str) -> DatasetClip {
        DatasetClip { seconds: Some(2.5), ..DatasetClip::new(id.to_owned(), name.to_owned()) }
    }

    #[test]
    fn a_dataset_is_read_as_it_was_written() {
        let mut dataset = Dataset::default();
        let tagged =
            DatasetClip { group: Some("Miles".to_owned()), tags: vec!["slow".to_owned()], ..entry("1", "one.wav") };
        let clips = [("jazz", tagged), ("jazz", entry("2", "ONE.wav")), ("AC/DC", entry("1", "../one.wav"))];
        dataset.add(clips.map(|(class, entry)| (class.to_owned(), entry)).to_vec());
        dataset.add_class("empty");
        dataset.want_tags(true);
        let set = DatasetFile::parse(&DatasetFile::of(&dataset).to_json().unwrap()).unwrap();
        assert!(set.multi_label());
        let paths: Vec<&str> = set.files().map(|(_, path)| path).collect();
        assert_eq!(paths, ["jazz/one.wav", "jazz/ONE (2).wav", "AC_DC/_one.wav"]);
        let ids: std::collections::HashMap<String, String> =
            set.files().map(|(id, path)| (path.to_owned(), id.clone())).collect();
        let (classes, missing) = set.classes(|path| ids.get(path).cloned());
        assert_eq!((classes.as_slice(), missing.len()), (dataset.classes(), 0));
        let mut opened = Dataset::default();
        assert_eq!((opened.add_classes(classes.clone()), opened.classes()), (0, dataset.classes()));
        assert_eq!(opened.add_classes(classes), 3, "clips that are there already are not added");
        let (classes, missing) = set.classes(|path| ids.get(path).filter(|_| path != "jazz/one.wav").cloned());
        assert_eq!((classes[0].clips.len(), missing), (1, vec!["one.wav".to_owned()]));
    }

    #[test]
    fn names_are_made_safe() {
        let made = |name| safe(name, "class");
        assert_eq!(made("drum & bass"), "drum & bass");
        assert_eq!([made(""), made(".."), made(" . "), made("\u{7}")], ["class", "class", "class", "_"]);
        assert_eq!(
            [made("con"), made("NUL.wav"), made("com1"), made("concert"), made("COMB")],
            ["_con", "_NUL.wav", "_com1", "concert", "COMB"]
        );
        assert_eq!(made(".hidden.wav"), "hidden.wav");
        assert_eq!(made("a\\b/c:d?.wav"), "a_b_c_d_.wav");
        let long = made(&format!("{}.flac", "é".repeat(500)));
        assert_eq!((long.chars().count(), long.ends_with("é.flac")), (LONGEST + 5, true));
    }

    #[test]
    fn other_files_are_refused_with_a_reason() {
        assert!(DatasetFile::parse(b"[]").is_err() && DatasetFile::parse(b"{}").is_err());
        let later = DatasetFile::parse(br#"{"version": 2, "classes": []}"#).unwrap_err();
        assert!(later.contains("version 2"), "{later}");
        let clip = |name: &str, tag: &str| {
            let clip = format!(r#"{{"file": "a", "name": "{name}", "id": "1", "tags": ["{tag}"]}}"#);
            let json = format!(r#"{{"version": 1, "classes": [{{"name": "a", "clips": [{clip}]}}]}}"#);
            DatasetFile::parse(json.as_bytes())
        };
        let name = "é".repeat(LONGEST_NAME);
        assert!(clip(&name, &name).is_ok());
        for long in [clip("one", &format!("{name}e")), clip(&format!("{name}e"), "slow")] {
            let refused = long.unwrap_err();
            assert!(refused.contains("longer than 1000 characters") && refused.len() < 200, "{refused}");
        }
        let many = vec![r#"{"name": "a"}"#; MOST_CLASSES + 1].join(",");
        let many = DatasetFile::parse(format!(r#"{{"version": 1, "classes": [{many}]}}"#).as_bytes()).unwrap_err();
        assert_eq!(many, "it has 10001 classes, more than the 10000 that this page takes; divide it");
        let least = DatasetFile::parse(br#"{"version": 1, "classes": [{"name": "a"}, {"name": " "}]}"#).unwrap();
        assert_eq!(least.classes(|_| None).0, [Class { name: "a".to_owned(), clips: Vec::new() }]);
    }
}
