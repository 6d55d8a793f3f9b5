//! A collection as one file: what stands beside the clips in the archive that it is kept in.

use std::collections::HashSet;
use std::iter;

use serde::{Deserialize, Serialize};

use crate::training_job::ClipId;
use crate::view::train::class::{Class, Entry};
use crate::view::train::dataset::Dataset;

/// The description's name in the archive.
pub const NAME: &str = "genrelens-set.json";
/// The most bytes of a description that is read.
pub const MOST_BYTES: usize = 64 << 20;
/// What this build writes, and the latest that it reads.
const VERSION: u32 = 1;
/// A file's or a folder's name longer than this is cut.
const LONGEST: usize = 80;
/// The most classes of a description that is read; every one has a place on the page.
const MOST_CLASSES: usize = 10_000;
/// The longest name in a description that is read, in characters: more than a file system or a field of the page allows,
/// and enough for a table's list of artists.
const LONGEST_NAME: usize = 1_000;

/// The description of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetFile {
    version: u32,
    /// True where tags are taught and not classes.
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
    /// Its file's name before it was put there.
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
    /// Describes a collection.
    pub fn of(dataset: &Dataset) -> Self {
        let mut taken = HashSet::new();
        let class = |class: &Class| {
            let folder = safe(&class.name, "class");
            let clip = |clip: &Entry| ClipEntry {
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

    /// Every clip with its path in the archive, in their order.
    pub fn files(&self) -> impl Iterator<Item = (&ClipId, &str)> {
        self.classes.iter().flat_map(|class| &class.clips).map(|clip| (&clip.id, clip.file.as_str()))
    }

    /// The description as it stands in the archive.
    ///
    /// # Errors
    ///
    /// Never for a collection: its numbers are finite.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    /// Reads a description.
    ///
    /// # Errors
    ///
    /// Why it is none, or that it is of a later version; a part of a sentence.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let set: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if set.version > VERSION {
            return Err(format!(
                "it is of version {}, and this page reads up to {VERSION}; reload the page",
                set.version
            ));
        }
        if set.classes.len() > MOST_CLASSES {
            return Err(format!("it has {} classes, and {MOST_CLASSES} are the most; divide it", set.classes.len()));
        }
        let long = set.names().find(|name| name.chars().nth(LONGEST_NAME).is_some());
        if let Some(long) = long {
            let start: String = long.chars().take(40).collect();
            return Err(format!(
                "the name that begins with “{start}” is longer than {LONGEST_NAME} characters; shorten it"
            ));
        }
        Ok(set)
    }

    /// Every name that the page shows: of classes, clips, artists and tags.
    fn names(&self) -> impl Iterator<Item = &String> {
        let classes = self.classes.iter().map(|class| &class.name);
        let clips = self.classes.iter().flat_map(|class| &class.clips);
        let of_clips = clips.flat_map(|clip| iter::once(&clip.name).chain(&clip.artist).chain(&clip.tags));
        classes.chain(of_clips)
    }

    /// True where tags are taught and not classes.
    pub fn multi_label(&self) -> bool {
        self.multi_label
    }

    /// The classes that it describes. `found` tells a clip's identity by its path in the archive, by its own bytes and not
    /// by what the description says; clips without one are missing, and their names come second.
    pub fn classes(&self, found: impl Fn(&str) -> Option<ClipId>) -> (Vec<Class>, Vec<String>) {
        let mut missing = Vec::new();
        let mut clip = |clip: &ClipEntry| {
            let Some(id) = found(&clip.file) else {
                missing.push(clip.name.clone());
                return None;
            };
            let seconds = clip.seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
            Some(Entry {
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

/// A name that every operating system takes for a file's or a folder's, and that no reader passes over.
fn safe(name: &str, otherwise: &str) -> String {
    let allowed = |letter: char| if letter.is_control() || r#"/\:*?"<>|"#.contains(letter) { '_' } else { letter };
    let name: String = name.chars().map(allowed).collect();
    // Hidden with a dot before it; cut by Windows with one, or a space, after it.
    let name = name.trim_start_matches('.').trim_matches(' ').trim_end_matches(['.', ' ']);
    let name = if name.is_empty() { otherwise } else { name };
    let (stem, ending) = match name.rsplit_once('.').filter(|(stem, ending)| !stem.is_empty() && ending.len() <= 8) {
        Some((stem, ending)) => (stem, format!(".{ending}")),
        None => (name, String::new()),
    };
    let stem: String = stem.chars().take(LONGEST).collect();
    let first = stem.split('.').next().unwrap_or_default().to_uppercase();
    let numbered =
        |name: &str| first.len() == 4 && first.starts_with(name) && first.ends_with(|last: char| last.is_ascii_digit());
    let device = ["CON", "PRN", "AUX", "NUL"].contains(&first.as_str()) || numbered("COM") || numbered("LPT");
    format!("{}{}{ending}", if device { "_" } else { "" }, stem.trim_end())
}

/// A path that no other has, whatever a file system thinks of upper and lower case.
fn free(folder: &str, name: &str, taken: &mut HashSet<String>) -> String {
    let (stem, ending) = name.rsplit_once('.').map_or((name, ""), |(stem, _)| (stem, &name[stem.len()..]));
    let numbered = (1_u64..).map(|number| match number {
        1 => format!("{folder}/{name}"),
        _ => format!("{folder}/{stem} ({number}){ending}"),
    });
    let mut free = numbered.skip_while(|path| !taken.insert(path.to_lowercase()));
    free.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, name: &str) -> Entry {
        Entry { seconds: Some(2.5), ..Entry::new(id.to_owned(), name.to_owned()) }
    }

    #[test]
    fn a_collection_comes_back_as_it_was() {
        let mut dataset = Dataset::default();
        let tagged = Entry { group: Some("Miles".to_owned()), tags: vec!["slow".to_owned()], ..entry("1", "one.wav") };
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
        assert_eq!(opened.add_classes(classes), 3, "what is there already is there once");
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
        assert_eq!(many, "it has 10001 classes, and 10000 are the most; divide it");
        let least = DatasetFile::parse(br#"{"version": 1, "classes": [{"name": "a"}, {"name": " "}]}"#).unwrap();
        assert_eq!(least.classes(|_| None).0, [Class { name: "a".to_owned(), clips: Vec::new() }]);
    }
}
