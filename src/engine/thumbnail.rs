//! A glance at a recording: the beginning of it, for a small picture.

use super::{EngineError, Host, opened, pause};
use crate::audio::Source;
use crate::dsp::{FrontEnd, thumbnail};
use crate::protocol::{Event, Payload};

/// The front end of the pictures, by its name: many bands, and fast.
const FRONT_END: &str = "gtzan-logmel";
/// How much of a recording is heard, in seconds.
const SECONDS: f64 = 10.0;
/// The most `[columns, bands]` of a picture.
const SIZE: [usize; 2] = [48, 24];

/// InputKind a recording's beginning: the event, and the picture's loudness, row-major `[columns, bands]`.
///
/// # Errors
///
/// Whatever keeps the recording from being heard, or [`EngineError::Cancelled`].
pub async fn make_thumbnail(
    payload: Payload<Box<dyn Source>>,
    sample_rate: Option<u32>,
    host: &mut impl Host,
) -> Result<(Event, Vec<u8>), EngineError> {
    let front_end = FrontEnd::by_name(FRONT_END).ok_or(EngineError::NoNetwork)?;
    let mut pipeline = opened(payload, sample_rate, front_end)?;
    let mut ended = false;
    while !ended && pipeline.processed_seconds() < SECONDS {
        pause(host).await?;
        ended = pipeline.next_segments()?.is_none();
    }
    if ended && pipeline.is_silent() {
        return Err(EngineError::Silent);
    }
    let seconds = pipeline.duration_seconds().unwrap_or_else(|| pipeline.processed_seconds());
    let (info, db) = pipeline.spectrogram();
    let ([columns, bands], levels) = thumbnail(&db, info.bands, info.floor_db, SIZE);
    if columns == 0 {
        return Err(EngineError::TooShort { seconds, needed: front_end.seconds_per_column() });
    }
    Ok((Event::Thumbnail { seconds, columns, bands }, levels))
}
