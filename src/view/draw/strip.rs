//! The strip under the spectrogram: the most probable label of every stretch of the recording.

use crate::protocol::{Prediction, WindowScores};
use crate::view::draw::colours;
use crate::view::draw::shape::{Align, Area, Colour, Shape, Theme, text_width};
use crate::view::draw::spectrogram::time_span;
use crate::view::format;

/// Stretches of a long recording are merged until each is this wide, in CSS pixels: narrower ones could not be
/// distinguished.
const LEAST_WIDTH: f64 = 3.0;

/// The part of the recording that one window stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// From the beginning of the recording.
    pub start_seconds: f64,
    /// Where the next stretch begins, or the recording ends.
    pub end_seconds: f64,
    /// Position of its most probable genre among the labels.
    pub winner: usize,
    /// That label's probability, 0 to 1.
    pub probability: f32,
}

/// The stretches of a prediction's windows, in order of time. If two windows overlap, each gets half of the overlap, so
/// that every moment belongs to one stretch.
pub(crate) fn stretches(windows: &[WindowScores]) -> Vec<Stretch> {
    let meeting = |earlier: &WindowScores, later: &WindowScores| (earlier.end_seconds + later.start_seconds) / 2.0;
    let stretch = |(i, window): (usize, &WindowScores)| {
        // Only neighbours that overlap; a gap between windows stays a gap.
        let before = i.checked_sub(1).map(|i| &windows[i]).filter(|before| before.end_seconds > window.start_seconds);
        let after = windows.get(i + 1).filter(|after| after.start_seconds < window.end_seconds);
        let (winner, &probability) = window.probabilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        Some(Stretch {
            start_seconds: before.map_or(window.start_seconds, |before| meeting(before, window)),
            end_seconds: after.map_or(window.end_seconds, |after| meeting(window, after)),
            winner,
            probability,
        })
    };
    windows.iter().enumerate().filter_map(stretch).collect()
}

/// The stretch that contains a time, in seconds.
pub(crate) fn stretch_at(stretches: &[Stretch], seconds: f64) -> Option<&Stretch> {
    stretches.iter().find(|stretch| (stretch.start_seconds..=stretch.end_seconds).contains(&seconds))
}

/// A genre of the legend.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LegendEntry {
    /// The genre's label.
    pub label: String,
    /// Its colour at full strength.
    pub colour: Colour,
    /// Its share of the recording's time, 0 to 1.
    pub share: f64,
}

/// The number of entries in a legend: a network of many tags would fill the page.
const MOST_ENTRIES: usize = 10;

/// The labels that are most probable somewhere, the one with the most time first.
pub(crate) fn legend(prediction: &Prediction, theme: &Theme) -> Vec<LegendEntry> {
    let mut seconds = vec![0.0; prediction.labels.len()];
    for stretch in stretches(&prediction.windows) {
        if let Some(sum) = seconds.get_mut(stretch.winner) {
            *sum += stretch.end_seconds - stretch.start_seconds;
        }
    }
    let total: f64 = seconds.iter().sum();
    let entry = |(index, (label, seconds)): (usize, (&String, f64))| LegendEntry {
        label: label.clone(),
        colour: colours::of_label(theme, label, index),
        share: seconds / total,
    };
    let named = prediction.labels.iter().zip(seconds).enumerate();
    let mut entries: Vec<_> = named.filter(|(_, (_, seconds))| *seconds > 0.0).map(entry).collect();
    entries.sort_by(|a, b| b.share.total_cmp(&a.share));
    entries.truncate(MOST_ENTRIES);
    entries
}

/// Merges consecutive windows until each is at least this long, in seconds; a group has the mean of its windows'
/// probabilities.
fn merged(windows: &[WindowScores], least_seconds: f64) -> Vec<WindowScores> {
    let mut groups: Vec<(WindowScores, f32)> = Vec::new();
    for window in windows {
        match groups.last_mut() {
            Some((group, count)) if group.end_seconds - group.start_seconds < least_seconds => {
                group.end_seconds = window.end_seconds;
                *count += 1.0;
                for (mean, probability) in group.probabilities.iter_mut().zip(&window.probabilities) {
                    // A running mean needs no second pass.
                    *mean += (probability - *mean) / *count;
                }
            }
            _ => groups.push((window.clone(), 1.0)),
        }
    }
    groups.into_iter().map(|(group, _)| group).collect()
}

/// A colour with an opacity by probability, never so low that the hue cannot be recognized.
fn with_probability(colour: Colour, probability: f32) -> Colour {
    colour.with_alpha(0.2 + 0.8 * probability)
}

/// Draws the strip on a canvas of this size in CSS pixels; its time axis is that of the spectrogram above it.
pub(crate) fn shapes(prediction: &Prediction, seconds: f64, width: f64, height: f64, theme: &Theme) -> Vec<Shape> {
    let (left, span) = time_span(width);
    if !(seconds > 0.0 && span > 0.0) {
        return Vec::new();
    }
    // Whole pixels: two rectangles that meet within a pixel would leave a seam.
    let x_of = |time: f64| (left + (time / seconds).clamp(0.0, 1.0) * span).round();
    let colour_of = |winner: usize| {
        let label = prediction.labels.get(winner).map_or("", String::as_str);
        colours::of_label(theme, label, winner)
    };
    let stretches = stretches(&merged(&prediction.windows, LEAST_WIDTH / span * seconds));
    let mut shapes = Vec::new();
    for stretch in &stretches {
        let (x, end) = (x_of(stretch.start_seconds), x_of(stretch.end_seconds));
        // A gap of one pixel between windows that are wide enough.
        let gap = if end - x > 6.0 { 1.0 } else { 0.0 };
        if end <= x {
            continue;
        }
        let area = Area { x, y: 0.0, width: end - x - gap, height };
        shapes.push(Shape::Rect {
            area,
            radius: 0.0,
            fill: with_probability(colour_of(stretch.winner), stretch.probability),
        });
    }
    for run in stretches.chunk_by(|a, b| a.winner == b.winner) {
        let Some((first, last)) = run.first().zip(run.last()) else {
            continue;
        };
        // The text must be readable on the palest part of the run.
        let weakest = run.iter().map(|stretch| stretch.probability).fold(1.0, f32::min);
        let ground = with_probability(colour_of(first.winner), weakest).over(theme.surface);
        let edges = (x_of(first.start_seconds), x_of(last.end_seconds));
        let name = prediction.labels.get(first.winner).map_or("", String::as_str);
        shapes.extend(label(format::genre(name), edges, height, Theme::ink_on(ground)));
    }
    shapes
}

