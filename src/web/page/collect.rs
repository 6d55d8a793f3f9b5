//! What people do with their collection: add clips, name classes, move and remove, play.

use std::rc::{Rc, Weak};

use js_sys::{Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, Event, File, HtmlElement, HtmlInputElement};

use super::input::{on, with};
use super::{Inner, Page};
use crate::lesson::ClipId;
use crate::view::collection::{Entry, label_of};
use crate::view::teach::Stage;
use crate::view::words::teach as words;
use crate::web::dom::{self, DomError, Listener, by_id};
use crate::web::files::take_chosen;

/// Where clips go whose files bring no label.
const UNNAMED: &str = "new class";
/// Endings of files that are taken from a folder; others in it (pictures, lists) are no mistake.
const SOUNDS: [&str; 16] = [
    "wav", "wave", "rf64", "bw64", "au", "snd", "aif", "aiff", "mp3", "flac", "ogg", "oga", "opus", "m4a", "aac", "mp4",
];
/// Bytes that are read at once.
const PIECE: f64 = (4 << 20) as f64;

/// What people do with their collection.
pub fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let mut listeners = Vec::new();
    for id in ["teach-files", "teach-folder"] {
        let input: HtmlInputElement = by_id(document, id)?;
        let own = input.clone();
        listeners.push(on(weak, &input, "change", move |page, _: Event| page.collect(take_chosen(&own)))?);
    }
    let undo: HtmlElement = by_id(document, "teach-undo")?;
    listeners.push(on(weak, &undo, "click", |page, _: Event| {
        page.change_teaching(|teaching| {
            teaching.collection.undo();
        });
    })?);
    let form: Element = by_id(document, "class-form")?;
    listeners.push(on(weak, &form, "submit", |page, event: Event| {
        event.prevent_default();
        page.add_class();
    })?);
    let classes: Element = by_id(document, "teach-classes")?;
    for kind in ["click", "change"] {
        listeners.push(on(weak, &classes, kind, move |page, event: Event| page.act_on_class(kind, &event))?);
    }
    Ok(listeners)
}

impl Page {
    /// Takes files into the collection, under the labels that they bring.
    pub(super) fn collect(&self, mut files: Vec<File>) {
        if files.is_empty() || self.0.teaching.borrow().is_busy() {
            return;
        }
        // Browsers give a folder's files in any order.
        files.sort_by_key(path_of);
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            let (total, mut clips, mut others) = (files.len(), Vec::new(), 0);
            for (done, file) in files.into_iter().enumerate() {
                with(&weak, |page| page.change_teaching(|teaching| teaching.stage = Stage::Adding { done, total }));
                let path = path_of(&file);
                if !sounds(&path) {
                    others += 1;
                    continue;
                }
                let Some(id) = clip_id(&file).await else {
                    others += 1;
                    continue;
                };
                let label = label_of(&path).unwrap_or_else(|| UNNAMED.to_owned());
                clips.push((label, Entry { id: id.clone(), name: file.name(), seconds: None, trouble: None }));
                with(&weak, |page| drop(page.0.clips.borrow_mut().insert(id, file)));
            }
            with(&weak, |page| {
                page.change_teaching(|teaching| {
                    teaching.stage = Stage::Idle;
                    let known = teaching.collection.add(clips);
                    teaching.notice = words::left_out(known, others);
                });
            });
        });
    }

    fn add_class(&self) {
        let Ok(input) = by_id::<HtmlInputElement>(&self.0.document, "class-name") else { return };
        let name = input.value();
        input.set_value("");
        self.change_teaching(|teaching| teaching.collection.add_class(&name));
    }

    /// A button, a choice or a name in the list of classes.
    fn act_on_class(&self, kind: &str, event: &Event) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let key = |name: &str| target.get_attribute(name).unwrap_or_default();
        let (act, class, clip) = (key("data-act"), key("data-class"), key("data-clip"));
        if self.0.teaching.borrow().is_busy() && act != "play" {
            return;
        }
        let value = Reflect::get(&target, &"value".into()).ok().and_then(|value| value.as_string()).unwrap_or_default();
        match (kind, act.as_str()) {
            ("click", "remove-class") => self.change_teaching(|teaching| teaching.collection.remove_class(&class)),
            ("click", "remove") => self.change_teaching(|teaching| teaching.collection.remove(&class, &clip)),
            ("click", "play") => self.play(&clip),
            ("change", "move") => self.change_teaching(|teaching| teaching.collection.shift(&class, &clip, &value)),
            ("change", "rename") => self.change_teaching(|teaching| teaching.collection.rename(&class, &value)),
            _ => {}
        }
    }

    pub(super) fn play(&self, clip: &str) {
        let Some(file) = self.0.clips.borrow().get(clip).cloned() else { return };
        if let Err(error) = self.0.teach.play(&file) {
            log::warn!("{} is not played: {error}", file.name());
        }
    }
}

/// A file's path in the folder that was chosen; its name, where it was chosen alone.
fn path_of(file: &File) -> String {
    let path = Reflect::get(file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string());
    path.filter(|path| !path.is_empty()).unwrap_or_else(|| file.name())
}

fn sounds(path: &str) -> bool {
    let ending = path.rsplit('.').next().unwrap_or_default().to_lowercase();
    SOUNDS.contains(&ending.as_str()) && !path.rsplit('/').next().unwrap_or_default().starts_with('.')
}

/// The SHA-256 of a file, read piece by piece: a recording may be of any length. `None` where it cannot be read.
async fn clip_id(file: &File) -> Option<ClipId> {
    let mut digest = Sha256::new();
    let mut at = 0.0;
    while at < file.size() {
        let end = (at + PIECE).min(file.size());
        let piece = async { JsFuture::from(file.slice_with_f64_and_f64(at, end)?.array_buffer()).await };
        match piece.await {
            Ok(buffer) => digest.update(Uint8Array::new(&buffer).to_vec()),
            Err(error) => {
                log::warn!("{} cannot be read: {}", file.name(), dom::describe(&error));
                return None;
            }
        }
        at = end;
    }
    Some(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
