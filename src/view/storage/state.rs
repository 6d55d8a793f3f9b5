//! What the page keeps on the device from one visit to the next, and how that goes.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::eval::report::EpochReport;
use crate::training_job::{ClipId, TrainingJob};
use crate::view::classify::networks::{Catalogue, Offer};
use crate::view::train::class::Class;
use crate::view::train::dataset::Dataset;
use crate::view::train::state::TrainingState;

/// Where keeping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorageStatus {
    /// What was kept is being fetched.
    Fetching,
    /// Everything that should be kept is.
    #[default]
    StorageState,
    /// Something is being kept.
    Busy,
    /// Nothing can be kept.
    Off,
}

impl StorageStatus {
    /// Its name in the place's `data-status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetching => "fetching",
            Self::StorageState => "kept",
            Self::Busy => "busy",
            Self::Off => "off",
        }
    }
}

/// Why something is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageError {
    /// The browser keeps nothing for this page: in its words.
    Unavailable(String),
    /// Another page of the site, in another tab, keeps everything: two would undo each other's changes.
    Elsewhere,
    /// There is no room.
    Full,
    /// Anything else: in the browser's words.
    Other(String),
}

/// How much is kept, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// By this site.
    pub used: f64,
    /// That the browser grants it.
    pub granted: f64,
    /// False where the browser may clear it of its own accord.
    pub lasting: bool,
}

/// A lesson that runs, as it is kept besides the bytes of its checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedRun {
    /// The lesson, its clips divided.
    #[serde(alias = "lesson")]
    pub job: TrainingJob,
    /// Epochs that are over.
    pub epoch: usize,
    /// What it told of them.
    pub epochs: Vec<EpochReport>,
}

/// A collection as it is kept, besides the files of its clips.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredDataset {
    /// Its classes.
    pub classes: Vec<Class>,
    /// True where its tags are to be taught.
    pub wants_tags: bool,
}

impl StoredDataset {
    /// What there is to keep of a collection.
    pub fn of(dataset: &Dataset) -> Self {
        Self { classes: dataset.classes().to_vec(), wants_tags: dataset.wants_tags() }
    }

    /// True where this is what there is to keep of it.
    pub fn is_of(&self, dataset: &Dataset) -> bool {
        self.classes == dataset.classes() && self.wants_tags == dataset.wants_tags()
    }
}

/// Everything about keeping that the page shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StorageState {
    /// Where it is.
    pub status: StorageStatus,
    /// Why something is not kept.
    pub trouble: Option<StorageError>,
    /// How much there is.
    pub usage: Option<Usage>,
    /// A lesson that was interrupted.
    pub interrupted: Option<SavedRun>,
    /// The network that was forgotten last, and can be brought back.
    pub forgotten: Option<String>,
    /// True while the page asks whether everything is to be forgotten.
    pub asks: bool,
    /// A remark in passing.
    pub notice: Option<String>,
}

impl StorageState {
    /// What is to be told of a trouble; what keeps everything from being kept says more than the rest.
    pub fn meet(&mut self, trouble: StorageError) {
        let unavailable = matches!(trouble, StorageError::Unavailable(_) | StorageError::Elsewhere);
        if unavailable {
            self.status = StorageStatus::Off;
        }
        if unavailable || self.trouble.is_none() {
            self.trouble = Some(trouble);
        }
    }
}

/// What there is to keep, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageContents {
    /// Clips of the collection.
    pub clips: usize,
    /// The user's own networks.
    pub networks: usize,
    /// Lessons that were held.
    pub runs: usize,
}

impl StorageContents {
    /// Counts them.
    pub fn of(training: &TrainingState, list: Option<&Catalogue>) -> Self {
        let networks = own(list).count();
        Self { clips: training.dataset.clips(), networks, runs: training.runs.len() }
    }
}

/// The user's own networks.
pub fn own(list: Option<&Catalogue>) -> impl Iterator<Item = &Offer> + Clone {
    list.into_iter().flat_map(|list| &list.networks).filter(|offer| offer.own)
}

