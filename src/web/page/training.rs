//! What people do with a training job: start, pause and stop it, and use its results. The dataset is in
//! [`dataset`](super::dataset).

use std::rc::Weak;

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, File, HtmlElement, HtmlInputElement};

use super::listen::on;
use super::training_panel::TrainingSettings;
use super::{Inner, Page};
use crate::protocol::TrainControl;
use crate::training_job::TrainingJob;
use crate::view::train::stage::Stage;
use crate::view::train::state::TrainingState;
use crate::view::train::words;
use crate::web::dom::{DomError, Listener, by_id, disable};

type Act = fn(&Page);

/// Attaches the listeners of the training view.
pub(super) fn listen(page: &Page, weak: &Weak<Inner>) -> Result<Vec<Listener>, DomError> {
    let document = &page.0.document;
    let mut listeners = Vec::new();
    for (id, view) in [("view-classify", "classify"), ("view-train", "train")] {
        let button: HtmlElement = by_id(document, id)?;
        listeners.push(on(weak, &button, "click", move |page, _: Event| page.show_view(view))?);
        // Before this, a click would have been lost.
        disable(&button, false)?;
    }
    let clicks: [(&str, Act); 6] = [
        ("train-start", Page::begin_training),
        ("train-pause", Page::pause_or_resume),
        ("train-stop-keep-best", |page| page.control_training(TrainControl::Stop)),
        ("train-stop", Page::cancel_running),
        ("results-use", Page::use_trained_network),
        ("results-save", Page::save_trained_network),
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
        let section: Element = by_id(document, id)?;
        // One listener on each section: its buttons are rebuilt with every render.
        listeners.push(on(weak, &section, kind, move |page, event: Event| page.act_on_results(kind, &event))?);
    }
    Ok(listeners)
}

impl Page {
    pub(super) fn show_view(&self, view: &str) {
        // The list of architectures costs an engine some time, and only this view needs it.
        if view == "train" && !self.0.asked_registry.replace(true) {
            self.with_engines(|engines| engines.ask_registry());
        }
        if let Err(error) = self.0.training_panel.show(view) {
            log::error!("the view cannot be changed: {error}");
        }
        self.request_frame();
    }

    fn begin_training(&self) {
        let form = &self.0.training_panel.settings;
        let (labels, clips) = self.0.training.borrow().dataset.job();
        let multi_label = self.0.training.borrow().dataset.multi_label();
        let files: Vec<File> = clips.iter().filter_map(|clip| self.file(&clip.id)).collect();
        // Some are missing if the browser could not store them.
        if files.len() != clips.len() {
            return self.change_training(|training| {
                training.error = Some(words::FILES_GONE.to_owned());
            });
        }
        let Some(TrainingSettings { model_spec, recipe, validation_split }) = form.checked(clips.len()) else { return };
        let name = form.name(self.0.state.borrow().catalogue.as_deref());
        self.change_training(TrainingState::begin);
        let job = TrainingJob { name, labels, multi_label, model: model_spec, clips, recipe };
        self.with_engines(|engines| engines.train(job, files, validation_split));
    }

    /// Cancels what is running: the training job, or work on the dataset.
    fn cancel_running(&self) {
        // One button for both: only one of them can be running.
        self.cancel_dataset_task();
        self.with_engines(|engines| engines.cancel_training());
        // Cancelled work on the dataset reports nothing any more.
        self.change_training(|training| {
            if matches!(training.stage, Stage::Adding { .. } | Stage::Packing { .. }) {
                training.stage = Stage::Idle;
            }
        });
    }

    fn pause_or_resume(&self) {
        let is_paused = matches!(self.0.training.borrow().stage, Stage::Training { control: TrainControl::Pause, .. });
        self.control_training(if is_paused { TrainControl::Run } else { TrainControl::Pause });
    }

    fn control_training(&self, control: TrainControl) {
        self.change_training(|training| training.control(control));
        self.with_engines(|engines| engines.control(control));
    }

    /// A button or a checkbox in the results or in the table of runs.
    fn act_on_results(&self, kind: &str, event: &Event) {
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
            ("click", "show", Some(run)) => self.change_training(|training| training.show_run(run)),
            ("click", "delete", Some(run)) => self.change_training(|training| training.delete_run(run)),
            ("change", "compare", Some(run)) => {
                let ticked = target.dyn_ref::<HtmlInputElement>().is_some_and(HtmlInputElement::checked);
                self.change_training(|training| training.compare(run, ticked));
            }
            _ => {}
        }
    }

    fn show_cell(&self, cell: [usize; 2]) {
        if let Err(error) = self.0.training_panel.results.show_cell(cell) {
            log::error!("the clips cannot be listed: {error}");
        }
    }

    /// The name of the network whose results are shown.
    fn trained_network(&self) -> Option<String> {
        self.0.training.borrow().outcome.as_ref().map(|outcome| outcome.card.name.clone())
    }

    fn use_trained_network(&self) {
        if let Some(name) = self.trained_network() {
            self.use_network(&name);
            self.show_view("classify");
        }
    }

    fn save_trained_network(&self) {
        if let Some(name) = self.trained_network() {
            self.save_network(&name);
        }
    }
}
