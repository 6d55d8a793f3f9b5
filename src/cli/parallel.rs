//! Recordings side by side on all cores, their results in order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{available_parallelism, scope};

use super::CliError;

/// Results that may wait for an earlier one, for every thread: they bound the memory.
const WAITING_PER_THREAD: usize = 2;

/// An item, and where its result goes.
type Job<Item, Found> = (Item, Sender<Found>);

/// Applies `work` to items, as many at once as there are cores, and hands the results to `take` in the order of the items.
/// Each item has its share of the cores: with fewer items than cores, Burn computes each on several.
///
/// # Errors
///
/// The first of `take`, after which no further item is begun.
pub(super) fn in_order<Item: Send, Found: Send>(
    items: impl ExactSizeIterator<Item = Item>,
    work: impl Fn(Item) -> Found + Sync,
    mut take: impl FnMut(Found) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let threads = threads().min(items.len());
    if threads <= 1 {
        return items.into_iter().try_for_each(|item| take(work(item)));
    }
    let cores_of_each = (cores() / threads).max(1);
    let (jobs, open) = channel::<Job<Item, Found>>();
    let (open, stopped) = (Mutex::new(open), AtomicBool::new(false));
    scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| match rayon::ThreadPoolBuilder::new().num_threads(cores_of_each).build() {
                Ok(pool) => pool.install(|| work_on(&open, &stopped, &work)),
                // The system has no more threads: Burn computes on those that all share.
                Err(_) => work_on(&open, &stopped, &work),
            });
        }
        // Dropped at the end of this, after which the threads end.
        let jobs = jobs;
        let (mut items, mut waiting) = (items, VecDeque::<Receiver<Found>>::new());
        loop {
            while waiting.len() < WAITING_PER_THREAD * threads
                && let Some(item) = items.next()
            {
                let (sender, receiver) = channel();
                waiting.push_back(receiver);
                // `open` outlives this, so that it never fails.
                let _ = jobs.send((item, sender));
            }
            let Some(next) = waiting.pop_front() else { return Ok(()) };
            // Without a result its thread has panicked, which the scope passes on.
            let Ok(found) = next.recv() else { return Ok(()) };
            if let Err(error) = take(found) {
                stopped.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
    })
}

/// Does jobs until there will be no more, or none is wanted.
fn work_on<Item, Found>(open: &Mutex<Receiver<Job<Item, Found>>>, stopped: &AtomicBool, work: &impl Fn(Item) -> Found) {
    loop {
        // The lock is free again before the work begins; a thread that panicked did not hold it.
        let job = open.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((item, sender)) = job else { return };
        if stopped.load(Ordering::Relaxed) {
            return;
        }
        // Fails only if nobody wants the result any more.
        let _ = sender.send(work(item));
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// One thread for a graphics processor, which computes for one after the other.
fn threads() -> usize {
    if cfg!(any(feature = "cuda", feature = "vulkan")) { 1 } else { cores() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_and_few_wait() {
        let begun = AtomicUsize::new(0);
        let slow_first = |number: usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(if number == 0 { 100 } else { 0 }));
            number
        };
        let mut found = Vec::new();
        let mut most = 0;
        in_order(0..1000, slow_first, |number| {
            most = most.max(begun.load(Ordering::SeqCst) - found.len());
            found.push(number);
            Ok(())
        })
        .unwrap();
        assert_eq!(found, (0..1000).collect::<Vec<_>>());
        assert!(most <= (WAITING_PER_THREAD + 1) * cores(), "{most} results waited");
    }

    #[test]
    fn nothing_and_one_are_done_too() {
        for count in [0, 1] {
            let mut found = 0;
            let take = |number: usize| {
                found += number + 1;
                Ok(())
            };
            in_order(0..count, |number| number, take).unwrap();
            assert_eq!(found, count);
        }
    }

    #[test]
    fn the_first_error_in_order_ends_it() {
        let begun = AtomicUsize::new(0);
        let work = |number: usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            number
        };
        let take = |number: usize| if number >= 3 { Err(CliError::Usage(number.to_string())) } else { Ok(()) };
        assert_eq!(in_order(0..100_000, work, take).unwrap_err().to_string(), "3");
        assert!(begun.load(Ordering::SeqCst) < 1000, "{begun:?} were begun");
    }

    #[test]
    fn a_panic_is_passed_on() {
        let work = |number: usize| assert_ne!(number, 5);
        let ended = std::panic::catch_unwind(|| in_order(0..100, work, |()| Ok(())));
        assert!(ended.is_err());
    }
}
