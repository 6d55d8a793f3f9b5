//! A training run whose losses or weights become NaN or infinite is stopped, and its last good weights are kept.

use genrelens::protocol::{Event, Payload};
use genrelens::recipe::{Keep, OptimiserKind, Recipe, Schedule};
use genrelens::training_job::{ModelSpec, TrainableLayers};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::generator::alone;
use crate::host::Recorder;
use crate::training::{embed, from_scratch, head, job, predicts_the_same, train, tuned, with_backbone};
use crate::{ask, engine};

/// Steps so large that the weight decay makes the weights about eight times larger in each: in some forty steps they are
/// infinite.
fn growing(model: &ModelSpec, keep: Keep) -> Recipe {
    Recipe {
        epochs: 100,
        optimiser: OptimiserKind::Sgd,
        learning_rate: 0.05,
        weight_decay: 100.0,
        schedule: Schedule::Constant,
        average_decay: 0.0,
        patience: 0,
        keep,
        ..model.quick(12)
    }
}

fn finite(weights: &[u8]) -> bool {
    // Float32, as the page writes weights.
    crate::training::tensors(weights)
        .values()
        .all(|bytes| bytes.chunks_exact(4).all(|value| f32::from_le_bytes(value.try_into().unwrap()).is_finite()))
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_that_diverges_keeps_its_last_good_weights() {
    let _alone = alone();
    let models = [from_scratch(), head(0), head(8), tuned(TrainableLayers::Output), tuned(TrainableLayers::All)];
    for (model, keep) in models.into_iter().flat_map(|model| [(model.clone(), Keep::Best), (model, Keep::Last)]) {
        let mut engine = with_backbone();
        let (job, mut host) = (job(model.clone(), growing(&model, keep)), Recorder::default());
        embed(&mut engine, &job);
        train(&mut engine, &job, &mut host);
        let (card, result, weights) = host.trained();
        let warning = result.warning.clone().unwrap_or_else(|| panic!("{model:?} goes on with NaN"));
        let best = result.epochs.iter().rfind(|epoch| epoch.best).unwrap().epoch;
        assert!(warning.contains("became NaN or infinite in epoch "), "{warning}");
        assert!(warning.contains(&format!("epoch {best} is kept; the learning rate of 0.05 is too high")), "{warning}");
        assert!(!result.epochs.is_empty() && result.epochs.len() < 100, "{model:?}: {}", result.epochs.len());
        assert!(finite(&weights), "{model:?}");
        assert!(result.answers.iter().flatten().all(|probability| probability.is_finite()), "{model:?}");
        let losses = result.epochs.iter().flat_map(|epoch| epoch.step_losses.iter());
        assert!(losses.clone().count() > 0 && losses.into_iter().all(|loss| loss.is_finite()), "{model:?}");
        predicts_the_same(&mut engine, card, weights, &result);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_that_diverges_at_once_is_no_success() {
    let _alone = alone();
    let (mut engine, mut host) = (engine(), Recorder::default());
    // A step a clip: all is over within the first epoch.
    let recipe = Recipe { batch: 1, learning_rate: 100.0, ..growing(&from_scratch(), Keep::Best) };
    let job = job(from_scratch(), recipe);
    embed(&mut engine, &job);
    train(&mut engine, &job, &mut host);
    let Event::Diverged { message } = host.last() else { panic!("{:?}", host.last()) };
    assert!(message.contains("in epoch 1, so training stopped and nothing is kept"), "{message}");
    assert!(message.ends_with("the learning rate of 100 is too high: train again with a lower one"), "{message}");
    assert_eq!(host.epochs(), 0, "no figures of it");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_that_diverges_after_a_checkpoint_keeps_the_best_epoch_before_it() {
    let _alone = alone();
    let (mut engine, job) = (engine(), job(from_scratch(), growing(&from_scratch(), Keep::Best)));
    embed(&mut engine, &job);
    // A checkpoint is due after every epoch.
    let mut host = Recorder { milliseconds_per_pause: 2000.0, ..Recorder::default() };
    train(&mut engine, &job, &mut host);
    let checkpoint = |(event, payload): &(Event, Payload)| match (event, payload) {
        (Event::Checkpoint { epoch }, Payload::Bytes(bytes)) => Some((*epoch, bytes.clone())),
        _ => None,
    };
    let (epoch, bytes) = host.events.iter().rev().find_map(checkpoint).unwrap();
    let mut again = Recorder::default();
    let request = genrelens::protocol::Request::Train { job: Box::new(job.clone()) };
    ask(&mut engine, request, Payload::Bytes(bytes), &mut again);
    let (_, result, weights) = again.trained();
    assert!(result.warning.is_some() && result.epochs.len() >= epoch, "{:?}", result.warning);
    assert!(finite(&weights));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_setting_that_no_run_survives_is_refused_before_it() {
    let _alone = alone();
    let (mut engine, mut host) = (engine(), Recorder::default());
    let job = job(from_scratch(), Recipe { learning_rate: 1e30, ..from_scratch().quick(12) });
    embed(&mut engine, &job);
    train(&mut engine, &job, &mut host);
    let Event::Failed { message } = host.last() else { panic!("{:?}", host.last()) };
    assert!(message.starts_with("learning rate is 1") && message.ends_with("expected 0 to 100"), "{message}");
}
