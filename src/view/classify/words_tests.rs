use std::rc::Rc;

use super::*;
use crate::card::{Card, Structure};
use crate::protocol::{Adapter, Architecture};
use crate::view::classify::networks::ActiveNetwork;
use crate::view::draw::reading::Reading;
use crate::view::draw::strip::tests::prediction;
use crate::view::draw::words::{bars_label, reading, strip_label};

/// A network of ten genres.
pub(crate) fn in_use() -> ActiveNetwork {
    let labels = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"];
    let figures = [("best_epoch", 87.0), ("valid_song_accuracy", 0.6091), ("valid_song_balanced_accuracy", 0.6353)];
    let card = Card {
        name: "net1-gtzan".to_owned(),
        summary: "Four convolutions.".to_owned(),
        architecture: "net1".to_owned(),
        structure: Structure::default(),
        backbones: Vec::new(),
        bands: 128,
        frames: 39,
        front_end: "gtzan-logmel".to_owned(),
        labels: labels.map(str::to_owned).to_vec(),
        multi_label: false,
        data: "GTZAN".to_owned(),
        recipe: String::new(),
        figures: figures.map(|(name, value)| (name.to_owned(), value)).into(),
        licence: "MIT OR Apache-2.0".to_owned(),
        sha256: String::new(),
    };
    let (summary, source) = ("Duplicated layers.".to_owned(), "Yang and Zhang 2019".to_owned());
    ActiveNetwork { card, architecture: Architecture { summary, source, parameters: 870_090 } }
}

/// The text with plain spaces, as tests compare it.
pub(crate) fn plain(text: impl AsRef<str>) -> String {
    text.as_ref().replace(NBSP, " ")
}

#[test]
fn percentages_claim_no_false_certainty() {
    let shown = [0.0, 0.004, 0.01, 0.615, 0.994, 0.9962, 1.0, f32::NAN].map(|p| plain(percent(p)));
    assert_eq!(shown, ["0 %", "< 1 %", "1 %", "62 %", "99 %", "> 99 %", "100 %", "?"]);
}

fn verdict_of(probabilities: &[f32]) -> String {
    let labels = ["jazz", "blues", "hiphop", "rock", "pop", "metal", "disco", "reggae", "country", "classical"];
    let score = |(label, &probability): (&str, &f32)| Score { label: label.to_owned(), probability };
    let genres = labels.into_iter().zip(probabilities).map(score).collect();
    plain(verdict(&Prediction { genres, ..prediction() }))
}

#[test]
fn verdicts_are_as_certain_as_their_probabilities() {
    let rest = [0.02; 8];
    let with = |first: f32, second: f32| verdict_of(&[&[first, second], rest.as_slice()].concat());
    assert_eq!(with(0.62, 0.22), "Most likely jazz (62 %)");
    assert_eq!(with(0.31, 0.27), "Not sure: jazz (31 %) or blues (27 %)");
    assert_eq!(with(0.52, 0.45), "Not sure: jazz (52 %) or blues (45 %)");
    assert_eq!(with(0.45, 0.2), "Perhaps jazz (45 %), or blues (20 %)");
    assert_eq!(with(0.15, 0.14), "Hard to tell. Most similar: jazz (15 %) and blues (14 %)");
}

#[test]
fn few_genres_have_verdicts_too() {
    assert_eq!(verdict_of(&[0.9, 0.1]), "Most likely jazz (90 %)");
    assert_eq!(verdict_of(&[0.51, 0.49]), "Not sure: jazz (51 %) or blues (49 %)");
    assert_eq!(verdict_of(&[1.0]), "Most likely jazz (100 %)");
    assert_eq!(verdict_of(&[]), "The network named no genre.");
}

#[test]
fn the_detail_counts_stretches() {
    let words = plain(detail(&prediction(), None));
    assert_eq!(words, "2 of 3 stretches of the recording sound most like jazz. Analyzed with net1-gtzan in 346 ms.");
    let single = Prediction { windows: prediction().windows[..1].to_vec(), ..prediction() };
    assert_eq!(plain(detail(&single, None)), "Analyzed with net1-gtzan in 346 ms.");
}

