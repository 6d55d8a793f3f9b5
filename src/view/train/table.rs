//! A table (CSV) of what is known of clips: who made them, how they are tagged, which class they are in.

use std::collections::{BTreeSet, HashMap};

use crate::view::train::class::Class;

/// The most bytes of a table that is read.
pub const MOST_BYTES: usize = 16 << 20;

/// Names that the columns may have, in lower case.
const FILE: [&str; 4] = ["file", "track", "filename", "path"];
const GROUP: [&str; 3] = ["artist_group", "artist", "group"];
const TAGS: [&str; 1] = ["tags"];
const CLASS: [&str; 3] = ["genre", "label", "class"];

/// What a table says, a row for every clip that it names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// As it stands there, with `/` between folders.
    file: String,
    group: Option<String>,
    tags: Option<Vec<String>>,
    class: Option<String>,
}

/// Why a table says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableError {
    /// It has no column of files; the names of those that it has.
    NoFile(Vec<String>),
    /// It has files, but nothing about them.
    NothingElse,
}

/// What came of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Clips that it says something of.
    pub clips: usize,
    /// Files that it names and that are none of the clips, or more than one.
    pub unmatched: Vec<String>,
    /// Classes that have no clips any more, because it names other classes for all of them.
    pub(super) emptied: Vec<String>,
}

impl Table {
    /// Reads a table. The fields of a line are parted by commas, semicolons or tabs; a field in quotes may have these in it.
    ///
    /// # Errors
    ///
    /// Where its first line names no column of files, or no other column that is known.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let head = |separator| records(text, separator).next().unwrap_or_default();
        let place = |head: &[String], names: &[&str]| {
            names.iter().find_map(|name| head.iter().position(|cell| cell.trim().to_lowercase() == **name))
        };
        let separator = [',', ';', '\t'].into_iter().find(|separator| place(&head(*separator), &FILE).is_some());
        let head = head(separator.unwrap_or(','));
        let (Some(separator), Some(file)) = (separator, place(&head, &FILE)) else {
            return Err(TableError::NoFile(head));
        };
        let [group, tags, class] = [GROUP.as_slice(), &TAGS, &CLASS].map(|names| place(&head, names));
        if group.or(tags).or(class).is_none() {
            return Err(TableError::NothingElse);
        }
        let rows = records(text, separator).skip(1).filter_map(|cells| {
            let cell = |place: Option<usize>| place.and_then(|place| cells.get(place)).map(|cell| cell.trim());
            let some = |place| cell(place).filter(|text| !text.is_empty()).map(str::to_owned);
            let file = some(Some(file))?.replace('\\', "/");
            Some(Row { file, group: some(group), tags: cell(tags).map(split_tags), class: some(class) })
        });
        Ok(Self { rows: rows.collect() })
    }

    /// Notes on clips what it says of them. Clips are found by their file's name, with its ending or without; where several
    /// are called alike, by their class, which the file's folder names.
    pub(super) fn apply(&self, classes: &mut Vec<Class>) -> Applied {
        let mut applied = Applied::default();
        let places = places(classes);
        let mut moves: Vec<([usize; 2], &str)> = Vec::new();
        let mut touched = BTreeSet::new();
        for row in &self.rows {
            let Some([class, clip]) = row.find(&places, classes) else {
                applied.unmatched.push(row.file.clone());
                continue;
            };
            let entry = &mut classes[class].clips[clip];
            touched.insert([class, clip]);
            entry.group = row.group.clone().or(entry.group.take());
            if let Some(tags) = &row.tags {
                entry.tags.clone_from(tags);
            }
            let other = row.class.as_deref().filter(|name| *name != classes[class].name);
            moves.extend(other.map(|name| ([class, clip], name)));
        }
        applied.clips = touched.len();
        applied.emptied = shift(classes, moves);
        applied
    }
}

/// The clips of a name, in lower case, as places of class and clip.
type Places = HashMap<String, Vec<[usize; 2]>>;

/// Every clip under its file's name, and under that without its ending.
fn places(classes: &[Class]) -> Places {
    let mut places = Places::new();
    for (class, clips) in classes.iter().map(|class| &class.clips).enumerate() {
        for (clip, entry) in clips.iter().enumerate() {
            let name = entry.name.to_lowercase();
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
                // The table may name the class in the path or in a column of its own.
                let folder = parts.next().or(self.class.as_deref())?;
                let mut own = several.iter().filter(|[class, _]| classes[*class].name == folder);
                own.next().filter(|_| own.next().is_none()).copied()
            }
        }
    }
}

