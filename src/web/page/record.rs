//! Records clips with the microphone.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use js_sys::{Array, Uint8Array};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, File, FilePropertyBag, HtmlInputElement};

use super::listen::{on, with};
use super::{Inner, Page};
use crate::audio::{Clip, to_wav};
use crate::view::train::class::{Class, DatasetClip, UNNAMED};
use crate::view::train::recording::{LONGEST_SECONDS, NotRecorded, Recording, free_name, is_silent};
use crate::view::train::words::dataset as words;
use crate::web::dom::{self, DomError, Listener, by_id};
use crate::web::recorder::Recorder;
use crate::web::weights_cache::sha256_hex;

/// Time between two updates of the level meter, in milliseconds.
const UPDATE_MILLISECONDS: i32 = 80;

/// Attaches the listeners of the microphone; the buttons of the classes have theirs in [`dataset`](super::dataset).
pub(super) fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    Ok(vec![
        on(weak, &by_id(document, "train-record")?, "click", |page, _: Event| page.record_into_named())?,
        on(weak, &by_id(document, "record-stop")?, "click", |page, _: Event| page.stop_recording())?,
    ])
}

impl Page {
    /// Records into the class that is named in the field, or into the last one.
    fn record_into_named(&self) {
        let input = by_id::<HtmlInputElement>(&self.0.document, "class-name");
        let named = input.ok().map(|input| {
            let name = input.value().trim().to_owned();
            input.set_value("");
            name
        });
        let last = || self.0.training.borrow().dataset.classes().last().map(|class| class.name.clone());
        let class = named.filter(|name| !name.is_empty()).or_else(last);
        self.record(class.unwrap_or_else(|| UNNAMED.to_owned()));
    }

    /// Records a clip into a class.
    pub(super) fn record(&self, class: String) {
        // One recording at a time, and none into a dataset that is in use.
        if self.0.training.borrow().is_locked() {
            return;
        }
        let stop = Rc::new(Cell::new(false));
        *self.0.recording.borrow_mut() = stop.clone();
        self.change_training(|training| {
            training.notice = None;
            training.recording = Some(Recording { class: class.clone(), seconds: None, level: 0.0 });
        });
        let weak = Rc::downgrade(&self.0);
        spawn_local(async move {
            if let Some(outcome) = recorded(&weak, &stop).await {
                with(&weak, |page| page.add_recording(class, outcome));
            }
        });
    }

    fn stop_recording(&self) {
        self.0.recording.borrow().set(true);
        // The browser may still be asking for permission; the user should not have to answer first.
        self.change_training(|training| {
            training.recording.take_if(|recording| recording.seconds.is_none());
        });
    }

    fn add_recording(&self, class: String, outcome: Result<Recorded, NotRecorded>) {
        self.change_training(|training| training.recording = None);
        let recorded = outcome.and_then(|Recorded { clip, is_interrupted }| {
            let seconds = clip.duration_seconds();
            let name = free_name(self.0.training.borrow().dataset.classes());
            // As a file it is like any other clip: it can be played, stored and exported.
            let bytes = to_wav(&clip).map_err(|error| NotRecorded::Failed(error.to_string()))?;
            let id = sha256_hex(&bytes);
            let file = wav_file(&name, &bytes).map_err(|error| NotRecorded::Failed(dom::describe(&error)))?;
            let notice = is_interrupted.then(|| words::interrupted(seconds));
            Ok((DatasetClip { seconds: Some(seconds), ..DatasetClip::new(id, name) }, file, notice))
        });
        match recorded {
            Ok((clip, file, notice)) => {
                let id = clip.id.clone();
                self.0.clips.borrow_mut().insert(id.clone(), file.clone());
                self.change_training(|training| {
                    training.dataset.add_classes(vec![Class { name: class, clips: vec![clip] }]);
                    training.notice = notice;
                });
                self.with_engines(|engines| engines.make_thumbnails(vec![(id, file)]));
            }
            Err(reason) => self.change_training(|training| training.notice = Some(words::not_recorded(&reason))),
        }
    }
}

/// What was recorded.
struct Recorded {
    clip: Clip,
    /// True if it ended because the microphone was taken away.
    is_interrupted: bool,
}

/// Records until the user stops it, or up to [`LONGEST_SECONDS`]; `None` if it was stopped before it began.
async fn recorded(weak: &Weak<Inner>, stop: &Cell<bool>) -> Option<Result<Recorded, NotRecorded>> {
    let started = Recorder::start().await;
    if stop.get() {
        return None;
    }
    let recorder = match started {
        Ok(recorder) => recorder,
        Err(reason) => return Some(Err(reason)),
    };
    let begun = dom::now();
    let seconds = || (dom::now() - begun) / 1000.0;
    while !stop.get() && !recorder.is_interrupted() && seconds() < LONGEST_SECONDS {
        let (seconds, level) = (Some(seconds()), recorder.level());
        // Without the page nobody wants the recording.
        let page = Page(weak.upgrade()?);
        page.change_training(|training| {
            if let Some(recording) = &mut training.recording {
                (recording.seconds, recording.level) = (seconds, level);
            }
        });
        drop(page);
        dom::sleep(UPDATE_MILLISECONDS).await;
    }
    let is_interrupted = recorder.is_interrupted();
    Some(recorder.finish().await.and_then(|decoded| {
        let mut samples = decoded.samples;
        // The recorder delivers in blocks, so the last may go beyond.
        samples.truncate((LONGEST_SECONDS * f64::from(decoded.sample_rate)) as usize);
        if is_silent(&samples) {
            return Err(NotRecorded::Nothing);
        }
        Ok(Recorded { clip: Clip { samples, sample_rate: decoded.sample_rate }, is_interrupted })
    }))
}

fn wav_file(name: &str, bytes: &[u8]) -> Result<File, wasm_bindgen::JsValue> {
    let kind = FilePropertyBag::new();
    kind.set_type("audio/wav");
    File::new_with_u8_array_sequence_and_options(&Array::of1(&Uint8Array::from(bytes)), name, &kind)
}
