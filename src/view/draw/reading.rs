//! The values of a spectrogram under the pointer.

use crate::protocol::SpectrogramInfo;
use crate::view::draw::axes;
use crate::view::draw::spectrogram::{complete_frames, plotted_seconds};

/// A position on a plot, as fractions from the left and from the lower edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Position {
    /// 0 at the start, 1 at the end.
    pub time: f64,
    /// 0 below the lowest band, 1 above the highest.
    pub height: f64,
}

impl Position {
    /// Moved by these fractions, and clamped to the plot.
    pub(crate) fn moved(self, time: f64, height: f64) -> Self {
        Self { time: (self.time + time).clamp(0.0, 1.0), height: (self.height + height).clamp(0.0, 1.0) }
    }
}

/// The values of a spectrogram at a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// Time from the start, in seconds.
    pub seconds: f64,
    /// Frequency, in Hz.
    pub hz: f32,
    /// Level of the frame and band there, in dB below the loudest.
    pub db: f32,
}

/// Reads values, row-major `[frames, bands]`, at a position; `None` if there is no frame.
pub(crate) fn read(values: &[f32], info: &SpectrogramInfo, position: Position) -> Option<Reading> {
    let seconds = position.time * plotted_seconds(info);
    let frames = complete_frames(values, info);
    // The right edge belongs to the last frame.
    let frame = (seconds / info.seconds_per_frame) as usize;
    let frame = if frame == frames { frame.checked_sub(1)? } else { frame };
    if frame > frames {
        return None;
    }
    // The upper edge belongs to the highest band.
    let band = ((position.height * info.bands as f64) as usize).min(info.bands.checked_sub(1)?);
    let db = *values.get(frame * info.bands + band)?;
    Some(Reading { seconds, hz: axes::hz_at(&info.band_hz, position.height)?, db })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::draw::spectrogram::tests::info;

    #[test]
    fn reads_the_frame_and_band_at_the_position() {
        // Frames [0, -10], [-20, -30]; bands at 100 and 200 Hz.
        let values = [0.0, -10.0, -20.0, -30.0];
        let at = |time, height| read(&values, &info(2, 2), Position { time, height });
        assert_eq!(at(0.25, 0.25).map(|reading| (reading.hz, reading.db)), Some((100.0, 0.0)));
        assert_eq!(at(0.75, 0.75).map(|reading| (reading.hz, reading.db)), Some((200.0, -30.0)));
        assert_eq!(at(1.0, 1.0).map(|reading| reading.db), Some(-30.0));
        assert!(at(0.5, 0.5).is_some_and(|reading| (reading.seconds - 0.1).abs() < 1e-9 && reading.hz == 150.0));
    }

    #[test]
    fn reads_nothing_outside_the_frames() {
        let long = SpectrogramInfo { duration_seconds: 10.0, ..info(2, 2) };
        assert_eq!(read(&[0.0; 4], &long, Position { time: 0.9, height: 0.5 }), None);
        assert_eq!(read(&[], &info(0, 2), Position { time: 0.0, height: 0.5 }), None);
        assert_eq!(read(&[0.0; 4], &info(2, 0), Position { time: 0.0, height: 0.5 }), None);
    }

    #[test]
    fn moving_stops_at_the_edges() {
        let moved = Position { time: 0.9, height: 0.1 }.moved(0.5, -0.5);
        assert_eq!(moved, Position { time: 1.0, height: 0.0 });
    }

    #[test]
    fn a_moment_far_after_the_last_frame_has_no_values() {
        // More frames than a number can count: the message of a broken engine.
        let tiny = SpectrogramInfo { seconds_per_frame: f64::MIN_POSITIVE, ..info(2, 2) };
        assert_eq!(read(&[0.0; 4], &tiny, Position { time: 0.5, height: 0.5 }), None);
    }
}
