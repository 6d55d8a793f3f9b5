//! One recording: its genres, its picture, how far it is.

use super::{EngineError, Host, pause};
use crate::audio::Source;
use crate::audio_pipeline::AudioPipeline;
use crate::dsp::{FrontEnd, Segment};
use crate::eval::probabilities::song_probabilities;
use crate::model::Loaded;
use crate::model::loaded::WindowPrediction;
use crate::model::predict::AdaptiveBatch;
use crate::model::windows::{InputSpec, WindowSpan};
use crate::protocol::{Event, Payload, Prediction, Progress, Score, TagPrediction, WindowScores};

/// Time between two words on how far a classification is, in milliseconds.
const PROGRESS_MILLISECONDS: f64 = 100.0;
/// Time between two pictures and answers of what is heard so far, in milliseconds, and as a share of all time so far:
/// the longer the recording, the more there is to send, and the less of it is new.
const SO_FAR_MILLISECONDS: f64 = 1_000.0;
const SO_FAR_SHARE: f64 = 0.1;

/// The segments of a whole recording as windows are cut from them, for training and measuring.
///
/// # Errors
///
/// [`EngineError::Audio`], [`EngineError::TooShort`] or [`EngineError::Silent`].
pub fn input_segments(source: impl Source + 'static, input_spec: &InputSpec) -> Result<Vec<Segment>, EngineError> {
    let &InputSpec { front_end, windowing, least_columns } = input_spec;
    let mut pipeline = AudioPipeline::open(source, front_end)?;
    let mut segments = Vec::new();
    while let Some(more) = pipeline.next_segments()? {
        segments.extend(more.into_iter().filter(|segment| segment.columns >= least_columns));
    }
    check_audible(&pipeline, front_end, least_columns, segments.is_empty())?;
    Ok(segments.into_iter().map(|segment| windowing.prepare(segment)).collect())
}

/// What keeps a recording that was heard to its end from having genres.
pub(super) fn check_audible(
    pipeline: &AudioPipeline,
    front_end: &FrontEnd,
    least: usize,
    nothing: bool,
) -> Result<(), EngineError> {
    if pipeline.is_silent() {
        return Err(EngineError::Silent);
    }
    if nothing {
        let needed = least as f64 * front_end.seconds_per_column();
        return Err(EngineError::TooShort { seconds: pipeline.processed_seconds(), needed });
    }
    Ok(())
}

/// Names the genre of a recording; on the way tells how far it is, and shows what it has heard so far.
///
/// # Errors
///
/// Whatever keeps the recording from being heard, [`EngineError::Device`], or [`EngineError::Cancelled`].
pub async fn classify(
    mut pipeline: AudioPipeline,
    loaded: &Loaded,
    host: &mut impl Host,
) -> Result<Prediction, EngineError> {
    let started = host.now_milliseconds();
    let (windowing, least) = (loaded.windowing(), loaded.least_columns());
    let mut teller = Teller { started, told: None, shown: started, fraction: 0.0 };
    let mut batch = AdaptiveBatch::new(&loaded.network().device());
    let mut windows = Vec::new();
    while let Some(segments) = pipeline.next_segments()? {
        teller.tell_progress(&pipeline, &windows, host);
        pause(host).await?;
        for segment in segments.into_iter().filter(|segment| segment.columns >= least) {
            if windows.is_empty() {
                show(&pipeline, host);
            }
            let seconds = segment.columns as f64 * loaded.front_end().seconds_per_column();
            let segment = [windowing.prepare(segment)];
            let spans = windowing.spans(&segment);
            let mut left = spans.as_slice();
            while !left.is_empty() {
                teller.tell_progress(&pipeline, &windows, host);
                pause(host).await?;
                let spans = batch.take(&mut left, host.now_milliseconds());
                let predictions = loaded.predict(&segment, spans).await?;
                windows.extend(
                    spans
                        .iter()
                        .zip(predictions)
                        .map(|(&span, prediction)| window(&segment[0], seconds, span, prediction)),
                );
            }
        }
        if !windows.is_empty() && teller.is_time_to_show(host.now_milliseconds()) {
            show(&pipeline, host);
            let milliseconds = host.now_milliseconds() - started;
            host.send(Event::SoFar(prediction(loaded, &windows, milliseconds)), Payload::None);
        }
    }
    // Also where there is no answer: they may be why.
    for message in pipeline.warnings() {
        host.send(Event::Warning { message }, Payload::None);
    }
    check_audible(&pipeline, loaded.front_end(), least, windows.is_empty())?;
    show(&pipeline, host);
    Ok(prediction(loaded, &windows, host.now_milliseconds() - started))
}

/// Sends the spectrogram of what is heard.
fn show(pipeline: &AudioPipeline, host: &mut impl Host) {
    let (info, values) = pipeline.spectrogram();
    host.send(Event::Spectrogram(info), Payload::Floats(values));
}

/// A window's answer with its place in the recording; its segment is so many seconds long.
fn window(
    segment: &Segment,
    seconds: f64,
    span: WindowSpan,
    prediction: WindowPrediction,
) -> (WindowScores, Vec<Vec<f32>>) {
    let at =
        |column: usize| segment.start_seconds + seconds * column.min(segment.columns) as f64 / segment.columns as f64;
    let (start_seconds, end_seconds) = (at(span.start), at(span.start + span.columns));
    (WindowScores { start_seconds, end_seconds, probabilities: prediction.probabilities }, prediction.tags)
}

/// A window and, of every network that it was heard through, its tags.
type WindowAndTags = (WindowScores, Vec<Vec<f32>>);

fn prediction(loaded: &Loaded, windows: &[WindowAndTags], milliseconds: f64) -> Prediction {
    let card = &loaded.card;
    let tags = loaded.backbones().tag_cards().enumerate().map(|(index, card)| TagPrediction {
        model: card.name.clone(),
        labels: card.labels.clone(),
        tags: scores(&card.labels, windows.iter().map(|(_, tags)| tags[index].as_slice())),
        windows: windows.iter().map(|(_, tags)| tags[index].clone()).collect(),
    });
    Prediction {
        model: card.name.clone(),
        labels: card.labels.clone(),
        multi_label: card.multi_label,
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
    fn tell_progress(&mut self, pipeline: &AudioPipeline, windows: &[WindowAndTags], host: &mut impl Host) {
        let now = host.now_milliseconds();
        if self.told.is_some_and(|told| now - told < PROGRESS_MILLISECONDS) {
            return;
        }
        self.told = Some(now);
        let processed_seconds = pipeline.processed_seconds();
        let duration_seconds = pipeline.duration_seconds();
        let whole =
            duration_seconds.unwrap_or(processed_seconds / f64::from(pipeline.fraction())).max(processed_seconds);
        let named_seconds = windows.last().map_or(0.0, |(window, _)| window.end_seconds);
        // Hearing and naming take about as long as each other.
        let fraction = ((processed_seconds + named_seconds) / (2.0 * whole).max(f64::MIN_POSITIVE)) as f32;
        self.fraction = fraction.clamp(self.fraction, 1.0);
        let progress = Progress { processed_seconds, duration_seconds, fraction: self.fraction };
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
