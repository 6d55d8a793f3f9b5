//! The recording that the page is about.

use std::rc::Rc;

use web_sys::File;

use crate::protocol::{EngineKind, Payload, Request, RequestId};
use crate::web::browser_decoder::Decoded;

/// A file, how far its classification is, and by whom.
pub struct Classification {
    pub file: File,
    /// The engine that has it and its id there; `None` while it waits for one, or for another network.
    pub running: Option<(EngineKind, RequestId)>,
    /// The network that was in use when it was last given to an engine.
    pub asked: Option<Rc<str>>,
    /// The last network that is done with it: it answered, or failed to where another had answered.
    pub answered_by: Option<Rc<str>>,
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

impl Classification {
    pub fn new(file: File) -> Self {
        let decoding = Decoding::NotAsked;
        Self { file, running: None, asked: None, answered_by: None, begun: false, tried_again: false, decoding }
    }

    /// True where an engine may have it, with this network.
    pub fn waits_for(&self, network: &Rc<str>) -> bool {
        self.running.is_none()
            && !matches!(self.decoding, Decoding::Going)
            && self.answered_by.as_ref() != Some(network)
    }

    /// True while it is without any answer, or another is being worked out.
    pub fn is_busy(&self) -> bool {
        self.answered_by.is_none() || self.running.is_some() || matches!(self.decoding, Decoding::Going)
    }

    /// Nobody has it any more. Samples that an engine had are decoded anew.
    pub fn take_back(&mut self) {
        self.running = None;
        self.begun = false;
        if matches!(self.decoding, Decoding::Sent | Decoding::Going) {
            self.decoding = Decoding::NotAsked;
        }
    }

    /// The network that has it is done with it. False where it is of no more use: it has no answer.
    pub fn end(&mut self, answered: bool) -> bool {
        self.take_back();
        self.decoding = Decoding::NotAsked;
        let keep = answered || self.answered_by.is_some();
        if keep {
            self.answered_by = self.asked.clone();
        }
        keep
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
