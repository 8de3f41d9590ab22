//! Handles Ctrl-C, SIGTERM, a closed terminal, and files that grow beyond a limit.

#[cfg(unix)]
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
#[cfg(unix)]
use std::task::Poll;

use splatgraph::run::CancelToken;

use crate::cli::failure::INTERRUPTED;
#[cfg(unix)]
use crate::cli::failure::{HUNG_UP, TERMINATED};

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
                super::end(stop.next().await);
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
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Listener {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let [interrupt, terminate, hang_up] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self { interrupt: interrupt?, terminate: terminate?, hang_up: hang_up? })
    }

    /// The exit code of the next signal.
    async fn next(&mut self) -> u8 {
        poll_fn(|context| {
            let all =
                [(&mut self.interrupt, INTERRUPTED), (&mut self.terminate, TERMINATED), (&mut self.hang_up, HUNG_UP)];
            for (signal, code) in all {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(code);
                }
            }
            Poll::Pending
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

/// Turns a write beyond the limit on the size of files (`ulimit -f`) into an error of this write. Otherwise the system would end
/// the process, and leave half a file.
#[cfg(unix)]
pub(crate) fn survive_file_size_limit() {
    const SIGXFSZ: i32 = 25;
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    let _guard = runtime.enter();
    // Listening replaces the system's own reaction for good. A failure leaves that reaction.
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)));
}

#[cfg(not(unix))]
pub(crate) fn survive_file_size_limit() {}
