//! The client's lessons, held by an engine of their own: whatever is taught, the page goes on listening.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::engine::{Engine, unexpected};
use super::site::Shipped;
use super::{CPU_SCRIPT, Client, GPU_SCRIPT, Update};
use crate::card::Card;
use crate::protocol::{EngineKind, Event, Payload, Request, RequestId, TrainControl};
use crate::training_job::{ClipId, LabelledClip, ModelSpec, Split, TrainingJob, TrainingResult};
use crate::view::train::results::Outcome;
use crate::view::train::state::{ResumePoint, TrainingEvent};
use crate::view::train::words;
use crate::web::browser_decoder;

/// The engine that teaches.
pub struct TrainingWorker {
    engine: Engine,
    kind: EngineKind,
    /// The request that it works on.
    running: Option<RequestId>,
    /// False once it has ended.
    alive: Rc<Cell<bool>>,
}

/// How often a lesson goes on with another engine where one ends.
const TRIES: usize = 2;
/// No smaller steps are tried on a graphics engine that ended while it learned, in windows.
const SMALLEST_BATCH: usize = 4;

/// A lesson on its way.
struct TrainingRun {
    job: TrainingJob,
    files: HashMap<ClipId, File>,
    /// About this share of its clips is for validation; `None` once they are divided.
    share: Option<f64>,
    /// What it goes on from.
    last: Rc<RefCell<Option<Rc<ResumePoint>>>>,
}

/// Why a lesson came to nothing with one engine: a sentence, or part of one.
enum Halt {
    /// Another engine may go on.
    Lost(String),
    /// It would come to nothing with any.
    Refused(String),
}

/// A lesson is one of many: what an older one still tells no longer counts.
pub type TrainingNumber = u32;

impl Client {
    /// Holds a lesson, in place of the one before. `files` are those of its clips, in their order; about `share` of the
    /// clips are for validation.
    pub fn train(&self, job: TrainingJob, files: Vec<File>, share: f64) {
        self.begin_training(TrainingRun::new(job, files, Some(share), None));
    }

    /// Goes on with a lesson that was interrupted. `files` are those of its clips, in their order.
    pub fn resume(&self, checkpoint: Rc<ResumePoint>, files: Vec<File>) {
        self.begin_training(TrainingRun::new(checkpoint.job.clone(), files, None, Some(checkpoint)));
    }

    fn begin_training(&self, run: TrainingRun) {
        self.interrupt_training();
        let number = self.0.trainings.get();
        let client = self.clone();
        spawn_local(async move {
            let news = match client.hold(number, run).await {
                Ok(outcome) => TrainingEvent::Trained(outcome),
                Err(reason) => TrainingEvent::Failed(reason),
            };
            client.tell_training(number, news);
        });
    }

    /// Gives the lesson up, or the archive that clips for it are in.
    pub fn cancel_training(&self) {
        self.stop_unpacking();
        self.interrupt_training();
        self.tell(Update::Training(TrainingEvent::Cancelled));
    }

    /// What is still told of the lesson that is held no longer counts.
    fn interrupt_training(&self) {
        self.0.trainings.set(self.0.trainings.get() + 1);
        if let Some(training_worker) = &mut *self.0.training_worker.borrow_mut()
            && let Some(request) = training_worker.running.take()
        {
            training_worker.engine.worker.post(Request::Cancel { request });
        }
    }

    /// Steers the training.
    pub fn control(&self, control: TrainControl) {
        if let Some(training_worker) = &*self.0.training_worker.borrow()
            && let Some(request) = training_worker.running
        {
            training_worker.engine.worker.post(Request::Control { request, control });
        }
    }

    /// Tells which networks can learn from fresh weights, as soon as the CPU engine can say.
    pub fn ask_registry(&self) {
        self.0.registry_wanted.set(true);
        self.tell_registry();
    }

