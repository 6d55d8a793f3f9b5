//! The page's side of the engines: starts them, loads networks into them, and gives each job to one of them.
//!
//! The CPU engine starts first, with a small network, and gives the first prediction. Another network is downloaded
//! when it is chosen, and replaces the first once the CPU engine has loaded it. The GPU engine is downloaded after the
//! CPU engine, if the browser has a real adapter (or the user asks for an emulated one). With every network it must
//! agree with the CPU engine on a self-test, is timed against it, and takes over if it is faster. If it fails, the CPU
//! engine takes over again; if the CPU engine dies on a file, another is started.

mod archives;
mod background_task;
mod classification;
mod embedding;
mod engine;
mod engines;
mod event;
mod gpu_engine;
mod networks;
mod offline;
mod own_networks;
mod pool;
mod segments;
mod site;
mod thumbnails;
mod training;
mod training_run;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use js_sys::WebAssembly::Module;
use wasm_bindgen_futures::spawn_local;
use web_sys::File;

pub use self::archives::{UnpackError, Unpacked};
use self::background_task::BackgroundTask;
use self::classification::Classification;
use self::embedding::RunningRequest;
use self::engine::Engine;
pub use self::event::ClientEvent;
use self::gpu_engine::GpuEngine;
pub use self::own_networks::OwnNetwork;
pub(crate) use self::own_networks::read_blob;
use self::pool::Pool;
use self::site::NetworkFiles;
use self::thumbnails::Thumbnails;
use self::training::{TrainingNumber, TrainingWorker};
use super::service_worker::ServiceWorkerClient;
use super::worker_handle::WorkerEnd;
use crate::protocol::{EngineKind, Event, Payload, RequestId};
use crate::view::classify::engine::{Choice, Preference, decide, decide_training};
use crate::view::classify::networks::{Catalogue, NetworkSwitch, Selection};
use crate::view::classify::words;

// Trunk makes a loader for every worker among the binaries in src/bin. The start script names them in these attributes.
const CPU_SCRIPT: &str = "data-cpu-worker";
const GPU_SCRIPT: &str = "data-gpu-worker";

/// The choices in the page's address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub preference: Preference,
    /// True if an emulated adapter may be used.
    pub allow_software: bool,
    /// The network's name; `None` leaves the choice to the page.
    pub network: Option<String>,
    /// How many workers of the CPU engine may compute side by side; `None` leaves it to the page.
    pub workers: Option<usize>,
}

/// The page's connection to its engines. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Client(Rc<Inner>);

struct Inner {
    on_event: Box<dyn Fn(ClientEvent)>,
    options: RefCell<Options>,
    catalogue: RefCell<Option<Rc<Catalogue>>>,
    /// Networks whose weights are in memory, by name.
    network_files: RefCell<HashMap<String, Rc<NetworkFiles>>>,
    /// In the order in which they were added.
    own_networks: RefCell<Vec<OwnNetwork>>,
    switch: RefCell<NetworkSwitch>,
    /// True once the page no longer switches to its default network: the user has chosen one, or the default could not be
    /// loaded.
    keeps_network: Cell<bool>,
    cpu: RefCell<Option<Engine>>,
    gpu: RefCell<GpuEngine>,
    /// True while the GPU engine is compared with the CPU engine: no thumbnails then, because they would distort the
    /// times.
    comparing_engines: Cell<bool>,
    classification: RefCell<Option<Classification>>,
    /// What the first worker of the CPU engine has compiled, for all later ones.
    cpu_module: RefCell<Option<Module>>,
    pool: RefCell<Pool>,
    training_worker: RefCell<Option<TrainingWorker>>,
    /// The clips that are being embedded for the training run.
    embedding: RefCell<Vec<RunningRequest>>,
    /// The number of the latest training run.
    training_number: Cell<TrainingNumber>,
    /// True while the page waits for the list of architectures.
    registry_wanted: Cell<bool>,
    /// Looked for once; `None` inside if the browser has no service workers.
    service_worker: OnceCell<Option<ServiceWorkerClient>>,
    thumbnails: RefCell<Thumbnails>,
    /// The number of the archive that is being unpacked, and its request once the engine has it.
    unpacking: Cell<(u32, Option<RequestId>)>,
    /// Weights files to import, the one that is being read first.
    imports: RefCell<VecDeque<File>>,
}

