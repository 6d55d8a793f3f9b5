//! A long recording whose segments several engines predict: the prediction is that of one engine.

use futures::FutureExt;
use genrelens::engine::{Engine, Host};
use genrelens::protocol::{Event, Payload, PredictedWindow, Prediction, Request, SegmentShape};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::file;
use crate::host::Recorder;
use crate::requests::{ask, classify, engine, request, twins, wav};

/// A host that gives away segments, and returns them in another order.
struct Sharing<'a> {
    recorder: Recorder,
    helper: &'a mut Engine,
    /// Gives every n-th segment away.
    every: usize,
    /// The numbers of segments with which the helper fails.
    fails: &'a [usize],
    given: Vec<usize>,
    returned: Vec<(usize, Option<Vec<PredictedWindow>>)>,
    waits: bool,
}

impl Host for Sharing<'_> {
    fn send(&mut self, event: Event, payload: Payload) {
        self.recorder.send(event, payload);
    }

    fn cancelled(&self) -> bool {
        self.recorder.cancelled()
    }

    async fn pause(&mut self) {
        self.recorder.pause().await;
    }

    fn now_milliseconds(&self) -> f64 {
        self.recorder.now_milliseconds()
    }

    fn give_segment(&mut self, number: usize, shape: SegmentShape, values: &[f32]) -> bool {
        if !number.is_multiple_of(self.every) {
            return false;
        }
        let windows = predicted(self.helper, shape, values.to_vec()).ok();
        self.given.push(number);
        // The latest comes back first.
        self.returned.insert(0, (number, windows.filter(|_| !self.fails.contains(&number))));
        true
    }

    fn returned_segments(&mut self) -> Vec<(usize, Option<Vec<PredictedWindow>>)> {
        // Only after a wait, so that all are outstanding at the end.
        if std::mem::take(&mut self.waits) { std::mem::take(&mut self.returned) } else { Vec::new() }
    }

    async fn segment_returns(&mut self) {
        self.waits = true;
    }
}

fn predicted(engine: &mut Engine, shape: SegmentShape, values: Vec<f32>) -> Result<Vec<PredictedWindow>, String> {
    let mut host = Recorder::default();
    ask(engine, Request::PredictSegment { shape }, Payload::Floats(values), &mut host);
    match host.last() {
        Event::SegmentPredicted(windows) => Ok(windows.clone()),
        Event::Failed { message } => Err(message.clone()),
        other => panic!("{other:?}"),
    }
}

/// What does not depend on time.
fn timeless(event: &Event) -> Prediction {
    let Event::Classified(prediction) = event else { panic!("{event:?}") };
    Prediction { milliseconds: 0.0, ..prediction.clone() }
}

#[wasm_bindgen_test(unsupported = test)]
fn segments_that_another_engine_predicts_give_the_same_prediction() {
    let recording = wav(200.0, 22_050);
    let [mut own, mut helper] = twins();
    let mut host = Recorder::default();
    classify(&mut own, recording.clone(), &mut host);
    let expected = timeless(host.last());
    assert!(expected.windows.len() > 20);
    for (every, fails) in [(1, &[][..]), (2, &[]), (3, &[3]), (1, &[0, 1, 2, 3, 4, 5, 6])] {
        let mut host = Sharing {
            recorder: Recorder::default(),
            helper: &mut helper,
            every,
            fails,
            given: Vec::new(),
            returned: Vec::new(),
            waits: false,
        };
        own.handle(request(None), file(recording.clone()), &mut host).now_or_never().unwrap();
        assert_eq!(timeless(host.recorder.last()), expected, "every {every}, {fails:?} fail");
        assert!(host.given.len() >= 2, "{:?}", host.given);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn segments_that_are_none_are_refused() {
    let mut engine = engine();
    let mut refused = |columns, bands, values: usize| {
        let shape = SegmentShape { start_seconds: 0.0, columns, bands };
        predicted(&mut engine, shape, vec![0.5; values]).err().unwrap_or_default()
    };
    for (columns, bands, values) in [(0, 128, 0), (40, 128, 7), (40, 64, 40 * 64), (usize::MAX, 128, 5), (40, 0, 0)] {
        assert!(refused(columns, bands, values).contains("values"), "{columns}, {bands}");
    }
    assert_eq!(refused(400, 128, 400 * 128), "");
}
