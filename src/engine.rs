//! The engine: requests in, events out. It owns the device and the network, runs in a worker in the browser and
//! directly in native tests, and knows neither.

use burn::tensor::{Device, ExecutionError};

use crate::audio::{AudioError, Clip, Source};
use crate::card::Card;
use crate::dsp::{FrontEnd, Segment};
use crate::hearing::Hearing;
use crate::model::predict::{WINDOWS_PER_BATCH, logits, predict, song_probabilities, windows_of};
use crate::model::weights::{self, WeightsError};
use crate::model::{Network, Shape, registry};
use crate::protocol::{EngineInfo, Event, Payload, Prediction, Progress, Request, Score, SelfTest, WindowScores};

/// Windows of the self-test's input.
const SELF_TEST_WINDOWS: usize = 8;
/// Timed runs of the self-test, after one that compiles and warms up.
const SELF_TEST_RUNS: usize = 3;

/// Time between two words on how far a classification is, in milliseconds.
const PROGRESS_MILLISECONDS: f64 = 100.0;
/// Time between two pictures and answers of what is heard so far, in milliseconds, and as a share of all time so far:
/// the longer the recording, the more there is to send, and the less of it is new.
const SO_FAR_MILLISECONDS: f64 = 1_000.0;
const SO_FAR_SHARE: f64 = 0.1;

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
    pub async fn handle(&mut self, request: Request, payload: Payload<Box<dyn Source>>, host: &mut impl Host) {
        let (answer, file) = match request {
            Request::Load { card } => (self.load(*card, payload), None),
            Request::Classify { file, sample_rate } => {
                let prediction = self.classify(payload, sample_rate, host).await;
                (prediction.map(Event::Classified), Some(file))
            }
            Request::SelfTest => (self.self_test(host).await.map(Event::SelfTested), None),
            // A cancel is for the request that runs; the worker's host has told it already.
            Request::Cancel { .. } => return,
        };
        host.send(answer.unwrap_or_else(|error| failure(error, file)), Payload::None);
    }

    fn load(&mut self, card: Card, payload: Payload<Box<dyn Source>>) -> Result<Event, EngineError> {
        let Payload::Bytes(bytes) = payload else { return Err(EngineError::NoPayload) };
        front_end(&card)?;
        let network = weights::from_bytes(bytes, &card, &self.device)?;
        let model = card.name.clone();
        self.loaded = Some((card, network));
        Ok(Event::Loaded { model })
    }

    async fn classify(
        &self,
        payload: Payload<Box<dyn Source>>,
        sample_rate: Option<u32>,
        host: &mut impl Host,
    ) -> Result<Prediction, EngineError> {
        let (card, network) = self.loaded.as_ref().ok_or(EngineError::NoNetwork)?;
        let front_end = front_end(card)?;
        let hearing = match (payload, sample_rate) {
            (Payload::File(source), _) => Hearing::open(source, front_end)?,
            (Payload::Floats(samples), Some(sample_rate)) => {
                Hearing::of_clip(Clip { samples, sample_rate }, front_end)?
            }
            _ => return Err(EngineError::NoPayload),
        };
        classify(hearing, card, network, host).await
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

/// The front end that a card asks for.
///
/// # Errors
///
/// [`EngineError::FrontEnd`].
pub fn front_end(card: &Card) -> Result<&'static FrontEnd, EngineError> {
    FrontEnd::by_name(&card.front_end).ok_or_else(|| EngineError::FrontEnd(card.front_end.clone()))
}

fn failure(error: EngineError, file: Option<String>) -> Event {
    let message = file.map_or_else(|| error.to_string(), |file| format!("{file}: {error}"));
    match error {
        EngineError::Cancelled => Event::Cancelled,
        EngineError::Audio(AudioError::Unsupported(_)) => Event::Unsupported { message },
        _ => Event::Failed { message },
    }
}

/// The segments of a whole recording, for training and measuring.
///
/// # Errors
///
/// [`EngineError::Audio`], [`EngineError::TooShort`], [`EngineError::Silent`] or [`EngineError::FrontEnd`].
pub fn hear(source: impl Source + 'static, card: &Card) -> Result<Vec<Segment>, EngineError> {
    let mut hearing = Hearing::open(source, front_end(card)?)?;
    let mut segments = Vec::new();
    while let Some(more) = hearing.listen()? {
        segments.extend(more);
    }
    let least = least_columns(card)?;
    segments.retain(|segment| segment.columns >= least);
    check_heard(&hearing, card, segments.is_empty())?;
    Ok(segments)
}

/// The fewest columns that a card's network hears.
fn least_columns(card: &Card) -> Result<usize, EngineError> {
    Ok(registry::entry(&card.architecture).map_err(WeightsError::from)?.min_frames)
}

/// What keeps a recording that was heard to its end from having genres.
fn check_heard(hearing: &Hearing, card: &Card, nothing: bool) -> Result<(), EngineError> {
    if hearing.is_silent() {
        return Err(EngineError::Silent);
    }
    if nothing {
        let needed = least_columns(card)? as f64 * front_end(card)?.seconds_per_column();
        return Err(EngineError::TooShort { seconds: hearing.heard_seconds(), needed });
    }
    Ok(())
}

