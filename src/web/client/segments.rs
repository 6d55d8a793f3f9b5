//! Segments of a long recording that the CPU engine classifies go to workers of the pool, and their predictions go back to it.
//! The page passes both on, because workers cannot reach each other.

use std::collections::VecDeque;

use wasm_bindgen_futures::spawn_local;

use super::classification::Classification;
use super::embedding::RunningRequest;
use super::pool::Helper;
use super::{Client, ClientEvent};
use crate::protocol::{EngineKind, Event, Payload, PredictedWindow, Progress, Request, RequestId, SegmentShape};
use crate::view::classify::words;
use crate::web::worker_handle::WorkerHandle;

/// A helper is started for so much of a recording that is not decoded yet, in seconds: about two segments.
const SECONDS_PER_HELPER: f64 = 60.0;
/// Segments that a helper may have: one that it predicts, and the next, so that it never waits.
const SEGMENTS_PER_HELPER: usize = 2;

/// A segment to predict: its number, its shape and its values.
type NumberedSegment = (usize, SegmentShape, Vec<f32>);

/// The helpers of one classification. When it is dropped their work is cancelled, and they go back to the pool.
pub(super) struct Sharing {
    /// The worker that classifies, and its request.
    worker: WorkerHandle,
    request: RequestId,
    idle: Vec<Helper>,
    /// How many helpers predict a segment.
    busy: usize,
    waiting: VecDeque<NumberedSegment>,
    running: Vec<RunningRequest>,
    /// True once the page has told that a helper ended.
    is_told: bool,
}

impl Sharing {
    fn give_back(&self, segment: usize, windows: Option<Vec<PredictedWindow>>) {
        self.worker.post(Request::SegmentPredicted { request: self.request, segment, windows });
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        for (worker, request) in self.running.drain(..) {
            worker.post(Request::Cancel { request });
        }
    }
}

impl Client {
    /// Calls helpers if much of the recording is left, and its first prediction is shown.
    pub(super) fn call_helpers(&self, request: RequestId, progress: &Progress) {
        let left = progress.duration_seconds.unwrap_or(0.0) - progress.processed_seconds;
        let helpers = ((left / SECONDS_PER_HELPER) as usize).min(self.0.pool.borrow().free());
        let Some(engine) = self.engine(EngineKind::Cpu).filter(|_| helpers > 0) else { return };
        let mut slot = self.0.classification.borrow_mut();
        let wants = |classification: &&mut Classification| {
            classification.running == Some((EngineKind::Cpu, request))
                && classification.sharing.is_none()
                && (classification.is_shown || classification.predicted_by.is_some())
        };
        let Some(classification) = slot.as_mut().filter(wants) else { return };
        classification.sharing = Some(Sharing {
            worker: engine.worker,
            request,
            idle: Vec::new(),
            busy: 0,
            waiting: VecDeque::new(),
            running: Vec::new(),
            is_told: false,
        });
        drop(slot);
        spawn_local(self.clone().start_helpers_of(request, helpers));
    }

    /// What the classification shares, as long as it runs.
    fn with_sharing<T>(&self, request: RequestId, then: impl FnOnce(&mut Sharing) -> T) -> Option<T> {
        let mut slot = self.0.classification.borrow_mut();
        slot.as_mut()?.sharing.as_mut().filter(|sharing| sharing.request == request).map(then)
    }

    async fn start_helpers_of(self, request: RequestId, helpers: usize) {
        let Some(name) = self.network() else { return };
        let Ok(networks) = self.network_with_backbones(&name).await else { return };
        for _ in 0..helpers {
            let Some(helper) = self.lend_worker().await else { return };
            let loaded = match helper.engine() {
                Some(engine) => engine.load(&networks).await,
                None => return,
            };
            if let Err(reason) = loaded {
                return log::warn!("a worker of the pool cannot help: {reason}");
            }
            let started = self.with_sharing(request, |sharing| {
                sharing.worker.post(Request::Share { request, segments: SEGMENTS_PER_HELPER });
                sharing.idle.push(helper);
            });
            // It is over already: nobody is to help any more.
            if started.is_none() {
                return;
            }
        }
    }

    /// Gives a segment that the engine gave away to a helper.
    pub(super) fn pass_on_segment(&self, request: RequestId, segment: NumberedSegment) {
        let helper = self.with_sharing(request, |sharing| match sharing.idle.pop() {
            Some(helper) => {
                sharing.busy += 1;
                Some((helper, segment))
            }
            None if sharing.busy > 0 => {
                sharing.waiting.push_back(segment);
                None
            }
            // All helpers have ended.
            None => {
                sharing.give_back(segment.0, None);
                None
            }
        });
        if let Some((helper, segment)) = helper.flatten() {
            spawn_local(self.clone().predict_in(helper, request, segment));
        }
    }

    /// Has a helper predict segments until none waits.
    async fn predict_in(self, helper: Helper, request: RequestId, segment: NumberedSegment) {
        let Some(engine) = helper.engine() else { return };
        let worker = engine.worker.clone();
        let mut next = Some(segment);
        while let Some((number, shape, values)) = next.take() {
            let sent = |id| {
                self.with_sharing(request, |sharing| sharing.running.push((worker.clone(), id)));
            };
            let client = self.clone();
            let heard = move |_, _| {
                client.with_sharing(request, |sharing| sharing.worker.waits_for_another());
            };
            let asked = Request::PredictSegment { shape };
            let (answer, _) = worker.ask_with_progress(asked, Payload::Floats(values), sent, heard).await;
            let windows = match answer {
                Event::SegmentPredicted(windows) => Some(windows),
                _ => None,
            };
            let tells = self.with_sharing(request, |sharing| {
                sharing.running.retain(|(other, _)| !other.is_same(&worker));
                sharing.give_back(number, windows);
                if !worker.has_ended() {
                    next = sharing.waiting.pop_front();
                    return false;
                }
                sharing.busy -= 1;
                if sharing.busy == 0 && sharing.idle.is_empty() {
                    // The engine predicts them itself.
                    while let Some((number, ..)) = sharing.waiting.pop_front() {
                        sharing.give_back(number, None);
                    }
                }
                !std::mem::replace(&mut sharing.is_told, true)
            });
            match tells {
                // The classification is over.
                None => return,
                Some(true) => {
                    let message = words::HELPER_ENDED.to_owned();
                    self.emit(ClientEvent::Classification(Event::Warning { message }, Payload::None));
                }
                Some(false) => {}
            }
        }
        if !worker.has_ended() {
            self.with_sharing(request, |sharing| {
                sharing.busy -= 1;
                sharing.idle.push(helper);
            });
        }
    }
}
