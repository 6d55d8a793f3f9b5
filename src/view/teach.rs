//! Teaching: what is collected, how a lesson goes, what came of it.

use std::collections::HashMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::collection::Collection;
use super::networks::Catalogue;
use super::recording::Recording;
use super::thumbnail::Thumbnail;
use crate::card::{Card, Takes};
use crate::lesson::{ClipId, Learned, Lesson, Part, Student};
use crate::protocol::Steering;
use crate::train::interval::{Interval, wilson};
use crate::train::measure::pairs;
use crate::train::metrics::{Metrics, argmax, metrics};
use crate::train::recipe::Recipe;
use crate::train::report::EpochReport;

/// Where a lesson is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stage {
    /// None is held.
    #[default]
    Idle,
    /// Files are being taken in.
    Adding {
        /// Files taken in.
        done: usize,
        /// All of them; 0 while they come out of an archive, and nobody knows.
        total: usize,
    },
    /// The collection is being made one file.
    Packing {
        /// Clips packed.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// The networks that the new one listens through are being fetched, or the engine started.
    Preparing {
        /// Bytes that are there.
        fetched: u64,
        /// All of them.
        total: u64,
    },
    /// The clips are being heard.
    Studying {
        /// Clips heard.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// The network learns.
    Training {
        /// Steps made.
        step: usize,
        /// Steps in all.
        steps: usize,
        /// What the user asked for.
        steering: Steering,
    },
}

impl Stage {
    /// Its name in the page's `data-stage`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Adding { .. } => "adding",
            Self::Packing { .. } => "packing",
            Self::Preparing { .. } => "preparing",
            Self::Studying { .. } => "studying",
            Self::Training { .. } => "training",
        }
    }
}

/// What the client tells of a lesson.
#[derive(Debug, Clone)]
pub enum News {
    /// What it needs is being fetched.
    Preparing {
        /// Bytes that are there.
        fetched: u64,
        /// All of them.
        total: u64,
    },
    /// So many of its clips are heard.
    Studying {
        /// Clips heard.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// A clip was heard, of so many seconds, or cannot be: a sentence.
    Heard {
        /// Which one.
        clip: ClipId,
        /// What came of it.
        outcome: Result<f64, String>,
    },
    /// The beginning of a clip was heard, for a picture of it.
    Glanced {
        /// Which one.
        clip: ClipId,
        /// The picture.
        thumbnail: Thumbnail,
    },
    /// A step was made.
    Step {
        /// Steps made.
        step: usize,
        /// Steps in all.
        steps: usize,
    },
    /// An epoch is over.
    Epoch(EpochReport),
    /// The network has learned.
    Taught(Rc<Outcome>),
    /// It came to nothing: a sentence.
    Failed(String),
    /// It was given up.
    Cancelled,
}

/// A lesson that was held, to be compared with others.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// When it ended, in milliseconds since 1970.
    pub when: f64,
    /// What came of it.
    pub outcome: Rc<Outcome>,
}

/// What came of a lesson.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The new network's card.
    pub card: Card,
    /// What was taught, as it was in the end.
    pub lesson: Lesson,
    /// What was learned.
    pub learned: Learned,
}

/// A clip with what the network says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// Its place in the lesson.
    pub clip: usize,
    /// The label that it has.
    pub truth: usize,
    /// The label that the network gives it.
    pub answer: usize,
    /// The probability that the network gives the truth, 0 to 1.
    pub of_truth: f32,
}

/// The most misses that are listed.
const MISSES: usize = 8;

impl Outcome {
    /// Figures of the clips that it was judged by.
    pub fn metrics(&self) -> Metrics {
        let (set, places) = self.lesson.part(Part::Valid);
        let answers: Vec<Vec<f32>> = places.into_iter().map(|place| self.learned.answers[place].clone()).collect();
        metrics(&self.lesson.labels, &pairs(&set, &answers))
    }

    /// Where the share of clips named rightly lies, with 95 % certainty, were there many more clips like those judged.
    pub fn interval(&self) -> Interval {
        let metrics = self.metrics();
        let right = (0..metrics.labels.len()).map(|label| metrics.confusion[label][label]).sum();
        wilson(right, metrics.n)
    }

    /// The clips that it got most wrong, the worst first, those that it learned from included: their labels may be wrong.
    pub fn misses(&self) -> Vec<Miss> {
        let miss = |(clip, answer): (usize, &Vec<f32>)| {
            let truth = *self.lesson.clips[clip].labels.first()?;
            let miss = Miss { clip, truth, answer: argmax(answer), of_truth: *answer.get(truth)? };
            (miss.answer != miss.truth).then_some(miss)
        };
        let mut misses: Vec<Miss> = self.learned.answers.iter().enumerate().filter_map(miss).collect();
        misses.sort_by(|a, b| a.of_truth.total_cmp(&b.of_truth));
        misses.truncate(MISSES);
        misses
    }
}

