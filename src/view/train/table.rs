//! A table (CSV) with metadata of clips: their artists, tags and classes.

use std::collections::{BTreeSet, HashMap};
use std::iter;

use csv_core::ReadFieldResult;

use crate::view::train::class::Class;

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
        let head = |separator| records(text, separator).next().unwrap_or_default();
        let place = |head: &[String], names: &[&str]| {
            names.iter().find_map(|name| head.iter().position(|cell| cell.trim().to_lowercase() == **name))
        };
        // The separator is the one under which the first line names a column of files.
        let separator = [b',', b';', b'\t'].into_iter().find(|separator| place(&head(*separator), &FILE).is_some());
        let head = head(separator.unwrap_or(b','));
        let (Some(separator), Some(file)) = (separator, place(&head, &FILE)) else {
            return Err(TableError::NoFile(head));
        };
        let [group, tags, class] = [GROUP.as_slice(), &TAGS, &CLASS].map(|names| place(&head, names));
        if group.or(tags).or(class).is_none() {
            return Err(TableError::NothingElse);
        }
        // Windows programs write backslashes between folders.
        let rows = records(text, separator).skip(1).filter_map(|cells| {
            let cell = |place: Option<usize>| place.and_then(|place| cells.get(place)).map(|cell| cell.trim());
            let some = |place| cell(place).filter(|text| !text.is_empty()).map(str::to_owned);
            let file = some(Some(file))?.replace('\\', "/");
            Some(Row { file, group: some(group), tags: cell(tags).map(split_tags), class: some(class) })
        });
        Ok(Self { rows: rows.collect() })
    }

    /// Writes its metadata to the clips. A clip is found by its file name, with or without the extension; if several clips
    /// have that name, by their class, which the file's folder names.
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
            let own = &mut classes[class].clips[clip];
            touched.insert([class, clip]);
            own.group = row.group.clone().or(own.group.take());
            if let Some(tags) = &row.tags {
                own.tags.clone_from(tags);
            }
            // Moved after the loop: the indices in `places` have to stay valid until then.
            let other = row.class.as_deref().filter(|name| *name != classes[class].name);
            moves.extend(other.map(|name| ([class, clip], name)));
        }
        applied.clips = touched.len();
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
                let folder = parts.next().or(self.class.as_deref())?;
                let mut own = several.iter().filter(|[class, _]| classes[*class].name == folder);
                own.next().filter(|_| own.next().is_none()).copied()
            }
        }
    }
}

/// Moves clips to classes of these names; returns the names of the classes that are left without clips.
fn move_clips(classes: &mut Vec<Class>, mut moves: Vec<([usize; 2], &str)>) -> Vec<String> {
    // The last clips first: removing one does not change the indices of those before it.
    moves.sort_by_key(|moved| std::cmp::Reverse(moved.0));
    // The sort is stable: if a table names a clip twice, its first row decides.
    moves.dedup_by_key(|(place, _)| *place);
    let mut left = BTreeSet::new();
    let mut taken = Vec::new();
    for ([class, clip], name) in moves {
        left.insert(class);
        taken.push((classes[class].clips.remove(clip), name));
    }
    // Reversed again, so that the clips arrive in their original order.
    for (clip, name) in taken.into_iter().rev() {
        let place = classes.iter().position(|class| class.name == name).unwrap_or_else(|| {
            classes.push(Class { name: name.to_owned(), clips: Vec::new() });
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

/// The records of a table (RFC 4180), without empty lines. A record may have more or fewer fields than the first, and a
/// quote that is never closed ends with the text: tables are often written by hand.
fn records(text: &str, separator: u8) -> impl Iterator<Item = Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
    // No field is longer than the text. The reader wants room for one byte more before it ends a field.
    let mut field = vec![0; text.len() + 1];
    let mut rest = text.as_bytes();
    iter::from_fn(move || {
        let (mut fields, mut length) = (Vec::new(), 0);
        loop {
            let (result, read, written) = reader.read_field(rest, &mut field[length..]);
            rest = &rest[read..];
            length += written;
            match result {
                // The next call, with no input left, ends the last record.
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::Field { record_end } => {
                    fields.push(String::from_utf8_lossy(&field[..length]).into_owned());
                    length = 0;
                    if record_end {
                        return Some(fields);
                    }
                }
                ReadFieldResult::OutputFull | ReadFieldResult::End => return None,
            }
        }
    })
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
    fn lines_and_quotes_are_those_of_rfc_4180() {
        let found: Vec<Vec<String>> = records("a,\"b\nc\",d\"e\n\n,\n\"open,", b',').collect();
        assert_eq!(found, [vec!["a", "b\nc", "d\"e"], vec!["", ""], vec!["open,"]]);
        let marked: Vec<Vec<String>> = records("\u{feff}a\tb\rc\r\nd", b'\t').collect();
        assert_eq!(marked, [vec!["a", "b"], vec!["c"], vec!["d"]], "a byte order mark, and lines of any length");
    }
}
