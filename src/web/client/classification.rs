//! The current classification: one recording, and which engine has it.

use std::cell::RefMut;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::segments::Sharing;
use super::{Client, ClientEvent};
use crate::protocol::{EngineKind, Event, Payload, Request, RequestId};
use crate::view::classify::words;
use crate::web::browser_decoder::{self, Decoded, NotDecoded};

/// A recording and the progress of its classification.
pub(crate) struct Classification {
    pub file: File,
    /// The engine that has it and the request's id there; `None` while it waits for an engine or another network.
    pub running: Option<(EngineKind, RequestId)>,
    /// The network in use when it was last sent to an engine.
    pub sent_for: Option<Rc<str>>,
    /// The network that last finished with it: with a prediction, or with a failure after another's prediction.
    pub predicted_by: Option<Rc<str>>,
    /// True once the engine that has it has sent any event for it.
    pub responded: bool,
    /// True if an engine died before it had sent an event for it: the cause may have been something else.
    pub tried_again: bool,
    pub decoding: Decoding,
    /// True once the engine that has it has shown a prediction of a part.
    pub is_shown: bool,
    /// The helpers of the engine that has it.
    pub sharing: Option<Sharing>,
}

/// What the browser's own decoder does with the file.
#[derive(Debug, Default)]
pub(crate) enum Decoding {
    /// Nothing: the engine may know the format.
    #[default]
    NotRequested,
    Running,
    /// The samples wait for an engine.
    Done(Decoded),
    /// The samples were moved to an engine, and are no longer here.
    Sent,
}

impl Classification {
    pub(crate) fn new(file: File) -> Self {
        let decoding = Decoding::NotRequested;
        Self {
            file,
            running: None,
            sent_for: None,
            predicted_by: None,
            responded: false,
            tried_again: false,
            decoding,
            is_shown: false,
            sharing: None,
        }
    }

    /// True if it can be sent to an engine that has this network.
    pub(crate) fn waits_for(&self, network: &Rc<str>) -> bool {
        self.running.is_none()
            && !matches!(self.decoding, Decoding::Running)
            && self.predicted_by.as_ref() != Some(network)
    }

    /// True until it has a prediction, and while a further network classifies it.
    pub(crate) fn is_busy(&self) -> bool {
        self.predicted_by.is_none() || self.running.is_some() || matches!(self.decoding, Decoding::Running)
    }

    /// Takes it from its engine; it waits again. Samples that were sent are gone, so they are decoded again.
    pub(crate) fn requeue(&mut self) {
        self.running = None;
        self.responded = false;
        self.is_shown = false;
        self.sharing = None;
        if matches!(self.decoding, Decoding::Sent | Decoding::Running) {
            self.decoding = Decoding::NotRequested;
        }
    }

    /// The current network has finished with it. False if it has no prediction, and can be dropped.
    pub(crate) fn finish(&mut self, answered: bool) -> bool {
        self.requeue();
        self.decoding = Decoding::NotRequested;
        let keep = answered || self.predicted_by.is_some();
        if keep {
            self.predicted_by = self.sent_for.clone();
        }
        keep
    }

