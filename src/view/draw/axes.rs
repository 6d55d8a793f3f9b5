//! Axis ticks: their positions and labels.

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The position, 0 to 1 along the axis: rightwards for time, upwards for frequency and level.
    pub position: f64,
    /// The text beside it.
    pub label: String,
}

/// Steps between time ticks, in seconds: round numbers of seconds, minutes and hours.
const TIME_STEPS: [f64; 19] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
];

/// The least distance between two time ticks, in CSS pixels.
const TIME_SPACING: f64 = 64.0;

/// The least distance between two ticks above one another, in CSS pixels.
const ROW_SPACING: f64 = 20.0;

/// Frequencies that are marked if there is room, in Hz.
const FREQUENCIES: [f32; 10] = [20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 10e3, 20e3];

/// Ticks for 0 to `duration_seconds` on an axis of `width` CSS pixels.
pub fn time_ticks(duration_seconds: f64, width: f64) -> Vec<Tick> {
    if !(duration_seconds > 0.0 && duration_seconds.is_finite() && width > 0.0) {
        return Vec::new();
    }
    let fits = |step: &f64| step / duration_seconds * width >= TIME_SPACING;
    let hours = || 3600.0 * (TIME_SPACING * duration_seconds / width / 3600.0).ceil();
    let step = TIME_STEPS.into_iter().find(fits).unwrap_or_else(hours);
    let decimals = if step < 0.1 { 2 } else { usize::from(step < 1.0) };
    let count = (duration_seconds / step + 1e-9) as usize;
    let tick = |i: usize| {
        let seconds = i as f64 * step;
        Tick { position: seconds / duration_seconds, label: clock(seconds, decimals) }
    };
    (0..=count).map(tick).collect()
}

/// A time as `m:ss`, with `h:` before it from an hour on and that many decimals of a second behind.
pub fn clock(seconds: f64, decimals: usize) -> String {
    let unit = 10_f64.powi(decimals as i32);
    // Rounded before it is split: 59.99 s is 1:00, not 0:60.
    let rounded = (seconds.max(0.0) * unit).round() / unit;
    let whole = rounded as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, rounded - (whole / 60 * 60) as f64);
    let width = if decimals > 0 { 3 + decimals } else { 2 };
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:0width$.decimals$}")
    } else {
        format!("{minutes}:{rest:0width$.decimals$}")
    }
}

/// The position of a frequency among the bands' centres, 0 to 1 upwards; `None` outside them.
pub fn position_of_hz(band_hz: &[f32], hz: f32) -> Option<f64> {
    let above = band_hz.partition_point(|&centre| centre < hz);
    let high = *band_hz.get(above)?;
    let index = match above.checked_sub(1) {
        Some(below) => below as f64 + f64::from((hz - band_hz[below]) / (high - band_hz[below])),
        None if high == hz => 0.0,
        None => return None,
    };
    Some((index + 0.5) / band_hz.len() as f64)
}

/// The frequency at a position, in Hz: the inverse of [`position_of_hz`], clamped to the outermost centres.
pub fn hz_at(band_hz: &[f32], position: f64) -> Option<f32> {
    let last = band_hz.len().checked_sub(1)?;
    let index = (position * band_hz.len() as f64 - 0.5).clamp(0.0, last as f64);
    let below = index as usize;
    let low = band_hz[below];
    let high = band_hz[(below + 1).min(last)];
    Some(low + (high - low) * (index - below as f64) as f32)
}

/// Round frequencies on an axis of `height` CSS pixels, lowest first. If there is not room for all, powers of ten win.
pub fn frequency_ticks(band_hz: &[f32], height: f64) -> Vec<Tick> {
    let mut ticks: Vec<Tick> = Vec::new();
    // In this order a power of ten takes the room before its neighbours ask for it.
    let decade_first =
        FREQUENCIES.iter().filter(|hz| is_decade(**hz)).chain(FREQUENCIES.iter().filter(|hz| !is_decade(**hz)));
    for &hz in decade_first {
        let Some(position) = position_of_hz(band_hz, hz) else {
            continue;
        };
        if ticks.iter().all(|tick| (tick.position - position).abs() * height >= ROW_SPACING) {
            ticks.push(Tick { position, label: short_hz(hz) });
        }
    }
    ticks.sort_by(|a, b| a.position.total_cmp(&b.position));
    ticks
}

