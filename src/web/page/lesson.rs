//! What people do with a lesson: hold it, steer it, use what came of it. What they collect for it is in
//! [`collect`](super::collect).

use std::rc::Weak;

use js_sys::{Array, Uint8Array};
use web_sys::{Blob, Document, Event, File, HtmlElement, Url};

use super::input::on;
use super::teach::disable;
use super::{Inner, Page};
use crate::lesson::Lesson;
use crate::protocol::Steering;
use crate::view::teach::{Stage, Teaching};
use crate::view::words::teach as words;
use crate::web::dom::{self, DomError, Listener, by_id};

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
    let clicks: [(&str, Act); 6] = [
        ("teach-start", Page::begin_lesson),
        ("teach-hold", Page::hold_or_go_on),
        ("teach-finish", |page| page.steer_lesson(Steering::Finish)),
        ("teach-stop", Page::give_up),
        ("taught-use", Page::use_taught),
        ("taught-save", Page::save_taught),
    ];
    for (id, act) in clicks {
        listeners.push(on(weak, &by_id(document, id)?, "click", move |page, _: Event| act(page))?);
    }
    for id in ["teach-pupil", "teach-preset"] {
        listeners.push(on(weak, &by_id(document, id)?, "change", |page, _: Event| {
            page.0.teach.settings.suggest(page.0.teaching.borrow().collection.clips());
        })?);
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

    fn begin_lesson(&self) {
        let place = &self.0.teach.settings;
        let (labels, clips) = self.0.teaching.borrow().collection.lesson();
        let many_labels = self.0.teaching.borrow().collection.many_labels();
        let held = self.0.clips.borrow();
        let files: Vec<File> = clips.iter().filter_map(|clip| held.get(&clip.id).cloned()).collect();
        drop(held);
        if files.len() != clips.len() {
            return self.change_teaching(|teaching| {
                teaching.error = Some(words::FILES_GONE.to_owned());
            });
        }
        let (student, recipe) = place.wanted(clips.len());
        let name = place.name(self.0.state.borrow().catalogue.as_deref());
        self.change_teaching(Teaching::begin);
        let lesson = Lesson { name, labels, many_labels, student, clips, recipe };
        self.with_engines(|engines| engines.teach(lesson, files, place.share()));
    }

    /// Gives up what is under way: the lesson, or work on the collection.
    fn give_up(&self) {
        self.end_turn();
        self.with_engines(|engines| engines.stop_teaching());
        // Work on the collection tells nothing any more.
        self.change_teaching(|teaching| {
            if matches!(teaching.stage, Stage::Adding { .. } | Stage::Packing { .. }) {
                teaching.stage = Stage::Idle;
            }
        });
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
