//! Training on a visitor's clips: their features are computed once and cached, then training jobs use them.

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
use crate::model::predict::WindowBatch;
use crate::model::weights::{self, Precision, WeightsError};
use crate::model::windows::{InputSpec, WindowSpan};
use crate::protocol::{Event, Features, KeptClip, Payload, SegmentShape, TrainControl};
use crate::train::embeddings::{feature_segment, inputs};
use crate::train::observer::{Cancelled, FitError, TrainObserver};
use crate::training_job::{ClipId, ModelSpec, Split, TrainingJob, TrainingResult};

/// Time between two progress events of a training, in milliseconds.
const STEP_MILLISECONDS: f64 = 100.0;

/// Time between two checkpoints of a training, in milliseconds: a crash loses at most this and one epoch.
const CHECKPOINT_MILLISECONDS: f64 = 5_000.0;

/// The most windows of a clip that go through backbones or frozen layers, spread over all of it: about a minute of
/// MusiCNN's windows. With all windows of a hundred whole songs, the CPU engine would take an hour.
const WINDOWS_PER_CLIP: usize = 24;

/// The features of clips, all for one model.
#[derive(Default)]
pub(super) struct FeatureCache {
    model: Option<ModelSpec>,
    clips: HashMap<ClipId, CachedClip>,
}

struct CachedClip {
    seconds: f64,
    windows: usize,
    /// Prepared for the model's windows, or one segment with a column of features per window.
    segments: Vec<Segment>,
}

impl Engine {
    /// Computes a clip's features for a model and caches them.
    pub(super) async fn embed(
        &mut self,
        clip: ClipId,
        model: ModelSpec,
        payload: Payload<Box<dyn Source>>,
        sample_rate: Option<u32>,
        host: &mut impl Host,
    ) -> Result<Event, EngineError> {
        self.features.keep_only(&model);
        if let Some(cached) = self.features.clips.get(&clip) {
            return Ok(cached.event());
        }
        let cached = self.compute_features(&model, payload, sample_rate, host).await?;
        let event = cached.event();
        self.features.clips.insert(clip, cached);
        Ok(event)
    }

    /// Computes a clip's features for a model and gives them away, for the cache of another engine.
    pub(super) async fn features(
        &self,
        model: &ModelSpec,
        payload: Payload<Box<dyn Source>>,
        sample_rate: Option<u32>,
        host: &mut impl Host,
    ) -> Result<(Features, Vec<f32>), EngineError> {
        let CachedClip { seconds, windows, segments } =
            self.compute_features(model, payload, sample_rate, host).await?;
        let shape = |segment: &Segment| SegmentShape {
            start_seconds: segment.start_seconds,
            columns: segment.columns,
            bands: segment.bands,
        };
        let features = Features { seconds, windows, segments: segments.iter().map(shape).collect() };
        Ok((features, segments.into_iter().flat_map(|segment| segment.values).collect()))
    }

    /// Caches a clip's features that another engine has computed.
    pub(super) fn keep_features(
        &mut self,
        clip: ClipId,
        model: ModelSpec,
        features: &Features,
        payload: Payload<Box<dyn Source>>,
    ) -> Result<Event, EngineError> {
        let Payload::Floats(values) = payload else { return Err(EngineError::NoPayload) };
        self.features.keep_only(&model);
        let cached = CachedClip::of(features, &values)?;
        let event = cached.event();
        self.features.clips.insert(clip, cached);
        Ok(event)
    }

    /// The clips whose features for this model are cached.
    pub(super) fn kept_clips(&self, model: &ModelSpec) -> Event {
        let own = self.features.model.as_ref() == Some(model);
        let kept = |(clip, cached): (&ClipId, &CachedClip)| KeptClip { clip: clip.clone(), seconds: cached.seconds };
        Event::KeptClips(self.features.clips.iter().filter(|_| own).map(kept).collect())
    }

    async fn compute_features(
        &self,
        model: &ModelSpec,
        payload: Payload<Box<dyn Source>>,
        sample_rate: Option<u32>,
        host: &mut impl Host,
    ) -> Result<CachedClip, EngineError> {
        let model = self.model(model)?;
        let mut pipeline = opened(payload, sample_rate, model.input_spec().front_end)?;
        let batch = WindowBatch::new(&self.device, model.input_spec().windowing.frames);
        let computed = embed(&mut pipeline, &model, batch, host).await?;
        for message in pipeline.warnings() {
            host.send(Event::Warning { message }, Payload::None);
        }
        Ok(computed)
    }

