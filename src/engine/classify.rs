//! Classification of one recording, with its spectrogram and its progress on the way.

use super::quick_look::Pieces;
use super::song::Song;
use super::{EngineError, Host, pause};
use crate::audio::Source;
use crate::audio_pipeline::AudioPipeline;
use crate::dsp::{FrontEnd, Segment};
use crate::eval::probabilities::song_probabilities;
use crate::model::Loaded;
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
use crate::model::predict::is_cpu;
use crate::model::windows::InputSpec;
use crate::protocol::{
    Coverage, EngineKind, Event, Payload, PredictedWindow, Prediction, Progress, Score, TagPrediction,
};

/// Time between two progress events, in milliseconds.
const PROGRESS_MILLISECONDS: f64 = 100.0;
/// Time between two spectrograms and predictions of the recording so far, in milliseconds, and as a share of all time so
/// far: the longer the recording, the more there is to send, and the less of it is new.
const SO_FAR_MILLISECONDS: f64 = 1_000.0;
const SO_FAR_SHARE: f64 = 0.1;

/// The segments of a whole recording, prepared for a network: for training and evaluation.
///
/// # Errors
///
/// [`EngineError::Audio`], [`EngineError::TooShort`] or [`EngineError::Silent`].
pub fn input_segments(source: impl Source + 'static, input_spec: &InputSpec) -> Result<Vec<Segment>, EngineError> {
    let &InputSpec { front_end, windowing, min_frames } = input_spec;
    let mut pipeline = AudioPipeline::open(source, front_end)?;
    let mut segments = Vec::new();
    while let Some(more) = pipeline.next_segments()? {
        segments.extend(more.into_iter().filter(|segment| segment.columns >= min_frames));
    }
    check_audible(&pipeline, front_end, min_frames, segments.is_empty())?;
    Ok(segments.into_iter().map(|segment| windowing.prepare(segment)).collect())
}

/// The error of a recording that was read to its end and gives no prediction.
pub(super) fn check_audible(
    pipeline: &AudioPipeline,
    front_end: &FrontEnd,
    min_frames: usize,
    is_empty: bool,
) -> Result<(), EngineError> {
    if pipeline.is_silent() {
        return Err(EngineError::Silent);
    }
    if is_empty {
        let needed = min_frames as f64 * front_end.seconds_per_column();
        return Err(EngineError::TooShort { seconds: pipeline.processed_seconds(), needed });
    }
    Ok(())
}

/// As [`classify_on`], on the device that holds the network.
///
/// # Errors
///
/// As [`classify_on`].
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
pub(crate) async fn classify(
    pipeline: AudioPipeline,
    coverage: Coverage,
    loaded: &Loaded,
    host: &mut impl Host,
) -> Result<Prediction, EngineError> {
    let kind = if is_cpu(&loaded.network().device()) { EngineKind::Cpu } else { EngineKind::Gpu };
    classify_on(kind, pipeline, coverage, loaded, host).await
}

/// Classifies a recording on an engine of this kind; on the way sends its progress, and the spectrogram and the prediction so far.
///
/// # Errors
///
/// [`EngineError::Audio`], [`EngineError::TooShort`] or [`EngineError::Silent`]; [`EngineError::Device`] if the device is
/// lost; [`EngineError::Cancelled`].
pub(super) async fn classify_on(
    kind: EngineKind,
    mut pipeline: AudioPipeline,
    coverage: Coverage,
    loaded: &Loaded,
    host: &mut impl Host,
) -> Result<Prediction, EngineError> {
    let started = host.now_milliseconds();
    let least = loaded.min_frames();
    let mut reporter = Reporter { started, sent: None, shown: started, fraction: 0.0 };
    let mut song = Song::new(kind, loaded);
    let mut pieces = Pieces::new(coverage, loaded);
    while let Some(segments) = pipeline.next_segments()? {
        reporter.send_progress(&pipeline, song.predicted_seconds(), host);
        pause(host).await?;
        for segment in segments.into_iter().filter(|segment| segment.columns >= least) {
            let Some(segment) = pieces.next(segment, pipeline.expected_seconds()) else { continue };
            if song.is_empty() {
                show(&pipeline, host);
            }
            let is_last = pipeline.fraction() >= 1.0;
            song.add(segment, is_last, host, |predicted, host| reporter.send_progress(&pipeline, predicted, host))
                .await?;
        }
        if !song.is_empty() && reporter.is_time_to_show(host.now_milliseconds()) {
            show(&pipeline, host);
            let milliseconds = host.now_milliseconds() - started;
            host.send(Event::SoFar(prediction(loaded, &song.windows(), milliseconds)), Payload::None);
        }
    }
    song.finish(host, |predicted, host| reporter.send_progress(&pipeline, predicted, host)).await?;
    // Before the check: a warning may be the reason why there is no prediction.
    for message in pipeline.warnings() {
        host.send(Event::Warning { message }, Payload::None);
    }
    check_audible(&pipeline, loaded.front_end(), least, song.is_empty())?;
    show(&pipeline, host);
    let quick_look = pieces.summary(pipeline.processed_seconds());
    Ok(Prediction { quick_look, ..prediction(loaded, &song.windows(), host.now_milliseconds() - started) })
}

