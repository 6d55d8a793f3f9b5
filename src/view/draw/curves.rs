//! Learning curves: the loss of the clips that are learned from, step by step and epoch by epoch, that of the clips that are
//! judged by, and how well these are named; and the last for several runs in one picture.

use crate::eval::report::{EpochReport, Scores};
use crate::view::{Align, Area, Colour, Shape, Theme};

const MARGIN_LEFT: f64 = 40.0;
const MARGIN_RIGHT: f64 = 44.0;
const MARGIN_TOP: f64 = 26.0;
const MARGIN_BOTTOM: f64 = 24.0;
const FONT: f64 = 12.0;
/// Below this width, in CSS pixels, the legend has shorter words.
const NARROW: f64 = 560.0;
/// The least distance between two marks of the axis of epochs, in CSS pixels.
const SPACING: f64 = 56.0;
/// How opaque the losses of single steps are: they jump about behind the curves.
const STEPS_ALPHA: f32 = 0.4;

/// Colours of the three curves, on light and on dark ground; told apart without red and green.
const TRAIN: [Colour; 2] = [Colour::hex(0x1f6fa8), Colour::hex(0x7cb8e8)];
const VALID: [Colour; 2] = [Colour::hex(0xa81f66), Colour::hex(0xf58cb6)];
const SCORE: [Colour; 2] = [Colour::hex(0x9a6a00), Colour::hex(0xf3b04e)];

/// The curve of a run among others: its name, its colour, its epochs.
pub struct Named<'a> {
    /// What the legend says.
    pub name: &'a str,
    /// Every epoch that was validated.
    pub epochs: &'a [EpochReport],
}

/// Where curves are drawn, and how far their axes go.
struct Plot {
    area: Area,
    /// The last epoch.
    last: f64,
    /// The largest loss.
    top: f64,
}

impl Plot {
    fn new(width: f64, height: f64, last: usize, top: f64) -> Self {
        let area = Area {
            x: MARGIN_LEFT,
            y: MARGIN_TOP,
            width: (width - MARGIN_LEFT - MARGIN_RIGHT).max(1.0),
            height: (height - MARGIN_TOP - MARGIN_BOTTOM).max(1.0),
        };
        Self { area, last: last.max(1) as f64, top: if top > 0.0 { top } else { 1.0 } }
    }

    /// The place of a time, in epochs, and of a height, 0 to 1.
    fn at(&self, epoch: f64, share: f64) -> [f64; 2] {
        let Area { x, y, width, height } = self.area;
        [x + (epoch / self.last).clamp(0.0, 1.0) * width, y + (1.0 - share.clamp(0.0, 1.0)) * height]
    }

    /// A curve through points of `[epoch, share]`; a dot, where there is one alone. No more points than pixels, each the
    /// mean of those in its place: a run may have many thousand steps.
    fn curve(&self, points: &[[f64; 2]], stroke: Colour, width: f64) -> Vec<Shape> {
        let whole: Vec<[f64; 2]> = points.iter().copied().filter(|[_, value]| value.is_finite()).collect();
        let bundle = whole.len().div_ceil(self.area.width as usize).max(1);
        let mean =
            |some: &[[f64; 2]], axis: usize| some.iter().map(|point| point[axis]).sum::<f64>() / some.len() as f64;
        let places: Vec<[f64; 2]> = whole.chunks(bundle).map(|some| self.at(mean(some, 0), mean(some, 1))).collect();
        if let [[x, y]] = places.as_slice() {
            let area = Area { x: x - 2.0, y: y - 2.0, width: 4.0, height: 4.0 };
            return vec![Shape::Rect { area, radius: 2.0, fill: stroke }];
        }
        places.windows(2).map(|two| Shape::Line { from: two[0], to: two[1], width, stroke }).collect()
    }

    fn frame(&self, losses: bool, theme: &Theme) -> Vec<Shape> {
        let Area { x, y, width, height } = self.area;
        let mut shapes = Vec::new();
        for share in [0.0, 0.5, 1.0] {
            let [_, y] = self.at(0.0, share);
            shapes.push(Shape::Line { from: [x, y], to: [x + width, y], width: 1.0, stroke: theme.line });
            if losses {
                shapes.push(label(x - 6.0, y, format!("{:.1}", self.top * share), Align::End, theme));
            }
            shapes.push(label(x + width + 6.0, y, format!("{:.0}%", share * 100.0), Align::Start, theme));
        }
        let foot = y + height + 14.0;
        shapes.push(label(x, foot, "epoch".to_owned(), Align::Start, theme));
        for epoch in ticks(self.last as usize, width) {
            let [x, _] = self.at(epoch as f64, 0.0);
            let mark = [x, y + height];
            shapes.push(Shape::Line { from: mark, to: [x, y + height + 4.0], width: 1.0, stroke: theme.line });
            shapes.push(label(x, foot, epoch.to_string(), Align::Centre, theme));
        }
        shapes
    }

