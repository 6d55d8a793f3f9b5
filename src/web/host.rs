//! The worker's side: takes requests one at a time, runs them on the engine, posts their events.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, File, MessageChannel, MessageEvent};

use super::file_source::FileSource;
use super::wire;
use crate::audio::Source;
use crate::engine::{Engine, Host};
use crate::protocol::{
    EngineKind, Event, Message, Payload, PredictedWindow, Request, RequestId, SegmentShape, TrainControl, VERSION,
};

/// How long the engine may compute before it lets the worker read its messages, in milliseconds: a cancel is read at
/// least this often, between the engine's own steps.
const LONGEST_HOLD_MILLISECONDS: f64 = 30.0;

type Job = (Message<Request>, Payload<File>);
/// A segment's number and its windows; `None` if the other worker failed.
type ReturnedSegment = (usize, Option<Vec<PredictedWindow>>);

/// What the message handler and the running request share.
#[derive(Default)]
struct Shared {
    waiting: VecDeque<Job>,
    running: Option<RequestId>,
    running_is_classify: bool,
    cancelled: bool,
    control: TrainControl,
    /// Ends the running request's pause, or its wait for other workers.
    released: Option<oneshot::Sender<()>>,
    /// How many segments the running classification may give to other workers.
    shares: usize,
    /// Segments that other workers have predicted.
    returned: Vec<ReturnedSegment>,
    busy: bool,
}

impl Shared {
    /// Cancels a request: flags it if it runs, removes it if it waits. True if it waited.
    fn cancel(&mut self, id: RequestId) -> bool {
        if self.running == Some(id) {
            self.cancelled = true;
            self.release();
        }
        let before = self.waiting.len();
        self.waiting.retain(|(message, _)| message.id != id);
        self.waiting.len() < before
    }

    /// Controls a training, if it runs.
    fn control(&mut self, id: RequestId, control: TrainControl) {
        if self.running == Some(id) {
            self.control = control;
            if control != TrainControl::Pause {
                self.release();
            }
        }
    }

    /// Lets a classification give segments away, if it runs.
    fn share(&mut self, id: RequestId, segments: usize) {
        if self.running == Some(id) {
            self.shares = self.shares.saturating_add(segments);
        }
    }

    /// Takes a segment back from another worker.
    fn returned(&mut self, id: RequestId, segment: ReturnedSegment) {
        if self.running == Some(id) {
            self.shares += usize::from(segment.1.is_some());
            self.returned.push(segment);
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(released) = self.released.take() {
            // Fails only if nobody waits any more.
            let _ = released.send(());
        }
    }

    /// True if the running request has to pause.
    fn holds(&self) -> bool {
        self.control == TrainControl::Pause && !self.cancelled
    }

    /// Cancels every classification; returns the ids of those that had not begun.
    fn supersede(&mut self) -> Vec<RequestId> {
        if self.running_is_classify {
            self.cancelled = true;
            // It may wait for other workers.
            self.release();
        }
        let is_classify = |job: &Job| matches!(job.0.body, Request::Classify { .. });
        let dropped = self.waiting.iter().filter(|job| is_classify(job)).map(|job| job.0.id).collect();
        self.waiting.retain(|job| !is_classify(job));
        dropped
    }
}

/// The scope of the worker that this code runs in.
///
/// # Errors
///
/// The global object, if this is not a dedicated worker.
pub(crate) fn scope() -> Result<DedicatedWorkerGlobalScope, JsValue> {
    js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>().map_err(JsValue::from)
}

/// Posts an event that answers no request.
pub(crate) fn announce(scope: &DedicatedWorkerGlobalScope, event: Event) {
    post(scope, 0, event, Payload::None);
}

fn post(scope: &DedicatedWorkerGlobalScope, id: RequestId, event: Event, payload: Payload) {
    if let Err(error) = wire::send(scope, &Message { id, body: event }, payload) {
        log::error!("an event could not be posted: {error:?}");
    }
}

/// Serves requests until the worker ends. Sends [`Event::Ready`] once it can receive.
pub(crate) fn serve(engine: Engine, scope: DedicatedWorkerGlobalScope) {
    let kind = engine.info().kind;
    let ready = Event::Ready { protocol: VERSION, engine: engine.info().clone() };
    let engine = Rc::new(RefCell::new(Some(engine)));
    let shared = Rc::new(RefCell::new(Shared::default()));
    let listener_scope = scope.clone();
    let listen = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let job = match wire::receive::<Request, File>(&event) {
            Ok(job) => job,
            Err(message) => return announce(&listener_scope, Event::Failed { message }),
        };
        take(job, &shared, &listener_scope);
        if !std::mem::replace(&mut shared.borrow_mut().busy, true) {
            spawn_local(work(engine.clone(), shared.clone(), listener_scope.clone()));
        }
    });
    scope.set_onmessage(Some(listen.as_ref().unchecked_ref()));
    listen.forget(); // lives as long as the worker
    if kind == EngineKind::Gpu {
        // One worker after another: none is started beside it.
        return announce(&scope, ready);
    }
    let ready = Message { id: 0, body: ready };
    if let Err(error) = wire::send_with_module(&scope, &ready, &wasm_bindgen::module()) {
        // Without the module further workers compile their own.
        log::warn!("the compiled module could not be posted: {error:?}");
        announce(&scope, ready.body);
    }
}

