//! The page's side: starts the engines, gives them work, and decides which of them gets it, and with which network.
//!
//! The CPU engine comes first and answers first, with the network that is there first. Another network is fetched when
//! it is wanted and takes over once that engine has it whole. The GPU engine is fetched after the CPU engine, only where
//! the browser has a real adapter (or the user asks for an emulated one); with every network it must agree with the CPU
//! engine on a self-test, is timed against it, and takes over where it is faster. Whatever goes wrong with it, the CPU
//! engine goes on; where the CPU engine itself dies on a file, it is started again.

mod classification;
mod clips;
mod engine;
mod event;
mod graphics;
mod networks;
mod offline;
mod own;
mod site;
mod training;

use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use self::classification::{Classification, Decoding};
use self::clips::Thumbnails;
pub use self::clips::Unpacked;
use self::engine::Engine;
pub use self::event::ClientEvent;
use self::graphics::Gpu;
use self::own::Own;
pub use self::own::{OwnNetwork, read};
use self::site::{Eager, Shipped};
use self::training::{TrainingNumber, TrainingWorker};
use super::browser_decoder::{self, NotDecoded};
use super::service_worker::ServiceWorkerClient;
use crate::protocol::{EngineKind, Event, Payload, Request, RequestId};
use crate::view::classify::engine::{Choice, NoGpu, Preference, decide};
use crate::view::classify::networks::{Catalogue, Selection, Switch};
use crate::view::classify::words;

const CPU_SCRIPT: &str = "./cpu_worker_loader.js";
const GPU_SCRIPT: &str = "./gpu_worker_loader.js";

/// What the page's address asks for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which engine.
    pub preference: Preference,
    /// Whether an emulated adapter counts.
    pub allow_software: bool,
    /// Which network, by its name.
    pub network: Option<String>,
}

/// The page's connection to its engines. Clones are the same connection.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

struct Inner {
    listen: Box<dyn Fn(ClientEvent)>,
    options: RefCell<Options>,
    catalogue: RefCell<Option<Rc<Catalogue>>>,
    /// What was fetched, by name.
    held: RefCell<HashMap<String, Rc<Shipped>>>,
    own: RefCell<Own>,
    switch: RefCell<Switch>,
    /// True once the user has chosen a network: the page does not choose any more.
    chosen: Cell<bool>,
    cpu: RefCell<Option<Engine>>,
    gpu: RefCell<Gpu>,
    /// True while the GPU engine is compared with the CPU engine.
    fitting: Cell<bool>,
    classification: RefCell<Option<Classification>>,
    training_worker: RefCell<Option<TrainingWorker>>,
    trainings: Cell<TrainingNumber>,
    /// True while it is to be told which networks can be taught.
    registry_wanted: Cell<bool>,
    /// Looked for once; `None` in it where the browser has no service workers.
    service_worker: OnceCell<Option<ServiceWorkerClient>>,
    thumbnails: RefCell<Thumbnails>,
    /// The archive that is being emptied.
    unpacking: Cell<Option<RequestId>>,
}

impl Client {
    /// Starts the CPU engine with the first network, then looks for a GPU and for a better network. Updates arrive
    /// through `listen`.
    pub fn start(options: Options, listen: impl Fn(ClientEvent) + 'static) -> Self {
        let client = Self(Rc::new(Inner {
            listen: Box::new(listen),
            chosen: Cell::new(options.network.is_some()),
            options: RefCell::new(options),
            catalogue: RefCell::default(),
            held: RefCell::default(),
            own: RefCell::default(),
            switch: RefCell::default(),
            cpu: RefCell::default(),
            gpu: RefCell::default(),
            fitting: Cell::default(),
            classification: RefCell::default(),
            training_worker: RefCell::default(),
            trainings: Cell::default(),
            registry_wanted: Cell::default(),
            service_worker: OnceCell::new(),
            thumbnails: RefCell::default(),
            unpacking: Cell::default(),
        }));
        spawn_local(client.clone().begin());
        client
    }

    /// Classifies a file, in place of the one before. It waits where no engine is ready yet.
    pub fn classify(&self, file: File) {
        self.interrupt();
        self.postpone_thumbnail();
        *self.0.classification.borrow_mut() = Some(Classification::new(file));
        self.advance();
    }

    /// Gives up the current classification. An answer that is there already stays.
    pub fn cancel(&self) {
        self.interrupt();
        let mut slot = self.0.classification.borrow_mut();
        let Some(classification) = slot.as_mut() else { return };
        classification.asked = self.network();
        if !classification.end(false) {
            slot.take();
        }
        drop(slot);
        self.tell(ClientEvent::Classification(Event::Cancelled, Payload::None));
        self.advance();
    }

