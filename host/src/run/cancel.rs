//! The token that cancels runs.

use std::sync::Arc;
use tokio::sync::watch;

/// Stops runs from another thread. A copy stops the same runs.
#[derive(Clone)]
pub struct CancelToken(Arc<watch::Sender<bool>>);

impl CancelToken {
    /// A token that has cancelled nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Asks the runs that hold this token to stop.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether someone called [`cancel`](Self::cancel).
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for [`cancel`](Self::cancel).
    pub async fn cancelled(&self) {
        // Waiting fails only when the sender is gone, and `self` holds it.
        let _ = self.0.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}
