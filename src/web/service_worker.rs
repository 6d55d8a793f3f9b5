//! The page's side of its service worker: has it keep the page, hears how that goes, and offers newer versions.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Object};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, EventTarget, HtmlElement};

use super::dom::{self, Listener};
use super::js;
use crate::view::offline::state::{Absence, OfflineEvent, Renewal, Shell};

const SCRIPT: &str = "./service-worker.js";
/// The manifest of a page that can take what is shared with it, for which it needs its worker.
const SHARING_MANIFEST: &str = "sharing.webmanifest";

/// The connection to the service worker. Clones are the same one.
#[derive(Clone)]
pub(crate) struct ServiceWorkerClient(Rc<Inner>);

struct Inner {
    tell: Box<dyn Fn(OfflineEvent)>,
    /// `navigator.serviceWorker`.
    container: JsValue,
    registration: RefCell<Option<JsValue>>,
    /// The workers that are listened to.
    watched: RefCell<Vec<JsValue>>,
    listeners: RefCell<Vec<Listener>>,
    /// True where a worker stood between this page and the network when it was loaded, or does since.
    controlled: Cell<bool>,
    /// True while the worker keeps the page again, of which it had lost something.
    restoring: Cell<bool>,
    /// True once the worker said why it keeps nothing.
    explained: Cell<bool>,
    /// True once the user wants the newer version.
    accepted: Cell<bool>,
}