    /// As [`ask_registry`](Self::ask_registry), where somebody asked and was not told yet.
    pub(super) fn tell_registry(&self) {
        let Some(engine) = self.0.cpu.borrow().clone().filter(|_| self.0.registry_wanted.get()) else { return };
        let client = self.clone();
        spawn_local(async move {
            match engine.worker.ask(Request::Registry, Payload::<File>::None).await {
                Event::Registry(architectures) => {
                    client.0.registry_wanted.set(false);
                    client.tell(Update::Registry(Rc::new(architectures)));
                }
                // Asked again of the next engine; until then the smallest can be taught.
                other => log::warn!("the networks to teach are not known: {}", unexpected(other)),
            }
        });
    }

    fn tell_training(&self, number: TrainingNumber, news: TrainingEvent) {
        if number == self.0.trainings.get() {
            self.tell(Update::Training(news));
        }
    }

    async fn hold(&self, number: TrainingNumber, mut run: TrainingRun) -> Result<Rc<Outcome>, String> {
        run.foresee()?;
        let backbones = self.backbones_of(number, &run.job.model).await?;
        let mut kind = self.decision().0.unwrap_or(EngineKind::Cpu);
        let (mut tries, batch) = (0, run.job.recipe.batch);
        let (card, result, bytes) = loop {
            let reason = match self.attempt(number, kind, &backbones, &mut run).await {
                Ok(trained) => break trained,
                Err(Halt::Lost(reason)) if tries < TRIES && self.is_current(number) => reason,
                Err(Halt::Lost(reason) | Halt::Refused(reason)) => return Err(reason),
            };
            tries += 1;
            log::warn!("the lesson goes on with another engine: {reason}");
            // The one before ends, and gives its memory back.
            self.0.training_worker.borrow_mut().take();
            let epoch = run.last.borrow().as_ref().map_or(0, |checkpoint| checkpoint.epoch);
            // An adapter has the memory that it has, and tells only by ending: smaller steps may fit it. Before it
            // learned, it ended of something else.
            let smaller = kind == EngineKind::Gpu && tries == 1 && run.share.is_none() && batch >= 2 * SMALLEST_BATCH;
            run.job.recipe.batch = if smaller { batch / 2 } else { batch };
            let now = smaller.then_some(batch / 2);
            self.tell_training(number, TrainingEvent::Again { ended: kind, epoch, batch: now });
            kind = if smaller { EngineKind::Gpu } else { EngineKind::Cpu };
        };
        if !self.is_current(number) {
            return Err(String::new());
        }
        let card = self.add_own(card, &bytes)?;
        Ok(Rc::new(Outcome { card, job: run.job, result }))
    }

    /// Holds a lesson with one engine, from its last checkpoint where there is one. Once its clips are heard, it has those
    /// that could be, in their parts.
    async fn attempt(
        &self,
        number: TrainingNumber,
        kind: EngineKind,
        backbones: &[Rc<Shipped>],
        run: &mut TrainingRun,
    ) -> Result<(Card, TrainingResult, Vec<u8>), Halt> {
        // What a GPU engine cannot even begin, another may.
        let halt = |reason| if kind == EngineKind::Gpu { Halt::Lost(reason) } else { Halt::Refused(reason) };
        let (engine, alive) = self.training_worker(kind).await.map_err(halt)?;
        engine.load_backbones(backbones).await.map_err(halt)?;
        let embedded = self.embed_all(number, kind, &engine, &alive, run).await?;
        if !self.is_current(number) {
            return Err(Halt::Refused(String::new()));
        }
        run.divide(embedded).map_err(Halt::Refused)?;
        let trained = self.run_training(number, &engine, run).await;
        let lost = !alive.get() || kind == EngineKind::Gpu;
        trained.map_err(|reason| if lost { Halt::Lost(reason) } else { Halt::Refused(reason) })
    }

