//! Engines for a page without workers: what the page asks of them is written down.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use genrelens::archive::{Archive, Limits};
use genrelens::protocol::TrainControl;
use genrelens::training_job::{ClipId, TrainingJob};
use genrelens::view::classify::engine::Preference;
use genrelens::view::offline::state as offline;
use genrelens::view::train::state::ResumePoint;
use genrelens::web::client::{OwnNetwork, UnpackError, Unpacked};
use genrelens::web::files;
use genrelens::web::page::{Engines, Unpacking};
use web_sys::File;

/// Its requests as words, the user's own networks, the last training job, and its files.
#[derive(Default)]
pub struct FakeEngines(
    RefCell<Vec<String>>,
    pub RefCell<Vec<OwnNetwork>>,
    pub RefCell<Option<TrainingJob>>,
    pub RefCell<Vec<File>>,
);

impl FakeEngines {
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

impl Engines for FakeEngines {
    fn classify(&self, file: File) {
        self.0.borrow_mut().push(format!("classify {}", file.name()));
    }
    fn cancel(&self) {
        self.0.borrow_mut().push("cancel".to_owned());
    }
    fn prefer(&self, preference: Preference) {
        self.0.borrow_mut().push(format!("prefer {}", preference.name()));
    }
    fn use_network(&self, name: &str) {
        self.0.borrow_mut().push(format!("use {name}"));
    }
    fn train(&self, job: TrainingJob, files: Vec<File>, share: f64) {
        let names: Vec<String> = files.iter().map(File::name).collect();
        let groups: Vec<&str> = job.clips.iter().filter_map(|clip| clip.group.as_deref()).collect();
        let by = if groups.is_empty() { String::new() } else { format!(" by {}", groups.join("+")) };
        let many = if job.multi_label { " many" } else { "" };
        self.0.borrow_mut().push(format!("train {} {share} {}{by}{many}", job.labels.join("+"), names.join("+")));
        self.2.replace(Some(job));
        self.3.replace(files);
    }
    fn control(&self, control: TrainControl) {
        self.0.borrow_mut().push(format!("control {control:?}"));
    }
    fn cancel_training(&self) {
        self.0.borrow_mut().push("cancel training".to_owned());
    }
    fn ask_registry(&self) {
        self.0.borrow_mut().push("registry".to_owned());
    }
    fn resume(&self, checkpoint: Rc<ResumePoint>, files: Vec<File>) {
        let names: Vec<String> = files.iter().map(File::name).collect();
        let ResumePoint { job, epoch, bytes } = checkpoint.as_ref();
        self.0.borrow_mut().push(format!("resume {} {epoch} {bytes:?} {}", job.name, names.join("+")));
    }
    fn own(&self, name: &str) -> Option<OwnNetwork> {
        self.1.borrow().iter().find(|own| own.card.name == name).cloned()
    }
    fn restore_own(&self, networks: Vec<OwnNetwork>) {
        for own in &networks {
            self.0.borrow_mut().push(format!("restore {}", own.card.name));
        }
        self.1.borrow_mut().extend(networks);
    }
    fn import(&self, file: File) {
        self.0.borrow_mut().push(format!("import {}", file.name()));
    }
    fn rename_own(&self, network: &str, name: &str) {
        self.0.borrow_mut().push(format!("rename {network} to {name}"));
    }
    fn delete_own(&self, name: &str) {
        self.0.borrow_mut().push(format!("delete {name}"));
        self.1.borrow_mut().retain(|own| own.card.name != name);
    }
    fn offline(&self, request: offline::OfflineRequest) {
        self.0.borrow_mut().push(format!("offline {request:?}"));
    }
    fn unpack(&self, file: File, on_file: Box<dyn Fn(usize)>) -> Unpacking {
        Box::pin(async move {
            let bytes = files::read(&file, usize::MAX).await.ok_or(UnpackError::Failed("unreadable".to_owned()))?;
            let mut archive = Archive::open(std::io::Cursor::new(bytes), Limits::default())
                .map_err(|e| UnpackError::Failed(e.to_string()))?;
            let mut unpacked = Unpacked::default();
            for (path, bytes) in archive.by_ref().flatten() {
                let name = path.rsplit('/').next().unwrap().to_owned();
                unpacked.files.push((path, crate::file(&name, &bytes)));
                on_file(unpacked.files.len());
            }
            unpacked.left_out = archive.left_out();
            Ok(unpacked)
        })
    }
    fn make_thumbnails(&self, _clips: Vec<(ClipId, File)>) {}
    fn replace_files(&self, _files: &HashMap<ClipId, File>) {}
}
