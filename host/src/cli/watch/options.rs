//! The options of `splatgraph watch`.

use std::path::PathBuf;

use crate::cli::device::DeviceOptions;
use crate::cli::given::GivenOptions;
use crate::cli::options::{QuietOption, ThreadsOption};
use crate::cli::pack_folders::PackFolders;

/// Run a graph, and again whenever it, a file it reads or a pack changes
///
/// Only nodes run again that a change concerns. What is wrong with a graph is printed, and the last result stays. Packs
/// are loaded anew when their libraries change. A change in the middle of a run cancels it. Ctrl-C ends.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 ended by Ctrl-C between runs; 2 the command line is wrong, or there is no such graph; \
                        130 or 143 ended during a run."
)]
pub(crate) struct Options {
    /// A .json graph, or a picture with a graph in it
    pub(super) graph: PathBuf,
    #[command(flatten)]
    pub(super) given: GivenOptions,
    #[command(flatten)]
    pub(super) packs: PackFolders,
    #[command(flatten)]
    pub(super) threads: ThreadsOption,
    #[command(flatten)]
    pub(super) device: DeviceOptions,
    #[command(flatten)]
    pub(super) quiet: QuietOption,
    /// Print the result of every run as JSON, one line each, and no progress
    #[arg(long)]
    pub(super) json: bool,
    /// Write what nodes show while they go on into this folder: the newest picture of each as NODE.png
    #[arg(long, value_name = "DIR")]
    pub(super) previews: Option<PathBuf>,
    /// Write pictures without the graph in them
    #[arg(long)]
    pub(super) no_metadata: bool,
}

impl Options {
    pub(super) fn quiet(&self) -> bool {
        self.quiet.quiet
    }
}
