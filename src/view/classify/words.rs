//! Sentences about a classification: its answer, its progress, the engine that gives it, and what went wrong.

use crate::protocol::{EngineInfo, EngineKind, Prediction, Progress, Score, SpectrogramInfo};
use crate::view::classify::engine::{Choice, NoGpu};
use crate::view::classify::networks::Selection;
use crate::view::classify::state::PreviousPrediction;
use crate::view::draw::axes::clock;
use crate::view::draw::strip::stretches;
use crate::view::format::{NBSP, genre, milliseconds, percent, sentence};

/// Below this the first genre is no clear answer, 0 to 1.
const LIKELY: f32 = 0.5;
/// A second genre this near, 0 to 1, makes it a tie.
const TIE: f32 = 0.1;

/// A label with its probability: `jazz (62 %)`.
fn named(score: &Score) -> String {
    format!("{}{NBSP}({})", genre(&score.label), percent(score.probability))
}

/// How many tags stand for an answer.
const TAGS_IN_VERDICT: usize = 3;

/// The answer in one sentence, no surer than the numbers are.
pub fn verdict(prediction: &Prediction) -> String {
    if prediction.multi_label {
        let tags: Vec<String> = prediction.genres.iter().take(TAGS_IN_VERDICT).map(named).collect();
        return format!("Most fitting tags: {}", tags.join(", "));
    }
    match prediction.genres.as_slice() {
        [] => "The network named no genre.".to_owned(),
        [only] => format!("Most likely {}", named(only)),
        [first, second, ..] => {
            // Twice what a guess among all the genres would give.
            let guess = 2.0 / prediction.genres.len() as f32;
            let tie = first.probability - second.probability < TIE;
            if first.probability >= LIKELY && !tie {
                format!("Most likely {}", named(first))
            } else if first.probability < guess.min(LIKELY) {
                format!("Hard to tell. Nearest: {} and {}", named(first), named(second))
            } else if tie {
                format!("Not sure: {} or {}", named(first), named(second))
            } else {
                format!("Perhaps {}, or else {}", named(first), named(second))
            }
        }
    }
}

/// The answer while the recording is still being heard. Without numbers: it is read aloud whenever it changes.
pub fn verdict_so_far(prediction: &Prediction) -> String {
    match prediction.genres.first() {
        Some(first) => format!("So far most like {}…", genre(&first.label)),
        None => LISTENING.to_owned(),
    }
}

/// What the answer rests on, and which one it replaced.
pub fn detail(prediction: &Prediction, before: Option<&PreviousPrediction>) -> String {
    let made = made(prediction, before);
    let first = prediction.genres.first();
    let winner = first.and_then(|first| prediction.labels.iter().position(|label| *label == first.label));
    let all = stretches(&prediction.windows);
    match (winner, first, all.len()) {
        (Some(winner), Some(first), count) if count > 1 => {
            let agreeing = all.iter().filter(|stretch| stretch.winner == winner).count();
            let name = genre(&first.label);
            format!("{agreeing} of {count} stretches of the recording sound most like {name}. {made}")
        }
        _ => made,
    }
}

fn made(prediction: &Prediction, before: Option<&PreviousPrediction>) -> String {
    let (model, time) = (&prediction.model, milliseconds(prediction.milliseconds));
    let said = before.and_then(|before| Some((before, named(before.prediction.genres.first()?))));
    match said {
        Some((PreviousPrediction { prediction, selection: Selection::Refine }, first)) => {
            format!("Refined by {model} in {time}; {}'s first answer was {first}.", prediction.model)
        }
        Some((PreviousPrediction { prediction, .. }, first)) => {
            format!("Worked out by {model} in {time}; {} had said {first}.", prediction.model)
        }
        None => format!("Worked out by {model} in {time}."),
    }
}

/// The line over the progress bar: how far the engine is with the file, `None` before it has begun.
pub fn progress(current: Option<Progress>, browser_decodes: bool, choice: &Choice) -> String {
    match (current, choice) {
        _ if browser_decodes => "Your browser is decoding it…".to_owned(),
        (Some(Progress { processed_seconds, duration_seconds: Some(duration), .. }), _) => {
            format!("Listening: {} of {}…", clock(processed_seconds.min(duration), 0), clock(duration, 0))
        }
        (Some(progress), _) => format!("Listening: {} so far…", clock(progress.processed_seconds, 0)),
        (None, Choice::Starting) => "Your file is next, as soon as the network is loaded…".to_owned(),
        (None, _) => "Waiting for the engine…".to_owned(),
    }
}

/// The file's name and its length.
pub fn recording(file: &str, info: Option<&SpectrogramInfo>) -> String {
    match info {
        Some(info) => format!("{file} · {}", clock(info.duration_seconds, 0)),
        None => file.to_owned(),
    }
}

/// What runs and why, in one sentence.
pub fn engine(info: Option<&EngineInfo>, choice: &Choice) -> String {
    match info {
        None if *choice == Choice::Starting => "Loading the network…".to_owned(),
        None => format!("No engine is running: {}.", because(choice)),
        Some(info) => format!("Running on the {}: {}.", engine_name(info), because(choice)),
    }
}

