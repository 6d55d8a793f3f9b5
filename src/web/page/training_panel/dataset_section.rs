//! The dataset: the classes, their clips, and warnings about them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use web_sys::{Document, HtmlElement, HtmlInputElement};

use super::class_item::ClassItem;
use crate::view::train::class::Class;
use crate::view::train::dataset::Dataset;
use crate::view::train::recording::meter;
use crate::view::train::state::TrainingState;
use crate::view::train::warnings::DatasetWarning;
use crate::view::train::words as train_words;
use crate::view::train::words::dataset as dataset_words;
use crate::web::dom::{self, DomError, by_id, disable, keep_children, set_text_or_hide};

/// What the lists show. Rebuilding them for every event would move the keyboard focus, and take long with hundreds of
/// classes.
#[derive(Default)]
struct Shown {
    classes: Vec<Class>,
    names: Rc<Vec<String>>,
    multi_label: bool,
    /// True if training on these cannot start.
    forbidden: bool,
    items: Vec<ClassItem>,
}

/// The elements of the section.
pub(super) struct DatasetSection {
    document: Document,
    notice: HtmlElement,
    warnings: HtmlElement,
    count: HtmlElement,
    classes: HtmlElement,
    undo: HtmlElement,
    export: HtmlElement,
    tags_box: HtmlElement,
    tags: HtmlInputElement,
    record: HtmlElement,
    record_box: HtmlElement,
    record_text: HtmlElement,
    record_level: HtmlElement,
    shown: RefCell<Shown>,
}

impl DatasetSection {
    pub(super) fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            notice: by_id(document, "train-notice")?,
            warnings: by_id(document, "train-warnings")?,
            count: by_id(document, "train-count")?,
            classes: by_id(document, "train-classes")?,
            undo: by_id(document, "train-undo")?,
            export: by_id(document, "train-export")?,
            tags_box: by_id(document, "train-tags-box")?,
            tags: by_id(document, "train-tags")?,
            record: by_id(document, "train-record")?,
            record_box: by_id(document, "record-box")?,
            record_text: by_id(document, "record-text")?,
            record_level: by_id(document, "record-level")?,
            shown: RefCell::default(),
        })
    }

    /// True if training on what is shown cannot start.
    pub(super) fn forbids(&self) -> bool {
        self.shown.borrow().forbidden
    }

    pub(super) fn render(&self, training: &TrainingState) -> Result<(), DomError> {
        let dataset = &training.dataset;
        set_text_or_hide(&self.notice, training.notice.as_deref());
        disable(&self.undo, !dataset.can_undo() || training.is_locked())?;
        let some = !dataset.is_empty();
        disable(&self.export, !some || training.is_locked())?;
        let count = some.then(|| train_words::dataset(dataset.clips(), dataset.classes().len()));
        set_text_or_hide(&self.count, count.as_deref());
        self.tags_box.set_hidden(!dataset.has_tags() && !dataset.wants_tags());
        self.tags.set_checked(dataset.wants_tags());
        self.render_recording(training)?;
        let shown = self.shown.borrow();
        let changed = shown.classes != dataset.classes() || shown.multi_label != dataset.multi_label();
        drop(shown);
        if changed {
            self.render_warnings(dataset)?;
        }
        self.render_classes(training)
    }

    fn render_recording(&self, training: &TrainingState) -> Result<(), DomError> {
        let recording = training.recording.as_ref();
        disable(&self.record, training.is_locked())?;
        self.record_box.set_hidden(recording.is_none());
        let Some(recording) = recording else { return Ok(()) };
        dom::set_text(&self.record_text, &dataset_words::recording(recording));
        Ok(self.record_level.set_attribute("value", &format!("{:.3}", meter(recording.level)))?)
    }

    fn render_warnings(&self, dataset: &Dataset) -> Result<(), DomError> {
        let warnings = if dataset.is_empty() { Vec::new() } else { dataset.warnings() };
        let item = |warning: &DatasetWarning| {
            let item = dom::element(&self.document, "li", &train_words::warning(warning))?;
            item.toggle_attribute_with_force("data-forbids", warning.forbids())?;
            Ok(item)
        };
        let most = dataset_words::WARNINGS_SHOWN;
        let mut items = warnings.iter().take(most).map(item).collect::<Result<Vec<_>, DomError>>()?;
        if warnings.len() > most {
            items.push(dom::element(&self.document, "li", &dataset_words::more_warnings(warnings.len() - most))?);
        }
        dom::set_children(&self.warnings, &items);
        let mut shown = self.shown.borrow_mut();
        shown.forbidden = warnings.iter().any(DatasetWarning::forbids);
        shown.multi_label = dataset.multi_label();
        shown.classes = dataset.classes().to_vec();
        let names = || dataset.classes().iter().map(|class| &class.name);
        if !names().eq(shown.names.iter()) {
            shown.names = Rc::new(names().cloned().collect());
        }
        Ok(())
    }

    /// A class keeps its element for as long as it keeps its name.
    fn render_classes(&self, training: &TrainingState) -> Result<(), DomError> {
        let shown = &mut *self.shown.borrow_mut();
        let before = std::mem::take(&mut shown.items);
        let mut before: HashMap<String, ClassItem> =
            before.into_iter().map(|item| (item.name().to_owned(), item)).collect();
        for class in training.dataset.classes() {
            let mut item = match before.remove(&class.name) {
                Some(item) => item,
                None => ClassItem::new(&self.document, class, &shown.names)?,
            };
            item.update(class, &shown.names, &training.thumbnails)?;
            shown.items.push(item);
        }
        let elements: Vec<HtmlElement> = shown.items.iter().map(|item| item.element.clone()).collect();
        keep_children(&self.classes, &elements)
    }
}
