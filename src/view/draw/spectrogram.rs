//! A mel-spectrogram as pixels, with its axes and its colour bar.

use crate::protocol::SpectrogramInfo;
use crate::view::draw::axes::{self, Tick};
use crate::view::draw::colours;
use crate::view::draw::resample::{Tap, taps};
use crate::view::draw::shape::{Align, Area, Shape, Theme};

/// Size of the axes' font, in CSS pixels.
const FONT: f64 = 12.0;

/// A canvas narrower than this, in CSS pixels, has smaller margins.
const NARROW: f64 = 480.0;

/// The extent of the time axis on a canvas of this width, as `(left, width)` in CSS pixels. The spectrogram and the strip
/// below it share it, so that their times are aligned.
pub fn time_span(width: f64) -> (f64, f64) {
    let (left, right) = if width < NARROW { (34.0, 50.0) } else { (44.0, 72.0) };
    (left, (width - left - right).max(0.0))
}

/// The duration that the plot shows, in seconds.
pub fn plotted_seconds(info: &SpectrogramInfo) -> f64 {
    let framed = info.frames as f64 * info.seconds_per_frame;
    if info.duration_seconds > 0.0 && info.duration_seconds.is_finite() { info.duration_seconds } else { framed }
}

/// The number of complete frames among the values; at most that of the info.
pub(super) fn complete_frames(values: &[f32], info: &SpectrogramInfo) -> usize {
    values.len().checked_div(info.bands).unwrap_or(0).min(info.frames)
}

/// The plot's pixels: RGBA, row-major `[height, width, 4]`, top row first, low frequencies at the bottom.
///
/// `values` are dB, row-major `[frames, bands]`. A pixel that covers several frames or bands shows their mean;
/// between frames or bands the pixels are interpolated. Time without frames stays transparent.
pub fn pixels(values: &[f32], info: &SpectrogramInfo, width: usize, height: usize) -> Vec<u8> {
    let frames = complete_frames(values, info);
    let mut rgba = vec![0; 4 * width * height];
    if frames == 0 || width == 0 || height == 0 || info.seconds_per_frame <= 0.0 {
        return rgba;
    }
    let frames_per_pixel = plotted_seconds(info) / info.seconds_per_frame / width as f64;
    let time_taps = taps(frames, width, frames_per_pixel);
    let columns = resample_time(values, info.bands, &time_taps);
    let band_taps = taps(info.bands, height, info.bands as f64 / height as f64);
    for (row, tap) in rgba.chunks_exact_mut(4 * width).zip(band_taps.iter().rev()) {
        paint_row(row, &columns, tap, &time_taps, info.floor_db);
    }
    rgba
}

/// dB by pixel column, row-major `[bands, width]`.
fn resample_time(values: &[f32], bands: usize, time_taps: &[Tap]) -> Vec<f32> {
    let width = time_taps.len();
    let mut columns = vec![0.0; bands * width];
    for (x, tap) in time_taps.iter().enumerate() {
        let frames = values[tap.first * bands..].chunks_exact(bands);
        for (frame, weight) in frames.zip(&tap.weights) {
            for (band, db) in frame.iter().enumerate() {
                columns[band * width + x] += weight * db;
            }
        }
    }
    columns
}

fn paint_row(row: &mut [u8], columns: &[f32], bands: &Tap, time_taps: &[Tap], floor_db: f32) {
    let width = time_taps.len();
    for (x, (pixel, time)) in row.as_chunks_mut::<4>().0.iter_mut().zip(time_taps).enumerate() {
        if time.weights.is_empty() {
            continue;
        }
        let weighted = |(i, weight): (usize, &f32)| weight * columns[(bands.first + i) * width + x];
        let db: f32 = bands.weights.iter().enumerate().map(weighted).sum();
        *pixel = opaque(colours::level(db, floor_db));
    }
}

fn opaque(level: u8) -> [u8; 4] {
    let [red, green, blue] = colours::colour_map()[usize::from(level)];
    [red, green, blue, 255]
}

