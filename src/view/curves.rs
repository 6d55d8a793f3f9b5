//! Learning curves: the loss of the clips that are learned from and of those that are judged by, and the share named
//! rightly, epoch by epoch.

use super::{Align, Area, Colour, Shape, Theme};
use crate::train::report::EpochReport;

const MARGIN_LEFT: f64 = 40.0;
const MARGIN_RIGHT: f64 = 44.0;
const MARGIN_TOP: f64 = 26.0;
const MARGIN_BOTTOM: f64 = 24.0;
const FONT: f64 = 12.0;
/// Below this width, in CSS pixels, the legend has shorter words.
const NARROW: f64 = 480.0;

/// Colours of the three curves, on light and on dark ground; told apart without red and green.
const TRAIN: [Colour; 2] = [Colour::hex(0x1f6fa8), Colour::hex(0x7cb8e8)];
const VALID: [Colour; 2] = [Colour::hex(0xa81f66), Colour::hex(0xf58cb6)];
const SCORE: [Colour; 2] = [Colour::hex(0x9a6a00), Colour::hex(0xf3b04e)];

/// The drawing of these epochs, `width` by `height` CSS pixels; only the frame where there are none.
pub fn shapes(epochs: &[EpochReport], width: f64, height: f64, dark: bool, theme: &Theme) -> Vec<Shape> {
    let plot = Area {
        x: MARGIN_LEFT,
        y: MARGIN_TOP,
        width: (width - MARGIN_LEFT - MARGIN_RIGHT).max(1.0),
        height: (height - MARGIN_TOP - MARGIN_BOTTOM).max(1.0),
    };
    let top = epochs.iter().flat_map(|epoch| [epoch.train_loss, epoch.valid_loss]).fold(0.0, f64::max);
    let top = if top > 0.0 { top } else { 1.0 };
    let last = epochs.last().map_or(1, |epoch| epoch.epoch).max(2) as f64;
    let x = |epoch: usize| plot.x + (epoch as f64 - 1.0) / (last - 1.0) * plot.width;
    let y = |share: f64| plot.y + (1.0 - share.clamp(0.0, 1.0)) * plot.height;
    let mut shapes = frame(plot, top, last, theme);
    let ink = |colours: [Colour; 2]| colours[usize::from(dark)];
    let mut draw = |value: &dyn Fn(&EpochReport) -> f64, colour: Colour, stroke: f64| {
        let points: Vec<[f64; 2]> = epochs.iter().map(|epoch| [x(epoch.epoch), y(value(epoch))]).collect();
        shapes.extend(points.windows(2).map(|two| Shape::Line {
            from: two[0],
            to: two[1],
            width: stroke,
            stroke: colour,
        }));
        if let [[x, y]] = points.as_slice() {
            let area = Area { x: x - 2.0, y: y - 2.0, width: 4.0, height: 4.0 };
            shapes.push(Shape::Rect { area, radius: 2.0, fill: colour });
        }
    };
    draw(&|epoch| epoch.train_loss / top, ink(TRAIN), 2.0);
    draw(&|epoch| epoch.valid_loss / top, ink(VALID), 2.0);
    draw(&|epoch| epoch.valid.first(), ink(SCORE), 2.0);
    if let Some(best) = epochs.iter().rev().find(|epoch| epoch.best) {
        let area = Area { x: x(best.epoch) - 4.0, y: y(best.valid.first()) - 4.0, width: 8.0, height: 8.0 };
        shapes.push(Shape::Rect { area, radius: 4.0, fill: ink(SCORE) });
    }
    let words = if width < NARROW {
        ["learned", "judged", "right"]
    } else {
        ["loss, learned", "loss, judged", "right, judged"]
    };
    let named = words.into_iter().zip([ink(TRAIN), ink(VALID), ink(SCORE)]);
    for (place, (text, colour)) in named.enumerate() {
        let left = plot.x + plot.width / 3.0 * place as f64;
        let area = Area { x: left, y: 9.0, width: 10.0, height: 4.0 };
        shapes.push(Shape::Rect { area, radius: 2.0, fill: colour });
        shapes.push(label(left + 14.0, 11.0, text.to_owned(), Align::Start, theme));
    }
    shapes
}

fn frame(plot: Area, top: f64, last: f64, theme: &Theme) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for share in [0.0, 0.5, 1.0] {
        let y = plot.y + (1.0 - share) * plot.height;
        let (from, to) = ([plot.x, y], [plot.x + plot.width, y]);
        shapes.push(Shape::Line { from, to, width: 1.0, stroke: theme.line });
        shapes.push(label(plot.x - 6.0, y, format!("{:.1}", top * share), Align::End, theme));
        shapes.push(label(plot.x + plot.width + 6.0, y, format!("{:.0}%", share * 100.0), Align::Start, theme));
    }
    let foot = plot.y + plot.height + 14.0;
    shapes.push(label(plot.x, foot, "epoch 1".to_owned(), Align::Start, theme));
    shapes.push(label(plot.x + plot.width, foot, format!("{last:.0}"), Align::End, theme));
    shapes
}

fn label(x: f64, y: f64, text: String, align: Align, theme: &Theme) -> Shape {
    Shape::Text { x, y, text, size: FONT, bold: false, align, fill: theme.muted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::report::Scores;

    fn epochs(count: usize) -> Vec<EpochReport> {
        let report = |epoch: usize| EpochReport {
            epoch,
            train_loss: 2.0 / epoch as f64,
            step_losses: Vec::new(),
            valid_loss: 1.5,
            valid: Scores::Classes { accuracy: 1.0 - 0.5 / epoch as f64, balanced_accuracy: 0.0 },
            best: epoch == 2,
        };
        (1..=count).map(report).collect()
    }

    #[test]
    fn every_epoch_is_inside_the_plot() {
        for count in [0, 1, 2, 60] {
            for shape in shapes(&epochs(count), 390.0, 200.0, false, Theme::of(false)) {
                if let Shape::Line { from, to, .. } = shape {
                    for [x, y] in [from, to] {
                        assert!((MARGIN_LEFT..=390.0 - MARGIN_RIGHT + 1e-9).contains(&x), "{x}");
                        assert!((MARGIN_TOP..=200.0 - MARGIN_BOTTOM + 1e-9).contains(&y), "{y}");
                    }
                }
            }
        }
    }

    #[test]
    fn curves_can_be_told_from_their_ground() {
        for (dark, theme) in [(0, Theme::of(false)), (1, Theme::of(true))] {
            for colours in [TRAIN, VALID, SCORE] {
                assert!(colours[dark].contrast(theme.surface) >= 3.0, "{:?}", colours[dark]);
            }
        }
    }

    #[test]
    fn a_falling_loss_falls_on_the_picture() {
        let drawn = shapes(&epochs(3), 390.0, 200.0, false, Theme::of(false));
        let first = drawn.iter().find_map(|shape| match shape {
            Shape::Line { from, to, width, .. } if *width == 2.0 => Some((from[1], to[1])),
            _ => None,
        });
        assert!(first.is_some_and(|(from, to)| to > from), "y grows downwards: {first:?}");
    }
}
