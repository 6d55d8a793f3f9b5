//! Lessons: a visitor's clips, heard once for the network that is to learn from them, and the training.

use std::collections::HashMap;

use super::classify::check_heard;
use super::{Engine, EngineError, Host, opened, pause};
use crate::audio::Source;
use crate::card::{Card, Structure};
use crate::dsp::{FrontEnd, Segment};
use crate::hearing::Hearing;
use crate::lesson::{ClipId, Learned, Lesson, Part, Student};
use crate::model::build::BlueprintError;
use crate::model::predict::WINDOWS_PER_BATCH;
use crate::model::registry::entry;
use crate::model::weights::{self, Precision, WeightsError};
use crate::model::windows::{Ears, Windowing};
use crate::model::{self, Bases};
use crate::protocol::{Event, Payload, Steering};
use crate::train::answers::song_answers;
use crate::train::fit::{Cancelled, FitError, Watcher, feature_segment, fit, fit_on_features};
use crate::train::report::EpochReport;
use crate::train::set::LabelledSet;
use crate::train::trusted::{Trusted, rounded};

/// Time between two words on how far a training is, in milliseconds.
const STEP_MILLISECONDS: f64 = 100.0;

/// What is kept of clips, for one kind of student.
#[derive(Default)]
pub struct Desk {
    student: Option<Student>,
    clips: HashMap<ClipId, Studied>,
}

struct Studied {
    seconds: f64,
    windows: usize,
    /// As the student's windows are cut from them; for a head, a column of features a window.
    segments: Vec<Segment>,
}

impl Engine {
    /// Hears a clip for a student, and keeps that.
    pub(super) async fn study(
        &mut self,
        clip: ClipId,
        student: Student,
        payload: Payload<Box<dyn Source>>,
        sample_rate: Option<u32>,
        host: &mut impl Host,
    ) -> Result<Event, EngineError> {
        if self.desk.student.as_ref() != Some(&student) {
            self.desk = Desk { student: Some(student.clone()), clips: HashMap::new() };
        }
        if let Some(Studied { seconds, windows, .. }) = self.desk.clips.get(&clip) {
            return Ok(Event::Studied { seconds: *seconds, windows: *windows });
        }
        let bases = self.bases_of(&student)?;
        let ears = match bases.ears() {
            Some(ears) => ears,
            None => fresh_card(&student)?.blueprint().map_err(WeightsError::from)?.ears(),
        };
        let mut hearing = opened(payload, sample_rate, ears.front_end)?;
        let studied = study(&mut hearing, &ears, &bases, host).await?;
        for message in hearing.warnings() {
            host.send(Event::Warning { message }, Payload::None);
        }
        let event = Event::Studied { seconds: studied.seconds, windows: studied.windows };
        self.desk.clips.insert(clip, studied);
        Ok(event)
    }

    /// The networks that a student listens through, on this device; none where it hears for itself.
    fn bases_of(&self, student: &Student) -> Result<Bases, EngineError> {
        let Student::Head { bases, .. } = student else { return Ok(Bases::default()) };
        let known = |name: &str| self.bases.iter().chain(&self.loaded).find(|base| base.card.name == name);
        let base = |(name, takes): &(String, _)| {
            known(name).map(|base| (base.clone(), *takes)).ok_or_else(|| WeightsError::Base { base: name.clone() })
        };
        let bases = Bases::new(bases.iter().map(base).collect::<Result<_, _>>()?, "a head on them")?;
        if bases.is_empty() { Err(EngineError::NoNetwork) } else { Ok(bases) }
    }

    /// The clips of one part with what was heard of them.
    fn set(&self, lesson: &Lesson, part: Part) -> Result<LabelledSet, EngineError> {
        let (mut set, places) = lesson.part(part);
        let own = self.desk.student.as_ref() == Some(&lesson.student);
        for (song, place) in set.songs.iter_mut().zip(places) {
            let clip = &lesson.clips[place];
            let studied = self.desk.clips.get(&clip.id).filter(|_| own);
            let not_studied = || EngineError::NotStudied { clip: clip.name.clone() };
            song.segments.clone_from(&studied.ok_or_else(not_studied)?.segments);
        }
        Ok(set)
    }

