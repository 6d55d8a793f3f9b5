//! The sentences about teaching: the collection, the lesson, what came of it.

pub mod dataset;
pub mod results;
pub mod settings;

use crate::protocol::{EngineKind, TrainControl};
use crate::view::draw::axes::clock;
use crate::view::format::{count, size};

use crate::view::train::class::Class;
use crate::view::train::stage::Stage;
use crate::view::train::warnings::DatasetWarning;

/// What a class holds.
pub fn class(class: &Class) -> String {
    let clips = count(class.clips.len(), "clip");
    match class.seconds() {
        0.0 => clips,
        seconds => format!("{clips}, {} heard", clock(seconds, 0)),
    }
}

/// What the whole collection holds.
pub fn dataset(clips: usize, classes: usize) -> String {
    format!(
        "{} in {}",
        count(clips, "clip"),
        if classes == 1 { "1 class".to_owned() } else { format!("{classes} classes") }
    )
}

/// What may be wrong, and what to do.
pub fn warning(warning: &DatasetWarning) -> String {
    match warning {
        DatasetWarning::TooFewClasses => {
            "Two classes with clips are needed at least: there must be something to tell apart.".to_owned()
        }
        DatasetWarning::Empty(class) => format!("“{class}” has no clips yet and is left out."),
        DatasetWarning::Single(class) => format!(
            "“{class}” has a single clip: it cannot both be learned from and be judged by. Add another, or remove the class."
        ),
        DatasetWarning::Few(class, clips) => {
            format!(
                "“{class}” has only {}. It can be taught, but how well it went will hardly be known.",
                count(*clips, "clip")
            )
        }
        DatasetWarning::Lopsided { largest, smallest } => format!(
            "“{largest}” has many times the clips of “{smallest}”. They are drawn alike often; more of the smaller one would be better."
        ),
        DatasetWarning::Twice { clip, classes: [a, b] } => {
            format!("The sound of “{clip}” is in “{a}” and in “{b}”. Remove it from one of them.")
        }
        DatasetWarning::TooFewTags => {
            "Two tags are needed at least, and two clips with each: there must be something to tell apart.".to_owned()
        }
        DatasetWarning::RareTags(tags) => format!(
            "Left out: {} that a single clip has ({}).",
            count(tags.len(), "tag"),
            crate::view::train::words::dataset::few(tags.iter().map(String::as_str))
        ),
        DatasetWarning::Untagged(clips) => {
            format!("Left out: {} without any tag that is taught.", count(*clips, "clip"))
        }
    }
}

/// Files that were collected cannot be had any more.
pub const FILES_GONE: &str = "Some of the files are gone; add them again.";

/// The engine ended while clips were heard; part of a sentence.
pub const ENGINE_ENDED: &str = "the engine stopped while it listened";
/// Clips of a lesson that goes on cannot be heard any more; part of a sentence.
pub const NOT_THE_SAME: &str =
    "some clips of this lesson can no longer be heard, so it cannot go on; drop it, and start another";

/// The engine ended on this clip, for all that is known; part of a sentence.
pub fn ended_on(clip: &str) -> String {
    format!("the engine stopped while it listened to {clip}; remove that clip and start again")
}

/// What the button says that holds a training, and that lets it go on.
pub fn hold(held: bool) -> &'static str {
    if held { "Go on" } else { "Pause" }
}

/// Clips that share their artist leave none to judge by; part of a sentence.
pub const ONE_PART: &str = "all clips of a class have the same artist, or all clips do; an artist's clips are either learned \
                            from or judged by, so none are left to judge by; add clips by other artists, or change who is \
                            given as their artist";
/// Too few tags are left.
pub const TOO_FEW_TAGS: &str =
    "of the clips that could be heard, fewer than two tags have two clips each; tag more of them";
/// Too few of a class's clips could be heard; part of a sentence.
pub fn too_few(class: &str, clips: usize) -> String {
    format!(
        "of “{class}” {clips} could be heard, and two are needed: one to learn from, one to be judged by; add more clips, \
         or remove the class"
    )
}

