//! The client's lessons, held by an engine of their own: whatever is taught, the page goes on listening.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::engine::{Engine, unexpected};
use super::site::Shipped;
use super::{CPU_SCRIPT, Client, GPU_SCRIPT, Update};
use crate::card::Card;
use crate::lesson::{Clip, Learned, Lesson, Student};
use crate::protocol::{EngineKind, Event, Payload, Request, RequestId, Steering};
use crate::view::networks::Offer;
use crate::view::teach::{News, Outcome};
use crate::view::words::teach as words;
use crate::web::browser_decoder;

/// The engine that teaches.
pub struct Teacher {
    engine: Engine,
    kind: EngineKind,
    /// The request that it works on.
    running: Option<RequestId>,
}

/// A lesson is one of many: what an older one still tells no longer counts.
pub type LessonNumber = u32;

impl Client {
    /// Holds a lesson, in place of the one before. `files` are those of its clips, in their order; about `share` of the
    /// clips are for validation.
    pub fn teach(&self, lesson: Lesson, files: Vec<File>, share: f64) {
        self.interrupt_lesson();
        let number = self.0.lessons.get();
        let client = self.clone();
        spawn_local(async move {
            let news = match client.hold(number, lesson, files, share).await {
                Ok(outcome) => News::Taught(outcome),
                Err(reason) => News::Failed(reason),
            };
            client.tell_lesson(number, news);
        });
    }

    /// Gives the lesson up, or the archive that clips for it are in.
    pub fn stop_teaching(&self) {
        self.stop_unpacking();
        self.interrupt_lesson();
        self.tell(Update::Lesson(News::Cancelled));
    }

    /// What is still told of the lesson that is held no longer counts.
    fn interrupt_lesson(&self) {
        self.0.lessons.set(self.0.lessons.get() + 1);
        if let Some(teacher) = &mut *self.0.teacher.borrow_mut()
            && let Some(request) = teacher.running.take()
        {
            teacher.engine.worker.post(Request::Cancel { request });
        }
    }

    /// Steers the training.
    pub fn steer(&self, steering: Steering) {
        if let Some(teacher) = &*self.0.teacher.borrow()
            && let Some(request) = teacher.running
        {
            teacher.engine.worker.post(Request::Steer { request, steering });
        }
    }

    /// The weights file of one of the user's own networks.
    pub fn own_weights(&self, name: &str) -> Option<Vec<u8>> {
        let own = self.0.catalogue.borrow().as_ref()?.offer(name)?.own;
        let held = self.0.held.borrow();
        held.get(name).filter(|_| own).map(|shipped| shipped.bytes.clone())
    }

    fn tell_lesson(&self, number: LessonNumber, news: News) {
        if number == self.0.lessons.get() {
            self.tell(Update::Lesson(news));
        }
    }

    async fn hold(
        &self,
        number: LessonNumber,
        mut lesson: Lesson,
        files: Vec<File>,
        share: f64,
    ) -> Result<Rc<Outcome>, String> {
        let bases = self.bases_of(number, &lesson.student).await?;
        let engine = self.teacher().await?;
        engine.load_bases(&bases).await?;
        let mut heard = Vec::new();
        for (done, (clip, file)) in lesson.clips.iter().zip(&files).enumerate() {
            if number != self.0.lessons.get() {
                return Err(String::new());
            }
            self.tell_lesson(number, News::Studying { done, total: lesson.clips.len() });
            let outcome = self.study(&engine, clip, file, &lesson.student).await;
            heard.extend(outcome.is_ok().then(|| clip.clone()));
            self.tell_lesson(number, News::Heard { clip: clip.id.clone(), outcome });
        }
        lesson.clips = heard;
        check(&lesson)?;
        let seed = lesson.recipe.seed;
        lesson.split(share, seed);
        let (card, learned, bytes) = self.train(number, &engine, &lesson).await?;
        let offer = Offer {
            name: card.name.clone(),
            summary: card.summary.clone(),
            bytes: bytes.len() as u64,
            bases: card.bases.iter().map(|base| base.name.clone()).collect(),
            own: true,
        };
        let shipped = Rc::new(Shipped { card: card.clone(), bytes });
        self.add_own(offer, shipped).await?;
        Ok(Rc::new(Outcome { card, lesson, learned }))
    }

