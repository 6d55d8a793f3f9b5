//! The engine: requests in, events out. It owns the device and the network, runs in a worker in the browser and
//! directly in native tests, and knows neither.

use burn::tensor::{Device, ExecutionError};

use crate::audio::{self, AudioError};
use crate::card::Card;
use crate::dsp::{FrontEnd, MelPlan, MelSpectrogram, Segment, segments};
use crate::model::predict::{WINDOWS_PER_BATCH, WindowPrediction, logits, predict, song_probabilities, windows_of};
use crate::model::weights::{self, WeightsError};
use crate::model::{Network, Shape, registry};
use crate::protocol::{
    EngineInfo, Event, Payload, Prediction, Request, Score, SelfTest, SpectrogramInfo, Stage, WindowScores,
};

/// Windows of the self-test's input.
const SELF_TEST_WINDOWS: usize = 8;
/// Timed runs of the self-test, after one that compiles and warms up.
const SELF_TEST_RUNS: usize = 3;

/// Where an engine runs: a worker, a terminal, a test.
pub trait Host {
    /// Sends an event of the current request.
    fn send(&mut self, event: Event, payload: Payload);
    /// True once the current request was given up.
    fn cancelled(&self) -> bool;
    /// Hands control back: in a browser, no message arrives before this returns.
    fn pause(&mut self) -> impl Future<Output = ()>;
    /// Milliseconds since some moment.
    fn now_milliseconds(&self) -> f64;
}

/// Why a request could not be done. The texts are for users.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The audio file.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// Nothing to hear.
    #[error("the recording is only {seconds:.2} s long; at least {needed:.2} s are needed: choose a longer one")]
    TooShort {
        /// Its length.
        seconds: f64,
        /// The network's least.
        needed: f64,
    },
    /// Nothing but silence.
    #[error("the recording is silent from beginning to end; choose another one")]
    Silent,
    /// The weights.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The card names a front end that does not exist.
    #[error("the network's card asks for the front end '{0}', which this version does not have")]
    FrontEnd(String),
    /// A request before its network.
    #[error("no network is loaded yet")]
    NoNetwork,
    /// A request without what it needs.
    #[error("the request came without its data")]
    NoPayload,
    /// The device was lost.
    #[error("the engine failed ({0}); reload the page, or choose the CPU engine")]
    Device(#[from] ExecutionError),
    /// Given up, as asked.
    #[error("cancelled")]
    Cancelled,
}

/// A device and the network on it.
pub struct Engine {
    info: EngineInfo,
    device: Device,
    loaded: Option<(Card, Network)>,
}

impl Engine {
    /// An engine on this device, without a network.
    pub fn new(info: EngineInfo, device: Device) -> Self {
        Self { info, device, loaded: None }
    }

    /// What it computes with.
    pub fn info(&self) -> &EngineInfo {
        &self.info
    }

    /// Does one request. Every outcome is an event: the last one sent is the request's answer.
    pub async fn handle(&mut self, request: Request, payload: Payload, host: &mut impl Host) {
        let file = match &request {
            Request::Classify { file } => Some(file.clone()),
            _ => None,
        };
        let answer = match request {
            Request::Load { card } => self.load(*card, payload),
            Request::Classify { .. } => self.classify(payload, host).await.map(Event::Classified),
            Request::SelfTest => self.self_test(host).await.map(Event::SelfTested),
            // A cancel is for the request that runs; the worker's host has told it already.
            Request::Cancel { .. } => return,
        };
        let event = match (answer, file) {
            (Ok(event), _) => event,
            (Err(EngineError::Cancelled), _) => Event::Cancelled,
            (Err(error), Some(file)) => Event::Failed { message: format!("{file}: {error}") },
            (Err(error), None) => Event::Failed { message: error.to_string() },
        };
        host.send(event, Payload::None);
    }

