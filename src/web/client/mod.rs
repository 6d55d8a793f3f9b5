//! The page's side: starts the engines, gives them work, and decides which of them gets it, and with which network.
//!
//! The CPU engine comes first and answers first, with the network that is there first. Another network is fetched when
//! it is wanted and takes over once that engine has it whole. The GPU engine is fetched after the CPU engine, only where
//! the browser has a real adapter (or the user asks for an emulated one); with every network it must agree with the CPU
//! engine on a self-test, is timed against it, and takes over where it is faster. Whatever goes wrong with it, the CPU
//! engine goes on; where the CPU engine itself dies on a file, it is started again.

mod archives;
mod background_task;
mod classification;
mod engine;
mod engines;
mod event;
mod gpu_engine;
mod networks;
mod offline;
mod own_networks;
mod site;
mod thumbnails;
mod training;
mod training_run;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

pub use self::archives::{UnpackError, Unpacked};
use self::background_task::BackgroundTask;
use self::classification::Classification;
use self::engine::Engine;
pub use self::event::ClientEvent;
use self::gpu_engine::GpuEngine;
pub use self::own_networks::OwnNetwork;
pub(crate) use self::own_networks::read_blob;
use self::site::NetworkFiles;
use self::thumbnails::Thumbnails;
use self::training::{TrainingNumber, TrainingWorker};
use super::service_worker::ServiceWorkerClient;
use crate::protocol::{EngineKind, Event, RequestId};
use crate::view::classify::engine::{Choice, Preference, decide};
use crate::view::classify::networks::{Catalogue, Selection, Switch};
use crate::view::classify::words;

const CPU_SCRIPT: &str = "./cpu_worker_loader.js";
const GPU_SCRIPT: &str = "./gpu_worker_loader.js";

/// What the page's address asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Which engine.
    pub preference: Preference,
    /// Whether an emulated adapter counts.
    pub allow_software: bool,
    /// Which network, by its name.
    pub network: Option<String>,
}

/// The page's connection to its engines. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Client(Rc<Inner>);

struct Inner {
    on_event: Box<dyn Fn(ClientEvent)>,
    options: RefCell<Options>,
    catalogue: RefCell<Option<Rc<Catalogue>>>,
    /// What was fetched, by name.
    network_files: RefCell<HashMap<String, Rc<NetworkFiles>>>,
    /// In the order in which they were added.
    own_networks: RefCell<Vec<OwnNetwork>>,
    switch: RefCell<Switch>,
    /// True once the user has chosen a network: the page does not choose any more.
    user_chose: Cell<bool>,
    cpu: RefCell<Option<Engine>>,
    gpu: RefCell<GpuEngine>,
    /// True while the GPU engine is compared with the CPU engine.
    comparing_engines: Cell<bool>,
    classification: RefCell<Option<Classification>>,
    training_worker: RefCell<Option<TrainingWorker>>,
    /// The number of the latest training run.
    training_number: Cell<TrainingNumber>,
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
    pub(crate) fn start(options: Options, on_event: impl Fn(ClientEvent) + 'static) -> Self {
        let client = Self(Rc::new(Inner {
            on_event: Box::new(on_event),
            user_chose: Cell::new(options.network.is_some()),
            options: RefCell::new(options),
            catalogue: RefCell::default(),
            network_files: RefCell::default(),
            own_networks: RefCell::default(),
            switch: RefCell::default(),
            cpu: RefCell::default(),
            gpu: RefCell::default(),
            comparing_engines: Cell::default(),
            classification: RefCell::default(),
            training_worker: RefCell::default(),
            training_number: Cell::default(),
            registry_wanted: Cell::default(),
            service_worker: OnceCell::new(),
            thumbnails: RefCell::default(),
            unpacking: Cell::default(),
        }));
        spawn_local(client.clone().begin());
        client
    }

    async fn begin(self) {
        self.emit_engine();
        // First of all: where a kept part of the page is damaged, that is why nothing else starts.
        spawn_local(self.clone().begin_offline());
        if let Err(message) = self.start_cpu().await {
            return self.emit(ClientEvent::Fatal(message));
        }
        self.switch_to_default();
        if self.0.options.borrow().preference != Preference::Cpu {
            self.start_gpu().await;
        }
    }

    /// Starts the CPU engine with the network in use, or wished for, or else with the first one.
    async fn start_cpu(&self) -> Result<(), String> {
        let mut starting = BackgroundTask::spawn(Engine::start(CPU_SCRIPT));
        let list = self.catalogue().await?;
        let selected = self.0.options.borrow().network.clone().map(|name| (name, Selection::User));
        let in_use = self.0.switch.borrow().in_use().map(|(name, selection)| (name.to_string(), selection));
        if let Some((name, selection)) = in_use.or(selected).filter(|(name, _)| *name != list.first) {
            match self.start_with(&mut starting, &name, selection).await {
                Ok(()) => return Ok(()),
                Err(reason) => self.report_refused(&name, &reason),
            }
        }
        self.start_with(&mut starting, &list.first, Selection::First).await
    }

    async fn start_with(
        &self,
        starting: &mut BackgroundTask<Engine>,
        name: &str,
        selection: Selection,
    ) -> Result<(), String> {
        let wanted = self.0.switch.borrow_mut().start(name, selection);
        self.emit_arriving(0);
        // Fetched while the engine starts.
        let loaded = async {
            let networks = self.network_with_backbones(name).await?;
            let cpu = starting.result().await?;
            let architecture = cpu.load(&networks).await?;
            Ok::<_, String>((cpu, architecture))
        };
        let loaded = loaded.await;
        self.0.switch.borrow_mut().loaded(wanted.ticket, loaded.is_ok());
        let (cpu, architecture) = loaded?;
        let client = self.clone();
        cpu.worker.on_failure(move |message| client.replace_cpu(&message));
        *self.0.cpu.borrow_mut() = Some(cpu);
        self.emit_in_use(name, architecture);
        self.emit_engine();
        self.run_next();
        self.emit_architectures();
        Ok(())
    }

    /// The CPU engine died: of the file it worked on, for all that is known, which is given up. One of which it had said
    /// nothing yet gets a second engine, for it may have died of the file before.
    fn replace_cpu(&self, message: &str) {
        log::warn!("the CPU engine is started again: {message}");
        self.0.cpu.borrow_mut().take();
        self.skip_thumbnail();
        let mut slot = self.0.classification.borrow_mut();
        if let Some(classification) =
            slot.as_mut().filter(|classification| matches!(classification.running, Some((EngineKind::Cpu, _))))
        {
            if classification.responded || classification.tried_again {
                let message = words::engine_died(&classification.file.name());
                self.end_classification(slot, Event::Failed { message });
            } else {
                classification.requeue();
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
            (EngineKind::Gpu, GpuEngine::Ready { engine, .. }) => Some(engine.clone()),
            _ => None,
        }
    }

    fn emit_engine(&self) {
        let (kind, choice) = self.decision();
        // Somebody who waits for the GPU is shown the engine that stands meanwhile.
        let info = self.engine(kind.unwrap_or(EngineKind::Cpu)).map(|engine| engine.worker.info());
        self.emit(ClientEvent::EngineInUse { info, choice });
    }

    fn emit(&self, event: ClientEvent) {
        (self.0.on_event)(event);
    }
}
