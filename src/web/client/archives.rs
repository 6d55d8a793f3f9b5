//! Archives of clips, unpacked by the CPU engine.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use web_sys::File;

use super::Client;
use super::engine::{Engine, failure_message};
use crate::protocol::{Event, Payload, Request};
use crate::view::train::words::dataset as dataset_words;
use crate::web::dom;

/// How often to look whether the CPU engine has started before giving up, and the pause between, in milliseconds.
const CHECKS: usize = 600;
const CHECK_MILLISECONDS: i32 = 100;

/// The contents of an archive.
#[derive(Debug, Clone, Default)]
pub struct Unpacked {
    /// Paths in the archive, and the files.
    pub files: Vec<(String, File)>,
    /// Sentences about the files that were left out.
    pub left_out: Vec<String>,
}

/// Why an archive could not be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// The user cancelled it.
    #[error("unpacking was cancelled")]
    Cancelled,
    /// The archive cannot be read, or no engine is running: a sentence.
    #[error("{0}")]
    Failed(String),
}

impl Client {
    /// Unpacks an archive; `on_file` is told how many files there are so far.
    pub(super) async fn unpack_archive(
        &self,
        file: File,
        on_file: Box<dyn Fn(usize)>,
    ) -> Result<Unpacked, UnpackError> {
        let number = self.0.unpacking.get().0 + 1;
        self.0.unpacking.set((number, None));
        let engine = self.wait_for_cpu().await.map_err(UnpackError::Failed)?;
        if self.0.unpacking.get().0 != number {
            return Err(UnpackError::Cancelled);
        }
        let files: Rc<RefCell<Vec<(String, File)>>> = Rc::default();
        let collected = files.clone();
        let request = Request::Unpack { file: file.name() };
        let on_event = move |event: Event, payload: Payload| {
            if let (Event::Unpacking { path }, Payload::Bytes(bytes)) = (event, payload)
                && let Some(file) = named_file(&path, &bytes)
            {
                collected.borrow_mut().push((path, file));
                on_file(collected.borrow().len());
            }
        };
        let sent = |id| self.0.unpacking.set((number, Some(id)));
        let (event, _) = engine.worker.ask_with_progress(request, Payload::File(file), sent, on_event).await;
        if self.0.unpacking.get().0 == number {
            self.0.unpacking.set((number, None));
        }
        match event {
            Event::Unpacked { left_out } => Ok(Unpacked { files: files.take(), left_out }),
            Event::Cancelled => Err(UnpackError::Cancelled),
            other => Err(UnpackError::Failed(failure_message(other))),
        }
    }

    /// Cancels the archive that is being unpacked, or waits for the engine.
    pub(super) fn stop_unpacking(&self) {
        let (number, request) = self.0.unpacking.get();
        self.0.unpacking.set((number + 1, None));
        if let (Some(request), Some(engine)) = (request, self.0.cpu.borrow().clone()) {
            engine.worker.post(Request::Cancel { request });
        }
    }

    /// The CPU engine; waits for it, because it may just be starting.
    async fn wait_for_cpu(&self) -> Result<Engine, String> {
        for _ in 0..CHECKS {
            let engine = self.0.cpu.borrow().clone();
            if let Some(engine) = engine {
                return Ok(engine);
            }
            dom::sleep(CHECK_MILLISECONDS).await;
        }
        Err(dataset_words::NO_ENGINE.to_owned())
    }
}

/// A file of an archive under its name without folders; `None`, logged, if the browser cannot make it.
fn named_file(path: &str, bytes: &[u8]) -> Option<File> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let made = File::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)), name);
    made.inspect_err(|error| log::warn!("{path} could not be made a file: {}", dom::describe(error))).ok()
}
