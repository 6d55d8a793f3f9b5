use super::*;
use crate::protocol::EngineKind;
use crate::view::draw::spectrogram::tests::info;
use crate::view::draw::strip::tests::prediction;

fn opened() -> State {
    let mut state = State::default();
    state.set_engine(Some(EngineInfo { kind: EngineKind::Cpu, adapter: None }), Choice::FetchingGpu);
    state.open("a.wav".to_owned());
    state
}

fn progress(fraction: f32) -> Event {
    let (processed_seconds, duration_seconds) = (f64::from(fraction) * 60.0, Some(60.0));
    Event::Progress(Progress { processed_seconds, duration_seconds, fraction })
}

#[test]
fn a_file_goes_from_open_to_done() {
    let mut state = opened();
    assert_eq!((state.phase, state.progress), (Phase::Working, None));
    state.apply(progress(0.5), Payload::None);
    assert_eq!(state.progress.map(|progress| progress.processed_seconds), Some(30.0));
    state.apply(Event::Spectrogram(info(2, 3)), Payload::Floats(vec![-1.0; 6]));
    assert!(state.spectrogram.as_ref().is_some_and(|found| found.values.len() == 6));
    state.apply(Event::SoFar(prediction()), Payload::None);
    assert_eq!((state.phase, state.prediction.as_deref()), (Phase::Working, Some(&prediction())));
    state.apply(Event::Classified(prediction()), Payload::None);
    assert_eq!((state.phase, state.progress), (Phase::Done, None));
    assert_eq!(state.prediction.as_deref(), Some(&prediction()));
}

#[test]
fn a_second_file_keeps_nothing_of_the_first_but_the_engine() {
    let mut state = opened();
    state.apply(Event::Spectrogram(info(1, 1)), Payload::Floats(vec![0.0]));
    state.apply(Event::Warning { message: "cut short".to_owned() }, Payload::None);
    state.apply(Event::Failed { message: "no".to_owned() }, Payload::None);
    assert_eq!((state.phase.name(), state.error.as_deref()), ("error", Some("no.")));
    state.open("b.wav".to_owned());
    assert_eq!(state, State { file: Some("b.wav".to_owned()), ..opened() });
}

#[test]
fn late_events_of_a_cancelled_file_are_ignored() {
    let mut state = opened();
    state.cancel();
    state.apply(progress(0.9), Payload::None);
    state.apply(Event::Classified(prediction()), Payload::None);
    assert_eq!((state.phase, state.prediction.as_ref()), (Phase::Idle, None));
    assert_eq!(state.notice, Some(words::CANCELLED));
}

#[test]
fn cancelling_a_finished_file_keeps_it() {
    let mut state = opened();
    state.apply(Event::Classified(prediction()), Payload::None);
    state.cancel();
    assert_eq!((state.phase, state.prediction.as_deref()), (Phase::Done, Some(&prediction())));
}

#[test]
fn a_broken_engine_stays_broken() {
    let mut state = opened();
    state.break_down("the weights are damaged".to_owned());
    state.open("b.wav".to_owned());
    state.apply(progress(0.1), Payload::None);
    assert_eq!((state.phase, state.error.as_deref()), (Phase::Failed, Some("the weights are damaged.")));
    state.set_engine(None, Choice::Starting);
    state.set_download(Some(NetworkDownload {
        name: "head".to_owned(),
        selection: Selection::User,
        fetched: 0,
        total: 9,
    }));
    assert_eq!((state.choice, state.download), (Choice::Broken, None), "no download is shown");
}

#[test]
fn a_spectrogram_whose_values_do_not_fit_is_not_drawn() {
    for payload in [Payload::None, Payload::Floats(vec![0.0; 5]), Payload::Bytes(vec![0; 24])] {
        let mut state = opened();
        for _ in 0..2 {
            state.apply(Event::Spectrogram(info(2, 3)), payload.clone());
        }
        assert_eq!((state.spectrogram.clone(), state.warnings.len()), (None, 1));
    }
}