/// Takes the clips out whose files are not there any more; their names.
pub fn without_lost(classes: &mut [Class], files: &HashSet<&str>) -> Vec<String> {
    let mut lost = Vec::new();
    for class in classes {
        class.clips.retain(|clip| {
            let there = files.contains(clip.id.as_str());
            if !there {
                lost.push(clip.name.clone());
            }
            there
        });
    }
    lost
}

/// The clips whose files are needed: of a collection, and of a lesson that was interrupted.
pub fn needed<'a>(classes: &'a [Class], running: Option<&'a SavedRun>) -> HashSet<&'a ClipId> {
    let of_job = running.into_iter().flat_map(|running| &running.job.clips).map(|clip| &clip.id);
    classes.iter().flat_map(|class| &class.clips).map(|clip| &clip.id).chain(of_job).collect()
}

/// True where a file's name is that of a network's weights.
pub fn is_weights(name: &str) -> bool {
    name.to_lowercase().ends_with(".safetensors")
}

#[cfg(test)]
pub(in crate::view) mod tests {
    use super::*;
    use crate::training_job::{LabelledClip, Split};
    use crate::view::train::class::DatasetClip;
    use crate::view::train::model_options::{ModelChoices, model_spec};

    fn class(name: &str, ids: &[&str]) -> Class {
        let entry = |id: &&str| DatasetClip::new((*id).to_owned(), format!("{id}.wav"));
        Class { name: name.to_owned(), clips: ids.iter().map(entry).collect() }
    }

    /// A lesson of one clip, 7 of 60 epochs through.
    pub fn running() -> SavedRun {
        let clip = LabelledClip {
            id: "z".to_owned(),
            name: "z.wav".to_owned(),
            group: None,
            labels: vec![0],
            split: Split::Valid,
        };
        let model_spec = model_spec("lens", &ModelChoices::default(), &[]);
        let recipe = crate::recipe::Recipe { epochs: 60, ..model_spec.quick(1) };
        let (name, labels) = ("mine".to_owned(), vec!["a".to_owned()]);
        let job = TrainingJob { name, labels, multi_label: false, model: model_spec, clips: vec![clip], recipe };
        SavedRun { job, epoch: 7, epochs: Vec::new() }
    }

    #[test]
    fn clips_without_files_are_told_by_name() {
        let mut classes = [class("a", &["1", "2"]), class("b", &["3"])];
        assert_eq!(without_lost(&mut classes, &["1", "9"].into()), ["2.wav", "3.wav"]);
        assert_eq!([classes[0].clips.len(), classes[1].clips.len()], [1, 0]);
    }

    #[test]
    fn an_interrupted_lesson_needs_its_clips_wherever_they_went() {
        let (classes, running) = ([class("a", &["1"]), class("b", &["1", "2"])], running());
        let ids = |running| {
            let mut ids: Vec<&str> = needed(&classes, running).into_iter().map(String::as_str).collect();
            ids.sort_unstable();
            ids.join(" ")
        };
        assert_eq!([ids(None), ids(Some(&running))], ["1 2", "1 2 z"]);
    }

    #[test]
    fn the_first_trouble_is_told_unless_a_worse_one_comes() {
        let mut storage = StorageState::default();
        storage.meet(StorageError::Full);
        storage.meet(StorageError::Other("x".to_owned()));
        assert_eq!((storage.trouble.clone(), storage.status), (Some(StorageError::Full), StorageStatus::StorageState));
        storage.meet(StorageError::Unavailable("blocked".to_owned()));
        assert_eq!(
            (storage.trouble, storage.status),
            (Some(StorageError::Unavailable("blocked".to_owned())), StorageStatus::Off)
        );
    }

    #[test]
    fn weights_are_known_by_their_ending() {
        assert_eq!(
            ["a.safetensors", "A.SafeTensors", "a.wav", "safetensors"].map(is_weights),
            [true, true, false, false]
        );
    }
}
