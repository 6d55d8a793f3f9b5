//! Thumbnails of the dataset's clips, made by the CPU engine in the background, and beside it by workers of the pool if
//! there are many.

use std::collections::HashMap;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::engine::{Engine, failure_message};
use super::pool::Helper;
use super::{Client, ClientEvent};
use crate::protocol::{Event, Payload, Request, RequestId};
use crate::training_job::ClipId;
use crate::view::draw::thumbnail::Thumbnail;
use crate::view::train::state::TrainingEvent;
use crate::view::train::words::dataset as words;
use crate::web::browser_decoder;

/// The fewest waiting clips for which another worker is started: one makes dozens in the time that takes.
const LEAST_FOR_HELPER: usize = 24;

/// Clips that wait for their thumbnails. The CPU engine makes one at a time, so that a recording to classify waits for one
/// at most.
#[derive(Default)]
pub(crate) struct Thumbnails {
    /// A stack: the last clip is the next.
    pub(super) waiting: Vec<(ClipId, File)>,
    /// Clips of a format that the engine does not decode. They are the CPU engine's: the browser decodes whole files, and
    /// several at once would take much memory.
    for_browser: Vec<(ClipId, File)>,
    in_progress: Vec<InProgress>,
    /// True while a worker of the pool is started for them.
    starts_helper: bool,
    /// The number of the latest request; the results of earlier ones are dropped.
    number: u32,
}

struct InProgress {
    number: u32,
    clip: ClipId,
    file: File,
    request: Option<RequestId>,
    /// True if a worker of the pool makes it.
    by_helper: bool,
    /// True if `file` is another by now than the one that is read.
    is_replaced: bool,
}

impl Thumbnails {
    /// The next clip, in progress from now on, with its number.
    fn begin(&mut self, by_helper: bool) -> Option<(u32, ClipId, File)> {
        let own = if by_helper { None } else { self.for_browser.pop() };
        let (clip, file) = own.or_else(|| self.waiting.pop())?;
        self.number += 1;
        self.in_progress.push(InProgress {
            number: self.number,
            clip: clip.clone(),
            file: file.clone(),
            request: None,
            by_helper,
            is_replaced: false,
        });
        Some((self.number, clip, file))
    }

    /// Takes these files in place of those that their clips had.
    pub(super) fn replace_files(&mut self, files: &HashMap<ClipId, File>) {
        for (clip, file) in self.waiting.iter_mut().chain(&mut self.for_browser) {
            if let Some(new) = files.get(clip) {
                file.clone_from(new);
            }
        }
        for in_progress in &mut self.in_progress {
            if let Some(new) = files.get(&in_progress.clip) {
                in_progress.file.clone_from(new);
                in_progress.is_replaced = true;
            }
        }
    }

    fn take(&mut self, wanted: impl Fn(&InProgress) -> bool) -> Option<InProgress> {
        let place = self.in_progress.iter().position(wanted)?;
        Some(self.in_progress.swap_remove(place))
    }

    /// Takes the clip from the helper that does not know its format; false if no helper has it.
    fn leave_to_browser(&mut self, number: u32) -> bool {
        let taken = self.take(|in_progress| in_progress.number == number && in_progress.by_helper);
        let is_taken = taken.is_some();
        self.for_browser.extend(taken.map(|InProgress { clip, file, .. }| (clip, file)));
        is_taken
    }

    fn find(&mut self, number: u32) -> Option<&mut InProgress> {
        self.in_progress.iter_mut().find(|in_progress| in_progress.number == number)
    }
}

impl Client {
    /// Starts the next thumbnail, unless something more urgent needs the CPU engine.
    pub(super) fn next_thumbnail(&self) {
        if !self.has_time_for_thumbnails() {
            return;
        }
        let Some(engine) = self.0.cpu.borrow().clone() else { return };
        let mut thumbnails = self.0.thumbnails.borrow_mut();
        if thumbnails.in_progress.iter().any(|in_progress| !in_progress.by_helper) {
            return;
        }
        let Some((number, clip, file)) = thumbnails.begin(false) else { return };
        let starts_helper = !thumbnails.starts_helper
            && thumbnails.waiting.len() >= LEAST_FOR_HELPER
            && self.0.pool.borrow().free() > 0;
        thumbnails.starts_helper |= starts_helper;
        drop(thumbnails);
        spawn_local(self.clone().make_thumbnail(engine, number, clip, file));
        if starts_helper {
            spawn_local(self.clone().start_thumbnail_helper());
        }
    }

    fn has_time_for_thumbnails(&self) -> bool {
        let busy = self.0.classification.borrow().as_ref().is_some_and(super::Classification::is_busy);
        !busy && !self.0.comparing_engines.get() && !self.0.switch.borrow().is_loading()
    }

    async fn start_thumbnail_helper(self) {
        let helper = self.lend_worker().await;
        // The next one that is made may start another.
        self.0.thumbnails.borrow_mut().starts_helper = false;
        if let Some(helper) = helper {
            self.make_thumbnails_in(helper).await;
        }
    }

