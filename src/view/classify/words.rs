//! Sentences about a classification: its result, its progress, the engine that runs it, and what went wrong.

use crate::protocol::{EngineInfo, EngineKind, Prediction, Progress, Score, SpectrogramInfo};
use crate::view::classify::engine::{Choice, NoGpu, StepTimes};
use crate::view::classify::networks::Selection;
use crate::view::classify::state::PreviousPrediction;
use crate::view::draw::axes::clock;
use crate::view::draw::strip::stretches;
use crate::view::format::{NBSP, count, genre, milliseconds, percent, sentence};

/// Below this probability, 0 to 1, the first genre is no clear result.
const LIKELY: f32 = 0.5;
/// If the second genre is closer than this, 0 to 1, the two are tied.
const TIE: f32 = 0.1;

/// A label with its probability: `jazz (62 %)`.
fn named(score: &Score) -> String {
    format!("{}{NBSP}({})", genre(&score.label), percent(score.probability))
}

/// How many tags the verdict names.
const TAGS_IN_VERDICT: usize = 3;

/// The result in one sentence, no more certain than its probabilities.
pub(crate) fn verdict(prediction: &Prediction) -> String {
    if prediction.multi_label {
        let tags: Vec<String> = prediction.genres.iter().take(TAGS_IN_VERDICT).map(named).collect();
        return format!("Most fitting tags: {}", tags.join(", "));
    }
    match prediction.genres.as_slice() {
        [] => "The network named no genre.".to_owned(),
        [only] => format!("Most likely {}", named(only)),
        [first, second, ..] => {
            // Twice the probability of a uniform guess.
            let guess = 2.0 / prediction.genres.len() as f32;
            let tie = first.probability - second.probability < TIE;
            if first.probability >= LIKELY && !tie {
                format!("Most likely {}", named(first))
            } else if first.probability < guess.min(LIKELY) {
                format!("Hard to tell. Most similar: {} and {}", named(first), named(second))
            } else if tie {
                format!("Not sure: {} or {}", named(first), named(second))
            } else {
                format!("Perhaps {}, or {}", named(first), named(second))
            }
        }
    }
}

/// The result while the recording is still being analyzed. Without numbers: a screen reader reads every change aloud.
pub(crate) fn verdict_so_far(prediction: &Prediction) -> String {
    match prediction.genres.first() {
        Some(first) => format!("So far, most likely {}…", genre(&first.label)),
        None => ANALYZING.to_owned(),
    }
}

/// How many stretches of the recording agree with the result, which network gave it, and which result it replaced.
pub(crate) fn detail(prediction: &Prediction, previous: Option<&PreviousPrediction>) -> String {
    let source = source(prediction, previous);
    let first = prediction.genres.first();
    // `genres` is sorted by probability, `labels` is in the order of the outputs.
    let winner = first.and_then(|first| prediction.labels.iter().position(|label| *label == first.label));
    let all = stretches(&prediction.windows);
    match (winner, first, all.len()) {
        (Some(winner), Some(first), count) if count > 1 => {
            let agreeing = all.iter().filter(|stretch| stretch.winner == winner).count();
            let name = genre(&first.label);
            format!("{agreeing} of {count} stretches of the recording sound most like {name}. {source}")
        }
        _ => source,
    }
}

fn source(prediction: &Prediction, previous: Option<&PreviousPrediction>) -> String {
    let (model, time) = (&prediction.model, milliseconds(prediction.milliseconds));
    let previous_genre = previous.and_then(|previous| Some((previous, named(previous.prediction.genres.first()?))));
    match previous_genre {
        Some((PreviousPrediction { prediction, selection: Selection::Refine }, first)) => {
            format!("Refined with {model} in {time}; the first result, from {}, was {first}.", prediction.model)
        }
        Some((PreviousPrediction { prediction, .. }, first)) => {
            format!("Analyzed with {model} in {time}; the result from {} was {first}.", prediction.model)
        }
        None => format!("Analyzed with {model} in {time}."),
    }
}

/// The line over the progress bar: how far the engine is with the file, `None` before it has begun.
pub(crate) fn progress(current: Option<Progress>, browser_decodes: bool, choice: &Choice) -> String {
    match (current, choice) {
        // First of all: while the browser decodes, the engine reports no progress.
        _ if browser_decodes => "Your browser is decoding the file…".to_owned(),
        (Some(Progress { processed_seconds, duration_seconds: Some(duration), .. }), _) => {
            format!("Analyzing: {} of {}…", clock(processed_seconds.min(duration), 0), clock(duration, 0))
        }
        (Some(progress), _) => format!("Analyzing: {} so far…", clock(progress.processed_seconds, 0)),
        (None, Choice::Starting) => "Your file is analyzed as soon as the network is loaded…".to_owned(),
        (None, _) => "Waiting for the engine…".to_owned(),
    }
}

