//! Decodes with the browser what the engines cannot: Opus, Vorbis, all kinds of AAC, whatever the browser plays.
//!
//! `decodeAudioData` takes and returns a whole file, so there is a limit on the recording's length, which the browser's
//! player tells before anything is decoded. A file's size says little: a small one may be hours long. What the browser
//! leaves out of a damaged file, it does not tell: the pages of an Ogg file do, or the length that the file states.

use js_sys::{ArrayBuffer, Promise, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioBuffer, File, HtmlElement, OfflineAudioContext, Url};

use super::dom::{self, DomError, describe};
use super::files::read_in_pieces;
use crate::audio::Mixer;
use crate::audio::ogg::{OggLoss, OggPages};
use crate::view::classify::words;

/// The longest recording that the browser decodes for us, in minutes: 320 MB of samples in stereo.
pub(crate) const MAX_MINUTES: f64 = 30.0;

/// The largest file that is decoded if its length cannot be told beforehand, in bytes.
const MAX_BYTES_OF_UNKNOWN_LENGTH: f64 = (2 << 20) as f64;

/// How long the browser may take to tell a file's length, and how long to decode it, in seconds.
const LENGTH_SECONDS: u32 = 30;
pub(crate) const DECODE_SECONDS: u32 = 180;

/// The sample rate to which the browser resamples, in Hz. No front end has a higher one.
const SAMPLE_RATE: u32 = 22_050;

/// Bytes by which a format is recognized.
const START_BYTES: f64 = 12.0;

/// Samples that are mixed at once: bounds the copy beside the whole recording.
const PIECE: usize = 1 << 16;

/// A recording as the browser decoded it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded {
    /// Mono samples, the mean of the channels.
    pub samples: Vec<f32>,
    pub sample_rate: u32,
    /// Sentences on what is missing.
    pub warnings: Vec<String>,
}

/// Why the browser did not decode a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotDecoded {
    /// The browser does not know the format either.
    Unknown,
    /// The recording is longer than [`MAX_MINUTES`].
    TooLong,
    /// Nobody can tell how long the recording is, and the file is so large that it may be too long.
    NoLength,
    /// The browser did not end within [`DECODE_SECONDS`].
    TooSlow,
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
    let large = file.size() > MAX_BYTES_OF_UNKNOWN_LENGTH;
    let length = length(file, large).await.map_err(|error| unknown(error.to_string().into()))?;
    match length {
        Length::NotPlayed if large => return Err(NotDecoded::Unknown),
        Length::NotStated if large => return Err(NotDecoded::NoLength),
        Length::Seconds(seconds) if seconds > 60.0 * MAX_MINUTES => return Err(NotDecoded::TooLong),
        _ => {}
    }
    let samples = dom::within(DECODE_SECONDS, decoded(file)).await.ok_or(NotDecoded::TooSlow)?.map_err(unknown)?;
    if samples.is_empty() {
        return Err(NotDecoded::Unknown);
    }
    let seconds = samples.len() as f64 / f64::from(SAMPLE_RATE);
    // The sound is there, even if the file went away meanwhile.
    let missing = dom::within(LENGTH_SECONDS, missing(file, seconds, length)).await;
    let warnings = missing.and_then(Result::ok).unwrap_or_default();
    Ok(Decoded { samples, sample_rate: SAMPLE_RATE, warnings })
}

/// A recording's length, as the browser's player tells it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    Seconds(f64),
    /// The file does not state it, as a recording that was never finished does not.
    NotStated,
    /// The browser does not play the format.
    NotPlayed,
}

/// The browser's player with a file.
struct Player {
    element: HtmlElement,
    url: String,
}

impl Player {
    fn new(file: &File) -> Result<Self, DomError> {
        let element = dom::element(&dom::document()?, "audio", "")?;
        let player = Self { element, url: Url::create_object_url_with_blob(file)? };
        player.element.set_attribute("preload", "metadata")?;
        player.element.set_attribute("src", &player.url)?;
        Ok(player)
    }