#[test]
fn a_refined_result_names_the_first_one() {
    let first = Rc::new(Prediction { model: "first-answer".to_owned(), ..prediction() });
    let single = Prediction { windows: prediction().windows[..1].to_vec(), ..prediction() };
    let after = |selection| plain(detail(&single, Some(&PreviousPrediction { prediction: first.clone(), selection })));
    let refined = "Refined with net1-gtzan in 346 ms; the first result, from first-answer, was jazz (62 %).";
    assert_eq!(after(Selection::Refine), refined);
    assert_eq!(
        after(Selection::User),
        "Analyzed with net1-gtzan in 346 ms; the result from first-answer was jazz (62 %)."
    );
}

#[test]
fn tags_are_named_as_tags() {
    let tags = Prediction { multi_label: true, ..prediction() };
    assert_eq!(plain(verdict(&tags)), "Most fitting tags: jazz (62 %), rock (30 %), hip-hop (8 %)");
    assert!(bars_label(&tags).starts_with("Bar chart of the tags: ") && strip_label(&tags).starts_with("Tag over"));
}

fn cpu() -> EngineInfo {
    EngineInfo { kind: EngineKind::Cpu, adapter: None }
}

fn gpu(software: bool) -> EngineInfo {
    EngineInfo { kind: EngineKind::Gpu, adapter: Some(Adapter { name: "NVIDIA Lovelace".to_owned(), software }) }
}

#[test]
fn the_engine_line_says_which_engine_runs_and_why() {
    let says = |info: &EngineInfo, choice: Choice| plain(engine(Some(info), &choice));
    assert_eq!(
        says(&gpu(false), Choice::GpuFaster { cpu_ms: 35.0, gpu_ms: 4.2, steps: None }),
        "Running on the graphics processor (GPU) – NVIDIA Lovelace: \
         8 times faster than the processor (4.2 ms and 35 ms for 30 s of sound)."
    );
    assert_eq!(
        says(
            &cpu(),
            Choice::CpuFaster { cpu_ms: 20.0, gpu_ms: 35.0, steps: Some(StepTimes { cpu_ms: 400.0, gpu_ms: 80.0 }) }
        ),
        "Running on the processor (CPU): 1.8 times faster than the GPU here (20 ms and 35 ms for 30 s of sound); training \
         runs on the GPU (80 ms and 400 ms a step)."
    );
    assert_eq!(
        says(&cpu(), Choice::OnlyCpu { reason: NoGpu::NoWebGpu }),
        "Running on the processor (CPU): this browser offers no WebGPU."
    );
    assert_eq!(
        says(&cpu(), Choice::OnlyCpu { reason: NoGpu::Lacks("maxBufferSize is 1, not 2".to_owned()) }),
        "Running on the processor (CPU): the graphics processor does not have what the GPU engine needs \
         (maxBufferSize is 1, not 2)."
    );
    assert_eq!(
        says(&cpu(), Choice::OnlyCpu { reason: NoGpu::SavesData }),
        "Running on the processor (CPU): your browser is set to save data, so the GPU engine is downloaded only if you \
         choose it."
    );
    assert_eq!(
        says(&cpu(), Choice::OnlyCpu { reason: NoGpu::NotBuilt }),
        "Running on the processor (CPU): the GPU engine is still being built, and will be offered here."
    );
    assert_eq!(
        says(&cpu(), Choice::OnlyCpu { reason: NoGpu::Failed("device lost.".to_owned()) }),
        "Running on the processor (CPU): the GPU engine did not start (device lost)."
    );
    assert_eq!(
        says(&gpu(true), Choice::UserChoice),
        "Running on the graphics processor (GPU) – NVIDIA Lovelace, emulated: as you chose."
    );
    assert!(says(&cpu(), Choice::SelfTestMismatch { difference: 0.5 }).contains("by up to 0.50"));
    assert!(!says(&cpu(), Choice::SelfTestMismatch { difference: f32::INFINITY }).contains("inf"));
    assert!(!says(&gpu(false), Choice::GpuFaster { cpu_ms: 3.0, gpu_ms: 0.0, steps: None }).contains("inf"));
    assert_eq!(engine(None, &Choice::Starting), "Loading the network…");
    assert_eq!(engine(None, &Choice::Broken), "No engine is running: it could not be started.");
}

