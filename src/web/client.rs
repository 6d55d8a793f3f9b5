//! The page's side: starts the engines, gives them work, and decides which of them gets it.
//!
//! The CPU engine comes first and answers first. The GPU engine is fetched after it, only where the browser has a
//! real adapter (or the user asks for an emulated one), must agree with the CPU engine on a self-test, is timed
//! against it, and takes over where it is faster. Whatever goes wrong with it, the CPU engine goes on; where the CPU
//! engine itself dies on a file, it is started again.

mod job;
mod site;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use self::job::{Decoding, Job};
use super::browser_decoder::{self, NotDecoded};
use super::gpu::{self, Found};
use super::worker_handle::WorkerHandle;
use crate::card::Card;
use crate::protocol::{EngineInfo, EngineKind, Event, Payload, Request, RequestId, SelfTest};
use crate::view::engine::{Choice, NoGpu, Preference, choose};
use crate::view::words;

const CPU_SCRIPT: &str = "./cpu_worker_loader.js";
const GPU_SCRIPT: &str = "./gpu_worker_loader.js";

/// What the page's address asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Which engine.
    pub preference: Preference,
    /// Whether an emulated adapter counts.
    pub allow_software: bool,
}

/// What the client tells the page.
#[derive(Debug, Clone)]
pub enum Update {
    /// An event of the current classification, with its payload.
    Event(Event, Payload),
    /// Which engine is in use now, and why.
    Engine {
        /// The engine; `None` before there is one.
        info: Option<EngineInfo>,
        /// Why.
        choice: Choice,
    },
    /// The browser decodes the file; the engines do not know its format.
    BrowserDecodes,
    /// Nothing can be classified: a sentence.
    Broken(String),
}

/// The page's connection to its engines. Clones are the same connection.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

struct Inner {
    listen: Box<dyn Fn(Update)>,
    options: Cell<Options>,
    weights: RefCell<Option<(Card, Vec<u8>)>>,
    cpu: RefCell<Option<WorkerHandle>>,
    gpu: RefCell<Gpu>,
    job: RefCell<Option<Job>>,
}

/// How far the GPU engine has come.
#[derive(Default)]
enum Gpu {
    #[default]
    NotLooked,
    /// Being fetched or tested: what the user sees meanwhile.
    Coming(Choice),
    /// There, agrees with the CPU engine.
    Tested { worker: WorkerHandle, faster: Choice },
    /// Not to be used.
    Refused(Choice),
}

impl Client {
    /// Starts the CPU engine with the project's network, then looks for a GPU. Updates arrive through `listen`.
    pub fn start(options: Options, listen: impl Fn(Update) + 'static) -> Self {
        let client = Self(Rc::new(Inner {
            listen: Box::new(listen),
            options: Cell::new(options),
            weights: RefCell::default(),
            cpu: RefCell::default(),
            gpu: RefCell::default(),
            job: RefCell::default(),
        }));
        spawn_local(client.clone().begin());
        client
    }

    /// Classifies a file, in place of the one before. It waits where no engine is ready yet.
    pub fn classify(&self, file: File) {
        self.give_up();
        *self.0.job.borrow_mut() = Some(Job::new(file));
        self.run_job();
    }

    /// Gives up the current classification.
    pub fn cancel(&self) {
        if self.give_up() {
            self.tell(Update::Event(Event::Cancelled, Payload::None));
        }
    }

    /// Forgets the current job, and tells its engine. True where there was one.
    fn give_up(&self) -> bool {
        let Some(job) = self.0.job.borrow_mut().take() else { return false };
        if let Some((kind, request)) = job.running
            && let Some(worker) = self.worker(kind)
        {
            worker.post(Request::Cancel { request });
        }
        true
    }

    /// The user's choice of engine. Asking for the GPU allows an emulated one.
    pub fn prefer(&self, preference: Preference) {
        let mut options = self.0.options.get();
        options.preference = preference;
        let allows_more = preference == Preference::Gpu && !options.allow_software;
        options.allow_software |= preference == Preference::Gpu;
        self.0.options.set(options);
        let refused_for_software =
            matches!(*self.0.gpu.borrow(), Gpu::Refused(Choice::OnlyCpu { reason: NoGpu::SoftwareAdapter }));
        if allows_more && refused_for_software {
            *self.0.gpu.borrow_mut() = Gpu::NotLooked;
        }
        self.tell_engine();
        self.run_job();
        if preference != Preference::Cpu {
            spawn_local(self.clone().find_gpu());
        }
    }

    async fn begin(self) {
        self.tell_engine();
        match self.start_cpu().await {
            Ok(()) if self.0.options.get().preference != Preference::Cpu => self.find_gpu().await,
            Ok(()) => {}
            Err(message) => self.tell(Update::Broken(message)),
        }
    }