/// `processor (CPU)`, or the graphics adapter's own name.
pub fn engine_name(info: &EngineInfo) -> String {
    match (info.kind, &info.adapter) {
        (EngineKind::Cpu, _) => "processor (CPU)".to_owned(),
        (EngineKind::Gpu, None) => "graphics processor (GPU)".to_owned(),
        (EngineKind::Gpu, Some(adapter)) if adapter.software => {
            format!("graphics processor (GPU) – {}, emulated", adapter.name)
        }
        (EngineKind::Gpu, Some(adapter)) => format!("graphics processor (GPU) – {}", adapter.name),
    }
}

fn because(choice: &Choice) -> String {
    match choice {
        Choice::Starting => "the network is being loaded".to_owned(),
        Choice::Broken => "it could not be started".to_owned(),
        Choice::FetchingGpu => "the GPU engine is still being fetched".to_owned(),
        Choice::TestingGpu => "checking whether the GPU gives the same answers, and faster".to_owned(),
        Choice::OnlyCpu { reason } => no_gpu(reason),
        Choice::GpuFaster { cpu_ms, gpu_ms } => {
            format!("{} than the processor ({})", times_faster(*cpu_ms, *gpu_ms), against(*gpu_ms, *cpu_ms))
        }
        Choice::CpuFaster { cpu_ms, gpu_ms } => {
            format!("{} than the GPU here ({})", times_faster(*gpu_ms, *cpu_ms), against(*cpu_ms, *gpu_ms))
        }
        Choice::SelfTestMismatch { difference } if difference.is_finite() => {
            format!("the GPU's answers differ from the processor's (by up to {difference:.2}), so they are not used")
        }
        Choice::SelfTestMismatch { .. } => "the GPU's answers are unusable, so they are not used".to_owned(),
        Choice::UserChoice => "as you chose".to_owned(),
    }
}

fn no_gpu(reason: &NoGpu) -> String {
    match reason {
        NoGpu::NoWebGpu => "this browser offers no WebGPU".to_owned(),
        NoGpu::NoAdapter => "the browser found no graphics processor it may use".to_owned(),
        NoGpu::SoftwareAdapter => "the only GPU here is an emulated one, which is slower".to_owned(),
        NoGpu::SavesData => "your browser saves data, so the GPU engine is fetched only if you choose it".to_owned(),
        NoGpu::Network(reason) => {
            format!("the GPU engine does not run this network ({})", reason.trim_end_matches('.'))
        }
        NoGpu::Failed(reason) => format!("the GPU engine did not start ({})", reason.trim_end_matches('.')),
    }
}

fn against(own_ms: f64, other_ms: f64) -> String {
    format!("{} against {} in a test run", milliseconds(own_ms), milliseconds(other_ms))
}

fn times_faster(slow_ms: f64, fast_ms: f64) -> String {
    match slow_ms / fast_ms {
        ratio if !ratio.is_finite() => "far faster".to_owned(),
        ratio if ratio < 1.15 => "slightly faster".to_owned(),
        ratio if ratio < 3.0 => format!("{ratio:.1} times faster"),
        ratio => format!("{ratio:.0} times faster"),
    }
}

/// The heading of the table of labels.
pub fn table_caption(prediction: &Prediction) -> &'static str {
    if prediction.multi_label {
        "How well each tag fits the recording, each for itself"
    } else {
        "How the network divides the recording among its genres"
    }
}

/// Another network could not hear the file that has its answer already.
pub fn not_heard_again(network: &str, reason: &str) -> String {
    sentence(format!("{network} gives no answer, so the one before stays: {reason}"))
}

/// Shown where a file was given up.
pub const CANCELLED: &str = "Stopped. Choose another file whenever you like.";

/// Shown under an error.
pub const AFTER_ERROR: &str = "You can choose another file at any time.";

/// Shown where the engine itself is broken.
pub const AFTER_BROKEN: &str = "Loading this page again may help.";

/// Shown in the place of the answer until it comes.
pub const LISTENING: &str = "Listening…";

/// The engine sent a spectrogram that cannot be drawn.
pub const NO_SPECTROGRAM: &str = "The spectrogram cannot be shown: its values did not arrive whole.";

/// Something was dropped that is no file.
pub const NO_FILE: &str = "That was not a file. Drop a sound file from your computer.";

/// Several files were given at once.
pub fn only_the_first(file: &str) -> String {
    format!("One file at a time: this is {file}.")
}

/// The engine stopped in the middle of a file.
pub fn engine_died(file: &str) -> String {
    format!("{file}: the engine stopped while it worked on this file, and is being started again; choose another file")
}

/// A recording that only the browser could decode is too long for that; the limit in minutes.
pub fn over_browser_limit(refusal: &str, limit: f64) -> String {
    format!("{refusal} (your browser may know this kind of file, but takes it whole: up to {limit:.0}{NBSP}minutes)")
}

#[cfg(test)]
#[path = "words_tests.rs"]
pub(in crate::view) mod tests;