    fn load(&mut self, card: Card, payload: Payload) -> Result<Event, EngineError> {
        let Payload::Bytes(bytes) = payload else { return Err(EngineError::NoPayload) };
        front_end(&card)?;
        let network = weights::from_bytes(bytes, &card, &self.device)?;
        let model = card.name.clone();
        self.loaded = Some((card, network));
        Ok(Event::Loaded { model })
    }

    async fn classify(&self, payload: Payload, host: &mut impl Host) -> Result<Prediction, EngineError> {
        let Payload::Bytes(bytes) = payload else { return Err(EngineError::NoPayload) };
        let (card, network) = self.loaded.as_ref().ok_or(EngineError::NoNetwork)?;
        classify(&bytes, card, network, host).await
    }

    async fn self_test(&self, host: &mut impl Host) -> Result<SelfTest, EngineError> {
        let (card, network) = self.loaded.as_ref().ok_or(EngineError::NoNetwork)?;
        let Shape { bands, frames, .. } = card.shape();
        let input = self_test_input(SELF_TEST_WINDOWS, bands, frames);
        let logits_found = logits(network, input.clone(), bands, frames).await?;
        let mut times = Vec::with_capacity(SELF_TEST_RUNS);
        for _ in 0..SELF_TEST_RUNS {
            host.pause().await;
            if host.cancelled() {
                return Err(EngineError::Cancelled);
            }
            let started = host.now_milliseconds();
            logits(network, input.clone(), bands, frames).await?;
            times.push(host.now_milliseconds() - started);
        }
        times.sort_by(f64::total_cmp);
        Ok(SelfTest { logits: logits_found, milliseconds: times[SELF_TEST_RUNS / 2] })
    }
}

/// The self-test's input, `[windows, bands, frames]`: waves of other frequencies in every window, as large as music.
pub fn self_test_input(windows: usize, bands: usize, frames: usize) -> Vec<f32> {
    let value = |index: usize| {
        let (window, band, frame) = (index / (bands * frames), index / frames % bands, index % frames);
        let phase = (window + 1) as f32 * 0.11 * frame as f32 + 0.37 * band as f32;
        phase.sin() + 0.5 * (0.05 * band as f32 * (frame as f32 * 0.3).cos()).sin()
    };
    (0..windows * bands * frames).map(value).collect()
}

fn front_end(card: &Card) -> Result<&'static FrontEnd, EngineError> {
    FrontEnd::by_name(&card.front_end).ok_or_else(|| EngineError::FrontEnd(card.front_end.clone()))
}

/// A file as a network hears it.
#[derive(Debug)]
pub struct Heard {
    /// Its mel-spectrogram, whole.
    pub mel: MelSpectrogram,
    /// The network's segments of it.
    pub segments: Vec<Segment>,
    /// Its length in seconds.
    pub duration_seconds: f64,
}

/// Decodes a WAV file and computes the front end that a card asks for.
///
/// # Errors
///
/// [`EngineError::Audio`], [`EngineError::TooShort`], [`EngineError::Silent`] or [`EngineError::FrontEnd`].
pub fn hear(bytes: &[u8], card: &Card) -> Result<Heard, EngineError> {
    run_ready(hear_with(bytes, card, &mut Quiet))
}

async fn hear_with(bytes: &[u8], card: &Card, host: &mut impl Host) -> Result<Heard, EngineError> {
    let front_end = front_end(card)?;
    stage(host, Stage::Decode).await?;
    let clip = audio::decode(bytes)?;
    let duration_seconds = clip.duration_seconds();
    stage(host, Stage::Resample).await?;
    let clip = audio::resample(clip, front_end.sample_rate)?;
    stage(host, Stage::Spectrogram).await?;
    let mel = MelPlan::new(front_end).spectrogram(&clip.samples, &mut progress(host, Stage::Spectrogram));
    if mel.is_silent() {
        return Err(EngineError::Silent);
    }
    let segments = segments(&mel, front_end);
    let needed = registry::entry(&card.architecture).map_err(WeightsError::from)?.min_frames;
    if segments.iter().all(|segment| segment.columns < needed) {
        let needed = needed as f64 * front_end.seconds_per_column();
        return Err(EngineError::TooShort { seconds: duration_seconds, needed });
    }
    Ok(Heard { mel, segments, duration_seconds })
}

