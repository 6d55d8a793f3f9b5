//! An archive's files, told one by one.

use super::{EngineError, Host, pause};
use crate::archive::{Archive, Limits};
use crate::audio::Source;
use crate::protocol::{Event, Payload};

/// Takes the files out of an archive and sends them.
///
/// # Errors
///
/// [`EngineError::Archive`], or [`EngineError::Cancelled`].
pub async fn unpack(payload: Payload<Box<dyn Source>>, host: &mut impl Host) -> Result<Event, EngineError> {
    let Payload::File(source) = payload else { return Err(EngineError::NoPayload) };
    let mut archive = Archive::open(source, Limits::default())?;
    for file in archive.by_ref() {
        if let Some((path, bytes)) = file {
            host.send(Event::Unpacking { path }, Payload::Bytes(bytes));
        }
        pause(host).await?;
    }
    Ok(Event::Unpacked { left_out: archive.left_out() })
}