/// Queues a request, or carries out at once what concerns another request.
fn take(job: Job, shared: &Rc<RefCell<Shared>>, scope: &DedicatedWorkerGlobalScope) {
    match job.0.body {
        Request::Cancel { request } => {
            if shared.borrow_mut().cancel(request) {
                post(scope, request, Event::Cancelled, Payload::None);
            }
        }
        // Not queued: it is for the request that runs.
        Request::Control { request, control } => shared.borrow_mut().control(request, control),
        Request::Share { request, segments } => shared.borrow_mut().share(request, segments),
        Request::SegmentPredicted { request, segment, windows } => {
            shared.borrow_mut().returned(request, (segment, windows));
        }
        Request::Classify { .. } => {
            for id in shared.borrow_mut().supersede() {
                post(scope, id, Event::Cancelled, Payload::None);
            }
            shared.borrow_mut().waiting.push_back(job);
        }
        _ => shared.borrow_mut().waiting.push_back(job),
    }
}

/// Runs the queued requests.
async fn work(engine: Rc<RefCell<Option<Engine>>>, shared: Rc<RefCell<Shared>>, scope: DedicatedWorkerGlobalScope) {
    // Only one of these runs at a time (`busy`), so the engine can be taken.
    let Some(mut taken) = engine.borrow_mut().take() else { return };
    loop {
        let Some((Message { id, body }, payload)) = shared.borrow_mut().waiting.pop_front() else { break };
        {
            let mut shared = shared.borrow_mut();
            shared.running = Some(id);
            shared.running_is_classify = matches!(body, Request::Classify { .. });
            // What was asked of the request before is not meant for this one.
            shared.cancelled = false;
            shared.control = TrainControl::Run;
            shared.shares = 0;
            shared.returned.clear();
        }
        let mut host = WorkerHost { id, scope: scope.clone(), shared: shared.clone(), paused_at: now() };
        let payload = payload.map_file(|file| Box::new(FileSource::new(file.into())) as Box<dyn Source>);
        taken.handle(body, payload, &mut host).await;
        let mut shared = shared.borrow_mut();
        shared.running = None;
        shared.running_is_classify = false;
    }
    *engine.borrow_mut() = Some(taken);
    shared.borrow_mut().busy = false;
}

/// The engine's view of its worker, for one request.
struct WorkerHost {
    id: RequestId,
    scope: DedicatedWorkerGlobalScope,
    shared: Rc<RefCell<Shared>>,
    paused_at: f64,
}

impl Host for WorkerHost {
    fn send(&mut self, event: Event, payload: Payload) {
        post(&self.scope, self.id, event, payload);
    }

    fn cancelled(&self) -> bool {
        self.shared.borrow().cancelled
    }

    fn control(&self) -> TrainControl {
        self.shared.borrow().control
    }

    async fn pause(&mut self) {
        if now() - self.paused_at < LONGEST_HOLD_MILLISECONDS {
            return;
        }
        macrotask().await;
        while self.shared.borrow().holds() {
            let (sender, released) = oneshot::channel();
            self.shared.borrow_mut().released = Some(sender);
            // The shared state tells whether it was resumed, stopped or cancelled.
            let _ = released.await;
        }
        self.paused_at = now();
    }

    fn now_milliseconds(&self) -> f64 {
        now()
    }

    fn give_segment(&mut self, number: usize, shape: SegmentShape, values: &[f32]) -> bool {
        if self.shared.borrow().shares == 0 {
            return false;
        }
        self.shared.borrow_mut().shares -= 1;
        self.send(Event::Segment { segment: number, shape }, Payload::Floats(values.to_vec()));
        true
    }

    fn returned_segments(&mut self) -> Vec<(usize, Option<Vec<PredictedWindow>>)> {
        std::mem::take(&mut self.shared.borrow_mut().returned)
    }

    async fn segment_returns(&mut self) {
        let (sender, released) = oneshot::channel();
        {
            let mut shared = self.shared.borrow_mut();
            if shared.cancelled || !shared.returned.is_empty() {
                return;
            }
            shared.released = Some(sender);
        }
        // The shared state tells whether one returned, or the request was cancelled.
        let _ = released.await;
    }
}

/// Milliseconds since the worker started.
fn now() -> f64 {
    scope().ok().and_then(|scope| scope.performance()).map_or(0.0, |performance| performance.now())
}

/// Waits for the next macrotask: awaiting microtasks alone would never let `onmessage` run. Unlike timers, a message
/// channel is not slowed down in hidden tabs.
async fn macrotask() {
    let Ok(channel) = MessageChannel::new() else { return };
    let promise = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        // A promise, because the port calls its resolver itself. It never rejects.
        let _ = JsFuture::from(promise).await;
    }
    channel.port1().close();
}
