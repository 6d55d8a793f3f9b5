//! What people do in the page's place for teaching: collect clips, hold a lesson, use what came of it.

use std::rc::{Rc, Weak};

use js_sys::{Array, Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, Document, Element, Event, File, HtmlElement, HtmlInputElement, Url};

use super::input::{on, with};
use super::teach::disable;
use super::{Inner, Page};
use crate::lesson::{ClipId, Lesson};
use crate::protocol::Steering;
use crate::view::collection::{Entry, label_of};
use crate::view::teach::{Stage, Teaching};
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

/// What a button does.
type Act = fn(&Page);

/// What people do in this place.
pub fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let mut listeners = Vec::new();
    for (id, view) in [("view-listen", "listen"), ("view-teach", "teach")] {
        let button: HtmlElement = by_id(document, id)?;
        listeners.push(on(weak, &button, "click", move |page, _: Event| page.show_view(view))?);
        // Until now a press would have been lost.
        disable(&button, false)?;
    }
    for id in ["teach-files", "teach-folder"] {
        let input: HtmlInputElement = by_id(document, id)?;
        let own = input.clone();
        listeners.push(on(weak, &input, "change", move |page, _: Event| page.collect(take_chosen(&own)))?);
    }
    let clicks: [(&str, Act); 7] = [
        ("teach-undo", |page| {
            page.change_teaching(|teaching| {
                teaching.collection.undo();
            })
        }),
        ("teach-start", Page::begin_lesson),
        ("teach-hold", Page::hold_or_go_on),
        ("teach-finish", |page| page.steer_lesson(Steering::Finish)),
        ("teach-stop", |page| page.with_engines(|engines| engines.stop_teaching())),
        ("taught-use", Page::use_taught),
        ("taught-save", Page::save_taught),
    ];
    for (id, act) in clicks {
        listeners.push(on(weak, &by_id(document, id)?, "click", move |page, _: Event| act(page))?);
    }
    for id in ["teach-pupil", "teach-preset"] {
        listeners.push(on(weak, &by_id(document, id)?, "change", |page, _: Event| {
            page.0.teach.suggest(page.0.teaching.borrow().collection.clips());
        })?);
    }
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
    fn show_view(&self, view: &str) {
        if let Err(error) = self.0.teach.show(view) {
            log::error!("the page stays where it is: {error}");
        }
        self.request_frame();
    }

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

    fn play(&self, clip: &str) {
        let Some(file) = self.0.clips.borrow().get(clip).cloned() else { return };
        if let Err(error) = self.0.teach.play(&file) {
            log::warn!("{} is not played: {error}", file.name());
        }
    }

    fn begin_lesson(&self) {
        let place = &self.0.teach;
        let (labels, clips) = self.0.teaching.borrow().collection.lesson();
        let held = self.0.clips.borrow();
        let files: Vec<File> = clips.iter().filter_map(|clip| held.get(&clip.id).cloned()).collect();
        drop(held);
        if files.len() != clips.len() {
            return self.change_teaching(|teaching| {
                teaching.error = Some(words::FILES_GONE.to_owned());
            });
        }
        let (student, recipe) = place.settings(clips.len());
        let name = place.name(self.0.state.borrow().catalogue.as_deref());
        self.change_teaching(Teaching::begin);
        let lesson = Lesson { name, labels, many_labels: false, student, clips, recipe };
        self.with_engines(|engines| engines.teach(lesson, files, place.share()));
    }

    fn hold_or_go_on(&self) {
        let held = matches!(self.0.teaching.borrow().stage, Stage::Training { steering: Steering::Hold, .. });
        self.steer_lesson(if held { Steering::Go } else { Steering::Hold });
    }

    fn steer_lesson(&self, steering: Steering) {
        self.change_teaching(|teaching| teaching.steer(steering));
        self.with_engines(|engines| engines.steer(steering));
    }

    /// The name of the network that was taught last.
    fn taught(&self) -> Option<String> {
        self.0.teaching.borrow().outcome.as_ref().map(|outcome| outcome.card.name.clone())
    }

    fn use_taught(&self) {
        if let Some(name) = self.taught() {
            self.use_network(&name);
            self.show_view("listen");
        }
    }

    fn save_taught(&self) {
        let Some(name) = self.taught() else { return };
        let engines = self.0.engines.borrow().clone();
        let Some(bytes) = engines.and_then(|engines| engines.own_weights(&name)) else { return };
        if let Err(error) = save(&self.0.document, &format!("{name}.safetensors"), &bytes) {
            log::error!("{name} could not be saved: {error}");
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

/// Hands a file to the browser, to be kept where it keeps downloads.
fn save(document: &Document, name: &str, bytes: &[u8]) -> Result<(), DomError> {
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link = dom::element(document, "a", "")?;
    link.set_attribute("href", &url)?;
    link.set_attribute("download", name)?;
    link.click();
    Ok(Url::revoke_object_url(&url)?)
}
