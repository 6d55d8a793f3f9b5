//! The self-test: what the network in use answers to a fixed input, how long it takes for a song, and how long for a step
//! of training. The page asks both engines, and uses the GPU engine for what it does faster, if it agrees.

use super::classify::classify_on;
use super::{Engine, EngineError, Host, pause};
use crate::audio::Clip;
use crate::audio_pipeline::AudioPipeline;
use crate::model::Loaded;
use crate::model::registry::InputKind;
use crate::model::windows::Windowing;
use crate::protocol::{Coverage, EngineKind, Event, Payload, SelfTest, TrainControl};
use crate::recipe::Recipe;
use crate::train::batch::Batch;
use crate::train::fit::fresh;
use crate::train::step::{Objective, optimiser, step};

/// Windows of the input whose logits are compared, and of a step of training.
const WINDOWS: usize = 8;
/// The song that is timed: as long as the page's usual clip, at the rate of most recordings.
const SONG_SECONDS: usize = 30;
const SAMPLE_RATE: u32 = 44_100;
/// The song and the step are timed so often each, or until that takes this many milliseconds in all.
const MOST_RUNS: usize = 3;
const ENOUGH_MILLISECONDS: f64 = 1_000.0;
/// An engine that takes longer than this for the song, in milliseconds, is not asked for a step, which takes several times
/// as long.
const MOST_MILLISECONDS_TO_STEP: f64 = 500.0;

impl Engine {
    /// Runs the network in use on the fixed input, and times a song from its samples to its prediction and a step of
    /// training.
    pub(super) async fn self_test(&self, host: &mut impl Host) -> Result<SelfTest, EngineError> {
        let loaded = self.loaded.as_ref().ok_or(EngineError::NoNetwork)?;
        let Windowing { bands, frames, .. } = loaded.windowing();
        let input = self_test_input(WINDOWS, bands, frames);
        let logits = match self.info.kind {
            EngineKind::Cpu => loaded.logits(input, bands, frames).await?,
            EngineKind::Gpu => {
                // In the batches that songs come in, so that the programs compared are those that songs run.
                let logits = loaded.launched_logits(input).await?;
                // Compiles what is left to compile.
                self.time_song(loaded, host).await?;
                logits
            }
        };
        let mut times = Times::default();
        while times.wants_more() {
            pause(host).await?;
            times.add(self.time_song(loaded, host).await?);
        }
        let milliseconds = times.median();
        let step_milliseconds = match loaded.input_kind() {
            // What takes long when a head is trained is its backbones, which embed the clips as they do a song.
            InputKind::Features => None,
            _ if milliseconds > MOST_MILLISECONDS_TO_STEP => None,
            _ => Some(self.time_step(loaded, host).await?),
        };
        Ok(SelfTest { logits, milliseconds, step_milliseconds })
    }

    /// Milliseconds of a step of training with the layers of the network in use and fresh weights: the median of some, after
    /// one that compiles programs.
    async fn time_step(&self, loaded: &Loaded, host: &mut impl Host) -> Result<f64, EngineError> {
        let (blueprint, recipe) = (loaded.blueprint(), Recipe::default());
        let shape = blueprint.build.shape;
        let classes = (0..WINDOWS * shape.classes).map(|at| f32::from(u8::from(at % shape.classes == 0)));
        let (inputs, targets) = (self_test_input(WINDOWS, shape.bands, shape.frames), classes.collect());
        let batch = Batch { inputs, targets, shape };
        let objective = Objective { multi_label: loaded.card.multi_label, ..Objective::default() };
        let mut network = fresh(blueprint, &recipe, &self.device);
        let mut optimiser = optimiser(&recipe);
        let mut times = Times::default();
        for run in 0.. {
            pause(host).await?;
            let started = host.now_milliseconds();
            let loss;
            (network, loss) = step(network, &mut optimiser, &batch, recipe.learning_rate, objective);
            loss.into_data_async().await?; // waits for the device
            if run > 0 {
                times.add(host.now_milliseconds() - started);
            }
            if !times.wants_more() {
                break;
            }
        }
        Ok(times.median())
    }

    /// Classifies the song: milliseconds from its samples to its prediction.
    async fn time_song(&self, loaded: &Loaded, host: &mut impl Host) -> Result<f64, EngineError> {
        let pipeline = AudioPipeline::from_clip(song(), loaded.front_end())?;
        Ok(classify_on(self.info.kind, pipeline, Coverage::Whole, loaded, &mut Silent(host)).await?.milliseconds)
    }
}

/// How long the runs of something took, in milliseconds.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn add(&mut self, milliseconds: f64) {
        self.0.push(milliseconds);
        self.0.sort_by(f64::total_cmp);
    }

    fn wants_more(&self) -> bool {
        self.0.is_empty() || self.0.len() < MOST_RUNS && self.0.iter().sum::<f64>() < ENOUGH_MILLISECONDS
    }

    /// One run may be disturbed by other programs.
    fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }
}

/// The self-test's input, row-major `[windows, bands, frames]`: waves of another frequency in every window, with values as
/// large as those of music.
pub fn self_test_input(windows: usize, bands: usize, frames: usize) -> Vec<f32> {
    let value = |index: usize| {
        let (window, band, frame) = (index / (bands * frames), index / frames % bands, index % frames);
        let phase = (window + 1) as f32 * 0.11 * frame as f32 + 0.37 * band as f32;
        phase.sin() + 0.5 * (0.05 * band as f32 * (frame as f32 * 0.3).cos()).sin()
    };
    (0..windows * bands * frames).map(value).collect()
}

/// A tone that rises and falls once a second: what a song sounds like does not change how long it takes.
fn song() -> Clip {
    let value = |index: usize| {
        let seconds = index as f32 / SAMPLE_RATE as f32;
        let phase = std::f32::consts::TAU * (440.0 * seconds).fract();
        0.5 * (phase + 100.0 * (std::f32::consts::TAU * seconds.fract()).sin()).sin()
    };
    Clip { samples: (0..SONG_SECONDS * SAMPLE_RATE as usize).map(value).collect(), sample_rate: SAMPLE_RATE }
}

/// A host that nothing is sent to: the page waits for the self-test's result, not for a song's. What messages cost is the
/// same for both engines.
struct Silent<'a, H>(&'a mut H);

impl<H: Host> Host for Silent<'_, H> {
    fn send(&mut self, _: Event, _: Payload) {}

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }

    fn control(&self) -> TrainControl {
        self.0.control()
    }

    async fn pause(&mut self) {
        self.0.pause().await;
    }

    fn now_milliseconds(&self) -> f64 {
        self.0.now_milliseconds()
    }
}
