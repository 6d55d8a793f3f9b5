//! What the page asks of the engines. A trait, so that tests can stand in for [`Client`].

use std::pin::Pin;
use std::rc::Rc;

use web_sys::File;

use crate::protocol::TrainControl;
use crate::training_job::{ClipId, TrainingJob};
use crate::view::classify::engine::Preference;
use crate::view::offline::state::OfflineRequest;
use crate::view::train::state::ResumePoint;
use crate::web::client::{Client, OwnNetwork, Unpacked};

/// The files of an archive, or a sentence that says why there are none; an empty one if it was cancelled.
pub type Unpacking = Pin<Box<dyn Future<Output = Result<Unpacked, String>>>>;

/// The engines as the page sees them. [`Client`] is the real implementation.
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
    fn bring_own(&self, networks: Vec<OwnNetwork>);
    /// Imports a weights file as one of the user's own networks.
    fn import(&self, file: File);
    /// Renames one of the user's own networks.
    fn rename_own(&self, network: &str, name: &str);
    /// Removes one of the user's own networks from the catalogue.
    fn forget_own(&self, name: &str);
    /// Unpacks an archive; `tell` is called with the number of files so far.
    fn unpack(&self, file: File, tell: Box<dyn Fn(usize)>) -> Unpacking;
    /// Makes thumbnails of clips in the background. They come as updates, with the durations.
    fn make_thumbnails(&self, clips: Vec<(ClipId, File)>);
}

impl Engines for Client {
    fn classify(&self, file: File) {
        Client::classify(self, file);
    }
    fn cancel(&self) {
        Client::cancel(self);
    }
    fn prefer(&self, preference: Preference) {
        Client::prefer(self, preference);
    }
    fn use_network(&self, name: &str) {
        Client::use_network(self, name);
    }
    fn train(&self, job: TrainingJob, files: Vec<File>, share: f64) {
        Client::train(self, job, files, share);
    }
    fn control(&self, control: TrainControl) {
        Client::control(self, control);
    }
    fn cancel_training(&self) {
        Client::cancel_training(self);
    }
    fn ask_registry(&self) {
        Client::ask_registry(self);
    }
    fn resume(&self, checkpoint: Rc<ResumePoint>, files: Vec<File>) {
        Client::resume(self, checkpoint, files);
    }
    fn own(&self, name: &str) -> Option<OwnNetwork> {
        Client::own(self, name)
    }
    fn bring_own(&self, networks: Vec<OwnNetwork>) {
        Client::bring_own(self, networks);
    }
    fn import(&self, file: File) {
        Client::import(self, file);
    }
    fn rename_own(&self, network: &str, name: &str) {
        Client::rename_own(self, network, name);
    }
    fn forget_own(&self, name: &str) {
        Client::forget_own(self, name);
    }
    fn offline(&self, request: OfflineRequest) {
        Client::offline(self, request);
    }
    fn unpack(&self, file: File, tell: Box<dyn Fn(usize)>) -> Unpacking {
        // The future outlives this borrow, and clones of a client share its state.
        let client = self.clone();
        Box::pin(async move { client.unpack(file, tell).await })
    }
    fn make_thumbnails(&self, clips: Vec<(ClipId, File)>) {
        Client::make_thumbnails(self, clips);
    }
}