    /// Starts the CPU engine with the network, which is fetched where that was not done before.
    async fn start_cpu(&self) -> Result<(), String> {
        let held = self.0.weights.borrow().clone();
        let weights = async {
            match held {
                Some(weights) => Ok(weights),
                None => site::fetch_weights().await,
            }
        };
        let cpu = WorkerHandle::start(CPU_SCRIPT);
        let (card, bytes) = weights.await?;
        let cpu = cpu.await?;
        load(&cpu, &card, &bytes).await?;
        let client = self.clone();
        cpu.on_trouble(move |message| client.replace_cpu(&message));
        *self.0.cpu.borrow_mut() = Some(cpu);
        *self.0.weights.borrow_mut() = Some((card, bytes));
        self.tell_engine();
        self.run_job();
        Ok(())
    }

    /// The CPU engine died: of the file it worked on, for all that is known, which is given up. One of which it had said
    /// nothing yet gets a second engine, for it may have died of the file before.
    fn replace_cpu(&self, message: &str) {
        log::warn!("the CPU engine is started again: {message}");
        self.0.cpu.borrow_mut().take();
        let mut slot = self.0.job.borrow_mut();
        let died_of = slot.take_if(|job| {
            let had_it = matches!(job.running, Some((EngineKind::Cpu, _)));
            let guilty = had_it && (job.begun || job.tried_again);
            if had_it {
                job.take_back();
                job.tried_again = true;
            }
            guilty
        });
        drop(slot);
        if let Some(job) = died_of {
            let message = words::engine_died(&job.file.name());
            self.tell(Update::Event(Event::Failed { message }, Payload::None));
        }
        spawn_local(self.clone().begin());
    }

    /// Looks for an adapter, fetches the GPU engine, tests it. Does nothing where that was done, or before the CPU
    /// engine stands.
    async fn find_gpu(self) {
        let ready = self.0.cpu.borrow().is_some() && matches!(*self.0.gpu.borrow(), Gpu::NotLooked);
        if !ready {
            return;
        }
        self.set_gpu(Gpu::Coming(Choice::FetchingGpu));
        let refused = |reason| Gpu::Refused(Choice::OnlyCpu { reason });
        let found = match gpu::find().await {
            Found::NoWebGpu => refused(NoGpu::NoWebGpu),
            Found::NoAdapter => refused(NoGpu::NoAdapter),
            Found::Adapter(adapter) if adapter.software && !self.0.options.get().allow_software => {
                refused(NoGpu::SoftwareAdapter)
            }
            Found::Adapter(_) => match self.fetch_and_test_gpu().await {
                Ok(tested) => tested,
                Err(message) => refused(NoGpu::Failed(message)),
            },
        };
        // Where it died meanwhile, it was refused for that.
        if matches!(*self.0.gpu.borrow(), Gpu::Coming(_)) {
            self.set_gpu(found);
        }
        self.run_job();
    }

    async fn fetch_and_test_gpu(&self) -> Result<Gpu, String> {
        let worker = WorkerHandle::start(GPU_SCRIPT).await?;
        self.set_gpu(Gpu::Coming(Choice::TestingGpu));
        let client = self.clone();
        worker.on_trouble(move |message| client.drop_gpu(message));
        let (card, bytes) = self.0.weights.borrow().clone().ok_or("the network is not there")?;
        load(&worker, &card, &bytes).await?;
        let gpu = self_test(&worker).await?;
        // One after the other: at once they would slow each other down. The CPU engine may be busy; it queues.
        let cpu = match self.worker(EngineKind::Cpu) {
            Some(cpu) => self_test(&cpu).await.ok(),
            None => None,
        };
        // No fault of the GPU's: it is looked for again once another CPU engine stands.
        let Some(cpu) = cpu else { return Ok(Gpu::NotLooked) };
        Ok(match choose(&cpu, &gpu) {
            mismatch @ Choice::SelfTestMismatch { .. } => Gpu::Refused(mismatch),
            faster => Gpu::Tested { worker, faster },
        })
    }

    fn set_gpu(&self, gpu: Gpu) {
        *self.0.gpu.borrow_mut() = gpu;
        self.tell_engine();
    }

    /// The GPU engine failed: the CPU engine takes over what it was doing.
    fn drop_gpu(&self, message: String) {
        log::warn!("the GPU engine is given up: {message}");
        self.set_gpu(Gpu::Refused(Choice::OnlyCpu { reason: NoGpu::Failed(message) }));
        let was_running = |job: &&mut Job| matches!(job.running, Some((EngineKind::Gpu, _)));
        if let Some(job) = self.0.job.borrow_mut().as_mut().filter(was_running) {
            job.take_back();
        }
        self.run_job();
    }

