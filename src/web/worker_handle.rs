//! The page's end of a worker: starts it, checks its version, sends requests and dispatches its events.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::{dom, wire};
use crate::protocol::{EngineInfo, Event, Message, Payload, Request, RequestId, VERSION};

/// Receives the events of one request; returns false to receive no more.
type Listener = Box<dyn FnMut(RequestId, Event, Payload) -> bool>;
/// Called with an error outside any request.
type OnFailure = Box<dyn Fn(String)>;

/// How long a worker may be silent before a second is started beside it, in milliseconds. Long, because it may be on
/// its way over a slow connection.
const START_TIMEOUT_MILLISECONDS: i32 = 60_000;
/// Time between a failed start of a worker and the second attempt, in milliseconds.
const RETRY_MILLISECONDS: i32 = 1000;

/// A running worker. Clones are the same worker; it ends with the last of them.
#[derive(Clone)]
pub(crate) struct WorkerHandle(Rc<Inner>);

struct Inner {
    started: Started,
    info: EngineInfo,
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
    /// Taken by the worker's first message, or its first error.
    greeting: Cell<Option<oneshot::Sender<Result<EngineInfo, String>>>>,
    on_failure: RefCell<Option<OnFailure>>,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl WorkerHandle {
    /// Starts the module worker of this script and waits until it is ready. If the first one fails (as it does while
    /// the browser has no room for its memory) or stays silent, a second is started: reloading the page would do the
    /// same.
    ///
    /// # Errors
    ///
    /// A sentence, if the worker cannot be fetched, cannot start, or is of another build than the page.
    pub(crate) async fn start(script: &str) -> Result<Self, String> {
        match select(pin!(Self::attempt(script)), pin!(dom::sleep(START_TIMEOUT_MILLISECONDS))).await {
            Either::Left((Ok(worker), _)) => Ok(worker),
            Either::Left((Err(reason), _)) => {
                log::warn!("{reason}; starting it again");
                dom::sleep(RETRY_MILLISECONDS).await;
                Self::attempt(script).await
            }
            Either::Right(((), first)) => {
                log::warn!("{script} does not answer; starting another");
                match select(first, pin!(Self::attempt(script))).await {
                    Either::Left((Ok(worker), _)) | Either::Right((Ok(worker), _)) => Ok(worker),
                    Either::Left((Err(_), second)) => second.await,
                    Either::Right((Err(_), first)) => first.await,
                }
            }
        }
    }

    async fn attempt(script: &str) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
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
        let info = greeting.await.unwrap_or_else(|_| Err(format!("{script} did not answer")))?;
        Ok(Self(Rc::new(Inner { started, info, next: Cell::new(1) })))
    }

    /// What its engine computes with.
    pub(crate) fn info(&self) -> EngineInfo {
        self.0.info.clone()
    }

    /// Sets the listener for errors outside any request: an error of the script, a lost device.
    pub(crate) fn on_failure(&self, listener: impl Fn(String) + 'static) {
        *self.0.started.shared.on_failure.borrow_mut() = Some(Box::new(listener));
    }

    /// Sends a request that has no answer under its own id.
    pub(crate) fn post(&self, request: Request) {
        let id = self.next_id();
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
        self.0.started.shared.listeners.borrow_mut().insert(id, Box::new(listener));
        if let Err(error) = wire::send(&self.0.started.worker, &Message { id, body: request }, payload) {
            let message = format!("the engine could not be reached ({error:?})");
            // Later, as a worker would answer: the caller may have borrowed what the listener needs.
            let shared = self.0.started.shared.clone();
            wasm_bindgen_futures::spawn_local(async move {
                shared.dispatch(id, Event::Failed { message }, Payload::None);
            });
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
        }
    }

    /// Ends the wait for a worker that was started; false if the wait is over already.
    fn greet(&self, greeting: Result<EngineInfo, String>) -> bool {
        let Some(sender) = self.greeting.take() else { return false };
        // Fails only if nobody waits any more: another attempt was faster.
        let _ = sender.send(greeting);
        true
    }

    /// Handles an error outside any request: it ends the start of the worker, or else every request that waits for it.
    fn fail(&self, message: String) {
        if self.greet(Err(message.clone())) {
            return;
        }
        let waiting: Vec<RequestId> = self.listeners.borrow().keys().copied().collect();
        if let Some(on_failure) = &*self.on_failure.borrow() {
            on_failure(message.clone());
        }
        for id in waiting {
            self.dispatch(id, Event::Failed { message: message.clone() }, Payload::None);
        }
    }
}

fn message_listener(shared: Rc<Shared>) -> Closure<dyn FnMut(MessageEvent)> {
    Closure::new(move |event: MessageEvent| match wire::receive::<Event, ()>(&event) {
        Ok((Message { body: Event::Ready { protocol, engine }, .. }, _)) => {
            shared.greet(if protocol == VERSION { Ok(engine) } else { Err(other_version(protocol)) });
        }
        Ok((Message { id: 0, body: Event::Failed { message } }, _)) => shared.fail(message),
        Ok((Message { id, body }, payload)) => shared.dispatch(id, body, payload),
        Err(message) => shared.fail(message),
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
        shared.fail(format!("{script} failed ({message})"));
    })
}
