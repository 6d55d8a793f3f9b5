//! What the page and its workers say to each other: plain data, without a JavaScript or a Burn type.
//!
//! A message is a small [`Request`] or [`Event`] and at most one [`Payload`], which travels beside it as a transferred
//! typed array or a file. Every request has an id that its events repeat. With id 0 come, unasked, [`Event::Ready`],
//! before which nothing is sent to a worker, and an [`Event::Failed`] that ends it. One job runs at a time, and a newer [`Request::Classify`] supersedes an
//! older one.

use serde::{Deserialize, Serialize};

pub use crate::card::Architecture;
use crate::card::Card;
pub use crate::dsp::SpectrogramInfo;
use crate::eval::report::EpochReport;
use crate::recipe::Recipe;
use crate::training_job::{ClipId, ModelSpec, TrainingJob, TrainingResult};

/// Raised whenever a message changes its shape. A worker of an older build that meets a newer page is told apart by
/// it and not used.
pub const VERSION: u32 = 7;

/// Numbers a request; the events that answer it carry the same number.
pub type RequestId = u32;

/// A request or an event under the id that ties them together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message<Body> {
    /// The request that this is, or that this answers.
    pub id: RequestId,
    /// What is said.
    pub body: Body,
}

/// The bulk data that goes with a message, moved and never copied through serde.
///
/// `File` is what a file is on this side: the browser's own on the page, something to read from in a worker, and
/// nothing at all in events, which carry none.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Payload<File = ()> {
    /// Nothing.
    #[default]
    None,
    /// A file as a whole: a network's weights, a checkpoint, one of an archive; or a thumbnail's loudness.
    Bytes(Vec<u8>),
    /// A spectrogram's values, or samples.
    Floats(Vec<f32>),
    /// A file that is read where the work is done, piece by piece.
    File(File),
}

impl<File> Payload<File> {
    /// The same with another idea of a file.
    pub fn map_file<Other>(self, map: impl FnOnce(File) -> Other) -> Payload<Other> {
        match self {
            Self::None => Payload::None,
            Self::Bytes(bytes) => Payload::Bytes(bytes),
            Self::Floats(floats) => Payload::Floats(floats),
            Self::File(file) => Payload::File(map(file)),
        }
    }
}