#[test]
fn readings_have_units_and_a_true_minus() {
    let at = |hz, db| plain(reading(&Reading { seconds: 12.34, hz, db }, None));
    assert_eq!(at(440.0, -23.2), "0:12.3 · 440 Hz · −23 dB");
    assert_eq!(at(1_250.0, -0.2), "0:12.3 · 1.25 kHz · 0 dB");
    let all = stretches(&prediction().windows);
    let named = reading(&Reading { seconds: 7.0, hz: 99.9, db: -80.0 }, Some((&all[2], "hiphop")));
    assert_eq!(plain(named), "0:07.0 · 100 Hz · −80 dB · hip-hop 70 %");
}

#[test]
fn progress_is_described() {
    let line = |processed_seconds, duration_seconds| {
        progress(Some(Progress { processed_seconds, duration_seconds, fraction: 0.5 }), false, &Choice::UserChoice)
    };
    assert_eq!(line(754.9, Some(7200.0)), "Analyzing: 12:35 of 2:00:00…");
    assert_eq!(line(30.2, Some(30.0)), "Analyzing: 0:30 of 0:30…");
    assert_eq!(line(61.0, None), "Analyzing: 1:01 so far…");
    assert_eq!(progress(None, false, &Choice::UserChoice), "Waiting for the engine…");
    assert_eq!(progress(None, true, &Choice::UserChoice), "Your browser is decoding the file…");
    assert!(progress(None, false, &Choice::Starting).contains("as soon as the network is loaded"));
}

#[test]
fn a_preliminary_result_has_no_numbers() {
    assert_eq!(verdict_so_far(&prediction()), "So far, most likely jazz…");
    assert_eq!(verdict_so_far(&Prediction { genres: vec![], ..prediction() }), ANALYZING);
}

#[test]
fn the_limit_of_browser_decoding_is_named() {
    let words = plain(over_browser_limit("a.opus: it is an Opus file", 30.0));
    assert!(words.starts_with("a.opus: it is an Opus file (") && words.ends_with("up to 30 minutes)"), "{words}");
    assert!(plain(length_unknown("a.webm", 30.0)).ends_with("does not say how long it is)"));
    assert!(plain(browser_too_slow("a.webm", 180)).ends_with("not done after 180 seconds)"));
}

#[test]
fn what_a_damaged_opus_file_lost_is_said() {
    assert_eq!(
        ogg_loss(3, 0.3, true).iter().map(plain).collect::<Vec<_>>(),
        [
            "The file is damaged: 3 pages with about 0.3 s of its sound could not be decoded.",
            "The file breaks off: its end is missing."
        ]
    );
    assert_eq!(decoded_less(6.0, 6.3), None);
    assert_eq!(decoded_less(3600.0, 3620.0), None);
    assert!(decoded_less(4.0, 6.0).is_some_and(|said| plain(said).contains("lasts 6.0 s, but only 4.0 s")));
}

#[test]
fn files_that_are_not_opened_are_named() {
    let other =
        |names: &[&str]| plain(only_one("a.wav", &names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()));
    assert_eq!(other(&["b.wav"]), "Only one file is analyzed at a time: a.wav. b.wav was not opened.");
    assert_eq!(
        other(&["b.wav", "c.wav", "d.wav"]),
        "Only one file is analyzed at a time: a.wav. b.wav and 2 other files were not opened."
    );
}

#[test]
fn an_engine_that_fell_silent_is_told_from_one_that_stopped() {
    let told = |silent| plain(engine_died("a.wav", silent));
    assert_eq!(
        told(None),
        "a.wav: the engine stopped while it analyzed this file and is being restarted; choose another file"
    );
    assert!(told(Some(45)).contains("restarted (it did not respond for 45 s); choose"), "{}", told(Some(45)));
    let stopped = Choice::OnlyCpu { reason: NoGpu::Stopped("device lost.".to_owned()) };
    assert_eq!(
        plain(engine(Some(&cpu()), &stopped)),
        "Running on the processor (CPU): the GPU engine stopped (device lost)."
    );
}

#[test]
fn drawings_are_described() {
    assert_eq!(plain(bars_label(&prediction())), "Bar chart of the genres: jazz 62 %, rock 30 %, hip-hop 8 %");
    assert_eq!(strip_label(&prediction()), "Genre over time: jazz from 0:00 to 0:07, rock from 0:07 to 0:10");
}
