//! What lies under the pointer on a spectrogram.

use crate::protocol::SpectrogramInfo;
use crate::view::draw::axes;
use crate::view::draw::spectrogram::{complete_frames, plotted_seconds};

/// A place on a plot, as fractions: from the left edge, and from the lower edge up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// 0 at the start, 1 at the end.
    pub time: f64,
    /// 0 below the lowest band, 1 above the highest.
    pub height: f64,
}

impl Position {
    /// Moved by these fractions, and held on the plot.
    pub fn moved(self, time: f64, height: f64) -> Self {
        Self { time: (self.time + time).clamp(0.0, 1.0), height: (self.height + height).clamp(0.0, 1.0) }
    }
}

/// What a spectrogram says at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Time from the start, in seconds.
    pub seconds: f64,
    /// Frequency, in Hz.
    pub hz: f32,
    /// Level of the frame and band there, in dB below the loudest.
    pub db: f32,
}

/// Reads values, row-major `[frames, bands]`, at a place; `None` where there is no frame.
pub fn read(values: &[f32], info: &SpectrogramInfo, place: Position) -> Option<Reading> {
    let seconds = place.time * plotted_seconds(info);
    let frames = complete_frames(values, info);
    // A frame's worth of tolerance: the right edge belongs to the last frame.
    let frame = (seconds / info.seconds_per_frame) as usize;
    let frame = if frame == frames { frame.checked_sub(1)? } else { frame };
    let band = ((place.height * info.bands as f64) as usize).min(info.bands.checked_sub(1)?);
    let db = *values.get(..frames * info.bands)?.get(frame * info.bands + band)?;
    Some(Reading { seconds, hz: axes::hz_at(&info.band_hz, place.height)?, db })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::draw::spectrogram::tests::info;

    #[test]
    fn reads_frame_and_band_under_the_place() {
        // Frames [0, -10], [-20, -30]; bands at 100 and 200 Hz.
        let values = [0.0, -10.0, -20.0, -30.0];
        let at = |time, height| read(&values, &info(2, 2), Position { time, height });
        assert_eq!(at(0.25, 0.25).map(|reading| (reading.hz, reading.db)), Some((100.0, 0.0)));
        assert_eq!(at(0.75, 0.75).map(|reading| (reading.hz, reading.db)), Some((200.0, -30.0)));
        assert_eq!(at(1.0, 1.0).map(|reading| reading.db), Some(-30.0));
        assert!(at(0.5, 0.5).is_some_and(|reading| (reading.seconds - 0.1).abs() < 1e-9 && reading.hz == 150.0));
    }

    #[test]
    fn reads_nothing_where_nothing_is() {
        let long = SpectrogramInfo { duration_seconds: 10.0, ..info(2, 2) };
        assert_eq!(read(&[0.0; 4], &long, Position { time: 0.9, height: 0.5 }), None);
        assert_eq!(read(&[], &info(0, 2), Position { time: 0.0, height: 0.5 }), None);
        assert_eq!(read(&[0.0; 4], &info(2, 0), Position { time: 0.0, height: 0.5 }), None);
    }

    #[test]
    fn moving_stops_at_the_edges() {
        let place = Position { time: 0.9, height: 0.1 }.moved(0.5, -0.5);
        assert_eq!(place, Position { time: 1.0, height: 0.0 });
    }
}
