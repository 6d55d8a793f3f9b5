//! The results of a training run.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{Document, HtmlElement};

use crate::eval::metrics::Metrics;
use crate::view::train::results::Outcome;
use crate::view::train::results::{Confused, MATRIX_LABELS, confused};
use crate::view::train::state::TrainingState;
use crate::view::train::words::results as words;
use crate::web::dom::{self, DomError, by_id, set_text};

/// The elements of the section.
pub(crate) struct ResultsSection {
    document: Document,
    results: HtmlElement,
    sentence: HtmlElement,
    matrix_box: HtmlElement,
    scroll: HtmlElement,
    confusion: HtmlElement,
    many: HtmlElement,
    pairs: HtmlElement,
    cell: HtmlElement,
    cell_heading: HtmlElement,
    cell_clips: HtmlElement,
    figures: HtmlElement,
    misses: HtmlElement,
    misses_box: HtmlElement,
    shown: RefCell<Option<Rc<Outcome>>>,
}

impl ResultsSection {
    pub(super) fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            results: by_id(document, "results")?,
            sentence: by_id(document, "results-sentence")?,
            matrix_box: by_id(document, "results-matrix-box")?,
            scroll: by_id(document, "results-confusion-scroll")?,
            confusion: by_id(document, "results-confusion")?,
            many: by_id(document, "results-many")?,
            pairs: by_id(document, "results-pairs")?,
            cell: by_id(document, "results-cell")?,
            cell_heading: by_id(document, "results-cell-heading")?,
            cell_clips: by_id(document, "results-cell-clips")?,
            figures: by_id(document, "results-figures")?,
            misses: by_id(document, "results-misses")?,
            misses_box: by_id(document, "results-misses-box")?,
            shown: RefCell::default(),
        })
    }

    pub(super) fn render(&self, training: &TrainingState) -> Result<(), DomError> {
        self.results.set_hidden(training.outcome.is_none());
        let Some(outcome) = &training.outcome else {
            self.shown.take();
            return Ok(());
        };
        if self.shown.borrow().as_ref().is_some_and(|shown| Rc::ptr_eq(shown, outcome)) {
            return Ok(());
        }
        set_text(&self.sentence, &words::outcome(outcome));
        self.matrix_box.set_hidden(outcome.job.multi_label);
        self.cell.set_hidden(true);
        if outcome.job.multi_label {
            self.render_tags(outcome)?;
        } else {
            self.render_classes(outcome)?;
        }
        self.shown.replace(Some(outcome.clone()));
        Ok(())
    }

    /// Lists the clips of one cell of the confusion matrix.
    pub(crate) fn show_cell(&self, cell: [usize; 2]) -> Result<(), DomError> {
        let shown = self.shown.borrow();
        let Some(outcome) = shown.as_ref() else { return Ok(()) };
        let clips = outcome.cell(cell[0], cell[1]);
        let confused = Confused { truth: cell[0], answer: cell[1], clips: clips.len() };
        self.press(confused)?;
        set_text(&self.cell_heading, &words::cell_heading(&outcome.metrics(), confused));
        let item = |&clip: &usize| self.clip_item(outcome, clip, &words::prediction(outcome, clip));
        let items: Result<Vec<_>, DomError> = clips.iter().map(item).collect();
        dom::set_children(&self.cell_clips, &items?);
        self.cell.set_hidden(false);
        Ok(())
    }

    /// Marks the cell whose clips are listed.
    fn press(&self, Confused { truth, answer, .. }: Confused) -> Result<(), DomError> {
        let buttons = self.matrix_box.get_elements_by_tag_name("button");
        for button in (0..buttons.length()).filter_map(|place| buttons.item(place)) {
            let is = |name: &str, label: usize| button.get_attribute(name).is_some_and(|own| own == label.to_string());
            // The box has other buttons too, which play clips.
            if button.has_attribute("data-truth") {
                let pressed = is("data-truth", truth) && is("data-answer", answer);
                button.set_attribute("aria-pressed", if pressed { "true" } else { "false" })?;
            }
        }
        Ok(())
    }

    fn render_classes(&self, outcome: &Outcome) -> Result<(), DomError> {
        let metrics = outcome.metrics();
        let is_large = metrics.labels.len() > MATRIX_LABELS;
        self.scroll.set_hidden(is_large);
        self.many.set_hidden(!is_large);
        let rows = if is_large { Vec::new() } else { self.matrix(&metrics)? };
        dom::set_children(&self.confusion, &rows);
        let pairs = if is_large { confused(&metrics) } else { Vec::new() };
        let pair = |&pair: &Confused| {
            let item = dom::element(&self.document, "li", "")?;
            let button = self.cell_button(pair, &words::cell(&metrics, pair))?;
            button.set_class_name("quiet");
            dom::set_children(&item, [&button]);
            Ok(item)
        };
        let items: Result<Vec<_>, DomError> = pairs.iter().map(pair).collect();
        dom::set_children(&self.pairs, &items?);
        let figures: Vec<_> = metrics.per_class.iter().map(words::class_figures).collect();
        self.render_figures(&words::CLASS_HEADINGS, &figures)?;
        let misses = outcome.misses();
        let misses = misses.iter().map(|miss| (miss.clip, words::miss(outcome, miss)));
        self.render_misses(outcome, misses.collect())
    }

    fn render_tags(&self, outcome: &Outcome) -> Result<(), DomError> {
        let metrics = outcome.tag_metrics();
        let mut figures: Vec<_> = metrics.per_tag.iter().map(words::tag_figures).collect();
        figures.push(words::tag_means(&metrics));
        self.render_figures(&words::TAG_HEADINGS, &figures)?;
        let misses = outcome.tag_misses();
        let misses = misses.iter().map(|miss| (miss.clip, words::tag_miss(outcome, miss)));
        self.render_misses(outcome, misses.collect())
    }

    fn matrix(&self, metrics: &Metrics) -> Result<Vec<HtmlElement>, DomError> {
        let mut head = vec![String::new()];
        head.extend(metrics.labels.iter().cloned());
        let mut rows = vec![self.head(&head)?];
        for (truth, counts) in metrics.confusion.iter().enumerate() {
            let all: usize = counts.iter().sum();
            let row = dom::element(&self.document, "tr", "")?;
            let mut cells = vec![self.row_heading(&metrics.labels[truth])?];
            for (answer, &clips) in counts.iter().enumerate() {
                let pair = Confused { truth, answer, clips };
                let cell = dom::element(&self.document, "td", if clips == 0 { "0" } else { "" })?;
                if clips > 0 {
                    let button = self.cell_button(pair, &clips.to_string())?;
                    button.set_attribute("aria-label", &words::cell(metrics, pair))?;
                    dom::set_children(&cell, [&button]);
                }
                // The share of its row colours the cell, so that small classes show too.
                dom::set_style(&cell, "--share", &format!("{:.2}", clips as f64 / all.max(1) as f64))?;
                cells.push(cell);
            }
            dom::set_children(&row, &cells);
            rows.push(row);
        }
        Ok(rows)
    }

    /// A button that lists the clips of a cell.
    fn cell_button(&self, pair: Confused, text: &str) -> Result<HtmlElement, DomError> {
        let button = dom::element(&self.document, "button", text)?;
        let keys = [
            ("type", "button"),
            ("data-act", "cell"),
            ("data-truth", &pair.truth.to_string()),
            ("data-answer", &pair.answer.to_string()),
            ("aria-pressed", "false"),
        ];
        for (key, value) in keys {
            button.set_attribute(key, value)?;
        }
        Ok(button)
    }

    fn render_figures<const N: usize>(&self, headings: &[&str], lines: &[[String; N]]) -> Result<(), DomError> {
        let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
        let mut rows = vec![self.head(&headings)?];
        for line in lines {
            let row = dom::element(&self.document, "tr", "")?;
            let mut cells = vec![self.row_heading(&line[0])?];
            for text in &line[1..] {
                cells.push(dom::element(&self.document, "td", text)?);
            }
            dom::set_children(&row, &cells);
            rows.push(row);
        }
        dom::set_children(&self.figures, &rows);
        Ok(())
    }

    fn render_misses(&self, outcome: &Outcome, misses: Vec<(usize, String)>) -> Result<(), DomError> {
        self.misses_box.set_hidden(misses.is_empty());
        let item = |(clip, text): &(usize, String)| self.clip_item(outcome, *clip, text);
        let items: Result<Vec<_>, DomError> = misses.iter().map(item).collect();
        dom::set_children(&self.misses, &items?);
        Ok(())
    }

    /// A clip that can be played, and a sentence about it.
    fn clip_item(&self, outcome: &Outcome, clip: usize, text: &str) -> Result<HtmlElement, DomError> {
        let item = dom::element(&self.document, "li", "")?;
        let sentence = dom::element(&self.document, "span", text)?;
        let [label, name] = words::play(outcome, clip);
        let button = dom::element(&self.document, "button", &label)?;
        button.set_class_name("quiet");
        let id = outcome.job.clips.get(clip).map(|clip| clip.id.as_str()).unwrap_or_default();
        for (key, value) in [("type", "button"), ("data-act", "play"), ("data-clip", id), ("aria-label", &name)] {
            button.set_attribute(key, value)?;
        }
        dom::set_children(&item, [&sentence, &button]);
        Ok(item)
    }

    fn head(&self, texts: &[String]) -> Result<HtmlElement, DomError> {
        let row = dom::element(&self.document, "tr", "")?;
        let cell = |text: &String| {
            let cell = dom::element(&self.document, if text.is_empty() { "td" } else { "th" }, text)?;
            if !text.is_empty() {
                cell.set_attribute("scope", "col")?;
            }
            Ok(cell)
        };
        let cells: Result<Vec<_>, DomError> = texts.iter().map(cell).collect();
        dom::set_children(&row, &cells?);
        Ok(row)
    }

    fn row_heading(&self, text: &str) -> Result<HtmlElement, DomError> {
        let name = dom::element(&self.document, "th", text)?;
        name.set_attribute("scope", "row")?;
        Ok(name)
    }
}
