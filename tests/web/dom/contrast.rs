//! The contrast of text that must stay readable, in both colour schemes, as WCAG 2.2 measures it.

use genrelens::web::dom;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::*;
use web_sys::{CssStyleDeclaration, Element};

use super::training::training;

/// The least contrast of text (WCAG 2.2, 1.4.3).
const LEAST: f64 = 4.5;

fn style(element: &Element) -> CssStyleDeclaration {
    dom::window().unwrap().get_computed_style(element).unwrap().unwrap()
}

fn property(element: &Element, name: &str) -> String {
    style(element).get_property_value(name).unwrap()
}

/// Red, green, blue and opacity of a computed colour, 0 to 1.
fn colour(text: &str) -> [f64; 4] {
    let numbers = text.split(['(', ')']).nth(1).unwrap().split(',');
    let mut channels = [255.0; 4];
    for (channel, number) in channels.iter_mut().zip(numbers) {
        *channel = number.trim().parse().unwrap();
    }
    let [red, green, blue, alpha] = channels;
    [red / 255.0, green / 255.0, blue / 255.0, if text.starts_with("rgba") { alpha } else { 1.0 }]
}

fn over([red, green, blue, alpha]: [f64; 4], ground: [f64; 4]) -> [f64; 4] {
    let mix = |top: f64, bottom: f64| top * alpha + bottom * (1.0 - alpha);
    [mix(red, ground[0]), mix(green, ground[1]), mix(blue, ground[2]), 1.0]
}

fn luminance(colour: [f64; 4]) -> f64 {
    let linear = |value: f64| if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

/// The contrast of an element's text on what is behind it, 1 to 21.
fn contrast(element: &Element) -> f64 {
    let mut ancestors: Vec<Element> =
        std::iter::successors(Some(element.clone()), |element| element.parent_element()).collect();
    ancestors.reverse();
    let (mut ground, mut opacity) = ([1.0; 4], 1.0);
    for ancestor in &ancestors {
        opacity *= property(ancestor, "opacity").parse::<f64>().unwrap();
        ground = over(colour(&property(ancestor, "background-color")), ground);
    }
    let [red, green, blue, alpha] = colour(&property(element, "color"));
    let text = over([red, green, blue, alpha * opacity], ground);
    let (a, b) = (luminance(text), luminance(ground));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[wasm_bindgen_test]
fn help_beside_a_disabled_field_is_readable() {
    let (fixture, page, _asked) = training();
    page.render().unwrap();
    let css = include_str!("../../../static/style.css");
    let sheet = fixture.document.create_element("style").unwrap();
    fixture.document.body().unwrap().append_child(&sheet).unwrap();
    let list = fixture.document.query_selector_all("#train-settings .field").unwrap();
    assert!(list.length() > 20, "the form is there");
    let fields: Vec<Element> = (0..list.length()).map(|place| list.item(place).unwrap().unchecked_into()).collect();
    for field in &fields {
        field.query_selector("input, select").unwrap().unwrap().set_attribute("disabled", "").unwrap();
        field.query_selector("details").unwrap().unwrap().set_attribute("open", "").unwrap();
    }
    for scheme in ["light", "dark"] {
        let every = if scheme == "dark" { "@media all" } else { "@media not all" };
        sheet.set_text_content(Some(&css.replace("@media (prefers-color-scheme: dark)", every)));
        for field in &fields {
            for part in ["label", "details > summary", "details > p"] {
                let text = field.query_selector(part).unwrap().unwrap();
                let found = contrast(&text);
                let about = format!("{part} of {} in {scheme}", field.text_content().unwrap_or_default());
                assert!(found >= LEAST, "{found:.2}: {about}");
            }
        }
    }
    sheet.remove();
}
