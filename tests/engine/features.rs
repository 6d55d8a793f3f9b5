//! Features of clips that one engine computes and another trains on.

use genrelens::engine::Engine;
use genrelens::protocol::{Event, Features, KeptClip, Payload, Request, SegmentShape};
use genrelens::training_job::{ModelSpec, TrainableLayers, TrainingJob};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::generator::alone;
use crate::host::Recorder;
use crate::training::{from_scratch, head, job, short, train, tuned, wav, with_backbone};
use crate::{ask, file};

/// The features of a clip, computed for another engine.
fn features(engine: &mut Engine, job: &TrainingJob, index: usize) -> (Features, Vec<f32>) {
    let clip = &job.clips[index];
    let mut host = Recorder::default();
    let request = Request::Embed {
        clip: clip.id.clone(),
        file: clip.name.clone(),
        sample_rate: None,
        model: job.model.clone(),
        keep: false,
    };
    ask(engine, request, file(wav(clip.labels[0], index)), &mut host);
    match host.events.pop() {
        Some((Event::Features(features), Payload::Floats(values))) => (features, values),
        other => panic!("{other:?}"),
    }
}

fn keep(engine: &mut Engine, job: &TrainingJob, index: usize, features: Features, values: Vec<f32>) -> Event {
    let mut host = Recorder::default();
    let request = Request::KeepFeatures { clip: job.clips[index].id.clone(), model: job.model.clone(), features };
    ask(engine, request, Payload::Floats(values), &mut host);
    host.last().clone()
}

fn kept(engine: &mut Engine, model: &ModelSpec) -> Vec<KeptClip> {
    let mut host = Recorder::default();
    ask(engine, Request::KeptClips { model: model.clone() }, Payload::None, &mut host);
    let Event::KeptClips(clips) = host.last() else { panic!("{:?}", host.last()) };
    clips.clone()
}

#[wasm_bindgen_test(unsupported = test)]
fn features_of_another_engine_train_as_ones_own() {
    let _alone = alone();
    for model in [head(0), tuned(TrainableLayers::Output), from_scratch()] {
        let job = job(model, short(2));
        let trained = |helped: bool| {
            let (mut engine, mut helper) = (with_backbone(), with_backbone());
            for index in 0..job.clips.len() {
                let worker = if helped && index % 2 == 1 { &mut helper } else { &mut engine };
                let (features, values) = features(worker, &job, index);
                assert!(features.windows >= 1 && (features.seconds - 2.5).abs() < 0.01, "{features:?}");
                let windows = features.windows;
                let event = keep(&mut engine, &job, index, features, values);
                assert!(matches!(event, Event::Embedded { windows: kept, .. } if kept == windows), "{event:?}");
            }
            assert!(kept(&mut helper, &job.model).is_empty(), "a helper keeps nothing");
            let mut host = Recorder::default();
            train(&mut engine, &job, &mut host);
            let (_, result, _) = host.trained();
            result.answers
        };
        assert_eq!(trained(true), trained(false));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_engine_lists_the_clips_of_one_model() {
    let _alone = alone();
    let (mut engine, job) = (with_backbone(), job(head(0), short(1)));
    assert!(kept(&mut engine, &job.model).is_empty());
    let (found, values) = features(&mut engine, &job, 3);
    let seconds = found.seconds;
    keep(&mut engine, &job, 3, found, values);
    assert_eq!(kept(&mut engine, &job.model), [KeptClip { clip: "3".to_owned(), seconds }]);
    assert!(kept(&mut engine, &head(8)).is_empty());
}

#[wasm_bindgen_test(unsupported = test)]
fn features_that_do_not_fill_their_segments_are_refused() {
    let _alone = alone();
    let (mut engine, job) = (with_backbone(), job(head(0), short(1)));
    let of = |columns, bands| Features {
        seconds: 1.0,
        windows: 1,
        segments: vec![SegmentShape { start_seconds: 0.0, columns, bands }],
    };
    for (columns, bands) in [(2, 3), (4, 2), (usize::MAX, 2), (usize::MAX, usize::MAX)] {
        let event = keep(&mut engine, &job, 0, of(columns, bands), vec![0.5; 7]);
        assert!(matches!(&event, Event::Failed { message } if message.contains("7 values")), "{event:?}");
    }
    let mut host = Recorder::default();
    let request = Request::KeepFeatures { clip: "0".to_owned(), model: job.model.clone(), features: of(7, 1) };
    ask(&mut engine, request, Payload::None, &mut host);
    assert!(matches!(host.last(), Event::Failed { .. }), "{:?}", host.last());
    assert!(kept(&mut engine, &job.model).is_empty());
}