fn is_decade(hz: f32) -> bool {
    [100.0, 1e3, 10e3].contains(&hz)
}

/// A round frequency as an axis shows it: `200`, `5k`; the axis says Hz.
fn short_hz(hz: f32) -> String {
    if hz >= 1e3 { format!("{}k", hz / 1e3) } else { format!("{hz}") }
}

/// Levels from `floor_db` to 0 on an axis of `height` CSS pixels, loudest first.
pub fn decibel_ticks(floor_db: f32, height: f64) -> Vec<Tick> {
    let span = f64::from(-floor_db);
    if !(span > 0.0 && span.is_finite()) {
        return Vec::new();
    }
    let fits = |step: &f64| step / span * height >= 1.6 * ROW_SPACING;
    let step = [5.0, 10.0, 20.0, 40.0].into_iter().find(fits).unwrap_or(span);
    let count = (span / step + 1e-9) as usize;
    let label = |db: f64| {
        if db == 0.0 { "0 dB".to_owned() } else { format!("\u{2212}{db}") }
    };
    (0..=count).map(|i| i as f64 * step).map(|db| Tick { position: 1.0 - db / span, label: label(db) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn thirty_seconds_are_marked_every_five() {
        let ticks = time_ticks(30.0, 600.0);
        assert_eq!(labels(&ticks), ["0:00", "0:05", "0:10", "0:15", "0:20", "0:25", "0:30"]);
        assert!((ticks[1].position - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn every_length_gets_ticks_that_do_not_touch() {
        for duration in [0.03, 0.7, 3.0, 29.9, 240.0, 3700.0, 90_000.0] {
            for width in [240.0, 400.0, 1200.0] {
                let ticks = time_ticks(duration, width);
                assert!(!ticks.is_empty() && ticks.len() <= 20, "{duration} s: {ticks:?}");
                assert!(ticks.iter().all(|tick| (0.0..=1.0 + 1e-9).contains(&tick.position)));
                assert!(ticks.windows(2).all(|p| (p[1].position - p[0].position) * width >= 63.9), "{duration} s");
            }
        }
        assert!(time_ticks(0.0, 600.0).is_empty() && time_ticks(f64::NAN, 600.0).is_empty());
    }

    #[test]
    fn clocks_round_before_they_are_split() {
        assert_eq!(clock(59.99, 0), "1:00");
        assert_eq!(clock(0.5, 1), "0:00.5");
        assert_eq!(clock(75.26, 1), "1:15.3");
        assert_eq!(clock(3_725.0, 0), "1:02:05");
        assert_eq!(clock(-1.0, 0), "0:00");
    }

    #[test]
    fn frequencies_lie_at_their_bands() {
        let bands = [100.0, 200.0, 400.0, 800.0];
        assert_eq!(position_of_hz(&bands, 200.0), Some(1.5 / 4.0));
        assert_eq!(position_of_hz(&bands, 300.0), Some(2.0 / 4.0));
        assert_eq!(position_of_hz(&bands, 100.0), Some(0.5 / 4.0));
        assert_eq!(position_of_hz(&bands, 50.0), None);
        assert_eq!(position_of_hz(&bands, 900.0), None);
        assert_eq!(position_of_hz(&[], 900.0), None);
        for hz in [100.0, 130.0, 399.0, 800.0] {
            let there_and_back = position_of_hz(&bands, hz).and_then(|position| hz_at(&bands, position));
            assert!(there_and_back.is_some_and(|back| (back - hz).abs() < 0.01), "{hz}: {there_and_back:?}");
        }
    }

    #[test]
    fn a_low_plot_has_fewer_frequency_ticks() {
        let bands: Vec<f32> = (0..128).map(|i| 30.0 * 1.052_f32.powi(i)).collect();
        assert_eq!(labels(&frequency_ticks(&bands, 400.0)), ["50", "100", "200", "500", "1k", "2k", "5k", "10k"]);
        assert_eq!(labels(&frequency_ticks(&bands, 60.0)), ["100", "1k", "10k"]);
    }

    #[test]
    fn decibels_go_down_from_zero() {
        assert_eq!(labels(&decibel_ticks(-80.0, 200.0)), ["0 dB", "−20", "−40", "−60", "−80"]);
        assert!(decibel_ticks(0.0, 200.0).is_empty());
        assert!(decibel_ticks(f32::NEG_INFINITY, 200.0).is_empty());
    }
}
