//! `splatgraph man`, which writes manual pages for packages.

use std::path::PathBuf;

use clap::CommandFactory;

use super::Arguments;
use super::failure::{FAILED, Failure, Outcome};
use super::output::shown;

/// Write manual pages into a folder: splatgraph.1, and one for each command
#[derive(clap::Args)]
#[command(hide = true)]
pub(crate) struct Options {
    /// An existing folder
    folder: PathBuf,
}

pub(crate) fn run(options: &Options) -> Outcome {
    clap_mangen::generate_to(Arguments::command(), &options.folder).map_err(|error| {
        let folder = shown(&options.folder);
        Failure::new(FAILED, format!("the manual pages cannot be written: {error}\n  {folder}"))
    })
}
