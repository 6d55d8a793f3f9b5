//! Lessons: a visitor's clips, heard once for the network that is to learn from them, and the training.

use std::collections::HashMap;

use super::classify::check_audible;
use super::resolved_model::{Embedder, ResolvedModel};
use super::{Engine, EngineError, Host, opened, pause};
use crate::audio::Source;
use crate::audio_pipeline::AudioPipeline;
use crate::dataset::labelled_set::LabelledSet;
use crate::dsp::Segment;
use crate::eval::evaluation::{Evaluation, rounded};
use crate::eval::report::EpochReport;
use crate::model::predict::AdaptiveBatch;
use crate::model::weights::{self, Precision, WeightsError};
use crate::model::windows::{InputSpec, WindowSpan};
use crate::protocol::{Event, Payload, TrainControl};
use crate::train::embeddings::{feature_segment, inputs};
use crate::train::observer::{Cancelled, FitError, TrainObserver};
use crate::train::predict::predict_songs;
use crate::training_job::{ClipId, ModelSpec, Split, TrainingJob, TrainingResult};

/// Time between two words on how far a training is, in milliseconds.
const STEP_MILLISECONDS: f64 = 100.0;

/// Time between two checkpoints of a training, in milliseconds: what is lost at most, and an epoch.
const CHECKPOINT_MILLISECONDS: f64 = 5_000.0;

/// The most windows of a clip that are heard where what is heard is all that is learned from, spread over all of it: of
/// MusiCNN's about a minute. With all windows of whole songs, the CPU engine would hear a hundred of them for an hour.
const WINDOWS_PER_CLIP: usize = 24;

/// What is kept of clips, for one kind of student.
#[derive(Default)]
pub struct FeatureCache {
    model: Option<ModelSpec>,
    clips: HashMap<ClipId, CachedClip>,
}

struct CachedClip {
    seconds: f64,
    windows: usize,
    /// As the student's windows are cut from them; for a head, a column of features a window.
    segments: Vec<Segment>,
}

impl Engine {
    /// InputKind a clip for a student, and keeps that.
    pub(super) async fn embed(
        &mut self,
        clip: ClipId,
        model: ModelSpec,
        payload: Payload<Box<dyn Source>>,
        sample_rate: Option<u32>,
        host: &mut impl Host,
    ) -> Result<Event, EngineError> {
        if self.features.model.as_ref() != Some(&model) {
            self.features = FeatureCache { model: Some(model.clone()), clips: HashMap::new() };
        }
        if let Some(CachedClip { seconds, windows, .. }) = self.features.clips.get(&clip) {
            return Ok(Event::Embedded { seconds: *seconds, windows: *windows });
        }
        let model = self.model(&model)?;
        let mut pipeline = opened(payload, sample_rate, model.input_spec().front_end)?;
        let cached = embed(&mut pipeline, &model, AdaptiveBatch::new(&self.device), host).await?;
        for message in pipeline.warnings() {
            host.send(Event::Warning { message }, Payload::None);
        }
        let event = Event::Embedded { seconds: cached.seconds, windows: cached.windows };
        self.features.clips.insert(clip, cached);
        Ok(event)
    }

    /// The clips of one part with what was heard of them.
    fn set(&self, job: &TrainingJob, split: Split) -> Result<LabelledSet, EngineError> {
        let (mut set, places) = job.subset(split);
        let own = self.features.model.as_ref() == Some(&job.model);
        for (song, place) in set.songs.iter_mut().zip(places) {
            let clip = &job.clips[place];
            let cached = self.features.clips.get(&clip.id).filter(|_| own);
            let not_embedded = || EngineError::NotEmbedded { clip: clip.name.clone() };
            song.segments.clone_from(&cached.ok_or_else(not_embedded)?.segments);
        }
        Ok(set)
    }

    /// Holds a lesson, from a checkpoint where there is one: the event that tells what came of it, and the weights.
    pub(super) async fn train(
        &self,
        job: &TrainingJob,
        checkpoint: Option<Vec<u8>>,
        host: &mut impl Host,
    ) -> Result<(Event, Vec<u8>), EngineError> {
        let [train, valid] = [self.set(job, Split::Train)?, self.set(job, Split::Valid)?];
        let model = self.model(&job.model)?;
        let mut card = model.card(job, [train.songs.len(), valid.songs.len()]);
        let blueprint = card.blueprint().map_err(WeightsError::from)?;
        let started = host.now_milliseconds();
        let mut observer = HostObserver { host, told: f64::NEG_INFINITY, saved: started, checkpoint };
        let (fitted, part, windowing) =
            model.fit(&blueprint, &job.recipe, [&train, &valid], self, &mut observer).await?;
        let mut answers = vec![Vec::new(); job.clips.len()];
        for (set, side) in [(&train, Split::Train), (&valid, Split::Valid)] {
            let found = predict_songs(&fitted.network, part, &windowing, set, &mut observer).await?;
            job.subset(side).1.into_iter().zip(found).for_each(|(place, answer)| answers[place] = answer);
        }
        let evaluated: Vec<Vec<f32>> =
            job.subset(Split::Valid).1.into_iter().map(|place| answers[place].clone()).collect();
        card.figures.extend(Evaluation::of(&valid, &evaluated).figures("valid"));
        let result = TrainingResult {
            epochs: fitted.epochs,
            answers,
            parameters: fitted.network.parameters(),
            milliseconds: observer.host.now_milliseconds() - started,
        };
        card.figures.insert("seconds".to_owned(), rounded(result.milliseconds / 1000.0));
        let weights = weights::to_bytes(&fitted.network, &card, Precision::F32).await?;
        card.sha256 = weights::sha256_hex(&weights);
        Ok((Event::Trained { card: Box::new(card), result: Box::new(result) }, weights))
    }
}

