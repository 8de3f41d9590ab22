//! How many threads a node works on.

use rayon::ThreadPoolBuilder;
use splatgraph_sdk::{Ctx, Result};

/// Does the work on as many threads as the host's setting `threads` says; without it, on one for each core.
pub(crate) fn within<T: Send>(ctx: &Ctx, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    match ctx.settings().get("threads").and_then(serde_json::Value::as_u64) {
        Some(threads) => ThreadPoolBuilder::new().num_threads(threads as usize).build()?.install(work),
        None => work(),
    }
}
