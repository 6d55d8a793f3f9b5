//! Adds files to the dataset: archives are unpacked, clips are hashed, tables and descriptions of exported datasets are
//! read; then all of it becomes one change, which can be undone.

use std::collections::{BTreeMap, HashMap};
use std::rc::{Rc, Weak};

use sha2::{Digest, Sha256};
use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::{Inner, Page};
use crate::audio::begins_as_audio;
use crate::training_job::ClipId;
use crate::view::format;
use crate::view::train::class::{Class, DatasetClip, UNNAMED};
use crate::view::train::dataset_file::{self, DatasetFile};
use crate::view::train::file_names::{labels_of, sound_by_name, sources_of};
use crate::view::train::stage::Stage;
use crate::view::train::table::{self, Table, TableError};
use crate::view::train::table_text::TableText;
use crate::view::train::words::dataset as dataset_words;
use crate::view::train::words::dataset::{
    folder_choice, guessed_encoding, no_dataset_file, no_table, together, too_large, unreadable,
};
use crate::view::train::words::left_out;
use crate::web::client::UnpackError;
use crate::web::files::{path_of, read, read_in_pieces};
use crate::web::{dom, js};

/// So many bytes at the beginning of a file tell whether it is audio.
const START_BYTES: f64 = 16.0;

/// Work on the dataset that takes time. It ends if the page is gone or the user cancels it.
pub(super) struct DatasetTask {
    page: Weak<Inner>,
    number: u32,
}

impl DatasetTask {
    /// Begins, unless something else is running.
    pub(super) fn begin(page: &Page) -> Option<Self> {
        if page.0.training.borrow().is_locked() {
            return None;
        }
        page.cancel_dataset_task();
        page.change_training(|training| training.notice = None);
        Some(Self { page: Rc::downgrade(&page.0), number: page.0.task.get() })
    }

    /// The page, unless the task is cancelled.
    pub(super) fn page(&self) -> Option<Page> {
        self.page.upgrade().map(Page).filter(|page| page.0.task.get() == self.number)
    }

    /// Shows how far the task is.
    pub(super) fn report(&self, stage: Stage) -> Option<()> {
        self.page()?.change_training(|training| training.stage = stage);
        Some(())
    }

    /// Ends the task and shows these notes, after any that are shown already.
    pub(super) fn end(&self, notes: &[String]) -> Option<()> {
        self.page()?.change_training(|training| {
            training.stage = Stage::Idle;
            let all: Vec<String> = training.notice.take().into_iter().chain(notes.iter().cloned()).collect();
            training.notice = together(&all);
        });
        Some(())
    }
}

/// A file, and where it comes from.
struct FoundFile {
    /// Its path in the folder that was chosen or dropped, or in its archive, with composed accents.
    path: String,
    file: File,
    /// The number of its archive, from 1; 0 if it is in none.
    archive: usize,
    /// The class if neither its folder nor its name says one: the name of its archive.
    fallback: String,
    /// The class that it was dropped on or chosen for; its folder and name then do not matter.
    into: Option<Rc<str>>,
}

/// An audio file with its hash.
struct HashedFile {
    found: FoundFile,
    id: ClipId,
}

impl Page {
    /// Cancels work on the dataset: a task with an older number finds no page.
    pub(super) fn cancel_dataset_task(&self) {
        self.0.task.set(self.0.task.get().wrapping_add(1));
    }

    /// Adds files to the dataset: to a class, or to those that their folders or names say.
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
            // `None` if it was cancelled: there is nothing to report.
            import(&task, files, into.map(Rc::from)).await;
        });
    }

    /// Adds classes; returns how many of their clips were there already.
    fn add(&self, classes: Vec<Class>, multi_label: bool) -> usize {
        let mut known = 0;
        self.change_training(|training| {
            known = training.dataset.add_classes(classes);
            if multi_label {
                training.dataset.want_tags(true);
            }
        });
        known
    }

    /// Keeps the files, and asks for the thumbnails that are missing.
    fn keep_files(&self, files: Vec<(ClipId, File)>) {
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
    let mut found = unpacked(task, files, into.as_ref(), &mut notes).await?;
    // Browsers list the files of a folder in any order.
    // The order of the classes is that of their paths.
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let (descriptions, found): (Vec<FoundFile>, Vec<FoundFile>) =
        found.into_iter().partition(|found| found.is_description());
    let (tables, found): (Vec<FoundFile>, Vec<FoundFile>) = found.into_iter().partition(FoundFile::is_table);
    let (clips, mut others) = hashed(task, found, descriptions.len() + tables.len(), &mut notes).await?;
    let descriptions = read_descriptions(descriptions, &mut notes).await;
    let tables = read_tables(tables, &mut notes, &mut others).await;
    let page = task.page()?;
    let multi_label = descriptions.iter().any(|(_, description)| description.multi_label());
    let classes = classes_of(&descriptions, &clips, &mut notes);
    page.keep_files(clips.into_iter().map(|clip| (clip.id, clip.found.file)).collect());
    let known = page.add(classes, multi_label);
    notes.extend(left_out(known, &others));
    for (name, table) in tables {
        let mut applied = None;
        page.change_training(|training| applied = Some(training.dataset.apply(&table)));
        notes.extend(applied.map(|applied| dataset_words::table(&name, &applied)));
    }
    task.end(&notes)
}

