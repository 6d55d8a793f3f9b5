//! A host for an engine: keeps what the engine sends, and cancels or stops a job when a test asks for that.

use genrelens::card::Card;
use genrelens::engine::Host;
use genrelens::protocol::{Event, Payload, TrainControl};
use genrelens::training_job::TrainingResult;

#[derive(Default)]
pub struct Recorder {
    pub events: Vec<(Event, Payload)>,
    pub pauses: usize,
    /// Its clock moves with pauses alone, so that a slow machine sees the same events.
    pub milliseconds_per_pause: f64,
    pub cancel_after_pauses: Option<usize>,
    pub cancel_after_epochs: Option<usize>,
    pub stop_after_epochs: Option<usize>,
}

impl Recorder {
    pub fn epochs(&self) -> usize {
        self.events.iter().filter(|(event, _)| matches!(event, Event::Epoch(_))).count()
    }

    pub fn last(&self) -> &Event {
        &self.events.last().unwrap().0
    }

    /// The result of a training job, whose last event has to say that it was trained: card, result, weights file.
    pub fn trained(&self) -> (Card, TrainingResult, Vec<u8>) {
        let Some((Event::Trained { card, result }, Payload::Bytes(weights))) = self.events.last() else {
            panic!("{:?}", self.last())
        };
        (card.as_ref().clone(), result.as_ref().clone(), weights.clone())
    }
}

impl Host for Recorder {
    fn send(&mut self, event: Event, payload: Payload) {
        self.events.push((event, payload));
    }

    fn cancelled(&self) -> bool {
        self.cancel_after_pauses.is_some_and(|pauses| self.pauses > pauses)
            || self.cancel_after_epochs.is_some_and(|epochs| self.epochs() >= epochs)
    }

    fn control(&self) -> TrainControl {
        let stop = self.stop_after_epochs.is_some_and(|epochs| self.epochs() >= epochs);
        if stop { TrainControl::Stop } else { TrainControl::Run }
    }

    async fn pause(&mut self) {
        self.pauses += 1;
    }

    fn now_milliseconds(&self) -> f64 {
        self.pauses as f64 * self.milliseconds_per_pause
    }
}