/// InputKind a recording to its end: as segments, or as what the layers that learn are to decide from.
async fn embed(
    pipeline: &mut AudioPipeline,
    model: &ResolvedModel,
    mut batch: AdaptiveBatch,
    host: &mut impl Host,
) -> Result<CachedClip, EngineError> {
    let InputSpec { front_end, windowing, least_columns } = model.input_spec();
    let (mut segments, mut rows) = (Vec::new(), Vec::new());
    let (mut windows, mut spread) = (0, None);
    while let Some(more) = pipeline.next_segments()? {
        pause(host).await?;
        for segment in more.into_iter().filter(|segment| segment.columns >= *least_columns) {
            let seconds = segment.columns as f64 * front_end.seconds_per_column();
            let segment = [windowing.prepare(segment)];
            let places = windowing.spans(&segment);
            if matches!(model.embedder(), Embedder::Segments) {
                windows += places.len();
                segments.extend(segment);
                continue;
            }
            let whole = pipeline.duration_seconds().unwrap_or(seconds);
            let spread = spread.get_or_insert_with(|| Spread::over(places.len() as f64 * whole / seconds));
            let places: Vec<WindowSpan> = places.into_iter().filter(|_| spread.takes_next()).collect();
            windows += places.len();
            let mut left = places.as_slice();
            while !left.is_empty() {
                pause(host).await?;
                let places = batch.take(&mut left, host.now_milliseconds());
                rows.extend(match model.embedder() {
                    Embedder::Segments => Vec::new(),
                    Embedder::Backbones(backbones) => backbones.embed_windows(windowing, &segment, places).await?.rows,
                    Embedder::FrozenLayers(network, part) => inputs(network, part, windowing, &segment, places).await?,
                });
            }
        }
    }
    check_audible(pipeline, front_end, *least_columns, windows == 0)?;
    if !rows.is_empty() {
        segments.push(feature_segment(&rows));
    }
    Ok(CachedClip { seconds: pipeline.processed_seconds(), windows, segments })
}

/// Takes one of every so many windows of a clip, beginning with the first.
struct Spread {
    every: usize,
    met: usize,
}

impl Spread {
    /// Over so many windows.
    fn over(windows: f64) -> Self {
        Self { every: ((windows / WINDOWS_PER_CLIP as f64).ceil() as usize).max(1), met: 0 }
    }

    fn takes_next(&mut self) -> bool {
        self.met += 1;
        (self.met - 1).is_multiple_of(self.every)
    }
}

/// Watches a training for a host.
struct HostObserver<'a, H> {
    host: &'a mut H,
    /// When the last step was told, and when the last checkpoint, in milliseconds.
    told: f64,
    saved: f64,
    /// Where the run goes on from.
    checkpoint: Option<Vec<u8>>,
}

impl<H: Host> TrainObserver for HostObserver<'_, H> {
    fn step(&mut self, step: usize, steps: usize) {
        let now = self.host.now_milliseconds();
        if now - self.told >= STEP_MILLISECONDS {
            self.told = now;
            self.host.send(Event::Step { step, steps }, Payload::None);
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.host.send(Event::Epoch(Box::new(report.clone())), Payload::None);
    }

    fn stop(&self) -> bool {
        self.host.control() == TrainControl::Stop
    }

    fn resume(&mut self) -> Option<Vec<u8>> {
        self.checkpoint.take()
    }

    fn wants_checkpoint(&self) -> bool {
        self.host.now_milliseconds() - self.saved >= CHECKPOINT_MILLISECONDS
    }

    fn checkpoint(&mut self, epoch: usize, bytes: Vec<u8>) {
        self.saved = self.host.now_milliseconds();
        self.host.send(Event::Checkpoint { epoch }, Payload::Bytes(bytes));
    }

    async fn pause(&mut self) -> Result<(), Cancelled> {
        self.host.pause().await;
        if self.host.cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

impl From<FitError> for EngineError {
    fn from(error: FitError) -> Self {
        match error {
            FitError::Cancelled(_) => Self::Cancelled,
            FitError::Device(error) => Self::Device(error),
            error => Self::Training(error),
        }
    }
}
