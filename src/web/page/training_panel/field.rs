//! A field of the settings form, of whatever kind, and the message under it that says what is wrong.

use wasm_bindgen::JsCast;
use web_sys::{Document, HtmlElement, HtmlInputElement, HtmlSelectElement};

use crate::view::train::settings::TICKED;
use crate::web::dom::{self, DomError, by_id, set_text};

/// A text or number input, a checkbox or a select box.
pub(super) struct Field {
    document: Document,
    pub(super) element: HtmlElement,
}

impl Field {
    pub(super) fn find(document: &Document, id: &str) -> Result<Self, DomError> {
        Ok(Self { document: document.clone(), element: by_id(document, id)? })
    }

    /// Its value; for a checkbox, [`TICKED`] or nothing.
    pub(super) fn value(&self) -> String {
        if let Some(select) = self.element.dyn_ref::<HtmlSelectElement>() {
            return select.value();
        }
        match self.element.dyn_ref::<HtmlInputElement>() {
            Some(tick) if tick.type_() == "checkbox" => (if tick.checked() { TICKED } else { "" }).to_owned(),
            Some(input) => input.value(),
            None => String::new(),
        }
    }

    pub(super) fn set_value(&self, value: &str) {
        if let Some(select) = self.element.dyn_ref::<HtmlSelectElement>() {
            return select.set_value(value);
        }
        match self.element.dyn_ref::<HtmlInputElement>() {
            Some(tick) if tick.type_() == "checkbox" => tick.set_checked(value == TICKED),
            Some(input) => input.set_value(value),
            None => {}
        }
    }

    /// True if it is hidden because the selected model does not have it.
    pub(super) fn is_out_of_use(&self) -> bool {
        self.element.closest(".field[hidden]").ok().flatten().is_some()
    }

    /// Shows or hides it with its label.
    pub(super) fn show(&self, shown: bool) -> Result<(), DomError> {
        let place = self.element.closest(".field")?;
        place.map_or(Ok(()), |place| Ok(place.toggle_attribute_with_force("hidden", !shown).map(drop)?))
    }

    /// Marks it as changed or not, and shows or removes a message that says what is wrong with it.
    pub(super) fn mark(&self, changed: bool, trouble: Option<&str>) -> Result<(), DomError> {
        let Some(place) = self.element.closest(".field")? else { return Ok(()) };
        place.toggle_attribute_with_force("data-changed", changed)?;
        let id = format!("{}-trouble", self.element.id());
        let said = self.document.get_element_by_id(&id);
        let Some(trouble) = trouble else {
            self.element.remove_attribute("aria-invalid")?;
            self.element.remove_attribute("aria-describedby")?;
            said.inspect(web_sys::Element::remove);
            return Ok(());
        };
        // Screen readers announce the message with the field.
        self.element.set_attribute("aria-invalid", "true")?;
        self.element.set_attribute("aria-describedby", &id)?;
        if let Some(said) = said {
            set_text(&said, trouble);
            return Ok(());
        }
        let said = dom::element(&self.document, "p", trouble)?;
        said.set_id(&id);
        said.set_class_name("trouble");
        place.append_child(&said)?;
        Ok(())
    }
}
