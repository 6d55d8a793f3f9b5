//! The page's end of a worker: starts it, checks its version, sends requests and dispatches its events. It notices when the
//! worker ends, and when it falls silent.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::WebAssembly::Module;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::{dom, wire};
use crate::protocol::{EngineInfo, Event, Message, Payload, Request, RequestId, VERSION};
use crate::view::classify::watchdog::{self, Watchdog};
use crate::view::classify::words;

/// Receives the events of one request; returns false to receive no more.
type Listener = Box<dyn FnMut(RequestId, Event, Payload) -> bool>;
/// Called once, when the worker has ended.
type OnEnd = Box<dyn Fn(&WorkerEnd)>;

/// Why a worker does no more requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WorkerEnd {
    /// An error outside any request: of the script, or a lost device.
    Error(String),
    /// It said nothing for so many seconds while something was asked of it.
    Silent(u32),
}

impl WorkerEnd {
    /// For how many seconds it said nothing, if that is why.
    pub(crate) fn silent_seconds(&self) -> Option<u32> {
        match self {
            Self::Error(_) => None,
            Self::Silent(seconds) => Some(*seconds),
        }
    }
}

impl fmt::Display for WorkerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(message) => f.write_str(message),
            Self::Silent(seconds) => write!(f, "the engine {}", words::silent_for(*seconds)),
        }
    }
}

/// How long a worker may be silent before a second is started beside it, in milliseconds. Long, because it may be on
/// its way over a slow connection.
const START_TIMEOUT_MILLISECONDS: i32 = 60_000;
/// How long a worker may take to start, with the second one, in seconds: several megabytes over a slow connection.
const START_SECONDS: u32 = 600;
/// Time between a failed start of a worker and the second attempt, in milliseconds.
const RETRY_MILLISECONDS: i32 = 1000;

/// What a worker says of itself when it is ready: its engine, and the compiled module that it runs.
type Greeting = (EngineInfo, Option<Module>);

/// The name of a worker that does not compile its module and waits for it (`static/cpu_worker_loader.js`).
const WAITS_FOR_MODULE: &str = "waits-for-module";

/// A running worker. Clones are the same worker; it ends with the last of them.
#[derive(Clone)]
pub(crate) struct WorkerHandle(Rc<Inner>);

struct Inner {
    started: Started,
    info: EngineInfo,
    module: Option<Module>,
    next: Cell<RequestId>,
}

/// A worker that was started, whether or not it has answered yet. It ends when this is dropped.
struct Started {
    worker: Worker,
    shared: Rc<Shared>,
    // Owned, so that they are freed with the worker.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

/// The state that the worker's listeners share.
#[derive(Default)]
struct Shared {
    listeners: RefCell<HashMap<RequestId, Listener>>,
    watchdog: RefCell<Watchdog>,
    /// True while somebody tells the watchdog the time.
    is_watched: Cell<bool>,
    /// Taken by the worker's first message, or its first error.
    greeting: Cell<Option<oneshot::Sender<Result<Greeting, String>>>>,
    on_end: RefCell<Option<OnEnd>>,
    end: RefCell<Option<WorkerEnd>>,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl WorkerHandle {
    /// Starts the module worker of this script and waits until it is ready. It runs `module`, which another worker of
    /// the script has compiled, or else compiles its own. If the first one fails (as it does while the browser has no
    /// room for its memory) or stays silent, a second is started, which compiles its own: reloading the page would do
    /// the same.
    ///
    /// # Errors
    ///
    /// A sentence, if the worker cannot be fetched, cannot start, or is of another build than the page.
    pub(crate) async fn start(script: &str, module: Option<&Module>) -> Result<Self, String> {
        let minutes = START_SECONDS / 60;
        let too_slow = || {
            Err(format!("{script} did not start within {minutes} minutes; check the connection and reload the page"))
        };
        dom::within(START_SECONDS, Self::start_twice(script, module)).await.unwrap_or_else(too_slow)
    }

    async fn start_twice(script: &str, module: Option<&Module>) -> Result<Self, String> {
        match select(pin!(Self::attempt(script, module)), pin!(dom::sleep(START_TIMEOUT_MILLISECONDS))).await {
            Either::Left((Ok(worker), _)) => Ok(worker),
            Either::Left((Err(reason), _)) => {
                log::warn!("{reason}; starting it again");
                dom::sleep(RETRY_MILLISECONDS).await;
                Self::attempt(script, None).await
            }
            Either::Right(((), first)) => {
                log::warn!("{script} does not answer; starting another");
                match select(first, pin!(Self::attempt(script, None))).await {
                    Either::Left((Ok(worker), _)) | Either::Right((Ok(worker), _)) => Ok(worker),
                    Either::Left((Err(_), second)) => second.await,
                    Either::Right((Err(_), first)) => first.await,
                }
            }
        }
    }

    async fn attempt(script: &str, module: Option<&Module>) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        if module.is_some() {
            options.set_name(WAITS_FOR_MODULE);
        }
        let worker =
            Worker::new_with_options(script, &options).map_err(|_| format!("the browser refused to start {script}"))?;
        let shared = Rc::new(Shared::default());
        let on_message = message_listener(shared.clone());
        let on_error = error_listener(shared.clone(), script);
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let (sender, greeting) = oneshot::channel();
        shared.greeting.set(Some(sender));
        let started = Started { worker, shared, _on_message: on_message, _on_error: on_error };
        if let Some(module) = module {
            // It waits for it in the browser's queue until the script runs.
            let sent = started.worker.post_message(module);
            sent.map_err(|error| format!("{script} could not be given its module ({error:?})"))?;
        }
        let (info, module) = greeting.await.unwrap_or_else(|_| Err(format!("{script} did not answer")))?;
        Ok(Self(Rc::new(Inner { started, info, module, next: Cell::new(1) })))
    }

