//! Drawing instructions, and their colours.

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
    /// Opacity, 0 to 1.
    pub alpha: f32,
}

impl Colour {
    /// An opaque colour from its `0xRRGGBB`.
    pub const fn hex(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self { red, green, blue, alpha: 1.0 }
    }

    /// The same colour with another opacity, clamped to 0 to 1.
    pub fn with_alpha(self, alpha: f32) -> Self {
        Self { alpha: alpha.clamp(0.0, 1.0), ..self }
    }

    /// The colour that results from painting this one on an opaque one.
    pub(crate) fn over(self, ground: Self) -> Self {
        let mix =
            |top: u8, bottom: u8| (f32::from(top) * self.alpha + f32::from(bottom) * (1.0 - self.alpha)).round() as u8;
        Self {
            red: mix(self.red, ground.red),
            green: mix(self.green, ground.green),
            blue: mix(self.blue, ground.blue),
            alpha: 1.0,
        }
    }

    /// Relative luminance, 0 to 1, as WCAG 2.2 defines it; opacity is ignored.
    pub(crate) fn luminance(self) -> f32 {
        let linear = |channel: u8| {
            let value = f32::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        // The weights of sRGB primaries in relative luminance.
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Contrast ratio of two opaque colours, 1 to 21, as WCAG 2.2 defines it.
    pub(crate) fn contrast(self, other: Self) -> f32 {
        let (a, b) = (self.luminance(), other.luminance());
        // 0.05 stands for ambient light, as WCAG defines it.
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The colour in CSS.
    pub(crate) fn css(self) -> String {
        format!("rgba({},{},{},{:.3})", self.red, self.green, self.blue, self.alpha)
    }
}

/// The part of a text that lies at its x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At its start.
    Start,
    /// In its middle.
    Centre,
    /// At its end.
    End,
}

/// A rectangle of the canvas, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Area {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// To the right, in CSS pixels.
    pub width: f64,
    /// Downwards, in CSS pixels.
    pub height: f64,
}

/// One drawing instruction.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A filled rectangle.
    Rect {
        /// Its place.
        area: Area,
        /// Radius of its corners, in CSS pixels.
        radius: f64,
        /// Its colour.
        fill: Colour,
    },
    /// A straight line.
    Line {
        /// `[x, y]` of its start.
        from: [f64; 2],
        /// `[x, y]` of its end.
        to: [f64; 2],
        /// Thickness, in CSS pixels.
        width: f64,
        /// Its colour.
        stroke: Colour,
    },
    /// One line of text.
    Text {
        /// Where `align` puts it.
        x: f64,
        /// Its vertical middle.
        y: f64,
        /// What it says.
        text: String,
        /// Size of the font, in CSS pixels.
        size: f64,
        /// True for a bold font.
        bold: bool,
        /// The part of the text that lies at x.
        align: Align,
        /// Its colour.
        fill: Colour,
    },
}

/// The approximate width of a text in CSS pixels, rather too wide: system fonts differ, and only the canvas can measure.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.58
}

/// The number of genres with a colour of their own.
pub(crate) const GENRE_COLOURS: usize = 10;

/// The colours of the drawings, a light and a dark set. `static/style.css` has the same
/// surfaces and text colours under the same names.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// The background of the drawings.
    pub surface: Colour,
    /// Main text.
    pub text: Colour,
    /// Secondary text: axes.
    pub muted: Colour,
    /// Axis lines and ticks.
    pub line: Colour,
    /// The empty part of a bar.
    pub track: Colour,
    /// The colours of the genres.
    pub genres: [Colour; GENRE_COLOURS],
}

impl Theme {
    /// Dark on light.
    pub(crate) const LIGHT: Self = Self {
        surface: Colour::hex(0xff_ff_ff),
        text: Colour::hex(0x1d_16_24),
        muted: Colour::hex(0x65_5b_70),
        line: Colour::hex(0xb9_b1_c2),
        track: Colour::hex(0xee_ea_f1),
        genres: [
            Colour::hex(0x2f_6f_bf),
            Colour::hex(0x8a_5f_cc),
            Colour::hex(0xb8_93_0f),
            Colour::hex(0xd6_3f_96),
            Colour::hex(0xe0_68_2a),
            Colour::hex(0x0f_8f_86),
            Colour::hex(0x5f_6a_77),
            Colour::hex(0x2f_a5_cd),
            Colour::hex(0x4a_98_3c),
            Colour::hex(0xbf_2f_35),
        ],
    };

    /// Light on dark.
    pub(crate) const DARK: Self = Self {
        surface: Colour::hex(0x1c_16_24),
        text: Colour::hex(0xf1_ec_f5),
        muted: Colour::hex(0xab_a1_b7),
        line: Colour::hex(0x5b_51_68),
        track: Colour::hex(0x2e_26_39),
        genres: [
            Colour::hex(0x6b_a3_f2),
            Colour::hex(0xb3_95_f0),
            Colour::hex(0xe0_c0_4c),
            Colour::hex(0xf0_7a_be),
            Colour::hex(0xf6_94_5c),
            Colour::hex(0x3d_c2_b4),
            Colour::hex(0x99_a5_b4),
            Colour::hex(0x74_d0_f0),
            Colour::hex(0x7d_cb_6e),
            Colour::hex(0xec_5a_66),
        ],
    };

    /// The theme for the page's colour scheme.
    pub(crate) const fn of(dark: bool) -> &'static Self {
        if dark { &Self::DARK } else { &Self::LIGHT }
    }

    /// The near-black or white text colour that has more contrast on a background.
    pub(crate) fn ink_on(ground: Colour) -> Colour {
        let (dark, light) = (Colour::hex(0x14_0e_1a), Colour::hex(0xff_ff_ff));
        if ground.contrast(dark) >= ground.contrast(light) { dark } else { light }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_reaches_its_known_extremes() {
        let (black, white) = (Colour::hex(0), Colour::hex(0xff_ff_ff));
        assert!((black.contrast(white) - 21.0).abs() < 0.01);
        assert!((white.contrast(white) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn half_white_over_black_is_grey() {
        let seen = Colour::hex(0xff_ff_ff).with_alpha(0.5).over(Colour::hex(0));
        assert_eq!(seen, Colour::hex(0x80_80_80));
    }

    #[test]
    fn both_themes_are_readable_and_their_genres_stand_out() {
        for theme in [Theme::LIGHT, Theme::DARK] {
            assert!(theme.text.contrast(theme.surface) >= 7.0);
            assert!(theme.muted.contrast(theme.surface) >= 4.5);
            for genre in theme.genres {
                // WCAG 2.2 asks 3 of graphics that carry meaning; the names are written beside them as well.
                assert!(genre.contrast(theme.surface) >= 2.75, "{}", genre.css());
                assert!(genre.contrast(Theme::ink_on(genre)) >= 4.5, "{}", genre.css());
            }
        }
    }

    #[test]
    fn the_genres_of_a_theme_differ_clearly() {
        let distance = |a: Colour, b: Colour| {
            let channel = |x: u8, y: u8| (f32::from(x) - f32::from(y)).powi(2);
            (channel(a.red, b.red) + channel(a.green, b.green) + channel(a.blue, b.blue)).sqrt()
        };
        for theme in [Theme::LIGHT, Theme::DARK] {
            for (i, &a) in theme.genres.iter().enumerate() {
                for &b in &theme.genres[..i] {
                    assert!(distance(a, b) > 45.0, "{} and {}", a.css(), b.css());
                }
            }
        }
    }
}
