//! The page's side of its service worker: registers it, reports its progress, and offers newer versions of the page.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Object};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, EventTarget, HtmlElement};

use super::dom::{self, Listener};
use super::{build_files, js};
use crate::view::offline::state::{AppShell, OfflineEvent, UnavailableReason, UpdateState};

const SCRIPT: &str = "./service-worker.js";
/// The manifest of a page that other programs can share files with, for which the service worker is needed.
const SHARING_MANIFEST: &str = "sharing.webmanifest";

/// The connection to the service worker. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct ServiceWorkerClient(Rc<Inner>);

struct Inner {
    on_event: Box<dyn Fn(OfflineEvent)>,
    /// `navigator.serviceWorker`.
    container: JsValue,
    registration: RefCell<Option<JsValue>>,
    /// The workers that have listeners.
    watched: RefCell<Vec<JsValue>>,
    listeners: RefCell<Vec<Listener>>,
    /// True if a worker controlled this page when it was loaded, or does since.
    controlled: Cell<bool>,
    /// True while the worker stores the page again, because the browser had deleted part of it.
    restoring: Cell<bool>,
    /// True once the worker has said why it stores nothing.
    explained: Cell<bool>,
    /// True once the user has accepted the newer version.
    accepted: Cell<bool>,
}

impl ServiceWorkerClient {
    /// Finds the browser's service workers; `None` if it has none for this page.
    pub(crate) fn find(on_event: impl Fn(OfflineEvent) + 'static) -> Option<Self> {
        let navigator = JsValue::from(dom::window().ok()?.navigator());
        let container = js::object(&navigator, "serviceWorker")?;
        let controlled = Cell::new(js::object(&container, "controller").is_some());
        let client = Self(Rc::new(Inner {
            on_event: Box::new(on_event),
            container,
            registration: RefCell::default(),
            watched: RefCell::default(),
            listeners: RefCell::default(),
            controlled,
            restoring: Cell::default(),
            explained: Cell::default(),
            accepted: Cell::default(),
        }));
        client.listen();
        Some(client)
    }

    /// True if a worker controls this page.
    pub(crate) fn is_active(&self) -> bool {
        self.0.controlled.get()
    }

    /// Has the page stored, and looks for a newer version of it.
    pub(crate) async fn install(&self) {
        self.0.explained.set(false);
        if !self.is_active() {
            self.emit(OfflineEvent::AppShell(AppShell::Installing { done: 0, total: 0 }));
        }
        if let Err(error) = self.register().await {
            log::warn!("the page is not stored for working offline: {}", dom::describe(&error));
            // Without a connection a stored page cannot be registered again, and need not be.
            if !self.is_active() {
                self.emit(OfflineEvent::AppShell(AppShell::Unavailable(UnavailableReason::Blocked)));
            }
        }
    }

    /// Looks for a newer version, and offers it again if the user has declined it. True if there is one, also while it
    /// is still being downloaded: then it is offered after that.
    pub(crate) async fn offers_newer_version(&self) -> bool {
        // Not the field: a network may be wanted before the page has registered its worker.
        let registration = js::call_async(&self.0.container, "getRegistration", &[]).await;
        let Some(registration) = registration.ok().filter(|found| js::object(found, "active").is_some()) else {
            return false;
        };
        if let Err(error) = js::call_async(&registration, "update", &[]).await {
            log::info!("could not look for a newer version: {}", dom::describe(&error));
        }
        let waits = js::object(&registration, "waiting").is_some();
        if waits {
            self.emit(OfflineEvent::Update(UpdateState::Available));
        }
        waits || js::object(&registration, "installing").is_some()
    }

    /// Has the newer version take over. The page is then reloaded.
    pub(crate) fn renew(&self) {
        let waiting = self.0.registration.borrow().as_ref().and_then(|found| js::object(found, "waiting"));
        let Some(waiting) = waiting else { return reload() };
        self.0.accepted.set(true);
        self.emit(OfflineEvent::Update(UpdateState::Requested));
        self.watch(&waiting);
        post(&waiting, &[("kind", "take-over".into())]);
    }