    /// Has all clips of a lesson heard; those that could be.
    async fn embed_all(
        &self,
        number: TrainingNumber,
        kind: EngineKind,
        engine: &Engine,
        alive: &Cell<bool>,
        run: &TrainingRun,
    ) -> Result<Vec<LabelledClip>, Halt> {
        let TrainingRun { job, files, .. } = run;
        let mut embedded = Vec::new();
        for (done, clip) in job.clips.iter().enumerate() {
            if !self.is_current(number) {
                return Err(Halt::Refused(String::new()));
            }
            self.tell_training(number, TrainingEvent::Embedding { done, total: job.clips.len() });
            let Some(file) = files.get(&clip.id) else { continue };
            let outcome = self.embed(number, engine, clip, file, &job.model).await;
            let ended = !alive.get();
            if ended && kind == EngineKind::Gpu {
                return Err(Halt::Lost(words::ENGINE_ENDED.to_owned()));
            }
            embedded.extend(outcome.is_ok().then(|| clip.clone()));
            self.tell_training(number, TrainingEvent::Embedded { clip: clip.id.clone(), outcome });
            if ended {
                // Of this clip, for all that is known: another engine would end on it too.
                return Err(Halt::Refused(words::ended_on(&clip.name)));
            }
        }
        Ok(embedded)
    }

    fn is_current(&self, number: TrainingNumber) -> bool {
        number == self.0.trainings.get()
    }

    /// What a student listens through, or goes on from; fetched where that was not done before.
    async fn backbones_of(&self, number: TrainingNumber, model: &ModelSpec) -> Result<Vec<Rc<Shipped>>, String> {
        let names: Vec<&str> = match model {
            ModelSpec::NewHead { backbones, .. } => backbones.iter().map(|(name, _)| name.as_str()).collect(),
            ModelSpec::FineTune { network, .. } => vec![network],
            ModelSpec::FromScratch { .. } => return Ok(Vec::new()),
        };
        let list = self.catalogue().await?;
        let total = names.iter().map(|name| list.bytes(name)).sum();
        let (mut backbones, mut before) = (Vec::new(), 0);
        for name in names {
            let told = |bytes| self.tell_training(number, TrainingEvent::Preparing { fetched: before + bytes, total });
            backbones.extend(self.fetched(name, &told).await?);
            before += list.bytes(name);
        }
        Ok(backbones)
    }

    /// The engine of a kind that teaches, and whether it has not ended; started where it is not there yet.
    async fn training_worker(&self, kind: EngineKind) -> Result<(Engine, Rc<Cell<bool>>), String> {
        let there = self.0.training_worker.borrow().as_ref().filter(|own| own.kind == kind).map(TrainingWorker::shared);
        if let Some(there) = there {
            return Ok(there);
        }
        let script = if kind == EngineKind::Gpu { GPU_SCRIPT } else { CPU_SCRIPT };
        let engine = Engine::start(script).await?;
        let alive = Rc::new(Cell::new(true));
        let (client, ended) = (self.clone(), alive.clone());
        engine.worker.on_trouble(move |message| {
            log::warn!("the teaching engine ended: {message}");
            ended.set(false);
            // Another may have taken its place.
            client.0.training_worker.borrow_mut().take_if(|training_worker| Rc::ptr_eq(&training_worker.alive, &ended));
        });
        let training_worker = TrainingWorker { engine, kind, running: None, alive };
        let shared = training_worker.shared();
        *self.0.training_worker.borrow_mut() = Some(training_worker);
        Ok(shared)
    }

    /// Notes what the engine works on for a lesson, unless that was given up.
    fn runs(&self, number: TrainingNumber, request: Option<RequestId>) {
        if let Some(training_worker) = &mut *self.0.training_worker.borrow_mut()
            && self.is_current(number)
        {
            training_worker.running = request;
        }
    }

    /// Has a clip heard, by the browser's decoder where the engine knows its format no better; its seconds.
    async fn embed(
        &self,
        number: TrainingNumber,
        engine: &Engine,
        clip: &LabelledClip,
        file: &File,
        model: &ModelSpec,
    ) -> Result<f64, String> {
        let request = |sample_rate| {
            let (clip, file, model) = (clip.id.clone(), clip.name.clone(), model.clone());
            Request::Embed { clip, file, sample_rate, model }
        };
        let ask =
            |request, payload| engine.worker.ask_watched(request, payload, |id| self.runs(number, Some(id)), |_, _| {});
        let (mut event, _) = ask(request(None), Payload::File(file.clone())).await;
        if let Event::Unsupported { message } = event {
            let decoded = browser_decoder::decode(file).await.map_err(|_| message)?;
            (event, _) = ask(request(Some(decoded.sample_rate)), Payload::Floats(decoded.samples)).await;
        }
        self.runs(number, None);
        match event {
            Event::Embedded { seconds, .. } => Ok(seconds),
            other => Err(unexpected(other)),
        }
    }

