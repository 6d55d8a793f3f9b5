//! A class in the list of classes: its header, and its clips while it is open. Elements that stay the same are not touched,
//! so that the keyboard focus stays, and closed lists are empty.

use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, Document, HtmlCanvasElement, HtmlElement, ImageData};

use crate::training_job::ClipId;
use crate::view::draw::thumbnail::Thumbnail;
use crate::view::train::class::{Class, DatasetClip};
use crate::view::train::words as train_words;
use crate::view::train::words::dataset as dataset_words;
use crate::web::dom::{self, DomError, keep_children, set_text};
use crate::web::files::INTO;

/// Thumbnails in the header of a class.
const IN_HEAD: usize = 4;

pub(super) type Thumbnails = HashMap<ClipId, Thumbnail>;

/// The elements of a class.
pub(super) struct ClassItem {
    document: Document,
    class: Class,
    /// The names of all classes, which a clip can be moved to.
    names: Rc<Vec<String>>,
    pub(super) element: HtmlElement,
    details: HtmlElement,
    summary: HtmlElement,
    thumbnails: HtmlElement,
    pictures: Vec<Picture>,
    list: HtmlElement,
    rows: Vec<Row>,
}

/// The thumbnail of a clip, which comes later than the clip.
struct Picture {
    clip: ClipId,
    canvas: HtmlCanvasElement,
    drawn: bool,
}

/// A clip in the list.
struct Row {
    name: String,
    trouble: Option<String>,
    element: HtmlElement,
    about: HtmlElement,
    picture: Picture,
}