    fn emit(&self, event: OfflineEvent) {
        (self.0.on_event)(event);
    }

    async fn register(&self) -> Result<(), JsValue> {
        // No part of the worker comes from the HTTP cache, which could hide a newer version.
        let options = js::plain_object(&[("updateViaCache", "none".into())])?;
        let registration = js::call_async(&self.0.container, "register", &[&SCRIPT.into(), &options]).await?;
        if !registration.is_object() {
            return Err("the browser registers no service worker".into());
        }
        *self.0.registration.borrow_mut() = Some(registration.clone());
        let (client, found) = (self.clone(), registration.clone());
        self.on(&registration, "updatefound", move |_: Event| client.watch_all(&found));
        self.watch_all(&registration);
        if self.has_active()
            && let Err(error) = js::call_async(&registration, "update", &[]).await
        {
            // Expected without a connection.
            log::info!("could not look for a newer version: {}", dom::describe(&error));
        }
        Ok(())
    }

    fn watch_all(&self, registration: &JsValue) {
        for role in ["active", "waiting", "installing"] {
            if let Some(worker) = js::object(registration, role) {
                self.watch(&worker);
            }
        }
    }

    /// Follows a worker from its installation on.
    fn watch(&self, worker: &JsValue) {
        if self.0.watched.borrow().iter().any(|known| Object::is(known, worker)) {
            return;
        }
        self.0.watched.borrow_mut().push(worker.clone());
        let (client, own, installs) = (self.clone(), worker.clone(), js::text(worker, "state") == "installing");
        self.on(worker, "statechange", move |_: Event| client.state_changed(&own, installs));
        self.state_changed(worker, installs);
    }

    /// Handles a worker's new state, or the state in which it is found.
    fn state_changed(&self, worker: &JsValue, fresh: bool) {
        match js::text(worker, "state").as_str() {
            "installed" if self.has_active() => self.emit(OfflineEvent::Update(UpdateState::Available)),
            "activated" if self.0.accepted.get() => reload(),
            "activated" => {
                // If the page was stored before this visit, that is nothing new.
                self.emit(OfflineEvent::AppShell(AppShell::Installed { fresh: fresh && !self.is_active() }));
                self.offer_sharing();
                post(worker, &[("kind", "hello".into())]);
                if !self.is_active() {
                    post(worker, &[("kind", "claim".into()), ("files", own_files())]);
                }
            }
            "redundant" if fresh && !self.has_active() => {
                log::warn!("the service worker could not be installed");
                // Browsers end an installation that takes too long before it can say why.
                if !self.0.explained.get() {
                    self.emit(OfflineEvent::AppShell(AppShell::Unavailable(UnavailableReason::Network)));
                }
            }
            _ => {}
        }
    }

    fn has_active(&self) -> bool {
        self.0.registration.borrow().as_ref().is_some_and(|found| js::object(found, "active").is_some())
    }

    /// From now on the installed page may be offered as a target for shared files.
    fn offer_sharing(&self) {
        let named = dom::document().and_then(|document| dom::by_id::<HtmlElement>(&document, "manifest"));
        if let Err(error) = named.and_then(|link| Ok(link.set_attribute("href", SHARING_MANIFEST)?)) {
            log::warn!("files cannot be shared with this page: {error}");
        }
    }

    fn listen(&self) {
        let client = self.clone();
        self.on(&self.0.container, "message", move |event: Event| client.receive(&event));
        let client = self.clone();
        self.on(&self.0.container, "controllerchange", move |_: Event| {
            let before = client.0.controlled.replace(true);
            if client.0.accepted.get() {
                reload();
            } else if before {
                client.emit(OfflineEvent::Update(UpdateState::OtherTab));
            }
        });
        // Some browsers deliver no messages before this call.
        let _ = js::call(&self.0.container, "startMessages", &[]);
    }

