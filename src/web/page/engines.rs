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

/// What comes of an archive, or a sentence that says why nothing does; an empty one where it was given up.
pub type Unpacking = Pin<Box<dyn Future<Output = Result<Unpacked, String>>>>;

/// What computes for the page. [`Client`] is the real one.
pub trait Engines {
    /// Names the genre of a file; supersedes the file before.
    fn classify(&self, file: File);
    /// Gives the current file up.
    fn cancel(&self);
    /// Uses the engine that the user wants.
    fn prefer(&self, preference: Preference);
    /// Uses the network that the user wants, once it is there.
    fn use_network(&self, name: &str);
    /// Holds a lesson on the files of its clips; about `share` of them are for validation.
    fn train(&self, job: TrainingJob, files: Vec<File>, share: f64);
    /// Steers the lesson's training.
    fn control(&self, control: TrainControl);
    /// Gives the lesson up.
    fn cancel_training(&self);
    /// Tells which networks can learn from fresh weights, once an engine can say.
    fn ask_registry(&self);
    /// Does what the user wants about working without a connection.
    fn offline(&self, request: OfflineRequest);
    /// Goes on with a lesson that was interrupted, on the files of its clips.
    fn resume(&self, checkpoint: Rc<ResumePoint>, files: Vec<File>);
    /// One of the user's own networks.
    fn own(&self, name: &str) -> Option<OwnNetwork>;
    /// Puts networks of the user's own into the list.
    fn bring_own(&self, networks: Vec<OwnNetwork>);
    /// Takes a weights file as a network of the user's own.
    fn import(&self, file: File);
    /// Gives one of the user's own networks another name.
    fn rename_own(&self, network: &str, name: &str);
    /// Takes one of the user's own networks out of the list.
    fn forget_own(&self, name: &str);
    /// Takes the files out of an archive; `tell` hears how many there are so far.
    fn unpack(&self, file: File, tell: Box<dyn Fn(usize)>) -> Unpacking;
    /// Looks at clips in the background. Their lengths and pictures come as news.
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
        let client = self.clone();
        Box::pin(async move { client.unpack(file, tell).await })
    }
    fn make_thumbnails(&self, clips: Vec<(ClipId, File)>) {
        Client::make_thumbnails(self, clips);
    }
}