/// The files, with archives among them replaced by what they contain.
async fn unpacked(
    task: &DatasetTask,
    files: Vec<File>,
    into: Option<&Rc<str>>,
    notes: &mut Vec<String>,
) -> Option<Vec<FoundFile>> {
    let mut found = Vec::new();
    let note = |path: &str, file, archive, fallback: &str| {
        let fallback = fallback.to_owned();
        FoundFile { path: js::composed(path), file, archive, fallback, into: into.cloned() }
    };
    for (place, file) in files.into_iter().enumerate() {
        let path = path_of(&file);
        if !path.to_lowercase().ends_with(".zip") {
            found.push(note(&path, file, 0, UNNAMED));
            continue;
        }
        // Without `.zip`.
        let fallback = js::composed(file.name()[..file.name().len() - 4].trim());
        let fallback = if fallback.is_empty() { UNNAMED.to_owned() } else { fallback };
        let page = task.page()?;
        let engines = page.0.engines.borrow().clone();
        let reporter = DatasetTask { page: task.page.clone(), number: task.number };
        let report = Box::new(move |done| {
            // `None` if it was cancelled.
            reporter.report(Stage::Adding { done, total: 0 });
        });
        task.report(Stage::Adding { done: 0, total: 0 })?;
        drop(page);
        let unpacked = match engines {
            Some(engines) => engines.unpack(file.clone(), report).await,
            None => Err(UnpackError::Failed(dataset_words::NO_ENGINE.to_owned())),
        };
        match unpacked {
            Ok(unpacked) => {
                notes.extend(unpacked.left_out);
                let own = unpacked.files.into_iter();
                found.extend(own.map(|(path, file)| note(&path, file, place + 1, &fallback)));
            }
            Err(UnpackError::Cancelled) => {}
            Err(UnpackError::Failed(reason)) => notes.push(format::sentence(reason)),
        }
    }
    Some(found)
}

/// The audio files with the SHA-256 of their bytes, and the paths of other files.
async fn hashed(
    task: &DatasetTask,
    found: Vec<FoundFile>,
    before: usize,
    notes: &mut Vec<String>,
) -> Option<(Vec<HashedFile>, Vec<String>)> {
    let total = found.len() + before;
    let (mut clips, mut others) = (Vec::new(), Vec::new());
    for (done, found) in found.into_iter().enumerate() {
        task.report(Stage::Adding { done, total })?;
        let is_sound = match sound_by_name(&found.path) {
            Some(is_sound) => is_sound,
            None => begins_as_sound(&found.file).await,
        };
        if !is_sound {
            others.push(found.path);
            continue;
        }
        match clip_id(&found.file).await {
            Some(id) => clips.push(HashedFile { found, id }),
            None => notes.push(unreadable(&found.path)),
        }
    }
    Some((clips, others))
}

/// True if a file is audio by its first bytes.
async fn begins_as_sound(file: &File) -> bool {
    let Ok(start) = file.slice_with_f64_and_f64(0.0, START_BYTES) else { return false };
    read(&start, START_BYTES as usize).await.is_some_and(|start| begins_as_audio(&start))
}