    /// A line down from a point of the best epoch, and its name beside it.
    fn best(&self, best: &EpochReport, fill: Colour, theme: &Theme) -> Vec<Shape> {
        let Area { x, y, width, height } = self.area;
        let place = self.at(best.epoch as f64, best.valid.first());
        let dot = Area { x: place[0] - 4.0, y: place[1] - 4.0, width: 8.0, height: 8.0 };
        let is_right = place[0] > x + width / 2.0;
        let (side, align) = if is_right { (-8.0, Align::End) } else { (8.0, Align::Start) };
        let foot = y + height;
        vec![
            Shape::Line { from: place, to: [place[0], foot], width: 1.0, stroke: fill },
            Shape::Rect { area: dot, radius: 4.0, fill },
            label(place[0] + side, foot - 9.0, format!("best: {}", best.epoch), align, theme),
        ]
    }

    /// What the curves are, side by side over the plot.
    fn legend(&self, entries: &[(&str, Colour)], theme: &Theme) -> Vec<Shape> {
        let room = self.area.width / entries.len().max(1) as f64;
        let letters = ((room - 18.0) / crate::view::draw::shape::text_width("m", FONT)).max(1.0) as usize;
        let entry = |(place, (text, fill)): (usize, &(&str, Colour))| {
            let left = self.area.x + room * place as f64;
            let area = Area { x: left, y: 9.0, width: 10.0, height: 4.0 };
            let text = text.chars().take(letters).collect();
            [Shape::Rect { area, radius: 2.0, fill: *fill }, label(left + 14.0, 11.0, text, Align::Start, theme)]
        };
        entries.iter().enumerate().flat_map(entry).collect()
    }
}

/// The drawing of these epochs, `width` by `height` CSS pixels; only the frame where there are none.
pub fn shapes(epochs: &[EpochReport], width: f64, height: f64, dark: bool, theme: &Theme) -> Vec<Shape> {
    let losses = epochs.iter().flat_map(|epoch| [epoch.train_loss, epoch.valid_loss]).filter(|loss| loss.is_finite());
    let top = losses.fold(0.0, f64::max);
    let plot = Plot::new(width, height, epochs.last().map_or(1, |epoch| epoch.epoch), top);
    let ink = |colours: [Colour; 2]| colours[usize::from(dark)];
    let by_epoch = |value: &dyn Fn(&EpochReport) -> f64| -> Vec<[f64; 2]> {
        epochs.iter().map(|epoch| [epoch.epoch as f64, value(epoch)]).collect()
    };
    let mut shapes = plot.frame(true, theme);
    let step_ink = ink(TRAIN).with_alpha(STEPS_ALPHA);
    shapes.extend(plot.curve(&steps(epochs, plot.top), step_ink, 1.0));
    shapes.extend(plot.curve(&by_epoch(&|epoch| epoch.train_loss / plot.top), ink(TRAIN), 2.0));
    shapes.extend(plot.curve(&by_epoch(&|epoch| epoch.valid_loss / plot.top), ink(VALID), 2.0));
    shapes.extend(plot.curve(&by_epoch(&|epoch| epoch.valid.first()), ink(SCORE), 2.0));
    if let Some(best) = epochs.iter().rev().find(|epoch| epoch.best) {
        shapes.extend(plot.best(best, ink(SCORE), theme));
    }
    let is_tags = epochs.first().is_some_and(|epoch| matches!(epoch.valid, Scores::Tags { .. }));
    let words = match (width < NARROW, is_tags) {
        (true, false) => ["steps", "training", "validation", "accuracy"],
        (true, true) => ["steps", "training", "validation", "ROC-AUC"],
        (false, false) => ["loss per step", "training loss", "validation loss", "validation accuracy"],
        (false, true) => ["loss per step", "training loss", "validation loss", "validation ROC-AUC"],
    };
    let [steps, train, valid, score] = words;
    let entries = [(steps, step_ink), (train, ink(TRAIN)), (valid, ink(VALID)), (score, ink(SCORE))];
    shapes.extend(plot.legend(&entries, theme));
    shapes
}

/// The losses of all steps, as shares of the largest, each at its time: those of an epoch divide its time among them.
fn steps(epochs: &[EpochReport], top: f64) -> Vec<[f64; 2]> {
    let mut before = 0.0;
    let mut points = Vec::new();
    for report in epochs {
        let (end, count) = (report.epoch as f64, report.step_losses.len() as f64);
        let of_step = |(step, loss): (usize, &f32)| {
            [before + (end - before) * (step as f64 + 1.0) / count, f64::from(*loss) / top]
        };
        points.extend(report.step_losses.iter().enumerate().map(of_step));
        before = end;
    }
    points
}

