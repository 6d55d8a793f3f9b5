//! The page's canvases, pixel by pixel, and reading the spectrogram by pointer and keys.

use genrelens::view::draw::colours;
use wasm_bindgen_test::*;
use web_sys::{HtmlCanvasElement, HtmlElement, KeyboardEvent, KeyboardEventInit, PointerEvent, PointerEventInit};

use super::page::{connected, finish};
use super::{file, pixel};

#[wasm_bindgen_test]
fn the_drawings_are_painted() {
    let (fixture, page, _asked) = connected();
    page.open(vec![file("song.wav", b"")]);
    finish(&page);
    let canvas: HtmlCanvasElement = fixture.get("spectrogram");
    let (middle, height) = (canvas.width() / 2, canvas.height());
    let rgb = |y| <[u8; 3]>::try_from(&pixel(&canvas, middle, y)[..3]).unwrap();
    let quiet = colours::colour_map()[0];
    assert_eq!(rgb(height / 4), quiet, "high bands are silent and on top");
    // Above the axis of time.
    assert!(rgb(height - 32) != quiet, "the low band is loud and at the bottom");
    for id in ["strip", "bars"] {
        let canvas: HtmlCanvasElement = fixture.get(id);
        assert!(pixel(&canvas, canvas.width() / 2 - 20, 8)[3] > 0, "{id}");
    }
}

#[wasm_bindgen_test]
fn pointer_and_keys_read_the_spectrogram() {
    let (fixture, page, _asked) = connected();
    page.open(vec![file("song.wav", b"")]);
    finish(&page);
    let canvas: HtmlElement = fixture.get("spectrogram");
    let place = canvas.get_bounding_client_rect();
    let hint = fixture.text("readout");
    let pointer = |kind: &str| {
        let init = PointerEventInit::new();
        init.set_client_x((place.left() + place.width() / 2.0) as i32);
        init.set_client_y((place.bottom() - 30.0) as i32);
        init.set_pointer_type("mouse");
        PointerEvent::new_with_event_init_dict(kind, &init).unwrap()
    };
    canvas.dispatch_event(&pointer("pointermove")).unwrap();
    let read = fixture.text("readout");
    assert!(read.contains("100 Hz · 0 dB · "), "{read}");
    assert!(!fixture.hidden("cursor"));
    canvas.dispatch_event(&pointer("pointerleave")).unwrap();
    assert_eq!((fixture.hidden("cursor"), fixture.text("readout")), (true, hint));

    let press = |key: &str| {
        let init = KeyboardEventInit::new();
        init.set_key(key);
        init.set_cancelable(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).unwrap();
        canvas.dispatch_event(&event).unwrap();
        event.default_prevented()
    };
    assert!(press("End") && !press("Tab"));
    let value = canvas.get_attribute("aria-valuetext").unwrap();
    assert!(value.starts_with("0:05.0"), "{value}");
    assert!(press("Home") && fixture.text("readout").starts_with("0:00.0"));
}