/// Names the genre of a WAV file, sending progress and the spectrogram on the way.
///
/// # Errors
///
/// Whatever keeps the file from being heard, [`EngineError::Device`], or [`EngineError::Cancelled`].
pub async fn classify(
    bytes: &[u8],
    card: &Card,
    network: &Network,
    host: &mut impl Host,
) -> Result<Prediction, EngineError> {
    let started = host.now_milliseconds();
    let front_end = front_end(card)?;
    let heard = hear_with(bytes, card, host).await?;
    send_spectrogram(&heard, front_end, host);
    let windows = windows_of(&heard.segments, card.frames);
    let mut predictions = Vec::with_capacity(windows.len());
    // A batch is a rectangle: only windows of one length go together.
    for batch in windows.chunk_by(|a, b| a.2 == b.2).flat_map(|equal| equal.chunks(WINDOWS_PER_BATCH)) {
        let fraction = predictions.len() as f32 / windows.len() as f32;
        host.send(Event::Progress { stage: Stage::Classify, fraction }, Payload::None);
        pause(host).await?;
        predictions.extend(predict(network, &heard.segments, batch).await?);
    }
    let milliseconds = host.now_milliseconds() - started;
    Ok(prediction(card, front_end, &heard.segments, &predictions, milliseconds))
}

fn send_spectrogram(heard: &Heard, front_end: &FrontEnd, host: &mut impl Host) {
    let info = SpectrogramInfo {
        frames: heard.mel.frames,
        bands: heard.mel.bands,
        seconds_per_frame: heard.mel.hop_seconds,
        band_hz: front_end.band_hz(),
        floor_db: -front_end.top_db,
        duration_seconds: heard.duration_seconds,
    };
    host.send(Event::Spectrogram(info), Payload::Floats(heard.mel.to_db(front_end.top_db)));
}

fn prediction(
    card: &Card,
    front_end: &FrontEnd,
    segments: &[Segment],
    windows: &[WindowPrediction],
    milliseconds: f64,
) -> Prediction {
    let score = |(label, &probability): (&String, &f32)| Score { label: label.clone(), probability };
    let mut genres: Vec<Score> = card.labels.iter().zip(&song_probabilities(windows)).map(score).collect();
    genres.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let scores = |window: &WindowPrediction| {
        let second = |column: usize| column as f64 * front_end.seconds_per_column();
        let start_seconds = segments[window.segment].start_seconds + second(window.start);
        let end_seconds = start_seconds + second(window.columns);
        WindowScores { start_seconds, end_seconds, probabilities: window.probabilities.clone() }
    };
    Prediction {
        model: card.name.clone(),
        labels: card.labels.clone(),
        genres,
        windows: windows.iter().map(scores).collect(),
        milliseconds,
    }
}

fn progress(host: &mut impl Host, stage: Stage) -> impl FnMut(f32) {
    move |fraction| host.send(Event::Progress { stage, fraction }, Payload::None)
}

async fn stage(host: &mut impl Host, stage: Stage) -> Result<(), EngineError> {
    host.send(Event::Progress { stage, fraction: 0.0 }, Payload::None);
    pause(host).await
}

async fn pause(host: &mut impl Host) -> Result<(), EngineError> {
    host.pause().await;
    if host.cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
}

/// A host that listens to nothing and is never cancelled.
pub struct Quiet;

impl Host for Quiet {
    fn send(&mut self, _event: Event, _payload: Payload) {}

    fn cancelled(&self) -> bool {
        false
    }

    async fn pause(&mut self) {}

    fn now_milliseconds(&self) -> f64 {
        0.0
    }
}

/// Runs a future that never waits, as those under [`Quiet`] that read no device.
fn run_ready<Output>(future: impl Future<Output = Output>) -> Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
