//! The state of the classification view, from which it is drawn.

use std::rc::Rc;

use crate::protocol::{EngineInfo, Event, Payload, Prediction, Progress, SpectrogramInfo};
use crate::view::classify::engine::Choice;
use crate::view::classify::networks::{ActiveNetwork, Catalogue, NetworkDownload, Selection};
use crate::view::classify::words;
use crate::view::format;

/// The phase of the current file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// There is no file, or it was cancelled.
    #[default]
    Idle,
    /// The file is being analyzed.
    Working,
    /// The result is complete.
    Done,
    /// The file, or every file, failed.
    Failed,
}

impl Phase {
    /// Its name in the page's `data-state`.
    pub(crate) fn name(self) -> &'static str {
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
pub(crate) struct Spectrogram {
    /// The dimensions and units of the values.
    pub info: SpectrogramInfo,
    /// dB, row-major `[frames, bands]`.
    pub values: Vec<f32>,
}

/// The analysis of the file by another network. The present result stays until this one is complete.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reclassification {
    /// The other network.
    pub network: String,
    /// Who selected it.
    pub selection: Selection,
    /// The progress; `None` before it has begun.
    pub progress: Option<Progress>,
    /// The spectrogram with its front end.
    spectrogram: Option<Rc<Spectrogram>>,
}

/// The result that the present one has replaced.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PreviousPrediction {
    /// The result.
    pub prediction: Rc<Prediction>,
    /// Who selected the network of the present result.
    pub selection: Selection,
}

/// Everything that the classification view shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct State {
    /// The phase of the current file.
    pub phase: Phase,
    /// The current file's name.
    pub file: Option<String>,
    /// The progress of its analysis; `None` before it has begun.
    pub progress: Option<Progress>,
    /// True while the browser decodes it instead of the engine.
    pub browser_decodes: bool,
    /// Its spectrogram so far. Shared, so that a drawing can tell by the pointer if it shows this one.
    pub spectrogram: Option<Rc<Spectrogram>>,
    /// Its prediction so far. Shared for the same reason.
    pub prediction: Option<Rc<Prediction>>,
    /// The analysis by another network, to replace the result.
    pub reclassification: Option<Reclassification>,
    /// The result that another network has replaced.
    pub previous: Option<PreviousPrediction>,
    /// Why the file, or every file, failed.
    pub error: Option<String>,
    /// Warnings about the file.
    pub warnings: Vec<String>,
    /// A remark: the file was cancelled, or was not a file.
    pub notice: Option<&'static str>,
    /// The engine in use.
    pub engine: Option<EngineInfo>,
    /// Why this engine is used.
    pub choice: Choice,
    /// The networks that can be chosen; `None` before they are loaded.
    pub catalogue: Option<Rc<Catalogue>>,
    /// The network in use.
    pub network: Option<Rc<ActiveNetwork>>,
    /// The network being downloaded for use.
    pub download: Option<NetworkDownload>,
    /// Why another network cannot be used.
    pub network_error: Option<String>,
    /// True if no file can be analyzed any more.
    pub broken: bool,
}

impl State {
    /// A file was chosen. Everything about the previous one is removed.
    pub(crate) fn open(&mut self, file: String) {
        self.reset_file();
        self.file = Some(file);
        self.phase = Phase::Working;
        if self.broken {
            self.phase = Phase::Failed;
        }
    }

    /// Cancels the file, or the analysis of a finished file by another network.
    pub(crate) fn cancel(&mut self) {
        self.reclassification = None;
        // A finished file keeps its result.
        if self.phase == Phase::Working {
            self.reset_file();
            self.notice = Some(words::CANCELLED);
        }
    }

    fn reset_file(&mut self) {
        let old = std::mem::take(self);
        let error = old.error.filter(|_| old.broken);
        let Self { engine, choice, catalogue, network, download, network_error, broken, .. } = old;
        *self = Self { error, engine, choice, catalogue, network, download, network_error, broken, ..Self::default() };
    }

    /// The engine in use, or the reason for it, has changed.
    pub(crate) fn set_engine(&mut self, engine: Option<EngineInfo>, choice: Choice) {
        if !self.broken {
            (self.engine, self.choice) = (engine, choice);
        }
    }

    /// The download of a network has progressed, or ended (`None`).
    pub(crate) fn set_download(&mut self, arriving: Option<NetworkDownload>) {
        // Without an engine a download would never be used.
        self.download = arriving.filter(|_| !self.broken);
    }

    /// The network to show as chosen: the user's choice until it has failed, the page's own choice only once it is active.
    pub(crate) fn chosen_network(&self) -> Option<&str> {
        let chosen = self.download.as_ref().filter(|download| download.selection != Selection::Refine);
        let in_use = || self.network.as_ref().map(|network| network.card.name.as_str());
        chosen.map(|download| download.name.as_str()).or_else(in_use)
    }

    /// Another network analyzes the finished file.
    pub(crate) fn classify_again(&mut self, network: String, selection: Selection) {
        if self.phase == Phase::Done {
            self.reclassification = Some(Reclassification { network, selection, progress: None, spectrogram: None });
        }
    }

    /// No file can be analyzed any more, for this reason.
    pub(crate) fn break_down(&mut self, reason: String) {
        self.set_engine(None, Choice::Broken);
        self.broken = true;
        self.download = None;
        self.fail(reason);
    }

    /// The current file failed, for this reason.
    pub(crate) fn fail(&mut self, reason: String) {
        self.phase = Phase::Failed;
        self.progress = None;
        // A partial prediction must not be taken for the result.
        (self.spectrogram, self.prediction) = (None, None);
        self.error = Some(format::sentence(reason));
    }

    /// Takes an event of the current file.
    pub(crate) fn apply(&mut self, event: Event, payload: Payload) {
        // Without a file, a late event is of a cancelled one.
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
            // Not about a file.
            _ => {}
        }
    }

    /// Takes an event of another network: only its complete result replaces the one that is shown.
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
                self.warn(words::not_reclassified(&network, &message));
            }
            Event::Cancelled => self.reclassification = None,
            // A partial result, or not about a file.
            _ => {}
        }
    }

    fn take_spectrogram(&mut self, info: SpectrogramInfo, payload: Payload) {
        match spectrogram(info, payload) {
            Some(spectrogram) => self.spectrogram = Some(spectrogram),
            None => self.warn(words::NO_SPECTROGRAM.to_owned()),
        }
    }

    /// Adds a warning unless it is shown already.
    fn warn(&mut self, message: String) {
        if !self.warnings.contains(&message) {
            self.warnings.push(message);
        }
    }
}

/// A spectrogram with its values; `None` if they are incomplete.
fn spectrogram(info: SpectrogramInfo, payload: Payload) -> Option<Rc<Spectrogram>> {
    match payload {
        // A drawing would index out of bounds with fewer values.
        Payload::Floats(values) if info.frames.checked_mul(info.bands) == Some(values.len()) => {
            Some(Rc::new(Spectrogram { info, values }))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
