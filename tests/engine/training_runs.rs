//! How training runs end: out of patience, stopped, cancelled.

use genrelens::protocol::Event;
use genrelens::recipe::{Keep, Recipe};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::engine;
use crate::generator::alone;
use crate::host::Recorder;
use crate::training::{embed, from_scratch, job, short, train};

#[wasm_bindgen_test(unsupported = test)]
fn patience_ends_a_run_that_does_not_improve() {
    let _alone = alone();
    let (mut engine, mut host) = (engine(), Recorder::default());
    // A rate at which nothing changes: the first epoch stays the best.
    let job = job(from_scratch(), Recipe { learning_rate: 1e-12, average_decay: 0.0, patience: 3, ..short(50) });
    embed(&mut engine, &job);
    train(&mut engine, &job, &mut host);
    assert!(host.trained().1.epochs.len() < 20, "{}", host.epochs());
    let since_best = host.trained().1.epochs.iter().rev().take_while(|epoch| !epoch.best).count();
    assert_eq!(since_best, 3);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_is_stopped_with_its_best_or_cancelled() {
    let _alone = alone();
    let (mut engine, job) = (engine(), job(from_scratch(), short(200)));
    embed(&mut engine, &job);
    let mut host = Recorder { stop_after_epochs: Some(3), ..Recorder::default() };
    train(&mut engine, &job, &mut host);
    assert_eq!(host.trained().1.epochs.len(), 3);
    let mut host = Recorder { cancel_after_epochs: Some(2), ..Recorder::default() };
    train(&mut engine, &job, &mut host);
    assert_eq!((host.last(), host.epochs()), (&Event::Cancelled, 2));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_that_keeps_its_last_epoch_is_stopped_with_its_best() {
    let _alone = alone();
    // Steps that are too large, so that it does not get better all the time.
    let rough = Recipe { learning_rate: 0.1, average_decay: 0.0, keep: Keep::Last, patience: 0, ..short(20) };
    let (mut engine, job) = (engine(), job(from_scratch(), rough));
    embed(&mut engine, &job);
    let mut result = |stop_after_epochs| {
        let mut host = Recorder { stop_after_epochs, ..Recorder::default() };
        train(&mut engine, &job, &mut host);
        host.trained().1
    };
    let whole = result(None);
    // Epochs until the first one that is no improvement.
    let best = whole.epochs.iter().position(|epoch| !epoch.best).unwrap();
    let [at_its_best, an_epoch_later] = [best, best + 1].map(|epochs| result(Some(epochs)));
    assert_eq!(an_epoch_later.epochs.len(), best + 1);
    assert_eq!(an_epoch_later.answers, at_its_best.answers);
}
