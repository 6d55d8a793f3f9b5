//! The colour map of levels, and the colours of genres and tags.

use std::sync::LazyLock;

use crate::view::draw::shape::{Colour, GENRE_COLOURS, Theme};

/// Control points of the colour map in OKLCh: `[lightness, chroma, hue in degrees]`, evenly spaced from the quietest
/// value to the loudest. Lightness rises in equal steps, so that equal differences in dB look equal; the hue walks
/// from night blue over plum and ember to candle light, and beyond 360° so that it never turns back.
const CONTROL_POINTS: [[f32; 3]; 5] =
    [[0.13, 0.045, 285.0], [0.338, 0.150, 300.0], [0.546, 0.200, 358.0], [0.754, 0.155, 412.0], [0.962, 0.085, 462.0]];

static COLOUR_MAP: LazyLock<[[u8; 3]; 256]> = LazyLock::new(|| {
    std::array::from_fn(|index| {
        let position = index as f32 / 255.0 * (CONTROL_POINTS.len() - 1) as f32;
        let before = (position as usize).min(CONTROL_POINTS.len() - 2);
        let fraction = position - before as f32;
        let [low, high] = [CONTROL_POINTS[before], CONTROL_POINTS[before + 1]];
        let [lightness, chroma, hue] = std::array::from_fn(|i| low[i] + (high[i] - low[i]) * fraction);
        srgb_from_oklch(lightness, chroma, hue)
    })
});

/// The 256 steps of the colour map as `[red, green, blue]`, quietest first.
pub fn colour_map() -> &'static [[u8; 3]; 256] {
    &COLOUR_MAP
}

/// The step of the colour map for a value between `floor_db` and 0 dB; NaN counts as silence.
pub fn level(db: f32, floor_db: f32) -> u8 {
    let span = (-floor_db).max(f32::MIN_POSITIVE);
    // NaN becomes 0 in the cast.
    (((db - floor_db) / span).clamp(0.0, 1.0) * 255.0).round() as u8
}

/// OKLCh to sRGB by Björn Ottosson's matrices, clipped to what a screen can show.
fn srgb_from_oklch(lightness: f32, chroma: f32, hue_degrees: f32) -> [u8; 3] {
    let (a, b) = (chroma * hue_degrees.to_radians().cos(), chroma * hue_degrees.to_radians().sin());
    // https://bottosson.github.io/posts/oklab/
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
    .map(gamma_encode)
}

fn gamma_encode(linear: f32) -> u8 {
    // IEC 61966-2-1, the transfer function of sRGB.
    let value = linear.clamp(0.0, 1.0);
    let encoded = if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    (encoded * 255.0).round() as u8
}

/// The ten genres of GTZAN, in the order of the themes' colours.
const GENRES: [&str; GENRE_COLOURS] =
    ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"];

/// Lightness and chroma, in OKLCh, of all other labels: on a light and on a dark background.
const OTHERS: [[f32; 2]; 2] = [[0.64, 0.13], [0.77, 0.11]];
/// The step from one hue to the next, in degrees: any ten in a row are spread evenly over the circle, 36° apart.
const HUE_STEP: f32 = 108.0;
/// The shift from ten hues to the next ten, in degrees: fifty hues are different.
const TENS_STEP: f32 = 7.2;

/// The colour of a label: a fixed one for the ten genres, so that a genre has the same colour in every network, and else
/// one by its `index` among the network's labels.
pub fn of_label(theme: &Theme, label: &str, index: usize) -> Colour {
    if let Some(slot) = GENRES.iter().position(|&genre| genre == label) {
        return theme.genres[slot];
    }
    let dark = theme.surface.luminance() < 0.5;
    let [lightness, chroma] = OTHERS[usize::from(dark)];
    let hue = index as f32 * HUE_STEP + (index / 10) as f32 * TENS_STEP;
    let [red, green, blue] = srgb_from_oklch(lightness, chroma, hue % 360.0);
    Colour { red, green, blue, alpha: 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance([red, green, blue]: [u8; 3]) -> f32 {
        Colour { red, green, blue, alpha: 1.0 }.luminance()
    }

    #[test]
    fn louder_is_always_lighter() {
        for pair in colour_map().windows(2) {
            assert!(luminance(pair[1]) >= luminance(pair[0]), "{pair:?}");
        }
        assert!(luminance(colour_map()[0]) < 0.01);
        assert!(luminance(colour_map()[255]) > 0.8);
    }

    #[test]
    fn equal_steps_look_equal() {
        // CIE lightness of neighbours sixteen steps apart: an even map keeps every step near the mean one.
        let lightness = |rgb| 116.0 * luminance(rgb).cbrt() - 16.0;
        let steps: Vec<f32> =
            (0..15).map(|i| lightness(colour_map()[16 * i + 16]) - lightness(colour_map()[16 * i])).collect();
        let mean = steps.iter().sum::<f32>() / steps.len() as f32;
        assert!(steps.iter().skip(2).all(|step| (step - mean).abs() < 0.5 * mean), "{steps:?}");
    }

    #[test]
    fn oklch_white_black_and_red_match_css() {
        assert_eq!(srgb_from_oklch(1.0, 0.0, 0.0), [255, 255, 255]);
        assert_eq!(srgb_from_oklch(0.0, 0.0, 0.0), [0, 0, 0]);
        // CSS Color 4: oklch(0.62796 0.25768 29.234) is red.
        let [red, green, blue] = srgb_from_oklch(0.627_96, 0.257_68, 29.234);
        assert!(red >= 254 && green <= 2 && blue <= 2, "{red} {green} {blue}");
    }

    #[test]
    fn levels_span_the_floor_to_zero() {
        assert_eq!([level(-80.0, -80.0), level(0.0, -80.0), level(-40.0, -80.0)], [0, 255, 128]);
        assert_eq!([level(-200.0, -80.0), level(9.0, -80.0), level(f32::NAN, -80.0)], [0, 255, 0]);
        assert_eq!(level(0.0, 0.0), 0);
    }

    #[test]
    fn a_genre_keeps_its_colour_in_every_network() {
        let theme = &Theme::LIGHT;
        assert_eq!(of_label(theme, "jazz", 0), of_label(theme, "jazz", 3));
        assert_ne!(of_label(theme, "jazz", 0), of_label(theme, "rock", 0));
    }

    #[test]
    fn fifty_other_labels_are_readable_and_neighbours_differ() {
        for theme in [Theme::LIGHT, Theme::DARK] {
            let colours: Vec<Colour> = (0..50).map(|index| of_label(&theme, "guitar", index)).collect();
            for (index, colour) in colours.iter().enumerate() {
                assert!(colour.contrast(theme.surface) >= 2.75, "{}", colour.css());
                assert!(colour.contrast(Theme::ink_on(*colour)) >= 4.5, "{}", colour.css());
                assert!(!colours[..index].contains(colour), "{index}");
            }
        }
    }
}
