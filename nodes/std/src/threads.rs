//! How many threads a node works on.

use rayon::{ThreadPool, ThreadPoolBuilder};
use splatgraph_sdk::{Ctx, Result, serde_json};
use std::{cell::RefCell, rc::Rc};

thread_local! {
    /// The threads of the last node that ran on this one, as hosts run many nodes on the same. Two nodes that run side by
    /// side so have threads of their own.
    static LAST: RefCell<Option<Rc<ThreadPool>>> = const { RefCell::new(None) };
}

/// Does the work on as many threads as the host's setting `threads` says; without it, on one for each core.
pub(crate) fn within<T: Send>(ctx: &Ctx, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let Some(threads) = ctx.settings().get("threads").and_then(serde_json::Value::as_u64) else { return work() };
    let threads = usize::try_from(threads)?.max(1);
    let last = LAST.with(|last| last.borrow().clone()).filter(|pool| pool.current_num_threads() == threads);
    let pool = match last {
        Some(pool) => pool,
        None => {
            let pool = Rc::new(ThreadPoolBuilder::new().num_threads(threads).build()?);
            LAST.with(|last| *last.borrow_mut() = Some(pool.clone()));
            pool
        }
    };
    pool.install(work)
}
