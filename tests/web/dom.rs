//! The page in a real document: painting is read back pixel by pixel, and made-up updates drive the page of
//! `index.html` without any worker.
#![cfg(target_family = "wasm")]
#![allow(clippy::unwrap_used, reason = "what panics in a test fails it")]

#[path = "../common/cards.rs"]
mod cards;
#[path = "dom/contrast.rs"]
mod contrast;
#[path = "dom/dataset.rs"]
mod dataset;
#[path = "dom/fake_engines.rs"]
mod fake_engines;
#[path = "dom/offline.rs"]
mod offline;
#[path = "dom/page.rs"]
mod page;
#[path = "dom/plots.rs"]
mod plots;
#[path = "dom/recording.rs"]
mod recording;
#[path = "dom/stopped.rs"]
mod stopped;
#[path = "dom/storage.rs"]
mod storage;
#[path = "dom/storage_connection.rs"]
mod storage_connection;
#[path = "dom/storage_faults.rs"]
mod storage_faults;
#[path = "dom/training.rs"]
mod training;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use genrelens::view::{Align, Area, Colour, Shape};
use genrelens::web::canvas::Canvas;
use genrelens::web::dom::{self, DomError, Frame, Listener};
use genrelens::web::files::Picker;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::*;
use web_sys::{
    CanvasRenderingContext2d, DataTransfer, Document, DragEvent, DragEventInit, Element, File, HtmlCanvasElement,
    HtmlElement, HtmlInputElement,
};

wasm_bindgen_test_configure!(run_in_browser);

const RED: Colour = Colour::hex(0xff_00_00);

/// Markup that is in the document for as long as this lives.
struct Fixture {
    document: Document,
    root: Element,
}

impl Fixture {
    fn new(html: &str) -> Self {
        let document = dom::document().unwrap();
        let root = document.create_element("div").unwrap();
        root.set_inner_html(html);
        document.body().unwrap().append_child(&root).unwrap();
        Self { document, root }
    }

    /// The `<main>` of the real page.
    fn page() -> Self {
        let html = include_str!("../../index.html");
        let (start, end) = (html.find("<main").unwrap(), html.find("</main>").unwrap());
        // A test that failed left its page behind, whose elements have the same ids.
        if let Some(left) = dom::document().unwrap().get_element_by_id("page") {
            left.remove();
        }
        Self::new(&html[start..end])
    }

    fn get<Kind: JsCast>(&self, id: &str) -> Kind {
        dom::by_id(&self.document, id).unwrap()
    }

    /// Its text, with plain spaces.
    fn text(&self, id: &str) -> String {
        self.get::<Element>(id).text_content().unwrap().replace('\u{a0}', " ")
    }

    fn hidden(&self, id: &str) -> bool {
        self.get::<HtmlElement>(id).hidden()
    }

    fn state(&self) -> String {
        self.get::<Element>("page").get_attribute("data-state").unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.root.remove();
    }
}

/// RGBA of one pixel of a canvas.
fn pixel(canvas: &HtmlCanvasElement, x: u32, y: u32) -> [u8; 4] {
    let context: CanvasRenderingContext2d = canvas.get_context("2d").unwrap().unwrap().unchecked_into();
    let data = context.get_image_data(f64::from(x), f64::from(y), 1.0, 1.0).unwrap().data();
    [data[0], data[1], data[2], data[3]]
}

/// A canvas of 40 by 20 CSS pixels, cleared.
fn canvas(ratio: f64) -> (Fixture, Canvas, HtmlCanvasElement) {
    let fixture = Fixture::new(r#"<canvas id="canvas" style="width: 40px; height: 20px"></canvas>"#);
    let element: HtmlCanvasElement = fixture.get("canvas");
    let mut canvas = Canvas::new(element.clone()).unwrap();
    canvas.clear(ratio).unwrap();
    (fixture, canvas, element)
}

async fn next_frame() {
    let window = dom::window().unwrap();
    let frame = js_sys::Promise::new(&mut |resolve, _| {
        window.request_animation_frame(&resolve).unwrap();
    });
    JsFuture::from(frame).await.unwrap();
}

/// Waits until something is true, for ten seconds of frames at most: the machine may be busy.
async fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        next_frame().await;
    }
    panic!("it did not happen within six hundred frames");
}

