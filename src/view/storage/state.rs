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
    /// Something could not be written, and will be tried again.
    Failed,
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
            Self::Failed => "failed",
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
    /// A later version of the page stores here in a form that this one must not change.
    LaterVersion,
    /// The quota is used up, or the disk is full.
    Full,
    /// Anything else, in the browser's words.
    Other(String),
}

/// What is stored but cannot be read by this version of the page. It is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unreadable {
    /// True if the dataset is, or the file of one of its clips.
    pub dataset: bool,
    /// True if an interrupted training run is.
    pub interrupted: bool,
    /// The number of networks.
    pub networks: usize,
    /// The number of finished training runs.
    pub runs: usize,
}

impl Unreadable {
    /// True if there is anything that cannot be read.
    pub(crate) fn is_any(self) -> bool {
        self != Self::default()
    }

    /// True if it is unknown which clips are needed, so that none must be deleted.
    pub(crate) fn hides_clips(self) -> bool {
        self.dataset || self.interrupted
    }
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
pub struct StoredDataset {
    /// The classes with their clips.
    // Required: a record without them is no empty dataset, but one of another form.
    pub classes: Vec<Class>,
    /// True if a network is to be trained on its tags instead of its classes.
    #[serde(default)]
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
    /// What is stored but cannot be read.
    pub unreadable: Unreadable,
    /// The user's own networks that could not be stored, by their names.
    pub unsaved: Vec<String>,
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
        let unavailable = error.ends_storage();
        // Without a store nothing is written, so that nothing sets another status.
        self.status =
            if unavailable || self.status == StorageStatus::Off { StorageStatus::Off } else { StorageStatus::Failed };
        if unavailable || self.error.is_none() {
            self.error = Some(error);
        }
    }

    /// Everything is stored: what was reported before is no longer true.
    pub(crate) fn succeed(&mut self) {
        (self.status, self.error, self.unsaved) = (StorageStatus::Saved, None, Vec::new());
    }
}

impl StorageError {
    /// True if nothing can be stored at all.
    pub(crate) fn ends_storage(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::OtherTab | Self::LaterVersion)
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

/// New names for stored networks that have the name of another network: the old name and the new one.
pub(crate) fn renamed<'a>(
    stored: impl Iterator<Item = &'a str> + Clone,
    list: Option<&Catalogue>,
) -> Vec<(String, String)> {
    let mut renamed: Vec<(String, String)> = Vec::new();
    let is_taken = |name: &str| list.is_some_and(|list| list.entry(name).is_some());
    for name in stored.clone().filter(|name| is_taken(name)) {
        let free = (2..).map(|number| format!("{name} {number}")).find(|free| {
            let is_given = renamed.iter().any(|(_, given)| given == free);
            !is_taken(free) && !is_given && !stored.clone().any(|other| other == free)
        });
        renamed.extend(free.map(|free| (name.to_owned(), free)));
    }
    renamed
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
        assert_eq!((storage.error.clone(), storage.status), (Some(StorageError::Full), StorageStatus::Failed));
        storage.report(StorageError::Unavailable("blocked".to_owned()));
        assert_eq!(
            (storage.error, storage.status),
            (Some(StorageError::Unavailable("blocked".to_owned())), StorageStatus::Off)
        );
    }

    #[test]
    fn an_error_ends_once_everything_is_stored() {
        let unsaved = vec!["mine".to_owned()];
        let mut storage = StorageState { unsaved, ..StorageState::default() };
        storage.report(StorageError::Full);
        storage.succeed();
        assert_eq!(storage, StorageState::default());
    }

    #[test]
    fn a_dataset_without_classes_is_not_an_empty_dataset() {
        assert!(serde_json::from_str::<StoredDataset>(r#"{"groups": [{"name": "a"}]}"#).is_err());
        let empty: StoredDataset = serde_json::from_str(r#"{"classes": []}"#).unwrap();
        assert_eq!(empty, StoredDataset::default());
    }

    #[test]
    fn a_stored_network_gets_another_name_if_its_own_is_taken() {
        let list = crate::view::classify::networks::tests::catalogue();
        let renamed = |stored: &[&str], list| renamed(stored.iter().copied(), list);
        assert_eq!(
            renamed(&["mine", "head 2", "head", "base"], Some(&list)),
            [("head".to_owned(), "head 3".to_owned()), ("base".to_owned(), "base 2".to_owned()),]
        );
        assert!(renamed(&["head"], None).is_empty());
    }

    #[test]
    fn weights_are_recognized_by_their_ending() {
        assert_eq!(
            ["a.safetensors", "A.SafeTensors", "a.wav", "safetensors"].map(is_weights),
            [true, true, false, false]
        );
    }
}
