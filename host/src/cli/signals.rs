//! Handles Ctrl-C and SIGTERM.

#[cfg(unix)]
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
#[cfg(unix)]
use std::task::Poll;

use splatgraph::run::CancelToken;

use crate::cli::failure::INTERRUPTED;
#[cfg(unix)]
use crate::cli::failure::TERMINATED;

/// Remembers the first signal.
#[derive(Clone, Default)]
pub(crate) struct Signals(Arc<AtomicU8>);

impl Signals {
    /// Listens in its own thread until the process ends. The first signal cancels `token` and calls `told`. A second signal
    /// ends the process at once.
    pub(crate) fn cancel(token: &CancelToken, told: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut stop = runtime.block_on(async { Listener::new() })?;
        let (signals, token) = (Self::default(), token.clone());
        let seen = signals.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            runtime.block_on(async {
                seen.0.store(stop.next().await, Ordering::SeqCst);
                token.cancel();
                told();
                std::process::exit(stop.next().await.into());
            });
        })?;
        Ok(signals)
    }

    /// The exit code of the first signal; `None` if there was none.
    pub(crate) fn code(&self) -> Option<u8> {
        Some(self.0.load(Ordering::SeqCst)).filter(|code| *code != 0)
    }
}

#[cfg(unix)]
struct Listener {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Listener {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The exit code of the next signal.
    async fn next(&mut self) -> u8 {
        poll_fn(|context| match self.interrupt.poll_recv(context) {
            Poll::Ready(_) => Poll::Ready(INTERRUPTED),
            Poll::Pending => self.terminate.poll_recv(context).map(|_| TERMINATED),
        })
        .await
    }
}

#[cfg(not(unix))]
struct Listener;

#[cfg(not(unix))]
impl Listener {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> u8 {
        // After an error there is no handler, and the system ends the process itself.
        let _ = tokio::signal::ctrl_c().await;
        INTERRUPTED
    }
}