#[wasm_bindgen_test]
fn a_rectangle_fills_exactly_its_area() {
    let (_fixture, canvas, element) = canvas(1.0);
    let area = Area { x: 5.0, y: 4.0, width: 10.0, height: 6.0 };
    canvas.paint(&[Shape::Rect { area, radius: 0.0, fill: RED }]).unwrap();
    for (x, y) in [(5, 4), (14, 4), (5, 9), (14, 9)] {
        assert_eq!(pixel(&element, x, y), [255, 0, 0, 255], "{x}, {y}");
    }
    for (x, y) in [(4, 4), (15, 4), (5, 3), (5, 10)] {
        assert_eq!(pixel(&element, x, y)[3], 0, "{x}, {y}");
    }
}

#[wasm_bindgen_test]
fn round_corners_are_round_and_colours_let_the_ground_through() {
    let (_fixture, canvas, element) = canvas(1.0);
    let area = Area { x: 0.0, y: 0.0, width: 40.0, height: 20.0 };
    canvas.paint(&[Shape::Rect { area, radius: 10.0, fill: RED.with_alpha(0.5) }]).unwrap();
    assert_eq!(pixel(&element, 0, 0)[3], 0);
    // Half of 255, as browsers round it.
    assert!((126..=129).contains(&pixel(&element, 20, 10)[3]));
}

#[wasm_bindgen_test]
fn a_canvas_has_as_many_pixels_as_the_screen() {
    let (_fixture, canvas, element) = canvas(2.0);
    assert_eq!((element.width(), element.height(), canvas.size()), (80, 40, [40.0, 20.0]));
    let area = Area { x: 30.0, y: 10.0, width: 10.0, height: 10.0 };
    canvas.paint(&[Shape::Rect { area, radius: 0.0, fill: RED }]).unwrap();
    assert_eq!((pixel(&element, 59, 20)[3], pixel(&element, 60, 20)[3], pixel(&element, 79, 39)[3]), (0, 255, 255));
}

#[wasm_bindgen_test]
fn a_thin_line_is_one_sharp_row() {
    let (_fixture, canvas, element) = canvas(1.0);
    canvas.paint(&[Shape::Line { from: [0.0, 7.0], to: [40.0, 7.0], width: 1.0, stroke: RED }]).unwrap();
    assert_eq!([6, 7, 8].map(|y| pixel(&element, 20, y)[3]), [0, 255, 0]);
}

#[wasm_bindgen_test]
fn text_lies_on_the_side_its_alignment_says() {
    let painted = |align| {
        let (_fixture, canvas, element) = canvas(1.0);
        let text = "MM".to_owned();
        canvas.paint(&[Shape::Text { x: 20.0, y: 10.0, text, size: 9.0, bold: true, align, fill: RED }]).unwrap();
        let any = |columns: std::ops::Range<u32>| {
            columns.flat_map(|x| (0..20).map(move |y| (x, y))).any(|(x, y)| pixel(&element, x, y)[3] > 0)
        };
        // Not the two columns in the middle, which letters on either side may touch.
        (any(0..19), any(21..40))
    };
    assert_eq!(painted(Align::Start), (false, true));
    assert_eq!(painted(Align::Centre), (true, true));
    assert_eq!(painted(Align::End), (true, false));
}

#[wasm_bindgen_test]
fn pixels_land_where_their_area_is() {
    let (_fixture, canvas, element) = canvas(2.0);
    let area = Area { x: 3.0, y: 2.0, width: 1.0, height: 1.0 };
    assert_eq!(canvas.pixels(area), [2, 2]);
    let rgba = [[1, 0, 0, 255], [2, 0, 0, 255], [3, 0, 0, 255], [4, 0, 0, 255]].concat();
    canvas.image(&rgba, area).unwrap();
    let reds = [(6, 4), (7, 4), (6, 5), (7, 5), (8, 5)].map(|(x, y)| pixel(&element, x, y)[0]);
    assert_eq!(reds, [1, 2, 3, 4, 0]);
    assert!(canvas.image(&rgba[4..], area).is_err(), "too few pixels are an error");
}

