//! What has happened so far: the one value that the page is drawn from.

use std::rc::Rc;

use super::engine::Choice;
use super::words;
use crate::protocol::{EngineInfo, Event, Payload, Prediction, SpectrogramInfo, Stage};

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
    /// What is being done with it, and how much of that, 0 to 1; `None` before the engine has it.
    pub progress: Option<(Stage, f32)>,
    /// Its spectrogram, once drawn. Shared, so that a drawing can tell whether it shows this very one.
    pub spectrogram: Option<Rc<Spectrogram>>,
    /// Its genres, once named. Shared for the same reason.
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
    /// True while the engine has the current file. What arrives at other times is of one that was given up.
    pub listening: bool,
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

    /// The current file's bytes went to the engine.
    pub fn sent(&mut self) {
        self.listening = true;
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
        self.error = Some(words::sentence(reason));
    }

    /// Something happened to the current file.
    pub fn apply(&mut self, event: Event, payload: Payload) {
        if self.broken || !self.listening {
            return;
        }
        match event {
            Event::Progress { stage, fraction } => {
                self.phase = Phase::Working;
                self.progress = Some((stage, fraction.clamp(0.0, 1.0)));
            }
            Event::Spectrogram(info) => self.take_spectrogram(info, payload),
            Event::Classified(prediction) => {
                self.prediction = Some(Rc::new(prediction));
                self.phase = Phase::Done;
                self.progress = None;
            }
            Event::Warning { message } if !self.warnings.contains(&message) => self.warnings.push(message),
            Event::Failed { message } => self.fail(message),
            Event::Cancelled => self.cancel(),
            Event::Warning { .. } | Event::Ready { .. } | Event::Loaded { .. } | Event::SelfTested(_) => {}
        }
    }

    fn take_spectrogram(&mut self, info: SpectrogramInfo, payload: Payload) {
        match payload {
            Payload::Floats(values) if values.len() == info.frames * info.bands => {
                self.spectrogram = Some(Rc::new(Spectrogram { info, values }));
            }
            _ => self.warnings.push(words::NO_SPECTROGRAM.to_owned()),
        }
    }

    /// How far all the work on the file is, 0 to 1; `None` before the engine has it.
    pub fn overall(&self) -> Option<f32> {
        // The shares of the time that the stages take, in their order: the CPU engine on five minutes of stereo at
        // 44.1 kHz, in Chromium.
        let (before, share) = match self.progress?.0 {
            Stage::Decode => (0.0, 0.30),
            Stage::Resample => (0.30, 0.14),
            Stage::Spectrogram => (0.44, 0.12),
            Stage::Classify => (0.56, 0.44),
        };
        self.progress.map(|(_, fraction)| before + share * fraction)
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
        state.sent();
        state
    }

    fn progress(stage: Stage, fraction: f32) -> Event {
        Event::Progress { stage, fraction }
    }

    #[test]
    fn a_file_goes_from_chosen_to_done() {
        let mut state = opened();
        assert_eq!((state.phase, state.overall()), (Phase::Working, None));
        let mut last = -1.0;
        for stage in [Stage::Decode, Stage::Resample, Stage::Spectrogram, Stage::Classify] {
            for fraction in [0.0, 0.5, 1.0] {
                state.apply(progress(stage, fraction), Payload::None);
                let overall = state.overall().unwrap_or(-2.0);
                assert!(overall >= last - 1e-6 && overall <= 1.0, "{stage:?} {fraction}: {overall} after {last}");
                last = overall;
            }
        }
        state.apply(Event::Spectrogram(info(2, 3)), Payload::Floats(vec![-1.0; 6]));
        assert!(state.spectrogram.as_ref().is_some_and(|found| found.values.len() == 6));
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
        state.sent();
        assert_eq!(state, State { file: Some("b.wav".to_owned()), ..opened() });
    }

    #[test]
    fn late_events_of_a_cancelled_file_do_not_count() {
        let mut state = opened();
        state.cancel();
        state.apply(progress(Stage::Classify, 0.9), Payload::None);
        state.apply(Event::Classified(prediction()), Payload::None);
        assert_eq!((state.phase, state.prediction.as_ref()), (Phase::Idle, None));
        assert_eq!(state.notice, Some(words::CANCELLED));
    }

    #[test]
    fn nothing_counts_between_choosing_a_file_and_sending_it() {
        let mut state = opened();
        state.open("b.wav".to_owned());
        state.apply(Event::Classified(prediction()), Payload::None);
        state.apply(Event::Cancelled, Payload::None);
        assert_eq!((state.phase, state.prediction.as_ref()), (Phase::Working, None));
        state.sent();
        state.apply(Event::Classified(prediction()), Payload::None);
        assert_eq!(state.phase, Phase::Done);
    }

    #[test]
    fn cancelling_a_finished_file_keeps_it() {
        let mut state = opened();
        state.apply(Event::Classified(prediction()), Payload::None);
        state.cancel();
        assert_eq!((state.phase, state.listening), (Phase::Done, true));
    }

    #[test]
    fn a_broken_engine_stays_broken() {
        let mut state = opened();
        state.break_down("the weights are damaged".to_owned());
        state.open("b.wav".to_owned());
        state.apply(progress(Stage::Decode, 0.1), Payload::None);
        assert_eq!((state.phase, state.error.as_deref()), (Phase::Failed, Some("the weights are damaged.")));
    }

    #[test]
    fn a_spectrogram_whose_values_do_not_fit_is_not_drawn() {
        for payload in [Payload::None, Payload::Floats(vec![0.0; 5]), Payload::Bytes(vec![0; 24])] {
            let mut state = opened();
            state.apply(Event::Spectrogram(info(2, 3)), payload);
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
