//! When a worker that says nothing is given up. Its messages are the only sign that it still works: while it computes, it
//! cannot be asked.

use std::collections::BTreeMap;

use crate::protocol::{EngineKind, Request, RequestId, TrainControl};

/// How long the CPU engine may say nothing while it classifies, in seconds. It reports its progress ten times a second,
/// but the first block of a file may have to be fetched from a cloud.
const CLASSIFY_SECONDS: u32 = 45;
/// The same for a request without progress, such as a self-test, and for the GPU engine, which compiles its shaders first.
const ANSWER_SECONDS: u32 = 120;
/// The same while a clip is embedded: a long one on a slow computer takes minutes.
const EMBED_SECONDS: u32 = 600;
/// The same during a training that is not paused: a step, or a validation, of a large network on a slow computer takes
/// minutes.
const TRAIN_SECONDS: u32 = 1800;
/// How long a request that was cancelled may go on, in seconds: it ends between two steps of a training.
const CANCEL_SECONDS: u32 = 60;

/// How long a worker may say nothing while it does this, in seconds.
pub(crate) fn limit(engine: EngineKind, request: &Request) -> u32 {
    match request {
        Request::Train { .. } => TRAIN_SECONDS,
        Request::Embed { .. } => EMBED_SECONDS,
        Request::Classify { .. } | Request::PredictSegment { .. } if engine == EngineKind::Cpu => CLASSIFY_SECONDS,
        _ => ANSWER_SECONDS,
    }
}

/// Counts for how long a worker has said nothing. In seconds that its owner tells and not by a clock, which goes on while
/// the computer sleeps.
#[derive(Debug, Default)]
pub(crate) struct Watchdog {
    /// The requests without a last event, with their limits; `None` for a training that is paused. A worker does them in
    /// the order of their ids.
    waiting: BTreeMap<RequestId, Option<u32>>,
    silent_seconds: u32,
}

impl Watchdog {
    /// The worker got a request, with this [`limit`].
    pub(crate) fn sent(&mut self, id: RequestId, limit: u32) {
        if self.waiting.is_empty() {
            self.silent_seconds = 0;
        }
        self.waiting.insert(id, Some(limit));
    }

    /// A training is paused, or goes on.
    pub(crate) fn controlled(&mut self, id: RequestId, control: TrainControl) {
        if let Some(limit) = self.waiting.get_mut(&id) {
            *limit = (control != TrainControl::Pause).then_some(TRAIN_SECONDS);
            // The silence of a pause does not count.
            self.silent_seconds = 0;
        }
    }

    /// A request is cancelled, and has to end soon.
    pub(crate) fn cancelled(&mut self, id: RequestId) {
        if let Some(limit) = self.waiting.get_mut(&id) {
            // The silence of a pause does not count. Whatever was asked has time to end, however long it was silent.
            if limit.is_none() {
                self.silent_seconds = 0;
            }
            let longest = self.silent_seconds + CANCEL_SECONDS;
            *limit = Some(limit.unwrap_or(CANCEL_SECONDS).min(longest).max(CANCEL_SECONDS));
        }
    }

    /// The worker sent a message.
    pub(crate) fn heard(&mut self) {
        self.silent_seconds = 0;
    }

    /// A request has ended.
    pub(crate) fn ended(&mut self, id: RequestId) {
        self.waiting.remove(&id);
    }

    /// True if nothing is asked of the worker.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Another second has passed. The limit in seconds if the worker has now been silent for longer.
    pub(crate) fn second_passed(&mut self) -> Option<u32> {
        // The others wait for the first.
        let limit = *self.waiting.first_key_value()?.1;
        self.silent_seconds += 1;
        limit.filter(|&limit| self.silent_seconds > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many seconds of silence it is given up; `None` if not within an hour.
    fn given_up(watchdog: &mut Watchdog) -> Option<u32> {
        (1..3600).find(|_| watchdog.second_passed().is_some())
    }

    #[test]
    fn a_worker_that_falls_silent_on_a_file_is_given_up() {
        let classify = Request::Classify { file: "a.wav".to_owned(), sample_rate: None };
        let mut watchdog = Watchdog::default();
        assert_eq!(given_up(&mut watchdog), None, "nothing is asked of it");
        watchdog.sent(1, limit(EngineKind::Cpu, &classify));
        for _ in 0..100 {
            assert_eq!((0..CLASSIFY_SECONDS).find_map(|_| watchdog.second_passed()), None);
            watchdog.heard();
        }
        // The visitor opens another file: that is no sign of life.
        (0..20).for_each(|_| assert_eq!(watchdog.second_passed(), None));
        watchdog.cancelled(1);
        watchdog.sent(2, limit(EngineKind::Cpu, &classify));
        assert_eq!(given_up(&mut watchdog), Some(CANCEL_SECONDS + 1 - 20));
        assert!(limit(EngineKind::Gpu, &classify) > limit(EngineKind::Cpu, &classify));
    }

    #[test]
    fn a_self_test_has_a_time_limit() {
        let mut watchdog = Watchdog::default();
        watchdog.sent(1, limit(EngineKind::Gpu, &Request::SelfTest));
        assert_eq!(given_up(&mut watchdog), Some(ANSWER_SECONDS + 1));
    }

    #[test]
    fn what_waits_behind_another_request_has_the_limit_of_that_one() {
        let mut watchdog = Watchdog::default();
        watchdog.sent(1, 120);
        watchdog.sent(2, 45);
        (0..100).for_each(|_| assert_eq!(watchdog.second_passed(), None));
        watchdog.heard();
        watchdog.ended(1);
        assert_eq!(given_up(&mut watchdog), Some(46));
        watchdog.ended(2);
        assert!(watchdog.is_idle());
        watchdog.sent(3, 45);
        assert_eq!(given_up(&mut watchdog), Some(46), "from the beginning");
    }

    #[test]
    fn a_request_that_is_cancelled_after_a_long_silence_still_has_time_to_end() {
        let mut watchdog = Watchdog::default();
        watchdog.sent(1, EMBED_SECONDS);
        (0..300).for_each(|_| assert_eq!(watchdog.second_passed(), None));
        watchdog.cancelled(1);
        assert_eq!(given_up(&mut watchdog), Some(CANCEL_SECONDS + 1));
    }

    #[test]
    fn a_training_is_given_up_unless_it_is_paused() {
        let mut watchdog = Watchdog::default();
        watchdog.sent(1, TRAIN_SECONDS);
        watchdog.controlled(1, TrainControl::Pause);
        assert_eq!(given_up(&mut watchdog), None);
        watchdog.controlled(1, TrainControl::Run);
        assert_eq!(given_up(&mut watchdog), Some(TRAIN_SECONDS + 1));
        watchdog.controlled(1, TrainControl::Pause);
        assert_eq!(given_up(&mut watchdog), None);
        watchdog.cancelled(1);
        assert_eq!(given_up(&mut watchdog), Some(CANCEL_SECONDS + 1));
    }
}
