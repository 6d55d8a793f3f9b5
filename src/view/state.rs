//! What has happened so far: the one value that the page is drawn from.

use std::rc::Rc;

use super::engine::Choice;
use super::words;
use crate::protocol::{EngineInfo, Event, Payload, Prediction, Progress, SpectrogramInfo};

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

    /// The file is given up, unless it is done already.
    pub fn cancel(&mut self) {
        if self.phase == Phase::Working {
            self.forget_file();
            self.notice = Some(words::CANCELLED);
        }
    }

    fn forget_file(&mut self) {
        let error = if self.broken { self.error.take() } else { None };
        let (engine, choice, broken) = (self.engine.take(), std::mem::take(&mut self.choice), self.broken);
        *self = Self { error, engine, choice, broken, ..Self::default() };
    }

    /// The engine in use, or the reason for it, changed.
    pub fn set_engine(&mut self, engine: Option<EngineInfo>, choice: Choice) {
        self.engine = engine;
        self.choice = choice;
    }

    /// No file can be worked on any more, and why.
    pub fn break_down(&mut self, reason: String) {
        self.broken = true;
        self.fail(reason);
    }

    /// The current file cannot be done, and why.
    pub fn fail(&mut self, reason: String) {
        self.phase = Phase::Failed;
        self.progress = None;
        // Of what was heard before it failed, nothing may pass for an answer.
        (self.spectrogram, self.prediction) = (None, None);
        self.error = Some(words::sentence(reason));
    }

    /// Something happened to the current file.
    pub fn apply(&mut self, event: Event, payload: Payload) {
        // Without a file, what arrives is of one that was given up.
        if self.broken || self.file.is_none() {
            return;
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
            Event::Ready { .. } | Event::Loaded { .. } | Event::SelfTested(_) => {}
        }
    }

    fn take_spectrogram(&mut self, info: SpectrogramInfo, payload: Payload) {
        match payload {
            Payload::Floats(values) if values.len() == info.frames * info.bands => {
                self.spectrogram = Some(Rc::new(Spectrogram { info, values }));
            }
            _ => self.warn(words::NO_SPECTROGRAM.to_owned()),
        }
    }

    /// Adds a warning, once.
    fn warn(&mut self, message: String) {
        if !self.warnings.contains(&message) {
            self.warnings.push(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::EngineKind;
    use crate::view::spectrogram::tests::info;
    use crate::view::strip::tests::prediction;

    fn opened() -> State {
        let mut state = State::default();
        state.set_engine(Some(EngineInfo { kind: EngineKind::Cpu, adapter: None }), Choice::FetchingGpu);
        state.open("a.wav".to_owned());
        state
    }

    fn progress(fraction: f32) -> Event {
        let (heard_seconds, duration_seconds) = (f64::from(fraction) * 60.0, Some(60.0));
        Event::Progress(Progress { heard_seconds, duration_seconds, fraction })
    }

    #[test]
    fn a_file_goes_from_chosen_to_done() {
        let mut state = opened();
        assert_eq!((state.phase, state.progress), (Phase::Working, None));
        state.apply(progress(0.5), Payload::None);
        assert_eq!(state.progress.map(|progress| progress.heard_seconds), Some(30.0));
        state.apply(Event::Spectrogram(info(2, 3)), Payload::Floats(vec![-1.0; 6]));
        assert!(state.spectrogram.as_ref().is_some_and(|found| found.values.len() == 6));
        state.apply(Event::SoFar(prediction()), Payload::None);
        assert_eq!((state.phase, state.prediction.as_deref()), (Phase::Working, Some(&prediction())));
        state.apply(Event::Classified(prediction()), Payload::None);
        assert_eq!((state.phase, state.progress), (Phase::Done, None));
        assert_eq!(state.prediction.as_deref(), Some(&prediction()));
    }

    #[test]
    fn a_second_file_keeps_nothing_of_the_first_but_the_engine() {
        let mut state = opened();
        state.apply(Event::Spectrogram(info(1, 1)), Payload::Floats(vec![0.0]));
        state.apply(Event::Warning { message: "cut short".to_owned() }, Payload::None);
        state.apply(Event::Failed { message: "no".to_owned() }, Payload::None);
        assert_eq!((state.phase.name(), state.error.as_deref()), ("error", Some("no.")));
        state.open("b.wav".to_owned());
        assert_eq!(state, State { file: Some("b.wav".to_owned()), ..opened() });
    }

    #[test]
    fn late_events_of_a_cancelled_file_do_not_count() {
        let mut state = opened();
        state.cancel();
        state.apply(progress(0.9), Payload::None);
        state.apply(Event::Classified(prediction()), Payload::None);
        assert_eq!((state.phase, state.prediction.as_ref()), (Phase::Idle, None));
        assert_eq!(state.notice, Some(words::CANCELLED));
    }

    #[test]
    fn cancelling_a_finished_file_keeps_it() {
        let mut state = opened();
        state.apply(Event::Classified(prediction()), Payload::None);
        state.cancel();
        assert_eq!((state.phase, state.prediction.as_deref()), (Phase::Done, Some(&prediction())));
    }

    #[test]
    fn a_broken_engine_stays_broken() {
        let mut state = opened();
        state.break_down("the weights are damaged".to_owned());
        state.open("b.wav".to_owned());
        state.apply(progress(0.1), Payload::None);
        assert_eq!((state.phase, state.error.as_deref()), (Phase::Failed, Some("the weights are damaged.")));
    }

    #[test]
    fn a_spectrogram_whose_values_do_not_fit_is_not_drawn() {
        for payload in [Payload::None, Payload::Floats(vec![0.0; 5]), Payload::Bytes(vec![0; 24])] {
            let mut state = opened();
            for _ in 0..2 {
                state.apply(Event::Spectrogram(info(2, 3)), payload.clone());
            }
            assert_eq!((state.spectrogram.clone(), state.warnings.len()), (None, 1));
        }
    }

    #[test]
    fn a_warning_is_shown_once() {
        let mut state = opened();
        for _ in 0..2 {
            state.apply(Event::Warning { message: "cut short".to_owned() }, Payload::None);
        }
        assert_eq!(state.warnings, ["cut short"]);
    }
}
