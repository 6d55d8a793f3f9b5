//! The third step: what came of a lesson.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Document, HtmlElement};

use crate::view::teach::{Outcome, Teaching};
use crate::view::words::teach as words;
use crate::web::dom::{self, DomError, by_id, set_text};

/// Its elements.
pub struct OutcomePlace {
    document: Document,
    taught: HtmlElement,
    sentence: HtmlElement,
    confusion: HtmlElement,
    figures: HtmlElement,
    misses: HtmlElement,
    misses_box: HtmlElement,
    shown: RefCell<Option<Rc<Outcome>>>,
}

impl OutcomePlace {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            taught: by_id(document, "taught")?,
            sentence: by_id(document, "taught-sentence")?,
            confusion: by_id(document, "taught-confusion")?,
            figures: by_id(document, "taught-figures")?,
            misses: by_id(document, "taught-misses")?,
            misses_box: by_id(document, "taught-misses-box")?,
            shown: RefCell::default(),
        })
    }

    pub fn render(&self, teaching: &Teaching) -> Result<(), DomError> {
        self.taught.set_hidden(teaching.outcome.is_none());
        let Some(outcome) = &teaching.outcome else {
            self.shown.take();
            return Ok(());
        };
        if self.shown.borrow().as_ref().is_some_and(|shown| Rc::ptr_eq(shown, outcome)) {
            return Ok(());
        }
        set_text(&self.sentence, &words::outcome(outcome));
        let metrics = outcome.metrics();
        let mut head = vec!["".to_owned()];
        head.extend(metrics.labels.iter().cloned());
        let mut rows = vec![self.row("th", &head)?];
        for (label, counts) in metrics.labels.iter().zip(&metrics.confusion) {
            let all: usize = counts.iter().sum();
            let row = self.row("td", &counts.iter().map(usize::to_string).collect::<Vec<_>>())?;
            for (place, count) in counts.iter().enumerate() {
                let Some(cell) = row.children().item(place as u32) else { continue };
                let share = *count as f64 / all.max(1) as f64;
                dom::set_style(cell.unchecked_ref(), "--share", &format!("{share:.2}"))?;
            }
            let name = dom::element(&self.document, "th", label)?;
            name.set_attribute("scope", "row")?;
            row.prepend_with_node_1(&name)?;
            rows.push(row);
        }
        dom::set_children(&self.confusion, &rows);
        let mut rows = vec![self.row("th", &["Class", "Precision", "Recall", "F1", "Clips"].map(str::to_owned))?];
        for class in &metrics.per_class {
            rows.push(self.row("td", &words::class_figures(class))?);
        }
        dom::set_children(&self.figures, &rows);
        let misses = outcome.misses();
        self.misses_box.set_hidden(misses.is_empty());
        let item = |miss| dom::element(&self.document, "li", &words::miss(outcome, miss));
        let items: Result<Vec<_>, DomError> = misses.iter().map(item).collect();
        dom::set_children(&self.misses, &items?);
        self.shown.replace(Some(outcome.clone()));
        Ok(())
    }

    fn row(&self, tag: &str, cells: &[String]) -> Result<HtmlElement, DomError> {
        let row = dom::element(&self.document, "tr", "")?;
        let cells: Result<Vec<_>, DomError> =
            cells.iter().map(|text| dom::element(&self.document, tag, text)).collect();
        dom::set_children(&row, &cells?);
        Ok(row)
    }
}