/// What the page asks of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Use this network from now on. What it listens through was loaded before. Payload: its weights,
    /// [`Payload::Bytes`]. Answered by [`Event::Loaded`]; where that fails, the network used before stays in use.
    Load {
        /// What the weights are; they are refused where they do not fit it.
        card: Box<Card>,
    },
    /// Keep this network for others to listen through. Payload: its weights, [`Payload::Bytes`]. Answered by
    /// [`Event::Loaded`].
    LoadBackbone {
        /// What the weights are; they are refused where they do not fit it.
        card: Box<Card>,
    },
    /// Name the genre of a recording. Payload: the file, [`Payload::File`], or its samples, [`Payload::Floats`], where
    /// the browser has decoded it. Answered by [`Event::Spectrogram`] and [`Event::SoFar`] while it is heard, and by
    /// [`Event::Classified`] in the end.
    Classify {
        /// The file's name, for messages.
        file: String,
        /// Samples a second of a payload of samples, in Hz; `None` where the payload is a file.
        sample_rate: Option<u32>,
    },
    /// Hear a clip as this student will, and keep that for lessons. Payload: as with [`Request::Classify`]. Answered by
    /// [`Event::Embedded`], at once where that was done before. What was kept for another kind of student is dropped.
    Embed {
        /// The clip.
        clip: ClipId,
        /// The file's name, for messages.
        file: String,
        /// Samples a second of a payload of samples, in Hz; `None` where the payload is a file.
        sample_rate: Option<u32>,
        /// Who will learn from it.
        model: ModelSpec,
    },
    /// Hear the beginning of a clip for a thumbnail of its spectrogram. Payload: as with [`Request::Classify`]. Answered
    /// by [`Event::Thumbnail`].
    Thumbnail {
        /// The file's name, for messages.
        file: String,
        /// Samples a second of a payload of samples, in Hz; `None` where the payload is a file.
        sample_rate: Option<u32>,
    },
    /// Take the files out of a `.zip` archive. Payload: the archive, [`Payload::File`]. Answered by an
    /// [`Event::Unpacking`] for every file on the way, and by [`Event::Unpacked`] in the end.
    Unpack {
        /// The archive's name, for messages.
        file: String,
    },
    /// Train a network on clips that were embedded. Payload: nothing, or the [`Event::Checkpoint`] of the same lesson from
    /// which it goes on, [`Payload::Bytes`]. Answered by [`Event::Step`], [`Event::Epoch`] and [`Event::Checkpoint`] on the
    /// way, and by [`Event::Trained`] in the end. The network in use stays in use.
    Train {
        /// What is to be learned.
        job: Box<TrainingJob>,
    },
    /// Steers the training of this id, if it still runs. Not answered.
    Control {
        /// The training.
        request: RequestId,
        /// What it should do.
        control: TrainControl,
    },
    /// Which networks can learn from fresh weights. Answered by [`Event::Registry`].
    Registry,
    /// Run the loaded network on a fixed input, for comparing and timing engines. Answered by [`Event::SelfTested`].
    SelfTest,
    /// Give up the request of this id, if it still runs. Answered by [`Event::Cancelled`] under that id.
    Cancel {
        /// The request to give up.
        request: RequestId,
    },
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The worker listens. Sent once, with id 0.
    Ready {
        /// [`VERSION`] of the worker's build.
        protocol: u32,
        /// What it computes with.
        engine: EngineInfo,
    },
    /// The network is in place.
    Loaded {
        /// The name on its card.
        model: String,
        /// How it is built.
        architecture: Architecture,
    },
    /// How far a classification has come.
    Progress(Progress),
    /// The recording's mel-spectrogram as far as it is heard; each replaces the one before. Payload:
    /// [`Payload::Floats`], dB below the maximum, row-major `[frames, bands]`, lowest band first.
    Spectrogram(SpectrogramInfo),
    /// The genres of what is heard so far; each replaces the one before.
    SoFar(Prediction),
    /// The genres.
    Classified(Prediction),
    /// The clip is heard and kept.
    Embedded {
        /// Its length, in seconds.
        seconds: f64,
        /// How many windows of it there are to learn from.
        windows: usize,
    },
    /// A training has made another step; told a few times a second.
    Step {
        /// Steps made.
        step: usize,
        /// Steps in all.
        steps: usize,
    },
    /// A training has come to the end of an epoch, and was validated.
    Epoch(Box<EpochReport>),
    /// Everything that a training needs to go on after this epoch, as if it had never stopped. Payload:
    /// [`Payload::Bytes`], for [`Request::Train`]. Told every few seconds at most, and after a validated epoch only.
    Checkpoint {
        /// Epochs that are over.
        epoch: usize,
    },
    /// A clip's beginning was heard. Payload: [`Payload::Bytes`], loudness 0 to 255, row-major `[columns, bands]`, lowest
    /// band first.
    Thumbnail {
        /// The clip's length, in seconds, where the file tells; else of what was heard of it.
        seconds: f64,
        /// Time steps of the thumbnail.
        columns: usize,
        /// Mel bands of the thumbnail.
        bands: usize,
    },
    /// A file of an archive. Payload: its bytes, [`Payload::Bytes`].
    Unpacking {
        /// Its path in the archive, with `/` between folders.
        path: String,
    },
    /// All files of an archive were told.
    Unpacked {
        /// Sentences on those that were left out.
        left_out: Vec<String>,
    },
    /// The network has learned. Payload: its weights in float32, [`Payload::Bytes`], for [`Request::Load`].
    Trained {
        /// What it is, with its figures.
        card: Box<Card>,
        /// What came of the lesson.
        result: Box<TrainingResult>,
    },
    /// The networks that can learn from fresh weights.
    Registry(Vec<ArchitectureInfo>),
    /// The network's answer to the fixed input.
    SelfTested(SelfTest),
    /// Something the user should know that did not stop the request.
    Warning {
        /// A sentence.
        message: String,
    },
    /// The file is of a format that this build does not read; the browser may.
    Unsupported {
        /// A sentence: what was expected, what was found, what to do.
        message: String,
    },
    /// The request could not be done.
    Failed {
        /// A sentence: what was expected, what was found, what to do.
        message: String,
    },
    /// The request was given up, as asked.
    Cancelled,
}

