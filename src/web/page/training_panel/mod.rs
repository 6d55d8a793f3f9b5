//! The training view, a section for each step: the dataset, the settings, the progress, the results, and earlier runs.

mod class_item;
mod dataset_section;
mod field;
mod form;
mod progress;
mod results_section;
mod runs_section;
mod settings;

use web_sys::{Document, File, HtmlElement, Url};

use self::dataset_section::DatasetSection;
use self::progress::Progress;
use self::results_section::ResultsSection;
use self::runs_section::RunsSection;
use self::settings::Settings;
pub(super) use self::settings::TrainingSettings;
use crate::view::classify::state::State;
use crate::view::train::state::TrainingState;
use crate::web::dom::{DomError, by_id, disable};

/// The sections of the view.
pub(super) struct TrainingPanel {
    document: Document,
    page: HtmlElement,
    dataset: DatasetSection,
    pub(super) settings: Settings,
    start: HtmlElement,
    progress: Progress,
    pub(super) results: ResultsSection,
    runs: RunsSection,
    player: HtmlElement,
}

impl TrainingPanel {
    pub(super) fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            page: by_id(document, "page")?,
            dataset: DatasetSection::find(document)?,
            settings: Settings::build(document)?,
            start: by_id(document, "train-start")?,
            progress: Progress::find(document)?,
            results: ResultsSection::find(document)?,
            runs: RunsSection::find(document)?,
            player: by_id(document, "train-player")?,
        })
    }

    /// True while the page shows this view, not the one that classifies.
    pub(super) fn is_shown(&self) -> bool {
        self.page.get_attribute("data-view").as_deref() == Some("train")
    }

    /// Shows this view (`train`) or the one that classifies (`classify`).
    pub(super) fn show(&self, view: &str) -> Result<(), DomError> {
        self.page.set_attribute("data-view", view)?;
        for (id, own) in [("view-train", "train"), ("view-classify", "classify")] {
            let pressed = if own == view { "true" } else { "false" };
            by_id::<HtmlElement>(&self.document, id)?.set_attribute("aria-pressed", pressed)?;
        }
        Ok(())
    }

    /// Plays a clip.
    pub(super) fn play(&self, file: &File) -> Result<(), DomError> {
        // Each object URL keeps its file in memory until it is revoked.
        if let Some(before) = self.player.get_attribute("src") {
            Url::revoke_object_url(&before)?;
        }
        self.player.set_attribute("src", &Url::create_object_url_with_blob(file)?)?;
        self.player.set_hidden(false);
        Ok(())
    }

    /// Hides the player.
    pub(super) fn stop_playing(&self) {
        self.player.set_hidden(true);
    }

    /// For the service worker, which updates the page only while it does nothing. Not with the next frame: a hidden tab
    /// draws none.
    pub(super) fn show_whether_busy(&self, is_busy: bool) -> Result<(), DomError> {
        self.page.toggle_attribute_with_force("data-busy", is_busy)?;
        Ok(())
    }

    /// Renders the state; `loading` while the stored dataset is still being read.
    pub(super) fn render(
        &self,
        training: &TrainingState,
        state: &State,
        loading: bool,
        dark: bool,
        ratio: f64,
    ) -> Result<(), DomError> {
        self.page.set_attribute("data-stage", training.stage.name())?;
        // Hidden elements have no size, so the curves could not be drawn anyway.
        if !self.is_shown() {
            return Ok(());
        }
        self.dataset.render(training)?;
        self.settings.render(state, training)?;
        let cannot_train = training.dataset.is_empty() || self.dataset.forbids();
        disable(&self.start, cannot_train || loading || training.is_locked())?;
        self.progress.render(training, dark, ratio)?;
        self.results.render(training)?;
        self.runs.render(training, dark, ratio)
    }
}
