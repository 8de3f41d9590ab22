//! Which packs run in processes of their own, and how.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Takes the id of a pack and its file.
pub type Contains = dyn Fn(&str, &Path) -> bool + Send + Sync;

/// Which packs run in worker processes, and how these are started.
#[derive(Clone)]
pub struct Containment {
    /// Whether a pack runs in a worker process.
    pub contains: Arc<Contains>,
    /// How the processes are started.
    pub launch: Launch,
}

/// How worker processes are started, and what they may do. Packs in other languages have a program of their own.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program that calls [`serve_worker`](super::serve_worker) with the path of a library, its last argument.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
    /// The most bytes of memory of a worker.
    pub memory: Option<u64>,
    /// The longest time that a node may take.
    pub node_timeout: Option<Duration>,
    /// The pack whose worker is stopped at its start, until a debugger or a user lets it go on. It has no limits of time.
    pub wait_for_debugger: Option<String>,
}

impl fmt::Debug for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Containment").field("launch", &self.launch).finish_non_exhaustive()
    }
}