/// Moves clips to classes of these names; names of the classes that have no clips any more.
fn shift(classes: &mut Vec<Class>, mut moves: Vec<([usize; 2], &str)>) -> Vec<String> {
    // The last clips first, so that the places of the others stay.
    moves.sort_by_key(|moved| std::cmp::Reverse(moved.0));
    moves.dedup_by_key(|(place, _)| *place);
    let mut left = BTreeSet::new();
    let mut taken = Vec::new();
    for ([class, clip], name) in moves {
        left.insert(class);
        taken.push((classes[class].clips.remove(clip), name));
    }
    for (entry, name) in taken.into_iter().rev() {
        let place = classes.iter().position(|class| class.name == name).unwrap_or_else(|| {
            classes.push(Class { name: name.to_owned(), clips: Vec::new() });
            classes.len() - 1
        });
        if !classes[place].clips.iter().any(|own| own.id == entry.id) {
            classes[place].clips.push(entry);
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
    for tag in cell.split([';', '|']).map(str::trim).filter(|tag| !tag.is_empty()) {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// The lines of a table as fields (RFC 4180); empty lines are none. A quote that is never closed ends with the text.
fn records(text: &str, separator: char) -> impl Iterator<Item = Vec<String>> {
    let mut letters = text.chars().peekable();
    std::iter::from_fn(move || {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        loop {
            match letters.next() {
                Some('"') if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cell.push('"');
                }
                Some('"') if quoted || cell.is_empty() => quoted = !quoted,
                Some(letter) if quoted => cell.push(letter),
                Some('\r') if letters.peek() == Some(&'\n') => {}
                Some(letter) if letter == separator => cells.push(std::mem::take(&mut cell)),
                Some('\n' | '\r') if cells.is_empty() && cell.is_empty() => {}
                Some('\n' | '\r') => break,
                Some(letter) => cell.push(letter),
                None if cells.is_empty() && cell.is_empty() => return None,
                None => break,
            }
        }
        cells.push(cell);
        Some(cells)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::train::class::Entry;
    use crate::view::train::dataset::Dataset;

    fn dataset(clips: &[&str]) -> Dataset {
        let mut dataset = Dataset::default();
        let clip = |path: &&str| {
            let (class, name) = path.split_once('/').unwrap();
            (class.to_owned(), Entry::new((*path).to_owned(), name.to_owned()))
        };
        dataset.add(clips.iter().map(clip).collect());
        dataset
    }

    fn shown(dataset: &Dataset) -> Vec<String> {
        let of = |class: &Class| {
            let clip = |clip: &Entry| {
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
        assert_eq!(shown(&dataset), expected);
        assert!(dataset.undo());
        assert_eq!(shown(&dataset)[0], "jazz/one.wav - ");
    }

    #[test]
    fn a_table_in_semicolons_and_one_of_gtzan_are_read() {
        let mut dataset = dataset(&["a/blues.00001.wav", "a/jazz.00002.wav", "jazz/jazz.00003.wav"]);
        let table = "row;track;genre;split;artist_group\n0;blues.00001;blues;train;7\n1;jazz.00002;jazz;train;8\n";
        let applied = dataset.apply(&Table::parse(table).unwrap());
        assert_eq!((applied.clips, applied.unmatched.len()), (2, 0));
        let expected = ["jazz/jazz.00003.wav - ", "jazz/jazz.00002.wav 8 ", "blues/blues.00001.wav 7 "];
        assert_eq!(shown(&dataset), expected, "the folder that only held them is gone");
        assert!(dataset.undo());
        assert_eq!(dataset.classes().len(), 2);
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(Table::parse("name,artist\na,b"), Err(TableError::NoFile(named(&["name", "artist"]))));
        assert_eq!(Table::parse(""), Err(TableError::NoFile(Vec::new())));
        assert_eq!(Table::parse("file,year\na,b"), Err(TableError::NothingElse));
        assert_eq!(Table::parse("file,artist\n,b\n\"").unwrap(), Table::default());
    }

    #[test]
    fn lines_and_quotes_are_those_of_rfc_4180() {
        let found: Vec<Vec<String>> = records("a,\"b\nc\",d\"e\n\n,\n\"open,", ',').collect();
        assert_eq!(found, [vec!["a", "b\nc", "d\"e"], vec!["", ""], vec!["open,"]]);
    }
}
