//! What the page asks of the engines. A trait, so that tests can stand in for [`Client`](crate::web::client::Client).

use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;

use web_sys::File;

use crate::protocol::TrainControl;
use crate::training_job::{ClipId, TrainingJob};
use crate::view::classify::engine::Preference;
use crate::view::offline::state::OfflineRequest;
use crate::view::train::state::ResumePoint;
use crate::web::client::{OwnNetwork, UnpackError, Unpacked};

/// The files of an archive, once they are unpacked.
pub type Unpacking = Pin<Box<dyn Future<Output = Result<Unpacked, UnpackError>>>>;

/// The engines as the page sees them. [`Client`](crate::web::client::Client) is the real implementation.
pub trait Engines {
    /// Classifies a file, instead of the previous one.
    fn classify(&self, file: File);
    /// Cancels the current file.
    fn cancel(&self);
    /// Sets which engine the user prefers.
    fn prefer(&self, preference: Preference);
    /// Uses this network as soon as it is downloaded and loaded.
    fn use_network(&self, name: &str);
    /// Runs a training job on the files of its clips; about `share` of them, 0 to 1, are for validation.
    fn train(&self, job: TrainingJob, files: Vec<File>, share: f64);
    /// Pauses, continues or stops the training run.
    fn control(&self, control: TrainControl);
    /// Cancels the training run.
    fn cancel_training(&self);
    /// Asks for the architectures that can be trained from scratch; they come as an update.
    fn ask_registry(&self);
    /// Makes the page work offline, downloads a network, or updates the page.
    fn offline(&self, request: OfflineRequest);
    /// Resumes an interrupted training run on the files of its clips.
    fn resume(&self, checkpoint: Rc<ResumePoint>, files: Vec<File>);
    /// One of the user's own networks, by its name.
    fn own(&self, name: &str) -> Option<OwnNetwork>;
    /// Adds networks of the user's own to the catalogue.
    fn restore_own(&self, networks: Vec<OwnNetwork>);
    /// Imports a weights file as one of the user's own networks.
    fn import(&self, file: File);
    /// Renames one of the user's own networks.
    fn rename_own(&self, network: &str, name: &str);
    /// Removes one of the user's own networks from the catalogue.
    fn delete_own(&self, name: &str);
    /// Unpacks an archive; `on_file` is called with the number of files so far.
    fn unpack(&self, file: File, on_file: Box<dyn Fn(usize)>) -> Unpacking;
    /// Makes thumbnails of clips in the background. They come as updates, with the durations.
    fn make_thumbnails(&self, clips: Vec<(ClipId, File)>);
    /// Makes the thumbnails that are not made yet from these files: the stored copies of those that the user chose, which
    /// may be changed or deleted.
    fn replace_files(&self, files: &HashMap<ClipId, File>);
}
