//! The user's files: chosen, dropped or pasted, alone or in folders; read in pieces, and saved.

use std::rc::Rc;

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Blob, ClipboardEvent, DataTransfer, Document, DragEvent, Element, Event, File, FileList, FileSystemDirectoryEntry,
    FileSystemEntry, FileSystemFileEntry, HtmlInputElement, Url,
};

use super::dom::{self, DomError, Listener, describe};

/// The browser's property for a file's path in the chosen folder; empty if the file was chosen alone.
const PATH: &str = "webkitRelativePath";
/// Bytes that are read at once.
const PIECE: f64 = (4 << 20) as f64;

/// How long a saved file keeps its address, in milliseconds: some browsers read it only after a while.
const SAVED_MILLISECONDS: i32 = 60_000;

/// Set on the drop zone while files are dragged over the page.
const DRAG_OVER: &str = "data-over";

/// Called with files, and with the class that they were dropped on.
type Pick = Rc<dyn Fn(Vec<File>, Option<String>)>;

/// On an element that files can be dropped on: the class that they are added to.
pub(crate) const INTO: &str = "data-into";

/// Passes on the files that the user chooses, drops or pastes, until it is dropped.
#[derive(Debug)]
#[must_use = "a dropped picker passes on no files"]
pub struct Picker {
    _listeners: Vec<Listener>,
}

impl Picker {
    /// Watches a file input, and the whole document for drops and pastes; `zone` shows that a file may be dropped. A
    /// drop without files arrives as an empty list. The files of folders arrive later than others, in the order of
    /// their paths ([`path_of`]). Files that are dropped on an element with the attribute [`INTO`] come with its value.
    pub fn new(
        document: &Document,
        input: &HtmlInputElement,
        zone: &Element,
        pick: impl Fn(Vec<File>, Option<String>) + 'static,
    ) -> Result<Self, DomError> {
        let pick: Pick = Rc::new(pick);
        let mut listeners = vec![chosen(input, pick.clone())?, pasted(document, pick.clone())?];
        listeners.extend(dropped(document, zone, pick)?);
        Ok(Self { _listeners: listeners })
    }
}

/// Takes the files out of an input, so that the same file can be chosen again.
pub(crate) fn take_chosen(input: &HtmlInputElement) -> Vec<File> {
    let files = list(input.files());
    input.set_value("");
    files
}

fn chosen(input: &HtmlInputElement, pick: Pick) -> Result<Listener, DomError> {
    let own = input.clone();
    Listener::new(input, "change", move |_: Event| {
        let files = take_chosen(&own);
        // An empty choice is a closed dialogue, not a mistake.
        if !files.is_empty() {
            pick(files, None);
        }
    })
}

fn pasted(document: &Document, pick: Pick) -> Result<Listener, DomError> {
    Listener::new(document, "paste", move |event: ClipboardEvent| {
        let files = list(event.clipboard_data().and_then(|data| data.files()));
        if !files.is_empty() {
            pick(files, None);
        }
    })
}

/// On the whole document, because a file that misses the zone would otherwise replace the page.
fn dropped(document: &Document, zone: &Element, pick: Pick) -> Result<[Listener; 3], DomError> {
    let (entered, left, over) = (zone.clone(), zone.clone(), zone.clone());
    let enter = Listener::new(document, "dragover", move |event: DragEvent| {
        event.prevent_default();
        if let Some(data) = event.data_transfer() {
            data.set_drop_effect("copy");
        }
        mark(&entered, true);
    })?;
    let leave = Listener::new(document, "dragleave", move |event: DragEvent| {
        // Between two elements of the page there is a related target; there is none when the pointer leaves the page.
        if event.related_target().is_none() {
            mark(&left, false);
        }
    })?;
    let drop = Listener::new(document, "drop", move |event: DragEvent| {
        event.prevent_default();
        mark(&over, false);
        let (data, into) = (event.data_transfer(), into(&event));
        let files = list(data.as_ref().and_then(DataTransfer::files));
        // Must happen within the event: after it the list is empty.
        let entries = data.as_ref().map(entries).unwrap_or_default();
        if !entries.iter().any(FileSystemEntry::is_directory) {
            return pick(files, into);
        }
        let pick = pick.clone();
        spawn_local(async move { pick(walk(entries).await, into) });
    })?;
    Ok([enter, leave, drop])
}

fn into(event: &DragEvent) -> Option<String> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(&format!("[{INTO}]")).ok()??.get_attribute(INTO)
}

fn mark(zone: &Element, dragged_over: bool) {
    if let Err(error) = zone.toggle_attribute_with_force(DRAG_OVER, dragged_over) {
        log::warn!("the drop zone could not be marked: {}", describe(&error));
    }
}