    /// Takes the recording from the engine that has it: it waits again. True where it was being heard again.
    fn interrupt(&self) -> bool {
        let mut slot = self.0.classification.borrow_mut();
        let Some(classification) = slot.as_mut() else { return false };
        let again = classification.answered_by.is_some() && classification.is_busy();
        let running = classification.running;
        classification.take_back();
        drop(slot);
        if let Some((kind, request)) = running
            && let Some(engine) = self.engine(kind)
        {
            engine.worker.post(Request::Cancel { request });
        }
        again
    }

    /// The user's choice of engine. Asking for the GPU allows an emulated one.
    pub fn prefer(&self, preference: Preference) {
        let mut options = self.0.options.borrow_mut();
        options.preference = preference;
        let allows_more = preference == Preference::Gpu && !options.allow_software;
        options.allow_software |= preference == Preference::Gpu;
        drop(options);
        let looks_again = match &*self.0.gpu.borrow() {
            Gpu::Refused(NoGpu::SoftwareAdapter) => allows_more,
            Gpu::Refused(NoGpu::SavesData) => preference == Preference::Gpu,
            _ => false,
        };
        if looks_again {
            *self.0.gpu.borrow_mut() = Gpu::NotLooked;
        }
        self.tell_engine();
        self.run_classification();
        if preference != Preference::Cpu {
            spawn_local(self.clone().find_gpu());
        }
    }

    async fn begin(self) {
        self.tell_engine();
        // First of all: where a kept part of the page is damaged, that is why nothing else starts.
        spawn_local(self.clone().begin_offline());
        if let Err(message) = self.start_cpu().await {
            return self.tell(ClientEvent::Fatal(message));
        }
        self.want_default();
        if self.0.options.borrow().preference != Preference::Cpu {
            self.find_gpu().await;
        }
    }

    /// Starts the CPU engine with the network in use, or wished for, or else with the first one.
    async fn start_cpu(&self) -> Result<(), String> {
        let starting = Eager::start(Engine::start(CPU_SCRIPT));
        let list = self.catalogue().await?;
        let selected = self.0.options.borrow().network.clone().map(|name| (name, Selection::User));
        let in_use = self.0.switch.borrow().in_use().map(|(name, selection)| (name.to_string(), selection));
        if let Some((name, selection)) = in_use.or(selected).filter(|(name, _)| *name != list.first) {
            match self.start_with(&starting, &name, selection).await {
                Ok(()) => return Ok(()),
                Err(reason) => self.refuse(&name, &reason),
            }
        }
        self.start_with(&starting, &list.first, Selection::First).await
    }

    async fn start_with(&self, starting: &Eager<Engine>, name: &str, selection: Selection) -> Result<(), String> {
        let wanted = self.0.switch.borrow_mut().start(name, selection);
        self.tell_arriving(0);
        // Fetched while the engine starts.
        let loaded = async {
            let parts = self.parts(name).await?;
            let cpu = starting.outcome().await?;
            let architecture = cpu.load(&parts).await?;
            Ok::<_, String>((cpu, architecture))
        };
        let loaded = loaded.await;
        self.0.switch.borrow_mut().loaded(wanted.ticket, loaded.is_ok());
        let (cpu, architecture) = loaded?;
        let client = self.clone();
        cpu.worker.on_trouble(move |message| client.replace_cpu(&message));
        *self.0.cpu.borrow_mut() = Some(cpu);
        self.tell_in_use(name, architecture);
        self.tell_engine();
        self.advance();
        self.tell_registry();
        Ok(())
    }

    /// The CPU engine died: of the file it worked on, for all that is known, which is given up. One of which it had said
    /// nothing yet gets a second engine, for it may have died of the file before.
    fn replace_cpu(&self, message: &str) {
        log::warn!("the CPU engine is started again: {message}");
        self.0.cpu.borrow_mut().take();
        self.drop_thumbnail();
        let mut slot = self.0.classification.borrow_mut();
        if let Some(classification) =
            slot.as_mut().filter(|classification| matches!(classification.running, Some((EngineKind::Cpu, _))))
        {
            if classification.begun || classification.tried_again {
                let message = words::engine_died(&classification.file.name());
                self.end_classification(slot, Event::Failed { message });
            } else {
                classification.take_back();
                classification.tried_again = true;
            }
        }
        spawn_local(self.clone().begin());
    }

