//! Work that goes on whether or not somebody waits for it.

use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;

/// Work that was responded, and its result once that is there. A future that is not waited for would stand still.
pub(crate) struct BackgroundTask<T> {
    receiver: oneshot::Receiver<Result<T, String>>,
    result: Option<Result<T, String>>,
}

impl<T: Clone + 'static> BackgroundTask<T> {
    /// Begins it.
    pub(crate) fn spawn(work: impl Future<Output = Result<T, String>> + 'static) -> Self {
        let (sender, receiver) = oneshot::channel();
        spawn_local(async move {
            // Fails only where nobody wants the result any more.
            let _ = sender.send(work.await);
        });
        Self { receiver, result: None }
    }

    /// Waits for the result; it is the same each time.
    pub(crate) async fn result(&mut self) -> Result<T, String> {
        if let Some(result) = &self.result {
            return result.clone();
        }
        // The task owns the sender and always sends.
        let result = (&mut self.receiver).await.unwrap_or_else(|_| Err("the task was dropped".to_owned()));
        self.result = Some(result.clone());
        result
    }
}