impl ServiceWorkerClient {
    /// Finds the browser's service workers. `None` where it has none for this page.
    pub(crate) fn find(tell: impl Fn(OfflineEvent) + 'static) -> Option<Self> {
        let navigator = JsValue::from(dom::window().ok()?.navigator());
        let container = js::object(&navigator, "serviceWorker")?;
        let controlled = Cell::new(js::object(&container, "controller").is_some());
        let client = Self(Rc::new(Inner {
            tell: Box::new(tell),
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

    /// True where a worker serves this page.
    pub(crate) fn is_there(&self) -> bool {
        self.0.controlled.get()
    }

    /// Has the page kept, and looks for a newer version of it.
    pub(crate) async fn begin(&self) {
        self.0.explained.set(false);
        if !self.is_there() {
            self.tell(OfflineEvent::Shell(Shell::Coming { done: 0, total: 0 }));
        }
        if let Err(error) = self.register().await {
            log::warn!("nothing is kept for working offline: {}", dom::describe(&error));
            // Without a connection a page that is kept cannot be asked for anew, and needs not be.
            if !self.is_there() {
                self.tell(OfflineEvent::Shell(Shell::Absent(Absence::Blocked)));
            }
        }
    }

    /// Has the newer version take over. This page is then loaded again.
    pub(crate) fn renew(&self) {
        let waiting = self.0.registration.borrow().as_ref().and_then(|found| js::object(found, "waiting"));
        let Some(waiting) = waiting else { return reload() };
        self.0.accepted.set(true);
        self.tell(OfflineEvent::Renewal(Renewal::Asked));
        self.watch(&waiting);
        post(&waiting, &[("kind", "take-over".into())]);
    }

    fn tell(&self, news: OfflineEvent) {
        (self.0.tell)(news);
    }

    async fn register(&self) -> Result<(), JsValue> {
        let options = js::plain(&[("updateViaCache", "none".into())])?;
        let registration = js::ask(&self.0.container, "register", &[&SCRIPT.into(), &options]).await?;
        if !registration.is_object() {
            return Err("the browser registers no service worker".into());
        }
        *self.0.registration.borrow_mut() = Some(registration.clone());
        let (client, found) = (self.clone(), registration.clone());
        self.on(&registration, "updatefound", move |_: Event| client.watch_all(&found));
        self.watch_all(&registration);
        if self.has_active()
            && let Err(error) = js::ask(&registration, "update", &[]).await
        {
            // So it is without a connection.
            log::info!("no newer version was looked for: {}", dom::describe(&error));
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
        self.on(worker, "statechange", move |_: Event| client.is_now(&own, installs));
        self.is_now(worker, installs);
    }

    /// A worker's state has changed, or is seen for the first time.
    fn is_now(&self, worker: &JsValue, fresh: bool) {
        match js::text(worker, "state").as_str() {
            "installed" if self.has_active() => self.tell(OfflineEvent::Renewal(Renewal::Offered)),
            "activated" if self.0.accepted.get() => reload(),
            "activated" => {
                // Of a page that was kept before this visit, it is nothing new.
                self.tell(OfflineEvent::Shell(Shell::There { fresh: fresh && !self.is_there() }));
                self.can_share();
                post(worker, &[("kind", "hello".into())]);
                if !self.is_there() {
                    post(worker, &[("kind", "claim".into()), ("files", own_files())]);
                }
            }
            "redundant" if fresh && !self.has_active() => {
                log::warn!("the service worker could not be installed");
                // It was ended before it could say why, as browsers do where it takes too long.
                if !self.0.explained.get() {
                    self.tell(OfflineEvent::Shell(Shell::Absent(Absence::Network)));
                }
            }
            _ => {}
        }
    }

    fn has_active(&self) -> bool {
        self.0.registration.borrow().as_ref().is_some_and(|found| js::object(found, "active").is_some())
    }

    /// From now on the installed page may be offered what other programs share.
    fn can_share(&self) {
        let named = dom::document().and_then(|document| dom::by_id::<HtmlElement>(&document, "manifest"));
        if let Err(error) = named.and_then(|link| Ok(link.set_attribute("href", SHARING_MANIFEST)?)) {
            log::warn!("nothing can be shared with this page: {error}");
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
                client.tell(OfflineEvent::Renewal(Renewal::Elsewhere));
            }
        });
        // Some wait for this before they deliver anything.
        let _ = js::call(&self.0.container, "startMessages", &[]);
    }

    /// A message of a worker.
    fn receive(&self, event: &Event) {
        let Some(message) = js::object(event, "data") else { return };
        // How a newer version comes is of no interest until it is there.
        let counts = (!self.is_there() && !self.has_active()) || self.0.restoring.get();
        match js::text(&message, "kind").as_str() {
            "installing" if counts => {
                let (done, total) = (js::count(&message, "done"), js::count(&message, "total"));
                self.tell(OfflineEvent::Shell(Shell::Coming { done, total }));
            }
            "not-installed" if counts => {
                self.0.restoring.set(false);
                self.0.explained.set(true);
                self.tell(OfflineEvent::Shell(Shell::Absent(Absence::of(&js::text(&message, "reason")))));
            }
            "here" => self.is_whole(js::get(&message, "whole").is_ok_and(|whole| whole.is_truthy()), event),
            "repaired" => self.tell(OfflineEvent::Damaged { file: js::text(&message, "file"), repaired: true }),
            "damaged" => self.tell(OfflineEvent::Damaged { file: js::text(&message, "file"), repaired: false }),
            "busy" => {
                self.0.accepted.set(false);
                self.tell(OfflineEvent::Renewal(Renewal::Busy));
            }
            "are-you-busy" => answer_whether_busy(event),
            _ => {}
        }
    }

    /// The worker says whether it still has all of the page; browsers may throw away what is kept.
    fn is_whole(&self, whole: bool, event: &Event) {
        let restored = self.0.restoring.replace(!whole);
        if let Some(worker) = js::object(event, "source").filter(|_| !whole && !restored) {
            self.tell(OfflineEvent::Shell(Shell::Coming { done: 0, total: 0 }));
            post(&worker, &[("kind", "restore".into())]);
        } else if whole && restored {
            self.tell(OfflineEvent::Shell(Shell::There { fresh: true }));
        }
    }

    fn on(&self, target: &JsValue, kind: &'static str, act: impl Fn(Event) + 'static) {
        // All of these are event targets, of classes that some browsers do not have.
        match Listener::new(target.unchecked_ref::<EventTarget>(), kind, act) {
            Ok(listener) => self.0.listeners.borrow_mut().push(listener),
            Err(error) => log::warn!("{kind} of the service worker is not heard: {error}"),
        }
    }
}

fn post(worker: &JsValue, message: &[(&str, JsValue)]) {
    let posted = js::plain(message).and_then(|message| js::call(worker, "postMessage", &[&message]));
    if let Err(error) = posted {
        log::warn!("the service worker could not be reached: {}", dom::describe(&error));
    }
}

/// The names of this page's own script and wasm, by which its worker knows whether it is of the same build.
fn own_files() -> JsValue {
    let script = dom::document().ok().and_then(|document| document.query_selector("script[data-wasm]").ok().flatten());
    let file = |name: &str| script.as_ref().and_then(|script| script.get_attribute(name)).unwrap_or_default();
    let name = |path: String| JsValue::from(path.rsplit('/').next().unwrap_or_default());
    Array::of2(&name(file("data-js")), &name(file("data-wasm"))).into()
}

fn answer_whether_busy(event: &Event) {
    let stage = dom::document().and_then(|document| dom::by_id::<HtmlElement>(&document, "page"));
    let stage = stage.ok().and_then(|page| page.get_attribute("data-stage")).unwrap_or_default();
    let port = js::get(event, "ports").ok().and_then(|ports| js::object(&ports, "0"));
    if let Some(port) = port {
        // A port that is closed belongs to a worker that waits no more.
        let _ = js::call(&port, "postMessage", &[&(stage != "idle").into()]);
    }
}

fn reload() {
    if let Err(error) = dom::window().and_then(|window| Ok(window.location().reload()?)) {
        log::warn!("the page is not loaded again: {error}");
    }
}
