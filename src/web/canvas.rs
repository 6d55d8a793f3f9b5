//! Paints drawing instructions and pixels on a canvas; what and where is decided in [`crate::view`].

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::dom::DomError;
use crate::view::{Align, Area, Colour, Shape};

/// The fonts of the page's own text.
const FONTS: &str = "system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif";

/// A canvas with as many pixels as the screen has.
#[derive(Debug, Clone)]
pub struct Canvas {
    element: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    /// Screen pixels per CSS pixel.
    ratio: f64,
}

impl Canvas {
    /// Takes over a canvas element.
    pub fn new(element: HtmlCanvasElement) -> Result<Self, DomError> {
        let context = element.get_context("2d")?.and_then(|context| context.dyn_into().ok());
        let context = context.ok_or_else(|| DomError::Refused("drawing on a canvas".to_owned()))?;
        Ok(Self { element, context, ratio: 1.0 })
    }

    pub(crate) fn element(&self) -> &HtmlCanvasElement {
        &self.element
    }

    /// `[width, height]` in CSS pixels, as the page lays it out; 0 while it is hidden.
    pub fn size(&self) -> [f64; 2] {
        [f64::from(self.element.client_width()), f64::from(self.element.client_height())]
    }

    /// Clears it and fits its pixels to its size on the page, at `ratio` screen pixels per CSS pixel.
    pub fn clear(&mut self, ratio: f64) -> Result<(), DomError> {
        let [width, height] = self.size().map(|length| (length * ratio).round() as u32);
        self.ratio = ratio;
        // Setting a size clears the canvas even if the size stays the same.
        self.element.set_width(width);
        self.element.set_height(height);
        Ok(self.context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0)?)
    }

    /// `[width, height]` of an area in screen pixels.
    pub fn pixels(&self, area: Area) -> [usize; 2] {
        [area.width, area.height].map(|length| (length * self.ratio).round().max(0.0) as usize)
    }

    /// Paints pixels, RGBA, row-major `[height, width, 4]`; [`Canvas::pixels`] tells their number for an area.
    pub fn image(&self, rgba: &[u8], area: Area) -> Result<(), DomError> {
        let [width, height] = self.pixels(area);
        if width == 0 || height == 0 {
            return Ok(());
        }
        let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), width as u32, height as u32)?;
        // `putImageData` ignores the transform, so the position is in screen pixels.
        let [x, y] = [area.x, area.y].map(|place| (place * self.ratio).round());
        Ok(self.context.put_image_data(&data, x, y)?)
    }

    /// Paints drawing instructions, one over the other.
    pub fn paint(&self, shapes: &[Shape]) -> Result<(), DomError> {
        shapes.iter().try_for_each(|shape| match shape {
            Shape::Rect { area, radius, fill } => self.rect(*area, *radius, *fill),
            Shape::Line { from, to, width, stroke } => {
                self.line(*from, *to, *width, *stroke);
                Ok(())
            }
            Shape::Text { .. } => self.text(shape),
        })
    }

    fn rect(&self, area: Area, radius: f64, fill: Colour) -> Result<(), DomError> {
        let Area { x, y, width, height } = area;
        self.context.set_fill_style_str(&fill.css());
        if radius <= 0.0 {
            self.context.fill_rect(x, y, width, height);
            return Ok(());
        }
        self.context.begin_path();
        self.context.round_rect_with_f64(x, y, width, height, radius.min(width / 2.0).min(height / 2.0))?;
        self.context.fill();
        Ok(())
    }

    fn line(&self, from: [f64; 2], to: [f64; 2], width: f64, stroke: Colour) {
        self.context.set_stroke_style_str(&stroke.css());
        self.context.set_line_width(width);
        // A line of odd width is sharp only if its centre lies between two screen pixels.
        let sharp = |[x, y]: [f64; 2]| [x, y].map(|place| ((place * self.ratio).floor() + 0.5) / self.ratio);
        let ([x1, y1], [x2, y2]) = (sharp(from), sharp(to));
        self.context.begin_path();
        self.context.move_to(x1, y1);
        self.context.line_to(x2, y2);
        self.context.stroke();
    }

    fn text(&self, shape: &Shape) -> Result<(), DomError> {
        let Shape::Text { x, y, text, size, bold, align, fill } = shape else {
            return Ok(());
        };
        let weight = if *bold { 600 } else { 400 };
        self.context.set_font(&format!("{weight} {size}px {FONTS}"));
        self.context.set_text_baseline("middle");
        self.context.set_text_align(match align {
            Align::Start => "left",
            Align::Centre => "center",
            Align::End => "right",
        });
        self.context.set_fill_style_str(&fill.css());
        Ok(self.context.fill_text(text, *x, *y)?)
    }
}
