//! The page's place for teaching, a part for each of its steps: what is collected, who learns and how, how the lesson
//! goes, what came of it.

mod class_item;
mod dataset_section;
mod field;
mod progress;
mod results_section;
mod runs_section;
mod settings;

use web_sys::{Document, File, HtmlElement, Url};

use self::dataset_section::DatasetSection;
use self::progress::Progress;
use self::results_section::ResultsSection;
use self::runs_section::RunsSection;
pub use self::settings::{Settings, Wanted};
use crate::view::classify::state::State;
use crate::view::train::state::TrainingState;
use crate::web::dom::{DomError, by_id};

/// The parts of the place.
pub struct TrainingPanel {
    document: Document,
    page: HtmlElement,
    dataset: DatasetSection,
    /// Who learns, and how.
    pub settings: Settings,
    start: HtmlElement,
    progress: Progress,
    /// What came of it.
    pub outcome: ResultsSection,
    runs: RunsSection,
    player: HtmlElement,
}

impl TrainingPanel {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            page: by_id(document, "page")?,
            dataset: DatasetSection::find(document)?,
            settings: Settings::find(document)?,
            start: by_id(document, "train-start")?,
            progress: Progress::find(document)?,
            outcome: ResultsSection::find(document)?,
            runs: RunsSection::find(document)?,
            player: by_id(document, "train-player")?,
        })
    }

    /// True while the page shows this place, and not the one for listening.
    pub fn is_shown(&self) -> bool {
        self.page.get_attribute("data-view").as_deref() == Some("train")
    }

    /// Shows this place (`train`) or the one for listening (`listen`).
    pub fn show(&self, view: &str) -> Result<(), DomError> {
        self.page.set_attribute("data-view", view)?;
        for (id, own) in [("view-train", "train"), ("view-classify", "classify")] {
            let pressed = if own == view { "true" } else { "false" };
            by_id::<HtmlElement>(&self.document, id)?.set_attribute("aria-pressed", pressed)?;
        }
        Ok(())
    }

    /// Plays a clip, in place of the one before.
    pub fn play(&self, file: &File) -> Result<(), DomError> {
        if let Some(before) = self.player.get_attribute("src") {
            Url::revoke_object_url(&before)?;
        }
        self.player.set_attribute("src", &Url::create_object_url_with_blob(file)?)?;
        self.player.set_hidden(false);
        Ok(())
    }

    /// Takes the player away.
    pub fn stop_playing(&self) {
        self.player.set_hidden(true);
    }

    /// Shows it; `fetching` while what was kept is not back yet.
    pub fn render(
        &self,
        training: &TrainingState,
        state: &State,
        fetching: bool,
        dark: bool,
        ratio: f64,
    ) -> Result<(), DomError> {
        self.page.set_attribute("data-stage", training.stage.name())?;
        if !self.is_shown() {
            return Ok(());
        }
        self.dataset.render(training)?;
        self.settings.render(state, training)?;
        let nothing = training.dataset.is_empty() || self.dataset.forbids();
        disable(&self.start, nothing || fetching || training.is_busy())?;
        self.progress.render(training, dark, ratio)?;
        self.outcome.render(training)?;
        self.runs.render(training, dark, ratio)
    }
}

pub fn disable(element: &HtmlElement, disabled: bool) -> Result<(), DomError> {
    element.toggle_attribute_with_force("disabled", disabled)?;
    Ok(())
}
