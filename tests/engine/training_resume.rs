//! A training run from its checkpoint.

use genrelens::eval::report::EpochReport;
use genrelens::protocol::{Event, Payload, Request};
use genrelens::recipe::{OptimiserKind, Recipe, Schedule};
use genrelens::training_job::{ModelSpec, TrainingJob};

use crate::generator::alone;
use crate::host::Recorder;
use crate::training::{embed, from_scratch, job, short, tensors, train};
use crate::{ask, engine};

#[test]
fn a_resumed_run_equals_one_that_was_never_interrupted() {
    let _alone = alone();
    // Dropout, an average of the weights, moments of the optimiser, shuffles: the whole state of a run.
    let with_dropout = Recipe { dropout_dense: Some(0.3), patience: 0, ..short(8) };
    let adadelta = Recipe { optimiser: OptimiserKind::Adadelta, learning_rate: 1.0, ..with_dropout.clone() };
    let plateau = Recipe { schedule: Schedule::Plateau, average_decay: 0.0, ..with_dropout.clone() };
    for recipe in [with_dropout, adadelta, plateau] {
        let (mut engine, job) = (engine(), job(from_scratch(), recipe));
        let mut host = Recorder { milliseconds_per_pause: 10_000.0, ..Recorder::default() };
        embed(&mut engine, &job);
        train(&mut engine, &job, &mut host);
        let (_, whole, weights) = host.trained();
        let checkpoints: Vec<(usize, Vec<u8>)> = host
            .events
            .iter()
            .filter_map(|(event, payload)| match (event, payload) {
                (Event::Checkpoint { epoch }, Payload::Bytes(bytes)) => Some((*epoch, bytes.clone())),
                _ => None,
            })
            .collect();
        assert_eq!(checkpoints.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
        let (epoch, bytes) = checkpoints[4].clone();
        let mut host = Recorder::default();
        let request = Request::Train { job: Box::new(job.clone()) };
        ask(&mut engine, request, Payload::Bytes(bytes.clone()), &mut host);
        let (_, resumed, again) = host.trained();
        assert_eq!((epoch, host.epochs()), (5, 3));
        let told = |epochs: &[EpochReport]| -> Vec<_> {
            let of = |report: &EpochReport| (report.epoch, report.step_losses.clone(), report.valid, report.best);
            epochs.iter().map(of).collect()
        };
        assert_eq!(told(&resumed.epochs), told(&whole.epochs));
        assert_eq!(tensors(&again), tensors(&weights), "bit for bit");
        // A checkpoint of another network is refused.
        let mut host = Recorder::default();
        let other = ModelSpec::FromScratch {
            architecture: "net2".to_owned(),
            front_end: "gtzan-logmel".to_owned(),
            rows: None,
            frames: 16,
            width: 0.125,
        };
        let other = TrainingJob { model: other, ..job };
        embed(&mut engine, &other);
        for bytes in [bytes, b"nothing".to_vec()] {
            ask(&mut engine, Request::Train { job: Box::new(other.clone()) }, Payload::Bytes(bytes), &mut host);
            assert!(
                matches!(host.last(), Event::Failed { message } if message.contains("cannot resume from this checkpoint")),
                "{:?}",
                host.last()
            );
        }
    }
}