    fn get(&self, property: &str) -> JsValue {
        Reflect::get(&self.element, &property.into()).unwrap_or(JsValue::UNDEFINED)
    }

    /// Seconds; infinite if the file does not state its length, NaN if that is not known.
    fn duration(&self) -> f64 {
        self.get("duration").as_f64().unwrap_or(f64::NAN)
    }

    /// Waits until something is true, or the browser took too long, or cannot play the file.
    async fn wait_until(&self, condition: impl Fn() -> bool) {
        let waiting = async {
            while !condition() && !self.get("error").is_object() {
                // Events and no timer, which takes up to a minute in a hidden tab.
                let changed = Promise::new(&mut |resolve, _| {
                    for kind in ["loadedmetadata", "durationchange", "error"] {
                        // Without a listener the limit ends the wait.
                        let _ = self.element.add_event_listener_with_callback(kind, &resolve);
                    }
                });
                let _ = JsFuture::from(changed).await;
            }
        };
        // The caller looks at what the player knows now.
        dom::within(LENGTH_SECONDS, waiting).await.unwrap_or_default();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // It would keep the file open.
        self.element.remove_attribute("src").unwrap_or_default();
        if let Err(error) = Url::revoke_object_url(&self.url) {
            log::warn!("a file's address could not be given back: {}", describe(&error));
        }
    }
}

/// The length of a file; if it is not stated, found by playing from beyond the end where `search` is true.
async fn length(file: &File, search: bool) -> Result<Length, DomError> {
    let player = Player::new(file)?;
    player.wait_until(|| !player.duration().is_nan()).await;
    if search && player.duration().is_infinite() {
        // The player then looks for the end, and has the true length once it is there.
        Reflect::set(&player.element, &"currentTime".into(), &1e101.into())?;
        player.wait_until(|| player.duration().is_finite()).await;
    }
    Ok(match player.duration() {
        seconds if seconds.is_nan() => Length::NotPlayed,
        seconds if seconds.is_infinite() => Length::NotStated,
        seconds => Length::Seconds(seconds),
    })
}

async fn decoded(file: &File) -> Result<Vec<f32>, JsValue> {
    let bytes = ArrayBuffer::from(JsFuture::from(file.array_buffer()).await?);
    // Nothing is rendered: the context only sets the sample rate.
    let context =
        OfflineAudioContext::new_with_number_of_channels_and_length_and_sample_rate(1, 1, SAMPLE_RATE as f32)?;
    let buffer = AudioBuffer::from(JsFuture::from(context.decode_audio_data(&bytes)?).await?);
    let channels = buffer.number_of_channels() as usize;
    let (mut samples, mut mixer) = (Vec::with_capacity(buffer.length() as usize), Mixer::default());
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
    Ok(samples)
}

/// Sentences on what a file has lost, of which `seconds` were decoded.
async fn missing(file: &File, seconds: f64, length: Length) -> Result<Vec<String>, JsValue> {
    let start = file.slice_with_f64_and_f64(0.0, START_BYTES)?;
    let start = Uint8Array::new(&JsFuture::from(start.array_buffer()).await?).to_vec();
    if start.starts_with(b"OggS") {
        let mut pages = OggPages::default();
        read_in_pieces(file, |piece| pages.push(piece)).await?;
        if let Some(OggLoss { pages, seconds, breaks_off }) = pages.finish() {
            return Ok(words::ogg_loss(pages, seconds, breaks_off));
        }
    }
    Ok(match length {
        Length::Seconds(stated) if states_length(&start) => words::decoded_less(seconds, stated).into_iter().collect(),
        _ => Vec::new(),
    })
}

/// True if the format has a field for its length. For others the player estimates it by the bit rate.
fn states_length(start: &[u8]) -> bool {
    // Matroska's first element, and the first box of MP4 behind its size.
    start.starts_with(b"OggS") || start.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) || start.get(4..8) == Some(b"ftyp")
}