impl Event {
    /// True where nothing follows it under its id.
    pub fn is_last(&self) -> bool {
        let on_the_way =
            matches!(self, Self::Progress(_) | Self::Warning { .. } | Self::Spectrogram(_) | Self::SoFar(_));
        let of_training = matches!(self, Self::Step { .. } | Self::Epoch(_) | Self::Checkpoint { .. });
        !on_the_way && !of_training && !matches!(self, Self::Unpacking { .. })
    }
}

/// What a running training should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainControl {
    /// Go on.
    #[default]
    Run,
    /// Wait until it is told to go on.
    Pause,
    /// Stop after the step that it makes, and keep the best so far.
    Stop,
}

/// Which of the two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Burn's Flex, with SIMD, on one core.
    Cpu,
    /// Burn's wgpu, on WebGPU.
    Gpu,
}

/// What an engine computes with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// CPU or GPU.
    pub kind: EngineKind,
    /// The graphics adapter, in its driver's words; `None` for the CPU engine.
    pub adapter: Option<Adapter>,
}

/// A graphics adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adapter {
    /// What it calls itself, for people: "NVIDIA Lovelace", "Google SwiftShader".
    pub name: String,
    /// True where it is emulated on the CPU.
    pub software: bool,
}

/// A network of the registry that can learn from fresh weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArchitectureInfo {
    /// Its name in the registry: `net1`.
    pub id: String,
    /// What it is, in one sentence.
    pub summary: String,
    /// The document that it comes from.
    pub source: String,
    /// Name of its document's front end.
    pub front_end: String,
    /// Rows of its picture, where it hears pictures; the front end's bands where `None`.
    pub rows: Option<usize>,
    /// Columns of its document's windows.
    pub frames: usize,
    /// The fewest columns that it can hear.
    pub least_frames: usize,
    /// Its document's training.
    pub recipe: Recipe,
}

/// How far a classification has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// How much of the recording is heard, in seconds.
    pub processed_seconds: f64,
    /// Its length in seconds, where the file tells.
    pub duration_seconds: Option<f64>,
    /// How much of the work is done, 0 to 1.
    pub fraction: f32,
}

/// A genre and how probable it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The genre's name.
    pub label: String,
    /// 0 to 1; those of genres sum to 1, those of tags do not.
    pub probability: f32,
}

/// What the network says of one stretch of the recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowScores {
    /// Where it starts, in seconds.
    pub start_seconds: f64,
    /// Where it ends, in seconds.
    pub end_seconds: f64,
    /// One probability a label, in the order of [`Prediction::labels`].
    pub probabilities: Vec<f32>,
}

/// What a network with many labels (tags), that the one in use listens through, says of the recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagPrediction {
    /// The name of the network that says so.
    pub model: String,
    /// Every tag of it, in its own order.
    pub labels: Vec<String>,
    /// The mean of the windows' probabilities, most probable first; each for itself, so they do not sum to 1.
    pub tags: Vec<Score>,
    /// One row a window, in the order of [`Prediction::windows`]: one probability a tag, in the order of `labels`.
    pub windows: Vec<Vec<f32>>,
}

/// The genres of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The name of the network that says so.
    pub model: String,
    /// Every label of the network, in its own order.
    pub labels: Vec<String>,
    /// True where the labels are tags, of which any number may hold, and whose probabilities do not sum to 1.
    pub multi_label: bool,
    /// The mean of the windows' probabilities, most probable first.
    pub genres: Vec<Score>,
    /// The windows, in time.
    pub windows: Vec<WindowScores>,
    /// The tags of the networks that it listens through; empty where it hears for itself.
    pub tags: Vec<TagPrediction>,
    /// Listening and naming, in milliseconds; without opening the file, and without what the browser decoded.
    pub milliseconds: f64,
}

/// A network's answer to a fixed input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// The logits, row-major `[windows, classes]`.
    pub logits: Vec<f32>,
    /// Median time of a run after the first, in milliseconds.
    pub milliseconds: f64,
}
