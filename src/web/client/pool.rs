//! Further workers of the CPU engine, which compute beside the page's own while there is much to do.
//!
//! They are started only when there is work for them, from the module that the first worker has compiled, and they end
//! after a while without work.

use std::collections::VecDeque;

use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;

use super::engine::Engine;
use super::{CPU_SCRIPT, Client};
use crate::view::classify::workers::{Machine, asked_workers, most_workers};
use crate::web::dom;

/// How long workers without work are kept, in milliseconds: long enough for the next run on the same clips.
const IDLE_MILLISECONDS: i32 = 20_000;

/// The workers that help.
pub(super) struct Pool {
    /// How many may be there, beside the one that they help.
    most: usize,
    idle: Vec<Engine>,
    /// How many are starting or lent.
    lent: usize,
    /// Counts what was lent, so that a timer knows whether there was work since it was set.
    uses: u32,
    /// Those who wait for a worker that is lent.
    waiting: VecDeque<oneshot::Sender<()>>,
}

impl Pool {
    /// An empty pool for this machine; `asked` replaces its number of workers.
    pub(super) fn new(machine: Machine, asked: Option<usize>) -> Self {
        let most = asked.map_or_else(|| most_workers(&machine), asked_workers) - 1;
        Self { most, idle: Vec::new(), lent: 0, uses: 0, waiting: VecDeque::new() }
    }

    /// How many workers may be lent now.
    pub(super) fn free(&self) -> usize {
        self.most.saturating_sub(self.lent)
    }

    /// True if somebody waits for a worker: what is less urgent gives its own back.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Lends a worker: an idle one, or else one that is to be started; `None` if there are as many as may be.
    fn lend(&mut self) -> Option<Option<Engine>> {
        if self.free() == 0 {
            return None;
        }
        self.lent += 1;
        self.uses = self.uses.wrapping_add(1);
        self.idle.retain(|engine| !engine.worker.has_ended());
        Some(self.idle.pop())
    }
}

/// A worker that is lent; it goes back to the pool when this is dropped.
pub(super) struct Helper {
    client: Client,
    /// `None` only while it starts and after it has gone back.
    engine: Option<Engine>,
}

impl Helper {
    /// A handle of its engine.
    pub(super) fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let mut pool = self.client.0.pool.borrow_mut();
        pool.lent -= 1;
        pool.idle.extend(self.engine.take().filter(|engine| !engine.worker.has_ended()));
        pool.uses = pool.uses.wrapping_add(1);
        if let Some(waiting) = pool.waiting.pop_front() {
            // Fails only if nobody waits any more.
            let _ = waiting.send(());
        }
        if pool.lent == 0 && !pool.idle.is_empty() {
            spawn_local(self.client.clone().end_idle_workers(pool.uses));
        }
    }
}

impl Client {
    /// Starts a worker of the CPU engine, from the module that another one has compiled if there was one.
    pub(super) fn start_cpu_worker(&self) -> impl Future<Output = Result<Engine, String>> + use<> {
        let client = self.clone();
        async move {
            let module = client.0.cpu_module.borrow().clone();
            let engine = Engine::start(CPU_SCRIPT, module).await?;
            if let Some(module) = engine.worker.module() {
                client.0.cpu_module.replace(Some(module));
            }
            Ok(engine)
        }
    }

    /// Lends a worker, started if none is idle; `None` if there are as many as may be, or if it does not start.
    pub(super) async fn lend_worker(&self) -> Option<Helper> {
        let engine = self.0.pool.borrow_mut().lend()?;
        // From here on, so that its place is free again however this ends.
        let mut helper = Helper { client: self.clone(), engine };
        if helper.engine.is_none() {
            match self.start_cpu_worker().await {
                Ok(engine) => {
                    engine.worker.on_end(|end| log::warn!("a worker of the pool ended: {end}"));
                    helper.engine = Some(engine);
                }
                Err(reason) => {
                    log::warn!("no further worker is started: {reason}");
                    return None;
                }
            }
        }
        Some(helper)
    }

    /// Waits until a worker that is lent comes back; false if none is lent, so that waiting is in vain.
    pub(super) async fn worker_returns(&self) -> bool {
        let (sender, receiver) = oneshot::channel();
        {
            let mut pool = self.0.pool.borrow_mut();
            if pool.free() > 0 || pool.most == 0 {
                return false;
            }
            pool.waiting.push_back(sender);
        }
        receiver.await.is_ok()
    }

    async fn end_idle_workers(self, uses: u32) {
        dom::sleep(IDLE_MILLISECONDS).await;
        let mut pool = self.0.pool.borrow_mut();
        if pool.uses == uses {
            pool.idle.clear();
        }
    }
}
