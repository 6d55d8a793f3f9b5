//! The page's texts, tables and progress bars: everything but the drawings.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{Document, HtmlElement, HtmlProgressElement, HtmlSelectElement};

use crate::protocol::{EngineKind, Prediction};
use crate::view::classify::engine::Preference;
use crate::view::classify::network_words;
use crate::view::classify::state::{Phase, State};
use crate::view::classify::words;
use crate::view::draw::words as draw_words;
use crate::view::draw::{colours, strip};
use crate::view::format;
use crate::view::{Colour, Theme};
use crate::web::dom::{self, DomError, by_id, set_text, set_text_or_hide};

/// The elements that show text.
pub struct Texts {
    document: Document,
    page: HtmlElement,
    notice: HtmlElement,
    progress_box: HtmlElement,
    progress: HtmlProgressElement,
    progress_text: HtmlElement,
    cancel: HtmlElement,
    reclassify_box: HtmlElement,
    reclassify: HtmlProgressElement,
    reclassify_text: HtmlElement,
    file: HtmlElement,
    error: HtmlElement,
    error_text: HtmlElement,
    error_hint: HtmlElement,
    result: HtmlElement,
    recording: HtmlElement,
    verdict: HtmlElement,
    detail: HtmlElement,
    warnings: HtmlElement,
    numbers: HtmlElement,
    caption: HtmlElement,
    label_heading: HtmlElement,
    table: HtmlElement,
    legend: HtmlElement,
    engine: HtmlElement,
    engine_choice: HtmlSelectElement,
    /// What the lists show: rebuilding them for every event would lose the text that a reader has selected.
    listed: RefCell<Option<(Rc<Prediction>, Theme)>>,
}

