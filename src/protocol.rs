//! The messages between the page and its workers: plain data, without a JavaScript or a Burn type.
//!
//! A message is a small [`Request`] or [`Event`] and at most one [`Payload`], which travels beside it as a transferred
//! typed array or a file. Every request has an id, which its events repeat. A worker sends two events with id 0 on its
//! own: [`Event::Ready`], before which it gets no request, and an [`Event::Failed`] that ends it. A worker does one
//! request at a time, and a newer [`Request::Classify`] supersedes an older one.

mod features;
mod prediction;

use serde::{Deserialize, Serialize};

pub use self::features::{Features, KeptClip, SegmentShape};
pub use self::prediction::{
    Coverage, PredictedWindow, Prediction, Progress, QuickLook, Score, SelfTest, TagPrediction, WindowScores,
};
pub use crate::card::Architecture;
use crate::card::Card;
pub use crate::dsp::SpectrogramInfo;
use crate::eval::report::EpochReport;
use crate::recipe::Recipe;
use crate::training_job::{ClipId, ModelSpec, TrainingJob, TrainingResult};

/// The version of the messages, raised whenever one changes its shape. The browser's cache may start a worker of another
/// build than the page's; the page recognises it by this number and does not use it.
pub const VERSION: u32 = 11;

/// The number of a request and of its events.
pub type RequestId = u32;

/// A request or an event with the id of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message<Body> {
    /// The id of the request, also in its events.
    pub id: RequestId,
    /// The request or the event.
    pub body: Body,
}

/// The bulk data of a message, which is moved and never serialised.
///
/// `File` is the type of a file: the browser's own on the page, a readable source in a worker, and `()` in events, which
/// carry no files.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Payload<File = ()> {
    /// No data.
    #[default]
    None,
    /// The bytes of a whole file (weights, a checkpoint, a file of an archive), or a thumbnail's values.
    Bytes(Vec<u8>),
    /// Audio samples, or the values of a spectrogram or of features.
    Floats(Vec<f32>),
    /// A file that the worker reads piece by piece.
    File(File),
}

impl<File> Payload<File> {
    /// The same payload with another type of file.
    pub fn map_file<Other>(self, map: impl FnOnce(File) -> Other) -> Payload<Other> {
        match self {
            Self::None => Payload::None,
            Self::Bytes(bytes) => Payload::Bytes(bytes),
            Self::Floats(floats) => Payload::Floats(floats),
            Self::File(file) => Payload::File(map(file)),
        }
    }
}

