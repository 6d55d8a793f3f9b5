//! What has happened so far: the one value that the page is drawn from.

use std::rc::Rc;

use crate::protocol::{EngineInfo, Event, Payload, Prediction, Progress, SpectrogramInfo};
use crate::view::classify::engine::Choice;
use crate::view::classify::networks::{ActiveNetwork, Catalogue, NetworkDownload, Selection};
use crate::view::classify::words;
use crate::view::format;

/// Where the page is with the current file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// No file, or it was given up.
    #[default]
    Idle,
    /// A file is being worked on.
    Working,
    /// Its genres are there.
    Done,
    /// It could not be done, or nothing can.
    Failed,
}

impl Phase {
    /// Its name in the page's `data-state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Working => "working",
            Self::Done => "done",
            Self::Failed => "error",
        }
    }
}

/// A file's spectrogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrogram {
    /// What the values mean.
    pub info: SpectrogramInfo,
    /// dB, row-major `[frames, bands]`.
    pub values: Vec<f32>,
}

/// The present answer being replaced by another network's: it stays until the other is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Reclassification {
    /// The network that listens.
    pub network: String,
    /// Who wanted it.
    pub selection: Selection,
    /// How far it is; `None` before it has begun.
    pub progress: Option<Progress>,
    /// What it sees.
    spectrogram: Option<Rc<Spectrogram>>,
}

/// The answer before the present one.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviousPrediction {
    /// What it was.
    pub prediction: Rc<Prediction>,
    /// Who wanted the present one.
    pub selection: Selection,
}

/// Everything the page shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Where the current file is.
    pub phase: Phase,
    /// The current file's name.
    pub file: Option<String>,
    /// How far the engine is with it; `None` before it has begun.
    pub progress: Option<Progress>,
    /// True while the browser decodes it, and not the engine.
    pub browser_decodes: bool,
    /// Its spectrogram as far as it is heard. Shared, so that a drawing can tell whether it shows this very one.
    pub spectrogram: Option<Rc<Spectrogram>>,
    /// Its genres as far as it is heard. Shared for the same reason.
    pub prediction: Option<Rc<Prediction>>,
    /// Another network listens to it, to replace its answer.
    pub reclassification: Option<Reclassification>,
    /// What was there before another network replaced it.
    pub previous: Option<PreviousPrediction>,
    /// Why it, or everything, failed.
    pub error: Option<String>,
    /// What the user should know that stopped nothing.
    pub warnings: Vec<String>,
    /// A remark in passing: given up, or not a file.
    pub notice: Option<&'static str>,
    /// What runs.
    pub engine: Option<EngineInfo>,
    /// Why it runs.
    pub choice: Choice,
    /// The networks that can be chosen; `None` before they are known.
    pub catalogue: Option<Rc<Catalogue>>,
    /// The network in use.
    pub network: Option<Rc<ActiveNetwork>>,
    /// The one on its way to be.
    pub download: Option<NetworkDownload>,
    /// Why another one is not in use.
    pub network_error: Option<String>,
    /// True where no file can be worked on any more.
    pub broken: bool,
}

impl State {
    /// A file was chosen; whatever was there of another is gone.
    pub fn open(&mut self, file: String) {
        self.forget_file();
        self.file = Some(file);
        self.phase = Phase::Working;
        if self.broken {
            self.phase = Phase::Failed;
        }
    }

    /// The file is given up, unless it is done already; then what another network would say of it.
    pub fn cancel(&mut self) {
        self.reclassification = None;
        if self.phase == Phase::Working {
            self.forget_file();
            self.notice = Some(words::CANCELLED);
        }
    }

    fn forget_file(&mut self) {
        let before = std::mem::take(self);
        let error = before.error.filter(|_| before.broken);
        let Self { engine, choice, catalogue, network, download, network_error, broken, .. } = before;
        *self = Self { error, engine, choice, catalogue, network, download, network_error, broken, ..Self::default() };
    }

    /// The engine in use, or the reason for it, changed.
    pub fn set_engine(&mut self, engine: Option<EngineInfo>, choice: Choice) {
        if !self.broken {
            (self.engine, self.choice) = (engine, choice);
        }
    }

    /// Another network, or none, is on its way to be in use.
    pub fn set_download(&mut self, arriving: Option<NetworkDownload>) {
        // Without an engine none would ever arrive.
        self.download = arriving.filter(|_| !self.broken);
    }