#[wasm_bindgen_test]
fn look_ups_say_what_is_wrong() {
    let fixture = Fixture::new(r#"<p id="here">text</p>"#);
    assert!(dom::by_id::<Element>(&fixture.document, "here").is_ok());
    assert_eq!(dom::by_id::<Element>(&fixture.document, "gone").unwrap_err(), DomError::Missing("gone".to_owned()));
    let wrong = dom::by_id::<HtmlCanvasElement>(&fixture.document, "here").unwrap_err();
    assert_eq!(wrong, DomError::Kind { id: "here".to_owned(), found: "p".to_owned() });
}

#[wasm_bindgen_test]
fn a_listener_is_called_until_it_is_dropped() {
    let fixture = Fixture::new(r#"<button id="button"></button>"#);
    let button: HtmlElement = fixture.get("button");
    let count = Rc::new(Cell::new(0));
    let counting = count.clone();
    let listener = Listener::new(&button, "click", move |_: web_sys::Event| counting.set(counting.get() + 1)).unwrap();
    button.click();
    button.click();
    assert_eq!((count.get(), Rc::strong_count(&count)), (2, 2));
    drop(listener);
    // A closure that is dropped but not detached is still called, and throws.
    let errors = Rc::new(Cell::new(0));
    let failing = errors.clone();
    let counted = move |_: web_sys::Event| failing.set(failing.get() + 1);
    let _errors = Listener::new(&dom::window().unwrap(), "error", counted).unwrap();
    button.click();
    assert_eq!((count.get(), Rc::strong_count(&count), errors.get()), (2, 1, 0));
}

#[wasm_bindgen_test]
fn an_unchanged_text_is_left_alone() {
    let fixture = Fixture::new(r#"<p id="text">same</p>"#);
    let element: HtmlElement = fixture.get("text");
    let node = element.first_child();
    dom::set_text(&element, "same");
    assert_eq!(element.first_child(), node);
    dom::set_text_or_hide(&element, Some("other"));
    assert_eq!((fixture.text("text").as_str(), element.hidden()), ("other", false));
    dom::set_text_or_hide(&element, None);
    assert!(element.hidden());
}

#[wasm_bindgen_test]
async fn a_frame_does_its_work_once_and_not_after_its_end() {
    let count = Rc::new(Cell::new(0));
    let counting = count.clone();
    let frame = Frame::new(move || counting.set(counting.get() + 1)).unwrap();
    frame.request();
    frame.request();
    next_frame().await;
    assert_eq!(count.get(), 1);
    frame.request();
    drop(frame);
    next_frame().await;
    assert_eq!(count.get(), 1);
}

fn file(name: &str, bytes: &[u8]) -> File {
    File::new_with_u8_array_sequence(&js_sys::Array::of1(&js_sys::Uint8Array::from(bytes)), name).unwrap()
}

fn transfer(files: &[File]) -> DataTransfer {
    let transfer = DataTransfer::new().unwrap();
    for file in files {
        transfer.items().add_with_file(file).unwrap();
    }
    transfer
}

fn drag(kind: &str, files: &[File]) -> DragEvent {
    let init = DragEventInit::new();
    init.set_bubbles(true);
    init.set_cancelable(true);
    init.set_data_transfer(Some(&transfer(files)));
    DragEvent::new_with_event_init_dict(kind, &init).unwrap()
}

#[wasm_bindgen_test]
fn files_come_by_choice_and_by_drop_until_the_picker_ends() {
    let fixture = Fixture::new(r#"<input id="input" type="file"><p id="zone"></p>"#);
    let (input, zone): (HtmlInputElement, Element) = (fixture.get("input"), fixture.get("zone"));
    let picked = Rc::new(RefCell::new(Vec::new()));
    let picking = picked.clone();
    let picker = Picker::new(&fixture.document, &input, &zone, move |files: Vec<File>, _| {
        picking.borrow_mut().push(files.iter().map(File::name).collect::<Vec<_>>());
    })
    .unwrap();

    input.set_files(transfer(&[file("chosen.wav", b"")]).files().as_ref());
    input.dispatch_event(&web_sys::Event::new("change").unwrap()).unwrap();
    assert_eq!(input.files().unwrap().length(), 0, "so that the same file can be chosen again");

    let over = drag("dragover", &[]);
    zone.dispatch_event(&over).unwrap();
    assert!(over.default_prevented() && zone.has_attribute("data-over"));
    let dropped = drag("drop", &[file("a.wav", b""), file("b.wav", b"")]);
    zone.dispatch_event(&dropped).unwrap();
    assert!(dropped.default_prevented() && !zone.has_attribute("data-over"));
    zone.dispatch_event(&drag("drop", &[])).unwrap();
    assert_eq!(*picked.borrow(), [vec!["chosen.wav"], vec!["a.wav", "b.wav"], vec![]]);

    drop(picker);
    zone.dispatch_event(&drag("drop", &[file("late.wav", b"")])).unwrap();
    assert_eq!((picked.borrow().len(), Rc::strong_count(&picked)), (3, 1));
}