fn other() -> Prediction {
    Prediction { model: "head".to_owned(), ..prediction() }
}

/// A finished file that another network analyzes.
fn reclassified() -> State {
    let mut state = opened();
    state.apply(Event::Spectrogram(info(1, 1)), Payload::Floats(vec![0.0]));
    state.apply(Event::Classified(prediction()), Payload::None);
    state.classify_again("head".to_owned(), Selection::Refine);
    state
}

#[test]
fn a_result_stays_until_the_next_is_complete() {
    let mut state = reclassified();
    state.apply(progress(0.5), Payload::None);
    state.apply(Event::Spectrogram(info(2, 3)), Payload::Floats(vec![-1.0; 6]));
    state.apply(Event::SoFar(other()), Payload::None);
    assert_eq!((state.phase, state.prediction.as_deref()), (Phase::Done, Some(&prediction())));
    assert_eq!(state.spectrogram.as_ref().map(|spectrogram| spectrogram.values.len()), Some(1));
    assert!(state.reclassification.as_ref().is_some_and(|other| other.progress.is_some()));
    state.apply(Event::Classified(other()), Payload::None);
    assert_eq!(
        (state.phase, state.prediction.as_deref(), &state.reclassification),
        (Phase::Done, Some(&other()), &None)
    );
    assert_eq!(state.spectrogram.as_ref().map(|spectrogram| spectrogram.values.len()), Some(6));
    assert!(state.previous.is_some_and(|before| before.prediction.model == "net1-gtzan"));
}

#[test]
fn a_network_that_fails_on_the_file_leaves_the_result() {
    let mut state = reclassified();
    state.apply(Event::Failed { message: "too short".to_owned() }, Payload::None);
    assert_eq!(
        (state.phase, state.prediction.as_deref(), &state.reclassification),
        (Phase::Done, Some(&prediction()), &None)
    );
    assert!(state.warnings.len() == 1 && state.warnings[0].contains("head"), "{:?}", state.warnings);
}

#[test]
fn a_refinement_can_be_cancelled() {
    let mut state = reclassified();
    state.cancel();
    assert_eq!((state.phase, &state.reclassification, state.notice), (Phase::Done, &None, None));
    // PreviousPrediction there is an answer there is nothing to refine.
    let mut state = opened();
    state.classify_again("head".to_owned(), Selection::Refine);
    assert_eq!(state.reclassification, None);
}

#[test]
fn the_choice_returns_to_the_active_network_on_failure() {
    let download = |selection| Some(NetworkDownload { name: "head".to_owned(), selection, fetched: 0, total: 9 });
    let mut state = State { network: Some(Rc::new(words::tests::in_use())), ..opened() };
    state.download = download(Selection::Refine);
    assert_eq!(state.chosen_network(), Some("net1-gtzan"), "the page's own choice is not shown");
    state.download = download(Selection::User);
    state.open("b.wav".to_owned());
    assert_eq!(state.chosen_network(), Some("head"));
    state.download = None;
    state.network_error = Some("it could not be fetched".to_owned());
    state.open("c.wav".to_owned());
    assert_eq!((state.chosen_network(), state.network_error.is_some()), (Some("net1-gtzan"), true));
}

#[test]
fn a_warning_is_shown_once() {
    let mut state = opened();
    for _ in 0..2 {
        state.apply(Event::Warning { message: "cut short".to_owned() }, Payload::None);
    }
    assert_eq!(state.warnings, ["cut short"]);
}

#[test]
fn a_spectrogram_that_claims_more_values_than_a_number_can_count_is_refused() {
    let mut state = opened();
    let info = SpectrogramInfo { frames: usize::MAX, ..info(2, 2) };
    state.apply(Event::Spectrogram(info), Payload::Floats(vec![0.0; 4]));
    assert_eq!((state.spectrogram.as_ref(), state.warnings.len()), (None, 1));
}
