//! Work that goes on whether or not somebody waits for it.

use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;

/// Spawned work and its result. Unlike a plain future it makes progress before it is awaited.
pub(crate) struct BackgroundTask<T> {
    receiver: oneshot::Receiver<Result<T, String>>,
    result: Option<Result<T, String>>,
}

impl<T: Clone + 'static> BackgroundTask<T> {
    pub(crate) fn spawn(work: impl Future<Output = Result<T, String>> + 'static) -> Self {
        let (sender, receiver) = oneshot::channel();
        spawn_local(async move {
            // Fails only if the task was dropped, and nobody wants the result.
            let _ = sender.send(work.await);
        });
        Self { receiver, result: None }
    }

    /// Waits for the result. Later calls return the same result again.
    pub(crate) async fn result(&mut self) -> Result<T, String> {
        if let Some(result) = &self.result {
            return result.clone();
        }
        // The spawned work owns the sender and always sends, so that this fails only after a panic.
        let result = (&mut self.receiver).await.unwrap_or_else(|_| Err("the task was dropped".to_owned()));
        self.result = Some(result.clone());
        result
    }
}
