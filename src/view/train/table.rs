//! A table (CSV) with metadata of clips: their artists, tags and classes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::view::train::class::{Class, one_line};
use crate::view::train::table_text::{Record, records};

/// The largest table that is read, in bytes.
pub const MOST_BYTES: usize = 16 << 20;

/// Names that the columns can have, in lower case.
const FILE: [&str; 4] = ["file", "track", "filename", "path"];
// The first of these that a table has counts.
const GROUP: [&str; 3] = ["artist_group", "artist", "group"];
const TAGS: [&str; 1] = ["tags"];
const CLASS: [&str; 3] = ["genre", "label", "class"];

/// A table with a row for every clip that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// As the table has it, with `/` between folders.
    file: String,
    group: Option<String>,
    tags: Option<Vec<String>>,
    class: Option<String>,
}

/// Why a table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableError {
    /// It has no column of files; the names of its columns.
    NoFile(Vec<String>),
    /// It has files, but no column about them.
    NothingElse,
}

/// What a table changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Clips that it describes.
    pub clips: usize,
    /// Files that it names and that match no clip, or several.
    pub unmatched: Vec<String>,
    /// Clips that several rows describe in different ways; they are left as they are.
    pub contradicted: Vec<String>,
    /// Classes that are left without clips, because it moved all of them to other classes.
    pub(super) emptied: Vec<String>,
}

impl Table {
    /// Parses a table whose fields are separated by commas, semicolons or tabs. A field in quotes may contain separators.
    ///
    /// # Errors
    ///
    /// [`TableError`] if its first line names no column of files, or no other column that is known.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let (head, rows) = records(text, |head| head.find(&FILE).is_some());
        let Some(file) = head.find(&FILE) else { return Err(TableError::NoFile(head.fields)) };
        let [group, tags, class] = [GROUP.as_slice(), &TAGS, &CLASS].map(|names| head.find(names));
        if group.or(tags).or(class).is_none() {
            return Err(TableError::NothingElse);
        }
        let rows = rows.filter_map(|Record { fields, .. }| {
            let cell = |place: Option<usize>| place.and_then(|place| fields.get(place)).map(|cell| one_line(cell));
            let some = |place| cell(place).filter(|text| !text.is_empty());
            // Windows programs write backslashes between folders.
            let file = some(Some(file))?.replace('\\', "/");
            Some(Row { file, group: some(group), tags: cell(tags).map(|cell| split_tags(&cell)), class: some(class) })
        });
        Ok(Self { rows: rows.collect() })
    }

    /// Writes its metadata to the clips. A clip is found by its file name, with or without the extension; if several clips
    /// have that name, by their class, which one of the file's folders names.
    pub(super) fn apply(&self, classes: &mut Vec<Class>) -> Applied {
        let mut applied = Applied::default();
        let places = places(classes);
        let mut found: BTreeMap<[usize; 2], Option<Row>> = BTreeMap::new();
        for row in &self.rows {
            match row.find(&places, classes) {
                None => applied.unmatched.push(row.file.clone()),
                Some(place) => {
                    let together = match found.remove(&place) {
                        None => Some(row.clone()),
                        Some(before) => before.and_then(|before| before.with(row)),
                    };
                    found.insert(place, together);
                }
            }
        }
        let mut moves: Vec<([usize; 2], String)> = Vec::new();
        for ([class, clip], row) in found {
            let own = &mut classes[class].clips[clip];
            let Some(row) = row else {
                applied.contradicted.push(own.name.clone());
                continue;
            };
            applied.clips += 1;
            own.group = row.group.or(own.group.take());
            own.tags = row.tags.unwrap_or(std::mem::take(&mut own.tags));
            // Moved after the loop: the indices have to stay valid until then.
            let other = row.class.filter(|name| *name != classes[class].name);
            moves.extend(other.map(|name| ([class, clip], name)));
        }
        applied.emptied = move_clips(classes, moves);
        applied
    }
}

/// The clips of a name in lower case, each as the indices of its class and of itself.
type Places = HashMap<String, Vec<[usize; 2]>>;

/// Every clip under its file name, and under that without the extension.
fn places(classes: &[Class]) -> Places {
    let mut places = Places::new();
    for (class, clips) in classes.iter().map(|class| &class.clips).enumerate() {
        for (clip, own) in clips.iter().enumerate() {
            let name = own.name.to_lowercase();
            // Tables often leave the extension out, as GTZAN's index does.
            let stem = name.rsplit_once('.').map(|(stem, _)| stem.to_owned());
            for key in [Some(name), stem].into_iter().flatten() {
                places.entry(key).or_default().push([class, clip]);
            }
        }
    }
    places
}

