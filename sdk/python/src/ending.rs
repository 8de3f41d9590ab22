//! The end of the interpreter. A thread that asks for the interpreter after it ended is ended by Python in the middle of Rust's
//! functions, which crashes the process. So threads announce themselves before they ask, and wait for ever once the interpreter ends.

use pyo3::Python;
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Whether the interpreter ends.
static ENDING: AtomicBool = AtomicBool::new(false);
/// The threads that have the interpreter or are about to ask for it.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// How long the end waits for threads that have the interpreter.
const PATIENCE: Duration = Duration::from_secs(1);

/// As long as it lives, the interpreter does not end.
struct Inside;

impl Inside {
    fn new() -> Option<Self> {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        let inside = Self;
        (!ENDING.load(Ordering::SeqCst)).then_some(inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Calls `f` with the interpreter, unless it ends.
pub(crate) fn attached<T>(f: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = Inside::new()?;
    Some(Python::attach(f))
}

/// Calls `f` while other threads have the interpreter. Never returns if the interpreter ends meanwhile.
pub(crate) fn detached<T: Send>(py: Python<'_>, f: impl FnOnce() -> T + Send) -> T {
    let (done, _inside) = py.detach(|| {
        let done = f();
        match Inside::new() {
            Some(inside) => (done, inside),
            None => wait_for_the_end(),
        }
    });
    done
}

/// Waits for the end of the process.
pub(crate) fn wait_for_the_end() -> ! {
    loop {
        thread::park();
    }
}

/// Lets no thread ask for the interpreter any more. Python calls this before the interpreter ends.
#[pyo3::pyfunction]
pub(crate) fn end(py: Python<'_>) {
    ENDING.store(true, Ordering::SeqCst);
    py.detach(|| {
        let start = Instant::now();
        while INSIDE.load(Ordering::SeqCst) > 0 && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
    });
}
