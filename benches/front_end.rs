//! The way from bytes to mel-spectrogram, for 30 s of sound.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark may panic")]

#[cfg(not(target_family = "wasm"))]
#[path = "common/signal.rs"]
mod signal;
#[cfg(not(target_family = "wasm"))]
#[path = "../tests/common/wav.rs"]
mod wav;

#[cfg(target_family = "wasm")]
fn main() {}

#[cfg(not(target_family = "wasm"))]
fn main() {
    native::benches();
    criterion::Criterion::default().configure_from_args().final_summary();
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use std::hint::black_box;

    use criterion::{BatchSize, Criterion, criterion_group};
    use genrelens::audio::{self, Clip, resample};
    use genrelens::dsp::{FrontEnd, MelPlan, segments};

    use crate::signal::chirp;
    use crate::wav;

    /// What people have: 44.1 kHz, stereo, 16 bits.
    fn stereo() -> Vec<u8> {
        // Channels that differ, as decoding mixes them down.
        let both = |sample: f32| [(sample * 32_767.0) as i16, (sample * -16_000.0) as i16];
        wav::pcm16(44_100, 2, chirp(44_100).into_iter().flat_map(both))
    }

    fn decoding(criterion: &mut Criterion) {
        let bytes = stereo();
        criterion.bench_function("decode 30 s, 44.1 kHz stereo, 16 bits", |bencher| {
            bencher.iter(|| audio::decode(black_box(&bytes)).unwrap());
        });
    }

    fn resampling(criterion: &mut Criterion) {
        for sample_rate in [44_100, 48_000] {
            let clip = Clip { samples: chirp(sample_rate), sample_rate };
            criterion.bench_function(&format!("resample 30 s, {sample_rate} Hz to 22050 Hz"), |bencher| {
                bencher.iter_batched(|| clip.clone(), |clip| resample(clip, 22_050).unwrap(), BatchSize::LargeInput);
            });
        }
    }

    fn spectrograms(criterion: &mut Criterion) {
        for front_end in FrontEnd::ALL {
            let (mut plan, samples) = (MelPlan::new(front_end), chirp(front_end.sample_rate));
            criterion.bench_function(&format!("spectrogram 30 s, {}", front_end.name), |bencher| {
                bencher.iter(|| plan.spectrogram(black_box(&samples)));
            });
            let mel = plan.spectrogram(&samples);
            criterion.bench_function(&format!("segments 30 s, {}", front_end.name), |bencher| {
                bencher.iter(|| segments(black_box(&mel), front_end));
            });
        }
    }

    criterion_group!(benches, decoding, resampling, spectrograms);
}