/// The colour bar's pixels: RGBA, row-major `[height, width, 4]`, the loudest on top.
pub fn colour_bar(width: usize, height: usize) -> Vec<u8> {
    let levels = (0..height).rev().map(|row| (row * 255 / (height - 1).max(1)) as u8);
    levels.flat_map(|level| std::iter::repeat_n(opaque(level), width)).flatten().collect()
}

/// The layout of the spectrogram's canvas: the areas of the pixels, and the shapes around them.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The area of [`pixels`].
    pub plot: Area,
    /// The area of [`colour_bar`].
    pub colour_bar: Area,
    /// Axes and labels.
    pub shapes: Vec<Shape>,
}

/// Lays out a canvas of this size in CSS pixels.
pub fn figure(info: &SpectrogramInfo, width: f64, height: f64, theme: &Theme) -> Figure {
    let (x, plot_width) = time_span(width);
    let (top, bottom) = (10.0, 26.0);
    let plot = Area { x, y: top, width: plot_width, height: (height - top - bottom).max(0.0) };
    let narrow = width < NARROW;
    let gap = if narrow { 6.0 } else { 14.0 };
    let bar_width = if narrow { 8.0 } else { 12.0 };
    let colour_bar = Area { x: plot.x + plot.width + gap, width: bar_width, ..plot };
    let mut shapes = time_axis(info, plot, theme);
    shapes.extend(side_axis(&axes::frequency_ticks(&info.band_hz, plot.height), plot, Side::Left, theme));
    shapes.push(axis_label("Hz", plot.x - 7.0, plot.y + plot.height + 14.0, Align::End, theme));
    shapes.extend(side_axis(&axes::decibel_ticks(info.floor_db, plot.height), colour_bar, Side::Right, theme));
    Figure { plot, colour_bar, shapes }
}

fn axis_label(text: &str, x: f64, y: f64, align: Align, theme: &Theme) -> Shape {
    Shape::Text { x, y, text: text.to_owned(), size: FONT, bold: false, align, fill: theme.muted }
}

