//! Which clip of a training job is embedded next, and by which worker: the one that trains, or one that helps it.

use std::collections::{BTreeSet, VecDeque};

/// The clips of a job that wait to be embedded, by their places in it. A helper may end on a clip; then another worker
/// gets it.
#[derive(Debug, Default)]
pub(crate) struct ClipQueue {
    waiting: VecDeque<usize>,
    /// Clips of a format that the engine does not decode. The training worker alone embeds them: the browser decodes
    /// whole files, and several at once would take much memory.
    for_browser: VecDeque<usize>,
    /// How many clips helpers have.
    lent: usize,
    /// Clips on which a helper ended.
    suspects: BTreeSet<usize>,
    embedded: BTreeSet<usize>,
    done: usize,
}

/// What follows when a helper has ended on a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HelperEnded {
    /// Another worker gets the clip. True if no helper had ended before.
    ClipWaits { is_first: bool },
    /// It was the second helper that ended on this clip, which is left out.
    ClipIsLeftOut,
}

impl ClipQueue {
    /// The clips at these places, in this order.
    pub(crate) fn new(clips: impl IntoIterator<Item = usize>) -> Self {
        Self { waiting: clips.into_iter().collect(), ..Self::default() }
    }

    /// The next clip for the training worker.
    pub(crate) fn next(&mut self) -> Option<usize> {
        self.for_browser.pop_front().or_else(|| self.waiting.pop_front())
    }

    /// The next clip for a helper.
    pub(crate) fn next_for_helper(&mut self) -> Option<usize> {
        let next = self.waiting.pop_front();
        self.lent += usize::from(next.is_some());
        next
    }

    /// True if there is a clip that a helper may take.
    pub(crate) fn has_work_for_helpers(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// True while a helper has a clip.
    pub(crate) fn waits_for_helpers(&self) -> bool {
        self.lent > 0
    }

    /// A clip was embedded, or is left out.
    pub(crate) fn finish(&mut self, clip: usize, is_embedded: bool) {
        self.done += 1;
        if is_embedded {
            self.embedded.insert(clip);
        }
    }

    /// A helper has finished with a clip.
    pub(crate) fn finish_lent(&mut self, clip: usize, is_embedded: bool) {
        self.lent -= 1;
        self.finish(clip, is_embedded);
    }

    /// A helper does not know the format of a clip.
    pub(crate) fn leave_to_browser(&mut self, clip: usize) {
        self.lent -= 1;
        self.for_browser.push_back(clip);
    }

    /// A helper that had not begun with it gives a clip back.
    pub(crate) fn give_back(&mut self, clip: usize) {
        self.lent -= 1;
        self.waiting.push_front(clip);
    }

    /// A helper has ended on a clip.
    pub(crate) fn helper_ended(&mut self, clip: usize) -> HelperEnded {
        let is_first = self.suspects.is_empty();
        if self.suspects.insert(clip) {
            self.give_back(clip);
            HelperEnded::ClipWaits { is_first }
        } else {
            self.finish_lent(clip, false);
            HelperEnded::ClipIsLeftOut
        }
    }

    /// How many clips are embedded or left out.
    pub(crate) fn done(&self) -> usize {
        self.done
    }

    /// The clips that are embedded, in the order of the job, whatever worker was faster.
    pub(crate) fn embedded(&self) -> impl Iterator<Item = usize> {
        self.embedded.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_are_given_out_in_order_and_listed_in_order() {
        let mut queue = ClipQueue::new(0..4);
        assert_eq!((queue.next(), queue.next_for_helper(), queue.next_for_helper()), (Some(0), Some(1), Some(2)));
        assert!(queue.has_work_for_helpers() && queue.waits_for_helpers());
        queue.finish_lent(2, true);
        queue.finish(0, true);
        assert_eq!((queue.next(), queue.next(), queue.next_for_helper()), (Some(3), None, None));
        assert!(!queue.has_work_for_helpers() && queue.waits_for_helpers());
        queue.finish(3, false);
        queue.finish_lent(1, true);
        assert!(!queue.waits_for_helpers());
        assert_eq!((queue.done(), queue.embedded().collect::<Vec<_>>()), (4, vec![0, 1, 2]));
    }

    #[test]
    fn what_the_browser_decodes_is_for_the_training_worker_alone() {
        let mut queue = ClipQueue::new(0..2);
        queue.next_for_helper();
        queue.leave_to_browser(0);
        assert_eq!((queue.next_for_helper(), queue.next_for_helper()), (Some(1), None));
        assert_eq!((queue.next(), queue.next()), (Some(0), None));
    }

    #[test]
    fn the_clip_of_a_helper_that_ended_is_the_next_and_left_out_the_second_time() {
        let mut queue = ClipQueue::new(0..3);
        queue.next_for_helper();
        assert_eq!(queue.helper_ended(0), HelperEnded::ClipWaits { is_first: true });
        assert!(!queue.waits_for_helpers());
        assert_eq!((queue.next_for_helper(), queue.next_for_helper()), (Some(0), Some(1)));
        assert_eq!(queue.helper_ended(1), HelperEnded::ClipWaits { is_first: false });
        assert_eq!(queue.helper_ended(0), HelperEnded::ClipIsLeftOut);
        assert_eq!((queue.next(), queue.next(), queue.next()), (Some(1), Some(2), None));
        [1, 2].into_iter().for_each(|clip| queue.finish(clip, true));
        assert_eq!((queue.done(), queue.embedded().collect::<Vec<_>>()), (3, vec![1, 2]));
    }
}