/// The SHA-256 of a file, hexadecimal; `None` if it cannot be read.
async fn clip_id(file: &File) -> Option<ClipId> {
    let mut digest = Sha256::new();
    if let Err(error) = read_in_pieces(file, |piece| digest.update(piece)).await {
        log::warn!("{} cannot be read: {}", file.name(), dom::describe(&error));
        return None;
    }
    Some(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The descriptions of exported datasets, each with the folder that its clips are in.
async fn read_descriptions(found: Vec<FoundFile>, notes: &mut Vec<String>) -> Vec<(String, DatasetFile)> {
    let mut descriptions = Vec::new();
    for found in found {
        let folder = found.path[..found.path.len() - dataset_file::NAME.len()].to_owned();
        // Composed as the paths that it names are.
        let parsed = |json: Vec<u8>| match str::from_utf8(&json) {
            Ok(text) => DatasetFile::parse(js::composed(text).as_bytes()),
            Err(error) => Err(error.to_string()),
        };
        match read(&found.file, dataset_file::MOST_BYTES).await.map(parsed) {
            Some(Ok(description)) => descriptions.push((folder, description)),
            Some(Err(reason)) => notes.push(no_dataset_file(&found.path, &reason)),
            None => notes.push(found.trouble(dataset_file::MOST_BYTES)),
        }
    }
    descriptions
}

/// The tables, each with its name. Tables of other things in a folder are only named.
async fn read_tables(found: Vec<FoundFile>, notes: &mut Vec<String>, others: &mut Vec<String>) -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    for found in found {
        let Some(bytes) = read(&found.file, table::MOST_BYTES).await else {
            notes.push(found.trouble(table::MOST_BYTES));
            continue;
        };
        let TableText { text, is_guess } = TableText::decode(&bytes);
        match Table::parse(&js::composed(&text)) {
            Ok(table) => {
                notes.extend(is_guess.then(|| guessed_encoding(&found.file.name())));
                tables.push((found.file.name(), table));
            }
            // A folder of music often has lists of other things.
            Err(TableError::NoFile(_)) if found.path.contains('/') => others.push(found.path),
            Err(error) => notes.push(no_table(&found.file.name(), &error)),
        }
    }
    tables
}

/// The classes of exported datasets, and then those of other clips by their folders and names.
fn classes_of(descriptions: &[(String, DatasetFile)], clips: &[HashedFile], notes: &mut Vec<String>) -> Vec<Class> {
    let by_path: HashMap<&str, &ClipId> = clips.iter().map(|clip| (clip.found.path.as_str(), &clip.id)).collect();
    let mut described: std::collections::HashSet<String> = std::collections::HashSet::new();
    let mut classes = Vec::new();
    for (folder, description) in descriptions {
        let (own, missing) =
            description.classes(|file| by_path.get(format!("{folder}{file}").as_str()).copied().cloned());
        // Clips that a description names are not added once more by their folders.
        described.extend(description.files().map(|(_, file)| format!("{folder}{file}")));
        classes.extend(own);
        if !missing.is_empty() {
            notes.push(dataset_words::missing(&missing));
        }
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let others: Vec<&HashedFile> = clips.iter().filter(|clip| !described.contains(&clip.found.path)).collect();
    for (HashedFile { found, id }, label) in others.iter().zip(labels(&others, notes)) {
        let own = || label.unwrap_or_else(|| found.fallback.clone());
        // A class that was dropped on outranks folders and names.
        let label = found.into.as_ref().map_or_else(own, |class| class.to_string());
        let place = *places.entry(label.clone()).or_insert_with(|| {
            classes.push(Class { name: label, clips: Vec::new() });
            classes.len() - 1
        });
        classes[place].clips.push(DatasetClip::new(id.clone(), found.name().to_owned()));
    }
    classes
}

/// The classes of clips by their folders and names. Every archive is for itself, and so are dropped folders that are classes.
fn labels(clips: &[&HashedFile], notes: &mut Vec<String>) -> Vec<Option<String>> {
    let loose: Vec<usize> = (0..clips.len()).filter(|&place| clips[place].found.archive == 0).collect();
    let paths = |places: &[usize]| places.iter().map(|&place| clips[place].found.path.as_str()).collect::<Vec<_>>();
    let mut sources: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (&place, source) in loose.iter().zip(sources_of(&paths(&loose))) {
        sources.entry((0, source)).or_default().push(place);
    }
    for (place, clip) in clips.iter().enumerate().filter(|(_, clip)| clip.found.archive > 0) {
        sources.entry((clip.found.archive, 0)).or_default().push(place);
    }
    let mut labels = vec![None; clips.len()];
    for places in sources.into_values() {
        let found = labels_of(&paths(&places));
        // On a class, no folder counts.
        let choice = found.choice.filter(|_| clips[places[0]].found.into.is_none());
        notes.extend(choice.map(|choice| folder_choice(&choice)));
        places.into_iter().zip(found.of_files).for_each(|(place, label)| labels[place] = label);
    }
    labels
}

impl FoundFile {
    /// Without folders.
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_description(&self) -> bool {
        self.path.rsplit('/').next() == Some(dataset_file::NAME)
    }

    fn is_table(&self) -> bool {
        let path = self.path.to_lowercase();
        path.ends_with(".csv") || path.ends_with(".tsv")
    }

    /// Why it could not be read.
    fn trouble(&self, most: usize) -> String {
        if self.file.size() > most as f64 { too_large(&self.path, most) } else { unreadable(&self.path) }
    }
}