    /// The network that the user sees as chosen: the wish until it has failed, the page's own only once it is in use.
    pub fn chosen_network(&self) -> Option<&str> {
        let wanted = self.download.as_ref().filter(|arriving| arriving.selection != Selection::Refine);
        let in_use = || self.network.as_ref().map(|network| network.card.name.as_str());
        wanted.map(|arriving| arriving.name.as_str()).or_else(in_use)
    }

    /// Another network listens to the file, whose answer is there already.
    pub fn classify_again(&mut self, network: String, selection: Selection) {
        if self.phase == Phase::Done {
            self.reclassification = Some(Reclassification { network, selection, progress: None, spectrogram: None });
        }
    }

    /// No file can be worked on any more, and why.
    pub fn break_down(&mut self, reason: String) {
        self.set_engine(None, Choice::Broken);
        self.broken = true;
        self.download = None;
        self.fail(reason);
    }

    /// The current file cannot be done, and why.
    pub fn fail(&mut self, reason: String) {
        self.phase = Phase::Failed;
        self.progress = None;
        // Of what was heard before it failed, nothing may pass for an answer.
        (self.spectrogram, self.prediction) = (None, None);
        self.error = Some(format::sentence(reason));
    }

    /// Something happened to the current file.
    pub fn apply(&mut self, event: Event, payload: Payload) {
        // Without a file, what arrives is of one that was given up.
        if self.broken || self.file.is_none() {
            return;
        }
        if self.reclassification.is_some() {
            return self.apply_reclassification(event, payload);
        }
        match event {
            Event::Progress(progress) => {
                self.phase = Phase::Working;
                self.progress = Some(progress);
                self.browser_decodes = false;
            }
            Event::Spectrogram(info) => self.take_spectrogram(info, payload),
            Event::SoFar(prediction) => self.prediction = Some(Rc::new(prediction)),
            Event::Classified(prediction) => {
                self.prediction = Some(Rc::new(prediction));
                self.phase = Phase::Done;
                self.progress = None;
            }
            Event::Warning { message } => self.warn(message),
            Event::Failed { message } | Event::Unsupported { message } => self.fail(message),
            Event::Cancelled => self.cancel(),
            // Of no file.
            _ => {}
        }
    }

    /// What another network says: only its whole answer replaces the one that is shown.
    fn apply_reclassification(&mut self, event: Event, payload: Payload) {
        let Some(again) = &mut self.reclassification else { return };
        match event {
            Event::Progress(progress) => {
                again.progress = Some(progress);
                self.browser_decodes = false;
            }
            Event::Spectrogram(info) => again.spectrogram = spectrogram(info, payload).or(again.spectrogram.take()),
            Event::Classified(prediction) => {
                let selection = again.selection;
                if let Some(spectrogram) = again.spectrogram.take() {
                    self.spectrogram = Some(spectrogram);
                }
                self.previous = self
                    .prediction
                    .replace(Rc::new(prediction))
                    .map(|prediction| PreviousPrediction { prediction, selection });
                self.reclassification = None;
            }
            Event::Warning { message } => self.warn(message),
            Event::Failed { message } | Event::Unsupported { message } => {
                let network = std::mem::take(&mut again.network);
                self.reclassification = None;
                self.warn(words::not_heard_again(&network, &message));
            }
            Event::Cancelled => self.reclassification = None,
            // Not whole, or of no file.
            _ => {}
        }
    }

    fn take_spectrogram(&mut self, info: SpectrogramInfo, payload: Payload) {
        match spectrogram(info, payload) {
            Some(spectrogram) => self.spectrogram = Some(spectrogram),
            None => self.warn(words::NO_SPECTROGRAM.to_owned()),
        }
    }

    /// Adds a warning, once.
    fn warn(&mut self, message: String) {
        if !self.warnings.contains(&message) {
            self.warnings.push(message);
        }
    }
}

/// A spectrogram with its values, where they arrived whole.
fn spectrogram(info: SpectrogramInfo, payload: Payload) -> Option<Rc<Spectrogram>> {
    match payload {
        Payload::Floats(values) if values.len() == info.frames * info.bands => {
            Some(Rc::new(Spectrogram { info, values }))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
