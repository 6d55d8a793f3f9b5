//! How long every network of the registry takes for 30 s of sound and for a step of training, fresh weights at its
//! document's sizes: on the CPU engine and, with `--features vulkan` or `cuda`, on the graphics processor, whose answers
//! and losses are compared with the CPU's. `cargo bench --bench engines -- [NAME…]` prints a Markdown table.

#[cfg(not(target_family = "wasm"))]
#[path = "common/signal.rs"]
mod signal;

#[cfg(target_family = "wasm")]
fn main() {}

#[cfg(not(target_family = "wasm"))]
fn main() {
    native::main();
}

#[cfg(not(target_family = "wasm"))]
mod native {
    #![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

    use std::time::Instant;

    use burn::module::Module;
    use burn::tensor::Device;
    use genrelens::audio::Clip;
    use genrelens::audio_pipeline::AudioPipeline;
    use genrelens::dsp::Segment;
    use genrelens::model::predict::{WINDOWS_PER_BATCH, outputs};
    use genrelens::model::registry::{ENTRIES, Entry, InputKind};
    use genrelens::model::windows::{InputSpec, WindowSpan};
    use genrelens::model::{Blueprint, Network, Part};
    use genrelens::recipe::Recipe;
    use genrelens::train::batch::Batch;
    use genrelens::train::fit::fresh;
    use genrelens::train::step::{Objective, optimiser, step};

    use crate::signal::chirp;

    /// Windows of a training step, on both engines.
    const BATCH: usize = 16;
    const RUNS: usize = 5;

    /// The graphics processor, where an engine for one was built in.
    fn graphics() -> Option<Device> {
        #[cfg(feature = "cuda")]
        return Some(Device::cuda(0));
        #[cfg(all(feature = "vulkan", not(feature = "cuda")))]
        return Some(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice));
        #[cfg(not(any(feature = "cuda", feature = "vulkan")))]
        None
    }

    fn segments_of(input_spec: &InputSpec) -> Vec<Segment> {
        let sample_rate = input_spec.front_end.sample_rate;
        let clip = Clip { samples: chirp(sample_rate), sample_rate };
        let mut pipeline = AudioPipeline::from_clip(clip, input_spec.front_end).unwrap();
        let mut segments = Vec::new();
        while let Some(more) = pipeline.next_segments().unwrap() {
            segments.extend(more.into_iter().map(|segment| input_spec.windowing.prepare(segment)));
        }
        segments
    }

    /// The logits of all windows of a song.
    fn song(network: &Network, input_spec: &InputSpec, segments: &[Segment], spans: &[WindowSpan]) -> Vec<f32> {
        let chunk = |spans: &[WindowSpan]| {
            let values = input_spec.windowing.values(segments, spans);
            pollster::block_on(outputs(network, Part::Whole, values, input_spec.windowing.bands, spans[0].columns))
                .unwrap()
        };
        let of = |spans| chunk(spans).into_iter().flat_map(|answer| answer.logits).collect::<Vec<f32>>();
        spans.chunks(WINDOWS_PER_BATCH).flat_map(of).collect()
    }

    fn batch(blueprint: &Blueprint, segments: &[Segment], spans: &[WindowSpan]) -> Batch {
        let shape = blueprint.build.shape;
        let drawn: Vec<WindowSpan> = spans.iter().copied().cycle().take(BATCH).collect();
        let targets =
            (0..BATCH * shape.classes).map(|at| f32::from(u8::from(at % shape.classes == at / shape.classes)));
        Batch { inputs: blueprint.windowing().values(segments, &drawn), targets: targets.collect(), shape }
    }

    /// Milliseconds of a call: the median of so many after one that is not counted, and what the last gave.
    fn timed<Output>(mut call: impl FnMut() -> Output) -> (f64, Output) {
        // Not counted: it compiles kernels and fills caches.
        let mut last = call();
        let mut times: Vec<f64> = Vec::new();
        for _ in 0..RUNS {
            let began = Instant::now();
            last = call();
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        (times[RUNS / 2], last)
    }

    struct Measured {
        song_ms: f64,
        step_ms: f64,
        logits: Vec<f32>,
        /// Of every step.
        losses: Vec<f64>,
    }

    fn measure(blueprint: &Blueprint, segments: &[Segment], spans: &[WindowSpan], device: &Device) -> Measured {
        let input_spec = blueprint.input_spec();
        // The same weights on both, and no dropout, so that they can be compared.
        let documented = (blueprint.entry.preset)().recipe;
        let recipe = Recipe { dropout_convolution: Some(0.0), dropout_dense: Some(0.0), ..documented };
        let mut network = fresh(blueprint, &recipe, device);
        let for_inference = network.valid();
        let (song_ms, logits) = timed(|| song(&for_inference, &input_spec, segments, spans));
        let batch = batch(blueprint, segments, spans);
        let mut optimiser = optimiser(&recipe);
        let mut losses = Vec::new();
        let (step_ms, ()) = timed(|| {
            let objective = Objective::default();
            let (moved, loss) = step(network.clone(), &mut optimiser, &batch, recipe.learning_rate, objective);
            network = moved;
            losses.push(loss.into_data().iter::<f64>().sum());
        });
        Measured { song_ms, step_ms, logits, losses }
    }

    fn differ(one: &[f32], other: &[f32]) -> f32 {
        let largest = one.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        one.iter().zip(other).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest
    }

    pub fn main() {
        let names: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
        println!(
            "| network | windows | song, CPU ms | song, GPU ms | step, CPU ms | step, GPU ms | logits differ | losses |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let wanted = |entry: &&&Entry| {
            // A head has no front end of its own, so there is no song to time.
            entry.input_kind != InputKind::Features && (names.is_empty() || names.iter().any(|name| name == entry.id))
        };
        for entry in ENTRIES.iter().filter(wanted) {
            let blueprint = entry.documented();
            let segments = segments_of(&blueprint.input_spec());
            let spans = blueprint.windowing().spans(&segments);
            let cpu = measure(&blueprint, &segments, &spans, &Device::flex());
            let gpu = graphics().map(|device| measure(&blueprint, &segments, &spans, &device));
            let of =
                |value: fn(&Measured) -> f64| gpu.as_ref().map_or("–".to_owned(), |gpu| format!("{:.1}", value(gpu)));
            let apart =
                gpu.as_ref().map_or("–".to_owned(), |gpu| format!("{:.1e}", differ(&cpu.logits, &gpu.logits)));
            let losses = gpu.as_ref().map_or("–".to_owned(), |gpu| {
                let end = |measured: &Measured| format!("{:.4}", measured.losses.last().unwrap());
                format!("{:.4} → {}, {}", cpu.losses[0], end(&cpu), end(gpu))
            });
            println!(
                "| `{}` | {} | {:.1} | {} | {:.1} | {} | {apart} | {losses} |",
                entry.id,
                spans.len(),
                cpu.song_ms,
                of(|measured| measured.song_ms),
                cpu.step_ms,
                of(|measured| measured.step_ms),
            );
        }
    }
}