/// A network that can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pupil {
    /// Its name in the choice box.
    pub id: &'static str,
    /// What it is, for people.
    pub name: &'static str,
    /// What it is good for: a sentence.
    pub about: &'static str,
}

/// A new head on what MusiCNN hears.
pub const HEAD: Pupil = Pupil {
    id: "head",
    name: "a new head on MusiCNN",
    about: "MusiCNN has heard two hundred thousand songs and stays as it is; only what decides from it is new. Best with \
            few clips, and done in seconds.",
};

/// All of them; those from fresh weights by their architecture's name.
pub const PUPILS: &[Pupil] = &[
    HEAD,
    Pupil {
        id: "lens",
        name: "lens, from scratch",
        about: "A small network of our own that knows nothing yet. It wants a hundred clips or more.",
    },
    Pupil {
        id: "net1",
        name: "net1, from scratch",
        about: "The network of duplicated convolutional layers, from fresh weights. It wants hundreds of clips.",
    },
    Pupil {
        id: "net2",
        name: "net2, from scratch",
        about: "Its contrast with added instead of duplicated layers, from fresh weights. It wants hundreds of clips.",
    },
    Pupil {
        id: "fma-cnn1d-shallow",
        name: "fma-cnn1d-shallow, from scratch",
        about: "Four convolutions over time, from fresh weights. It wants hundreds of clips.",
    },
];

/// Columns of the windows of networks from fresh weights: 3 s of `gtzan-logmel`.
const FRAMES: usize = 39;

/// The networks that MusiCNN is, by name.
const MUSICNN: [&str; 2] = ["musicnn-msd", "musicnn-mtt"];

/// The pupils that can be had on a site with these networks.
pub fn pupils(list: &Catalogue) -> impl Iterator<Item = &'static Pupil> {
    let has_musicnn = MUSICNN.iter().all(|name| list.offer(name).is_some());
    PUPILS.iter().filter(move |pupil| has_musicnn || pupil.id != HEAD.id)
}

/// The student of a pupil's name.
pub fn student(id: &str) -> Student {
    if id == HEAD.id {
        let bases = MUSICNN.map(|name| (name.to_owned(), Takes::Features)).to_vec();
        return Student::Head { bases, hidden: 0 };
    }
    let (architecture, front_end) = (id.to_owned(), "gtzan-logmel".to_owned());
    Student::Fresh { architecture, front_end, rows: None, frames: FRAMES, width: 1.0 }
}

/// Ready-made settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// A first result soon.
    #[default]
    Quick,
    /// The best that the clips give.
    Thorough,
}

impl Preset {
    /// The preset of this name in the choice box.
    pub fn of(name: &str) -> Self {
        if name == "thorough" { Self::Thorough } else { Self::Quick }
    }

    /// Its settings for a student and as many clips.
    pub fn recipe(self, student: &Student, clips: usize) -> Recipe {
        match self {
            Self::Quick => student.quick(clips),
            Self::Thorough => student.thorough(clips),
        }
    }
}

/// Everything about teaching that the page shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Teaching {
    /// The clips.
    pub collection: Collection,
    /// Small pictures of them, as far as they were looked at.
    pub thumbnails: HashMap<ClipId, Thumbnail>,
    /// What is being recorded.
    pub recording: Option<Recording>,
    /// Where the lesson is.
    pub stage: Stage,
    /// What it told so far.
    pub epochs: Rc<Vec<EpochReport>>,
    /// What came of the last one.
    pub outcome: Option<Rc<Outcome>>,
    /// Every lesson that was held and not forgotten, the oldest first.
    pub runs: Rc<Vec<Run>>,
    /// Why it came to nothing: a sentence.
    pub error: Option<String>,
    /// A remark in passing.
    pub notice: Option<String>,
}

impl Teaching {
    /// True while a lesson is held, or files are being taken in.
    pub fn is_busy(&self) -> bool {
        self.stage != Stage::Idle
    }

    /// A lesson begins.
    pub fn begin(&mut self) {
        (self.epochs, self.outcome, self.error, self.notice) = (Rc::default(), None, None, None);
        self.stage = Stage::Preparing { fetched: 0, total: 0 };
    }

