//! The tags predicted by the backbones of the active network: the most probable ones as lists, all of them in tables.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{Document, HtmlElement};

use crate::protocol::{Prediction, Score, TagPrediction};
use crate::view::classify::network_words;
use crate::view::format;
use crate::web::dom::{self, DomError, by_id};

/// The number of tags that each list shows.
const SHOWN: usize = 8;

/// The elements that show tags.
pub struct Tags {
    document: Document,
    card: HtmlElement,
    groups: HtmlElement,
    tables: HtmlElement,
    shown: RefCell<Option<Rc<Prediction>>>,
}

impl Tags {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            card: by_id(document, "tags")?,
            groups: by_id(document, "tag-groups")?,
            tables: by_id(document, "tag-tables")?,
            shown: RefCell::default(),
        })
    }

    pub fn render(&self, prediction: Option<&Rc<Prediction>>) -> Result<(), DomError> {
        let same = match (&*self.shown.borrow(), prediction) {
            (Some(shown), Some(prediction)) => Rc::ptr_eq(shown, prediction),
            (None, None) => true,
            _ => false,
        };
        if same {
            return Ok(());
        }
        let all: &[TagPrediction] = prediction.map_or(&[], |prediction| &prediction.tags);
        let groups: Result<Vec<_>, _> = all.iter().map(|tags| self.group(tags)).collect();
        let tables: Result<Vec<_>, _> = all.iter().map(|tags| self.table(tags)).collect();
        dom::set_children(&self.groups, &groups?);
        dom::set_children(&self.tables, &tables?);
        self.card.set_hidden(all.is_empty());
        *self.shown.borrow_mut() = prediction.cloned();
        Ok(())
    }

    fn group(&self, tags: &TagPrediction) -> Result<HtmlElement, DomError> {
        let item = |score: &Score| {
            let item = dom::element(&self.document, "li", &format::genre(&score.label))?;
            dom::set_style(&item, "--share", &format!("{:.3}", score.probability))?;
            item.append_with_node_1(&*dom::element(&self.document, "b", &format::percent(score.probability))?)?;
            Ok(item)
        };
        let items: Result<Vec<_>, DomError> = tags.tags.iter().take(SHOWN).map(item).collect();
        let list = dom::element(&self.document, "ul", "")?;
        list.set_attribute("class", "tag-list")?;
        dom::set_children(&list, &items?);
        let group = dom::element(&self.document, "div", "")?;
        let source = dom::element(&self.document, "p", &network_words::tag_source(tags))?;
        dom::set_children(&group, [&source, &list]);
        Ok(group)
    }

    fn table(&self, tags: &TagPrediction) -> Result<HtmlElement, DomError> {
        let table = dom::element(&self.document, "table", "")?;
        table.set_attribute("data-model", &tags.model)?;
        let caption = dom::element(&self.document, "caption", &network_words::tag_caption(tags))?;
        let head = dom::element(&self.document, "tr", "")?;
        let headings: Result<Vec<_>, DomError> = ["Tag", "Whole recording", "Most typical stretch"]
            .into_iter()
            .map(|text| {
                let heading = dom::element(&self.document, "th", text)?;
                heading.set_attribute("scope", "col")?;
                Ok(heading)
            })
            .collect();
        dom::set_children(&head, &headings?);
        let thead = dom::element(&self.document, "thead", "")?;
        dom::set_children(&thead, [&head]);
        let rows: Result<Vec<_>, _> = tags.tags.iter().map(|score| self.row(tags, score)).collect();
        let tbody = dom::element(&self.document, "tbody", "")?;
        dom::set_children(&tbody, &rows?);
        dom::set_children(&table, [&caption, &thead, &tbody]);
        Ok(table)
    }

    fn row(&self, tags: &TagPrediction, score: &Score) -> Result<HtmlElement, DomError> {
        let place = tags.labels.iter().position(|label| *label == score.label).unwrap_or_default();
        let highest = tags.windows.iter().filter_map(|window| window.get(place)).copied().fold(0.0, f32::max);
        let row = dom::element(&self.document, "tr", "")?;
        row.set_attribute("data-tag", &score.label)?;
        row.set_attribute("data-probability", &format!("{:.4}", score.probability))?;
        let name = dom::element(&self.document, "th", &format::genre(&score.label))?;
        name.set_attribute("scope", "row")?;
        let whole = dom::element(&self.document, "td", &format::percent(score.probability))?;
        let highest = dom::element(&self.document, "td", &format::percent(highest))?;
        dom::set_children(&row, [&name, &whole, &highest]);
        Ok(row)
    }
}