    /// Handles a message of a worker.
    fn receive(&self, event: &Event) {
        let Some(message) = js::object(event, "data") else { return };
        // The progress of a newer version is of no interest: it is offered once it is installed.
        let counts = (!self.is_active() && !self.has_active()) || self.0.restoring.get();
        match js::text(&message, "kind").as_str() {
            "installing" if counts => {
                let (done, total) = (js::count(&message, "done"), js::count(&message, "total"));
                self.emit(OfflineEvent::AppShell(AppShell::Installing { done, total }));
            }
            "not-installed" if counts => {
                self.0.restoring.set(false);
                self.0.explained.set(true);
                self.emit(OfflineEvent::AppShell(AppShell::Unavailable(UnavailableReason::of(&js::text(
                    &message, "reason",
                )))));
            }
            "here" => self.check_whole(js::get(&message, "whole").is_ok_and(|whole| whole.is_truthy()), event),
            "repaired" => self.emit(OfflineEvent::Damaged { file: js::text(&message, "file"), repaired: true }),
            "damaged" => self.emit(OfflineEvent::Damaged { file: js::text(&message, "file"), repaired: false }),
            "busy" => {
                self.0.accepted.set(false);
                self.emit(OfflineEvent::Update(UpdateState::Busy));
            }
            "are-you-busy" => answer_whether_busy(event),
            _ => {}
        }
    }

    /// The worker tells whether it still has all of the page; browsers may delete what is stored.
    fn check_whole(&self, whole: bool, event: &Event) {
        let restored = self.0.restoring.replace(!whole);
        if let Some(worker) = js::object(event, "source").filter(|_| !whole && !restored) {
            self.emit(OfflineEvent::AppShell(AppShell::Installing { done: 0, total: 0 }));
            post(&worker, &[("kind", "restore".into())]);
        } else if whole && restored {
            self.emit(OfflineEvent::AppShell(AppShell::Installed { fresh: true }));
        }
    }

    fn on(&self, target: &JsValue, kind: &'static str, act: impl Fn(Event) + 'static) {
        // All of them are event targets, of classes that some browsers do not have.
        match Listener::new(target.unchecked_ref::<EventTarget>(), kind, act) {
            Ok(listener) => self.0.listeners.borrow_mut().push(listener),
            Err(error) => log::warn!("cannot listen for {kind} of the service worker: {error}"),
        }
    }
}

fn post(worker: &JsValue, message: &[(&str, JsValue)]) {
    let posted = js::plain_object(message).and_then(|message| js::call(worker, "postMessage", &[&message]));
    if let Err(error) = posted {
        log::warn!("the service worker could not be reached: {}", dom::describe(&error));
    }
}

/// The names of this page's own script, wasm and workers, by which the service worker knows whether it is of the same build.
fn own_files() -> JsValue {
    let name = |attribute: &str| {
        let address = build_files::address(attribute).unwrap_or_default();
        JsValue::from(address.rsplit('/').next().unwrap_or_default())
    };
    Array::of4(&name("data-js"), &name("data-wasm"), &name("data-cpu-worker"), &name("data-gpu-worker")).into()
}

fn answer_whether_busy(event: &Event) {
    let page = dom::document().and_then(|document| dom::by_id::<HtmlElement>(&document, "page"));
    let busy = page.is_ok_and(|page| page.has_attribute("data-busy"));
    let port = js::get(event, "ports").ok().and_then(|ports| js::object(&ports, "0"));
    if let Some(port) = port {
        // A closed port belongs to a worker that no longer waits.
        let _ = js::call(&port, "postMessage", &[&busy.into()]);
    }
}

/// Loads the page again.
pub(crate) fn reload() {
    if let Err(error) = dom::window().and_then(|window| Ok(window.location().reload()?)) {
        log::warn!("the page could not be reloaded: {error}");
    }
}
