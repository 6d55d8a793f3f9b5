//! The engine: requests in, events out. It owns the device and the network, runs in a worker in the browser and
//! directly in native tests, and knows neither.

use burn::tensor::{Device, ExecutionError};

use crate::audio::{AudioError, Clip, Source};
use crate::card::Card;
use crate::dsp::{FrontEnd, Segment};
use crate::hearing::Hearing;
use crate::model::Loaded;
use crate::model::loaded::Heard;
use crate::model::predict::{WINDOWS_PER_BATCH, song_probabilities};
use crate::model::weights::WeightsError;
use crate::model::windows::{Place, Windowing};
use crate::protocol::{
    EngineInfo, Event, Payload, Prediction, Progress, Request, Score, SelfTest, TagPrediction, WindowScores,
};

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

/// A device and the networks on it.
pub struct Engine {
    info: EngineInfo,
    device: Device,
    loaded: Option<Loaded>,
    /// What others listen through.
    bases: Vec<Loaded>,
}

impl Engine {
    /// An engine on this device, without a network.
    pub fn new(info: EngineInfo, device: Device) -> Self {
        Self { info, device, loaded: None, bases: Vec::new() }
    }

    /// What it computes with.
    pub fn info(&self) -> &EngineInfo {
        &self.info
    }

    /// Does one request. Every outcome is an event: the last one sent is the request's answer.
    pub async fn handle(&mut self, request: Request, payload: Payload<Box<dyn Source>>, host: &mut impl Host) {
        let (answer, file) = match request {
            Request::Load { card } => (self.load(*card, payload), None),
            Request::LoadBase { card } => (self.load_base(*card, payload), None),
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
        let loaded = self.opened(card, payload)?;
        let event = announced(&loaded);
        self.loaded = Some(loaded);
        Ok(event)
    }

    fn load_base(&mut self, card: Card, payload: Payload<Box<dyn Source>>) -> Result<Event, EngineError> {
        let loaded = self.opened(card, payload)?;
        let event = announced(&loaded);
        self.bases.retain(|base| base.card.name != loaded.card.name);
        self.bases.push(loaded);
        Ok(event)
    }

    fn opened(&self, card: Card, payload: Payload<Box<dyn Source>>) -> Result<Loaded, EngineError> {
        let Payload::Bytes(bytes) = payload else { return Err(EngineError::NoPayload) };
        Ok(Loaded::new(bytes, card, &self.bases, &self.device)?)
    }

    async fn classify(
        &self,
        payload: Payload<Box<dyn Source>>,
        sample_rate: Option<u32>,
        host: &mut impl Host,
    ) -> Result<Prediction, EngineError> {
        let loaded = self.loaded.as_ref().ok_or(EngineError::NoNetwork)?;
        let front_end = loaded.front_end();
        let hearing = match (payload, sample_rate) {
            (Payload::File(source), _) => Hearing::open(source, front_end)?,
            (Payload::Floats(samples), Some(sample_rate)) => {
                Hearing::of_clip(Clip { samples, sample_rate }, front_end)?
            }
            _ => return Err(EngineError::NoPayload),
        };
        classify(hearing, loaded, host).await
    }

    async fn self_test(&self, host: &mut impl Host) -> Result<SelfTest, EngineError> {
        let loaded = self.loaded.as_ref().ok_or(EngineError::NoNetwork)?;
        let Windowing { bands, frames, .. } = loaded.windowing();
        let input = self_test_input(SELF_TEST_WINDOWS, bands, frames);
        let logits = loaded.logits(input.clone(), bands, frames).await?;
        let mut times = Vec::with_capacity(SELF_TEST_RUNS);
        for _ in 0..SELF_TEST_RUNS {
            host.pause().await;
            if host.cancelled() {
                return Err(EngineError::Cancelled);
            }
            let started = host.now_milliseconds();
            loaded.logits(input.clone(), bands, frames).await?;
            times.push(host.now_milliseconds() - started);
        }
        times.sort_by(f64::total_cmp);
        Ok(SelfTest { logits, milliseconds: times[SELF_TEST_RUNS / 2] })
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

fn announced(loaded: &Loaded) -> Event {
    Event::Loaded { model: loaded.card.name.clone(), architecture: loaded.architecture() }
}

fn failure(error: EngineError, file: Option<String>) -> Event {
    let message = file.map_or_else(|| error.to_string(), |file| format!("{file}: {error}"));
    match error {
        EngineError::Cancelled => Event::Cancelled,
        EngineError::Audio(AudioError::Unsupported(_)) => Event::Unsupported { message },
        _ => Event::Failed { message },
    }
}

/// The segments of a whole recording as windows are cut from them, for training and measuring.
///
/// # Errors
///
/// [`EngineError::Audio`], [`EngineError::TooShort`] or [`EngineError::Silent`].
pub fn hear(
    source: impl Source + 'static,
    front_end: &'static FrontEnd,
    windowing: &Windowing,
    least_columns: usize,
) -> Result<Vec<Segment>, EngineError> {
    let mut hearing = Hearing::open(source, front_end)?;
    let mut segments = Vec::new();
    while let Some(more) = hearing.listen()? {
        segments.extend(more.into_iter().filter(|segment| segment.columns >= least_columns));
    }
    check_heard(&hearing, front_end, least_columns, segments.is_empty())?;
    Ok(segments.into_iter().map(|segment| windowing.prepare(segment)).collect())
}

/// What keeps a recording that was heard to its end from having genres.
fn check_heard(hearing: &Hearing, front_end: &FrontEnd, least: usize, nothing: bool) -> Result<(), EngineError> {
    if hearing.is_silent() {
        return Err(EngineError::Silent);
    }
    if nothing {
        let needed = least as f64 * front_end.seconds_per_column();
        return Err(EngineError::TooShort { seconds: hearing.heard_seconds(), needed });
    }
    Ok(())
}

/// Names the genre of a recording; on the way tells how far it is, and shows what it has heard so far.
///
/// # Errors
///
/// Whatever keeps the recording from being heard, [`EngineError::Device`], or [`EngineError::Cancelled`].
pub async fn classify(mut hearing: Hearing, loaded: &Loaded, host: &mut impl Host) -> Result<Prediction, EngineError> {
    let started = host.now_milliseconds();
    let (windowing, least) = (loaded.windowing(), loaded.least_columns());
    let mut teller = Teller { started, told: None, shown: started, fraction: 0.0 };
    let mut windows = Vec::new();
    while let Some(segments) = hearing.listen()? {
        teller.tell_progress(&hearing, &windows, host);
        pause(host).await?;
        for segment in segments.into_iter().filter(|segment| segment.columns >= least) {
            if windows.is_empty() {
                show(&hearing, host);
            }
            let seconds = segment.columns as f64 * loaded.front_end().seconds_per_column();
            let segment = [windowing.prepare(segment)];
            for places in windowing.places(&segment).chunks(WINDOWS_PER_BATCH) {
                teller.tell_progress(&hearing, &windows, host);
                pause(host).await?;
                let heard = loaded.hear(&segment, places).await?;
                windows
                    .extend(places.iter().zip(heard).map(|(&place, heard)| window(&segment[0], seconds, place, heard)));
            }
        }
        if !windows.is_empty() && teller.is_time_to_show(host.now_milliseconds()) {
            show(&hearing, host);
            let milliseconds = host.now_milliseconds() - started;
            host.send(Event::SoFar(prediction(loaded, &windows, milliseconds)), Payload::None);
        }
    }
    // Also where there is no answer: they may be why.
    for message in hearing.warnings() {
        host.send(Event::Warning { message }, Payload::None);
    }
    check_heard(&hearing, loaded.front_end(), least, windows.is_empty())?;
    show(&hearing, host);
    Ok(prediction(loaded, &windows, host.now_milliseconds() - started))
}

/// Sends the spectrogram of what is heard.
fn show(hearing: &Hearing, host: &mut impl Host) {
    let (info, values) = hearing.spectrogram();
    host.send(Event::Spectrogram(info), Payload::Floats(values));
}

/// A window's answer with its place in the recording; its segment is so many seconds long.
fn window(segment: &Segment, seconds: f64, place: Place, heard: Heard) -> (WindowScores, Vec<Vec<f32>>) {
    let at =
        |column: usize| segment.start_seconds + seconds * column.min(segment.columns) as f64 / segment.columns as f64;
    let (start_seconds, end_seconds) = (at(place.start), at(place.start + place.columns));
    (WindowScores { start_seconds, end_seconds, probabilities: heard.probabilities }, heard.tags)
}

/// A window and, of every network that it was heard through, its tags.
type WindowAndTags = (WindowScores, Vec<Vec<f32>>);

fn prediction(loaded: &Loaded, windows: &[WindowAndTags], milliseconds: f64) -> Prediction {
    let card = &loaded.card;
    let tags = loaded.tag_cards().enumerate().map(|(index, card)| TagPrediction {
        model: card.name.clone(),
        labels: card.labels.clone(),
        tags: scores(&card.labels, windows.iter().map(|(_, tags)| tags[index].as_slice())),
        windows: windows.iter().map(|(_, tags)| tags[index].clone()).collect(),
    });
    Prediction {
        model: card.name.clone(),
        labels: card.labels.clone(),
        many_labels: card.many_labels,
        genres: scores(&card.labels, windows.iter().map(|(window, _)| window.probabilities.as_slice())),
        windows: windows.iter().map(|(window, _)| window.clone()).collect(),
        tags: tags.collect(),
        milliseconds,
    }
}

/// What all windows together say of every label, most probable first.
fn scores<'a>(labels: &[String], windows: impl Iterator<Item = &'a [f32]>) -> Vec<Score> {
    let score = |(label, probability): (&String, f32)| Score { label: label.clone(), probability };
    let mut scores: Vec<Score> = labels.iter().zip(song_probabilities(windows)).map(score).collect();
    scores.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    scores
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
    fn tell_progress(&mut self, hearing: &Hearing, windows: &[WindowAndTags], host: &mut impl Host) {
        let now = host.now_milliseconds();
        if self.told.is_some_and(|told| now - told < PROGRESS_MILLISECONDS) {
            return;
        }
        self.told = Some(now);
        let heard_seconds = hearing.heard_seconds();
        let duration_seconds = hearing.duration_seconds();
        let whole = duration_seconds.unwrap_or(heard_seconds / f64::from(hearing.fraction())).max(heard_seconds);
        let named_seconds = windows.last().map_or(0.0, |(window, _)| window.end_seconds);
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