impl ClassItem {
    /// A closed class.
    pub(super) fn new(document: &Document, class: &Class, names: &Rc<Vec<String>>) -> Result<Self, DomError> {
        let make = |tag: &str| dom::element(document, tag, "");
        let [element, row, details, header, summary, thumbnails, list] =
            [make("li")?, make("div")?, make("details")?, make("summary")?, make("span")?, make("span")?, make("ul")?];
        row.set_class_name("row");
        thumbnails.set_class_name("thumbs");
        thumbnails.set_attribute("aria-hidden", "true")?;
        details.set_attribute("data-class", &class.name)?;
        element.set_attribute(INTO, &class.name)?;
        let name = make("input")?;
        let keys = [("type", "text"), ("aria-label", "Name of the class"), ("data-act", "rename")];
        for (key, value) in keys.into_iter().chain([("data-class", class.name.as_str()), ("value", &class.name)]) {
            name.set_attribute(key, value)?;
        }
        let choose = button(document, "Add", &format!("Choose files for {}", class.name), "choose", &class.name, "")?;
        let record = button(document, "Record", &format!("Record into {}", class.name), "record", &class.name, "")?;
        let label = format!("Remove the class {}", class.name);
        let remove = button(document, "Remove", &label, "remove-class", &class.name, "")?;
        dom::set_children(&row, [&name, &choose, &record, &remove]);
        dom::set_children(&header, [&summary, &thumbnails]);
        dom::set_children(&details, [&header, &list]);
        dom::set_children(&element, [&row, &details]);
        Ok(Self {
            document: document.clone(),
            class: Class { name: class.name.clone(), clips: Vec::new() },
            names: names.clone(),
            element,
            details,
            summary,
            thumbnails,
            pictures: Vec::new(),
            list,
            rows: Vec::new(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.class.name
    }

    /// Renders the class.
    pub(super) fn update(
        &mut self,
        class: &Class,
        names: &Rc<Vec<String>>,
        thumbnails: &Thumbnails,
    ) -> Result<(), DomError> {
        let renamed = self.names != *names;
        if self.class != *class || self.summary.text_content().is_none_or(|text| text.is_empty()) {
            self.class = class.clone();
            set_text(&self.summary, &train_words::class(class));
            self.show_header()?;
        }
        self.names = names.clone();
        let open = self.details.has_attribute("open");
        if open {
            self.show_rows(renamed)?;
        } else if !self.rows.is_empty() {
            // Thousands of rows in closed classes would slow the page.
            self.rows.clear();
            keep_children(&self.list, &[])?;
        }
        self.pictures
            .iter_mut()
            .chain(self.rows.iter_mut().map(|row| &mut row.picture))
            .try_for_each(|it| it.draw(thumbnails))
    }

    /// The first thumbnails, and how many more clips there are.
    fn show_header(&mut self) -> Result<(), DomError> {
        // Canvases are only replaced if the clips change: drawing them again would flicker.
        let first = || self.class.clips.iter().take(IN_HEAD).map(|clip| &clip.id);
        if !first().eq(self.pictures.iter().map(|picture| &picture.clip)) {
            self.pictures = first().map(|clip| Picture::new(&self.document, clip)).collect::<Result<_, _>>()?;
        }
        let mut children: Vec<HtmlElement> =
            self.pictures.iter().map(|picture| picture.canvas.clone().unchecked_into()).collect();
        let more = self.class.clips.len().saturating_sub(IN_HEAD);
        if more > 0 {
            children.push(dom::element(&self.document, "span", &dataset_words::more_clips(more))?);
        }
        keep_children(&self.thumbnails, &children)
    }

    /// The clips; with `anew` all of them are rebuilt.
    fn show_rows(&mut self, anew: bool) -> Result<(), DomError> {
        let before = std::mem::take(&mut self.rows);
        // Rows that stay keep the focus and the picture.
        let mut before: HashMap<ClipId, Row> = before.into_iter().map(|row| (row.picture.clip.clone(), row)).collect();
        if anew {
            before.clear();
        }
        for clip in &self.class.clips {
            let same = |row: &Row| row.name == clip.name && row.trouble == clip.trouble;
            let row = match before.remove(&clip.id).filter(same) {
                Some(row) => row,
                None => self.row(clip)?,
            };
            set_text(&row.about, &dataset_words::about_clip(clip.seconds, clip.group.as_deref(), &clip.tags));
            self.rows.push(row);
        }
        let children: Vec<HtmlElement> = self.rows.iter().map(|row| row.element.clone()).collect();
        keep_children(&self.list, &children)
    }

    fn row(&self, clip: &DatasetClip) -> Result<Row, DomError> {
        let document = &self.document;
        let picture = Picture::new(document, &clip.id)?;
        let element = dom::element(document, "li", "")?;
        let name = dom::element(document, "span", &clip.name)?;
        name.set_class_name("name");
        let about = dom::element(document, "span", "")?;
        about.set_class_name("about-clip");
        let mut parts: Vec<HtmlElement> = vec![picture.canvas.clone().unchecked_into(), name, about.clone()];
        if let Some(trouble) = &clip.trouble {
            let trouble = dom::element(document, "span", trouble)?;
            trouble.set_class_name("trouble");
            parts.push(trouble);
        }
        let own = &self.class.name;
        parts.push(button(document, "Play", &format!("Play {}", clip.name), "play", own, &clip.id)?);
        parts.extend(self.mover(clip)?);
        parts.push(button(document, "Remove", &format!("Remove {}", clip.name), "remove", own, &clip.id)?);
        dom::set_children(&element, &parts);
        Ok(Row { name: clip.name.clone(), trouble: clip.trouble.clone(), element, about, picture })
    }

    /// The select box that moves a clip to another class, if there is another.
    fn mover(&self, clip: &DatasetClip) -> Result<Option<HtmlElement>, DomError> {
        let own = &self.class.name;
        if self.names.len() < 2 {
            return Ok(None);
        }
        let select = dom::element(&self.document, "select", "")?;
        let label = format!("Move {} to another class", clip.name);
        let keys = [("data-act", "move"), ("data-class", own), ("data-clip", &clip.id), ("aria-label", &label)];
        for (key, value) in keys {
            select.set_attribute(key, value)?;
        }
        let first = dom::element(&self.document, "option", "Move to…")?;
        first.set_attribute("value", "")?;
        let others = self.names.iter().filter(|name| *name != own);
        let others: Result<Vec<_>, DomError> =
            others.map(|name| dom::element(&self.document, "option", name)).collect();
        dom::set_children(&select, [first].iter().chain(&others?));
        Ok(Some(select))
    }
}

impl Picture {
    fn new(document: &Document, clip: &ClipId) -> Result<Self, DomError> {
        let canvas: HtmlCanvasElement = dom::element(document, "canvas", "")?.unchecked_into();
        canvas.set_class_name("thumb");
        canvas.set_attribute("aria-hidden", "true")?;
        Ok(Self { clip: clip.clone(), canvas, drawn: false })
    }

    fn draw(&mut self, thumbnails: &Thumbnails) -> Result<(), DomError> {
        let Some(thumbnail) = thumbnails.get(&self.clip).filter(|_| !self.drawn) else { return Ok(()) };
        let [width, height] = thumbnail.size().map(|length| length as u32);
        self.canvas.set_width(width);
        self.canvas.set_height(height);
        let context = self.canvas.get_context("2d")?.and_then(|context| context.dyn_into().ok());
        let context: CanvasRenderingContext2d =
            context.ok_or_else(|| DomError::Refused("drawing on a canvas".to_owned()))?;
        let rgba = thumbnail.rgba();
        let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&rgba), width, height)?;
        context.put_image_data(&image, 0.0, 0.0)?;
        // For the browser tests.
        self.canvas.toggle_attribute_with_force("data-drawn", true)?;
        self.drawn = true;
        Ok(())
    }
}

fn button(
    document: &Document,
    text: &str,
    label: &str,
    act: &str,
    class: &str,
    clip: &str,
) -> Result<HtmlElement, DomError> {
    let button = dom::element(document, "button", text)?;
    button.set_class_name("quiet");
    let keys =
        [("type", "button"), ("aria-label", label), ("data-act", act), ("data-class", class), ("data-clip", clip)];
    for (key, value) in keys {
        button.set_attribute(key, value)?;
    }
    Ok(button)
}