/// The file's name and its duration.
pub fn recording(file: &str, info: Option<&SpectrogramInfo>) -> String {
    match info {
        Some(info) => format!("{file} · {}", clock(info.duration_seconds, 0)),
        None => file.to_owned(),
    }
}

/// Which engine runs, and why, in one sentence.
pub(crate) fn engine(info: Option<&EngineInfo>, choice: &Choice) -> String {
    match info {
        None if *choice == Choice::Starting => "Loading the network…".to_owned(),
        None => format!("No engine is running: {}.", because(choice)),
        Some(info) => format!("Running on the {}: {}.", engine_name(info), because(choice)),
    }
}

/// `processor (CPU)`, or `graphics processor (GPU)` with the adapter's name.
pub(crate) fn engine_name(info: &EngineInfo) -> String {
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
        Choice::FetchingGpu => "the GPU engine is still being downloaded".to_owned(),
        Choice::TestingGpu => "checking whether the GPU gives the same results, and faster".to_owned(),
        Choice::OnlyCpu { reason } => no_gpu(reason),
        Choice::GpuFaster { cpu_ms, gpu_ms, steps } => {
            let faster = times_faster(*cpu_ms, *gpu_ms);
            format!("{faster} than the processor ({}){}", timings(*gpu_ms, *cpu_ms), training(*steps))
        }
        Choice::CpuFaster { cpu_ms, gpu_ms, steps } => {
            let faster = times_faster(*gpu_ms, *cpu_ms);
            format!("{faster} than the GPU here ({}){}", timings(*cpu_ms, *gpu_ms), training(*steps))
        }
        // An infinite difference means NaN or another number of logits, not a distance.
        Choice::SelfTestMismatch { difference } if difference.is_finite() => {
            format!("the GPU's results differ from the processor's (by up to {difference:.2}), so the GPU is not used")
        }
        Choice::SelfTestMismatch { .. } => "the GPU's results are invalid, so the GPU is not used".to_owned(),
        Choice::UserChoice => "as you chose".to_owned(),
    }
}

fn no_gpu(reason: &NoGpu) -> String {
    match reason {
        NoGpu::NoWebGpu => "this browser offers no WebGPU".to_owned(),
        NoGpu::NoAdapter => "the browser found no graphics processor that it can use".to_owned(),
        NoGpu::Lacks(what) => format!("the graphics processor does not have what the GPU engine needs ({what})"),
        NoGpu::SoftwareAdapter => "the only GPU here is an emulated one, which is slower".to_owned(),
        NoGpu::SavesData => {
            "your browser is set to save data, so the GPU engine is downloaded only if you choose it".to_owned()
        }
        NoGpu::NotBuilt => "the GPU engine is still being built, and will be offered here".to_owned(),
        NoGpu::Network(reason) => {
            format!("the GPU engine cannot run this network ({})", reason.trim_end_matches('.'))
        }
        NoGpu::Failed(reason) => format!("the GPU engine did not start ({})", reason.trim_end_matches('.')),
        NoGpu::Stopped(reason) => format!("the GPU engine stopped ({})", reason.trim_end_matches('.')),
    }
}

fn timings(own_ms: f64, other_ms: f64) -> String {
    format!("{} and {} for 30 s of sound", milliseconds(own_ms), milliseconds(other_ms))
}

/// Which engine a training uses, and why; nothing where the engines were not timed for that.
fn training(steps: Option<StepTimes>) -> String {
    let Some(StepTimes { cpu_ms, gpu_ms }) = steps else { return String::new() };
    let (engine, own_ms, other_ms) = if gpu_ms < cpu_ms { ("GPU", gpu_ms, cpu_ms) } else { ("CPU", cpu_ms, gpu_ms) };
    format!("; training runs on the {engine} ({} and {} a step)", milliseconds(own_ms), milliseconds(other_ms))
}

fn times_faster(slow_ms: f64, fast_ms: f64) -> String {
    match slow_ms / fast_ms {
        // A timer with a coarse resolution may measure 0 ms.
        ratio if !ratio.is_finite() => "far faster".to_owned(),
        ratio if ratio < 1.15 => "slightly faster".to_owned(),
        ratio if ratio < 3.0 => format!("{ratio:.1} times faster"),
        ratio => format!("{ratio:.0} times faster"),
    }
}

