//! The first step: the classes, and what is in them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use web_sys::{Document, HtmlElement, HtmlInputElement};

use super::class_item::ClassItem;
use super::disable;
use crate::view::collection::{Class, Collection, Doubt};
use crate::view::recording::meter;
use crate::view::teach::Teaching;
use crate::view::words;
use crate::web::dom::{self, DomError, by_id, keep_children, set_text_or_hide};

/// What the lists show: rebuilding them for every event would take the focus from the keyboard, and of hundreds of
/// classes the time.
#[derive(Default)]
struct Shown {
    classes: Vec<Class>,
    names: Rc<Vec<String>>,
    multi_label: bool,
    /// True where these cannot be taught.
    forbidden: bool,
    items: Vec<ClassItem>,
}

/// Its elements.
pub struct CollectionPlace {
    document: Document,
    notice: HtmlElement,
    doubts: HtmlElement,
    count: HtmlElement,
    classes: HtmlElement,
    undo: HtmlElement,
    export: HtmlElement,
    many_box: HtmlElement,
    many: HtmlInputElement,
    record: HtmlElement,
    record_box: HtmlElement,
    record_text: HtmlElement,
    record_level: HtmlElement,
    shown: RefCell<Shown>,
}

impl CollectionPlace {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            notice: by_id(document, "teach-notice")?,
            doubts: by_id(document, "teach-doubts")?,
            count: by_id(document, "teach-count")?,
            classes: by_id(document, "teach-classes")?,
            undo: by_id(document, "teach-undo")?,
            export: by_id(document, "teach-export")?,
            many_box: by_id(document, "teach-many-box")?,
            many: by_id(document, "teach-many")?,
            record: by_id(document, "teach-record")?,
            record_box: by_id(document, "record-box")?,
            record_text: by_id(document, "record-text")?,
            record_level: by_id(document, "record-level")?,
            shown: RefCell::default(),
        })
    }

    /// True where what is shown cannot be taught.
    pub fn forbids(&self) -> bool {
        self.shown.borrow().forbidden
    }

    pub fn render(&self, teaching: &Teaching) -> Result<(), DomError> {
        let collection = &teaching.collection;
        set_text_or_hide(&self.notice, teaching.notice.as_deref());
        disable(&self.undo, !collection.can_undo() || teaching.is_busy())?;
        let some = !collection.is_empty();
        disable(&self.export, !some || teaching.is_busy())?;
        let count = some.then(|| words::teach::collection(collection.clips(), collection.classes().len()));
        set_text_or_hide(&self.count, count.as_deref());
        self.many_box.set_hidden(!collection.has_tags() && !collection.wants_tags());
        self.many.set_checked(collection.wants_tags());
        self.render_recording(teaching)?;
        let shown = self.shown.borrow();
        let changed = shown.classes != collection.classes() || shown.multi_label != collection.multi_label();
        drop(shown);
        if changed {
            self.render_doubts(collection)?;
        }
        self.render_classes(teaching)
    }

    fn render_recording(&self, teaching: &Teaching) -> Result<(), DomError> {
        let recording = teaching.recording.as_ref();
        disable(&self.record, recording.is_some() || teaching.is_busy())?;
        self.record_box.set_hidden(recording.is_none());
        let Some(recording) = recording else { return Ok(()) };
        dom::set_text(&self.record_text, &words::collect::recording(recording));
        Ok(self.record_level.set_attribute("value", &format!("{:.3}", meter(recording.level)))?)
    }

    fn render_doubts(&self, collection: &Collection) -> Result<(), DomError> {
        let doubts = if collection.is_empty() { Vec::new() } else { collection.doubts() };
        let item = |doubt: &Doubt| {
            let item = dom::element(&self.document, "li", &words::teach::doubt(doubt))?;
            item.toggle_attribute_with_force("data-forbids", doubt.forbids())?;
            Ok(item)
        };
        let most = words::collect::DOUBTS_SHOWN;
        let mut items = doubts.iter().take(most).map(item).collect::<Result<Vec<_>, DomError>>()?;
        if doubts.len() > most {
            items.push(dom::element(&self.document, "li", &words::collect::more_doubts(doubts.len() - most))?);
        }
        dom::set_children(&self.doubts, &items);
        let mut shown = self.shown.borrow_mut();
        shown.forbidden = doubts.iter().any(Doubt::forbids);
        shown.multi_label = collection.multi_label();
        shown.classes = collection.classes().to_vec();
        let names = || collection.classes().iter().map(|class| &class.name);
        if !names().eq(shown.names.iter()) {
            shown.names = Rc::new(names().cloned().collect());
        }
        Ok(())
    }

    /// Classes keep their elements for as long as they keep their name.
    fn render_classes(&self, teaching: &Teaching) -> Result<(), DomError> {
        let shown = &mut *self.shown.borrow_mut();
        let before = std::mem::take(&mut shown.items);
        let mut before: HashMap<String, ClassItem> =
            before.into_iter().map(|item| (item.name().to_owned(), item)).collect();
        for class in teaching.collection.classes() {
            let mut item = match before.remove(&class.name) {
                Some(item) => item,
                None => ClassItem::new(&self.document, class, &shown.names)?,
            };
            item.update(class, &shown.names, &teaching.thumbnails)?;
            shown.items.push(item);
        }
        let elements: Vec<HtmlElement> = shown.items.iter().map(|item| item.element.clone()).collect();
        keep_children(&self.classes, &elements)
    }
}
