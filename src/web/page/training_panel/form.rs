//! Builds the fields of the settings form from their table.

use web_sys::{Document, HtmlElement};

use crate::view::train::settings::fields::Fieldset;
use crate::view::train::settings::{FormField, Input};
use crate::web::dom::{self, DomError};

/// A fieldset with its legend, its note and its fields.
pub(super) fn fieldset(document: &Document, fieldset: &Fieldset) -> Result<HtmlElement, DomError> {
    let element = dom::element(document, "fieldset", "")?;
    element.set_id(fieldset.id);
    let mut children = vec![dom::element(document, "legend", fieldset.legend)?];
    if let Some((id, text)) = fieldset.note {
        let note = dom::element(document, "p", text)?;
        note.set_id(id);
        note.set_class_name("aside");
        note.set_hidden(true);
        children.push(note);
    }
    let grid = dom::element(document, "div", "")?;
    grid.set_class_name("fields");
    let settings = fieldset.settings.iter().map(|setting| &setting.field);
    fill(document, &grid, fieldset.extra.iter().chain(settings))?;
    children.push(grid);
    dom::set_children(&element, &children);
    Ok(element)
}

/// Puts fields into a grid.
pub(super) fn fill<'a>(
    document: &Document,
    grid: &HtmlElement,
    fields: impl Iterator<Item = &'a FormField>,
) -> Result<(), DomError> {
    let fields: Vec<HtmlElement> = fields.map(|field| place(document, field)).collect::<Result<_, _>>()?;
    dom::set_children(grid, &fields);
    Ok(())
}

/// A label, its help and its control. The label has to be the first child and the help a child too: style.css places them.
fn place(document: &Document, field: &FormField) -> Result<HtmlElement, DomError> {
    let place = dom::element(document, "div", "")?;
    place.set_class_name("field");
    let label = dom::element(document, "label", field.label)?;
    label.set_attribute("for", field.id)?;
    dom::set_children(&place, [&label, &help(document, field)?, &control(document, field)?]);
    Ok(place)
}

/// The help behind a question mark: closed, so that it does not stand between the reader and the form.
fn help(document: &Document, field: &FormField) -> Result<HtmlElement, DomError> {
    let details = dom::element(document, "details", "")?;
    details.set_class_name("why");
    let summary = dom::element(document, "summary", "?")?;
    summary.set_attribute("aria-label", &format!("Help: {}", field.label))?;
    dom::set_children(&details, [&summary, &dom::element(document, "p", field.help)?]);
    Ok(details)
}

fn control(document: &Document, field: &FormField) -> Result<HtmlElement, DomError> {
    let (tag, kind) = match field.input {
        Input::Choice(_) => ("select", ""),
        Input::Whole(_) | Input::Percent(_) => ("input", "number"),
        Input::Checkbox => ("input", "checkbox"),
        // A number input refuses the decimal comma in an English browser, and the point in a German one.
        Input::Real(_) | Input::OptionalReal(_) | Input::Text(_) => ("input", "text"),
    };
    let control = dom::element(document, tag, "")?;
    control.set_id(field.id);
    if !kind.is_empty() {
        control.set_attribute("type", kind)?;
    }
    let set = |keys: &[(&str, &str)]| keys.iter().try_for_each(|(key, value)| control.set_attribute(key, value));
    match field.input {
        Input::Whole(range) | Input::Percent(range) => {
            let [min, max] = [range.min, range.max].map(|bound| bound.to_string());
            set(&[("min", &min), ("max", &max), ("step", "1"), ("inputmode", "numeric")])?;
        }
        Input::Real(_) => set(&[("inputmode", "decimal"), ("autocomplete", "off")])?,
        Input::OptionalReal(_) => {
            set(&[("inputmode", "decimal"), ("autocomplete", "off"), ("placeholder", "the network’s own")])?;
        }
        Input::Text(longest) => set(&[("maxlength", &longest.to_string()), ("autocomplete", "off")])?,
        Input::Choice(choices) => {
            let options = choices().into_iter().map(|(value, text)| option(document, value, text));
            dom::set_children(&control, &options.collect::<Result<Vec<_>, _>>()?);
        }
        Input::Checkbox => {}
    }
    if !field.value.is_empty() {
        set(&[("value", field.value)])?;
    }
    Ok(control)
}

/// An option of a select box.
pub(super) fn option(document: &Document, value: &str, text: &str) -> Result<HtmlElement, DomError> {
    let option = dom::element(document, "option", text)?;
    option.set_attribute("value", value)?;
    Ok(option)
}