    /// Makes thumbnails in a worker of the pool, as long as there are any and nothing more urgent needs the computer.
    async fn make_thumbnails_in(self, helper: Helper) {
        let Some(engine) = helper.engine() else { return };
        let is_wanted = || self.0.pool.borrow().is_waited_for();
        while self.has_time_for_thumbnails() && !is_wanted() && !engine.worker.has_ended() {
            let Some((number, clip, file)) = self.0.thumbnails.borrow_mut().begin(true) else { break };
            self.clone().make_thumbnail(engine.clone(), number, clip, file).await;
        }
        self.next_thumbnail();
    }

    /// Cancels the thumbnail in progress; its clip waits again.
    pub(super) fn postpone_thumbnail(&self) {
        let mut thumbnails = self.0.thumbnails.borrow_mut();
        // Those of other workers go on: the recording does not wait for them.
        let own = thumbnails.take(|in_progress| !in_progress.by_helper);
        let Some(InProgress { clip, file, request, .. }) = own else { return };
        // On top of the stack: it is the next again.
        thumbnails.waiting.push((clip, file));
        drop(thumbnails);
        if let (Some(request), Some(engine)) = (request, self.0.cpu.borrow().clone()) {
            engine.worker.post(Request::Cancel { request });
        }
    }

    /// The engine died while it made a thumbnail. Its clip is taken for the cause, and is not tried again.
    pub(super) fn skip_thumbnail(&self) {
        // Without a request it had not reached the engine.
        let sent = |in_progress: &InProgress| !in_progress.by_helper && in_progress.request.is_some();
        let in_progress = self.0.thumbnails.borrow_mut().take(sent);
        if let Some(InProgress { clip, .. }) = in_progress {
            self.emit(ClientEvent::Training(TrainingEvent::Embedded {
                clip,
                outcome: Err(words::ENGINE_DIED.to_owned()),
            }));
        }
    }

    async fn make_thumbnail(self, engine: Engine, number: u32, clip: ClipId, file: File) {
        let outcome = self.request_thumbnail(&engine, number, &file).await;
        let in_progress = self.0.thumbnails.borrow_mut().take(|in_progress| in_progress.number == number);
        let Some(InProgress { by_helper, is_replaced, file: current, .. }) = in_progress else { return };
        match outcome {
            Err(_) if by_helper && engine.worker.has_ended() => {
                let outcome = Err(words::ENGINE_DIED.to_owned());
                self.emit(ClientEvent::Training(TrainingEvent::Embedded { clip, outcome }));
            }
            // The file that was read may have changed meanwhile.
            Err(_) if is_replaced => self.0.thumbnails.borrow_mut().waiting.push((clip, current)),
            Ok((seconds, thumbnail)) => {
                self.emit(ClientEvent::Training(TrainingEvent::Embedded { clip: clip.clone(), outcome: Ok(seconds) }));
                self.emit(ClientEvent::Training(TrainingEvent::Thumbnail { clip, thumbnail }));
            }
            Err(reason) => self.emit(ClientEvent::Training(TrainingEvent::Embedded { clip, outcome: Err(reason) })),
        }
        self.next_thumbnail();
    }

    /// A clip's length in seconds and its thumbnail; the browser decodes it if the engine does not know the format.
    async fn request_thumbnail(&self, engine: &Engine, number: u32, file: &File) -> Result<(f64, Thumbnail), String> {
        let (mut event, mut payload) =
            self.ask_for_thumbnail(engine, number, file, None, Payload::File(file.clone())).await;
        if let Event::Unsupported { message } = event {
            if self.0.thumbnails.borrow_mut().leave_to_browser(number) {
                return Err(message);
            }
            let decoded = browser_decoder::decode(file).await.map_err(|_| message)?;
            let samples = Payload::Floats(decoded.samples);
            (event, payload) = self.ask_for_thumbnail(engine, number, file, Some(decoded.sample_rate), samples).await;
        }
        match (event, payload) {
            (Event::Thumbnail { seconds, columns, bands }, Payload::Bytes(levels)) => {
                let thumbnail = Thumbnail::new(columns, bands, levels);
                Ok((seconds, thumbnail.ok_or("the engine's picture of it is damaged")?))
            }
            (other, _) => Err(failure_message(other)),
        }
    }

    async fn ask_for_thumbnail(
        &self,
        engine: &Engine,
        number: u32,
        file: &File,
        sample_rate: Option<u32>,
        payload: Payload<File>,
    ) -> (Event, Payload) {
        // Postponed while the browser decoded it.
        if self.0.thumbnails.borrow_mut().find(number).is_none() {
            return (Event::Cancelled, Payload::None);
        }
        let request = Request::Thumbnail { file: file.name(), sample_rate };
        let sent = |id| {
            if let Some(in_progress) = self.0.thumbnails.borrow_mut().find(number) {
                in_progress.request = Some(id);
            }
        };
        engine.worker.ask_with_progress(request, payload, sent, |_, _| {}).await
    }
}
