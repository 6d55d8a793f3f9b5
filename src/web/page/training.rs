//! What people do with a lesson: hold it, steer it, use what came of it. What they collect for it is in
//! [`collect`](super::collect).

use std::rc::Weak;

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, File, HtmlElement, HtmlInputElement};

use super::input::on;
use super::training_panel::{Wanted, disable};
use super::{Inner, Page};
use crate::protocol::TrainControl;
use crate::training_job::TrainingJob;
use crate::view::train::stage::Stage;
use crate::view::train::state::TrainingState;
use crate::view::train::words;
use crate::web::dom::{DomError, Listener, by_id};

/// What a button does.
type Act = fn(&Page);

/// What people do in this place.
pub fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let mut listeners = Vec::new();
    for (id, view) in [("view-classify", "classify"), ("view-train", "train")] {
        let button: HtmlElement = by_id(document, id)?;
        listeners.push(on(weak, &button, "click", move |page, _: Event| page.show_view(view))?);
        // Until now a press would have been lost.
        disable(&button, false)?;
    }
    let clicks: [(&str, Act); 6] = [
        ("train-start", Page::begin_training),
        ("train-pause", Page::hold_or_go_on),
        ("train-stop-keep-best", |page| page.control_training(TrainControl::Stop)),
        ("train-stop", Page::give_up),
        ("results-use", Page::use_trained),
        ("results-save", Page::save_trained),
    ];
    for (id, act) in clicks {
        listeners.push(on(weak, &by_id(document, id)?, "click", move |page, _: Event| act(page))?);
    }
    let settings: Element = by_id(document, "train-settings")?;
    for kind in ["input", "change"] {
        listeners.push(on(weak, &settings, kind, move |page, event: Event| {
            page.0.training_panel.settings.changed(kind, &event)
        })?);
    }
    for (id, kind) in [("results", "click"), ("train-runs", "click"), ("train-runs", "change")] {
        let place: Element = by_id(document, id)?;
        listeners.push(on(weak, &place, kind, move |page, event: Event| page.act_on_outcome(kind, &event))?);
    }
    Ok(listeners)
}

impl Page {
    pub(super) fn show_view(&self, view: &str) {
        // Whoever only listens needs no list of what can be taught.
        if view == "train" && !self.0.asked_registry.replace(true) {
            self.with_engines(|engines| engines.ask_registry());
        }
        if let Err(error) = self.0.training_panel.show(view) {
            log::error!("the page stays where it is: {error}");
        }
        self.request_frame();
    }

    fn begin_training(&self) {
        let place = &self.0.training_panel.settings;
        let (labels, clips) = self.0.training.borrow().dataset.job();
        let multi_label = self.0.training.borrow().dataset.multi_label();
        let held = self.0.clips.borrow();
        let files: Vec<File> = clips.iter().filter_map(|clip| held.get(&clip.id).cloned()).collect();
        drop(held);
        if files.len() != clips.len() {
            return self.change_training(|training| {
                training.error = Some(words::FILES_GONE.to_owned());
            });
        }
        let Some(Wanted { model_spec, recipe, share }) = place.wanted(clips.len()) else { return };
        let name = place.name(self.0.state.borrow().catalogue.as_deref());
        self.change_training(TrainingState::begin);
        let job = TrainingJob { name, labels, multi_label, model: model_spec, clips, recipe };
        self.with_engines(|engines| engines.train(job, files, share));
    }

    /// Gives up what is under way: the lesson, or work on the collection.
    fn give_up(&self) {
        self.end_turn();
        self.with_engines(|engines| engines.cancel_training());
        // Work on the collection tells nothing any more.
        self.change_training(|training| {
            if matches!(training.stage, Stage::Adding { .. } | Stage::Packing { .. }) {
                training.stage = Stage::Idle;
            }
        });
    }

    fn hold_or_go_on(&self) {
        let held = matches!(self.0.training.borrow().stage, Stage::Training { control: TrainControl::Pause, .. });
        self.control_training(if held { TrainControl::Run } else { TrainControl::Pause });
    }

    fn control_training(&self, control: TrainControl) {
        self.change_training(|training| training.control(control));
        self.with_engines(|engines| engines.control(control));
    }

    /// A button or a box to tick in what came of lessons.
    fn act_on_outcome(&self, kind: &str, event: &Event) {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let Some(target) = target.and_then(|target| target.closest("[data-act]").ok().flatten()) else { return };
        let key = |name: &str| target.get_attribute(name).unwrap_or_default();
        let number = |name: &str| key(name).parse::<usize>().ok();
        match (kind, key("data-act").as_str(), number("data-run")) {
            ("click", "play", _) => self.play(&key("data-clip")),
            ("click", "cell", _) => {
                if let (Some(truth), Some(answer)) = (number("data-truth"), number("data-answer")) {
                    self.show_cell([truth, answer]);
                }
            }
            ("click", "look", Some(run)) => self.change_training(|training| training.look_at(run)),
            ("click", "forget", Some(run)) => self.change_training(|training| training.forget_run(run)),
            ("change", "compare", Some(run)) => {
                let ticked = target.dyn_ref::<HtmlInputElement>().is_some_and(HtmlInputElement::checked);
                self.change_training(|training| training.compare(run, ticked));
            }
            _ => {}
        }
    }

    fn show_cell(&self, cell: [usize; 2]) {
        if let Err(error) = self.0.training_panel.outcome.show_cell(cell) {
            log::error!("the clips cannot be listed: {error}");
        }
    }

    /// The name of the network that was taught last.
    fn trained(&self) -> Option<String> {
        self.0.training.borrow().outcome.as_ref().map(|outcome| outcome.card.name.clone())
    }

    fn use_trained(&self) {
        if let Some(name) = self.trained() {
            self.use_network(&name);
            self.show_view("classify");
        }
    }

    fn save_trained(&self) {
        if let Some(name) = self.trained() {
            self.save_network(&name);
        }
    }
}
