//! The engine: requests in, events out. It owns the device, the loaded networks and the features of a visitor's clips. It
//! runs in a worker in the browser and directly in native tests, and knows neither. One module per kind of request:
//! [`classify`](mod@classify), `train`, `thumbnail`, `unpack`, `self_test`.

pub mod classify;
mod quick_look;
mod resolved_model;
mod self_test;
mod song;
mod thumbnail;
mod train;
mod unpack;

use burn::tensor::{Device, ExecutionError};

use self::classify::classify_on;
pub use self::self_test::self_test_input;
use self::song::predict_segment;
use self::thumbnail::make_thumbnail;
use self::train::{FeatureCache, check_size};
use self::unpack::unpack;
use crate::archive::ArchiveError;
use crate::audio::{AudioError, Clip, Source};
use crate::audio_pipeline::AudioPipeline;
use crate::card::Card;
use crate::dsp::{FrontEnd, Segment};
use crate::model::Loaded;
use crate::model::predict::WindowBatch;
use crate::model::weights::WeightsError;
use crate::protocol::{
    Coverage, EngineInfo, Event, Payload, PredictedWindow, Prediction, Progress, Request, SegmentShape, TrainControl,
};
use crate::train::observer::FitError;

/// The surroundings that an engine runs in: a worker, a terminal, a test.
pub trait Host {
    /// Sends an event of the current request.
    fn send(&mut self, event: Event, payload: Payload);
    /// True once the current request is cancelled.
    fn cancelled(&self) -> bool;
    /// What the current request should do, if it is a training.
    fn control(&self) -> TrainControl {
        TrainControl::Run
    }
    /// Hands control back: in a browser, messages arrive only here. While a training should pause, this does not return.
    fn pause(&mut self) -> impl Future<Output = ()>;
    /// Milliseconds since a fixed moment.
    fn now_milliseconds(&self) -> f64;
    /// Gives a segment of the current classification to another engine, its values row-major `[columns, bands]`; false if
    /// none wants it.
    fn give_segment(&mut self, _number: usize, _shape: SegmentShape, _values: &[f32]) -> bool {
        false
    }
    /// What other engines have made of segments since the last call, by their numbers; `None` for one that failed.
    fn returned_segments(&mut self) -> Vec<(usize, Option<Vec<PredictedWindow>>)> {
        Vec::new()
    }
    /// Waits until there may be a returned segment, or the request is cancelled.
    fn segment_returns(&mut self) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// Why a request failed. The texts are for users.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The audio file cannot be decoded.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The recording is shorter than the network's shortest window.
    #[error("the recording is only {seconds:.2} s long; at least {needed:.2} s are needed: choose a longer one")]
    TooShort {
        /// The length of the recording.
        seconds: f64,
        /// The length of the shortest window.
        needed: f64,
    },
    /// All samples are zero.
    #[error("the recording is silent from beginning to end; choose another one")]
    Silent,
    /// The weights do not fit, or a network that is needed is not loaded.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network's answer is NaN.
    #[error("'{network}' gives no numbers for this recording, so its weights are damaged; use another network")]
    NotFinite {
        /// The network's name.
        network: String,
    },
    /// The request needs a network, and none is in use.
    #[error("no network is loaded yet")]
    NoNetwork,
    /// The request's payload is missing or of another kind.
    #[error("the request came without its data")]
    NoPayload,
    /// A clip of a training job was not embedded, or for another model.
    #[error("{clip} has no features yet for this model")]
    NotEmbedded {
        /// The name of the clip.
        clip: String,
    },
    /// The values of features do not fill their segments.
    #[error("the features of a clip have {found} values instead of {expected}; reload the page")]
    FeatureShape {
        /// The number of values that came.
        found: usize,
        /// The number of values of all segments.
        expected: usize,
    },
    /// The network to fine-tune is a head on other networks.
    #[error("'{network}' is a head on other networks, which cannot be trained further; train a new head instead")]
    IsHead {
        /// The network's name.
        network: String,
    },
    /// The training job cannot be run.
    #[error(transparent)]
    Training(FitError),
    /// The device was lost.
    #[error("the engine failed ({0}); reload the page, or choose the CPU engine")]
    Device(#[from] ExecutionError),
    /// The request was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// A device, the networks on it, and the features of clips.
pub struct Engine {
    info: EngineInfo,
    device: Device,
    loaded: Option<Loaded>,
    /// Networks that others use as feature extractors.
    backbones: Vec<Loaded>,
    /// The features of embedded clips.
    features: FeatureCache,
}

impl Engine {
    /// An engine on a device, without a network.
    pub fn new(info: EngineInfo, device: Device) -> Self {
        Self { info, device, loaded: None, backbones: Vec::new(), features: FeatureCache::default() }
    }

    /// An engine on the processor, without a network.
    #[cfg(feature = "cpu")]
    pub fn on_cpu() -> Self {
        Self::new(EngineInfo { kind: crate::protocol::EngineKind::Cpu, adapter: None }, Device::flex())
    }

    /// The engine's kind and its device.
    pub fn info(&self) -> &EngineInfo {
        &self.info
    }

    /// Handles one request. Every outcome is an event, and the last event sent answers the request.
    pub async fn handle(&mut self, request: Request, payload: Payload<Box<dyn Source>>, host: &mut impl Host) {
        let (answer, file) = match request {
            Request::Load { card } => (self.load(*card, payload), None),
            Request::LoadBackbone { card } => (self.load_backbone(*card, payload), None),
            Request::Classify { file, sample_rate } => {
                let prediction = self.classify(payload, sample_rate, host).await;
                (prediction.map(Event::Classified), Some(file))
            }
            Request::Embed { clip, file, sample_rate, model, keep: true } => {
                (self.embed(clip, model, payload, sample_rate, host).await, Some(file))
            }
            Request::Embed { file, sample_rate, model, keep: false, .. } => {
                match self.features(&model, payload, sample_rate, host).await {
                    Ok((features, values)) => return host.send(Event::Features(features), Payload::Floats(values)),
                    Err(error) => (Err(error), Some(file)),
                }
            }
            Request::KeepFeatures { clip, model, features } => {
                (self.keep_features(clip, model, &features, payload), None)
            }
            Request::KeptClips { model } => (Ok(self.kept_clips(&model)), None),
            Request::PredictSegment { shape } => (self.predict_segment(shape, payload, host).await, None),
            Request::Thumbnail { file, sample_rate } => match make_thumbnail(payload, sample_rate, host).await {
                Ok((thumbnail, picture)) => return host.send(thumbnail, Payload::Bytes(picture)),
                Err(error) => (Err(error), Some(file)),
            },
            Request::Unpack { file } => (unpack(payload, host).await, Some(file)),
            Request::Train { job } => match self.train(&job, checkpoint(payload), host).await {
                Ok((trained, weights)) => return host.send(trained, Payload::Bytes(weights)),
                // No file name: a training job has many clips, and its errors name the clip.
                Err(error) => (Err(error), None),
            },
            Request::Registry => (Ok(Self::registry()), None),
            Request::SelfTest => (self.self_test(host).await.map(Event::SelfTested), None),
            // They are for the running request, whose host passes them on.
            Request::Cancel { .. }
            | Request::Control { .. }
            | Request::Share { .. }
            | Request::SegmentPredicted { .. } => return,
        };
        host.send(answer.unwrap_or_else(|error| failure(error, file)), Payload::None);
    }

    fn load(&mut self, card: Card, payload: Payload<Box<dyn Source>>) -> Result<Event, EngineError> {
        let loaded = self.network_of(card, payload)?;
        let event = loaded_event(&loaded);
        self.loaded = Some(loaded);
        Ok(event)
    }

    fn load_backbone(&mut self, card: Card, payload: Payload<Box<dyn Source>>) -> Result<Event, EngineError> {
        let loaded = self.network_of(card, payload)?;
        let event = loaded_event(&loaded);
        let other =
            |backbone: &Loaded| backbone.card.name == loaded.card.name && backbone.card.sha256 != loaded.card.sha256;
        if self.backbones.iter().any(other) {
            // The cached features may come from the previous network of this name.
            self.features = FeatureCache::default();
        }
        // One network per name: cards refer to backbones by name.
        self.backbones.retain(|backbone| backbone.card.name != loaded.card.name);
        self.backbones.push(loaded);
        Ok(event)
    }

    fn network_of(&self, card: Card, payload: Payload<Box<dyn Source>>) -> Result<Loaded, EngineError> {
        let Payload::Bytes(bytes) = payload else { return Err(EngineError::NoPayload) };
        Ok(Loaded::new(bytes, card, &self.backbones, &self.device)?)
    }

    async fn classify(
        &self,
        payload: Payload<Box<dyn Source>>,
        sample_rate: Option<u32>,
        host: &mut impl Host,
    ) -> Result<Prediction, EngineError> {
        let loaded = self.loaded.as_ref().ok_or(EngineError::NoNetwork)?;
        let pipeline = opened(payload, sample_rate, loaded.front_end())?;
        classify_on(self.info.kind, pipeline, Coverage::Whole, loaded, host).await
    }

    async fn predict_segment(
        &self,
        shape: SegmentShape,
        payload: Payload<Box<dyn Source>>,
        host: &mut impl Host,
    ) -> Result<Event, EngineError> {
        let loaded = self.loaded.as_ref().ok_or(EngineError::NoNetwork)?;
        let Payload::Floats(values) = payload else { return Err(EngineError::NoPayload) };
        let SegmentShape { start_seconds, columns, bands } = shape;
        let (least, of_network) = (loaded.min_frames(), loaded.front_end().mel_bands);
        if columns < least || bands != of_network {
            let expected = columns.max(least).saturating_mul(of_network);
            return Err(EngineError::FeatureShape { found: values.len(), expected });
        }
        check_size(std::slice::from_ref(&shape), &values)?;
        let segment = Segment { start_seconds, columns, bands, values };
        let batch = WindowBatch::new(&self.device, loaded.windowing().frames);
        // The page sees that this engine works.
        let on_batch = |fraction: f64, host: &mut _| {
            let progress = Progress { processed_seconds: 0.0, duration_seconds: None, fraction: fraction as f32 };
            Host::send(host, Event::Progress(progress), Payload::None);
        };
        Ok(Event::SegmentPredicted(predict_segment(loaded, segment, &batch, host, on_batch).await?))
    }
}

/// The audio pipeline of a request's payload, for a front end.
fn opened(
    payload: Payload<Box<dyn Source>>,
    sample_rate: Option<u32>,
    front_end: &'static FrontEnd,
) -> Result<AudioPipeline, EngineError> {
    match (payload, sample_rate) {
        (Payload::File(source), _) => Ok(AudioPipeline::open(source, front_end)?),
        // Decoded by the browser.
        (Payload::Floats(samples), Some(sample_rate)) => {
            Ok(AudioPipeline::from_clip(Clip { samples, sample_rate }, front_end)?)
        }
        _ => Err(EngineError::NoPayload),
    }
}

/// The checkpoint that a training resumes from.
fn checkpoint(payload: Payload<Box<dyn Source>>) -> Option<Vec<u8>> {
    match payload {
        Payload::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn loaded_event(loaded: &Loaded) -> Event {
    Event::Loaded { model: loaded.card.name.clone(), architecture: loaded.architecture() }
}

fn failure(error: EngineError, file: Option<String>) -> Event {
    let message = file.map_or_else(|| error.to_string(), |file| format!("{file}: {error}"));
    match error {
        EngineError::Cancelled => Event::Cancelled,
        // The page then lets the browser decode the file and sends its samples.
        EngineError::Audio(AudioError::Unsupported(_)) => Event::Unsupported { message },
        EngineError::Training(FitError::Diverged(_)) => Event::Diverged { message },
        _ => Event::Failed { message },
    }
}

async fn pause(host: &mut impl Host) -> Result<(), EngineError> {
    host.pause().await;
    if host.cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
}
