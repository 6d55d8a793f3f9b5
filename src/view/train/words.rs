//! Sentences about training: the dataset, the running job, its results.

pub mod dataset;
pub mod results;
pub mod settings;

use crate::protocol::{EngineKind, TrainControl};
use crate::view::draw::axes::clock;
use crate::view::format::{count, size};

use crate::view::train::class::Class;
use crate::view::train::stage::Stage;
use crate::view::train::warnings::DatasetWarning;

/// The clips of a class.
pub fn class(class: &Class) -> String {
    let clips = count(class.clips.len(), "clip");
    match class.seconds() {
        // None of them was decoded yet.
        0.0 => clips,
        seconds => format!("{clips}, {}", clock(seconds, 0)),
    }
}

/// The size of the dataset.
pub fn dataset(clips: usize, classes: usize) -> String {
    format!(
        "{} in {}",
        count(clips, "clip"),
        if classes == 1 { "1 class".to_owned() } else { format!("{classes} classes") }
    )
}

/// What may be wrong, and what to do.
pub(crate) fn warning(warning: &DatasetWarning) -> String {
    match warning {
        DatasetWarning::TooFewClasses => "Training needs at least two classes with clips.".to_owned(),
        DatasetWarning::Empty(class) => format!("“{class}” has no clips yet and is left out."),
        DatasetWarning::Single(class) => format!(
            "“{class}” has a single clip, which cannot be both in the training and in the validation split. Add another clip, or \
             remove the class."
        ),
        DatasetWarning::Few(class, clips) => {
            format!(
                "“{class}” has only {}. Training works, but the results for this class will say little.",
                count(*clips, "clip")
            )
        }
        DatasetWarning::Lopsided { largest, smallest } => format!(
            "“{largest}” has many times the clips of “{smallest}”. Training balances classes, but more clips of “{smallest}” would \
             help."
        ),
        DatasetWarning::Twice { clip, classes: [a, b] } => {
            format!("The clip “{clip}” is in “{a}” and in “{b}”. Remove it from one of them.")
        }
        DatasetWarning::OneArtist { class: None, artist } => format!(
            "All clips are by “{artist}”. The clips of an artist stay together in training or in validation, so that nothing \
             would be left to judge the network by. Correct the artists, or add clips by others."
        ),
        DatasetWarning::OneArtist { class: Some(class), artist } => format!(
            "All clips of “{class}” are by “{artist}”. The clips of an artist stay together, so that this class is in training \
             alone and the results say nothing about it. Add clips by other artists."
        ),
        DatasetWarning::TooFewTags => "Training needs at least two tags, each on two or more clips.".to_owned(),
        DatasetWarning::RareTags(tags) => format!(
            "Left out: {} that only one clip has ({}).",
            count(tags.len(), "tag"),
            dataset::few(tags.iter().map(String::as_str))
        ),
        DatasetWarning::Untagged(clips) => {
            format!("Left out: {} without any of the tags that are used.", count(*clips, "clip"))
        }
    }
}

/// Files of the dataset cannot be read any more.
pub(crate) const FILES_GONE: &str = "Some of the files are gone; add them again.";

/// The engine ended while it embedded clips; part of a sentence.
pub(crate) const ENGINE_ENDED: &str = "the engine stopped while it read the clips";
/// Clips of a resumed job cannot be decoded any more; part of a sentence.
pub(crate) const NOT_THE_SAME: &str =
    "some clips of this training run can no longer be read, so it cannot be resumed; discard it and start a new one";

/// The engine ended, probably because of this clip; part of a sentence.
pub(crate) fn ended_on(clip: &str) -> String {
    format!("the engine stopped while it read {clip}; remove that clip and start again")
}

/// A worker that helped to read clips ended.
pub(crate) const HELPER_ENDED: &str =
    "One of the workers that read the clips stopped; the others go on with its clips.";

/// Two workers ended on this clip, which is left out; part of a sentence.
pub(crate) fn helpers_ended_on(clip: &str) -> String {
    format!("two workers stopped while they read {clip}, so it is left out")
}

/// The button that pauses and resumes.
pub(crate) fn pause_button(paused: bool) -> &'static str {
    if paused { "Resume" } else { "Pause" }
}

/// Clips that share their artist leave none for one of the splits; part of a sentence.
pub(crate) const ONE_PART: &str = "all clips of a class, or all clips, are by the same artist; the clips of an artist stay together in \
                            the training or the validation split, so one of the two is empty; add clips by other artists, \
                            or correct the artists";
/// Too few tags are left; part of a sentence.
pub(crate) const TOO_FEW_TAGS: &str =
    "fewer than two tags are on two or more of the clips that could be read; tag more clips";
/// Too few clips of a class could be decoded; part of a sentence.
pub fn too_few(class: &str, clips: usize) -> String {
    format!(
        "only {clips} of the clips of “{class}” could be read, and two are needed: one for training and one for validation; \
         add more clips, or remove the class"
    )
}