/// How well several runs named the clips that they were judged by, in one picture.
pub fn together(runs: &[Named<'_>], width: f64, height: f64, theme: &Theme) -> Vec<Shape> {
    let last = runs.iter().filter_map(|run| run.epochs.last()).map(|epoch| epoch.epoch).max();
    let plot = Plot::new(width, height, last.unwrap_or(1), 1.0);
    let mut shapes = plot.frame(false, theme);
    let ink = |place: usize| theme.genres[place % theme.genres.len()];
    for (place, run) in runs.iter().enumerate() {
        let points: Vec<[f64; 2]> = run.epochs.iter().map(|epoch| [epoch.epoch as f64, epoch.valid.first()]).collect();
        shapes.extend(plot.curve(&points, ink(place), 2.0));
    }
    let entries: Vec<(&str, Colour)> = runs.iter().enumerate().map(|(place, run)| (run.name, ink(place))).collect();
    shapes.extend(plot.legend(&entries, theme));
    shapes
}

/// The epochs that are marked on an axis so wide, in CSS pixels: the first of them beyond the word at its beginning.
fn ticks(last: usize, width: f64) -> Vec<usize> {
    let steps = (0..10).flat_map(|power| [1, 2, 5].map(|step| step * 10_usize.pow(power.min(8))));
    let fits = |step: &usize| *step as f64 / last as f64 * width >= SPACING;
    let step = steps.into_iter().find(fits).unwrap_or(last.max(1));
    (1..).map(|tick| tick * step).take_while(|tick| *tick <= last).collect()
}

fn label(x: f64, y: f64, text: String, align: Align, theme: &Theme) -> Shape {
    Shape::Text { x, y, text, size: FONT, bold: false, align, fill: theme.muted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::report::Scores;

    fn epochs(count: usize) -> Vec<EpochReport> {
        let report = |epoch: usize| EpochReport {
            epoch,
            train_loss: 2.0 / epoch as f64,
            step_losses: vec![2.5 / epoch as f32, 1.5 / epoch as f32],
            valid_loss: 1.5,
            valid: Scores::Classes { accuracy: 1.0 - 0.5 / epoch as f64, balanced_accuracy: 0.0 },
            best: epoch == 2,
        };
        (1..=count).map(report).collect()
    }

    #[test]
    fn every_epoch_is_inside_the_plot() {
        for count in [0, 1, 2, 60, 5000] {
            for shape in shapes(&epochs(count), 390.0, 200.0, false, Theme::of(false)) {
                if let Shape::Line { from, to, .. } = shape {
                    // The axis' own marks lie under it.
                    for [x, y] in [from, [to[0], to[1].min(200.0 - MARGIN_BOTTOM)]] {
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

    #[test]
    fn no_run_is_too_long_to_be_drawn_at_once() {
        let drawn = shapes(&epochs(5000), 390.0, 200.0, false, Theme::of(false));
        assert!(drawn.len() < 4 * 390, "{}", drawn.len());
    }

    #[test]
    fn steps_lie_within_their_epochs() {
        let mut reports = epochs(4);
        // Only every second one was validated.
        reports.retain(|report| report.epoch % 2 == 0);
        let times: Vec<f64> = steps(&reports, 1.0).into_iter().map(|[time, _]| time).collect();
        assert_eq!(times, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_loss_that_is_no_number_is_left_out() {
        let mut reports = epochs(3);
        (reports[1].valid_loss, reports[2].train_loss) = (f64::NAN, f64::INFINITY);
        for shape in shapes(&reports, 390.0, 200.0, false, Theme::of(false)) {
            if let Shape::Line { from, to, .. } = shape {
                assert!([from, to].as_flattened().iter().all(|value| value.is_finite()));
            }
        }
    }

    #[test]
    fn the_best_epoch_and_every_axis_are_named() {
        let texts = |width: f64| -> Vec<String> {
            let text = |shape| match shape {
                Shape::Text { text, .. } => Some(text),
                _ => None,
            };
            shapes(&epochs(60), width, 200.0, true, Theme::of(true)).into_iter().filter_map(text).collect()
        };
        let wide = texts(900.0);
        for word in ["epoch", "60", "best: 2", "100%", "2.0", "loss per step", "validation accuracy"] {
            assert!(wide.iter().any(|text| text == word), "{word}: {wide:?}");
        }
        assert!(texts(390.0).contains(&"accuracy".to_owned()), "{:?}", texts(390.0));
    }

    #[test]
    fn marks_of_epochs_keep_their_distance() {
        for last in [1, 2, 7, 60, 999, 10_000] {
            let found = ticks(last, 300.0);
            assert!(!found.is_empty() && found.len() <= 6, "{last}: {found:?}");
        }
    }

    #[test]
    fn runs_are_drawn_together_up_to_the_longest() {
        let (short, long) = (epochs(10), epochs(20));
        let both = [Named { name: "a", epochs: &short }, Named { name: "b", epochs: &long }];
        let drawn = together(&both, 390.0, 200.0, Theme::of(false));
        let end = |colour: Colour| {
            let ends = drawn.iter().filter_map(|shape| match shape {
                Shape::Line { to, stroke, width, .. } if *stroke == colour && *width == 2.0 => Some(to[0]),
                _ => None,
            });
            ends.fold(0.0, f64::max)
        };
        let [first, second] = [0, 1].map(|place| end(Theme::of(false).genres[place]));
        assert!(
            (second - (390.0 - MARGIN_RIGHT)).abs() < 1e-9
                && (first - MARGIN_LEFT) * 2.0 - (second - MARGIN_LEFT) < 1e-9
        );
    }
}
