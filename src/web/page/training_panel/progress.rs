//! The progress of a training job, and its curves.

use std::cell::RefCell;

use web_sys::{Document, HtmlElement, HtmlProgressElement};

use crate::eval::report::EpochReport;
use crate::protocol::TrainControl;
use crate::view::Theme;
use crate::view::draw::curves;
use crate::view::train::stage::Stage;
use crate::view::train::state::TrainingState;
use crate::view::train::words;
use crate::view::train::words::results;
use crate::web::canvas::Canvas;
use crate::web::dom::{self, DomError, by_id, set_text, set_text_or_hide};
use crate::web::page::text::show_progress;

/// What the picture of the curves depends on; it is painted again if that changes.
#[derive(PartialEq)]
struct Drawn {
    epochs: usize,
    last: Option<EpochReport>,
    size: [f64; 2],
    dark: bool,
    ratio: f64,
}

#[derive(Default)]
struct Shown {
    curves: Option<Drawn>,
    /// For the time left: the stage, when it began (by [`dom::now`]), and with which clip or step.
    began: Option<(&'static str, f64, usize)>,
}

/// The elements of the section.
pub(super) struct Progress {
    running: HtmlElement,
    bar: HtmlProgressElement,
    text: HtmlElement,
    pause: HtmlElement,
    stop: HtmlElement,
    error: HtmlElement,
    curves_box: HtmlElement,
    epochs: HtmlElement,
    canvas: RefCell<Canvas>,
    shown: RefCell<Shown>,
}

impl Progress {
    pub(super) fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            running: by_id(document, "train-running")?,
            bar: by_id(document, "train-progress")?,
            text: by_id(document, "train-progress-text")?,
            pause: by_id(document, "train-pause")?,
            stop: by_id(document, "train-stop-keep-best")?,
            error: by_id(document, "train-error")?,
            curves_box: by_id(document, "train-curves-box")?,
            epochs: by_id(document, "train-epochs-text")?,
            canvas: RefCell::new(Canvas::new(by_id(document, "train-curves")?)?),
            shown: RefCell::default(),
        })
    }

    pub(super) fn render(&self, training: &TrainingState, dark: bool, ratio: f64) -> Result<(), DomError> {
        self.running.set_hidden(!training.is_busy());
        set_text_or_hide(&self.error, training.error.as_deref());
        let steps = match training.stage {
            Stage::Training { step, steps, control } => Some((step, steps, control)),
            _ => None,
        };
        self.pause.set_hidden(steps.is_none());
        self.stop.set_hidden(steps.is_none());
        let is_paused = steps.is_some_and(|(_, _, control)| control == TrainControl::Pause);
        set_text(&self.pause, words::pause_button(is_paused));
        let fraction = match training.stage {
            Stage::Idle => None,
            Stage::Adding { total: 0, .. } => None,
            Stage::Adding { done, total } | Stage::Packing { done, total } | Stage::Embedding { done, total } => {
                Some(done as f64 / total.max(1) as f64)
            }
            Stage::Preparing { fetched, total } => (fetched < total).then(|| fetched as f64 / total as f64),
            Stage::Training { step, steps, .. } => Some(step as f64 / steps.max(1) as f64),
        };
        show_progress(&self.bar, fraction);
        set_text(&self.text, &words::stage(training.stage, self.seconds_left(training.stage)));
        self.render_curves(training, dark, ratio)
    }

    /// The estimated time left, in seconds, from the time that the clips or steps so far have taken.
    fn seconds_left(&self, stage: Stage) -> Option<f64> {
        let began = &mut self.shown.borrow_mut().began;
        // Fewer clips or steps are no basis for an estimate.
        let (done, total, least) = match stage {
            Stage::Embedding { done, total } => (done, total, 2),
            Stage::Training { step, steps, control: TrainControl::Run } => (step, steps, 5),
            _ => {
                *began = None;
                return None;
            }
        };
        // A new stage has its own speed.
        began.take_if(|(name, ..)| *name != stage.name());
        let (_, since, first) = *began.get_or_insert((stage.name(), dom::now(), done));
        let made = done.checked_sub(first).filter(|made| *made >= least)?;
        Some((dom::now() - since) / 1000.0 / made as f64 * total.saturating_sub(done) as f64)
    }

    fn render_curves(&self, training: &TrainingState, dark: bool, ratio: f64) -> Result<(), DomError> {
        let mut canvas = self.canvas.borrow_mut();
        canvas.element().set_hidden(training.epochs.is_empty());
        self.curves_box.set_hidden(training.epochs.is_empty());
        set_text(&self.epochs, &results::epochs(&training.epochs).unwrap_or_default());
        let size = canvas.size();
        let (epochs, last) = (training.epochs.len(), training.epochs.last().cloned());
        let drawn = Drawn { epochs, last, size, dark, ratio };
        let shown = &mut self.shown.borrow_mut().curves;
        // Events come many times a second; painting as often would take time from everything else.
        if shown.as_ref() == Some(&drawn) || size.contains(&0.0) || training.epochs.is_empty() {
            return Ok(());
        }
        canvas.clear(ratio)?;
        canvas.paint(&curves::shapes(&training.epochs, size[0], size[1], dark, Theme::of(dark)))?;
        canvas.element().set_attribute("aria-label", &results::curves(&training.epochs))?;
        *shown = Some(drawn);
        Ok(())
    }
}
