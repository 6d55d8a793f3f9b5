//! What the page stores on the device from one visit to the next, and the state of that storage.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::eval::report::EpochReport;
use crate::training_job::{ClipId, TrainingJob};
use crate::view::classify::networks::{Catalogue, CatalogueEntry};
use crate::view::train::class::Class;
use crate::view::train::dataset::Dataset;
use crate::view::train::state::TrainingState;

/// What the storage is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorageStatus {
    /// The stored data is being loaded.
    Loading,
    /// Everything is stored.
    #[default]
    Saved,
    /// Something is being written.
    Busy,
    /// Nothing can be stored.
    Off,
}

impl StorageStatus {
    /// Its name in the section's `data-storage`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Saved => "saved",
            Self::Busy => "busy",
            Self::Off => "off",
        }
    }
}

/// Why something is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageError {
    /// The browser lets this page store nothing, for a reason in its words.
    Unavailable(String),
    /// The site is open in another tab, which writes everything: two writers would undo each other's changes.
    OtherTab,
    /// The quota is used up, or the disk is full.
    Full,
    /// Anything else, in the browser's words.
    Other(String),
}

/// The space that the site takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Used by this site.
    pub used: f64,
    /// Granted by the browser.
    pub granted: f64,
    /// False if the browser may delete it when the disk is full.
    pub lasting: bool,
}

/// A training run as it is stored, beside the bytes of its checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedRun {
    /// The job, its clips split into training and validation.
    #[serde(alias = "lesson")]
    pub job: TrainingJob,
    /// Number of finished epochs.
    pub epoch: usize,
    /// The reports of the epochs that were validated.
    pub epochs: Vec<EpochReport>,
}

/// A dataset as it is stored, beside the files of its clips.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredDataset {
    /// The classes with their clips.
    pub classes: Vec<Class>,
    /// True if a network is to be trained on its tags instead of its classes.
    pub wants_tags: bool,
}

impl StoredDataset {
    /// What is stored of a dataset.
    pub fn of(dataset: &Dataset) -> Self {
        Self { classes: dataset.classes().to_vec(), wants_tags: dataset.wants_tags() }
    }

    /// True if this is what is stored of the dataset: it has not changed.
    pub(crate) fn is_of(&self, dataset: &Dataset) -> bool {
        self.classes == dataset.classes() && self.wants_tags == dataset.wants_tags()
    }
}

/// Everything about storage that the page shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct StorageState {
    /// What the storage is doing.
    pub status: StorageStatus,
    /// Why something is not stored.
    pub error: Option<StorageError>,
    /// The space used; `None` before it is known.
    pub usage: Option<Usage>,
    /// A training run that was interrupted and can be resumed.
    pub interrupted: Option<SavedRun>,
    /// The network that was deleted last, and can be restored.
    pub deleted: Option<String>,
    /// True while the page asks if everything is to be deleted.
    pub confirms_deletion: bool,
    /// A remark about the last action.
    pub notice: Option<String>,
}

impl StorageState {
    /// Takes an error to show. One that prevents all storage replaces any other; of the others the first one stays.
    pub(crate) fn report(&mut self, error: StorageError) {
        let unavailable = matches!(error, StorageError::Unavailable(_) | StorageError::OtherTab);
        // Without a store nothing is written, so that nothing sets another status.
        if unavailable {
            self.status = StorageStatus::Off;
        }
        if unavailable || self.error.is_none() {
            self.error = Some(error);
        }
    }
}

/// What is stored, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageContents {
    /// Clips of the dataset.
    pub clips: usize,
    /// The user's own networks.
    pub networks: usize,
    /// Finished training runs.
    pub runs: usize,
}

impl StorageContents {
    /// Counts what the page has.
    pub fn of(training: &TrainingState, list: Option<&Catalogue>) -> Self {
        let networks = own_networks(list).count();
        Self { clips: training.dataset.clips(), networks, runs: training.runs.len() }
    }
}

/// The user's own networks.
pub(crate) fn own_networks(list: Option<&Catalogue>) -> impl Iterator<Item = &CatalogueEntry> + Clone {
    list.into_iter().flat_map(|list| &list.networks).filter(|offer| offer.own)
}

/// Removes the clips whose files are missing, and returns their names.
pub(crate) fn remove_missing(classes: &mut [Class], files: &HashSet<&str>) -> Vec<String> {
    let mut missing = Vec::new();
    for class in classes {
        class.clips.retain(|clip| {
            let exists = files.contains(clip.id.as_str());
            if !exists {
                missing.push(clip.name.clone());
            }
            exists
        });
    }
    missing
}

/// The clips whose files are needed: those of the dataset and of an interrupted training run.
pub(crate) fn required_clips<'a>(classes: &'a [Class], running: Option<&'a SavedRun>) -> HashSet<&'a ClipId> {
    // An interrupted run needs its clips even if they were removed from the dataset since.
    let of_run = running.into_iter().flat_map(|running| &running.job.clips).map(|clip| &clip.id);
    classes.iter().flat_map(|class| &class.clips).map(|clip| &clip.id).chain(of_run).collect()
}

/// True if the file name has the ending of weights files, `.safetensors`.
pub(crate) fn is_weights(name: &str) -> bool {
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

    /// A training run of one clip after 7 of 60 epochs.
    pub(crate) fn running() -> SavedRun {
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
    fn clips_without_files_are_named() {
        let mut classes = [class("a", &["1", "2"]), class("b", &["3"])];
        assert_eq!(remove_missing(&mut classes, &["1", "9"].into()), ["2.wav", "3.wav"]);
        assert_eq!([classes[0].clips.len(), classes[1].clips.len()], [1, 0]);
    }

    #[test]
    fn an_interrupted_training_requires_its_clips_even_if_they_were_removed() {
        let (classes, running) = ([class("a", &["1"]), class("b", &["1", "2"])], running());
        let ids = |running| {
            let mut ids: Vec<&str> = required_clips(&classes, running).into_iter().map(String::as_str).collect();
            ids.sort_unstable();
            ids.join(" ")
        };
        assert_eq!([ids(None), ids(Some(&running))], ["1 2", "1 2 z"]);
    }

    #[test]
    fn the_first_error_is_shown_unless_a_worse_one_follows() {
        let mut storage = StorageState::default();
        storage.report(StorageError::Full);
        storage.report(StorageError::Other("x".to_owned()));
        assert_eq!((storage.error.clone(), storage.status), (Some(StorageError::Full), StorageStatus::Saved));
        storage.report(StorageError::Unavailable("blocked".to_owned()));
        assert_eq!(
            (storage.error, storage.status),
            (Some(StorageError::Unavailable("blocked".to_owned())), StorageStatus::Off)
        );
    }

    #[test]
    fn weights_are_recognized_by_their_ending() {
        assert_eq!(
            ["a.safetensors", "A.SafeTensors", "a.wav", "safetensors"].map(is_weights),
            [true, true, false, false]
        );
    }
}
