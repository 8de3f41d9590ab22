//! Which packs run in processes of their own, and how.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::search::{Origin, Surroundings, places};

/// The hidden command of the program `splatgraph` that serves the nodes of a library, its last argument.
pub const WORKER_COMMAND: &str = "worker";
/// Stands for every pack among the packs to contain.
pub const ALL_PACKS: &str = "all";

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

impl Containment {
    /// Contains the packs with the ids `contain` ([`ALL_PACKS`] stands for every pack) and those that users and systems added, but
    /// not those with the ids `in_process`.
    #[must_use]
    pub fn new(contain: Vec<String>, in_process: Vec<String>, around: &Surroundings, launch: Launch) -> Self {
        let added: Vec<PathBuf> = places(&[], around)
            .into_iter()
            .filter(|place| place.origin == Origin::DataDirectory)
            .filter_map(|place| place.folder.canonicalize().ok())
            .collect();
        let contains = move |id: &str, path: &Path| {
            let is_named = contain.iter().any(|pack| pack == id || pack == ALL_PACKS);
            let is_added = added.iter().any(|folder| path.starts_with(folder));
            (is_named || is_added) && !in_process.iter().any(|pack| pack == id)
        };
        Self { contains: Arc::new(contains), launch }
    }
}

impl Launch {
    /// Workers of the program `splatgraph` at this path. Each may take three quarters of the machine's memory.
    #[must_use]
    pub fn of_program(program: PathBuf) -> Self {
        Self {
            program,
            arguments: vec![WORKER_COMMAND.into()],
            memory: most_memory(),
            node_timeout: None,
            wait_for_debugger: None,
        }
    }
}

/// Three quarters of the memory of the machine; `None` where the system does not say how much there is.
fn most_memory() -> Option<u64> {
    let about = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = about.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024 / 4 * 3)
}

impl fmt::Debug for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Containment").field("launch", &self.launch).finish_non_exhaustive()
    }
}
