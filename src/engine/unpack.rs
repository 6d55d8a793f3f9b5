//! Unpacking of archives, file by file.

use super::{EngineError, Host, pause};
use crate::archive::{Archive, Limits};
use crate::audio::Source;
use crate::protocol::{Event, Payload};

/// Sends every file of an archive as an event; the event at the end names those that were left out.
pub(super) async fn unpack(payload: Payload<Box<dyn Source>>, host: &mut impl Host) -> Result<Event, EngineError> {
    let Payload::File(source) = payload else { return Err(EngineError::NoPayload) };
    let mut archive = Archive::open(source, Limits::default())?;
    for file in archive.by_ref() {
        if let Some((path, bytes)) = file {
            host.send(Event::Unpacking { path }, Payload::Bytes(bytes));
        }
        // A cancel must not wait for the whole archive.
        pause(host).await?;
    }
    Ok(Event::Unpacked { left_out: archive.left_out() })
}
