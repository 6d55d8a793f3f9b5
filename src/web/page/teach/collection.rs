//! The first step: the classes, and what is in them.

use std::cell::RefCell;

use web_sys::{Document, HtmlElement};

use super::disable;
use crate::view::collection::{Class, Collection, Doubt, Entry};
use crate::view::teach::Teaching;
use crate::view::words::teach as words;
use crate::web::dom::{self, DomError, by_id, set_text_or_hide};

/// What the lists show: rebuilding them for every event would take the focus from the keyboard.
#[derive(Default)]
struct Shown {
    classes: Vec<Class>,
    /// True where these cannot be taught.
    forbidden: bool,
}

/// Its elements.
pub struct CollectionPlace {
    document: Document,
    notice: HtmlElement,
    doubts: HtmlElement,
    count: HtmlElement,
    classes: HtmlElement,
    undo: HtmlElement,
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
        let count = some.then(|| words::collection(collection.clips(), collection.classes().len()));
        set_text_or_hide(&self.count, count.as_deref());
        let changed = self.shown.borrow().classes != collection.classes();
        if changed {
            let doubts = if some { collection.doubts() } else { Vec::new() };
            let item = |doubt: &Doubt| {
                let item = dom::element(&self.document, "li", &words::doubt(doubt))?;
                item.toggle_attribute_with_force("data-forbids", doubt.forbids())?;
                Ok(item)
            };
            let items: Result<Vec<_>, DomError> = doubts.iter().map(item).collect();
            dom::set_children(&self.doubts, &items?);
            self.shown.borrow_mut().forbidden = doubts.iter().any(Doubt::forbids);
            let open = self.open_classes();
            let items: Result<Vec<_>, DomError> =
                collection.classes().iter().map(|class| self.class_item(class, collection, &open)).collect();
            dom::set_children(&self.classes, &items?);
            self.shown.borrow_mut().classes = collection.classes().to_vec();
        }
        Ok(())
    }

    /// Names of the classes whose clips are unfolded.
    fn open_classes(&self) -> Vec<String> {
        let all = self.classes.get_elements_by_tag_name("details");
        let open =
            (0..all.length()).filter_map(|place| all.item(place)).filter(|details| details.has_attribute("open"));
        open.filter_map(|details| details.get_attribute("data-class")).collect()
    }

    fn class_item(&self, class: &Class, all: &Collection, open: &[String]) -> Result<HtmlElement, DomError> {
        let item = dom::element(&self.document, "li", "")?;
        let head = dom::element(&self.document, "div", "")?;
        head.set_class_name("row");
        let name = dom::element(&self.document, "input", "")?;
        for (key, value) in [("type", "text"), ("aria-label", "Name of the class"), ("data-act", "rename")] {
            name.set_attribute(key, value)?;
        }
        name.set_attribute("data-class", &class.name)?;
        name.set_attribute("value", &class.name)?;
        let remove = self.button("Remove", &format!("Remove the class {}", class.name), "remove-class", class, "")?;
        dom::set_children(&head, [&name, &remove]);
        let details = dom::element(&self.document, "details", "")?;
        details.set_attribute("data-class", &class.name)?;
        details.toggle_attribute_with_force("open", open.contains(&class.name))?;
        let summary = dom::element(&self.document, "summary", &words::class(class))?;
        let list = dom::element(&self.document, "ul", "")?;
        let clips: Result<Vec<_>, DomError> = class.clips.iter().map(|clip| self.clip_item(clip, class, all)).collect();
        dom::set_children(&list, &clips?);
        dom::set_children(&details, [&summary, &list]);
        dom::set_children(&item, [&head, &details]);
        Ok(item)
    }

    fn clip_item(&self, clip: &Entry, class: &Class, all: &Collection) -> Result<HtmlElement, DomError> {
        let item = dom::element(&self.document, "li", "")?;
        let name = dom::element(&self.document, "span", &clip.name)?;
        let mut parts = vec![name];
        if let Some(trouble) = &clip.trouble {
            let trouble = dom::element(&self.document, "span", trouble)?;
            trouble.set_class_name("trouble");
            parts.push(trouble);
        }
        parts.push(self.button("Play", &format!("Play {}", clip.name), "play", class, &clip.id)?);
        let others: Vec<&Class> = all.classes().iter().filter(|other| other.name != class.name).collect();
        if !others.is_empty() {
            let select = dom::element(&self.document, "select", "")?;
            let label = format!("Move {} to another class", clip.name);
            let keys =
                [("data-act", "move"), ("data-class", &class.name), ("data-clip", &clip.id), ("aria-label", &label)];
            for (key, value) in keys {
                select.set_attribute(key, value)?;
            }
            let first = dom::element(&self.document, "option", "Move to…")?;
            first.set_attribute("value", "")?;
            let mut options = vec![first];
            for other in others {
                options.push(dom::element(&self.document, "option", &other.name)?);
            }
            dom::set_children(&select, &options);
            parts.push(select);
        }
        parts.push(self.button("Remove", &format!("Remove {}", clip.name), "remove", class, &clip.id)?);
        dom::set_children(&item, &parts);
        Ok(item)
    }

    fn button(&self, text: &str, label: &str, act: &str, class: &Class, clip: &str) -> Result<HtmlElement, DomError> {
        let button = dom::element(&self.document, "button", text)?;
        button.set_class_name("quiet");
        let keys = [
            ("type", "button"),
            ("aria-label", label),
            ("data-act", act),
            ("data-class", &class.name),
            ("data-clip", clip),
        ];
        for (key, value) in keys {
            button.set_attribute(key, value)?;
        }
        Ok(button)
    }
}
