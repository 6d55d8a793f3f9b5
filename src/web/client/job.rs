//! The classification that the page waits for.

use web_sys::File;

use crate::protocol::{EngineKind, Payload, Request, RequestId};
use crate::web::browser_decoder::Decoded;

/// A file and how far its classification is.
pub struct Job {
    pub file: File,
    /// The engine that has it and its id there; `None` while it waits for one.
    pub running: Option<(EngineKind, RequestId)>,
    /// True once that engine has said anything about it.
    pub begun: bool,
    /// True where an engine died before it had said anything about it: perhaps of something else.
    pub tried_again: bool,
    pub decoding: Decoding,
}

/// What the browser's own decoder has to do with a file.
#[derive(Debug, Default)]
pub enum Decoding {
    /// Nothing, as yet.
    #[default]
    NotAsked,
    /// It is at work.
    Going,
    /// Its samples wait for an engine.
    Done(Decoded),
    /// An engine has them.
    Sent,
}

impl Job {
    pub fn new(file: File) -> Self {
        Self { file, running: None, begun: false, tried_again: false, decoding: Decoding::NotAsked }
    }

    /// True where an engine may have it.
    pub fn waits(&self) -> bool {
        self.running.is_none() && !matches!(self.decoding, Decoding::Going)
    }

    /// No engine has it any more. Samples that one had are decoded anew.
    pub fn take_back(&mut self) {
        self.running = None;
        self.begun = false;
        if matches!(self.decoding, Decoding::Sent) {
            self.decoding = Decoding::NotAsked;
        }
    }

    /// What an engine is asked. The file goes by reference and stays here, so that another engine can take over.
    pub fn request(&mut self) -> (Request, Payload<File>) {
        let (payload, sample_rate) = match std::mem::take(&mut self.decoding) {
            Decoding::Done(Decoded { samples, sample_rate }) => {
                self.decoding = Decoding::Sent;
                (Payload::Floats(samples), Some(sample_rate))
            }
            other => {
                self.decoding = other;
                (Payload::File(self.file.clone()), None)
            }
        };
        (Request::Classify { file: self.file.name(), sample_rate }, payload)
    }
}
