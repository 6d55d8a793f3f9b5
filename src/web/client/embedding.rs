//! The clips of a training job become features: in the worker that trains, and beside it in workers of the pool, whose
//! features are then given to the one that trains.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::Client;
use super::engine::{Engine, failure_message};
use super::pool::Helper;
use super::site::NetworkFiles;
use super::training::{TrainFailure, TrainingNumber};
use super::training_run::TrainingRun;
use crate::protocol::{EngineKind, Event, Features, KeptClip, Payload, Request, RequestId};
use crate::training_job::{LabelledClip, ModelSpec};
use crate::view::train::clip_queue::{ClipQueue, HelperEnded};
use crate::view::train::state::TrainingEvent;
use crate::view::train::words;
use crate::web::browser_decoder;
use crate::web::worker_handle::WorkerHandle;

/// A request that a worker is doing for the training run.
pub(super) type RunningRequest = (WorkerHandle, RequestId);

/// The clips of a run, as its workers share them.
struct Clips {
    number: TrainingNumber,
    model: ModelSpec,
    /// With their files; `None` for a file that is gone.
    all: Vec<(LabelledClip, Option<File>)>,
    queue: RefCell<ClipQueue>,
    /// The worker that trains.
    trainer: Engine,
    backbones: Vec<Rc<NetworkFiles>>,
    /// True once nobody waits for them any more.
    is_over: Cell<bool>,
    /// Wakes the training worker's loop when a helper is done with a clip.
    waker: Cell<Option<oneshot::Sender<()>>>,
}

impl Clips {
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            // Fails only if nobody waits any more.
            let _ = waker.send(());
        }
    }

    async fn helper_is_done(&self) {
        let (sender, receiver) = oneshot::channel();
        self.waker.set(Some(sender));
        // A new sender that replaces this one wakes it too, and the loop looks again.
        let _ = receiver.await;
    }

    fn request(&self, clip: &LabelledClip, sample_rate: Option<u32>, keep: bool) -> Request {
        let LabelledClip { id, name, .. } = clip.clone();
        Request::Embed { clip: id, file: name, sample_rate, model: self.model.clone(), keep }
    }
}

/// What a helper has made of a clip.
enum Help {
    Features(Features, Vec<f32>),
    Unsupported,
    Failed(String),
}

impl Client {
    /// Embeds the clips of a job; returns those that could be decoded.
    pub(super) async fn embed_all(
        &self,
        number: TrainingNumber,
        kind: EngineKind,
        (trainer, alive): (&Engine, &Cell<bool>),
        backbones: &[Rc<NetworkFiles>],
        run: &TrainingRun,
    ) -> Result<Vec<LabelledClip>, TrainFailure> {
        let TrainingRun { job, files, .. } = run;
        let kept = self.kept_clips(number, trainer, &job.model).await;
        let kept: HashMap<_, _> = kept.into_iter().map(|KeptClip { clip, seconds }| (clip, seconds)).collect();
        let seconds = |clip: &LabelledClip| kept.get(&clip.id).copied();
        let mut queue = ClipQueue::new((0..job.clips.len()).filter(|&place| seconds(&job.clips[place]).is_none()));
        for (place, clip) in job.clips.iter().enumerate() {
            if let Some(seconds) = seconds(clip) {
                queue.finish(place, true);
                self.emit_embedded(number, clip, Ok(seconds));
            }
        }
        let all = job.clips.iter().map(|clip| (clip.clone(), files.get(&clip.id).cloned())).collect();
        let clips = Rc::new(Clips {
            number,
            model: job.model.clone(),
            all,
            queue: RefCell::new(queue),
            trainer: trainer.clone(),
            backbones: backbones.to_vec(),
            is_over: Cell::new(false),
            waker: Cell::default(),
        });
        if kind == EngineKind::Cpu {
            spawn_local(self.clone().start_helpers(clips.clone()));
        }
        let outcome = self.embed_in_trainer(alive, &clips).await;
        clips.is_over.set(true);
        if let Err(failure) = outcome {
            // The helpers work for nothing. What another run has begun meanwhile goes on.
            if self.is_current(number) {
                self.cancel_embedding();
            }
            return Err(failure);
        }
        let queue = clips.queue.borrow();
        Ok(queue.embedded().map(|place| clips.all[place].0.clone()).collect())
    }