    /// The clips of one split with their cached features.
    fn set(&self, job: &TrainingJob, split: Split) -> Result<LabelledSet, EngineError> {
        let (mut set, indices) = job.subset(split);
        let own = self.features.model.as_ref() == Some(&job.model);
        for (song, index) in set.songs.iter_mut().zip(indices) {
            let clip = &job.clips[index];
            let cached = self.features.clips.get(&clip.id).filter(|_| own);
            let not_embedded = || EngineError::NotEmbedded { clip: clip.name.clone() };
            song.segments.clone_from(&cached.ok_or_else(not_embedded)?.segments);
        }
        Ok(set)
    }

    /// Runs a training job, from a checkpoint if there is one: the event of its result, and the weights.
    pub(super) async fn train(
        &self,
        job: &TrainingJob,
        checkpoint: Option<Vec<u8>>,
        host: &mut impl Host,
    ) -> Result<(Event, Vec<u8>), EngineError> {
        let [train, valid] = [self.set(job, Split::Train)?, self.set(job, Split::Valid)?];
        let model = self.model(&job.model)?;
        // The card comes first: the network is built from it, exactly as from a card in a file.
        let mut card = model.card(job, [train.songs.len(), valid.songs.len()]);
        let blueprint = card.blueprint().map_err(WeightsError::from)?;
        let started = host.now_milliseconds();
        let mut observer = HostObserver { host, sent: f64::NEG_INFINITY, saved: started, checkpoint };
        let fitted = model.fit(&blueprint, &job.recipe, [&train, &valid], &self.device, &mut observer).await?;
        // For all clips, also those trained on: the page lists clips whose own label the network does not predict.
        let mut answers = vec![Vec::new(); job.clips.len()];
        for (set, split) in [(&train, Split::Train), (&valid, Split::Valid)] {
            let found = fitted.predict(set, &mut observer).await?;
            job.subset(split).1.into_iter().zip(found).for_each(|(index, row)| answers[index] = row);
        }
        let evaluated: Vec<Vec<f32>> =
            job.subset(Split::Valid).1.into_iter().map(|index| answers[index].clone()).collect();
        card.figures.extend(Evaluation::of(&valid, &evaluated).figures("valid"));
        let result = TrainingResult {
            epochs: fitted.epochs,
            warning: fitted.diverged.map(|diverged| diverged.to_string()),
            answers,
            parameters: fitted.network.parameters(),
            milliseconds: observer.host.now_milliseconds() - started,
        };
        card.figures.insert("seconds".to_owned(), rounded(result.milliseconds / 1000.0));
        // In float32, so that nothing is lost if training goes on from these weights.
        let weights = weights::to_bytes(&fitted.network, &card, Precision::F32).await?;
        card.sha256 = weights::sha256_hex(&weights);
        Ok((Event::Trained { card: Box::new(card), result: Box::new(result) }, weights))
    }
}

impl FeatureCache {
    /// Drops the features of any other model: they would never be used again, and they take memory.
    fn keep_only(&mut self, model: &ModelSpec) {
        if self.model.as_ref() != Some(model) {
            *self = Self { model: Some(model.clone()), clips: HashMap::new() };
        }
    }
}

/// Checks that values fill segments of these sizes, which come from another worker.
pub(super) fn check_size(segments: &[SegmentShape], values: &[f32]) -> Result<(), EngineError> {
    let size = |shape: &SegmentShape| shape.columns.checked_mul(shape.bands);
    let expected = segments.iter().try_fold(0_usize, |sum, shape| sum.checked_add(size(shape)?));
    if expected == Some(values.len()) {
        return Ok(());
    }
    Err(EngineError::FeatureShape { found: values.len(), expected: expected.unwrap_or(usize::MAX) })
}

impl CachedClip {
    /// From the shapes of its segments and all of their values.
    fn of(features: &Features, values: &[f32]) -> Result<Self, EngineError> {
        check_size(&features.segments, values)?;
        let mut left = values;
        let segment = |&SegmentShape { start_seconds, columns, bands }: &SegmentShape| {
            let (own, others) = left.split_at(columns * bands);
            left = others;
            Segment { start_seconds, columns, bands, values: own.to_vec() }
        };
        let segments = features.segments.iter().map(segment).collect();
        Ok(Self { seconds: features.seconds, windows: features.windows, segments })
    }

