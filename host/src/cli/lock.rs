//! `splatgraph lock`.

use std::path::{Path, PathBuf};

use splatgraph::graph;
use splatgraph::locked::{self, Lock, LockError};
use splatgraph::run::Settings;

use super::device::{DeviceOptions, say_unless};
use super::failure::{FAILED, Failure, Outcome};
use super::given::{GivenOptions, ValueOptions};
use super::output::{self, count};
use super::pack_folders::PackFolders;
use super::source;

/// Write down everything that the results of a graph depend on, so that `run --locked` finds every difference
///
/// The lock has the SHA-256 of the graph, of the graphs in it, of packs, models and files, and the device and the instructions of the
/// processor. It is the file graph.lock.json beside graph.json, which people can read. A lock that exists is replaced.
#[derive(clap::Args)]
#[command(
    override_usage = "splatgraph lock [OPTIONS] <GRAPH> [NAME=VALUE]...",
    after_help = "Exit codes: 0 done; 1 a file cannot be read or written; 2 the command line or the graph is wrong; 3 a pack or a model is missing."
)]
pub(crate) struct Options {
    /// A .json graph, or a picture with a graph in it
    graph: PathBuf,
    #[command(flatten)]
    inputs: ValueOptions,
    /// Search for models in this folder too; may be given several times
    #[arg(long = "models", value_name = "DIR")]
    models: Vec<PathBuf>,
    /// Write the lock into this file [default: graph.lock.json beside graph.json]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    packs: PackFolders,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let file = source::read(&options.graph)?;
    let path = match &options.out {
        Some(path) => {
            refuse_other_file(path)?;
            path.clone()
        }
        None => default_file(&file.origin)?,
    };
    let registry = options.packs.load_for_graph(&file, &[])?;
    let given = GivenOptions::of(&options.inputs, &options.models);
    let given = given.given(Some((&file, &registry)))?;
    let checked = graph::check_with_files(file, &registry, &given).map_err(|problems| Failure::problems(&problems))?;
    checked.warnings.iter().for_each(output::about_graph);
    let mut settings = Settings::new();
    options.device.for_runs().choose(&checked, &mut settings, say_unless(true))?;
    let sum = locked::graph_sum(&checked.file().origin).map_err(failed)?;
    let lock = Lock::of(&checked, sum, &settings).map_err(|error| failed(error.into()))?;
    for input in checked.unknown_reads() {
        output::warning(&format!(
            "`{input}` takes its path from another node, so the lock does not have its file; give it a path in the graph"
        ));
    }
    locked::write(&lock, &path).map_err(failed)?;
    output::print(&format!(
        "Locked {}, {}, {} and {}\n  {}",
        count(1 + lock.parts.len(), "graph"),
        count(lock.packs.len(), "pack"),
        count(lock.models.len(), "model"),
        count(lock.files.len(), "file"),
        output::shown(&path)
    ))
}

/// The file beside the graph. A bundle has its lock inside.
fn default_file(origin: &graph::Origin) -> Outcome<PathBuf> {
    match origin {
        graph::Origin::Bundle(_) => Err(Failure::usage(
            "expected a graph or a picture, got a bundle, which has its lock; name a file with --out",
        )),
        _ => locked::beside(origin).ok_or_else(|| Failure::usage(LockError::NoFile)),
    }
}

/// Refuses to replace a file that is no lock.
fn refuse_other_file(path: &Path) -> Outcome {
    if path.symlink_metadata().is_err() || locked::read(path).is_ok() {
        return Ok(());
    }
    source::refuse_existing(path)
}

fn failed(error: LockError) -> Failure {
    match error {
        LockError::NoFile => Failure::usage(error),
        error => Failure::new(FAILED, error),
    }
}
