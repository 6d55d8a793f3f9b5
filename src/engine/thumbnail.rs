//! Thumbnails: small spectrograms of the first seconds of clips.

use super::{EngineError, Host, opened, pause};
use crate::audio::Source;
use crate::dsp::{FrontEnd, thumbnail};
use crate::protocol::{Event, Payload};

/// The front end of thumbnails: many bands, and fast.
const FRONT_END: &str = "gtzan-logmel";
/// The length of the part that is read, in seconds: enough to tell clips apart, and decoded in a moment.
const SECONDS: f64 = 10.0;
/// The largest `[columns, bands]` of a thumbnail.
const SIZE: [usize; 2] = [48, 24];

/// The thumbnail's event and its loudness, 0 to 255, row-major `[columns, bands]`.
pub(super) async fn make_thumbnail(
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
    // A clip may begin silently: only a whole silent clip is an error.
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
