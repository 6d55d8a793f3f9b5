//! What this build does not decode itself, the browser may: Opus, AAC in all its kinds, whatever it plays.
//!
//! `decodeAudioData` takes a file whole and gives it whole, so there is a limit.

use js_sys::ArrayBuffer;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioBuffer, File, OfflineAudioContext};

/// The largest file that the browser is asked to decode, in bytes. At 64 kbit/s this is half an hour, and half an hour
/// of stereo takes 320 MB as samples.
pub const MAX_BYTES: f64 = (15 << 20) as f64;

/// The rate that the browser brings every recording to, in Hz: that of most front ends, none has a higher one.
const SAMPLE_RATE: u32 = 22_050;

/// A recording as the browser decoded it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Mono samples, the mean of the channels.
    pub samples: Vec<f32>,
    /// Samples a second, in Hz.
    pub sample_rate: u32,
}

/// The recording in a file, of whatever format the browser knows; `None` where it knows none. The caller keeps to
/// [`MAX_BYTES`].
pub async fn decode(file: &File) -> Option<Decoded> {
    match decoded(file).await {
        Ok(decoded) if !decoded.samples.is_empty() => Some(decoded),
        Ok(_) => None,
        Err(error) => {
            log::info!("the browser does not decode {} either: {}", file.name(), super::dom::describe(&error));
            None
        }
    }
}

async fn decoded(file: &File) -> Result<Decoded, JsValue> {
    let bytes = ArrayBuffer::from(JsFuture::from(file.array_buffer()).await?);
    // Nothing is rendered: the context only says which rate is wanted.
    let context =
        OfflineAudioContext::new_with_number_of_channels_and_length_and_sample_rate(1, 1, SAMPLE_RATE as f32)?;
    let buffer = AudioBuffer::from(JsFuture::from(context.decode_audio_data(&bytes)?).await?);
    let channels = buffer.number_of_channels();
    let mut samples = vec![0.0; buffer.length() as usize];
    let mut channel = samples.clone();
    for index in 0..channels {
        buffer.copy_from_channel(&mut channel, index as i32)?;
        for (sum, sample) in samples.iter_mut().zip(&channel) {
            *sum += sample / channels as f32;
        }
    }
    Ok(Decoded { samples, sample_rate: SAMPLE_RATE })
}
