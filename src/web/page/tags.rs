//! The tags predicted by the backbones of the active network: what stands out as a sentence and by family, all of them in
//! tables.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{Document, HtmlElement};

use crate::protocol::{Prediction, Score, TagPrediction};
use crate::view::classify::network_words;
use crate::view::classify::tag_words::{self, OfFamily};
use crate::view::format;
use crate::web::dom::{self, DomError, by_id};

/// The number of tags that each list shows.
const SHOWN: usize = 8;

/// The elements that show tags.
pub(crate) struct Tags {
    document: Document,
    card: HtmlElement,
    sentence: HtmlElement,
    groups: HtmlElement,
    tables: HtmlElement,
    shown: RefCell<Option<Rc<Prediction>>>,
}

impl Tags {
    pub(crate) fn find(document: &Document) -> Result<Self, DomError> {
        Ok(Self {
            document: document.clone(),
            card: by_id(document, "tags")?,
            sentence: by_id(document, "sounds-like")?,
            groups: by_id(document, "tag-groups")?,
            tables: by_id(document, "tag-tables")?,
            shown: RefCell::default(),
        })
    }

    pub(crate) fn render(&self, prediction: Option<&Rc<Prediction>>) -> Result<(), DomError> {
        // Rebuilt only for another prediction, so that a selection of text survives other events.
        let same = match (&*self.shown.borrow(), prediction) {
            (Some(shown), Some(prediction)) => Rc::ptr_eq(shown, prediction),
            (None, None) => true,
            _ => false,
        };
        if same {
            return Ok(());
        }
        let all: &[TagPrediction] = prediction.map_or(&[], |prediction| &prediction.tags);
        let families = tag_words::heard(all);
        self.sentence.set_text_content(Some(&tag_words::sounds_like(&families)));
        let (known, others): (Vec<_>, Vec<_>) = all.iter().partition(|tags| tag_words::knows(tags));
        self.sentence.set_hidden(known.is_empty());
        let groups = families.iter().map(|family| self.family(family));
        let groups: Result<Vec<_>, _> = groups.chain(others.into_iter().map(|tags| self.group(tags))).collect();
        let tables: Result<Vec<_>, _> = all.iter().map(|tags| self.table(tags)).collect();
        dom::set_children(&self.groups, &groups?);
        dom::set_children(&self.tables, &tables?);
        self.card.set_hidden(all.is_empty());
        *self.shown.borrow_mut() = prediction.cloned();
        Ok(())
    }

    /// The strongest words of a family, with the shares of recordings in which they are weaker.
    fn family(&self, (family, words): &OfFamily) -> Result<HtmlElement, DomError> {
        let group = self.list(&family.to_string(), words.iter().map(|word| (word.label(), word.percentile())))?;
        group.set_attribute("data-family", &family.to_string())?;
        Ok(group)
    }

    /// The most probable tags of a network of which nothing else is known.
    fn group(&self, tags: &TagPrediction) -> Result<HtmlElement, DomError> {
        let scores = tags.tags.iter().take(SHOWN).map(|score| (format::genre(&score.label), score.probability));
        self.list(&network_words::tag_source(tags), scores)
    }

    fn list(
        &self,
        heading: &str,
        items: impl Iterator<Item = (impl AsRef<str>, f32)>,
    ) -> Result<HtmlElement, DomError> {
        let item = |(name, share): (_, f32)| {
            let item = dom::element(&self.document, "li", AsRef::<str>::as_ref(&name))?;
            // The style sheet draws the bar behind the tag from this value.
            dom::set_style(&item, "--share", &format!("{share:.3}"))?;
            item.append_with_node_1(&*dom::element(&self.document, "b", &format::percent(share))?)?;
            Ok(item)
        };
        let items: Result<Vec<_>, DomError> = items.map(item).collect();
        let list = dom::element(&self.document, "ul", "")?;
        list.set_attribute("class", "tag-list")?;
        dom::set_children(&list, &items?);
        let group = dom::element(&self.document, "div", "")?;
        let heading = dom::element(&self.document, "p", heading)?;
        dom::set_children(&group, [&heading, &list]);
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
        // The window with the highest probability is the most typical one.
        let highest = tags.windows.iter().filter_map(|window| window.get(place)).copied().fold(0.0, f32::max);
        let row = dom::element(&self.document, "tr", "")?;
        row.set_attribute("data-tag", &score.label)?;
        // Unrounded for the browser tests; the cells show whole percentages.
        row.set_attribute("data-probability", &format!("{:.4}", score.probability))?;
        let name = dom::element(&self.document, "th", &format::genre(&score.label))?;
        name.set_attribute("scope", "row")?;
        let whole = dom::element(&self.document, "td", &format::percent(score.probability))?;
        let highest = dom::element(&self.document, "td", &format::percent(highest))?;
        dom::set_children(&row, [&name, &whole, &highest]);
        Ok(row)
    }
}