    /// The compiled module that it runs, for further workers of its script.
    pub(crate) fn module(&self) -> Option<Module> {
        self.0.module.clone()
    }

    /// True if both are handles of one worker.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// It is silent because it waits for another worker, which was heard.
    pub(crate) fn waits_for_another(&self) {
        self.0.started.shared.watchdog.borrow_mut().heard();
    }

    /// What its engine computes with.
    pub(crate) fn info(&self) -> EngineInfo {
        self.0.info.clone()
    }

    /// Sets the listener for the worker's end, after which it gets no more requests.
    pub(crate) fn on_end(&self, listener: impl Fn(&WorkerEnd) + 'static) {
        *self.0.started.shared.on_end.borrow_mut() = Some(Box::new(listener));
    }

    /// True once it does no more requests.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.started.shared.end.borrow().is_some()
    }

    /// Sends a request that has no answer under its own id.
    pub(crate) fn post(&self, request: Request) {
        let id = self.next_id();
        let mut watchdog = self.0.started.shared.watchdog.borrow_mut();
        match request {
            Request::Cancel { request } => watchdog.cancelled(request),
            Request::Control { request, control } => watchdog.controlled(request, control),
            _ => {}
        }
        drop(watchdog);
        if let Err(error) = wire::send(&self.0.started.worker, &Message { id, body: request }, Payload::<File>::None) {
            log::warn!("the engine could not be reached ({error:?})");
        }
    }

    fn next_id(&self) -> RequestId {
        self.0.next.replace(self.0.next.get() + 1)
    }

    /// Sends a request; `listener` receives its events until it returns false.
    pub(crate) fn send(
        &self,
        request: Request,
        payload: Payload<File>,
        mut listener: impl FnMut(Event, Payload) -> bool + 'static,
    ) -> RequestId {
        self.send_numbered(request, payload, move |_, event, payload| listener(event, payload))
    }

    /// As [`send`](Self::send); the listener receives the request's id too.
    pub(crate) fn send_numbered(
        &self,
        request: Request,
        payload: Payload<File>,
        listener: impl FnMut(RequestId, Event, Payload) -> bool + 'static,
    ) -> RequestId {
        let id = self.next_id();
        let shared = self.0.started.shared.clone();
        shared.listeners.borrow_mut().insert(id, Box::new(listener));
        shared.watchdog.borrow_mut().sent(id, watchdog::limit(self.0.info.kind, &request));
        let end = shared.end.borrow().as_ref().map(WorkerEnd::to_string);
        let failure = end.or_else(|| {
            let sent = wire::send(&self.0.started.worker, &Message { id, body: request }, payload);
            sent.err().map(|error| format!("the engine could not be reached ({error:?})"))
        });
        match failure {
            // Later, as a worker would answer: the caller may have borrowed what the listener needs.
            Some(message) => {
                spawn_local(async move { shared.dispatch(id, Event::Failed { message }, Payload::None) });
            }
            None if !shared.is_watched.replace(true) => spawn_local(watch(Rc::downgrade(&shared))),
            None => {}
        }
        id
    }

