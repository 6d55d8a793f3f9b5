//! Files that are taken into the collection: archives are emptied, clips get their identity, tables and the descriptions
//! of sets are read; then all of it becomes one change.

use std::collections::HashMap;
use std::rc::{Rc, Weak};

use sha2::{Digest, Sha256};
use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::{Inner, Page};
use crate::training_job::ClipId;
use crate::view::format;
use crate::view::train::class::{Class, Entry};
use crate::view::train::dataset_file::{self, DatasetFile};
use crate::view::train::file_names::{is_sound, labels_of};
use crate::view::train::stage::Stage;
use crate::view::train::table::{self, Table, TableError};
use crate::view::train::words::dataset as dataset_words;
use crate::view::train::words::dataset::{no_set, no_table, together, too_large, unreadable};
use crate::view::train::words::left_out;
use crate::web::dom;
use crate::web::files::{path_of, read, read_in_pieces};

/// Where clips go whose files bring no label.
const UNNAMED: &str = "new class";

/// Work on the collection that takes its time. It is over where the page is gone, or somebody gave it up.
pub(super) struct DatasetTask {
    page: Weak<Inner>,
    number: u32,
}

impl DatasetTask {
    /// Begins, where nothing else is under way.
    pub(super) fn begin(page: &Page) -> Option<Self> {
        if page.0.training.borrow().is_busy() {
            return None;
        }
        page.end_turn();
        page.change_training(|training| training.notice = None);
        Some(Self { page: Rc::downgrade(&page.0), number: page.0.task.get() })
    }

    /// The page, unless this is over.
    pub(super) fn page(&self) -> Option<Page> {
        self.page.upgrade().map(Page).filter(|page| page.0.task.get() == self.number)
    }

    /// Tells how far it is.
    pub(super) fn tell(&self, stage: Stage) -> Option<()> {
        self.page()?.change_training(|training| training.stage = stage);
        Some(())
    }

    /// The end: nothing is under way any more, and this is said of it, after what was said meanwhile.
    pub(super) fn end(&self, notes: &[String]) -> Option<()> {
        self.page()?.change_training(|training| {
            training.stage = Stage::Idle;
            let all: Vec<String> = training.notice.take().into_iter().chain(notes.iter().cloned()).collect();
            training.notice = together(&all);
        });
        Some(())
    }
}

/// A file, and where it was found.
struct Found {
    /// From what was chosen or dropped, or in its archive.
    path: String,
    file: File,
    /// The label where neither folder nor name bring one: the archive's name.
    otherwise: String,
    /// The class that it was dropped on or chosen for, whatever its folder and name say.
    into: Option<Rc<str>>,
}

/// A clip that is new, as far as this change knows.
struct Identified {
    found: Found,
    id: ClipId,
}

impl Page {
    /// Gives up what is under way in the collection.
    pub(super) fn end_turn(&self) {
        self.0.task.set(self.0.task.get().wrapping_add(1));
    }

    /// Takes files into the collection: into a class, or under the labels that they bring.
    pub(super) fn collect(&self, files: Vec<File>, into: Option<String>) {
        if files.is_empty() {
            return;
        }
        let Some(task) = DatasetTask::begin(self) else {
            return self.change_training(|training| training.notice = Some(dataset_words::NOT_NOW.to_owned()));
        };
        let (done, total) = (0, files.len());
        self.change_training(|training| training.stage = Stage::Adding { done, total });
        spawn_local(async move {
            // `None` where it was given up: there is nothing to tell.
            import(&task, files, into.map(Rc::from)).await;
        });
    }

    /// Adds what was gathered; how many clips were there already.
    fn add(&self, classes: Vec<Class>, multi_label: bool) -> usize {
        let mut architectures = 0;
        self.change_training(|training| {
            architectures = training.dataset.add_classes(classes);
            if multi_label {
                training.dataset.want_tags(true);
            }
        });
        architectures
    }