    /// Which engine classifies now, and why. `None` where the job should wait.
    fn decision(&self) -> (Option<EngineKind>, Choice) {
        if self.0.cpu.borrow().is_none() {
            return (None, Choice::Starting);
        }
        let cpu = Some(EngineKind::Cpu);
        let preference = self.0.options.get().preference;
        match (&*self.0.gpu.borrow(), preference) {
            (_, Preference::Cpu) => (cpu, Choice::UserChoice),
            (Gpu::Tested { .. }, Preference::Gpu) => (Some(EngineKind::Gpu), Choice::UserChoice),
            (Gpu::Tested { faster, .. }, Preference::Auto) => match faster {
                Choice::GpuFaster { .. } => (Some(EngineKind::Gpu), faster.clone()),
                _ => (cpu, faster.clone()),
            },
            (Gpu::Refused(reason), _) => (cpu, reason.clone()),
            // Somebody who asked for the GPU waits for it; everybody else is answered at once.
            (Gpu::Coming(choice), Preference::Gpu) => (None, choice.clone()),
            (Gpu::NotLooked, Preference::Gpu) => (None, Choice::FetchingGpu),
            (Gpu::Coming(choice), Preference::Auto) => (cpu, choice.clone()),
            (Gpu::NotLooked, Preference::Auto) => (cpu, Choice::FetchingGpu),
        }
    }

    fn worker(&self, kind: EngineKind) -> Option<WorkerHandle> {
        match (kind, &*self.0.gpu.borrow()) {
            (EngineKind::Cpu, _) => self.0.cpu.borrow().clone(),
            (EngineKind::Gpu, Gpu::Tested { worker, .. }) => Some(worker.clone()),
            _ => None,
        }
    }

    /// Hands the waiting job to the engine that should have it.
    fn run_job(&self) {
        if let Some(kind) = self.decision().0 {
            self.hand_to(kind);
        }
    }

    fn hand_to(&self, kind: EngineKind) {
        let Some(worker) = self.worker(kind) else { return };
        let mut slot = self.0.job.borrow_mut();
        let Some(job) = slot.as_mut().filter(|job| job.waits()) else { return };
        let client = self.clone();
        let (request, payload) = job.request();
        let id = worker.send_numbered(request, payload, move |id, event, payload| {
            let more = !event.is_last();
            client.hear((kind, id), event, payload);
            more
        });
        job.running = Some((kind, id));
    }

    /// Passes an event of the current job on.
    fn hear(&self, from: (EngineKind, RequestId), event: Event, payload: Payload) {
        let mut slot = self.0.job.borrow_mut();
        let Some(job) = slot.as_mut().filter(|job| job.running == Some(from)) else { return };
        job.begun = true;
        match event {
            // The file's fault or the GPU engine's: the CPU engine tells which.
            Event::Failed { .. } if from.0 == EngineKind::Gpu => {
                job.take_back();
                drop(slot);
                self.hand_to(EngineKind::Cpu);
            }
            Event::Unsupported { message } if matches!(job.decoding, Decoding::NotAsked) => {
                job.running = None;
                job.decoding = Decoding::Going;
                let file = job.file.clone();
                drop(slot);
                self.tell(Update::BrowserDecodes);
                spawn_local(self.clone().ask_the_browser(file, message));
            }
            event => {
                if event.is_last() {
                    slot.take();
                }
                drop(slot);
                self.tell(Update::Event(event, payload));
            }
        }
    }

    /// Has the browser decode what the engine could not; where it cannot either, the engine's sentence stands.
    async fn ask_the_browser(self, file: File, refusal: String) {
        let outcome = browser_decoder::decode(&file).await;
        let mut slot = self.0.job.borrow_mut();
        // Meanwhile it may have been given up, or the same file chosen anew.
        let decodes = |job: &&mut Job| matches!(job.decoding, Decoding::Going) && job.file == file;
        let Some(job) = slot.as_mut().filter(decodes) else { return };
        match outcome {
            Ok(decoded) => {
                job.decoding = Decoding::Done(decoded);
                drop(slot);
                self.run_job();
            }
            Err(reason) => {
                slot.take();
                drop(slot);
                let message = match reason {
                    NotDecoded::Unknown => refusal,
                    NotDecoded::TooLong => words::over_browser_limit(&refusal, browser_decoder::MAX_MINUTES),
                };
                self.tell(Update::Event(Event::Failed { message }, Payload::None));
            }
        }
    }

    fn tell_engine(&self) {
        let (kind, choice) = self.decision();
        // Somebody who waits for the GPU is shown the engine that stands meanwhile.
        let info = self.worker(kind.unwrap_or(EngineKind::Cpu)).map(|worker| worker.info());
        self.tell(Update::Engine { info, choice });
    }

    fn tell(&self, update: Update) {
        (self.0.listen)(update);
    }
}

async fn load(worker: &WorkerHandle, card: &Card, bytes: &[u8]) -> Result<(), String> {
    let request = Request::Load { card: Box::new(card.clone()) };
    match worker.ask(request, Payload::Bytes(bytes.to_vec())).await {
        Event::Loaded { .. } => Ok(()),
        other => Err(unexpected(other)),
    }
}

async fn self_test(worker: &WorkerHandle) -> Result<SelfTest, String> {
    match worker.ask(Request::SelfTest, Payload::None).await {
        Event::SelfTested(result) => Ok(result),
        other => Err(unexpected(other)),
    }
}

fn unexpected(event: Event) -> String {
    match event {
        Event::Failed { message } => message,
        other => format!("it answered {other:?}"),
    }
}