/// The engine ended, and training continues after this epoch on another one, or in batches of this many windows.
pub(crate) fn restarted(ended: EngineKind, epoch: usize, batch: Option<usize>) -> String {
    let engine = match (ended, batch) {
        (_, Some(batch)) => {
            format!(
                "The GPU engine stopped, perhaps because it ran out of memory; training continues in batches of {batch}"
            )
        }
        (EngineKind::Gpu, None) => "The GPU engine stopped; training continues on the CPU".to_owned(),
        (EngineKind::Cpu, None) => "The engine stopped and was restarted; training continues".to_owned(),
    };
    match epoch {
        0 => format!("{engine} from the beginning."),
        epoch => format!("{engine} from epoch {epoch}."),
    }
}

/// What was left out when files were added: clips that are there already, and the names of files that are not audio;
/// `None` if nothing was.
pub fn left_out(known: usize, without_sound: &[String]) -> Option<String> {
    let known = (known > 0).then(|| format!("{} that the dataset already has", count(known, "clip")));
    let other = (!without_sound.is_empty()).then(|| {
        format!(
            "{} that {} not audio ({})",
            count(without_sound.len(), "file"),
            if without_sound.len() == 1 { "is" } else { "are" },
            dataset::few(without_sound.iter().map(String::as_str))
        )
    });
    let both: Vec<String> = [known, other].into_iter().flatten().collect();
    (!both.is_empty()).then(|| format!("Left out: {}.", both.join(", ")))
}

/// The line over the progress bar; with the seconds that are left, if that is known.
pub fn stage(stage: Stage, seconds_left: Option<f64>) -> String {
    // “0:00 left” would look like a halt.
    let left = seconds_left.filter(|seconds| *seconds >= 1.0);
    let left = left.map(|seconds| format!(", about {} left", clock(seconds, 0))).unwrap_or_default();
    match stage {
        Stage::Idle => String::new(),
        Stage::Adding { done, total: 0 } => format!("Unpacking the archive: {}…", count(done, "file")),
        Stage::Adding { done, total } => format!("Adding {done} of {}…", count(total, "file")),
        Stage::Packing { done, total } => format!("Exporting clip {} of {total}…", (done + 1).min(total)),
        // Without anything to download, only the engine is starting.
        Stage::Preparing { fetched, total } if fetched < total => {
            format!("Downloading the pretrained network: {} of {}…", size(fetched), size(total))
        }
        Stage::Preparing { .. } => "Preparing…".to_owned(),
        // `done` clips are finished, so the next one is being read, but after the last there is none.
        Stage::Embedding { done, total } => format!("Reading clip {} of {total}{left}…", (done + 1).min(total)),
        Stage::Training { control: TrainControl::Pause, .. } => "Paused.".to_owned(),
        Stage::Training { control: TrainControl::Stop, .. } => "Stopping with the best epoch so far…".to_owned(),
        Stage::Training { step, steps, .. } => format!("Training: step {step} of {steps}{left}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!(count(1, "clip"), "1\u{a0}clip");
        assert_eq!(count(2, "clip"), "2\u{a0}clips");
        assert_eq!(left_out(0, &[]), None);
        assert_eq!(
            left_out(2, &["a/cover.jpg".to_owned()]).as_deref(),
            Some("Left out: 2\u{a0}clips that the dataset already has, 1\u{a0}file that is not audio (a/cover.jpg).")
        );
    }

    #[test]
    fn a_restart_says_which_engine_continues() {
        assert_eq!(
            restarted(EngineKind::Gpu, 0, None),
            "The GPU engine stopped; training continues on the CPU from the beginning."
        );
        let smaller = restarted(EngineKind::Gpu, 3, Some(16));
        assert!(smaller.contains("in batches of 16") && smaller.ends_with("from epoch 3."), "{smaller}");
    }

    #[test]
    fn every_stage_has_its_words() {
        let training = |control| stage(Stage::Training { step: 3, steps: 60, control }, Some(75.0));
        assert_eq!(training(TrainControl::Run), "Training: step 3 of 60, about 1:15 left…");
        assert_eq!(training(TrainControl::Pause), "Paused.");
        assert_eq!(stage(Stage::Embedding { done: 0, total: 30 }, None), "Reading clip 1 of 30…");
        assert_eq!(stage(Stage::Embedding { done: 30, total: 30 }, None), "Reading clip 30 of 30…");
        assert_eq!(
            stage(Stage::Embedding { done: 9, total: 30 }, Some(61.0)),
            "Reading clip 10 of 30, about 1:01 left…"
        );
        assert_eq!(
            stage(Stage::Preparing { fetched: 0, total: 6_000_000 }, None),
            "Downloading the pretrained network: 1\u{a0}KB of 6.0\u{a0}MB…"
        );
    }
}
