//! Decodes with the browser what the engines cannot: Opus, Vorbis, all kinds of AAC, whatever the browser plays.
//!
//! `decodeAudioData` takes and returns a whole file, so there is a limit on the recording's length, which the browser's
//! player tells before anything is decoded. A file's size says little: a small one may be hours long.

use std::cell::Cell;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{ArrayBuffer, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioBuffer, Event, File, OfflineAudioContext, Url};

use super::dom::{self, DomError, Listener, describe};
use crate::audio::Mixer;

/// The longest recording that the browser decodes for us, in minutes: 320 MB of samples in stereo.
pub(crate) const MAX_MINUTES: f64 = 30.0;

/// The largest file that is decoded if its length cannot be told beforehand, in bytes.
const MAX_BYTES_OF_UNKNOWN_LENGTH: f64 = (2 << 20) as f64;

/// The sample rate to which the browser resamples, in Hz. No front end has a higher one.
const SAMPLE_RATE: u32 = 22_050;

/// Samples that are mixed at once: bounds the copy beside the whole recording.
const PIECE: usize = 1 << 16;

/// A recording as the browser decoded it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded {
    /// Mono samples, the mean of the channels.
    pub samples: Vec<f32>,
    pub sample_rate: u32,
}

/// Why the browser did not decode a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotDecoded {
    /// The browser does not know the format either.
    Unknown,
    /// The recording is longer than [`MAX_MINUTES`], or so large that it may be.
    TooLong,
}

/// Decodes a file with the browser.
///
/// # Errors
///
/// If the browser does not know the format, or the recording is too long.
pub(crate) async fn decode(file: &File) -> Result<Decoded, NotDecoded> {
    let unknown = |error: JsValue| {
        log::info!("the browser cannot decode {} either: {}", file.name(), describe(&error));
        NotDecoded::Unknown
    };
    let seconds = length_seconds(file).await.map_err(|error| unknown(error.to_string().into()))?;
    let large = file.size() > MAX_BYTES_OF_UNKNOWN_LENGTH;
    match seconds {
        None if large => return Err(NotDecoded::Unknown),
        Some(seconds) if seconds.is_infinite() && large => return Err(NotDecoded::TooLong),
        Some(seconds) if seconds.is_finite() && seconds > 60.0 * MAX_MINUTES => return Err(NotDecoded::TooLong),
        _ => {}
    }
    match decoded(file).await {
        Ok(decoded) if !decoded.samples.is_empty() => Ok(decoded),
        Ok(_) => Err(NotDecoded::Unknown),
        Err(error) => Err(unknown(error)),
    }
}

/// A recording's length in seconds, as the browser's player reads it from the file: infinite if the file does not tell;
/// `None` if the browser does not play the format.
async fn length_seconds(file: &File) -> Result<Option<f64>, DomError> {
    let player = dom::element(&dom::document()?, "audio", "")?;
    let url = Url::create_object_url_with_blob(file)?;
    let (sender, known) = oneshot::channel();
    let sender = Rc::new(Cell::new(Some(sender)));
    let listen = |kind| {
        let sender = sender.clone();
        Listener::new(&player, kind, move |_: Event| {
            if let Some(sender) = sender.take() {
                // Fails only if nobody waits any more.
                let _ = sender.send(());
            }
        })
    };
    let _listeners = [listen("loadedmetadata")?, listen("error")?];
    player.set_attribute("preload", "metadata")?;
    player.set_attribute("src", &url)?;
    // The player tells how it went. The listeners hold the sender, so that it is not dropped before.
    let _ = known.await;
    let seconds = Reflect::get(&player, &"duration".into()).ok().and_then(|seconds| seconds.as_f64());
    Url::revoke_object_url(&url)?;
    Ok(seconds.filter(|seconds| !seconds.is_nan()))
}

async fn decoded(file: &File) -> Result<Decoded, JsValue> {
    let bytes = ArrayBuffer::from(JsFuture::from(file.array_buffer()).await?);
    // Nothing is rendered: the context only sets the sample rate.
    let context =
        OfflineAudioContext::new_with_number_of_channels_and_length_and_sample_rate(1, 1, SAMPLE_RATE as f32)?;
    let buffer = AudioBuffer::from(JsFuture::from(context.decode_audio_data(&bytes)?).await?);
    let channels = buffer.number_of_channels() as usize;
    let (mut samples, mut mixer) = (Vec::new(), Mixer::default());
    let (mut piece, mut interleaved) = (vec![0.0; PIECE], vec![0.0; PIECE * channels]);
    for start in (0..buffer.length() as usize).step_by(PIECE) {
        let frames = PIECE.min(buffer.length() as usize - start);
        // The browser hands over one channel at a time.
        for channel in 0..channels {
            let piece = &mut piece[..frames];
            buffer.copy_from_channel_with_start_in_channel(piece, channel as i32, start as u32)?;
            for (out, sample) in interleaved[channel..].iter_mut().step_by(channels).zip(piece) {
                *out = *sample;
            }
        }
        mixer.push(&interleaved[..frames * channels], channels);
        samples.append(&mut mixer.mono);
    }
    Ok(Decoded { samples, sample_rate: SAMPLE_RATE })
}