/// The dropped items as entries of a file system; empty if the browser has no such interface.
fn entries(data: &DataTransfer) -> Vec<FileSystemEntry> {
    let items = data.items();
    (0..items.length()).filter_map(|place| items.get(place)?.webkit_get_as_entry().ok()?).collect()
}

/// All files in these entries, at any depth, in the order of their paths. Entries that cannot be read are logged and
/// skipped.
async fn walk(entries: Vec<FileSystemEntry>) -> Vec<File> {
    let mut waiting: Vec<(String, FileSystemEntry)> = entries.into_iter().map(|entry| (entry.name(), entry)).collect();
    let mut files = Vec::new();
    while let Some((path, entry)) = waiting.pop() {
        let outcome = if entry.is_directory() {
            let inside = children(entry.unchecked_into()).await;
            inside.map(|inside| waiting.extend(inside.into_iter().map(|own| (format!("{path}/{}", own.name()), own))))
        } else {
            file_at(entry.unchecked_into(), &path).await.map(|file| files.push((path.clone(), file)))
        };
        if let Err(error) = outcome {
            log::warn!("{path} cannot be read: {}", describe(&error));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files.into_iter().map(|(_, file)| file).collect()
}

/// The entries of a folder. Browsers return them in batches, and an empty one at the end.
async fn children(folder: FileSystemDirectoryEntry) -> Result<Vec<FileSystemEntry>, JsValue> {
    let reader = folder.create_reader();
    let mut children = Vec::new();
    loop {
        let batch = Promise::new(&mut |resolve, reject| {
            if let Err(error) = reader.read_entries_with_callback_and_callback(&resolve, &reject) {
                // `reject` is always callable.
                drop(reject.call1(&JsValue::NULL, &error));
            }
        });
        let batch = Array::from(&JsFuture::from(batch).await?);
        if batch.length() == 0 {
            return Ok(children);
        }
        children.extend(batch.iter().map(JsCast::unchecked_into));
    }
}

/// The file of an entry, with its path in the property that files of a chosen folder have.
async fn file_at(entry: FileSystemFileEntry, path: &str) -> Result<File, JsValue> {
    let file = Promise::new(&mut |resolve, reject| entry.file_with_callback_and_callback(&resolve, &reject));
    let file: File = JsFuture::from(file).await?.unchecked_into();
    let own = Object::new();
    Reflect::set(&own, &"value".into(), &path.into())?;
    // The browser's own property has only a getter; this one shadows it.
    Reflect::define_property(&file, &PATH.into(), &own)?;
    Ok(file)
}

/// A file's path in the folder that was chosen or dropped; its name if it came alone.
pub(crate) fn path_of(file: &File) -> String {
    let path = Reflect::get(file, &PATH.into()).ok().and_then(|path| path.as_string());
    path.filter(|path| !path.is_empty()).unwrap_or_else(|| file.name())
}

/// Reads a file piece by piece: it may be of any length, and between the pieces the page can react.
///
/// # Errors
///
/// What the browser throws, if the file was deleted or changed.
pub(crate) async fn read_in_pieces(file: &Blob, mut take: impl FnMut(&[u8])) -> Result<(), JsValue> {
    let mut at = 0.0;
    while at < file.size() {
        let end = (at + PIECE).min(file.size());
        let buffer = JsFuture::from(file.slice_with_f64_and_f64(at, end)?.array_buffer()).await?;
        take(&Uint8Array::new(&buffer).to_vec());
        at = end;
    }
    Ok(())
}

/// All bytes of a file; `None` if there are more than `most`, or it cannot be read.
pub async fn read(file: &Blob, most: usize) -> Option<Vec<u8>> {
    if file.size() > most as f64 {
        return None;
    }
    let mut bytes = Vec::new();
    read_in_pieces(file, |piece| bytes.extend_from_slice(piece)).await.ok()?;
    Some(bytes)
}

/// Saves a file as a download.
pub(crate) fn save(document: &Document, name: &str, file: &Blob) -> Result<(), DomError> {
    let url = Url::create_object_url_with_blob(file)?;
    let link = dom::element(document, "a", "")?;
    link.set_attribute("href", &url)?;
    link.set_attribute("download", name)?;
    link.click();
    // The browser may still be asking where to save it. It gives the address back itself when the page ends.
    spawn_local(async move {
        dom::sleep(SAVED_MILLISECONDS).await;
        if let Err(error) = Url::revoke_object_url(&url) {
            log::warn!("the address of a saved file could not be given back: {}", describe(&error));
        }
    });
    Ok(())
}

fn list(files: Option<FileList>) -> Vec<File> {
    files.map(|files| (0..files.length()).filter_map(|i| files.get(i)).collect()).unwrap_or_default()
}