    /// Holds a lesson: the event that tells what came of it, and the weights.
    pub(super) async fn train(&self, lesson: &Lesson, host: &mut impl Host) -> Result<(Event, Vec<u8>), EngineError> {
        let [train, valid] = [self.set(lesson, Part::Train)?, self.set(lesson, Part::Valid)?];
        let card = self.card(lesson, [train.songs.len(), valid.songs.len()])?;
        let blueprint = card.blueprint().map_err(WeightsError::from)?;
        let started = host.now_milliseconds();
        let mut watcher = Teaching { host, told: f64::NEG_INFINITY };
        let (recipe, device) = (&lesson.recipe, &self.device);
        let (outcome, windowing) = match lesson.student {
            Student::Head { .. } => (
                fit_on_features(&blueprint, recipe, &train, &valid, device, &mut watcher).await,
                Windowing::of_features(card.structure.features),
            ),
            Student::Fresh { .. } => {
                (fit(&blueprint, recipe, &train, &valid, device, &mut watcher).await, blueprint.windowing())
            }
        };
        let outcome = outcome?;
        let mut answers = vec![Vec::new(); lesson.clips.len()];
        for (set, part) in [(&train, Part::Train), (&valid, Part::Valid)] {
            let found = song_answers(&outcome.network, model::Part::Whole, &windowing, set, &mut watcher).await?;
            lesson.part(part).1.into_iter().zip(found).for_each(|(place, answer)| answers[place] = answer);
        }
        let judged: Vec<Vec<f32>> =
            lesson.part(Part::Valid).1.into_iter().map(|place| answers[place].clone()).collect();
        let mut card = card;
        card.figures.extend(Trusted::of(&valid, &judged).figures("valid"));
        let learned = Learned {
            epochs: outcome.epochs,
            answers,
            parameters: outcome.network.parameters(),
            milliseconds: watcher.host.now_milliseconds() - started,
        };
        card.figures.insert("seconds".to_owned(), rounded(learned.milliseconds / 1000.0));
        let weights = weights::to_bytes(&outcome.network, &card, Precision::F32).await?;
        card.sha256 = weights::sha256_hex(&weights);
        Ok((Event::Trained { card: Box::new(card), learned: Box::new(learned) }, weights))
    }

    /// The card of the network that a lesson makes, without figures and SHA-256.
    fn card(&self, lesson: &Lesson, [train, valid]: [usize; 2]) -> Result<Card, EngineError> {
        let bases = self.bases_of(&lesson.student)?;
        let mut card = fresh_card(&lesson.student)?;
        if let Some(Ears { front_end, windowing, .. }) = bases.ears() {
            card.front_end = front_end.name.to_owned();
            (card.bands, card.frames) = (windowing.bands, windowing.frames);
            card.structure.features = bases.features();
            card.bases = bases.cards();
        }
        card.name.clone_from(&lesson.name);
        card.labels.clone_from(&lesson.labels);
        card.many_labels = lesson.many_labels;
        card.data = format!("a set of its user's own: {train} clips to learn from, {valid} to be judged by");
        // Without the clips, which are nobody else's business.
        let recipe = Lesson { clips: Vec::new(), ..lesson.clone() };
        card.recipe = serde_json::to_string(&recipe).unwrap_or_default();
        Ok(card)
    }
}

/// The card of a student, as far as it tells without its bases and its lesson.
fn fresh_card(student: &Student) -> Result<Card, EngineError> {
    let mut card = Card {
        name: String::new(),
        summary: String::new(),
        architecture: "head".to_owned(),
        structure: Structure::default(),
        bases: Vec::new(),
        bands: 1,
        frames: 1,
        front_end: String::new(),
        labels: vec![String::new()],
        many_labels: false,
        data: String::new(),
        recipe: String::new(),
        figures: Default::default(),
        licence: "its maker's".to_owned(),
        sha256: String::new(),
    };
    match student {
        Student::Head { hidden, .. } => card.structure.hidden = *hidden,
        Student::Fresh { architecture, front_end, rows, frames, width } => {
            let known = FrontEnd::by_name(front_end).ok_or_else(|| BlueprintError::FrontEnd(front_end.clone()));
            let known = known.map_err(WeightsError::from)?;
            card.architecture.clone_from(architecture);
            card.front_end.clone_from(front_end);
            card.structure.width = *width;
            (card.bands, card.frames) = (rows.unwrap_or(known.mel_bands), *frames);
        }
    }
    entry(&card.architecture)
        .map_err(BlueprintError::from)
        .map_err(WeightsError::from)?
        .summary
        .clone_into(&mut card.summary);
    Ok(card)
}

/// Hears a recording to its end: as segments, or through bases as features.
async fn study(
    hearing: &mut Hearing,
    ears: &Ears,
    bases: &Bases,
    host: &mut impl Host,
) -> Result<Studied, EngineError> {
    let Ears { front_end, windowing, least_columns } = ears;
    let (mut segments, mut rows) = (Vec::new(), Vec::new());
    let mut windows = 0;
    while let Some(more) = hearing.listen()? {
        pause(host).await?;
        for segment in more.into_iter().filter(|segment| segment.columns >= *least_columns) {
            let segment = [windowing.prepare(segment)];
            let places = windowing.places(&segment);
            windows += places.len();
            if bases.is_empty() {
                segments.extend(segment);
                continue;
            }
            for places in places.chunk_by(|a, b| a.columns == b.columns).flat_map(|like| like.chunks(WINDOWS_PER_BATCH))
            {
                pause(host).await?;
                rows.extend(bases.listen_to(windowing, &segment, places).await?.rows);
            }
        }
    }
    check_heard(hearing, front_end, *least_columns, windows == 0)?;
    if !rows.is_empty() {
        segments.push(feature_segment(&rows));
    }
    Ok(Studied { seconds: hearing.heard_seconds(), windows, segments })
}

/// Watches a training for a host.
struct Teaching<'a, H> {
    host: &'a mut H,
    told: f64,
}

impl<H: Host> Watcher for Teaching<'_, H> {
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
        self.host.steering() == Steering::Finish
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
            error => Self::Lesson(error),
        }
    }
}
