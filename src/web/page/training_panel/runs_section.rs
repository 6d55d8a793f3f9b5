//! Earlier training runs, side by side.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Date;
use wasm_bindgen::JsValue;
use web_sys::{Document, HtmlElement};

use crate::view::Theme;
use crate::view::draw::curves::{self, RunCurve};
use crate::view::train::compare::{PairedComparison, differing, model_name, newest_first};
use crate::view::train::results::RunRecord;
use crate::view::train::state::TrainingState;
use crate::view::train::words::results as words;
use crate::web::canvas::Canvas;
use crate::web::dom::{self, DomError, by_id};

/// What the table and the picture show: they are rebuilt only if it changes.
#[derive(Default)]
struct Shown {
    runs: Option<Rc<Vec<RunRecord>>>,
    compared: Vec<usize>,
    /// The size of the picture in CSS pixels, whether it is dark, and its device pixels for a CSS pixel.
    drawn: Option<([f64; 2], bool, f64)>,
}

/// The elements of the section.
pub(super) struct RunsSection {
    document: Document,
    section: HtmlElement,
    table: HtmlElement,
    comparison: HtmlElement,
    comparisons: HtmlElement,
    canvas: RefCell<Canvas>,
    shown: RefCell<Shown>,
}

impl RunsSection {
    pub(super) fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            section: by_id(document, "train-runs-box")?,
            table: by_id(document, "train-runs")?,
            comparison: by_id(document, "train-comparison")?,
            comparisons: by_id(document, "train-comparisons")?,
            canvas: RefCell::new(Canvas::new(by_id(document, "train-together")?)?),
            shown: RefCell::default(),
        })
    }

    pub(super) fn render(&self, training: &TrainingState, dark: bool, ratio: f64) -> Result<(), DomError> {
        self.section.set_hidden(training.runs.is_empty());
        let shown = &mut *self.shown.borrow_mut();
        let same_runs = shown.runs.as_ref().is_some_and(|runs| Rc::ptr_eq(runs, &training.runs));
        if !same_runs {
            self.render_table(training)?;
            shown.runs = Some(training.runs.clone());
        }
        if !same_runs || shown.compared != training.compared {
            shown.compared.clone_from(&training.compared);
            shown.drawn = None;
            self.render_comparisons(training)?;
        }
        let mut canvas = self.canvas.borrow_mut();
        let drawn = (canvas.size(), dark, ratio);
        // A hidden canvas has no size.
        if self.comparison.hidden() || shown.drawn == Some(drawn) || drawn.0.contains(&0.0) {
            return Ok(());
        }
        let compared = compared(training);
        let names = compared.iter().map(|run| run.outcome.card.name.clone()).collect::<Vec<_>>();
        let curves: Vec<RunCurve<'_>> = compared
            .iter()
            .map(|run| RunCurve { name: &run.outcome.card.name, epochs: &run.outcome.result.epochs })
            .collect();
        canvas.clear(ratio)?;
        canvas.paint(&curves::comparison(&curves, drawn.0[0], drawn.0[1], Theme::of(dark)))?;
        canvas.element().set_attribute("aria-label", &words::together(&names))?;
        shown.drawn = Some(drawn);
        Ok(())
    }

    fn render_table(&self, training: &TrainingState) -> Result<(), DomError> {
        let head = dom::element(&self.document, "tr", "")?;
        let heading = |text: &&str| {
            let cell = dom::element(&self.document, "th", text)?;
            cell.set_attribute("scope", "col")?;
            Ok(cell)
        };
        let cells: Result<Vec<_>, DomError> = words::RUN_HEADINGS.iter().map(heading).collect();
        dom::set_children(&head, &cells?);
        let differing = differing(&training.runs);
        let mut rows = vec![head];
        for place in newest_first(&training.runs) {
            let ticked = training.compared.contains(&place);
            rows.push(self.row(place, &training.runs[place], &differing[place], ticked)?);
        }
        dom::set_children(&self.table, &rows);
        Ok(())
    }

    fn row(
        &self,
        place: usize,
        run: &RunRecord,
        differing: &[(String, String)],
        ticked: bool,
    ) -> Result<HtmlElement, DomError> {
        let name = &run.outcome.card.name;
        let row = dom::element(&self.document, "tr", "")?;
        let tick = self.control("input", "compare", place, name)?;
        tick.set_attribute("type", "checkbox")?;
        tick.toggle_attribute_with_force("checked", ticked)?;
        let first = dom::element(&self.document, "td", "")?;
        dom::set_children(&first, [&tick]);
        let when = Date::new(&JsValue::from_f64(run.when)).to_locale_string("default", &JsValue::UNDEFINED);
        let mut cells = vec![first, dom::element(&self.document, "td", &String::from(when))?];
        for text in words::run(&run.outcome, model_name(&run.outcome.job.model), differing) {
            cells.push(dom::element(&self.document, "td", &text)?);
        }
        let last = dom::element(&self.document, "td", "")?;
        dom::set_children(
            &last,
            [&self.control("button", "show", place, name)?, &self.control("button", "delete", place, name)?],
        );
        cells.push(last);
        dom::set_children(&row, &cells);
        Ok(row)
    }

    fn control(&self, tag: &str, act: &str, place: usize, name: &str) -> Result<HtmlElement, DomError> {
        let [text, label] = words::run_button(act, name);
        let control = dom::element(&self.document, tag, &text)?;
        control.set_class_name("quiet");
        let place = place.to_string();
        for (key, value) in [("type", "button"), ("data-act", act), ("data-run", &place), ("aria-label", &label)] {
            control.set_attribute(key, value)?;
        }
        Ok(control)
    }

    /// A sentence for the first selected run with each of the others.
    fn render_comparisons(&self, training: &TrainingState) -> Result<(), DomError> {
        let compared = compared(training);
        let mut items = Vec::new();
        if let [first, others @ ..] = compared.as_slice() {
            for other in others {
                let [one, two] = [first, other].map(|run| run.outcome.card.name.as_str());
                let comparison = PairedComparison::of(&first.outcome, &other.outcome);
                items.push(dom::element(&self.document, "li", &words::comparison(one, two, comparison, others.len()))?);
            }
        }
        self.comparison.set_hidden(items.is_empty());
        dom::set_children(&self.comparisons, &items);
        Ok(())
    }
}

/// The runs that are compared, in the order in which they were selected.
fn compared(training: &TrainingState) -> Vec<&RunRecord> {
    training.compared.iter().filter_map(|place| training.runs.get(*place)).collect()
}