fn time_axis(info: &SpectrogramInfo, plot: Area, theme: &Theme) -> Vec<Shape> {
    let bottom = plot.y + plot.height;
    let mut shapes = Vec::new();
    for tick in axes::time_ticks(plotted_seconds(info), plot.width) {
        let x = plot.x + tick.position * plot.width;
        shapes.push(Shape::Line { from: [x, bottom + 1.0], to: [x, bottom + 5.0], width: 1.0, stroke: theme.line });
        // A centred first label would overlap the unit of the frequency axis.
        let align = if tick.position == 0.0 { Align::Start } else { Align::Centre };
        shapes.push(axis_label(&tick.label, x, bottom + 14.0, align, theme));
    }
    shapes
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

fn side_axis(ticks: &[Tick], area: Area, side: Side, theme: &Theme) -> Vec<Shape> {
    let (edge, outwards, align) = match side {
        Side::Left => (area.x - 1.0, -1.0, Align::End),
        Side::Right => (area.x + area.width + 1.0, 1.0, Align::Start),
    };
    let mut shapes = Vec::new();
    for tick in ticks {
        let y = area.y + (1.0 - tick.position) * area.height;
        shapes.push(Shape::Line { from: [edge, y], to: [edge + 4.0 * outwards, y], width: 1.0, stroke: theme.line });
        shapes.push(axis_label(&tick.label, edge + 6.0 * outwards, y, align, theme));
    }
    shapes
}

#[cfg(test)]
pub(in crate::view) mod tests {
    use super::*;
    use crate::view::draw::colours::colour_map;

    /// Frames 0.1 s apart, floor −80 dB.
    pub fn info(frames: usize, bands: usize) -> SpectrogramInfo {
        SpectrogramInfo {
            frames,
            bands,
            seconds_per_frame: 0.1,
            band_hz: (0..bands).map(|band| 100.0 * (band + 1) as f32).collect(),
            floor_db: -80.0,
            duration_seconds: frames as f64 * 0.1,
        }
    }

    fn pixel(rgba: &[u8], width: usize, x: usize, y: usize) -> [u8; 3] {
        let start = 4 * (y * width + x);
        [rgba[start], rgba[start + 1], rgba[start + 2]]
    }

    #[test]
    fn low_bands_lie_at_the_bottom_and_time_runs_rightwards() {
        // Two frames of two bands; only the low band of the second one sounds.
        let rgba = pixels(&[-80.0, -80.0, 0.0, -80.0], &info(2, 2), 2, 2);
        let [quiet, loud] = [colour_map()[0], colour_map()[255]];
        assert_eq!([pixel(&rgba, 2, 0, 0), pixel(&rgba, 2, 1, 0)], [quiet, quiet]);
        assert_eq!([pixel(&rgba, 2, 0, 1), pixel(&rgba, 2, 1, 1)], [quiet, loud]);
        assert!(rgba.chunks(4).all(|pixel| pixel[3] == 255));
    }

    #[test]
    fn many_frames_on_one_pixel_give_their_mean() {
        let values: Vec<f32> = (0..1000).map(|frame| if frame % 2 == 0 { 0.0 } else { -80.0 }).collect();
        let rgba = pixels(&values, &info(1000, 1), 10, 1);
        let middle = colour_map()[128];
        assert!((0..10).all(|x| pixel(&rgba, 10, x, 0) == middle), "{rgba:?}");
    }

    #[test]
    fn time_without_frames_is_transparent() {
        let half = SpectrogramInfo { duration_seconds: 0.4, ..info(2, 1) };
        let rgba = pixels(&[0.0, 0.0], &half, 4, 1);
        assert_eq!([rgba[3], rgba[7], rgba[11], rgba[15]], [255, 255, 0, 0]);
    }

    #[test]
    fn values_that_do_not_fit_the_info_never_panic() {
        for (values, info) in [
            (vec![], info(5, 3)),
            (vec![0.0; 7], info(5, 3)),
            (vec![f32::NAN; 15], info(5, 3)),
            (vec![0.0; 15], info(5, 0)),
            (vec![0.0; 15], SpectrogramInfo { seconds_per_frame: 0.0, ..info(5, 3) }),
            (vec![0.0; 15], SpectrogramInfo { duration_seconds: f64::NAN, floor_db: 0.0, ..info(5, 3) }),
        ] {
            assert_eq!(pixels(&values, &info, 9, 4).len(), 9 * 4 * 4);
        }
        assert!(pixels(&[0.0; 15], &info(5, 3), 0, 4).is_empty());
    }

    #[test]
    fn the_colour_bar_is_loudest_on_top() {
        let rgba = colour_bar(2, 5);
        assert_eq!(pixel(&rgba, 2, 1, 0), colour_map()[255]);
        assert_eq!(pixel(&rgba, 2, 0, 4), colour_map()[0]);
        assert_eq!((colour_bar(3, 1).len(), colour_bar(3, 0).len()), (12, 0));
    }

    #[test]
    fn nothing_is_drawn_outside_the_canvas() {
        for width in [300.0, 360.0, 800.0, 1400.0] {
            let drawn = figure(&info(300, 96), width, 300.0, &Theme::LIGHT);
            assert!(drawn.plot.width > 200.0);
            assert!(drawn.colour_bar.x + drawn.colour_bar.width < width);
            for shape in &drawn.shapes {
                let Shape::Text { x, y, text, size, align, .. } = shape else {
                    continue;
                };
                let length = crate::view::draw::shape::text_width(text, *size);
                let left = match align {
                    Align::Start => *x,
                    Align::Centre => x - length / 2.0,
                    Align::End => x - length,
                };
                assert!(left >= 0.0 && left + length <= width && (0.0..=300.0).contains(y), "{width}: {shape:?}");
            }
        }
    }
}