    /// The request for an engine. The file is passed by reference and stays here, so that another engine can take over.
    pub(crate) fn request(&mut self) -> (Request, Payload<File>) {
        let (payload, sample_rate) = match std::mem::take(&mut self.decoding) {
            Decoding::Done(Decoded { samples, sample_rate, .. }) => {
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

impl Client {
    /// Takes the recording from its engine; it waits again. True if it was being classified again.
    pub(super) fn interrupt(&self) -> bool {
        let mut slot = self.0.classification.borrow_mut();
        let Some(classification) = slot.as_mut() else { return false };
        let again = classification.predicted_by.is_some() && classification.is_busy();
        let running = classification.running;
        classification.requeue();
        drop(slot);
        if let Some((kind, request)) = running
            && let Some(engine) = self.engine(kind)
        {
            engine.worker.post(Request::Cancel { request });
        }
        again
    }

    /// Sends the waiting recording to the engine that should classify it.
    pub(super) fn dispatch(&self) {
        if let Some(kind) = self.decision().0 {
            self.dispatch_to(kind);
        }
    }

    fn dispatch_to(&self, kind: EngineKind) {
        let Some(engine) = self.engine(kind).filter(|_| !self.0.switch.borrow().is_loading()) else { return };
        let in_use = self.0.switch.borrow().active().map(|(network, selection)| (network.clone(), selection));
        let Some((network, selection)) = in_use else { return };
        let mut slot = self.0.classification.borrow_mut();
        let Some(classification) = slot.as_mut().filter(|classification| classification.waits_for(&network)) else {
            return;
        };
        let client = self.clone();
        let (request, payload) = classification.request();
        // The events carry their origin, because an engine goes on for a moment with a request that was cancelled.
        let id = engine.worker.send_numbered(request, payload, move |id, event, payload| {
            let more = !event.is_last();
            client.receive((kind, id), event, payload);
            more
        });
        classification.running = Some((kind, id));
        classification.sent_for = Some(network.clone());
        let again = classification.predicted_by.is_some();
        drop(slot);
        // After the drop: the page may call back while it is told.
        if again {
            self.emit(ClientEvent::Reclassifying { network: network.to_string(), selection });
        }
    }

    /// Passes on the last event of the classification, and starts what waits.
    pub(super) fn end_classification(&self, mut slot: RefMut<'_, Option<Classification>>, event: Event) {
        slot.take_if(|classification| !classification.finish(matches!(event, Event::Classified(_))));
        drop(slot);
        self.emit(ClientEvent::Classification(event, Payload::None));
        self.run_next();
    }

    /// Handles an engine's event for the classification.
    fn receive(&self, from: (EngineKind, RequestId), event: Event, payload: Payload) {
        let mut slot = self.0.classification.borrow_mut();
        let Some(classification) = slot.as_mut().filter(|classification| classification.running == Some(from)) else {
            return;
        };
        classification.responded = true;
        classification.is_shown |= matches!(event, Event::SoFar(_));
        match event {
            Event::Segment { segment, shape } => {
                drop(slot);
                if let Payload::Floats(values) = payload {
                    self.pass_on_segment(from.1, (segment, shape, values));
                }
            }
            Event::Progress(progress) if from.0 == EngineKind::Cpu => {
                drop(slot);
                self.call_helpers(from.1, &progress);
                self.emit(ClientEvent::Classification(event, payload));
            }
            // The GPU engine or the file may be the cause. The CPU engine tells: it fails too if it is the file.
            Event::Failed { .. } if from.0 == EngineKind::Gpu => {
                classification.requeue();
                drop(slot);
                self.dispatch_to(EngineKind::Cpu);
            }
            Event::Unsupported { message } if matches!(classification.decoding, Decoding::NotRequested) => {
                classification.running = None;
                classification.decoding = Decoding::Running;
                let file = classification.file.clone();
                drop(slot);
                self.emit(ClientEvent::BrowserDecodes);
                spawn_local(self.clone().ask_the_browser(file, message));
            }
            event if event.is_last() => self.end_classification(slot, event),
            event => {
                drop(slot);
                self.emit(ClientEvent::Classification(event, payload));
            }
        }
    }

    /// Lets the browser decode a file that the engine cannot. If that fails too, the engine's message is shown.
    async fn ask_the_browser(self, file: File, refusal: String) {
        let outcome = browser_decoder::decode(&file).await;
        let mut slot = self.0.classification.borrow_mut();
        // Meanwhile it may have been cancelled, or the same file opened again.
        let decodes = |classification: &&mut Classification| {
            matches!(classification.decoding, Decoding::Running) && classification.file == file
        };
        let Some(classification) = slot.as_mut().filter(decodes) else { return };
        match outcome {
            Ok(mut decoded) => {
                let warnings = std::mem::take(&mut decoded.warnings);
                classification.decoding = Decoding::Done(decoded);
                drop(slot);
                for message in warnings {
                    self.emit(ClientEvent::Classification(Event::Warning { message }, Payload::None));
                }
                self.dispatch();
            }
            Err(reason) => {
                let message = match reason {
                    NotDecoded::Unknown => refusal,
                    NotDecoded::TooLong => words::over_browser_limit(&refusal, browser_decoder::MAX_MINUTES),
                    NotDecoded::NoLength => words::length_unknown(&refusal, browser_decoder::MAX_MINUTES),
                    NotDecoded::TooSlow => words::browser_too_slow(&refusal, browser_decoder::DECODE_SECONDS),
                };
                self.end_classification(slot, Event::Failed { message });
            }
        }
    }
}