    /// Which engine classifies now, and why. `None` where the job should wait.
    fn decision(&self) -> (Option<EngineKind>, Choice) {
        let network = self.network();
        if self.0.cpu.borrow().is_none() {
            return (None, Choice::Starting);
        }
        decide(self.0.options.borrow().preference, &self.0.gpu.borrow().state(network.as_ref()))
    }

    fn engine(&self, kind: EngineKind) -> Option<Engine> {
        match (kind, &*self.0.gpu.borrow()) {
            (EngineKind::Cpu, _) => self.0.cpu.borrow().clone(),
            (EngineKind::Gpu, Gpu::There { engine, .. }) => Some(engine.clone()),
            _ => None,
        }
    }

    /// Hands the waiting job to the engine that should have it.
    fn run_classification(&self) {
        if let Some(kind) = self.decision().0 {
            self.hand_to(kind);
        }
    }

    fn hand_to(&self, kind: EngineKind) {
        let Some(engine) = self.engine(kind).filter(|_| !self.0.switch.borrow().is_loading()) else { return };
        let in_use = self.0.switch.borrow().in_use().map(|(network, selection)| (network.clone(), selection));
        let Some((network, selection)) = in_use else { return };
        let mut slot = self.0.classification.borrow_mut();
        let Some(classification) = slot.as_mut().filter(|classification| classification.waits_for(&network)) else {
            return;
        };
        let client = self.clone();
        let (request, payload) = classification.request();
        let id = engine.worker.send_numbered(request, payload, move |id, event, payload| {
            let more = !event.is_last();
            client.receive((kind, id), event, payload);
            more
        });
        classification.running = Some((kind, id));
        classification.asked = Some(network.clone());
        let again = classification.answered_by.is_some();
        drop(slot);
        if again {
            self.tell(ClientEvent::Reclassifying { network: network.to_string(), selection });
        }
    }

    /// Passes the last event of the current job on, and does what comes next.
    fn end_classification(&self, mut slot: RefMut<'_, Option<Classification>>, event: Event) {
        slot.take_if(|classification| !classification.end(matches!(event, Event::Classified(_))));
        drop(slot);
        self.tell(ClientEvent::Classification(event, Payload::None));
        self.advance();
    }

    /// Passes an event of the current job on.
    fn receive(&self, from: (EngineKind, RequestId), event: Event, payload: Payload) {
        let mut slot = self.0.classification.borrow_mut();
        let Some(classification) = slot.as_mut().filter(|classification| classification.running == Some(from)) else {
            return;
        };
        classification.begun = true;
        match event {
            // The file's fault or the GPU engine's: the CPU engine tells which.
            Event::Failed { .. } if from.0 == EngineKind::Gpu => {
                classification.take_back();
                drop(slot);
                self.hand_to(EngineKind::Cpu);
            }
            Event::Unsupported { message } if matches!(classification.decoding, Decoding::NotAsked) => {
                classification.running = None;
                classification.decoding = Decoding::Going;
                let file = classification.file.clone();
                drop(slot);
                self.tell(ClientEvent::BrowserDecodes);
                spawn_local(self.clone().ask_the_browser(file, message));
            }
            event if event.is_last() => self.end_classification(slot, event),
            event => {
                drop(slot);
                self.tell(ClientEvent::Classification(event, payload));
            }
        }
    }

    /// Has the browser decode what the engine could not; where it cannot either, the engine's sentence stands.
    async fn ask_the_browser(self, file: File, refusal: String) {
        let outcome = browser_decoder::decode(&file).await;
        let mut slot = self.0.classification.borrow_mut();
        // Meanwhile it may have been given up, or the same file chosen anew.
        let decodes = |classification: &&mut Classification| {
            matches!(classification.decoding, Decoding::Going) && classification.file == file
        };
        let Some(classification) = slot.as_mut().filter(decodes) else { return };
        match outcome {
            Ok(decoded) => {
                classification.decoding = Decoding::Done(decoded);
                drop(slot);
                self.run_classification();
            }
            Err(reason) => {
                let message = match reason {
                    NotDecoded::Unknown => refusal,
                    NotDecoded::TooLong => words::over_browser_limit(&refusal, browser_decoder::MAX_MINUTES),
                };
                self.end_classification(slot, Event::Failed { message });
            }
        }
    }

    fn tell_engine(&self) {
        let (kind, choice) = self.decision();
        // Somebody who waits for the GPU is shown the engine that stands meanwhile.
        let info = self.engine(kind.unwrap_or(EngineKind::Cpu)).map(|engine| engine.worker.info());
        self.tell(ClientEvent::EngineInUse { info, choice });
    }

    fn tell(&self, event: ClientEvent) {
        (self.0.listen)(event);
    }
}
