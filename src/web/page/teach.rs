//! The page's place for teaching, a part for each of its steps: what is collected, who learns and how, how the lesson
//! goes, what came of it.

mod class_item;
mod collection;
mod field;
mod outcome;
mod progress;
mod runs;
mod settings;

use web_sys::{Document, File, HtmlElement, Url};

use self::collection::CollectionPlace;
use self::outcome::OutcomePlace;
use self::progress::Progress;
use self::runs::RunsPlace;
pub use self::settings::{Settings, Wanted};
use crate::view::state::State;
use crate::view::teach::Teaching;
use crate::web::dom::{DomError, by_id};

/// The parts of the place.
pub struct Teach {
    document: Document,
    page: HtmlElement,
    collection: CollectionPlace,
    /// Who learns, and how.
    pub settings: Settings,
    start: HtmlElement,
    progress: Progress,
    /// What came of it.
    pub outcome: OutcomePlace,
    runs: RunsPlace,
    player: HtmlElement,
}

impl Teach {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            page: by_id(document, "page")?,
            collection: CollectionPlace::find(document)?,
            settings: Settings::find(document)?,
            start: by_id(document, "teach-start")?,
            progress: Progress::find(document)?,
            outcome: OutcomePlace::find(document)?,
            runs: RunsPlace::find(document)?,
            player: by_id(document, "teach-player")?,
        })
    }

    /// True while the page shows this place, and not the one for listening.
    pub fn is_shown(&self) -> bool {
        self.page.get_attribute("data-view").as_deref() == Some("teach")
    }

    /// Shows this place (`teach`) or the one for listening (`listen`).
    pub fn show(&self, view: &str) -> Result<(), DomError> {
        self.page.set_attribute("data-view", view)?;
        for (id, own) in [("view-teach", "teach"), ("view-listen", "listen")] {
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
        teaching: &Teaching,
        state: &State,
        fetching: bool,
        dark: bool,
        ratio: f64,
    ) -> Result<(), DomError> {
        self.page.set_attribute("data-stage", teaching.stage.name())?;
        if !self.is_shown() {
            return Ok(());
        }
        self.collection.render(teaching)?;
        self.settings.render(state, teaching)?;
        let nothing = teaching.collection.is_empty() || self.collection.forbids();
        disable(&self.start, nothing || fetching || teaching.is_busy())?;
        self.progress.render(teaching, dark, ratio)?;
        self.outcome.render(teaching)?;
        self.runs.render(teaching, dark, ratio)
    }
}

pub fn disable(element: &HtmlElement, disabled: bool) -> Result<(), DomError> {
    element.toggle_attribute_with_force("disabled", disabled)?;
    Ok(())
}
