//! One training run: its job, its files, and how its clips are split.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use web_sys::File;

use crate::training_job::{ClipId, LabelledClip, Split, TrainingJob};
use crate::view::train::state::ResumePoint;
use crate::view::train::words;

/// A training run: its job and everything needed to go on with it on another engine.
pub(super) struct TrainingRun {
    pub(super) job: TrainingJob,
    pub(super) files: HashMap<ClipId, File>,
    /// About this share of the clips is for validation, 0 to 1; `None` once the splits are assigned.
    pub(super) valid_share: Option<f64>,
    /// The latest checkpoint.
    pub(super) checkpoint: Rc<RefCell<Option<Rc<ResumePoint>>>>,
}

impl TrainingRun {
    pub(super) fn new(
        job: TrainingJob,
        files: Vec<File>,
        valid_share: Option<f64>,
        checkpoint: Option<Rc<ResumePoint>>,
    ) -> Self {
        let files = job.clips.iter().map(|clip| clip.id.clone()).zip(files).collect();
        Self { job, files, valid_share, checkpoint: Rc::new(RefCell::new(checkpoint)) }
    }

    /// Checks that the clips can be split, before any of them is decoded.
    pub(super) fn check_planned_splits(&self) -> Result<(), String> {
        let Some(share) = self.valid_share else { return Ok(()) };
        let mut job = self.job.clone();
        job.assign_splits(share, job.recipe.seed);
        check_splits(&job)
    }

    /// Keeps the clips that were embedded and splits them. If the splits were assigned before, all clips must be there.
    pub(super) fn assign_splits(&mut self, embedded: Vec<LabelledClip>) -> Result<(), String> {
        let Some(share) = self.valid_share else {
            let all = embedded.len() == self.job.clips.len();
            return if all { Ok(()) } else { Err(words::NOT_THE_SAME.to_owned()) };
        };
        self.job.clips = embedded;
        check_labels(&mut self.job)?;
        self.job.assign_splits(share, self.job.recipe.seed);
        check_splits(&self.job)?;
        self.valid_share = None;
        Ok(())
    }
}

/// Checks that both splits have clips: groups of clips that stay together may leave one of them empty.
fn check_splits(job: &TrainingJob) -> Result<(), String> {
    let has = |part| job.clips.iter().any(|clip| clip.split == part);
    if has(Split::Train) && has(Split::Valid) { Ok(()) } else { Err(words::ONE_PART.to_owned()) }
}

/// Checks that enough clips are left after decoding. In a multi-label job, labels with a single clip are dropped.
fn check_labels(job: &mut TrainingJob) -> Result<(), String> {
    if job.multi_label {
        job.drop_rare_labels();
        return if job.labels.len() < 2 { Err(words::TOO_FEW_TAGS.to_owned()) } else { Ok(()) };
    }
    let clips = |label: usize| job.clips.iter().filter(|clip| clip.labels.contains(&label)).count();
    match job.labels.iter().enumerate().find(|(label, _)| clips(*label) < 2) {
        Some((label, name)) => Err(words::too_few(name, clips(label))),
        None => Ok(()),
    }
}