    /// Holds the files, and has those looked at that nobody has seen yet.
    fn hold(&self, files: Vec<(ClipId, File)>) {
        let seen = |clip: &ClipId| self.0.training.borrow().thumbnails.contains_key(clip);
        let mut clips = self.0.clips.borrow_mut();
        let mut new = Vec::new();
        for (id, file) in files {
            if clips.insert(id.clone(), file.clone()).is_none() && !seen(&id) {
                new.push((id, file));
            }
        }
        drop(clips);
        self.with_engines(|engines| engines.make_thumbnails(new));
    }
}

async fn import(task: &DatasetTask, files: Vec<File>, into: Option<Rc<str>>) -> Option<()> {
    let mut notes = Vec::new();
    let mut found = opened(task, files, into.as_ref(), &mut notes).await?;
    // Browsers give a folder's files in any order.
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let (sets, found): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|found| found.is_set());
    let (tables, found): (Vec<Found>, Vec<Found>) = found.into_iter().partition(Found::is_table);
    let (clips, mut others) = identified(task, found, sets.len() + tables.len()).await?;
    let sets = read_sets(sets, &mut notes).await;
    let tables = read_tables(tables, &mut notes, &mut others).await;
    let page = task.page()?;
    let multi_label = sets.iter().any(|(_, set)| set.multi_label());
    let classes = classes_of(&sets, &clips, &mut notes);
    page.hold(clips.into_iter().map(|clip| (clip.id, clip.found.file)).collect());
    let architectures = page.add(classes, multi_label);
    notes.extend(left_out(architectures, others));
    for (name, table) in tables {
        let mut applied = None;
        page.change_training(|training| applied = Some(training.dataset.apply(&table)));
        notes.extend(applied.map(|applied| dataset_words::table(&name, &applied)));
    }
    task.end(&notes)
}

/// The files, and those in archives among them in the place of these.
async fn opened(
    task: &DatasetTask,
    files: Vec<File>,
    into: Option<&Rc<str>>,
    notes: &mut Vec<String>,
) -> Option<Vec<Found>> {
    let mut found = Vec::new();
    let note = |path, file, otherwise: &str| {
        let otherwise = otherwise.to_owned();
        Found { path, file, otherwise, into: into.cloned() }
    };
    for file in files {
        let path = path_of(&file);
        if !path.to_lowercase().ends_with(".zip") {
            found.push(note(path, file, UNNAMED));
            continue;
        }
        let otherwise = file.name()[..file.name().len() - 4].trim().to_owned();
        let otherwise = if otherwise.is_empty() { UNNAMED.to_owned() } else { otherwise };
        let page = task.page()?;
        let engines = page.0.engines.borrow().clone();
        let teller = DatasetTask { page: task.page.clone(), number: task.number };
        let tell = Box::new(move |done| {
            // `None` where it was given up.
            teller.tell(Stage::Adding { done, total: 0 });
        });
        task.tell(Stage::Adding { done: 0, total: 0 })?;
        drop(page);
        let unpacked = match engines {
            Some(engines) => engines.unpack(file.clone(), tell).await,
            None => Err(dataset_words::NO_ENGINE.to_owned()),
        };
        match unpacked {
            Ok(unpacked) => {
                notes.extend(unpacked.left_out);
                let own = unpacked.files.into_iter();
                found.extend(own.map(|(path, file)| note(path, file, &otherwise)));
            }
            Err(reason) if reason.is_empty() => {}
            Err(reason) => notes.push(format::sentence(reason)),
        }
    }
    Some(found)
}

/// The sounds among the files, each by the SHA-256 of its bytes, and how many others there are.
async fn identified(task: &DatasetTask, found: Vec<Found>, before: usize) -> Option<(Vec<Identified>, usize)> {
    let total = found.len() + before;
    let (mut clips, mut others) = (Vec::new(), 0);
    for (done, found) in found.into_iter().enumerate() {
        task.tell(Stage::Adding { done, total })?;
        let id = if is_sound(&found.path) { clip_id(&found.file).await } else { None };
        match id {
            Some(id) => clips.push(Identified { found, id }),
            None => others += 1,
        }
    }
    Some((clips, others))
}