    /// The clips whose features the training worker has from an earlier run.
    async fn kept_clips(&self, number: TrainingNumber, trainer: &Engine, model: &ModelSpec) -> Vec<KeptClip> {
        if !self.is_current(number) {
            return Vec::new();
        }
        match trainer.worker.ask(Request::KeptClips { model: model.clone() }, Payload::None).await {
            Event::KeptClips(kept) => kept,
            // Whatever it is, the first clip meets it too.
            _ => Vec::new(),
        }
    }

    /// Embeds clips in the training worker until none is left, and no helper has one.
    async fn embed_in_trainer(&self, alive: &Cell<bool>, clips: &Clips) -> Result<(), TrainFailure> {
        let ended = || TrainFailure::WorkerLost(words::ENGINE_ENDED.to_owned());
        let is_gpu = clips.trainer.worker.info().kind == EngineKind::Gpu;
        loop {
            if !self.is_current(clips.number) {
                return Err(TrainFailure::Superseded);
            }
            self.emit_embedding(clips);
            let next = clips.queue.borrow_mut().next();
            let Some(place) = next else {
                // It ended without a clip of its own: with what helpers had given it.
                if !alive.get() {
                    return Err(ended());
                }
                if !clips.queue.borrow().waits_for_helpers() {
                    return Ok(());
                }
                clips.helper_is_done().await;
                continue;
            };
            // A clip whose file is gone is left out, like one that cannot be decoded.
            let (clip, Some(file)) = &clips.all[place] else {
                clips.queue.borrow_mut().finish(place, false);
                continue;
            };
            let outcome = self.embed(clips, clip, file).await;
            if !alive.get() && is_gpu {
                return Err(ended());
            }
            clips.queue.borrow_mut().finish(place, outcome.is_ok());
            self.emit_embedded(clips.number, clip, outcome);
            if !alive.get() {
                // This clip is taken for the cause: another engine would end on it too.
                return Err(TrainFailure::Refused(words::ended_on(&clip.name)));
            }
        }
    }

    /// Starts helpers, one after the other, as long as there are clips for them.
    async fn start_helpers(self, clips: Rc<Clips>) {
        while self.has_work(&clips) {
            match self.lend_worker().await {
                Some(helper) if self.has_work(&clips) => spawn_local(self.clone().help(helper, clips.clone())),
                Some(_) => {}
                // Thumbnails, which give theirs back.
                None if self.worker_returns().await => {}
                None => return,
            }
        }
    }

    /// False once another run has taken their place, or this one has ended.
    fn is_wanted(&self, clips: &Clips) -> bool {
        self.is_current(clips.number) && !clips.is_over.get()
    }

    /// Cancels what workers do for the training run's clips.
    pub(super) fn cancel_embedding(&self) {
        for (worker, request) in self.0.embedding.take() {
            worker.post(Request::Cancel { request });
        }
    }

    fn has_work(&self, clips: &Clips) -> bool {
        self.is_wanted(clips) && clips.queue.borrow().has_work_for_helpers()
    }

    /// Embeds clips in a helper until none is left.
    async fn help(self, helper: Helper, clips: Rc<Clips>) {
        let Some(engine) = helper.engine() else { return };
        if let Err(reason) = engine.load_backbones(&clips.backbones).await {
            return log::warn!("a worker of the pool cannot help: {reason}");
        }
        let mut given: Option<oneshot::Receiver<()>> = None;
        while self.is_wanted(&clips) && !engine.worker.has_ended() {
            let next = clips.queue.borrow_mut().next_for_helper();
            let Some(place) = next else { break };
            let (clip, Some(file)) = &clips.all[place] else {
                clips.queue.borrow_mut().finish_lent(place, false);
                continue;
            };
            let help = self.ask_helper(engine, &clips, clip, file).await;
            if !self.is_wanted(&clips) {
                clips.queue.borrow_mut().give_back(place);
            } else if engine.worker.has_ended() && !matches!(help, Help::Features(..)) {
                self.helper_ended(&clips, place);
            } else {
                match help {
                    Help::Features(features, values) => {
                        // At most one clip's features wait for the training worker, so that memory is bounded.
                        if let Some(given) = given.take() {
                            // It ends with its sender.
                            let _ = given.await;
                        }
                        let (sender, receiver) = oneshot::channel();
                        given = Some(receiver);
                        let (client, clips) = (self.clone(), clips.clone());
                        spawn_local(async move {
                            client.give_features(&clips, place, features, values).await;
                            drop(sender);
                        });
                    }
                    Help::Unsupported => clips.queue.borrow_mut().leave_to_browser(place),
                    Help::Failed(reason) => {
                        clips.queue.borrow_mut().finish_lent(place, false);
                        self.emit_embedded(clips.number, clip, Err(reason));
                    }
                }
            }
            clips.wake();
        }
        clips.wake();
    }