    fn event(&self) -> Event {
        Event::Embedded { seconds: self.seconds, windows: self.windows }
    }
}

/// Reads a recording to its end: as segments, or as features of its windows.
async fn embed(
    pipeline: &mut AudioPipeline,
    model: &ResolvedModel,
    batch: WindowBatch,
    host: &mut impl Host,
) -> Result<CachedClip, EngineError> {
    let InputSpec { front_end, windowing, min_frames } = model.input_spec();
    let (mut segments, mut rows) = (Vec::new(), Vec::new());
    let (mut windows, mut spread) = (0, None);
    while let Some(more) = pipeline.next_segments()? {
        pause(host).await?;
        for segment in more.into_iter().filter(|segment| segment.columns >= *min_frames) {
            let seconds = segment.columns as f64 * front_end.seconds_per_column();
            let segment = [windowing.prepare(segment)];
            let spans = windowing.spans(&segment);
            if matches!(model.embedder(), Embedder::Segments) {
                windows += spans.len();
                segments.extend(segment);
                continue;
            }
            // A file that does not state its length is taken to be as long as its first segment.
            let whole = pipeline.duration_seconds().unwrap_or(seconds);
            let spread = spread.get_or_insert_with(|| Spread::over(spans.len() as f64 * whole / seconds));
            let spans: Vec<WindowSpan> = spans.into_iter().filter(|_| spread.takes_next()).collect();
            windows += spans.len();
            let mut left = spans.as_slice();
            // In small batches: a cancel is noticed between them.
            while !left.is_empty() {
                pause(host).await?;
                let spans = batch.take(&mut left);
                rows.extend(match model.embedder() {
                    Embedder::Segments => Vec::new(),
                    Embedder::Backbones(backbones) => backbones.embed_windows(windowing, &segment, spans).await?.rows,
                    Embedder::FrozenLayers(network, part) => inputs(network, part, windowing, &segment, spans).await?,
                });
            }
        }
    }
    check_audible(pipeline, front_end, *min_frames, windows == 0)?;
    if !rows.is_empty() {
        segments.push(feature_segment(&rows));
    }
    Ok(CachedClip { seconds: pipeline.processed_seconds(), windows, segments })
}

/// Takes every n-th window of a clip, beginning with the first.
struct Spread {
    every: usize,
    seen: usize,
}

impl Spread {
    /// For a clip with about so many windows.
    fn over(windows: f64) -> Self {
        Self { every: ((windows / WINDOWS_PER_CLIP as f64).ceil() as usize).max(1), seen: 0 }
    }

    fn takes_next(&mut self) -> bool {
        self.seen += 1;
        (self.seen - 1).is_multiple_of(self.every)
    }
}

/// Passes the events of a training to a host.
struct HostObserver<'a, H> {
    host: &'a mut H,
    /// The time of the last progress event, in milliseconds.
    sent: f64,
    /// The time of the last checkpoint, in milliseconds.
    saved: f64,
    /// The checkpoint that the run resumes from.
    checkpoint: Option<Vec<u8>>,
}

impl<H: Host> TrainObserver for HostObserver<'_, H> {
    fn step(&mut self, step: usize, steps: usize) {
        let now = self.host.now_milliseconds();
        // A head takes thousands of steps a second; a message for each would block the page.
        if now - self.sent >= STEP_MILLISECONDS {
            self.sent = now;
            self.host.send(Event::Step { step, steps }, Payload::None);
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.host.send(Event::Epoch(Box::new(report.clone())), Payload::None);
    }

    fn stop(&self) -> bool {
        // Pausing is not handled here: the host does not return from `pause` meanwhile.
        self.host.control() == TrainControl::Stop
    }

    fn resume(&mut self) -> Option<Vec<u8>> {
        self.checkpoint.take()
    }

    fn wants_checkpoint(&self) -> bool {
        self.host.now_milliseconds() - self.saved >= CHECKPOINT_MILLISECONDS
    }

    fn checkpoint(&mut self, epoch: usize, bytes: Vec<u8>) {
        // Not from the last due time: a slow epoch must not cause several checkpoints in a row.
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
            // A lost device has a text of its own, whatever the request was.
            FitError::Device(error) => Self::Device(error),
            error => Self::Training(error),
        }
    }
}