impl Row {
    fn find(&self, places: &Places, classes: &[Class]) -> Option<[usize; 2]> {
        let mut parts = self.file.rsplit('/');
        let name = parts.next()?.to_lowercase();
        match places.get(&name)?.as_slice() {
            [only] => Some(*only),
            several => {
                // The table may name the class in the path or in a column.
                let folders: Vec<&str> = parts.chain(self.class.as_deref()).collect();
                let mut own = several.iter().filter(|[class, _]| folders.contains(&classes[*class].name.as_str()));
                own.next().filter(|_| own.next().is_none()).copied()
            }
        }
    }

    /// What two rows say of one clip; `None` if they contradict each other. An empty cell says nothing.
    fn with(self, other: &Self) -> Option<Self> {
        let tags = match (self.tags, &other.tags) {
            (Some(own), Some(tags)) if !own.is_empty() && !tags.is_empty() => {
                let same = own.iter().collect::<BTreeSet<_>>() == tags.iter().collect::<BTreeSet<_>>();
                same.then_some(Some(own))?
            }
            (own, tags) => own.filter(|own| !own.is_empty()).or_else(|| tags.clone()),
        };
        Some(Self { group: agreed(self.group, &other.group)?, class: agreed(self.class, &other.class)?, tags, ..self })
    }
}

/// What two cells say together; `None` if they contradict each other.
fn agreed(one: Option<String>, other: &Option<String>) -> Option<Option<String>> {
    match (&one, other) {
        (Some(own), Some(other)) if own != other => None,
        _ => Some(one.or_else(|| other.clone())),
    }
}

/// Moves clips to classes of these names; returns the names of the classes that are left without clips.
fn move_clips(classes: &mut Vec<Class>, mut moves: Vec<([usize; 2], String)>) -> Vec<String> {
    // The last clips first: removing one does not change the indices of those before it.
    moves.sort_by_key(|moved| std::cmp::Reverse(moved.0));
    let mut left = BTreeSet::new();
    let mut taken = Vec::new();
    for ([class, clip], name) in moves {
        left.insert(class);
        taken.push((classes[class].clips.remove(clip), name));
    }
    // Reversed again, so that the clips arrive in their original order.
    for (clip, name) in taken.into_iter().rev() {
        let place = classes.iter().position(|class| class.name == name).unwrap_or_else(|| {
            classes.push(Class { name: name.clone(), clips: Vec::new() });
            classes.len() - 1
        });
        if !classes[place].clips.iter().any(|own| own.id == clip.id) {
            classes[place].clips.push(clip);
        }
    }
    left.into_iter()
        .map(|class| &classes[class])
        .filter(|class| class.clips.is_empty())
        .map(|class| class.name.clone())
        .collect()
}

