//! Training runs, in a worker of their own, so that the page can classify meanwhile.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::engine::{Engine, failure_message};
use super::site::NetworkFiles;
use super::training_run::TrainingRun;
use super::{Client, ClientEvent, GPU_SCRIPT};
use crate::card::Card;
use crate::protocol::{EngineKind, Event, Payload, Request, RequestId};
use crate::training_job::{ModelSpec, TrainingResult};
use crate::view::train::results::Outcome;
use crate::view::train::state::{ResumePoint, TrainingEvent};

/// The worker that trains.
pub(crate) struct TrainingWorker {
    pub(super) engine: Engine,
    kind: EngineKind,
    /// The request that it works on.
    pub(super) running: Option<RequestId>,
    /// False once the worker has ended.
    alive: Rc<Cell<bool>>,
}

/// How often a training run may go on with another engine after its engine has ended.
const MAX_ENGINE_CHANGES: usize = 2;
/// The fewest windows of a batch with which a training is tried again on the GPU after its engine ended.
const SMALLEST_BATCH: usize = 4;

/// Why a training run ended without a network.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrainFailure {
    /// The user cancelled it or started another: nobody waits for its outcome.
    #[error("another training has taken its place")]
    Superseded,
    /// Its engine ended, or failed in a way in which another may not: a sentence, or part of one.
    #[error("{0}")]
    WorkerLost(String),
    /// It would fail with any engine: a sentence, or part of one.
    #[error("{0}")]
    Refused(String),
}

/// Numbers the training runs. Events of any but the latest are dropped.
pub(crate) type TrainingNumber = u32;

impl Client {
    pub(super) fn begin_training(&self, run: TrainingRun) {
        self.interrupt_training();
        let number = self.0.training_number.get();
        let client = self.clone();
        spawn_local(async move {
            let event = match client.run_training(number, run).await {
                Ok(outcome) => TrainingEvent::Trained(outcome),
                Err(TrainFailure::Superseded) => return,
                Err(TrainFailure::WorkerLost(reason) | TrainFailure::Refused(reason)) => TrainingEvent::Failed(reason),
            };
            client.emit_training(number, event);
        });
    }

    /// Ends the current training run: its later events are dropped.
    pub(super) fn interrupt_training(&self) {
        // Before the cancel: what the engine still sends is of an older number, and is dropped.
        self.0.training_number.set(self.0.training_number.get() + 1);
        if let Some(training_worker) = &mut *self.0.training_worker.borrow_mut()
            && let Some(request) = training_worker.running.take()
        {
            training_worker.engine.worker.post(Request::Cancel { request });
        }
        self.cancel_embedding();
    }

    /// Reports the architectures that can be trained from scratch, if the page waits for them and the CPU engine runs.
    pub(super) fn emit_architectures(&self) {
        let Some(engine) = self.0.cpu.borrow().clone().filter(|_| self.0.registry_wanted.get()) else { return };
        let client = self.clone();
        spawn_local(async move {
            match engine.worker.ask(Request::Registry, Payload::<File>::None).await {
                Event::Registry(architectures) => {
                    client.0.registry_wanted.set(false);
                    client.emit(ClientEvent::Architectures(Rc::new(architectures)));
                }
                // The next engine is asked again; until then the page offers what needs no architecture.
                other => log::warn!("the architectures to train are not known: {}", failure_message(other)),
            }
        });
    }

    pub(super) fn emit_training(&self, number: TrainingNumber, event: TrainingEvent) {
        if number == self.0.training_number.get() {
            self.emit(ClientEvent::Training(event));
        }
    }

