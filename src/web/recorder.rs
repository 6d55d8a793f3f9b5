//! Records from the microphone. It is opened when the user starts a recording, and closed after it.

use std::cell::Cell;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AnalyserNode, AudioContext, BlobEvent, Event, EventTarget, File, MediaRecorder, MediaStream,
    MediaStreamConstraints, MediaStreamTrack,
};

use super::browser_decoder::{self, Decoded};
use super::dom::{self, Listener, describe};
use crate::view::train::recording::NotRecorded;

/// Samples over which the level is the maximum: 23 ms at 44.1 kHz.
const LEVEL_SAMPLES: usize = 1024;
/// How long a question for the microphone may stay without an answer, in seconds.
const PERMISSION_SECONDS: u32 = 120;
const NOT_ANSWERED: &str = "the question whether this page may use the microphone was not answered";
/// How long the browser may take to hand over the end of a recording, in seconds.
const STOP_SECONDS: u32 = 10;

/// A running recording. The microphone is closed when it is dropped.
pub(crate) struct Recorder {
    stream: MediaStream,
    recorder: MediaRecorder,
    context: AudioContext,
    analyser: AnalyserNode,
    /// Blobs in the browser's own format, in order.
    pieces: Array,
    /// Resolves once the last blob is there.
    stopped: oneshot::Receiver<()>,
    interrupted: Rc<Cell<bool>>,
    _listeners: Vec<Listener>,
}

impl Recorder {
    /// Asks for the microphone, and starts recording.
    ///
    /// # Errors
    ///
    /// If the user refuses, there is no microphone, or the browser cannot record.
    pub(crate) async fn start() -> Result<Self, NotRecorded> {
        let navigator = dom::window().map_err(|_| NotRecorded::NotHere)?.navigator();
        let devices = navigator.media_devices().ok().filter(|devices| devices.is_object());
        let devices = devices.ok_or(NotRecorded::NotHere)?;
        let wanted = constraints().map_err(|error| reason(&error))?;
        let asked = devices.get_user_media_with_constraints(&wanted).map_err(|error| reason(&error))?;
        let mut asked = Box::pin(JsFuture::from(asked));
        let Some(answer) = dom::within(PERMISSION_SECONDS, &mut asked).await else {
            // A microphone that is opened later would stay open.
            spawn_local(async move {
                if let Ok(stream) = asked.await {
                    end(stream.unchecked_ref());
                }
            });
            return Err(NotRecorded::Failed(NOT_ANSWERED.to_owned()));
        };
        let stream: MediaStream = answer.map_err(|error| reason(&error))?.unchecked_into();
        // Rust's clone is the same stream. The stream's own `clone()` would be a second one that keeps the microphone
        // open.
        Self::of(Clone::clone(&stream)).map_err(|error| {
            end(&stream);
            reason(&error)
        })
    }

    fn of(stream: MediaStream) -> Result<Self, JsValue> {
        let context = AudioContext::new()?;
        let analyser = context.create_analyser()?;
        context.create_media_stream_source(&stream)?.connect_with_audio_node(&analyser)?;
        // Some browsers start a context suspended.
        drop(context.resume()?);
        let recorder = MediaRecorder::new_with_media_stream(&stream)?;
        let pieces = Array::new();
        let collected = pieces.clone();
        let piece = Listener::new(&recorder, "dataavailable", move |event: BlobEvent| {
            if let Some(piece) = event.data() {
                collected.push(&piece);
            }
        });
        let (sender, stopped) = oneshot::channel();
        let sender = Cell::new(Some(sender));
        let stop = Listener::new(&recorder, "stop", move |_: Event| {
            if let Some(sender) = sender.take() {
                // Fails only if the recording was dropped.
                let _ = sender.send(());
            }
        });
        let interrupted = Rc::new(Cell::new(false));
        let interrupt = |target: &EventTarget, kind| {
            let (interrupted, stream) = (interrupted.clone(), Clone::clone(&stream));
            Listener::new(target, kind, move |_: Event| {
                interrupted.set(true);
                end(&stream);
            })
        };
        let mut listeners = vec![piece, stop];
        for track in stream.get_audio_tracks().iter() {
            let track: MediaStreamTrack = track.unchecked_into();
            // Unplugged, or taken away by the system: what follows would be silence.
            listeners.extend([interrupt(&track, "ended"), interrupt(&track, "mute")]);
        }
        if let Some(window) = web_sys::window() {
            // A page that was left may stay in memory, to come back later.
            listeners.push(interrupt(&window, "pagehide"));
        }
        let listeners: Result<Vec<_>, _> = listeners.into_iter().collect();
        let listeners = listeners.map_err(|error| JsValue::from(error.to_string()))?;
        recorder.start()?;
        Ok(Self { stream, recorder, context, analyser, pieces, stopped, interrupted, _listeners: listeners })
    }

    /// True once the microphone gives no sound any more: it was unplugged, the system muted it, or the page was left.
    /// It is then closed.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.get()
    }

    /// The level now: the largest sample of the last moment, 0 to 1.
    pub(crate) fn level(&self) -> f32 {
        let mut samples = [0.0; LEVEL_SAMPLES];
        self.analyser.get_float_time_domain_data(&mut samples);
        samples.iter().fold(0.0, |most: f32, sample| most.max(sample.abs()))
    }

    /// Stops, and returns the recording.
    ///
    /// # Errors
    ///
    /// If the browser has recorded nothing that it can decode.
    pub(crate) async fn finish(mut self) -> Result<Decoded, NotRecorded> {
        // Fails if it has stopped by itself, because the microphone was unplugged; the last blob may still be on its way.
        let _ = self.recorder.stop();
        // The listener holds the sender, so that it is not dropped before. What has come until then is decoded.
        dom::within(STOP_SECONDS, &mut self.stopped).await;
        let file = File::new_with_blob_sequence(&self.pieces, "recording").map_err(|error| reason(&error))?;
        drop(self);
        browser_decoder::decode(&file).await.map_err(|_| NotRecorded::Nothing)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        end(&self.stream);
        // Nothing depends on when the context is closed.
        drop(self.context.close());
    }
}

/// Closes the microphone: the browser's indicator goes out.
fn end(stream: &MediaStream) {
    for track in stream.get_tracks().iter() {
        track.unchecked_into::<MediaStreamTrack>().stop();
    }
}

/// Audio only, and without the browser's processing of voices, which would treat music as noise.
fn constraints() -> Result<MediaStreamConstraints, JsValue> {
    let audio = Object::new();
    for key in ["echoCancellation", "noiseSuppression", "autoGainControl"] {
        Reflect::set(&audio, &key.into(), &false.into())?;
    }
    let constraints = MediaStreamConstraints::new();
    constraints.set_audio(&audio);
    Ok(constraints)
}

/// Why there is no recording, by the name of the exception.
fn reason(error: &JsValue) -> NotRecorded {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string()).unwrap_or_default();
    match name.as_str() {
        "NotAllowedError" | "SecurityError" | "PermissionDeniedError" => NotRecorded::Refused,
        "NotFoundError" | "DevicesNotFoundError" | "OverconstrainedError" => NotRecorded::NoDevice,
        "ReferenceError" | "TypeError" => NotRecorded::NotHere,
        _ => NotRecorded::Failed(describe(error)),
    }
}