/// The SHA-256 of a file. `None` where it cannot be read.
async fn clip_id(file: &File) -> Option<ClipId> {
    let mut digest = Sha256::new();
    if let Err(error) = read_in_pieces(file, |piece| digest.update(piece)).await {
        log::warn!("{} cannot be read: {}", file.name(), dom::describe(&error));
        return None;
    }
    Some(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The descriptions of sets, each with the folder that its clips are under.
async fn read_sets(found: Vec<Found>, notes: &mut Vec<String>) -> Vec<(String, DatasetFile)> {
    let mut sets = Vec::new();
    for found in found {
        let folder = found.path[..found.path.len() - dataset_file::NAME.len()].to_owned();
        match read(&found.file, dataset_file::MOST_BYTES).await.map(|json| DatasetFile::parse(&json)) {
            Some(Ok(set)) => sets.push((folder, set)),
            Some(Err(reason)) => notes.push(no_set(&found.path, &reason)),
            None => notes.push(found.trouble(dataset_file::MOST_BYTES)),
        }
    }
    sets
}

/// The tables, each with its name. In a folder there may be some of other things: these are only counted.
async fn read_tables(found: Vec<Found>, notes: &mut Vec<String>, others: &mut usize) -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    for found in found {
        let Some(bytes) = read(&found.file, table::MOST_BYTES).await else {
            notes.push(found.trouble(table::MOST_BYTES));
            continue;
        };
        match Table::parse(&String::from_utf8_lossy(&bytes)) {
            Ok(table) => tables.push((found.file.name(), table)),
            Err(TableError::NoFile(_)) if found.path.contains('/') => *others += 1,
            Err(error) => notes.push(no_table(&found.file.name(), &error)),
        }
    }
    tables
}

/// The classes of sets as they are described, and then those of other clips by the labels that they bring.
fn classes_of(sets: &[(String, DatasetFile)], clips: &[Identified], notes: &mut Vec<String>) -> Vec<Class> {
    let by_path: HashMap<&str, &ClipId> = clips.iter().map(|clip| (clip.found.path.as_str(), &clip.id)).collect();
    let mut described: std::collections::HashSet<String> = std::collections::HashSet::new();
    let mut classes = Vec::new();
    for (folder, set) in sets {
        let (own, missing) = set.classes(|file| by_path.get(format!("{folder}{file}").as_str()).copied().cloned());
        described.extend(set.files().map(|(_, file)| format!("{folder}{file}")));
        classes.extend(own);
        if !missing.is_empty() {
            notes.push(dataset_words::missing(&missing));
        }
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let others: Vec<&Identified> = clips.iter().filter(|clip| !described.contains(&clip.found.path)).collect();
    let paths: Vec<&str> = others.iter().map(|clip| clip.found.path.as_str()).collect();
    for (Identified { found, id }, label) in others.iter().zip(labels_of(&paths)) {
        let own = || label.unwrap_or_else(|| found.otherwise.clone());
        let label = found.into.as_ref().map_or_else(own, |class| class.to_string());
        let place = *places.entry(label.clone()).or_insert_with(|| {
            classes.push(Class { name: label, clips: Vec::new() });
            classes.len() - 1
        });
        classes[place].clips.push(Entry::new(id.clone(), found.file.name()));
    }
    classes
}

impl Found {
    fn is_set(&self) -> bool {
        self.path.rsplit('/').next() == Some(dataset_file::NAME)
    }

    fn is_table(&self) -> bool {
        let path = self.path.to_lowercase();
        path.ends_with(".csv") || path.ends_with(".tsv")
    }

    /// Why it was not read.
    fn trouble(&self, most: usize) -> String {
        if self.file.size() > most as f64 { too_large(&self.path, most) } else { unreadable(&self.path) }
    }
}