/// The engine that taught has ended, and the lesson goes on after this epoch.
pub fn again(ended: EngineKind, epoch: usize, batch: Option<usize>) -> String {
    let engine = match (ended, batch) {
        (_, Some(batch)) => {
            format!("The graphics engine stopped, perhaps for want of memory; with {batch} windows a step it goes on")
        }
        (EngineKind::Gpu, None) => "The graphics engine stopped; the processor goes on".to_owned(),
        (EngineKind::Cpu, None) => "The engine stopped and was started again; it goes on".to_owned(),
    };
    match epoch {
        0 => format!("{engine} from the beginning."),
        epoch => format!("{engine} from epoch {epoch}."),
    }
}

/// What was left out of what was added; nothing where nothing was.
pub fn left_out(known: usize, without_sound: usize) -> Option<String> {
    let known = (known > 0).then(|| format!("{} there already", count(known, "clip")));
    let other = (without_sound > 0).then(|| format!("{} that is no sound", count(without_sound, "file")));
    let both: Vec<String> = [known, other].into_iter().flatten().collect();
    (!both.is_empty()).then(|| format!("Left out: {}.", both.join(", ")))
}

/// The line over the lesson's progress bar; seconds that are left, where that is known.
pub fn stage(stage: Stage, seconds_left: Option<f64>) -> String {
    let left = seconds_left.filter(|seconds| *seconds >= 1.0);
    let left = left.map(|seconds| format!(", about {} left", clock(seconds, 0))).unwrap_or_default();
    match stage {
        Stage::Idle => String::new(),
        Stage::Adding { done, total: 0 } => format!("Taking {} out of the archive…", count(done, "file")),
        Stage::Adding { done, total } => format!("Taking in {done} of {}…", count(total, "file")),
        Stage::Packing { done, total } => format!("Packing clip {} of {total}…", (done + 1).min(total)),
        Stage::Preparing { fetched, total } if fetched < total => {
            format!("Fetching what it listens through: {} of {}…", size(fetched), size(total))
        }
        Stage::Preparing { .. } => "Preparing…".to_owned(),
        Stage::Embedding { done, total } => format!("Listening to clip {} of {total}{left}…", (done + 1).min(total)),
        Stage::Training { control: TrainControl::Pause, .. } => "Paused.".to_owned(),
        Stage::Training { control: TrainControl::Stop, .. } => "Stopping with the best so far…".to_owned(),
        Stage::Training { step, steps, .. } => format!("Learning: step {step} of {steps}{left}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!(count(1, "clip"), "1\u{a0}clip");
        assert_eq!(count(2, "clip"), "2\u{a0}clips");
        assert_eq!(left_out(0, 0), None);
        assert_eq!(
            left_out(2, 1).as_deref(),
            Some("Left out: 2\u{a0}clips there already, 1\u{a0}file that is no sound.")
        );
    }

    #[test]
    fn who_goes_on_is_told() {
        assert_eq!(
            again(EngineKind::Gpu, 0, None),
            "The graphics engine stopped; the processor goes on from the beginning."
        );
        let smaller = again(EngineKind::Gpu, 3, Some(16));
        assert!(smaller.contains("with 16 windows a step") && smaller.ends_with("from epoch 3."), "{smaller}");
    }

    #[test]
    fn every_stage_has_its_words() {
        let training = |control| stage(Stage::Training { step: 3, steps: 60, control }, Some(75.0));
        assert_eq!(training(TrainControl::Run), "Learning: step 3 of 60, about 1:15 left…");
        assert_eq!(training(TrainControl::Pause), "Paused.");
        assert_eq!(stage(Stage::Embedding { done: 0, total: 30 }, None), "Listening to clip 1 of 30…");
        assert_eq!(stage(Stage::Embedding { done: 30, total: 30 }, None), "Listening to clip 30 of 30…");
        assert_eq!(
            stage(Stage::Embedding { done: 9, total: 30 }, Some(61.0)),
            "Listening to clip 10 of 30, about 1:01 left…"
        );
        assert_eq!(
            stage(Stage::Preparing { fetched: 0, total: 6_000_000 }, None),
            "Fetching what it listens through: 1\u{a0}KB of 6.0\u{a0}MB…"
        );
    }
}