fn split_tags(cell: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    // Commas separate the fields of most tables, so tags use others.
    for tag in cell.split([';', '|']).map(str::trim).filter(|tag| !tag.is_empty()) {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::train::class::DatasetClip;
    use crate::view::train::dataset::Dataset;

    fn dataset(clips: &[&str]) -> Dataset {
        let mut dataset = Dataset::default();
        let clip = |path: &&str| {
            let (class, name) = path.split_once('/').unwrap();
            (class.to_owned(), DatasetClip::new((*path).to_owned(), name.to_owned()))
        };
        dataset.add(clips.iter().map(clip).collect());
        dataset
    }

    fn lines(dataset: &Dataset) -> Vec<String> {
        let of = |class: &Class| {
            let clip = |clip: &DatasetClip| {
                format!("{}/{} {} {}", class.name, clip.name, clip.group.as_deref().unwrap_or("-"), clip.tags.join("+"))
            };
            class.clips.iter().map(clip).collect::<Vec<_>>()
        };
        dataset.classes().iter().flat_map(of).collect()
    }

    #[test]
    fn artists_and_tags_find_their_clips() {
        let mut dataset = dataset(&["jazz/one.wav", "jazz/two.mp3", "rock/one.wav"]);
        let table = "File,Artist,tags\r\nsongs/jazz/one.wav,\"Davis, Miles\",\" slow ;old|slow\"\r\n\r\nTWO,\"Say \"\"hi\"\"\",\r\n\
                     three.wav,x,y\r\none.wav,x,y";
        let applied = dataset.apply(&Table::parse(table).unwrap());
        assert_eq!((applied.clips, applied.unmatched), (2, vec!["three.wav".to_owned(), "one.wav".to_owned()]));
        let expected = ["jazz/one.wav Davis, Miles slow+old", "jazz/two.mp3 Say \"hi\" ", "rock/one.wav - "];
        assert_eq!(lines(&dataset), expected);
        assert!(dataset.undo());
        assert_eq!(lines(&dataset)[0], "jazz/one.wav - ");
    }

    #[test]
    fn a_table_in_semicolons_and_one_of_gtzan_are_read() {
        let mut dataset = dataset(&["a/blues.00001.wav", "a/jazz.00002.wav", "jazz/jazz.00003.wav"]);
        let table = "row;track;genre;split;artist_group\n0;blues.00001;blues;train;7\n1;jazz.00002;jazz;train;8\n";
        let applied = dataset.apply(&Table::parse(table).unwrap());
        assert_eq!((applied.clips, applied.unmatched.len()), (2, 0));
        let expected = ["jazz/jazz.00003.wav - ", "jazz/jazz.00002.wav 8 ", "blues/blues.00001.wav 7 "];
        assert_eq!(lines(&dataset), expected, "the folder that only held them is gone");
        assert!(dataset.undo());
        assert_eq!(dataset.classes().len(), 2);
    }

    #[test]
    fn a_table_without_known_columns_is_refused() {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(Table::parse("name,artist\na,b"), Err(TableError::NoFile(named(&["name", "artist"]))));
        assert_eq!(Table::parse(""), Err(TableError::NoFile(Vec::new())));
        assert_eq!(Table::parse("file,year\na,b"), Err(TableError::NothingElse));
        assert_eq!(Table::parse("file,artist\n,b\n\"").unwrap(), Table::default());
    }

    #[test]
    fn rows_that_contradict_each_other_change_nothing_and_are_named() {
        let mut dataset = dataset(&["a/one.wav", "a/two.wav", "a/three.wav"]);
        let before = lines(&dataset);
        let table = "file,artist,tags,genre\none.wav,X,slow,jazz\none.wav,Y,slow,rock\none.wav,X,slow,jazz\n\
                     two.wav,X,slow|old,\ntwo.wav,,old|slow,jazz\ntwo.wav,X,,jazz\n\
                     three.wav,X,slow,\nthree.wav,X,fast,\n";
        let applied = dataset.apply(&Table::parse(table).unwrap());
        assert_eq!(
            (applied.clips, applied.contradicted.as_slice()),
            (1, ["one.wav", "three.wav"].map(str::to_owned).as_slice())
        );
        assert_eq!(
            lines(&dataset),
            [before[0].as_str(), &before[2], "jazz/two.wav X slow+old"],
            "rows that complete each other count"
        );
        assert!(dataset.undo());
        assert_eq!(lines(&dataset), before);
    }

    #[test]
    fn a_table_that_matches_nothing_is_no_change() {
        let mut dataset = dataset(&["a/one.wav"]);
        dataset.apply(&Table::parse("file,artist\nnine.wav,X\n").unwrap());
        assert!(dataset.undo() && dataset.is_empty(), "the clip came before the table");
    }

    #[test]
    fn one_of_several_folders_in_a_path_names_the_class() {
        let mut dataset = dataset(&["Jazz/01.wav", "Rock/01.wav"]);
        let table = "path;artist\nC:\\music\\Jazz\\Blue Hour\\01.wav;Miles\nRock\\01.wav;Zed\n01.wav;nobody\n";
        let applied = dataset.apply(&Table::parse(table).unwrap());
        assert_eq!((applied.clips, applied.unmatched), (2, vec!["01.wav".to_owned()]));
        assert_eq!(lines(&dataset), ["Jazz/01.wav Miles ", "Rock/01.wav Zed "]);
    }

    /// A file of `tests/data/odd-files/csv`, decoded and its accents composed, as the page does with the browser's help.
    #[cfg(not(target_family = "wasm"))]
    fn odd(name: &str) -> Table {
        use crate::view::train::table_text::TableText;
        use unicode_normalization::UnicodeNormalization;

        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/odd-files/csv").join(name);
        let text = TableText::decode(&std::fs::read(path).unwrap()).text;
        Table::parse(&text.nfc().collect::<String>()).unwrap()
    }

    #[cfg(not(target_family = "wasm"))]
    #[test]
    fn tables_as_programs_write_them_give_every_clip_its_artist() {
        let clips = [
            "jazz/Café del Mar.wav",
            "jazz/two.wav",
            "jazz/three, four.wav",
            "rock/five.wav",
            "jazz/same.wav",
            "rock/same.wav",
        ];
        let tables = [
            "bom_crlf",
            "semicolons",
            "windows_1252",
            "nfd_names",
            "backslash_paths",
            "newline_in_cell",
            "sep_line",
            "utf16",
        ];
        for table in tables {
            let mut dataset = dataset(&clips);
            let applied = dataset.apply(&odd(&format!("{table}.csv")));
            assert_eq!((applied.clips, &applied.unmatched, &applied.contradicted), (6, &vec![], &vec![]), "{table}");
            let lines = lines(&dataset);
            assert!(lines[0].starts_with("jazz/Café del Mar.wav Ödland slow"), "{table}: {lines:?}");
            assert!(lines[2].contains("Müller \"M\""), "{table}: {lines:?}");
            assert!(
                lines.iter().all(|line| !line.contains('\u{fffd}') && !line.contains(char::is_control)),
                "{table}: {lines:?}"
            );
        }
    }
}