impl Texts {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            page: by_id(document, "page")?,
            notice: by_id(document, "notice")?,
            progress_box: by_id(document, "progress-box")?,
            progress: by_id(document, "progress")?,
            progress_text: by_id(document, "progress-text")?,
            cancel: by_id(document, "cancel")?,
            reclassify_box: by_id(document, "reclassify-box")?,
            reclassify: by_id(document, "reclassify")?,
            reclassify_text: by_id(document, "reclassify-text")?,
            file: by_id(document, "file")?,
            error: by_id(document, "error")?,
            error_text: by_id(document, "error-text")?,
            error_hint: by_id(document, "error-hint")?,
            result: by_id(document, "result")?,
            recording: by_id(document, "recording")?,
            verdict: by_id(document, "verdict")?,
            detail: by_id(document, "detail")?,
            warnings: by_id(document, "warnings")?,
            numbers: by_id(document, "numbers")?,
            caption: by_id(document, "genre-caption")?,
            label_heading: by_id(document, "label-heading")?,
            table: by_id(document, "genre-rows")?,
            legend: by_id(document, "legend")?,
            engine: by_id(document, "engine")?,
            engine_choice: by_id(document, "engine-choice")?,
            listed: RefCell::default(),
        })
    }

    pub fn show_preference(&self, preference: Preference) {
        self.engine_choice.set_value(preference.name());
    }

    /// The engine selected in the choice box.
    pub fn preference(&self) -> Preference {
        Preference::of(&self.engine_choice.value()).unwrap_or_default()
    }

    pub fn render(&self, state: &State, theme: &Theme) -> Result<(), DomError> {
        self.page.set_attribute("data-state", state.phase.name())?;
        set_text_or_hide(&self.notice, state.notice);
        self.render_progress(state);
        self.render_reclassification(state);
        self.render_error(state);
        self.render_engine(state)?;
        self.render_answer(state)?;
        self.render_lists(state, theme)
    }

    fn render_progress(&self, state: &State) {
        let working = state.phase == Phase::Working;
        let focused = self.document.active_element().is_some_and(|element| element == *self.cancel.as_ref());
        self.progress_box.set_hidden(!working);
        if !working {
            // A focused button that is hidden would leave the keyboard without a focus.
            if focused && let Err(error) = self.file.focus() {
                log::warn!("the focus could not be moved: {}", dom::describe(&error));
            }
            return;
        }
        show_progress(&self.progress, state.progress.map(|progress| f64::from(progress.fraction)));
        set_text(&self.progress_text, &words::progress(state.progress, state.browser_decodes, &state.choice));
    }

    fn render_reclassification(&self, state: &State) {
        self.reclassify_box.set_hidden(state.reclassification.is_none());
        if let Some(again) = &state.reclassification {
            show_progress(&self.reclassify, again.progress.map(|progress| f64::from(progress.fraction)));
            set_text(&self.reclassify_text, &network_words::reclassification(again, state.browser_decodes));
        }
    }

    fn render_error(&self, state: &State) {
        let hint = if state.broken { words::AFTER_BROKEN } else { words::AFTER_ERROR };
        set_text(&self.error_text, state.error.as_deref().unwrap_or_default());
        set_text(&self.error_hint, hint);
        self.error.set_hidden(state.error.is_none());
    }

    fn render_engine(&self, state: &State) -> Result<(), DomError> {
        let kind = match state.engine.as_ref().map(|engine| engine.kind) {
            None => "none",
            Some(EngineKind::Cpu) => "cpu",
            Some(EngineKind::Gpu) => "gpu",
        };
        self.engine.set_attribute("data-engine", kind)?;
        self.engine.set_attribute("data-choice", state.choice.name())?;
        set_text(&self.engine, &words::engine(state.engine.as_ref(), &state.choice));
        Ok(())
    }

    fn render_answer(&self, state: &State) -> Result<(), DomError> {
        let prediction = state.prediction.as_deref();
        let info = state.spectrogram.as_ref().map(|spectrogram| &spectrogram.info);
        self.result.set_hidden(info.is_none() && prediction.is_none());
        let file = state.file.as_deref().unwrap_or_default();
        set_text(&self.recording, &words::recording(file, info));
        let done = state.phase == Phase::Done;
        let verdict = if done { words::verdict } else { words::verdict_so_far };
        set_text(&self.verdict, &prediction.map_or_else(|| words::ANALYZING.to_owned(), verdict));
        self.verdict.toggle_attribute_with_force("data-waiting", !done)?;
        let detail = prediction.filter(|_| done).map(|shown| words::detail(shown, state.previous.as_ref()));
        set_text_or_hide(&self.detail, detail.as_deref());
        self.render_warnings(&state.warnings)
    }

    fn render_warnings(&self, warnings: &[String]) -> Result<(), DomError> {
        let shown = self.warnings.child_element_count() as usize;
        // Warnings are only added, or all removed for another file, so that their number and the first one tell a change.
        let same_first = self.warnings.first_element_child().and_then(|first| first.text_content());
        if shown != warnings.len() || same_first.as_deref() != warnings.first().map(String::as_str) {
            let items: Result<Vec<_>, _> =
                warnings.iter().map(|warning| dom::element(&self.document, "li", warning)).collect();
            dom::set_children(&self.warnings, &items?);
        }
        self.warnings.set_hidden(warnings.is_empty());
        Ok(())
    }

    fn render_lists(&self, state: &State, theme: &Theme) -> Result<(), DomError> {
        let mut listed = self.listed.borrow_mut();
        let same = match (&*listed, &state.prediction) {
            (Some((shown, ground)), Some(prediction)) => Rc::ptr_eq(shown, prediction) && ground == theme,
            (None, None) => true,
            _ => false,
        };
        if same {
            return Ok(());
        }
        let prediction = state.prediction.as_deref();
        self.numbers.set_hidden(prediction.is_none());
        if let Some(prediction) = prediction {
            set_text(&self.caption, words::table_caption(prediction));
            set_text(&self.label_heading, draw_words::label_heading(prediction));
        }
        let rows = prediction.map_or_else(|| Ok(vec![]), |prediction| self.rows(prediction, theme))?;
        dom::set_children(&self.table, &rows);
        let legend = prediction.map_or_else(|| Ok(vec![]), |prediction| self.legend(prediction, theme))?;
        dom::set_children(&self.legend, &legend);
        *listed = state.prediction.clone().map(|prediction| (prediction, theme.clone()));
        Ok(())
    }

    fn rows(&self, prediction: &Prediction, theme: &Theme) -> Result<Vec<HtmlElement>, DomError> {
        let place = |label: &str| prediction.labels.iter().position(|other| other == label).unwrap_or_default();
        let row = |score: &crate::protocol::Score| {
            let row = dom::element(&self.document, "tr", "")?;
            row.set_attribute("data-genre", &score.label)?;
            row.set_attribute("data-probability", &format!("{:.4}", score.probability))?;
            let name = dom::element(&self.document, "th", "")?;
            name.set_attribute("scope", "row")?;
            let swatch = self.swatch(colours::of_label(theme, &score.label, place(&score.label)))?;
            name.append_with_node_2(&swatch, &self.document.create_text_node(&format::genre(&score.label)))?;
            let probability = dom::element(&self.document, "td", &format::percent(score.probability))?;
            let share = prediction.windows.iter().filter_map(|window| window.probabilities.get(place(&score.label)));
            let highest = share.copied().fold(0.0, f32::max);
            let highest = dom::element(&self.document, "td", &format::percent(highest))?;
            row.append_with_node_3(&name, &probability, &highest)?;
            Ok(row)
        };
        prediction.genres.iter().map(row).collect()
    }

    fn legend(&self, prediction: &Prediction, theme: &Theme) -> Result<Vec<HtmlElement>, DomError> {
        let item = |entry: strip::LegendEntry| {
            let item = dom::element(&self.document, "li", "")?;
            let text = draw_words::legend(&entry.label, entry.share);
            let swatch = self.swatch(entry.colour)?;
            item.append_with_node_2(&swatch, &self.document.create_text_node(&text))?;
            Ok(item)
        };
        strip::legend(prediction, theme).into_iter().map(item).collect()
    }

    fn swatch(&self, colour: Colour) -> Result<HtmlElement, DomError> {
        let swatch = dom::element(&self.document, "span", "")?;
        swatch.set_attribute("class", "swatch")?;
        dom::set_style(&swatch, "background-color", &colour.css())?;
        Ok(swatch)
    }
}

/// Shows a progress of 0 to 1; without a value, an indeterminate one.
pub fn show_progress(bar: &HtmlProgressElement, fraction: Option<f64>) {
    match fraction {
        Some(fraction) => bar.set_value(fraction),
        None => bar.remove_attribute("value").unwrap_or_default(),
    }
}