    async fn run_training(&self, number: TrainingNumber, mut run: TrainingRun) -> Result<Rc<Outcome>, TrainFailure> {
        run.check_planned_splits().map_err(TrainFailure::Refused)?;
        let backbones = self.fetch_backbones(number, &run.job.model).await.map_err(TrainFailure::Refused)?;
        let mut kind = self.training_engine();
        let (mut changes, batch) = (0, run.job.recipe.batch);
        let (card, result, bytes) = loop {
            let reason = match self.train_with(number, kind, &backbones, &mut run).await {
                Ok(trained) => break trained,
                Err(TrainFailure::WorkerLost(reason)) if changes < MAX_ENGINE_CHANGES && self.is_current(number) => {
                    reason
                }
                Err(failure) => return Err(failure),
            };
            changes += 1;
            log::warn!("the training continues with another engine: {reason}");
            // The worker before is dropped first, so that its memory is free.
            self.0.training_worker.borrow_mut().take();
            let epoch = run.checkpoint.borrow().as_ref().map_or(0, |checkpoint| checkpoint.epoch);
            // WebGPU does not tell how much memory there is: the engine ends when there is too little, and a smaller
            // batch may fit. If it ended before the first step (the splits are not assigned), the cause was another.
            let smaller =
                kind == EngineKind::Gpu && changes == 1 && run.valid_share.is_none() && batch >= 2 * SMALLEST_BATCH;
            run.job.recipe.batch = if smaller { batch / 2 } else { batch };
            let now = smaller.then_some(batch / 2);
            self.emit_training(number, TrainingEvent::Again { ended: kind, epoch, batch: now });
            kind = if smaller { EngineKind::Gpu } else { EngineKind::Cpu };
        };
        if !self.is_current(number) {
            return Err(TrainFailure::Superseded);
        }
        let card = self.add_own(card, &bytes).await.map_err(TrainFailure::Refused)?;
        Ok(Rc::new(Outcome { card, job: run.job, result }))
    }

    /// Trains with one engine, from the latest checkpoint if there is one. Embeds the clips first; those that cannot be
    /// decoded are left out, and the others split.
    async fn train_with(
        &self,
        number: TrainingNumber,
        kind: EngineKind,
        backbones: &[Rc<NetworkFiles>],
        run: &mut TrainingRun,
    ) -> Result<(Card, TrainingResult, Vec<u8>), TrainFailure> {
        // The GPU engine may be unable to load although the CPU engine is able to.
        let failure = |lost: bool| if lost { TrainFailure::WorkerLost } else { TrainFailure::Refused };
        let on_gpu = kind == EngineKind::Gpu;
        let (engine, alive) = self.training_worker(number, kind).await?;
        engine.load_backbones(backbones).await.map_err(failure(on_gpu))?;
        let embedded = self.embed_all(number, kind, (&engine, &*alive), backbones, run).await?;
        if !self.is_current(number) {
            return Err(TrainFailure::Superseded);
        }
        run.assign_splits(embedded).map_err(TrainFailure::Refused)?;
        let trained = self.request_training(number, &engine, run).await;
        trained.map_err(|event| match event {
            Event::Diverged { message } => TrainFailure::Refused(message),
            other => failure(on_gpu || !alive.get())(failure_message(other)),
        })
    }

    pub(super) fn is_current(&self, number: TrainingNumber) -> bool {
        number == self.0.training_number.get()
    }

    /// The networks that a model is built on: its backbones, or the network that is fine-tuned. Downloaded if not in
    /// memory.
    async fn fetch_backbones(
        &self,
        number: TrainingNumber,
        model: &ModelSpec,
    ) -> Result<Vec<Rc<NetworkFiles>>, String> {
        let names: Vec<&str> = match model {
            ModelSpec::NewHead { backbones, .. } => backbones.iter().map(|(name, _)| name.as_str()).collect(),
            ModelSpec::FineTune { network, .. } => vec![network],
            ModelSpec::FromScratch { .. } => return Ok(Vec::new()),
        };
        let list = self.catalogue().await?;
        let total = names.iter().map(|name| list.bytes(name)).sum();
        let (mut backbones, mut before) = (Vec::new(), 0);
        for name in names {
            let progress =
                |bytes| self.emit_training(number, TrainingEvent::Preparing { fetched: before + bytes, total });
            backbones.extend(self.fetch_with_backbones(name, &progress).await?);
            before += list.bytes(name);
        }
        Ok(backbones)
    }