    /// Takes what the client tells.
    pub fn apply(&mut self, news: News) {
        if let News::Heard { clip, outcome } = &news {
            return self.collection.heard(clip, outcome);
        }
        if let News::Glanced { clip, thumbnail } = news {
            self.thumbnails.insert(clip, thumbnail);
            return;
        }
        // What comes later is of a lesson that was given up.
        if !self.is_busy() {
            return;
        }
        let steering = match self.stage {
            Stage::Training { steering, .. } => steering,
            _ => Steering::Go,
        };
        match news {
            News::Preparing { fetched, total } => self.stage = Stage::Preparing { fetched, total },
            News::Studying { done, total } => self.stage = Stage::Studying { done, total },
            News::Step { step, steps } => self.stage = Stage::Training { step, steps, steering },
            News::Epoch(report) => Rc::make_mut(&mut self.epochs).push(report),
            News::Taught(outcome) => (self.stage, self.outcome) = (Stage::Idle, Some(outcome)),
            News::Failed(error) => (self.stage, self.error) = (Stage::Idle, Some(super::words::sentence(error))),
            News::Cancelled => self.stage = Stage::Idle,
            News::Heard { .. } | News::Glanced { .. } => {}
        }
    }

    /// The user steers the training.
    pub fn steer(&mut self, wanted: Steering) {
        if let Stage::Training { steering, .. } = &mut self.stage {
            *steering = wanted;
        }
    }
}

/// A lesson's name that no network has yet.
pub fn free_name(wanted: &str, list: Option<&Catalogue>) -> String {
    let wanted: String = wanted.trim().chars().filter(|letter| !letter.is_control()).take(60).collect();
    let wanted = if wanted.is_empty() { "my network".to_owned() } else { wanted };
    let taken = |name: &str| list.is_some_and(|list| list.offer(name).is_some());
    if !taken(&wanted) {
        return wanted;
    }
    (2..).map(|number| format!("{wanted} {number}")).find(|name| !taken(name)).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Clip;
    use crate::train::report::Scores;

    fn outcome(answers: &[[f32; 2]]) -> Outcome {
        let clip = |index: usize| Clip {
            id: index.to_string(),
            name: format!("{index}.wav"),
            group: None,
            labels: vec![index % 2],
            part: if index < 2 { Part::Train } else { Part::Valid },
        };
        let lesson = Lesson {
            name: "mine".to_owned(),
            labels: ["a", "b"].map(String::from).to_vec(),
            many_labels: false,
            student: student("lens"),
            clips: (0..answers.len()).map(clip).collect(),
            recipe: Recipe::default(),
        };
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        let learned = Learned { epochs: Vec::new(), answers, parameters: 1, milliseconds: 1.0 };
        Outcome { card: super::super::words::tests::in_use().card, lesson, learned }
    }

    #[test]
    fn only_clips_that_it_never_learned_from_count() {
        let outcome = outcome(&[[0.1, 0.9], [0.0, 1.0], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0.1, 0.9]]);
        let metrics = outcome.metrics();
        assert_eq!((metrics.n, metrics.accuracy), (4, 0.75));
        assert_eq!(metrics.confusion, [[1, 1], [0, 2]]);
        let Interval { low, high } = outcome.interval();
        assert!(low > 0.25 && low < 0.35 && high > 0.9 && high < 1.0, "{low} {high}");
        let misses: Vec<usize> = outcome.misses().iter().map(|miss| miss.clip).collect();
        assert_eq!(misses, [0, 4], "the worst first, of both parts");
    }

    fn report(epoch: usize) -> EpochReport {
        let valid = Scores::Classes { accuracy: 0.5, balanced_accuracy: 0.5 };
        EpochReport { epoch, train_loss: 1.0, step_losses: vec![1.0], valid_loss: 1.0, valid, best: true }
    }

    #[test]
    fn a_lesson_goes_from_preparing_to_its_outcome() {
        let mut teaching = Teaching::default();
        teaching.apply(News::Studying { done: 1, total: 2 });
        assert_eq!(teaching.stage, Stage::Idle, "none is held");
        teaching.begin();
        teaching.apply(News::Studying { done: 1, total: 2 });
        teaching.apply(News::Step { step: 1, steps: 9 });
        teaching.steer(Steering::Hold);
        teaching.apply(News::Step { step: 2, steps: 9 });
        assert_eq!(teaching.stage, Stage::Training { step: 2, steps: 9, steering: Steering::Hold });
        teaching.apply(News::Epoch(report(1)));
        teaching.apply(News::Taught(Rc::new(outcome(&[]))));
        assert_eq!((teaching.stage, teaching.epochs.len(), teaching.outcome.is_some()), (Stage::Idle, 1, true));
        teaching.begin();
        assert!(teaching.outcome.is_none() && teaching.epochs.is_empty());
        teaching.apply(News::Failed("no device".to_owned()));
        assert_eq!(teaching.error.as_deref(), Some("no device."));
    }

    #[test]
    fn a_name_is_free() {
        let list = Catalogue::parse(
            br#"{"first": "a", "default": "a", "networks": [{"name": "a", "summary": "", "bytes": 1}]}"#,
        )
        .unwrap();
        assert_eq!(free_name(" a ", Some(&list)), "a 2");
        assert_eq!(free_name("", None), "my network");
        assert!(pupils(&list).all(|pupil| pupil.id != HEAD.id), "without MusiCNN there is no head on it");
    }
}