/// The heading of the table of labels.
pub(crate) fn table_caption(prediction: &Prediction) -> &'static str {
    if prediction.multi_label {
        "The probability of each tag, independent of the others"
    } else {
        "The probability of each genre; together they make 100 %"
    }
}

/// Another network could not analyze a file that already has a result.
pub(crate) fn not_reclassified(network: &str, reason: &str) -> String {
    sentence(format!("{network} could not analyze this file, so the previous result stays: {reason}"))
}

/// Shown after a file was cancelled.
pub(crate) const CANCELLED: &str = "Cancelled. You can choose another file.";

/// Shown under an error.
pub(crate) const AFTER_ERROR: &str = "You can choose another file at any time.";

/// Shown if the engine itself cannot run.
pub(crate) const AFTER_BROKEN: &str = "Loading this page again may help.";

/// Shown in place of the result until there is one.
pub(crate) const ANALYZING: &str = "Analyzing…";

/// The engine sent a spectrogram that cannot be drawn.
pub(crate) const NO_SPECTROGRAM: &str = "The spectrogram cannot be shown: its data is incomplete.";

/// Something other than a file was dropped.
pub(crate) const NO_FILE: &str = "That was not a file. Drop an audio file from your computer.";

/// Several files were given at once; `others` are not analyzed.
pub(crate) fn only_one(file: &str, others: &[String]) -> String {
    let left_out = match others {
        [] => String::new(),
        [other] => format!(" {other} was not opened."),
        [other, more @ ..] => format!(" {other} and {} were not opened.", count(more.len(), "other file")),
    };
    format!("Only one file is analyzed at a time: {file}.{left_out}")
}

/// The engine stopped while it analyzed a file, or said nothing for so many seconds; part of a sentence.
pub(crate) fn engine_died(file: &str, silent_seconds: Option<u32>) -> String {
    let silent = silent_seconds.map_or(String::new(), |seconds| format!(" (it {})", silent_for(seconds)));
    format!(
        "{file}: the engine stopped while it analyzed this file and is being restarted{silent}; choose another file"
    )
}

/// What an engine did that fell silent; part of a sentence.
pub(crate) fn silent_for(seconds: u32) -> String {
    format!("did not respond for {seconds}{NBSP}s")
}

/// A worker that predicted parts of the recording ended.
pub(crate) const HELPER_ENDED: &str = "One of the workers on this recording stopped; the others do its part.";

/// The engine stopped, perhaps because of something else than the file.
pub(crate) const TRIED_AGAIN: &str =
    "The engine stopped and was restarted; this file is analyzed from its beginning again.";

/// A recording that only the browser can decode is too long for that; `limit` in minutes.
pub(crate) fn over_browser_limit(refusal: &str, limit: f64) -> String {
    format!(
        "{refusal} (your browser may be able to decode this format, but only files of up to {limit:.0}{NBSP}minutes)"
    )
}

/// Only the browser can decode a recording, and nobody can tell how long it is; `limit` in minutes.
pub(crate) fn length_unknown(refusal: &str, limit: f64) -> String {
    format!(
        "{refusal} (your browser may be able to decode this format, but only files of up to {limit:.0}{NBSP}minutes, and \
         this file does not say how long it is)"
    )
}

/// The browser's decoder took longer than `limit` seconds.
pub(crate) fn browser_too_slow(refusal: &str, limit: u32) -> String {
    format!("{refusal} (your browser tried to decode it, but was not done after {limit}{NBSP}seconds)")
}

/// Damaged or missing pages of an Ogg file, and about how many seconds of sound were on them.
pub(crate) fn ogg_loss(pages: u64, seconds: f64, breaks_off: bool) -> Vec<String> {
    let damaged = (pages > 0).then(|| {
        let pages = count(usize::try_from(pages).unwrap_or(usize::MAX), "page");
        format!("The file is damaged: {pages} with about {seconds:.1}{NBSP}s of its sound could not be decoded.")
    });
    let broken_off = breaks_off.then(|| "The file breaks off: its end is missing.".to_owned());
    damaged.into_iter().chain(broken_off).collect()
}

/// The browser decoded less than the file says that it has, in seconds; `None` if the difference is no more than rounding.
pub(crate) fn decoded_less(decoded: f64, stated: f64) -> Option<String> {
    // Containers count in units of their own, and encoders pad.
    let less = stated - decoded > 0.5 + 0.01 * stated;
    less.then(|| {
        format!(
            "The file says that it lasts {stated:.1}{NBSP}s, but only {decoded:.1}{NBSP}s could be decoded; the rest is \
             damaged or missing."
        )
    })
}

#[cfg(test)]
#[path = "words_tests.rs"]
pub(in crate::view) mod tests;