/// Sends the spectrogram of the recording so far.
fn show(pipeline: &AudioPipeline, host: &mut impl Host) {
    let (info, values) = pipeline.spectrogram();
    host.send(Event::Spectrogram(info), Payload::Floats(values));
}

fn prediction(loaded: &Loaded, windows: &[&PredictedWindow], milliseconds: f64) -> Prediction {
    let card = &loaded.card;
    let tags = loaded.backbones().tag_cards().enumerate().map(|(index, card)| TagPrediction {
        model: card.name.clone(),
        labels: card.labels.clone(),
        tags: scores(&card.labels, windows.iter().map(|window| window.tags[index].as_slice())),
        windows: windows.iter().map(|window| window.tags[index].clone()).collect(),
    });
    Prediction {
        model: card.name.clone(),
        labels: card.labels.clone(),
        multi_label: card.multi_label,
        genres: scores(&card.labels, windows.iter().map(|window| window.scores.probabilities.as_slice())),
        windows: windows.iter().map(|window| window.scores.clone()).collect(),
        tags: tags.collect(),
        quick_look: None,
        milliseconds,
    }
}

/// The song's score of every label, the most probable first.
fn scores<'a>(labels: &[String], windows: impl Iterator<Item = &'a [f32]>) -> Vec<Score> {
    let score = |(label, probability): (&String, f32)| Score { label: label.clone(), probability };
    let mut scores: Vec<Score> = labels.iter().zip(song_probabilities(windows)).map(score).collect();
    // Of numbers: a network that gives others is refused above.
    scores.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    scores
}

/// Sends progress events now and then. Times are in milliseconds.
struct Reporter {
    started: f64,
    /// The time of the last progress event.
    sent: Option<f64>,
    /// The time of the last spectrogram.
    shown: f64,
    /// The largest fraction sent so far: the estimate wavers if the file does not state its length.
    fraction: f32,
}

impl Reporter {
    fn send_progress(&mut self, pipeline: &AudioPipeline, predicted_seconds: f64, host: &mut impl Host) {
        let now = host.now_milliseconds();
        if self.sent.is_some_and(|sent| now - sent < PROGRESS_MILLISECONDS) {
            return;
        }
        self.sent = Some(now);
        let processed_seconds = pipeline.processed_seconds();
        let duration_seconds = pipeline.duration_seconds();
        let whole = pipeline.expected_seconds().map_or(f64::INFINITY, |seconds| seconds.max(processed_seconds));
        // Decoding with the front end and the network take about the same time.
        let fraction = ((processed_seconds + predicted_seconds) / (2.0 * whole).max(f64::MIN_POSITIVE)) as f32;
        self.fraction = fraction.clamp(self.fraction, 1.0);
        let progress = Progress { processed_seconds, duration_seconds, fraction: self.fraction };
        host.send(Event::Progress(progress), Payload::None);
    }

    /// True if the last spectrogram is old enough for another.
    fn is_time_to_show(&mut self, now: f64) -> bool {
        let due = now - self.shown >= SO_FAR_MILLISECONDS.max(SO_FAR_SHARE * (now - self.started));
        if due {
            self.shown = now;
        }
        due
    }
}