    /// What a student listens through; fetched where that was not done before.
    async fn bases_of(&self, number: LessonNumber, student: &Student) -> Result<Vec<Rc<Shipped>>, String> {
        let Student::Head { bases: names, .. } = student else { return Ok(Vec::new()) };
        let list = self.catalogue().await?;
        let total = names.iter().map(|(name, _)| list.bytes(name)).sum();
        let (mut bases, mut before) = (Vec::new(), 0);
        for (name, _) in names {
            let told = |bytes| self.tell_lesson(number, News::Preparing { fetched: before + bytes, total });
            bases.extend(self.fetched(name, &told).await?);
            before += list.bytes(name);
        }
        Ok(bases)
    }

    /// The engine that teaches, of the kind that the page runs on; started where it is not there yet.
    async fn teacher(&self) -> Result<Engine, String> {
        let kind = self.decision().0.unwrap_or(EngineKind::Cpu);
        let there = self.0.teacher.borrow().as_ref().filter(|own| own.kind == kind).map(|own| own.engine.clone());
        if let Some(engine) = there {
            return Ok(engine);
        }
        let script = if kind == EngineKind::Gpu { GPU_SCRIPT } else { CPU_SCRIPT };
        let engine = Engine::start(script).await?;
        let client = self.clone();
        engine.worker.on_trouble(move |message| {
            log::warn!("the teaching engine ended: {message}");
            client.0.teacher.borrow_mut().take();
        });
        *self.0.teacher.borrow_mut() = Some(Teacher { engine: engine.clone(), kind, running: None });
        Ok(engine)
    }

    fn runs(&self, request: Option<RequestId>) {
        if let Some(teacher) = &mut *self.0.teacher.borrow_mut() {
            teacher.running = request;
        }
    }

    /// Has a clip heard, by the browser's decoder where the engine knows its format no better; its seconds.
    async fn study(&self, engine: &Engine, clip: &Clip, file: &File, student: &Student) -> Result<f64, String> {
        let request = |sample_rate| {
            let (clip, file, student) = (clip.id.clone(), clip.name.clone(), student.clone());
            Request::Study { clip, file, sample_rate, student }
        };
        let mut event = engine.worker.ask(request(None), Payload::File(file.clone())).await;
        if let Event::Unsupported { message } = event {
            let decoded = browser_decoder::decode(file).await.map_err(|_| message)?;
            event = engine.worker.ask(request(Some(decoded.sample_rate)), Payload::Floats(decoded.samples)).await;
        }
        match event {
            Event::Studied { seconds, .. } => Ok(seconds),
            other => Err(unexpected(other)),
        }
    }

    async fn train(
        &self,
        number: LessonNumber,
        engine: &Engine,
        lesson: &Lesson,
    ) -> Result<(Card, Learned, Vec<u8>), String> {
        let client = self.clone();
        let request = Request::Train { lesson: Box::new(lesson.clone()) };
        let told = move |event: &Event| match event {
            Event::Step { step, steps } => client.tell_lesson(number, News::Step { step: *step, steps: *steps }),
            Event::Epoch(report) => client.tell_lesson(number, News::Epoch(report.as_ref().clone())),
            _ => {}
        };
        let client = self.clone();
        let (event, payload) =
            engine.worker.ask_watched(request, Payload::None, move |id| client.runs(Some(id)), told).await;
        self.runs(None);
        match (event, payload) {
            (Event::Trained { card, learned }, Payload::Bytes(bytes)) => Ok((*card, *learned, bytes)),
            (other, _) => Err(unexpected(other)),
        }
    }
}

/// What is left after hearing may be too little.
fn check(lesson: &Lesson) -> Result<(), String> {
    let clips = |label: usize| lesson.clips.iter().filter(|clip| clip.labels.contains(&label)).count();
    match lesson.labels.iter().enumerate().find(|(label, _)| clips(*label) < 2) {
        Some((label, name)) => Err(words::too_few(name, clips(label))),
        None => Ok(()),
    }
}