    async fn run_training(
        &self,
        number: TrainingNumber,
        engine: &Engine,
        run: &TrainingRun,
    ) -> Result<(Card, TrainingResult, Vec<u8>), String> {
        let TrainingRun { job, last, .. } = run;
        let payload =
            last.borrow().as_ref().map_or(Payload::None, |checkpoint| Payload::Bytes(checkpoint.bytes.clone()));
        let request = Request::Train { job: Box::new(job.clone()) };
        let (client, job, last) = (self.clone(), job.clone(), last.clone());
        let told = move |event: Event, payload: Payload| match (event, payload) {
            (Event::Step { step, steps }, _) => client.tell_training(number, TrainingEvent::Step { step, steps }),
            (Event::Epoch(report), _) => client.tell_training(number, TrainingEvent::Epoch(*report)),
            (Event::Checkpoint { epoch }, Payload::Bytes(bytes)) => {
                let checkpoint = Rc::new(ResumePoint { job: job.clone(), epoch, bytes });
                last.replace(Some(checkpoint.clone()));
                client.tell_training(number, TrainingEvent::Checkpoint(checkpoint));
            }
            _ => {}
        };
        let client = self.clone();
        let (event, payload) =
            engine.worker.ask_watched(request, payload, move |id| client.runs(number, Some(id)), told).await;
        self.runs(number, None);
        match (event, payload) {
            (Event::Trained { card, result }, Payload::Bytes(bytes)) => Ok((*card, *result, bytes)),
            (other, _) => Err(unexpected(other)),
        }
    }
}

impl TrainingWorker {
    fn shared(&self) -> (Engine, Rc<Cell<bool>>) {
        (self.engine.clone(), self.alive.clone())
    }
}

impl TrainingRun {
    fn new(job: TrainingJob, files: Vec<File>, share: Option<f64>, last: Option<Rc<ResumePoint>>) -> Self {
        let files = job.clips.iter().map(|clip| clip.id.clone()).zip(files).collect();
        Self { job, files, share, last: Rc::new(RefCell::new(last)) }
    }

    /// Whether its clips can be divided, before any of them is heard.
    fn foresee(&self) -> Result<(), String> {
        let Some(share) = self.share else { return Ok(()) };
        let mut job = self.job.clone();
        job.assign_splits(share, job.recipe.seed);
        check_parts(&job)
    }

    /// Leaves the clips that were heard, and divides them, unless that was done before: then all of them must be there.
    fn divide(&mut self, embedded: Vec<LabelledClip>) -> Result<(), String> {
        let Some(share) = self.share else {
            let all = embedded.len() == self.job.clips.len();
            return if all { Ok(()) } else { Err(words::NOT_THE_SAME.to_owned()) };
        };
        self.job.clips = embedded;
        check(&mut self.job)?;
        self.job.assign_splits(share, self.job.recipe.seed);
        check_parts(&self.job)?;
        self.share = None;
        Ok(())
    }
}

/// Whether there are clips to learn from and others to judge by: groups that stay together may leave none.
fn check_parts(job: &TrainingJob) -> Result<(), String> {
    let has = |part| job.clips.iter().any(|clip| clip.split == part);
    if has(Split::Train) && has(Split::Valid) { Ok(()) } else { Err(words::ONE_PART.to_owned()) }
}

/// What is left after hearing may be too little. Of tags, those that are left with a single clip are taken out.
fn check(job: &mut TrainingJob) -> Result<(), String> {
    if job.multi_label {
        job.drop_rare_labels();
        return if job.labels.len() < 2 { Err(words::TOO_FEW_TAGS.to_owned()) } else { Ok(()) };
    }
    let clips = |label: usize| job.clips.iter().filter(|clip| clip.labels.contains(&label)).count();
    match job.labels.iter().enumerate().find(|(label, _)| clips(*label) < 2) {
        Some((label, name)) => Err(words::too_few(name, clips(label))),
        None => Ok(()),
    }
}
