//! The same seed gives the same run.

use burn::tensor::Device;
use futures::FutureExt;
use genrelens::dataset::labelled_set::{LabelledSet, Song, one_of};
use genrelens::dsp::{FrontEnd, Segment};
use genrelens::model::registry::entry;
use genrelens::model::{Blueprint, Build, Shape};
use genrelens::recipe::{Augmentation, Recipe};
use genrelens::train::fit::{FitJob, Start, fit};
use genrelens::train::observer::NoObserver;

use crate::generator::alone;

fn losses(seed: u64) -> Vec<f64> {
    let shape = Shape { bands: 8, frames: 8, classes: 2 };
    let song = |index: usize| Song {
        name: index.to_string(),
        group: None,
        target: one_of(index % 2, 2),
        segments: vec![Segment {
            start_seconds: 0.0,
            columns: 16,
            bands: 8,
            values: (0..128).map(|value| ((value * (index + 3)) as f32 * 0.37).sin() * 0.5 + 0.5).collect(),
        }],
    };
    let part = |songs: std::ops::Range<usize>| LabelledSet {
        labels: vec!["a".into(), "b".into()],
        multi_label: false,
        songs: songs.map(song).collect(),
    };
    let blueprint =
        Blueprint { entry: entry("net1").unwrap(), build: Build::from(shape), front_end: &FrontEnd::GTZAN_LOGMEL };
    // Augmentation draws from the same seed, so it has to repeat too.
    let augmentation = Augmentation { mixup: 0.3, noise: 0.1, band_shift: 1, stretch: 0.1, ..Augmentation::default() };
    let recipe = Recipe { seed, epochs: 3, batch: 4, augmentation, ..Recipe::default() };
    let (device, mut silent) = (Device::flex(), NoObserver);
    let (train, valid) = (part(0..8), part(8..12));
    let start = Start::Fresh(&blueprint);
    let job = FitJob { start, recipe: &recipe, train: &train, valid: &valid, device: &device };
    let run = fit(job, &mut silent);
    run.now_or_never().unwrap().unwrap().epochs.iter().map(|epoch| epoch.train_loss).collect()
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let _alone = alone();
    let first = losses(5);
    let (again, other) = (losses(5), losses(6));
    // Threads sum in an order of their own; nothing else may differ.
    assert!(first.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-4), "{first:?} {again:?}");
    assert!(first.iter().zip(&other).any(|(a, b)| (a - b).abs() > 1e-3), "{first:?} {other:?}");
}
