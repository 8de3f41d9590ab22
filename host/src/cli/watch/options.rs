//! The options of `splatgraph watch`.

use std::path::PathBuf;

use crate::cli::device::DeviceOptions;
use crate::cli::given::GivenOptions;
use crate::cli::options::{MetadataOption, PixelsOption, QuietOption, StoreOptions, ThreadsOption};
use crate::cli::run_packs::RunPacks;

/// Run a graph, and run it again when it, a file that it reads or a pack changes
///
/// Only the nodes that a change affects run again. If the graph has problems, they are printed and the last result stays.
/// Packs are reloaded when their libraries change. A change during a run cancels the run. Ctrl-C ends the watch.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 ended by Ctrl-C between runs; 2 the command line is wrong, or there is no such graph; \
                        129, 130 or 143 ended during a run."
)]
pub(crate) struct Options {
    /// A .json graph, or a picture with a graph in it
    pub(super) graph: PathBuf,
    #[command(flatten)]
    pub(super) given: GivenOptions,
    #[command(flatten)]
    pub(super) packs: RunPacks,
    #[command(flatten)]
    pub(super) threads: ThreadsOption,
    #[command(flatten)]
    pub(super) device: DeviceOptions,
    #[command(flatten)]
    pub(super) pixels: PixelsOption,
    #[command(flatten)]
    pub(super) store: StoreOptions,
    #[command(flatten)]
    pub(super) quiet: QuietOption,
    /// Print the result of every run as one line of JSON, and no progress
    #[arg(long)]
    pub(super) json: bool,
    /// Write previews of running nodes into this folder: the newest picture of each as NODE.png
    #[arg(long, value_name = "DIR")]
    pub(super) previews: Option<PathBuf>,
    #[command(flatten)]
    pub(super) metadata: MetadataOption,
}

impl Options {
    pub(super) fn quiet(&self) -> bool {
        self.quiet.quiet
    }
}
