use super::*;
use crate::eval::report::Scores;
use crate::view::train::results::tests::outcome;

fn report(epoch: usize) -> EpochReport {
    let valid = Scores::Classes { accuracy: 0.5, balanced_accuracy: 0.5 };
    EpochReport { epoch, train_loss: 1.0, step_losses: vec![1.0], valid_loss: 1.0, valid, best: true }
}

#[test]
fn a_training_job_goes_from_preparing_to_its_outcome() {
    let mut training = TrainingState::default();
    training.apply(TrainingEvent::Embedding { done: 1, total: 2 });
    assert_eq!(training.stage, Stage::Idle, "nothing is running");
    training.begin();
    training.apply(TrainingEvent::Embedding { done: 1, total: 2 });
    training.apply(TrainingEvent::Step { step: 1, steps: 9 });
    training.control(TrainControl::Pause);
    training.apply(TrainingEvent::Step { step: 2, steps: 9 });
    assert_eq!(training.stage, Stage::Training { step: 2, steps: 9, control: TrainControl::Pause });
    training.apply(TrainingEvent::Epoch(report(1)));
    training.apply(TrainingEvent::Trained(Rc::new(outcome(&[]))));
    assert_eq!((training.stage, training.epochs.len(), training.outcome.is_some()), (Stage::Idle, 1, true));
    training.begin();
    assert!(training.outcome.is_none() && training.epochs.is_empty());
    training.apply(TrainingEvent::Failed("no device".to_owned()));
    assert_eq!(training.error.as_deref(), Some("no device."));
}

#[test]
fn training_continues_after_the_epoch_before_its_engine_ended() {
    let mut training = TrainingState::default();
    training.resume([1, 2, 3].map(report).to_vec());
    assert_eq!((training.epochs.len(), training.is_busy()), (3, true));
    training.apply(TrainingEvent::Epoch(report(4)));
    training.apply(TrainingEvent::Again { ended: EngineKind::Gpu, epoch: 2, batch: None });
    let epochs: Vec<usize> = training.epochs.iter().map(|report| report.epoch).collect();
    assert_eq!(epochs, [1, 2], "later epochs are repeated");
    assert!(training.notice.as_ref().is_some_and(|notice| notice.contains("epoch 2")), "{:?}", training.notice);
}

#[test]
fn runs_are_kept_renamed_and_deleted() {
    let mut training = TrainingState::default();
    training.remember(0.0);
    assert!(training.runs.is_empty(), "there are no results yet");
    training.outcome = Some(Rc::new(outcome(&[])));
    let name = training.outcome.as_ref().unwrap().card.name.clone();
    (0..60).for_each(|when| training.remember(f64::from(when)));
    assert_eq!((training.runs.len(), training.runs[0].when), (50, 10.0), "the oldest go first");
    training.rename("another", "c");
    training.rename(&name, "b");
    assert_eq!(training.outcome.as_ref().unwrap().card.name, "b");
    assert!(training.runs.iter().all(|run| run.outcome.card.name == "b"));
    training.delete_run(0);
    assert_eq!((training.runs.len(), training.runs[0].when), (49, 11.0));
}

#[test]
fn stored_runs_come_before_those_of_this_visit() {
    let run = |when| RunRecord { when, outcome: Rc::new(outcome(&[])) };
    let mut training = TrainingState { runs: Rc::new(vec![run(3.0)]), ..TrainingState::default() };
    training.compare(0, true);
    training.restore_runs(vec![run(1.0), run(2.0)]);
    let times: Vec<f64> = training.runs.iter().map(|run| run.when).collect();
    assert_eq!((times, &training.compared[..]), (vec![1.0, 2.0, 3.0], &[2][..]));
}

#[test]
fn a_name_is_free() {
    let list =
        Catalogue::parse(br#"{"first": "a", "default": "a", "networks": [{"name": "a", "summary": "", "bytes": 1}]}"#)
            .unwrap();
    assert_eq!(free_name(" a ", Some(&list)), "a 2");
    assert_eq!(free_name("", None), "my network");
}

#[test]
fn runs_are_shown_compared_and_deleted() {
    let run = |when| RunRecord { when, outcome: Rc::new(outcome(&[])) };
    let mut training = TrainingState { runs: Rc::new(vec![run(1.0), run(2.0), run(3.0)]), ..TrainingState::default() };
    for place in [2, 0, 9] {
        training.compare(place, true);
    }
    assert_eq!(training.compared, [2, 0], "there is no tenth");
    training.show_run(1);
    assert!(training.outcome.as_ref().is_some_and(|shown| Rc::ptr_eq(shown, &training.runs[1].outcome)));
    training.delete_run(1);
    assert_eq!((training.runs.len(), &training.compared[..]), (2, &[1, 0][..]), "they are the same runs as before");
    training.compare(1, false);
    training.delete_run(0);
    training.delete_run(7);
    assert_eq!((training.runs[0].when, training.compared.len()), (3.0, 0));
}
