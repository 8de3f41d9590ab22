//! Runs rayon work on as many threads as the run allows.

use crate::{Ctx, Error, Result, settings};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::{cell::RefCell, error::Error as _, rc::Rc, sync::OnceLock};

thread_local! {
    /// The pool that the last node on this thread used. Hosts run many nodes on one thread, so the pool is usually the right
    /// one for the next node; nodes that run at the same time have separate pools.
    static LAST: RefCell<Option<Rc<ThreadPool>>> = const { RefCell::new(None) };
}

impl Ctx {
    /// Runs `work` with rayon's parallel iterators limited to the number of threads in [`settings::threads`], or to one
    /// thread per core when the setting is left out. Needs the feature `rayon`.
    ///
    /// # Errors
    /// The work failed, or the threads can't be started.
    pub fn on_threads<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        match settings::threads(self.settings()) {
            Some(threads) => pool(threads)?.install(work),
            None => work(),
        }
    }
}

fn pool(threads: usize) -> Result<Rc<ThreadPool>> {
    let last = LAST.with(|last| last.borrow().clone()).filter(|pool| pool.current_num_threads() == threads);
    if let Some(pool) = last {
        return Ok(pool);
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = Rc::new(pool.map_err(|error| no_threads(&error))?);
    LAST.with(|last| *last.borrow_mut() = Some(pool.clone()));
    Ok(pool)
}

/// Starts rayon's own threads, which rayon would do by itself later, with a panic if the system has no threads left.
pub(crate) fn start() -> Result<()> {
    static STARTED: OnceLock<Result<()>> = OnceLock::new();
    let started = STARTED.get_or_init(|| match ThreadPoolBuilder::new().build_global() {
        // An error without a source says that the threads are there already.
        Err(error) if error.source().is_some() => Err(no_threads(&error)),
        _ => Ok(()),
    });
    started.clone()
}

fn no_threads(error: &ThreadPoolBuildError) -> Error {
    Error::new(format!("expected threads to compute with, got none: {error}; end other programs, or raise the limits"))
}

#[cfg(test)]
mod tests {
    use crate::{host::context, testing::Recorder};
    use serde_json::json;

    #[test]
    fn work_runs_on_the_threads_of_the_setting() {
        let host = Recorder::default();
        let threads = |settings| {
            host.set(settings);
            context(host.clone()).on_threads(|| Ok(rayon::current_num_threads())).unwrap()
        };
        let all = rayon::current_num_threads();
        let wanted = [json!({"threads": 3}), json!({"threads": 3}), json!({"threads": 1}), json!({})];
        assert_eq!(wanted.map(threads), [3, 3, 1, all]);
    }
}