/// A request of the page to a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Use this network from now on; its backbones are loaded before. Payload: its weights, [`Payload::Bytes`]. Answered by
    /// [`Event::Loaded`]; if loading fails, the previous network stays in use.
    // Boxed, here and below: a card would make every request as large as itself.
    Load {
        /// The description of the network; weights that do not fit it are refused.
        card: Box<Card>,
    },
    /// Keep this network as a backbone for others. Payload: its weights, [`Payload::Bytes`]. Answered by
    /// [`Event::Loaded`].
    LoadBackbone {
        /// The description of the network; weights that do not fit it are refused.
        card: Box<Card>,
    },
    /// Classify a recording. Payload: the file, [`Payload::File`], or its mono samples, [`Payload::Floats`], if the browser
    /// has decoded it. Answered by [`Event::Progress`], [`Event::Spectrogram`] and [`Event::SoFar`] on the way and by
    /// [`Event::Classified`] at the end.
    Classify {
        /// The file's name, for messages.
        file: String,
        /// The sample rate in Hz of a payload of samples; `None` if the payload is a file.
        sample_rate: Option<u32>,
    },
    /// Compute a clip's features for this model. Payload: as for [`Request::Classify`]. If they are kept, answered by
    /// [`Event::Embedded`], at once if the clip is embedded already, and the features for another model are dropped;
    /// otherwise answered by [`Event::Features`].
    Embed {
        /// The identity of the clip.
        clip: ClipId,
        /// The file's name, for messages.
        file: String,
        /// The sample rate in Hz of a payload of samples; `None` if the payload is a file.
        sample_rate: Option<u32>,
        /// The model that will be trained on it.
        model: ModelSpec,
        /// True to keep the features here for training; false to send them back, for the engine that trains.
        keep: bool,
    },
    /// Keep the features of a clip that another engine has computed, as if they had been computed here. Payload: that of
    /// the other engine's [`Event::Features`]. Answered by [`Event::Embedded`].
    KeepFeatures {
        /// The identity of the clip.
        clip: ClipId,
        /// The model that will be trained on it.
        model: ModelSpec,
        /// What the other engine told of them.
        features: Features,
    },
    /// List the clips whose features for this model are kept. Answered by [`Event::KeptClips`].
    KeptClips {
        /// The model that will be trained on them.
        model: ModelSpec,
    },
    /// Predict the windows of a segment of a recording that another engine classifies with the same network. Payload: the
    /// segment's values, [`Payload::Floats`]. Answered by [`Event::SegmentPredicted`].
    PredictSegment {
        /// The segment.
        shape: SegmentShape,
    },
    /// The classification of this id, if it still runs, may give so many more segments to other engines
    /// ([`Event::Segment`]). Not answered.
    Share {
        /// The id of the classification.
        request: RequestId,
        /// How many segments.
        segments: usize,
    },
    /// What another engine has predicted of a segment that this classification gave away; it may give another. Not
    /// answered.
    SegmentPredicted {
        /// The id of the classification.
        request: RequestId,
        /// The number of the segment.
        segment: usize,
        /// Its windows; `None` if the other engine failed, and this one is to predict them itself and to give no other
        /// segment in its place.
        windows: Option<Vec<PredictedWindow>>,
    },
    /// Make a thumbnail of a clip's spectrogram from its first seconds. Payload: as for [`Request::Classify`]. Answered by
    /// [`Event::Thumbnail`].
    Thumbnail {
        /// The file's name, for messages.
        file: String,
        /// The sample rate in Hz of a payload of samples; `None` if the payload is a file.
        sample_rate: Option<u32>,
    },
    /// Unpack a `.zip` archive. Payload: the archive, [`Payload::File`]. Answered by one [`Event::Unpacking`] per file
    /// and by [`Event::Unpacked`] at the end.
    Unpack {
        /// The archive's name, for messages.
        file: String,
    },
    /// Train a model on embedded clips. Payload: none, or the payload of the same job's [`Event::Checkpoint`] to resume
    /// from. Answered by [`Event::Step`], [`Event::Epoch`] and [`Event::Checkpoint`] on the way and by
    /// [`Event::Trained`] at the end. The network in use stays in use.
    Train {
        /// The clips, the model and the settings.
        job: Box<TrainingJob>,
    },
    /// Pause, continue or stop the training of this id, if it still runs. Not answered.
    Control {
        /// The id of the training request.
        request: RequestId,
        /// What the training should do.
        control: TrainControl,
    },
    /// List the architectures that can be trained from scratch. Answered by [`Event::Registry`].
    Registry,
    /// Run the network in use on a fixed input and on a song of 30 s, to compare and time engines. Answered by [`Event::SelfTested`].
    SelfTest,
    /// Cancel the request of this id, if it still runs. Answered by [`Event::Cancelled`] with that id.
    Cancel {
        /// The id of the request to cancel.
        request: RequestId,
    },
}