    fn helper_ended(&self, clips: &Clips, place: usize) {
        let clip = &clips.all[place].0;
        let follows = clips.queue.borrow_mut().helper_ended(place);
        match follows {
            HelperEnded::ClipWaits { is_first: true } => self.emit_training(clips.number, TrainingEvent::HelperEnded),
            HelperEnded::ClipWaits { is_first: false } => {}
            HelperEnded::ClipIsLeftOut => {
                self.emit_embedded(clips.number, clip, Err(words::helpers_ended_on(&clip.name)));
            }
        }
    }

    async fn ask_helper(&self, engine: &Engine, clips: &Clips, clip: &LabelledClip, file: &File) -> Help {
        let request = clips.request(clip, None, false);
        match self.ask_to_embed(engine, clips.number, request, Payload::File(file.clone())).await {
            (Event::Features(features), Payload::Floats(values)) => Help::Features(features, values),
            (Event::Unsupported { .. }, _) => Help::Unsupported,
            (other, _) => Help::Failed(failure_message(other)),
        }
    }

    /// Gives the features of a clip to the training worker.
    async fn give_features(&self, clips: &Clips, place: usize, features: Features, values: Vec<f32>) {
        let clip = &clips.all[place].0;
        let request = Request::KeepFeatures { clip: clip.id.clone(), model: clips.model.clone(), features };
        let outcome = match clips.trainer.worker.ask(request, Payload::Floats(values)).await {
            Event::Embedded { seconds, .. } => Ok(seconds),
            other => Err(failure_message(other)),
        };
        clips.queue.borrow_mut().finish_lent(place, outcome.is_ok());
        if self.is_wanted(clips) && !clips.trainer.worker.has_ended() {
            self.emit_embedded(clips.number, clip, outcome);
            self.emit_embedding(clips);
        }
        clips.wake();
    }

    /// Embeds a clip in the training worker, decoded by the browser if the engine does not know the format; returns its
    /// length in seconds.
    async fn embed(&self, clips: &Clips, clip: &LabelledClip, file: &File) -> Result<f64, String> {
        let ask = |sample_rate, payload| {
            self.ask_to_embed(&clips.trainer, clips.number, clips.request(clip, sample_rate, true), payload)
        };
        let (mut event, _) = ask(None, Payload::File(file.clone())).await;
        if let Event::Unsupported { message } = event {
            let decoded = browser_decoder::decode(file).await.map_err(|_| message)?;
            (event, _) = ask(Some(decoded.sample_rate), Payload::Floats(decoded.samples)).await;
        }
        match event {
            Event::Embedded { seconds, .. } => Ok(seconds),
            other => Err(failure_message(other)),
        }
    }

    /// Sends a request that ends with the training run, unless another has taken its place.
    async fn ask_to_embed(
        &self,
        engine: &Engine,
        number: TrainingNumber,
        request: Request,
        payload: Payload<File>,
    ) -> (Event, Payload) {
        if !self.is_current(number) {
            return (Event::Cancelled, Payload::None);
        }
        let sent = Cell::new(0);
        let worker = engine.worker.clone();
        let note = |id| {
            sent.set(id);
            self.0.embedding.borrow_mut().push((worker.clone(), id));
        };
        let answer = engine.worker.ask_with_progress(request, payload, note, |_, _| {}).await;
        let own = |(other, id): &RunningRequest| *id == sent.get() && other.is_same(&worker);
        self.0.embedding.borrow_mut().retain(|running| !own(running));
        answer
    }

    fn emit_embedding(&self, clips: &Clips) {
        let done = clips.queue.borrow().done();
        self.emit_training(clips.number, TrainingEvent::Embedding { done, total: clips.all.len() });
    }

    fn emit_embedded(&self, number: TrainingNumber, clip: &LabelledClip, outcome: Result<f64, String>) {
        self.emit_training(number, TrainingEvent::Embedded { clip: clip.id.clone(), outcome });
    }
}
