//! The page's drawing instructions as an SVG file.

use std::fmt::Write;

use crate::view::{Align, Area, Colour, Shape};

/// Fonts that every system has; the page's canvas uses the system's own, too.
const FONTS: &str = "system-ui, sans-serif";

/// An SVG document of these shapes on a ground, `width` by `height` CSS pixels.
pub(super) fn svg(shapes: &[Shape], [width, height]: [f64; 2], ground: Colour) -> String {
    let mut document = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"{FONTS}\">\n"
    );
    let whole = Area { x: 0.0, y: 0.0, width, height };
    add(&mut document, &Shape::Rect { area: whole, radius: 0.0, fill: ground });
    shapes.iter().for_each(|shape| add(&mut document, shape));
    document + "</svg>\n"
}

fn add(document: &mut String, shape: &Shape) {
    // Writing to a string cannot fail. A tenth of a pixel is finer than a screen shows.
    let _ = match shape {
        Shape::Rect { area: Area { x, y, width, height }, radius, fill } => writeln!(
            document,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\" fill=\"{}\"/>",
            fill.css()
        ),
        Shape::Line { from: [x1, y1], to: [x2, y2], width, stroke } => writeln!(
            document,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{}\" stroke-width=\"{width}\" \
             stroke-linecap=\"round\"/>",
            stroke.css()
        ),
        Shape::Text { x, y, text, size, bold, align, fill } => writeln!(
            document,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" font-weight=\"{}\" text-anchor=\"{}\" \
             dominant-baseline=\"central\" fill=\"{}\">{}</text>",
            if *bold { "bold" } else { "normal" },
            anchor(*align),
            fill.css(),
            escaped(text)
        ),
    };
}

fn anchor(align: Align) -> &'static str {
    match align {
        Align::Start => "start",
        Align::Centre => "middle",
        Align::End => "end",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_shape_is_an_element() {
        let ink = Colour::hex(0x1f6fa8);
        let text = Shape::Text {
            x: 1.0,
            y: 2.0,
            text: "loss < 1 & falling".to_owned(),
            size: 12.0,
            bold: false,
            align: Align::End,
            fill: ink,
        };
        let line = Shape::Line { from: [0.0, 1.0], to: [2.0, 3.04], width: 2.0, stroke: ink.with_alpha(0.4) };
        let document = svg(&[line, text], [30.0, 20.0], Colour::hex(0xffffff));
        assert!(document.starts_with("<svg ") && document.ends_with("</svg>\n"), "{document}");
        assert!(document.contains("<rect x=\"0.0\" y=\"0.0\" width=\"30.0\" height=\"20.0\" rx=\"0\""), "{document}");
        assert!(document.contains("x2=\"2.0\" y2=\"3.0\" stroke=\"rgba(31,111,168,0.400)\""), "{document}");
        assert!(document.contains("text-anchor=\"end\"") && document.contains(">loss &lt; 1 &amp; falling</text>"));
    }
}