/// An event that a worker sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The worker takes requests from now on. Sent once, with id 0.
    Ready {
        /// [`VERSION`] of the worker's build.
        protocol: u32,
        /// The engine and its device.
        engine: EngineInfo,
    },
    /// The network is loaded.
    Loaded {
        /// The name on its card.
        model: String,
        /// The layers and sizes of the network.
        architecture: Architecture,
    },
    /// The progress of a classification.
    Progress(Progress),
    /// The mel-spectrogram of the recording so far; each replaces the one before. Payload: [`Payload::Floats`], dB below
    /// the maximum, row-major `[frames, bands]`, lowest band first.
    Spectrogram(SpectrogramInfo),
    /// The prediction for the recording so far; each replaces the one before.
    SoFar(Prediction),
    /// A segment of the recording that another engine is to predict. Payload: its values, [`Payload::Floats`], for
    /// [`Request::PredictSegment`].
    Segment {
        /// Its number in the recording.
        segment: usize,
        /// Its place and its size.
        shape: SegmentShape,
    },
    /// The windows of a segment, in order of time.
    SegmentPredicted(Vec<PredictedWindow>),
    /// The prediction for the whole recording.
    Classified(Prediction),
    /// The clip's features are computed, and kept nowhere. Payload: [`Payload::Floats`], for [`Request::KeepFeatures`]: the
    /// values of the segments, one segment after another.
    Features(Features),
    /// The clips whose features for a model are kept.
    KeptClips(Vec<KeptClip>),
    /// The clip's features are kept.
    Embedded {
        /// The length of the clip, in seconds.
        seconds: f64,
        /// The number of windows to train on.
        windows: usize,
    },
    /// The progress of a training, at most ten times a second.
    Step {
        /// Steps done.
        step: usize,
        /// Steps in total.
        steps: usize,
    },
    /// An epoch of a training is over and validated.
    Epoch(Box<EpochReport>),
    /// The state of a training, from which it can resume as if it had never stopped. Payload: [`Payload::Bytes`], for
    /// [`Request::Train`]. Sent every five seconds at most, and only after a validated epoch.
    Checkpoint {
        /// The number of epochs that are over.
        epoch: usize,
    },
    /// The thumbnail of a clip. Payload: [`Payload::Bytes`], loudness 0 to 255, row-major `[columns, bands]`, lowest band
    /// first.
    Thumbnail {
        /// The length of the clip in seconds, if the file states it; otherwise of the part that was decoded.
        seconds: f64,
        /// Columns of the thumbnail, in time.
        columns: usize,
        /// Rows of the thumbnail: mel bands.
        bands: usize,
    },
    /// A file of an archive. Payload: its bytes, [`Payload::Bytes`].
    Unpacking {
        /// The path in the archive, with `/` between folders.
        path: String,
    },
    /// All files of an archive are sent.
    Unpacked {
        /// Sentences on the files that were left out.
        left_out: Vec<String>,
    },
    /// The training is over. Payload: the weights in float32, [`Payload::Bytes`], for [`Request::Load`].
    Trained {
        /// The description of the network, with its metrics.
        card: Box<Card>,
        /// The learning curves and the predictions for the clips.
        result: Box<TrainingResult>,
    },
    /// The architectures that can be trained from scratch.
    Registry(Vec<ArchitectureInfo>),
    /// The result of the self-test.
    SelfTested(SelfTest),
    /// Something that the user should know; the request goes on.
    Warning {
        /// A sentence.
        message: String,
    },
    /// The file has a format that this program does not decode; the browser may.
    Unsupported {
        /// A sentence: what was expected, what was found, what to do.
        message: String,
    },
    /// The request failed.
    Failed {
        /// A sentence: what was expected, what was found, what to do.
        message: String,
    },
    /// A training's losses or weights became NaN or infinite before there was an epoch to keep. No engine would do better.
    Diverged {
        /// A sentence: what happened, what to do.
        message: String,
    },
    /// The request was cancelled.
    Cancelled,
}

impl Event {
    /// True if no event with the same id follows.
    pub fn is_last(&self) -> bool {
        let on_the_way = matches!(
            self,
            Self::Progress(_) | Self::Warning { .. } | Self::Spectrogram(_) | Self::SoFar(_) | Self::Segment { .. }
        );
        let of_training = matches!(self, Self::Step { .. } | Self::Epoch(_) | Self::Checkpoint { .. });
        !on_the_way && !of_training && !matches!(self, Self::Unpacking { .. })
    }
}

/// What a training should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainControl {
    /// Train.
    #[default]
    Run,
    /// Wait until it should run or stop.
    Pause,
    /// Stop after the current step and keep the best epoch so far.
    Stop,
}

/// One of the two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Burn's Flex backend, with SIMD, on one core.
    Cpu,
    /// Burn's wgpu backend, on WebGPU.
    Gpu,
}

/// An engine and its device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// CPU or GPU.
    pub kind: EngineKind,
    /// The graphics adapter; `None` for the CPU engine.
    pub adapter: Option<Adapter>,
}

/// A graphics adapter, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adapter {
    /// Its name, for people: "NVIDIA Lovelace", "Google SwiftShader".
    pub name: String,
    /// True if it is emulated on the CPU.
    pub software: bool,
}

/// An architecture of the registry that can be trained from scratch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArchitectureInfo {
    /// Its name in the registry: `net1`.
    pub id: String,
    /// A sentence on its layers.
    pub summary: String,
    /// The paper or program that it comes from.
    pub source: String,
    /// The name of the front end in its paper.
    pub front_end: String,
    /// Rows of its input if that is a picture of fixed size; `None` for the front end's mel bands.
    pub rows: Option<usize>,
    /// Frames of a window in its paper.
    pub frames: usize,
    /// The fewest frames of a window.
    pub min_frames: usize,
    /// The training settings of its paper.
    pub recipe: Recipe,
}
