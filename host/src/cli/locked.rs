//! The option `--locked`.

use std::path::PathBuf;

use splatgraph::graph::{self, Checked, Problems};
use splatgraph::locked::{self, Lock};
use splatgraph::registry::Registry;
use splatgraph::run::Settings;

use super::failure::{Failure, Outcome};

// For commands that run or check a graph.
#[derive(clap::Args)]
pub(crate) struct LockedOption {
    /// Run nothing if the graph, its files, its models, the packs, the device or the processor are not those of the lock: the file
    /// beside the graph, what the picture or the bundle has, or FILE. `splatgraph lock` writes one. Files that NAME=VALUE names may be any
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    locked: Option<Option<PathBuf>>,
}

/// The lock that a run has to fit, if there is one.
pub(crate) struct Locked(Option<Lock>);

impl LockedOption {
    /// Reads the lock of a graph.
    pub(crate) fn read(&self, origin: &graph::Origin) -> Outcome<Locked> {
        let lock = match &self.locked {
            None => return Ok(Locked(None)),
            Some(None) => locked::of_graph(origin),
            Some(Some(file)) => locked::read(file),
        };
        lock.map(|lock| Locked(Some(lock))).map_err(Failure::usage)
    }
}

impl Locked {
    /// Whether there is a lock.
    pub(crate) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Adds to the problems of a graph what differs from the lock, as far as that shows.
    pub(crate) fn with_differences(&self, problems: Problems, file: &graph::File, registry: &Registry) -> Problems {
        let mut all = problems;
        let differences = self.0.as_ref().and_then(|lock| lock.of_unchecked(file, registry).ok());
        all.problems.extend(differences.unwrap_or_default());
        all
    }

    /// Compares a checked graph with the lock. The device is in the settings. The inner error has all differences.
    pub(crate) fn compare(&self, checked: &Checked, settings: &Settings) -> Outcome<Result<(), Problems>> {
        let Some(lock) = &self.0 else { return Ok(Ok(())) };
        lock.check(checked, settings).map_err(Failure::usage)
    }

    /// Refuses a checked graph that differs from the lock.
    pub(crate) fn check(&self, checked: &Checked, settings: &Settings) -> Outcome {
        self.compare(checked, settings)?.map_err(|problems| Failure::problems(&problems))
    }
}
