//! The genres, or the most probable tags, as horizontal bars.

use crate::protocol::{Prediction, Score};
use crate::view::draw::colours;
use crate::view::draw::shape::{Align, Area, Shape, Theme, text_width};
use crate::view::format;

/// Height of one genre's row, in CSS pixels.
const ROW: f64 = 28.0;
/// Height of a bar, in CSS pixels.
const BAR: f64 = 12.0;
/// The shortest bar, in CSS pixels.
const SHORTEST: f64 = 3.0;
/// Size of the font, in CSS pixels.
const FONT: f64 = 14.0;
/// Room for a percentage, in CSS pixels.
const PERCENT: f64 = 60.0;

/// The number of tags that get a bar.
const TAGS: usize = 10;

/// The scores that get a bar: every genre, but only the first [`TAGS`] tags.
pub fn charted_scores(prediction: &Prediction) -> &[Score] {
    let most = if prediction.multi_label { TAGS } else { usize::MAX };
    &prediction.genres[..prediction.genres.len().min(most)]
}

/// The height that the bars need, in CSS pixels.
pub fn height(prediction: &Prediction) -> f64 {
    ROW * charted_scores(prediction).len() as f64
}

/// Draws a row for every score that gets a bar, most probable first, on a canvas of this width in CSS pixels.
pub fn shapes(prediction: &Prediction, width: f64, theme: &Theme) -> Vec<Shape> {
    let names: Vec<String> = charted_scores(prediction).iter().map(|score| format::genre(&score.label)).collect();
    let longest = names.iter().map(|name| text_width(name, FONT)).fold(0.0, f64::max);
    let left = (longest + 10.0).min(width / 3.0);
    let track = (width - left - PERCENT).max(0.0);
    let mut shapes = Vec::new();
    for (row, (score, name)) in charted_scores(prediction).iter().zip(names).enumerate() {
        let y = ROW * (row as f64 + 0.5);
        let first = row == 0;
        let ink = if first { theme.text } else { theme.muted };
        let text = |x, text, align| Shape::Text { x, y, text, size: FONT, bold: first, align, fill: ink };
        let bar = |width| Area { x: left, y: y - BAR / 2.0, width, height: BAR };
        let index = prediction.labels.iter().position(|label| *label == score.label).unwrap_or(row);
        let fill = colours::of_label(theme, &score.label, index);
        let share = f64::from(score.probability.clamp(0.0, 1.0));
        shapes.push(text(0.0, name, Align::Start));
        shapes.push(Shape::Rect { area: bar(track), radius: BAR / 2.0, fill: theme.track });
        // Never shorter than this, so that every genre shows its colour.
        shapes.push(Shape::Rect { area: bar((share * track).max(SHORTEST.min(track))), radius: BAR / 2.0, fill });
        shapes.push(text(width, format::percent(score.probability), Align::End));
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::draw::strip::tests::prediction;

    fn bars(width: f64) -> Vec<Area> {
        let drawn = shapes(&prediction(), width, &Theme::LIGHT);
        drawn.iter().filter_map(|s| if let Shape::Rect { area, .. } = s { Some(*area) } else { None }).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_probability() {
        // Track and bar in turn.
        let areas = bars(600.0);
        assert_eq!(areas.len(), 6);
        assert!((areas[1].width / areas[0].width - 0.62).abs() < 1e-6);
        assert!((areas[3].width / areas[2].width - 0.3).abs() < 1e-6);
        assert!(areas.iter().all(|area| area.y >= 0.0 && area.y + area.height <= height(&prediction())));
    }

    #[test]
    fn of_many_tags_the_first_get_a_bar() {
        let tag = |index: usize| Score { label: format!("tag {index}"), probability: 0.9 };
        let genres = (0..50).map(tag).collect();
        let tags = Prediction { genres, multi_label: true, ..prediction() };
        assert_eq!((charted_scores(&tags).len(), height(&tags)), (10, 280.0));
        assert_eq!(charted_scores(&Prediction { multi_label: false, ..tags }).len(), 50);
    }

    #[test]
    fn a_canvas_without_room_has_no_negative_widths() {
        assert!(bars(20.0).iter().all(|area| area.width >= 0.0));
    }

    #[test]
    fn every_genre_is_named_with_its_percentage() {
        let drawn = shapes(&prediction(), 600.0, &Theme::LIGHT);
        let texts: Vec<&str> = drawn
            .iter()
            .filter_map(|s| if let Shape::Text { text, .. } = s { Some(text.as_str()) } else { None })
            .collect();
        assert_eq!(texts, ["jazz", "62\u{a0}%", "rock", "30\u{a0}%", "hip-hop", "8\u{a0}%"]);
    }
}
