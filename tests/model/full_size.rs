//! The networks at their documents' full sizes: they run, and they overfit a handful of clips. Native only: a browser
//! without a GPU would take minutes.

use burn::tensor::Device;
use genrelens::engine::self_test_input;
use genrelens::model::registry::{ENTRIES, InputKind, entry};
use genrelens::model::windows::to_tensor;
use genrelens::model::{Blueprint, Build, Dropouts, Shape};
use genrelens::recipe::{OptimiserKind, Recipe};
use genrelens::train::batch::Batch;
use genrelens::train::step::{Objective, optimiser, step};

use crate::generator::shared;

const CLIPS: usize = 4;

/// The document's network without dropout, which would keep it from overfitting.
fn documented(id: &str) -> Blueprint {
    let documented = entry(id).unwrap().documented();
    let dropouts = Dropouts { convolution: Some(0.0), dense: Some(0.0) };
    Blueprint { build: Build { dropouts, ..documented.build }, ..documented }
}

/// Clips that differ, each with a class of its own, or with every fourth tag from its own on.
fn clips(shape: Shape, multi_label: bool) -> Batch {
    let Shape { bands, frames, classes } = shape;
    let holds = |clip: usize, class: usize| if multi_label { class % CLIPS == clip } else { class == clip };
    let target = |index: usize| f32::from(u8::from(holds(index / classes, index % classes)));
    let targets = (0..CLIPS * classes).map(target).collect();
    Batch { inputs: self_test_input(CLIPS, bands, frames), targets, shape }
}

/// The losses of so many steps of Adam on the same clips.
fn losses(id: &str, steps: usize, learning_rate: f64) -> Vec<f64> {
    let blueprint = documented(id);
    // The taggers are the documents with fifty labels.
    let multi_label = blueprint.build.shape.classes == 50;
    let batch = clips(blueprint.build.shape, multi_label);
    let objective = Objective { multi_label, paper_penalty: true, ..Objective::default() };
    let recipe = Recipe { optimiser: OptimiserKind::Adam, weight_decay: 0.0, ..Recipe::default() };
    let mut optimiser = optimiser(&recipe);
    let mut network = blueprint.init(&Device::flex().autodiff());
    let one = |_| {
        let (moved, loss) = step(network.clone(), &mut optimiser, &batch, learning_rate, objective);
        network = moved;
        loss.into_data().iter::<f64>().sum()
    };
    (0..steps).map(one).collect()
}

fn overfits(id: &str, steps: usize, learning_rate: f64) {
    let _shared = shared();
    let losses = losses(id, steps, learning_rate);
    // Adam makes single steps jump: the best of the last three counts.
    let last = losses.iter().rev().take(3).copied().fold(f64::INFINITY, f64::min);
    assert!(last < 0.5 * losses[0], "{id}: {losses:?}");
}

#[test]
fn fma_cnn1d_shallow() {
    overfits("fma-cnn1d-shallow", 12, 1e-3);
}

#[test]
fn fma_cnn1d_deep() {
    overfits("fma-cnn1d-deep", 12, 1e-3);
}

#[test]
fn fma_cnn2d_shallow() {
    overfits("fma-cnn2d-shallow", 8, 1e-3);
}

#[test]
fn fma_cnn2d_deep() {
    overfits("fma-cnn2d-deep", 6, 1e-3);
}

#[test]
fn fma_rnn() {
    overfits("fma-rnn", 8, 1e-2);
}

#[test]
fn fma_crnn() {
    overfits("fma-crnn", 12, 3e-3);
}

#[test]
fn fma_crnn_stacked() {
    overfits("fma-crnn-stacked", 32, 2e-3);
}

#[test]
fn gtzan_cnn() {
    overfits("gtzan-cnn", 8, 1e-3);
}

#[test]
fn deep_music_genre() {
    overfits("deep-music-genre", 8, 3e-4);
}

#[test]
fn fcn_tagger() {
    overfits("fcn-tagger", 8, 3e-3);
}

#[test]
fn parallel_cnn_rnn() {
    overfits("parallel-cnn-rnn", 10, 5e-3);
}

#[test]
fn parallel_cnn_rnn_torch() {
    overfits("parallel-cnn-rnn-torch", 6, 5e-3);
}

#[test]
fn lens() {
    overfits("lens", 8, 3e-3);
}

#[test]
fn panorama() {
    overfits("panorama", 8, 3e-3);
}

#[test]
fn every_network_takes_the_features_of_the_shipped_ones() {
    let _shared = shared();
    let shape = Shape { bands: 128, frames: 387, classes: 10 };
    for entry in ENTRIES.iter().filter(|entry| entry.input_kind != InputKind::Features) {
        let network = (entry.init)(&Build::from(shape), &Device::flex());
        let windows =
            to_tensor(self_test_input(1, shape.bands, shape.frames), shape.bands, shape.frames, &Device::flex());
        assert_eq!(network.forward(windows).dims(), [1, shape.classes], "{}", entry.id);
    }
}
