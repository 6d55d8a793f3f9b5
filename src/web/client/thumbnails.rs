//! Thumbnails of the dataset's clips, made by the CPU engine in the background.

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::engine::{Engine, failure_message};
use super::{Client, ClientEvent};
use crate::protocol::{Event, Payload, Request, RequestId};
use crate::training_job::ClipId;
use crate::view::draw::thumbnail::Thumbnail;
use crate::view::train::state::TrainingEvent;
use crate::view::train::words::dataset as words;
use crate::web::browser_decoder;

/// Clips that wait for their thumbnails. One is made at a time, so that a recording to classify waits for one at most.
#[derive(Default)]
pub(crate) struct Thumbnails {
    /// A stack: the last clip is the next.
    pub(super) waiting: Vec<(ClipId, File)>,
    in_progress: Option<InProgress>,
    /// The number of the latest request; the results of earlier ones are dropped.
    number: u32,
}

struct InProgress {
    number: u32,
    clip: ClipId,
    file: File,
    request: Option<RequestId>,
}

impl Client {
    /// Starts the next thumbnail, unless something more urgent needs the CPU engine.
    pub(super) fn next_thumbnail(&self) {
        let busy = self.0.classification.borrow().as_ref().is_some_and(super::Classification::is_busy);
        if busy || self.0.comparing_engines.get() || self.0.switch.borrow().is_loading() {
            return;
        }
        let Some(engine) = self.0.cpu.borrow().clone() else { return };
        let mut thumbnails = self.0.thumbnails.borrow_mut();
        if thumbnails.in_progress.is_some() {
            return;
        }
        let Some((clip, file)) = thumbnails.waiting.pop() else { return };
        thumbnails.number += 1;
        let number = thumbnails.number;
        thumbnails.in_progress = Some(InProgress { number, clip: clip.clone(), file: file.clone(), request: None });
        drop(thumbnails);
        spawn_local(self.clone().make_thumbnail(engine, number, clip, file));
    }

    /// Cancels the thumbnail in progress; its clip waits again.
    pub(super) fn postpone_thumbnail(&self) {
        let mut thumbnails = self.0.thumbnails.borrow_mut();
        let Some(InProgress { clip, file, request, .. }) = thumbnails.in_progress.take() else { return };
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
        let in_progress =
            self.0.thumbnails.borrow_mut().in_progress.take_if(|in_progress| in_progress.request.is_some());
        if let Some(InProgress { clip, .. }) = in_progress {
            self.emit(ClientEvent::Training(TrainingEvent::Embedded {
                clip,
                outcome: Err(words::ENGINE_DIED.to_owned()),
            }));
        }
    }

    async fn make_thumbnail(self, engine: Engine, number: u32, clip: ClipId, file: File) {
        let outcome = self.request_thumbnail(&engine, number, &file).await;
        if self.0.thumbnails.borrow_mut().in_progress.take_if(|in_progress| in_progress.number == number).is_none() {
            return;
        }
        match outcome {
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
        let own = |in_progress: &&mut InProgress| in_progress.number == number;
        // Postponed while the browser decoded it.
        if self.0.thumbnails.borrow_mut().in_progress.as_mut().filter(own).is_none() {
            return (Event::Cancelled, Payload::None);
        }
        let request = Request::Thumbnail { file: file.name(), sample_rate };
        let sent = |id| {
            if let Some(in_progress) = self.0.thumbnails.borrow_mut().in_progress.as_mut().filter(own) {
                in_progress.request = Some(id);
            }
        };
        engine.worker.ask_with_progress(request, payload, sent, |_, _| {}).await
    }
}