/// Names the genre of a recording; on the way tells how far it is, and shows what it has heard so far.
///
/// # Errors
///
/// Whatever keeps the recording from being heard, [`EngineError::Device`], or [`EngineError::Cancelled`].
pub async fn classify(
    mut hearing: Hearing,
    card: &Card,
    network: &Network,
    host: &mut impl Host,
) -> Result<Prediction, EngineError> {
    let started = host.now_milliseconds();
    let (front_end, least) = (front_end(card)?, least_columns(card)?);
    let mut teller = Teller { started, told: None, shown: started, fraction: 0.0 };
    let mut windows = Vec::new();
    while let Some(segments) = hearing.listen()? {
        teller.tell_progress(&hearing, &windows, host);
        pause(host).await?;
        for segment in segments.into_iter().filter(|segment| segment.columns >= least) {
            if windows.is_empty() {
                show(&hearing, host);
            }
            for batch in windows_of(std::slice::from_ref(&segment), card.frames).chunks(WINDOWS_PER_BATCH) {
                teller.tell_progress(&hearing, &windows, host);
                pause(host).await?;
                windows.extend(predictions(network, &segment, batch, front_end).await?);
            }
        }
        if !windows.is_empty() && teller.is_time_to_show(host.now_milliseconds()) {
            show(&hearing, host);
            let milliseconds = host.now_milliseconds() - started;
            host.send(Event::SoFar(prediction(card, &windows, milliseconds)), Payload::None);
        }
    }
    // Also where there is no answer: they may be why.
    for message in hearing.warnings() {
        host.send(Event::Warning { message }, Payload::None);
    }
    check_heard(&hearing, card, windows.is_empty())?;
    show(&hearing, host);
    Ok(prediction(card, &windows, host.now_milliseconds() - started))
}

/// Sends the spectrogram of what is heard.
fn show(hearing: &Hearing, host: &mut impl Host) {
    let (info, values) = hearing.spectrogram();
    host.send(Event::Spectrogram(info), Payload::Floats(values));
}

/// What the network says of a few windows of a segment.
async fn predictions(
    network: &Network,
    segment: &Segment,
    batch: &[(usize, usize, usize)],
    front_end: &FrontEnd,
) -> Result<impl Iterator<Item = WindowScores>, EngineError> {
    let column = front_end.seconds_per_column();
    let start = segment.start_seconds;
    let windows = predict(network, std::slice::from_ref(segment), batch).await?;
    Ok(windows.into_iter().map(move |window| {
        let start_seconds = start + window.start as f64 * column;
        let end_seconds = start_seconds + window.columns as f64 * column;
        WindowScores { start_seconds, end_seconds, probabilities: window.probabilities }
    }))
}

fn prediction(card: &Card, windows: &[WindowScores], milliseconds: f64) -> Prediction {
    let score = |(label, probability): (&String, f32)| Score { label: label.clone(), probability };
    let song = song_probabilities(windows.iter().map(|window| window.probabilities.as_slice()));
    let mut genres: Vec<Score> = card.labels.iter().zip(song).map(score).collect();
    genres.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let (model, labels) = (card.name.clone(), card.labels.clone());
    Prediction { model, labels, genres, windows: windows.to_vec(), milliseconds }
}

/// Says now and then how far a classification is. Times are in milliseconds.
struct Teller {
    started: f64,
    told: Option<f64>,
    shown: f64,
    /// The largest told so far: estimates of unknown lengths waver.
    fraction: f32,
}

impl Teller {
    fn tell_progress(&mut self, hearing: &Hearing, windows: &[WindowScores], host: &mut impl Host) {
        let now = host.now_milliseconds();
        if self.told.is_some_and(|told| now - told < PROGRESS_MILLISECONDS) {
            return;
        }
        self.told = Some(now);
        let heard_seconds = hearing.heard_seconds();
        let duration_seconds = hearing.duration_seconds();
        let whole = duration_seconds.unwrap_or(heard_seconds / f64::from(hearing.fraction())).max(heard_seconds);
        let named_seconds = windows.last().map_or(0.0, |window| window.end_seconds);
        // Hearing and naming take about as long as each other.
        let fraction = ((heard_seconds + named_seconds) / (2.0 * whole).max(f64::MIN_POSITIVE)) as f32;
        self.fraction = fraction.clamp(self.fraction, 1.0);
        let progress = Progress { heard_seconds, duration_seconds, fraction: self.fraction };
        host.send(Event::Progress(progress), Payload::None);
    }

    /// True where the last picture is old enough for another.
    fn is_time_to_show(&mut self, now: f64) -> bool {
        let due = now - self.shown >= SO_FAR_MILLISECONDS.max(SO_FAR_SHARE * (now - self.started));
        if due {
            self.shown = now;
        }
        due
    }
}

async fn pause(host: &mut impl Host) -> Result<(), EngineError> {
    host.pause().await;
    if host.cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
}