    /// Sends a request and waits for its last event.
    pub(crate) async fn ask(&self, request: Request, payload: Payload<File>) -> Event {
        self.ask_with_progress(request, payload, |_| {}, |_, _| {}).await.0
    }

    /// As [`ask`](Self::ask), with the last event's payload; `sent` receives the request's id, `on_progress` every
    /// event before the last, with its payload.
    pub(crate) async fn ask_with_progress(
        &self,
        request: Request,
        payload: Payload<File>,
        sent: impl FnOnce(RequestId),
        on_progress: impl Fn(Event, Payload) + 'static,
    ) -> (Event, Payload) {
        let (sender, last) = oneshot::channel();
        let mut sender = Some(sender);
        let id = self.send(request, payload, move |event, payload| {
            if !event.is_last() {
                on_progress(event, payload);
                return true;
            }
            if let Some(sender) = sender.take() {
                // Fails only if nobody waits any more.
                let _ = sender.send((event, payload));
            }
            false
        });
        sent(id);
        last.await.unwrap_or((Event::Cancelled, Payload::None))
    }
}

impl Shared {
    /// Passes an event to the listener of its request.
    fn dispatch(&self, id: RequestId, event: Event, payload: Payload) {
        // Out of the map while it runs, because it may send requests of its own.
        let Some(mut listener) = self.listeners.borrow_mut().remove(&id) else { return };
        if listener(id, event, payload) {
            self.listeners.borrow_mut().insert(id, listener);
        } else {
            self.watchdog.borrow_mut().ended(id);
        }
    }

    /// Ends the wait for a worker that was started; false if the wait is over already.
    fn greet(&self, greeting: Result<Greeting, String>) -> bool {
        let Some(sender) = self.greeting.take() else { return false };
        // Fails only if nobody waits any more: another attempt was faster.
        let _ = sender.send(greeting);
        true
    }

    /// Ends the start of the worker, or else every request that waits for it.
    fn end(&self, end: WorkerEnd) {
        let message = end.to_string();
        if self.greet(Err(message.clone())) || self.end.borrow().is_some() {
            return;
        }
        *self.end.borrow_mut() = Some(end.clone());
        let waiting: Vec<RequestId> = self.listeners.borrow().keys().copied().collect();
        if let Some(on_end) = &*self.on_end.borrow() {
            on_end(&end);
        }
        for id in waiting {
            self.dispatch(id, Event::Failed { message: message.clone() }, Payload::None);
        }
    }
}

/// Tells a worker's watchdog the time for as long as something is asked of the worker.
async fn watch(shared: Weak<Shared>) {
    loop {
        dom::sleep(1000).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.watchdog.borrow().is_idle() {
            return shared.is_watched.set(false);
        }
        let silent = shared.watchdog.borrow_mut().second_passed();
        if let Some(seconds) = silent {
            return shared.end(WorkerEnd::Silent(seconds));
        }
    }
}

fn message_listener(shared: Rc<Shared>) -> Closure<dyn FnMut(MessageEvent)> {
    Closure::new(move |event: MessageEvent| {
        shared.watchdog.borrow_mut().heard();
        match wire::receive::<Event, ()>(&event) {
            Ok((Message { body: Event::Ready { protocol, engine }, .. }, _)) => {
                let greeting = (engine, wire::module(&event));
                shared.greet(if protocol == VERSION { Ok(greeting) } else { Err(other_version(protocol)) });
            }
            Ok((Message { id: 0, body: Event::Failed { message } }, _)) => shared.end(WorkerEnd::Error(message)),
            Ok((Message { id, body }, payload)) => shared.dispatch(id, body, payload),
            Err(message) => shared.end(WorkerEnd::Error(message)),
        }
    })
}

fn other_version(protocol: u32) -> String {
    format!("the engine is of another version ({protocol}) than the page ({VERSION}); reload the page")
}

fn error_listener(shared: Rc<Shared>, script: &str) -> Closure<dyn FnMut(ErrorEvent)> {
    let script = script.to_owned();
    Closure::new(move |event: ErrorEvent| {
        // A script that cannot be fetched causes an event without a message.
        let message = js_sys::Reflect::get(&event, &"message".into()).ok().and_then(|text| text.as_string());
        let message = message.filter(|text| !text.is_empty()).unwrap_or_else(|| "it could not be fetched".to_owned());
        shared.end(WorkerEnd::Error(format!("{script} failed ({message})")));
    })
}