/// The name of a run in its middle, if it fits.
fn label(text: String, (start, end): (f64, f64), height: f64, fill: Colour) -> Option<Shape> {
    let size = 13.0;
    let fits = text_width(&text, size) + 8.0 <= end - start;
    let (x, y) = ((start + end) / 2.0, height / 2.0);
    fits.then_some(Shape::Text { x, y, text, size, bold: true, align: Align::Centre, fill })
}

#[cfg(test)]
pub(in crate::view) mod tests {
    use super::*;
    use crate::protocol::Score;

    pub(crate) fn window(start: f64, end: f64, probabilities: [f32; 3]) -> WindowScores {
        WindowScores { start_seconds: start, end_seconds: end, probabilities: probabilities.to_vec() }
    }

    /// Ten seconds: jazz until 6, rock after, in overlapping windows of four seconds.
    pub(crate) fn prediction() -> Prediction {
        let score = |label: &str, probability| Score { label: label.to_owned(), probability };
        Prediction {
            model: "net1-gtzan".to_owned(),
            multi_label: false,
            tags: Vec::new(),
            labels: ["jazz", "rock", "hiphop"].map(str::to_owned).to_vec(),
            genres: vec![score("jazz", 0.62), score("rock", 0.3), score("hiphop", 0.08)],
            windows: vec![
                window(0.0, 4.0, [0.9, 0.05, 0.05]),
                window(3.0, 7.0, [0.6, 0.3, 0.1]),
                window(6.0, 10.0, [0.2, 0.7, 0.1]),
            ],
            quick_look: None,
            milliseconds: 345.6,
        }
    }

    fn edges(stretches: &[Stretch]) -> Vec<(f64, f64)> {
        stretches.iter().map(|stretch| (stretch.start_seconds, stretch.end_seconds)).collect()
    }

    #[test]
    fn overlapping_windows_meet_in_the_middle() {
        let found = stretches(&prediction().windows);
        assert_eq!(edges(&found), [(0.0, 3.5), (3.5, 6.5), (6.5, 10.0)]);
        assert_eq!(found.iter().map(|stretch| stretch.winner).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(stretch_at(&found, 6.6).map(|stretch| stretch.probability), Some(0.7));
        assert_eq!(stretch_at(&found, 11.0), None);
    }

    #[test]
    fn separate_windows_leave_a_gap() {
        let windows = [window(0.0, 1.0, [1.0, 0.0, 0.0]), window(2.0, 3.0, [1.0, 0.0, 0.0])];
        assert_eq!(edges(&stretches(&windows)), [(0.0, 1.0), (2.0, 3.0)]);
        assert!(stretches(&[]).is_empty());
    }

    #[test]
    fn the_legend_sums_time() {
        let entries = legend(&prediction(), &Theme::LIGHT);
        assert_eq!(entries.iter().map(|entry| entry.label.as_str()).collect::<Vec<_>>(), ["jazz", "rock"]);
        assert!((entries[0].share - 0.65).abs() < 1e-9 && (entries[1].share - 0.35).abs() < 1e-9);
    }

    #[test]
    fn stretches_lie_under_their_time_and_runs_are_named_once() {
        let drawn = shapes(&prediction(), 10.0, 1000.0, 36.0, &Theme::DARK);
        let (left, span) = time_span(1000.0);
        let rects: Vec<Area> =
            drawn.iter().filter_map(|s| if let Shape::Rect { area, .. } = s { Some(*area) } else { None }).collect();
        assert_eq!(rects.len(), 3);
        assert!((rects[0].x - left).abs() <= 0.5 && (rects[1].x - (left + 0.35 * span)).abs() <= 0.5);
        let names: Vec<&str> = drawn
            .iter()
            .filter_map(|s| if let Shape::Text { text, .. } = s { Some(text.as_str()) } else { None })
            .collect();
        assert_eq!(names, ["jazz", "rock"]);
    }

    #[test]
    fn windows_too_narrow_to_be_seen_are_merged() {
        let windows: Vec<_> =
            (0..8).map(|i| window(f64::from(i), f64::from(i + 1), [(i % 2) as f32, 0.5, 0.0])).collect();
        let groups = merged(&windows, 3.5);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[1].start_seconds, groups[1].end_seconds), (4.0, 8.0));
        assert_eq!(groups[0].probabilities, [0.5, 0.5, 0.0]);
        assert_eq!(merged(&windows, 0.5), windows);
    }

    #[test]
    fn names_that_do_not_fit_are_left_out() {
        let drawn = shapes(&prediction(), 10.0, 120.0, 36.0, &Theme::DARK);
        assert!(drawn.iter().all(|shape| !matches!(shape, Shape::Text { .. })));
        assert!(shapes(&prediction(), 0.0, 1000.0, 36.0, &Theme::DARK).is_empty());
    }
}