    /// The worker of an engine, and whether it is alive; started if it is not running. One that has started too late
    /// for its run must not take the place of the one that trains now.
    async fn training_worker(
        &self,
        number: TrainingNumber,
        kind: EngineKind,
    ) -> Result<(Engine, Rc<Cell<bool>>), TrainFailure> {
        let there = self.0.training_worker.borrow().as_ref().filter(|own| own.kind == kind).map(TrainingWorker::shared);
        if let Some(there) = there {
            return Ok(there);
        }
        let started = match kind {
            EngineKind::Gpu => Engine::start(GPU_SCRIPT, None).await,
            EngineKind::Cpu => self.start_cpu_worker().await,
        };
        if !self.is_current(number) {
            return Err(TrainFailure::Superseded);
        }
        // The GPU engine may be unable to start although the CPU engine is able to.
        let engine = started.map_err(|reason| match kind {
            EngineKind::Gpu => TrainFailure::WorkerLost(reason),
            EngineKind::Cpu => TrainFailure::Refused(reason),
        })?;
        let alive = Rc::new(Cell::new(true));
        let (client, ended) = (self.clone(), alive.clone());
        engine.worker.on_end(move |end| {
            log::warn!("the training engine ended: {end}");
            ended.set(false);
            // Only this worker: another may have taken its place.
            client.0.training_worker.borrow_mut().take_if(|training_worker| Rc::ptr_eq(&training_worker.alive, &ended));
        });
        let training_worker = TrainingWorker { engine, kind, running: None, alive };
        let shared = training_worker.shared();
        *self.0.training_worker.borrow_mut() = Some(training_worker);
        Ok(shared)
    }

    /// Remembers the request that the worker runs, so that it can be cancelled; not for a superseded run.
    fn note_request(&self, number: TrainingNumber, request: Option<RequestId>) {
        if let Some(training_worker) = &mut *self.0.training_worker.borrow_mut()
            && self.is_current(number)
        {
            training_worker.running = request;
        }
    }

    /// Trains on embedded clips; the event that says why, if there is no network.
    async fn request_training(
        &self,
        number: TrainingNumber,
        engine: &Engine,
        run: &TrainingRun,
    ) -> Result<(Card, TrainingResult, Vec<u8>), Event> {
        let TrainingRun { job, checkpoint, .. } = run;
        let payload =
            checkpoint.borrow().as_ref().map_or(Payload::None, |checkpoint| Payload::Bytes(checkpoint.bytes.clone()));
        let request = Request::Train { job: Box::new(job.clone()) };
        let (client, job, latest) = (self.clone(), job.clone(), checkpoint.clone());
        let on_event = move |event: Event, payload: Payload| match (event, payload) {
            (Event::Step { step, steps }, _) => client.emit_training(number, TrainingEvent::Step { step, steps }),
            (Event::Epoch(report), _) => client.emit_training(number, TrainingEvent::Epoch(*report)),
            (Event::Checkpoint { epoch }, Payload::Bytes(bytes)) => {
                let checkpoint = Rc::new(ResumePoint { job: job.clone(), epoch, bytes });
                latest.replace(Some(checkpoint.clone()));
                client.emit_training(number, TrainingEvent::Checkpoint(checkpoint));
            }
            _ => {}
        };
        let client = self.clone();
        let (event, payload) = engine
            .worker
            .ask_with_progress(request, payload, move |id| client.note_request(number, Some(id)), on_event)
            .await;
        self.note_request(number, None);
        match (event, payload) {
            (Event::Trained { card, result }, Payload::Bytes(bytes)) => Ok((*card, *result, bytes)),
            (other, _) => Err(other),
        }
    }
}

impl TrainingWorker {
    fn shared(&self) -> (Engine, Rc<Cell<bool>>) {
        (self.engine.clone(), self.alive.clone())
    }
}