impl Client {
    /// Starts the CPU engine with the first network, then looks for a GPU and for a better network. Reports through
    /// `on_event`.
    pub(crate) fn start(options: Options, on_event: impl Fn(ClientEvent) + 'static) -> Self {
        let client = Self(Rc::new(Inner {
            on_event: Box::new(on_event),
            keeps_network: Cell::new(options.network.is_some()),
            catalogue: RefCell::default(),
            network_files: RefCell::default(),
            own_networks: RefCell::default(),
            switch: RefCell::default(),
            cpu: RefCell::default(),
            gpu: RefCell::default(),
            comparing_engines: Cell::default(),
            classification: RefCell::default(),
            cpu_module: RefCell::default(),
            pool: RefCell::new(Pool::new(site::machine(), options.workers)),
            training_worker: RefCell::default(),
            embedding: RefCell::default(),
            training_number: Cell::default(),
            registry_wanted: Cell::default(),
            service_worker: OnceCell::new(),
            thumbnails: RefCell::default(),
            unpacking: Cell::default(),
            imports: RefCell::default(),
            options: RefCell::new(options),
        }));
        spawn_local(client.clone().begin());
        client
    }

    async fn begin(self) {
        self.emit_engine();
        // Before anything else: if a stored part of the page is damaged, this reports why nothing else starts.
        spawn_local(self.clone().begin_offline());
        if let Err(message) = self.start_cpu().await {
            return self.emit(ClientEvent::Fatal(message));
        }
        self.switch_to_default();
        if self.0.options.borrow().preference != Preference::Cpu {
            self.start_gpu().await;
        }
    }

    /// Starts the CPU engine with the network in use or chosen, or else with the first one.
    async fn start_cpu(&self) -> Result<(), String> {
        let mut starting = BackgroundTask::spawn(self.start_cpu_worker());
        let list = self.catalogue().await?;
        let selected = self.0.options.borrow().network.clone().map(|name| (name, Selection::User));
        let in_use = self.0.switch.borrow().active().map(|(name, selection)| (name.to_string(), selection));
        // When the engine is started again there is a network in use, which counts more than the address.
        if let Some((name, selection)) = in_use.or(selected).filter(|(name, _)| *name != list.first) {
            match self.start_with(&mut starting, &name, selection).await {
                Ok(()) => return Ok(()),
                Err(reason) => self.report_refused(&name, &reason),
            }
            // It died of that network: another one loads the first.
            if starting.result().await.is_ok_and(|cpu| cpu.worker.has_ended()) {
                starting = BackgroundTask::spawn(self.start_cpu_worker());
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
        // The network is downloaded while the engine starts.
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
        cpu.worker.on_end(move |end| client.replace_cpu(end));
        *self.0.cpu.borrow_mut() = Some(cpu);
        self.emit_in_use(name, architecture);
        self.emit_engine();
        self.run_next();
        self.emit_architectures();
        Ok(())
    }

    /// The CPU engine ended. The file that it worked on is taken for the cause and given up, unless no event for it had
    /// come yet: the engine may have ended because of an earlier file, so that this one gets a second engine.
    fn replace_cpu(&self, end: &WorkerEnd) {
        log::warn!("the CPU engine ended and is started again: {end}");
        self.0.cpu.borrow_mut().take();
        self.skip_thumbnail();
        let mut slot = self.0.classification.borrow_mut();
        let own = |classification: &&mut Classification| matches!(classification.running, Some((EngineKind::Cpu, _)));
        if let Some(classification) = slot.as_mut().filter(own) {
            if classification.responded || classification.tried_again {
                let message = words::engine_died(&classification.file.name(), end.silent_seconds());
                self.end_classification(slot, Event::Failed { message });
            } else {
                classification.requeue();
                classification.tried_again = true;
                drop(slot);
                let message = words::TRIED_AGAIN.to_owned();
                self.emit(ClientEvent::Classification(Event::Warning { message }, Payload::None));
            }
        }
        spawn_local(self.clone().begin());
    }

    /// The engine that classifies now, and why; `None` while the recording has to wait.
    fn decision(&self) -> (Option<EngineKind>, Choice) {
        // Even for the GPU engine, which must first agree with the CPU engine on the network.
        if self.0.cpu.borrow().is_none() {
            return (None, Choice::Starting);
        }
        let gpu = self.0.gpu.borrow().state(self.identity_in_use().as_ref());
        decide(self.0.options.borrow().preference, &gpu, self.refines())
    }

    /// The engine that a training begins on.
    fn training_engine(&self) -> EngineKind {
        let gpu = self.0.gpu.borrow().state(self.identity_in_use().as_ref());
        decide_training(self.0.options.borrow().preference, &gpu)
    }

    /// True if the recording has a result, and the page's own network is there to refine it.
    fn refines(&self) -> bool {
        let has_result = |classification: &Classification| classification.predicted_by.is_some();
        self.0.switch.borrow().active().is_some_and(|(_, selection)| selection == Selection::Refine)
            && self.0.classification.borrow().as_ref().is_some_and(has_result)
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
        // While the user waits for the GPU, the page shows the engine that runs.
        let info = self.engine(kind.unwrap_or(EngineKind::Cpu)).map(|engine| engine.worker.info());
        self.emit(ClientEvent::EngineInUse { info, choice });
    }

    fn emit(&self, event: ClientEvent) {
        (self.0.on_event)(event);
    }
}
